/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bounded cursor over bytes that somebody else owns, and little/big-endian
 * loads and stores. Nothing here allocates or does I/O. A get that would pass
 * the end fails with XSR_E_FORMAT, names the field and sets the offset.
 */
#ifndef XSR_LIB_BYTES_H
#define XSR_LIB_BYTES_H

#include <string.h>

#include "lib/err.h"

struct xsr_cur {
    const uint8_t *p;
    size_t len, pos;
    uint64_t base; /* stream offset of p[0], for error messages */
};

void xsr_cur_init(struct xsr_cur *cur, const void *p, size_t len,
                  uint64_t base);
static inline size_t xsr_cur_left(const struct xsr_cur *cur)
{
    return cur->len - cur->pos;
}
static inline uint64_t xsr_cur_offset(const struct xsr_cur *cur)
{
    return cur->base + cur->pos;
}

int xsr_get_u8(struct xsr_cur *cur, uint8_t *out, const char *field,
               struct xsr_err *err);
int xsr_get_u16(struct xsr_cur *cur, uint16_t *out, const char *field,
                struct xsr_err *err);
int xsr_get_u32(struct xsr_cur *cur, uint32_t *out, const char *field,
                struct xsr_err *err);
int xsr_get_u64(struct xsr_cur *cur, uint64_t *out, const char *field,
                struct xsr_err *err);
int xsr_get_be16(struct xsr_cur *cur, uint16_t *out, const char *field,
                 struct xsr_err *err);
int xsr_get_be32(struct xsr_cur *cur, uint32_t *out, const char *field,
                 struct xsr_err *err);
int xsr_get_be64(struct xsr_cur *cur, uint64_t *out, const char *field,
                 struct xsr_err *err);
/* View of the next n bytes, no copy; valid as long as the cursor's memory. */
int xsr_get_view(struct xsr_cur *cur, size_t n, const uint8_t **out,
                 const char *field, struct xsr_err *err);
/* The next n bytes must all be zero. */
int xsr_get_zero(struct xsr_cur *cur, size_t n, const char *field,
                 struct xsr_err *err);
/* Nothing may be left. */
int xsr_cur_end(const struct xsr_cur *cur, const char *what,
                struct xsr_err *err);

static inline uint16_t xsr_le16(const void *p)
{
    const uint8_t *b = p;
    return (uint16_t)(b[0] | b[1] << 8);
}
static inline uint32_t xsr_le32(const void *p)
{
    const uint8_t *b = p;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}
static inline uint64_t xsr_le64(const void *p)
{
    const uint8_t *b = p;
    return xsr_le32(b) | (uint64_t)xsr_le32(b + 4) << 32;
}
static inline uint32_t xsr_be32(const void *p)
{
    return __builtin_bswap32(xsr_le32(p));
}
static inline void xsr_st_le16(void *p, uint16_t v)
{
    uint8_t *b = p;
    b[0] = (uint8_t)v;
    b[1] = (uint8_t)(v >> 8);
}
static inline void xsr_st_le32(void *p, uint32_t v)
{
    uint8_t *b = p;
    xsr_st_le16(b, (uint16_t)v);
    xsr_st_le16(b + 2, (uint16_t)(v >> 16));
}
static inline void xsr_st_le64(void *p, uint64_t v)
{
    uint8_t *b = p;
    xsr_st_le32(b, (uint32_t)v);
    xsr_st_le32(b + 4, (uint32_t)(v >> 32));
}

/* Are all n bytes zero? Word-wise; any alignment. */
int xsr_all_zero(const void *p, size_t n);

#endif
