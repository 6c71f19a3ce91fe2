/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The growing buffer: messages being put together, records being received.
 * Capacity doubles; new memory is zeroed, so that nothing of this process's
 * past can leave it behind a short write into reserved room.
 */
#include "lib/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"

#define SMALLEST_CAP 256u

void xsr_buf_init(struct xsr_buf *buf)
{
    *buf = (struct xsr_buf)XSR_BUF_INIT;
}

void xsr_buf_fini(struct xsr_buf *buf)
{
    free(buf->p);
    xsr_buf_init(buf);
}

void xsr_buf_clear(struct xsr_buf *buf)
{
    buf->len = 0;
}

int xsr_buf_reserve(struct xsr_buf *buf, size_t n, struct xsr_err *err)
{
    size_t want, cap = buf->cap ? buf->cap : SMALLEST_CAP;
    uint8_t *p;

    if (__builtin_add_overflow(buf->len, n, &want) || want > PTRDIFF_MAX)
        return xsr_fail(err, XSR_E_NOMEM,
                        "buffer of %zu bytes cannot grow by %zu", buf->len, n);
    if (want <= buf->cap)
        return 0;
    while (cap < want)
        if (__builtin_mul_overflow(cap, (size_t)2, &cap))
            cap = want;
    p = realloc(buf->p, cap);
    if (!p)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for %zu bytes", cap);
    memset(p + buf->cap, 0, cap - buf->cap);
    buf->p = p;
    buf->cap = cap;
    return 0;
}

int xsr_buf_put(struct xsr_buf *buf, const void *p, size_t n,
                struct xsr_err *err)
{
    if (xsr_buf_reserve(buf, n, err) < 0)
        return -1;
    if (n)
        memcpy(buf->p + buf->len, p, n);
    buf->len += n;
    return 0;
}

int xsr_buf_put_zero(struct xsr_buf *buf, size_t n, struct xsr_err *err)
{
    if (xsr_buf_reserve(buf, n, err) < 0)
        return -1;
    if (n)
        memset(buf->p + buf->len, 0, n);
    buf->len += n;
    return 0;
}

int xsr_buf_put_u16(struct xsr_buf *buf, uint16_t v, struct xsr_err *err)
{
    uint8_t b[2];

    xsr_st_le16(b, v);
    return xsr_buf_put(buf, b, sizeof(b), err);
}

int xsr_buf_put_u32(struct xsr_buf *buf, uint32_t v, struct xsr_err *err)
{
    uint8_t b[4];

    xsr_st_le32(b, v);
    return xsr_buf_put(buf, b, sizeof(b), err);
}

int xsr_buf_put_u64(struct xsr_buf *buf, uint64_t v, struct xsr_err *err)
{
    uint8_t b[8];

    xsr_st_le64(b, v);
    return xsr_buf_put(buf, b, sizeof(b), err);
}

int xsr_buf_printf(struct xsr_buf *buf, struct xsr_err *err, const char *fmt,
                   ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return xsr_fail(err, XSR_E_BUG, "text cannot be formatted");
    /* one more for the NUL, which is there but not counted in len */
    if (xsr_buf_reserve(buf, (size_t)n + 1, err) < 0)
        return -1;
    va_start(ap, fmt);
    vsnprintf((char *)buf->p + buf->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    buf->len += (size_t)n;
    return 0;
}

void xsr_buf_drop(struct xsr_buf *buf, size_t n)
{
    if (n >= buf->len) {
        buf->len = 0;
        return;
    }
    if (n == 0)
        return;
    memmove(buf->p, buf->p + n, buf->len - n);
    buf->len -= n;
}
