/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes from the input to the output of a conversion. Nearly all of an image
 * stays as it is, so what is kept is written from where it was read to, and
 * page contents go from descriptor to descriptor inside the kernel where that
 * is possible. Only what changes is put in or left out.
 */
#ifndef XSR_CONVERT_V2_FLOW_H
#define XSR_CONVERT_V2_FLOW_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/bytes.h"

struct xsr_flow {
    int in, out;     /* borrowed, blocking */
    bool exact;      /* never read more than is needed: the rest of the
                        input is for somebody else */
    uint64_t in_at;  /* offset of the next byte that is not consumed */
    uint64_t out_at; /* bytes of output, pending ones included */
    void (*on_moved)(void *ctx, uint64_t in_at); /* now and then; or NULL */
    void *ctx;
    /* private */
    uint8_t *mem;
    size_t span, pos, len; /* mem[span..pos) is kept and not yet written */
    size_t chunk;          /* how much to read at once */
    bool no_splice, no_sendfile;
};

/* head: bytes that were taken from in already. */
int xsr_flow_init(struct xsr_flow *f, int in, int out, const void *head,
                  size_t n_head, struct xsr_err *err);
void xsr_flow_fini(struct xsr_flow *f);

/* n <= XSR_FLOW_NEED bytes in sight; what: for the end of input. */
#define XSR_FLOW_NEED (64u << 10)
int xsr_flow_need(struct xsr_flow *f, size_t n, const char *what,
                  struct xsr_err *err);
/* Up to n bytes in sight; *got_out < n only at the end of input. */
int xsr_flow_peek(struct xsr_flow *f, size_t n, size_t *got_out,
                  struct xsr_err *err);
static inline const uint8_t *xsr_flow_p(const struct xsr_flow *f)
{
    return f->mem + f->pos;
}
/* A cursor over the next n bytes, which are in sight. */
static inline struct xsr_cur xsr_flow_cur(const struct xsr_flow *f, size_t n)
{
    struct xsr_cur cur;

    xsr_cur_init(&cur, f->mem + f->pos, n, f->in_at);
    return cur;
}

/* The next n bytes, which need not be in sight, go to the output. */
int xsr_flow_keep(struct xsr_flow *f, uint64_t n, const char *what,
                  struct xsr_err *err);
/* ... do not. */
int xsr_flow_drop(struct xsr_flow *f, uint64_t n, const char *what,
                  struct xsr_err *err);
/* ... are appended to buf instead. */
int xsr_flow_take(struct xsr_flow *f, uint64_t n, struct xsr_buf *buf,
                  const char *what, struct xsr_err *err);
/* ... are written to another descriptor instead. */
int xsr_flow_divert(struct xsr_flow *f, uint64_t n, int fd, const char *what,
                    struct xsr_err *err);
/* New bytes for the output; n bytes of another descriptor. */
int xsr_flow_put(struct xsr_flow *f, const void *p, size_t n,
                 struct xsr_err *err);
int xsr_flow_put_from(struct xsr_flow *f, int fd, uint64_t n, const char *what,
                      struct xsr_err *err);
int xsr_flow_flush(struct xsr_flow *f, struct xsr_err *err);

/*
 * Read from another descriptor for a while; all that was kept is flushed, and
 * what is in sight is forgotten. Returns the present one.
 */
int xsr_flow_switch(struct xsr_flow *f, int in);

#endif
