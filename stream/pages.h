/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PAGE_DATA: count, entries (pfn and type), and how much content follows.
 * The contents themselves are not touched here. docs/formats/libxc-image.md
 */
#ifndef XSR_STREAM_PAGES_H
#define XSR_STREAM_PAGES_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/bytes.h"
#include "stream/limits.h"

enum xsr_page_type {
    XSR_PT_NOTAB = 0x0,
    XSR_PT_L1 = 0x1,
    XSR_PT_L2 = 0x2,
    XSR_PT_L3 = 0x3,
    XSR_PT_L4 = 0x4,
    XSR_PT_PIN = 0x8, /* only together with L1..L4 */
    XSR_PT_BROKEN = 0xd,
    XSR_PT_XALLOC = 0xe,
    XSR_PT_XTAB = 0xf
};

struct xsr_page_entry {
    uint64_t pfn;
    uint8_t type;
};

struct xsr_page_rules {
    uint32_t guest;    /* enum xsr_xc3_guest */
    uint64_t max_pfn;  /* inclusive; PV: end_pfn, HVM: the domain's */
    uint8_t max_level; /* PV: 4, or 3 for a 32-bit guest */
};

struct xsr_page_batch {
    uint32_t count;  /* entries */
    uint32_t n_data; /* entries with 4096 bytes of content */
    struct xsr_page_entry entry[XSR_MAX_PAGE_BATCH];
};

static inline bool xsr_page_is_table(uint8_t type)
{
    return (type & 7) >= 1 && (type & 7) <= 4 && type <= 0xc;
}
static inline uint8_t xsr_page_level(uint8_t type)
{
    return type & 7;
}
static inline bool xsr_page_has_data(uint8_t type)
{
    return type <= 0xc;
}
static inline bool xsr_page_populates(uint8_t type)
{
    return type <= 0xc || type == XSR_PT_XALLOC;
}
const char *xsr_page_type_name(uint8_t type); /* "L1TAB|PIN", "XTAB", ... */

/*
 * First 8 bytes of the body: count and its consistency with the record length
 * (>= 1, <= XSR_MAX_PAGE_BATCH, 8 + 8*count <= len). *count_out entries follow.
 */
int xsr_pages_get_count(struct xsr_cur *cur, uint32_t len, uint32_t *count_out,
                        struct xsr_err *err);
/*
 * The entries (count * 8 bytes at the cursor) and all rules: reserved bits,
 * types, levels, pfn bound, no pfn twice, total length exact.
 */
int xsr_pages_get_entries(struct xsr_cur *cur, uint32_t len, uint32_t count,
                          const struct xsr_page_rules *rules,
                          struct xsr_page_batch *out, struct xsr_err *err);
/* Frame + count + entries of a PAGE_DATA record; the contents follow. */
int xsr_pages_put_head(struct xsr_buf *out, const struct xsr_page_entry *e,
                       uint32_t count, struct xsr_err *err);

#endif
