/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bounded cursor. Every byte that comes from outside is read through
 * here: a get either has all the bytes it wants or fails, naming the field
 * and the offset; the cursor does not move on failure.
 */
#include "lib/bytes.h"

void xsr_cur_init(struct xsr_cur *cur, const void *p, size_t len, uint64_t base)
{
    cur->p = p;
    cur->len = len;
    cur->pos = 0;
    cur->base = base;
}

/* The one place that decides whether n bytes are there. */
static const uint8_t *take_bytes(struct xsr_cur *cur, size_t n,
                                 const char *field, struct xsr_err *err)
{
    const uint8_t *at;

    if (n > xsr_cur_left(cur)) {
        xsr_fail(err, XSR_E_FORMAT, "%s needs %zu bytes, only %zu are left",
                 field, n, xsr_cur_left(cur));
        xsr_err_at(err, xsr_cur_offset(cur));
        return NULL;
    }
    if (n == 0) /* p may be NULL for an empty cursor */
        return cur->p ? cur->p + cur->pos : (const uint8_t *)"";
    at = cur->p + cur->pos;
    cur->pos += n;
    return at;
}

int xsr_get_u8(struct xsr_cur *cur, uint8_t *out, const char *field,
               struct xsr_err *err)
{
    const uint8_t *p = take_bytes(cur, 1, field, err);

    if (!p)
        return -1;
    *out = *p;
    return 0;
}

int xsr_get_u16(struct xsr_cur *cur, uint16_t *out, const char *field,
                struct xsr_err *err)
{
    const uint8_t *p = take_bytes(cur, 2, field, err);

    if (!p)
        return -1;
    *out = xsr_le16(p);
    return 0;
}

int xsr_get_u32(struct xsr_cur *cur, uint32_t *out, const char *field,
                struct xsr_err *err)
{
    const uint8_t *p = take_bytes(cur, 4, field, err);

    if (!p)
        return -1;
    *out = xsr_le32(p);
    return 0;
}

int xsr_get_u64(struct xsr_cur *cur, uint64_t *out, const char *field,
                struct xsr_err *err)
{
    const uint8_t *p = take_bytes(cur, 8, field, err);

    if (!p)
        return -1;
    *out = xsr_le64(p);
    return 0;
}

int xsr_get_be16(struct xsr_cur *cur, uint16_t *out, const char *field,
                 struct xsr_err *err)
{
    uint16_t v;

    if (xsr_get_u16(cur, &v, field, err) < 0)
        return -1;
    *out = __builtin_bswap16(v);
    return 0;
}

int xsr_get_be32(struct xsr_cur *cur, uint32_t *out, const char *field,
                 struct xsr_err *err)
{
    uint32_t v;

    if (xsr_get_u32(cur, &v, field, err) < 0)
        return -1;
    *out = __builtin_bswap32(v);
    return 0;
}

int xsr_get_be64(struct xsr_cur *cur, uint64_t *out, const char *field,
                 struct xsr_err *err)
{
    uint64_t v;

    if (xsr_get_u64(cur, &v, field, err) < 0)
        return -1;
    *out = __builtin_bswap64(v);
    return 0;
}

int xsr_get_view(struct xsr_cur *cur, size_t n, const uint8_t **out,
                 const char *field, struct xsr_err *err)
{
    const uint8_t *p = take_bytes(cur, n, field, err);

    if (!p)
        return -1;
    *out = p;
    return 0;
}

int xsr_get_zero(struct xsr_cur *cur, size_t n, const char *field,
                 struct xsr_err *err)
{
    const uint8_t *p = take_bytes(cur, n, field, err);
    size_t i;

    if (!p)
        return -1;
    for (i = 0; i < n; i++)
        if (p[i]) {
            cur->pos -= n;
            xsr_fail(err, XSR_E_FORMAT,
                     "%s must be zero, byte %zu of %zu is 0x%02x", field, i, n,
                     p[i]);
            return xsr_err_at(err, xsr_cur_offset(cur) + i);
        }
    return 0;
}

int xsr_cur_end(const struct xsr_cur *cur, const char *what,
                struct xsr_err *err)
{
    if (xsr_cur_left(cur) == 0)
        return 0;
    xsr_fail(err, XSR_E_FORMAT, "%s has %zu bytes behind its end", what,
             xsr_cur_left(cur));
    return xsr_err_at(err, xsr_cur_offset(cur));
}

int xsr_all_zero(const void *p, size_t n)
{
    const uint8_t *b = p;
    uint64_t word[8];
    size_t i;

    /* memcpy: any alignment; blocks of 64 so that a zero page is cheap */
    for (; n >= sizeof(word); n -= sizeof(word), b += sizeof(word)) {
        memcpy(word, b, sizeof(word));
        if (word[0] | word[1] | word[2] | word[3] | word[4] | word[5] |
            word[6] | word[7])
            return 0;
    }
    for (i = 0; i < n; i++)
        if (b[i])
            return 0;
    return 1;
}
