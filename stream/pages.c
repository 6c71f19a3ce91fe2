/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PAGE_DATA: the head of the record, before its contents. Comes after the
 * frame (xc3) and the order (xc3_order); the contents are read by whoever has
 * a place for them, straight into guest frames if possible. All entries are
 * judged before the first byte of content is touched.
 */
#include "stream/pages.h"

#include "lib/util.h"
#include "stream/xc3.h"

#define PFN_BITS   52
#define PFN_MASK   ((1ull << PFN_BITS) - 1)
#define SEEN_SLOTS (2 * XSR_MAX_PAGE_BATCH) /* a power of two */

static const char *const type_names[16] = {
    "NOTAB",     "L1TAB",  "L2TAB",  "L3TAB",     "L4TAB",     "0x5",
    "0x6",       "0x7",    "0x8",    "L1TAB|PIN", "L2TAB|PIN", "L3TAB|PIN",
    "L4TAB|PIN", "BROKEN", "XALLOC", "XTAB",
};

const char *xsr_page_type_name(uint8_t type)
{
    return type < XSR_ARRAY_LEN(type_names) ? type_names[type] : "?";
}

int xsr_pages_get_count(struct xsr_cur *cur, uint32_t len, uint32_t *count_out,
                        struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    uint32_t count;

    if (xsr_get_u32(cur, &count, "PAGE_DATA count", err) ||
        xsr_get_zero(cur, 4, "libxc record PAGE_DATA: reserved field", err))
        return -1;
    if (!count)
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record PAGE_DATA: found count 0, allowed 1 to %u",
                 XSR_MAX_PAGE_BATCH);
    else if (count > XSR_MAX_PAGE_BATCH)
        xsr_fail(err, XSR_E_LIMIT,
                 "libxc record PAGE_DATA: found count %u, allowed 1 to %u",
                 count, XSR_MAX_PAGE_BATCH);
    else if (8 + 8ull * count > len)
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record PAGE_DATA: found length %u with count %u, "
                 "allowed at least %llu",
                 len, count, 8 + 8ull * count);
    else {
        *count_out = count;
        return 0;
    }
    return xsr_err_at(err, at);
}

static int check_entry(uint64_t word, const struct xsr_page_entry *e,
                       const struct xsr_page_rules *rules, struct xsr_err *err)
{
    bool hvm = rules->guest == XSR_XC3_HVM;

    if (word >> PFN_BITS & 0xff)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record PAGE_DATA: found entry 0x%016llx, "
                        "reserved bits 52-59 must be 0",
                        (unsigned long long)word);
    if (e->type >= 5 && e->type <= 8)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record PAGE_DATA: found reserved page type "
                        "0x%x for pfn 0x%llx, allowed 0-4 and 9-15",
                        e->type, (unsigned long long)e->pfn);
    if (hvm && xsr_page_is_table(e->type))
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record PAGE_DATA: found page table type %s for "
                        "pfn 0x%llx in an HVM image, allowed NOTAB, BROKEN, "
                        "XALLOC, XTAB",
                        xsr_page_type_name(e->type),
                        (unsigned long long)e->pfn);
    if (xsr_page_is_table(e->type) &&
        xsr_page_level(e->type) > rules->max_level)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record PAGE_DATA: found page type %s for pfn "
                        "0x%llx, allowed levels up to %u",
                        xsr_page_type_name(e->type), (unsigned long long)e->pfn,
                        rules->max_level);
    if (e->pfn > rules->max_pfn)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record PAGE_DATA: found pfn 0x%llx (%s), "
                        "allowed up to 0x%llx%s",
                        (unsigned long long)e->pfn, xsr_page_type_name(e->type),
                        (unsigned long long)rules->max_pfn,
                        hvm ? "" : ", the end of X86_PV_P2M_FRAMES");
    return 0;
}

/* Open addressing; slot value 0 = free, else pfn + 1. */
static bool seen_before(uint64_t *slots, uint64_t pfn)
{
    uint64_t i = (pfn * 0x9e3779b97f4a7c15ull) >> 53; /* 11 bits */

    for (;; i = (i + 1) & (SEEN_SLOTS - 1)) {
        if (slots[i] == pfn + 1)
            return true;
        if (!slots[i]) {
            slots[i] = pfn + 1;
            return false;
        }
    }
}

/* Which entry repeats an earlier pfn? count: none does. */
static uint32_t find_repeated(const struct xsr_page_batch *b)
{
    uint64_t slots[SEEN_SLOTS];
    uint32_t i;

    for (i = 1; i < b->count; i++)
        if (b->entry[i].pfn <= b->entry[i - 1].pfn)
            break;
    if (i >= b->count)
        return b->count; /* strictly ascending: what Xen writes */
    memset(slots, 0, sizeof slots);
    for (i = 0; i < b->count; i++)
        if (seen_before(slots, b->entry[i].pfn))
            break;
    return i;
}

static int check_whole(const struct xsr_page_batch *b, uint32_t len,
                       uint64_t entries_at, struct xsr_err *err)
{
    uint64_t want = 8 + 8ull * b->count + (uint64_t)XSR_PAGE_SIZE * b->n_data;
    uint32_t repeated = find_repeated(b);

    if (repeated < b->count) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record PAGE_DATA: found pfn 0x%llx twice, allowed "
                 "once in a record",
                 (unsigned long long)b->entry[repeated].pfn);
        return xsr_err_at(err, entries_at + 8ull * repeated);
    }
    if (len != want) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record PAGE_DATA: found length %u, allowed %llu (%u "
                 "entries, %u of them with content)",
                 len, (unsigned long long)want, b->count, b->n_data);
        return xsr_err_at(err, entries_at - 8);
    }
    return 0;
}

int xsr_pages_get_entries(struct xsr_cur *cur, uint32_t len, uint32_t count,
                          const struct xsr_page_rules *rules,
                          struct xsr_page_batch *out, struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur), word;

    out->count = 0;
    out->n_data = 0;
    if (count > XSR_MAX_PAGE_BATCH)
        return xsr_fail(err, XSR_E_BUG, "PAGE_DATA count not judged");
    for (uint32_t i = 0; i < count; i++) {
        struct xsr_page_entry *e = &out->entry[i];

        if (xsr_get_u64(cur, &word, "PAGE_DATA entry", err))
            return -1;
        e->pfn = word & PFN_MASK;
        e->type = (uint8_t)(word >> 60);
        if (check_entry(word, e, rules, err))
            return xsr_err_at(err, at + 8ull * i);
        out->n_data += xsr_page_has_data(e->type);
    }
    out->count = count;
    return check_whole(out, len, at, err);
}

int xsr_pages_put_head(struct xsr_buf *out, const struct xsr_page_entry *e,
                       uint32_t count, struct xsr_err *err)
{
    uint32_t n_data = 0;

    for (uint32_t i = 0; i < count; i++)
        n_data += xsr_page_has_data(e[i].type);
    if (xsr_buf_reserve(out, 16 + 8 * (size_t)count, err) ||
        xsr_buf_put_u32(out, XSR_XC3_PAGE_DATA, err) ||
        xsr_buf_put_u32(out, 8 + 8 * count + XSR_PAGE_SIZE * n_data, err) ||
        xsr_buf_put_u32(out, count, err) || xsr_buf_put_u32(out, 0, err))
        return -1;
    for (uint32_t i = 0; i < count; i++)
        if (xsr_buf_put_u64(out, e[i].pfn | (uint64_t)e[i].type << 60, err))
            return -1;
    return 0;
}
