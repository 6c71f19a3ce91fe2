/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The entries of a batch: type and pfn in one word of the toolstack's width.
 * They become the 64-bit words of a v2 PAGE_DATA record; whose pages have
 * content is the same in both, so the content behind them is copied as it is.
 */
#include "stream/legacy/legacy.h"

#include "stream/pages.h"
#include "stream/xc3.h"

#define NO_PAGE    0xf0000000u /* since 4.1: nothing there, and no pfn */
#define PFN_MASK   0x0fffffffu
#define SEEN_SLOTS 2048u /* twice the entries: probing stays short */

static int refuse_entry(uint64_t word, const struct xsr_lg_rules *rules,
                        struct xsr_err *err)
{
    uint8_t type = (uint8_t)(word >> 28 & 0xf);
    unsigned long long pfn = word & PFN_MASK;

    if (word >> 32)
        return xsr_fail(err, XSR_E_FORMAT,
                        "batch: found entry 0x%016llx, its upper half must "
                        "be 0",
                        (unsigned long long)word);
    if (type >= 5 && type <= 8)
        return xsr_fail(err, XSR_E_FORMAT,
                        "batch: found reserved page type %#x for pfn %#llx, "
                        "allowed 0-4 and 9-15",
                        type, pfn);
    if (xsr_page_is_table(type) && xsr_page_level(type) > rules->max_level)
        return xsr_fail(err, XSR_E_FORMAT,
                        "batch: found page table type %s for pfn %#llx, "
                        "allowed %s",
                        xsr_page_type_name(type), pfn,
                        rules->max_level ? "levels up to 3 in a 32-bit guest"
                                         : "none in an HVM guest");
    return xsr_fail(err, XSR_E_FORMAT,
                    "batch: found pfn %#llx (%s), allowed below %#llx, the "
                    "p2m size",
                    pfn, xsr_page_type_name(type),
                    (unsigned long long)rules->p2m_size);
}

static bool entry_ok(uint64_t word, const struct xsr_lg_rules *rules)
{
    uint8_t type = (uint8_t)(word >> 28 & 0xf);

    if (word >> 32 || (word & PFN_MASK) >= rules->p2m_size)
        return false;
    if (type >= 5 && type <= 8)
        return false;
    return !xsr_page_is_table(type) || xsr_page_level(type) <= rules->max_level;
}

/* Open addressing; 0 = free, else pfn + 1. */
static bool seen_before(uint32_t *slots, uint32_t pfn)
{
    uint32_t i = pfn * 0x9e3779b1u >> 21; /* 11 bits */

    for (; slots[i]; i = (i + 1) & (SEEN_SLOTS - 1))
        if (slots[i] == pfn + 1)
            return true;
    slots[i] = pfn + 1;
    return false;
}

/* Only batches that do not ascend, which savers do not write, cost more. */
static int check_repeated(const struct xsr_lg_batch *b, struct xsr_err *err)
{
    uint32_t slots[SEEN_SLOTS] = {0}, i;

    for (i = 0; i < b->count; i++)
        if (seen_before(slots, (uint32_t)(b->entry[i] & PFN_MASK)))
            return xsr_fail(err, XSR_E_FORMAT,
                            "batch: found pfn %#llx twice, allowed once in a "
                            "batch",
                            (unsigned long long)(b->entry[i] & PFN_MASK));
    return 0;
}

int xsr_lg_get_batch(struct xsr_cur *cur, uint32_t n,
                     const struct xsr_lg_rules *rules, struct xsr_lg_batch *out,
                     struct xsr_err *err)
{
    uint8_t width = rules->shape.width;
    uint64_t at = xsr_cur_offset(cur), last = 0;
    bool ascending = true;
    const uint8_t *p;

    out->count = out->n_data = 0;
    if (n > XSR_MAX_PAGE_BATCH)
        return xsr_fail(err, XSR_E_BUG, "batch of %u not judged", n);
    if (xsr_get_view(cur, (size_t)n * width, &p, "entries of a batch", err))
        return -1;
    for (uint32_t i = 0; i < n; i++, p += width) {
        uint64_t word = xsr_lg_ulong(p, width);

        if (word == NO_PAGE)
            continue;
        if (!entry_ok(word, rules)) {
            refuse_entry(word, rules, err);
            return xsr_err_at(err, at + (uint64_t)i * width);
        }
        ascending &= out->count == 0 || (word & PFN_MASK) > last;
        last = word & PFN_MASK;
        out->n_data += xsr_page_has_data((uint8_t)(word >> 28));
        out->entry[out->count++] = (word >> 28) << 60 | last;
    }
    if (!ascending && check_repeated(out, err))
        return xsr_err_at(err, at);
    return 0;
}
