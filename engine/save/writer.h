/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image on its way out: small records are collected and written in one
 * piece, pages go out of guest memory directly. Whoever lets the stream out of
 * hand (a callback, END) flushes first.
 */
#ifndef XSR_ENGINE_SAVE_WRITER_H
#define XSR_ENGINE_SAVE_WRITER_H

#include <sys/uio.h>

#include "lib/buf.h"

struct xsr_writer {
    int fd;
    uint64_t pos; /* octets of the image written or collected so far */
    struct xsr_buf buf;
};

void xsr_writer_init(struct xsr_writer *w, int fd);
void xsr_writer_fini(struct xsr_writer *w);
/* One record, body and padding, behind what is collected. */
int xsr_writer_put(struct xsr_writer *w, uint32_t type, const void *body,
                   size_t len, struct xsr_err *err);
/* Octets were put into w->buf by hand. */
int xsr_writer_flush(struct xsr_writer *w, struct xsr_err *err);
/* What is collected (in iov[0], filled here) and n_iov - 1 elements behind. */
int xsr_writer_pages(struct xsr_writer *w, struct iovec *iov, size_t n_iov,
                     struct xsr_err *err);

#endif
