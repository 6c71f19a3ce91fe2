/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input and output of the legacy conversion. The input gives views of the next
 * bytes and never takes more from a pipe or socket than the stream surely has;
 * a file is read ahead and its position put right afterwards. The output
 * gathers small pieces and views of the input for one write; long runs of
 * pages go from descriptor to descriptor without passing through here.
 */
#ifndef XSR_CONVERT_LEGACY_IO_H
#define XSR_CONVERT_LEGACY_IO_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "lib/err.h"

#define XSR_LG_BUF   (256u << 10) /* longest view; fits a processor's cache */
#define XSR_LG_ARENA (64u << 10)
#define XSR_LG_IOVS  512u

struct xsr_lg_out {
    int fd;       /* borrowed */
    uint64_t pos; /* bytes given to it, written or not */
    size_t n_iov, pending;
    bool views; /* some of them are views of the input */
    size_t used;
    struct iovec iov[XSR_LG_IOVS];
    uint8_t arena[XSR_LG_ARENA];
};

struct xsr_lg_in {
    int fd;         /* borrowed */
    bool file;      /* read with pread() */
    bool no_splice; /* does not work between these two: copy */
    size_t sure;    /* so much surely follows whatever is asked for */
    size_t fill;    /* file: how much to read at a time */
    uint64_t pos;   /* in the stream, of the next byte */
    off_t at;       /* file: position behind the buffer's bytes */
    size_t start, end;
    struct xsr_lg_out *out; /* may hold views of buf */
    uint8_t buf[XSR_LG_BUF];
};

void xsr_lg_out_init(struct xsr_lg_out *out, int fd);
int xsr_lg_put(struct xsr_lg_out *out, const void *p, size_t n,
               struct xsr_err *err);
int xsr_lg_put_u32(struct xsr_lg_out *out, uint32_t v, struct xsr_err *err);
int xsr_lg_put_u64(struct xsr_lg_out *out, uint64_t v, struct xsr_err *err);
int xsr_lg_put_zero(struct xsr_lg_out *out, size_t n, struct xsr_err *err);
int xsr_lg_flush(struct xsr_lg_out *out, struct xsr_err *err);
/* The first len bytes of a file, from its beginning. */
int xsr_lg_put_file(struct xsr_lg_out *out, int fd, uint64_t len,
                    struct xsr_err *err);

/* head: bytes that were taken from fd already. out: who gets views. */
int xsr_lg_in_init(struct xsr_lg_in *in, int fd, const void *head,
                   size_t n_head, struct xsr_lg_out *out, struct xsr_err *err);
/* View of the next n <= XSR_LG_BUF bytes, valid until the next call. */
int xsr_lg_need(struct xsr_lg_in *in, size_t n, const char *what,
                const uint8_t **out, struct xsr_err *err);
/* The same, and they are used up. */
int xsr_lg_take(struct xsr_lg_in *in, size_t n, const char *what,
                const uint8_t **out, struct xsr_err *err);
/* The next n bytes, any number, go to out; out NULL: nowhere. */
int xsr_lg_copy(struct xsr_lg_in *in, struct xsr_lg_out *out, uint64_t n,
                const char *what, struct xsr_err *err);
/* All that is left; fails only when that is more than max. */
int xsr_lg_copy_to_end(struct xsr_lg_in *in, struct xsr_lg_out *out,
                       uint64_t max, const char *what, struct xsr_err *err);
/* Is a byte there, or has the input ended? Waits for either. */
int xsr_lg_more(struct xsr_lg_in *in, bool *more_out, struct xsr_err *err);
/* Leave the descriptor just behind the bytes that were used. */
int xsr_lg_settle(struct xsr_lg_in *in, struct xsr_err *err);

#endif
