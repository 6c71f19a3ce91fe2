/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command that carries a migration to its receiver (ssh, or anything that
 * connects its standard input and output with one). Its standard error is
 * passed on, and the last line of it remembered for the error message.
 */
#ifndef XSR_TOOLS_TRANSPORT_H
#define XSR_TOOLS_TRANSPORT_H

#include <pthread.h>
#include <stdbool.h>

#include "lib/proc.h"

struct xsr_transport {
    int out_fd, in_fd; /* to and from the receiver; closed by end() */
    /* private */
    struct xsr_child child;
    bool reading;
    pthread_t reader;
    int words_fd, quit_fd; /* its standard error; tells the reader to end */
    char last[160];        /* the reader's until it has ended */
    char command[60];
    char how[80]; /* it ended; "" until then */
    bool failed, forced;
};
#define XSR_TRANSPORT_INIT                                                 \
    {                                                                      \
        -1, -1, XSR_CHILD_INIT, false, 0, -1, -1, "", "", "", false, false \
    }

/*
 * Start argv, directly and not by a shell. Ctrl-C and a hangup of the terminal
 * are not for it: we end it when everything is settled.
 */
int xsr_transport_start(struct xsr_transport *t, char **argv,
                        struct xsr_err *err);

/*
 * No more to send: wait until it ends; after patience_ms SIGTERM, after as much
 * again SIGKILL. Idempotent.
 */
void xsr_transport_end(struct xsr_transport *t, unsigned patience_ms);

/* Did it end by itself and well? Only after end(). */
bool xsr_transport_well(const struct xsr_transport *t);
/* "\"ssh\" exited with status 255, its last words: ..." */
const char *xsr_transport_words(const struct xsr_transport *t, char *out,
                                size_t out_len);

#endif
