/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The output as an event source: bytes or a piece of a file go to the fd when
 * it takes them. The fd is shared with the save helper and stays blocking, so
 * at most as much is written at once as a readiness report promises.
 */
#ifndef XSR_PLUGIN_SINK_H
#define XSR_PLUGIN_SINK_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/loop.h"

/* err NULL: the system has accepted all of it. Called once per request. */
typedef void xsr_sink_done(void *ctx, const struct xsr_err *err);

enum xsr_sink_kind { XSR_SINK_FILE, XSR_SINK_SOCKET, XSR_SINK_OTHER };

struct xsr_sink {
    struct xsr_loop *loop;
    int fd; /* borrowed */
    enum xsr_sink_kind kind;
    uint64_t written;   /* by us */
    struct xsr_buf buf; /* what to write; filled before xsr_sink_send() */
    /* private: the request in progress */
    struct xsr_loop_fd *watch;
    size_t sent; /* of buf */
    int from_fd; /* file whose bytes follow; -1: none */
    uint64_t from_left;
    const char *from_what;
    xsr_sink_done *on_done;
    void *ctx;
};

int xsr_sink_init(struct xsr_sink *s, struct xsr_loop *loop, int fd,
                  struct xsr_err *err);
void xsr_sink_fini(struct xsr_sink *s); /* idempotent */
/* Write what s->buf holds; it is empty afterwards. */
void xsr_sink_send(struct xsr_sink *s, xsr_sink_done *on_done, void *ctx);
/* Write the next n bytes of a regular file. what: names it in errors. */
void xsr_sink_copy(struct xsr_sink *s, int from_fd, uint64_t n,
                   const char *what, xsr_sink_done *on_done, void *ctx);
/* Drop the request in progress; its on_done is not called any more. */
void xsr_sink_stop(struct xsr_sink *s);

#endif
