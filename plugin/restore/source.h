/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The input as an event source: bytes that were peeked at first, then the fd.
 * The fd is shared with the save helper, so never a byte is taken beyond what
 * the caller asked for, the fd stays blocking, and there is exactly one read()
 * per readiness report.
 */
#ifndef XSR_PLUGIN_SOURCE_H
#define XSR_PLUGIN_SOURCE_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/loop.h"

/* err NULL: all asked for has arrived. Called once per request. */
typedef void xsr_source_done(void *ctx, const struct xsr_err *err);
/* A piece of a long body, in order; -1 ends the request with *err. */
typedef int xsr_source_piece(void *ctx, const uint8_t *p, size_t n,
                             struct xsr_err *err);

struct xsr_source {
    struct xsr_loop *loop;
    int fd;              /* borrowed; others: xsr_source_stream_fd() */
    bool v2;             /* what it reads is a libxl v2 stream */
    const uint8_t *head; /* borrowed; taken before the fd's bytes */
    size_t n_head;
    uint64_t pos;       /* of the next byte, from the first one */
    bool pos_known;     /* false: counts from the end of the image */
    struct xsr_buf buf; /* what collect() has collected */
    /* private: the request in progress */
    struct xsr_loop_fd *watch;
    uint64_t left;
    const char *what;
    uint64_t want;
    bool keep; /* collect(): into buf */
    xsr_source_piece *on_piece;
    xsr_source_done *on_done;
    void *ctx;
    uint8_t *piece; /* memory for pieces */
};

void xsr_source_init(struct xsr_source *s, struct xsr_loop *loop, int fd,
                     const void *head, size_t n_head);
void xsr_source_fini(struct xsr_source *s); /* idempotent */

/*
 * The descriptor, for whoever reads on in the stream. A number that was kept
 * from before a conversion would be the legacy stream's: that is a bug, and
 * ends the program.
 */
int xsr_source_stream_fd(const struct xsr_source *s);

/*
 * Read exactly n > 0 bytes into s->buf, which grows as they arrive. what:
 * names them in errors and must outlive the request. At most one request at
 * a time. on_done may be called before this returns, when the head has all.
 */
void xsr_source_collect(struct xsr_source *s, size_t n, const char *what,
                        xsr_source_done *on_done, void *ctx);
/* The same behind what s->buf holds already. */
void xsr_source_collect_more(struct xsr_source *s, size_t n, const char *what,
                             xsr_source_done *on_done, void *ctx);
/* The same in pieces that are not kept; n may be 0. on_piece NULL: skip. */
void xsr_source_pass(struct xsr_source *s, uint64_t n, const char *what,
                     xsr_source_piece *on_piece, xsr_source_done *on_done,
                     void *ctx);
/* The input must end here: any byte more is refused. */
void xsr_source_expect_end(struct xsr_source *s, xsr_source_done *on_done,
                           void *ctx);
/* Drop the request in progress; its on_done is not called any more. */
void xsr_source_stop(struct xsr_source *s);

#endif
