/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper's side of the conversation with its parent on fds 0 and 1: what
 * the library says and asks becomes a message, the parent's int its answer.
 * docs/formats/helper-ipc.md
 */
#ifndef XSR_HELPER_ANSWER_H
#define XSR_HELPER_ANSWER_H

#include <pthread.h>
#include <stdbool.h>

#include "lib/buf.h"
#include "lib/ipc.h"

struct xsr_answer {
    enum xsr_ipc_gen gen;
    bool muted;       /* library is being closed, or all was said */
    bool parent_gone; /* nobody reads or answers any more */
    /* the callback that the parent answered with failure, if any */
    bool was_refused;
    enum xsr_msg refused;
    int refused_answer;
    uint64_t n_sent; /* octets of messages */
    /* private */
    pthread_mutex_t lock; /* of one message, until it is written */
    struct xsr_buf out;
    struct {
        char context[32];
        char what[80]; /* phase now being reported */
        uint64_t sent_ms, sent, done, total;
    } progress;
};

void xsr_answer_init(struct xsr_answer *a, enum xsr_ipc_gen gen);
void xsr_answer_fini(struct xsr_answer *a);

/*
 * level: XSR_XTL_...; errnoval -1: none. context NULL: "xc". The one call here
 * for any thread: Xen's libraries log where they fail.
 */
void xsr_answer_log(struct xsr_answer *a, int level, int errnoval,
                    const char *context, const char *text);
/* Passes on a few per second; always a phase's beginning and its end. */
void xsr_answer_progress(struct xsr_answer *a, const char *context,
                         const char *what, uint64_t done, uint64_t total);
/* A message without answer. */
void xsr_answer_tell(struct xsr_answer *a, const struct xsr_ipc_msg *m);
/*
 * A callback: its message, and the parent's answer. Failure without asking if
 * the parent is gone or a stop is wanted (but log-dirty is switched off).
 */
int xsr_answer_ask(struct xsr_answer *a, const struct xsr_ipc_msg *m);
/* The last message; waits for the acknowledgement, not for ever. */
void xsr_answer_complete(struct xsr_answer *a, int retval, int errnoval);

#endif
