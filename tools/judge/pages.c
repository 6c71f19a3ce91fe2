/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PAGE_DATA: count, entries, length, and of a PV guest what its page tables
 * hold (tables.c). Keeps the last type of every pfn, for all that is judged at
 * the end. Contents that need no judgement are passed over.
 */
#include "stream/pages.h"

#include <stdlib.h>

#include "lib/util.h"
#include "stream/xc3.h"
#include "tools/check/check.h"

#define MAX_KEPT      32768u /* entries; with contents a record cannot have more */
#define MIN_PHYS_BITS 32u    /* as few and as many as a processor can have */
#define MAX_PHYS_BITS 52u
#define PFN_MASK      ((1ull << 52) - 1)

uint8_t chk_page_type(const struct chk *c, uint64_t pfn)
{
    return pfn > XSR_MAX_PFN ? CHK_UNSEEN
                             : chk_map_get(&c->types, pfn) ^ CHK_UNSEEN;
}

static void partly(struct chk *c, uint64_t at)
{
    if (!chk_has(c, CHK_INPUT_PARTLY))
        chk_find(c, CHK_INPUT_PARTLY, at,
                 "the guest's layout needs more memory than check takes; what "
                 "refers to pages from here on is not judged");
}

/* ---- entries ------------------------------------------------------------- */

static void judge_kind(struct chk *c, uint8_t type, uint64_t pfn, uint64_t at)
{
    bool pv = c->f.guest == XSR_XC3_PV;

    if (type >= 5 && type <= 8)
        chk_find(c, CHK_PAGE_TYPE, at, "pfn 0x%llx has the type 0x%x",
                 (unsigned long long)pfn, type);
    else if (!pv && xsr_page_is_table(type))
        chk_find(c, CHK_PAGE_HVM_TYPE, at, "pfn 0x%llx is %s in an HVM image",
                 (unsigned long long)pfn, xsr_page_type_name(type));
    else if (pv && c->f.width == 4 && xsr_page_is_table(type) &&
             xsr_page_level(type) > 3)
        chk_find(c, CHK_PAGE_LEVEL, at, "pfn 0x%llx is %s in a 32-bit guest",
                 (unsigned long long)pfn, xsr_page_type_name(type));
    if (type == XSR_PT_XALLOC && c->f.xen_major)
        chk_find(c, CHK_PAGE_XALLOC, at,
                 "pfn 0x%llx is XALLOC in an image that was not converted",
                 (unsigned long long)pfn);
}

static void judge_pfn(struct chk *c, uint64_t pfn, uint64_t at)
{
    if (c->f.guest == XSR_XC3_PV ? c->have_p2m && pfn > c->end_pfn : false)
        chk_find(c, CHK_PAGE_BEYOND, at, "pfn 0x%llx, the guest ends at 0x%llx",
                 (unsigned long long)pfn, (unsigned long long)c->end_pfn);
    else if (c->f.guest == XSR_XC3_HVM && pfn > XSR_MAX_PFN)
        chk_find(c, CHK_PAGE_IMPLAUSIBLE, at, "pfn 0x%llx is above 2^40",
                 (unsigned long long)pfn);
    else if (c->f.guest == XSR_XC3_HVM && c->f.phys_bits >= MIN_PHYS_BITS &&
             c->f.phys_bits < MAX_PHYS_BITS &&
             pfn >> (c->f.phys_bits - XSR_PAGE_SHIFT))
        chk_find(c, CHK_PAGE_ADDRESS, at,
                 "pfn 0x%llx, the guest's processors have %u address bits",
                 (unsigned long long)pfn, c->f.phys_bits);
    if (c->order.verify && chk_page_type(c, pfn) == CHK_UNSEEN)
        chk_find(c, CHK_ORDER_VERIFY_NEW, at,
                 "pfn 0x%llx was not there before VERIFY",
                 (unsigned long long)pfn);
    if (pfn <= c->last_pfn && c->f.n_entries && !c->order.verify &&
        !c->f.live) {
        c->f.live = true;
        chk_find(c, CHK_PAGE_LIVE, at,
                 "pfn 0x%llx behind 0x%llx: saved live, or in checkpoints",
                 (unsigned long long)pfn, (unsigned long long)c->last_pfn);
    }
    c->last_pfn = pfn;
    c->f.max_pfn = xsr_max(c->f.max_pfn, pfn);
}

static void judge_entries(struct chk *c, const uint8_t *p, uint32_t n,
                          uint32_t first, uint64_t at)
{
    for (uint32_t i = 0; i < n; i++, at += 8) {
        uint64_t e = xsr_le64(p + 8 * (size_t)i), pfn = e & PFN_MASK;

        if (e >> 52 & 0xff)
            chk_find(c, CHK_PAGE_ENTRY_BITS, at,
                     "entry %u has the reserved bits 0x%llx", first + i,
                     (unsigned long long)(e >> 52 & 0xff));
        judge_kind(c, (uint8_t)(e >> 60), pfn, at);
        judge_pfn(c, pfn, at);
        c->f.n_entries++;
        if (first + i < MAX_KEPT)
            c->entries[first + i] = (e >> 60) << 60 | pfn;
    }
}

static int by_pfn(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    x &= PFN_MASK;
    y &= PFN_MASK;
    return x < y ? -1 : x > y;
}

static void judge_repeated(struct chk *c, uint32_t n, uint64_t at)
{
    uint64_t *sorted, *e = c->entries;
    uint32_t i;

    for (i = 1; i < n && (e[i - 1] & PFN_MASK) < (e[i] & PFN_MASK); i++)
        ;
    if (i >= n)
        return;
    sorted = malloc(n * sizeof *sorted);
    if (!sorted)
        return;
    memcpy(sorted, e, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_pfn);
    for (i = 1; i < n; i++)
        if ((sorted[i] & PFN_MASK) == (sorted[i - 1] & PFN_MASK))
            chk_find(c, CHK_PAGE_REPEATED, at, "pfn 0x%llx is there twice",
                     (unsigned long long)(sorted[i] & PFN_MASK));
    free(sorted);
}

/* ---- what is kept -------------------------------------------------------- */

/* Does a whole run of pfns with one type, new to us, begin at e[i]? */
static bool whole_run(const struct chk *c, uint32_t i, uint32_t n)
{
    const uint64_t *e = c->entries;
    uint64_t pfn = e[i] & PFN_MASK;

    if (pfn % CHK_MAP_RUN || n - i < CHK_MAP_RUN)
        return false;
    for (uint32_t k = 0; k < CHK_MAP_RUN; k++)
        if (e[i + k] != e[i] + k || chk_page_type(c, pfn + k) != CHK_UNSEEN)
            return false;
    return true;
}

static void keep_one(struct chk *c, uint64_t pfn, uint8_t type, uint64_t at)
{
    uint8_t old = chk_page_type(c, pfn);

    if (pfn > XSR_MAX_PFN)
        return;
    if (old != CHK_UNSEEN && xsr_page_is_table(old))
        c->table_resent = true;
    if (xsr_page_populates(type) &&
        (old == CHK_UNSEEN || !xsr_page_populates(old)))
        c->f.n_pages++;
    if (!chk_map_set(&c->types, pfn, type ^ CHK_UNSEEN))
        partly(c, at);
}

static void keep_types(struct chk *c, uint32_t n, uint64_t at)
{
    const uint64_t *e = c->entries;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t pfn = e[i] & PFN_MASK;
        uint8_t type = (uint8_t)(e[i] >> 60);

        if (pfn <= XSR_MAX_PFN && whole_run(c, i, n) &&
            chk_map_fill(&c->types, pfn, type ^ CHK_UNSEEN)) {
            c->f.n_pages += xsr_page_populates(type) ? CHK_MAP_RUN : 0;
            i += CHK_MAP_RUN - 1;
        } else {
            keep_one(c, pfn, type, at);
        }
    }
}

/* ---- contents ------------------------------------------------------------ */

/* Of PV guests: page tables, and pages that may be start_info. */
static void judge_contents(struct chk *c, struct chk_rec *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint8_t type = (uint8_t)(c->entries[i] >> 60);
        uint64_t pfn = c->entries[i] & PFN_MASK, at = chk_at(c);
        const uint8_t *p;

        if (!xsr_page_has_data(type))
            continue;
        p = chk_body(c, r, XSR_PAGE_SIZE);
        if (!p)
            return;
        if (xsr_page_is_table(type))
            chk_table(c, pfn, xsr_page_level(type), p, at);
        else
            chk_pv_page(c, pfn, p);
    }
}

/* Contents of n entries; those of the types 5-8, which nobody defines, either
 * way. */
static bool judge_length(struct chk *c, const struct chk_rec *r, uint32_t n)
{
    uint64_t with = 0, odd = 0, left = r->left;

    for (uint32_t i = 0; i < n; i++) {
        uint8_t type = (uint8_t)(c->entries[i] >> 60);

        odd += type >= 5 && type <= 8;
        with += xsr_page_has_data(type);
    }
    c->f.n_contents += with;
    if (left == with * XSR_PAGE_SIZE)
        return true;
    if (odd && left == (with - odd) * XSR_PAGE_SIZE)
        return false;
    chk_find(c, CHK_PAGE_LENGTH, r->at,
             "PAGE_DATA of %u octets, %u entries and the contents of %llu "
             "need %llu",
             r->len, n, (unsigned long long)with,
             8 + 8ull * n + with * XSR_PAGE_SIZE);
    return false;
}

/* All entries, in pieces; false: the input ends. */
static bool take_entries(struct chk *c, struct chk_rec *r, uint32_t count)
{
    for (uint32_t i = 0; i < count;) {
        uint32_t n = (uint32_t)xsr_min(count - i, CHK_LOOK_MAX / 8);
        uint64_t at = chk_at(c);
        const uint8_t *p = chk_body(c, r, 8 * (size_t)n);

        if (!p)
            return false;
        judge_entries(c, p, n, i, at);
        i += n;
    }
    return true;
}

void chk_pages(struct chk *c, struct chk_rec *r)
{
    uint64_t at = chk_at(c);
    const uint8_t *p;
    uint32_t count;
    bool whole;

    if (r->len < 8) {
        chk_find(c, CHK_PAGE_CUT, r->at, "PAGE_DATA of %u octets", r->len);
        return;
    }
    if (!(p = chk_body(c, r, 8)))
        return;
    count = xsr_le32(p);
    if (!count)
        chk_find(c, CHK_PAGE_COUNT, at, "PAGE_DATA without entries");
    if (xsr_le32(p + 4))
        chk_find(c, CHK_PAGE_RESERVED, at + 4, "reserved word 0x%x",
                 xsr_le32(p + 4));
    if (8ull * count > r->left) {
        chk_find(c, CHK_PAGE_ENTRIES, at,
                 "%u entries in PAGE_DATA of %u octets", count, r->len);
        return;
    }
    if (count > XSR_MAX_PAGE_BATCH)
        chk_find(c, CHK_PAGE_BATCH, at, "%u entries", count);
    if (!c->entries)
        c->entries = malloc(MAX_KEPT * sizeof *c->entries);
    if (!c->entries || !take_entries(c, r, count))
        return;
    if (count > MAX_KEPT) {
        partly(c, r->at);
        return;
    }
    judge_repeated(c, count, r->at);
    whole = judge_length(c, r, count);
    keep_types(c, count, r->at);
    if (whole && c->f.guest == XSR_XC3_PV)
        judge_contents(c, r, count);
}
