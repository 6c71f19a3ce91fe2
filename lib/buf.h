/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Growing byte buffer. Grows with bytes received or put, never because a
 * length was announced. Memory is zeroed when it becomes part of the buffer.
 */
#ifndef XSR_LIB_BUF_H
#define XSR_LIB_BUF_H

#include "lib/err.h"

struct xsr_buf {
    uint8_t *p;
    size_t len, cap;
};
#define XSR_BUF_INIT \
    {                \
        NULL, 0, 0   \
    }

void xsr_buf_init(struct xsr_buf *buf);
void xsr_buf_fini(struct xsr_buf *buf);  /* idempotent */
void xsr_buf_clear(struct xsr_buf *buf); /* len = 0, memory kept */
/* Room for n more bytes behind len; does not change len. */
int xsr_buf_reserve(struct xsr_buf *buf, size_t n, struct xsr_err *err);
int xsr_buf_put(struct xsr_buf *buf, const void *p, size_t n,
                struct xsr_err *err);
int xsr_buf_put_zero(struct xsr_buf *buf, size_t n, struct xsr_err *err);
int xsr_buf_put_u16(struct xsr_buf *buf, uint16_t v, struct xsr_err *err);
int xsr_buf_put_u32(struct xsr_buf *buf, uint32_t v, struct xsr_err *err);
int xsr_buf_put_u64(struct xsr_buf *buf, uint64_t v, struct xsr_err *err);
int xsr_buf_printf(struct xsr_buf *buf, struct xsr_err *err, const char *fmt,
                   ...) __attribute__((format(printf, 3, 4)));
/* Drop the first n bytes. */
void xsr_buf_drop(struct xsr_buf *buf, size_t n);

#endif
