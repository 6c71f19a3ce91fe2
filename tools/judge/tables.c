/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables of PV guests, as they travel: with pfns in place of mfns. Each
 * table is judged when it passes; that an entry names a table of the right
 * level only at the end, when the types of all pages are known.
 */
#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/pages.h"
#include "tools/check/check.h"

#define PRESENT 1u
#define PSE     0x80u
#define SLOTS   512u

/* Slots that belong to Xen: the sender leaves them out. */
static void judge_xen_slots(struct chk *c, uint64_t pfn, uint8_t level,
                            const uint8_t *p, uint64_t at)
{
    uint32_t first = c->f.width == 8 ? 256 : 4;
    uint32_t last = c->f.width == 8 ? 271 : SLOTS - 1;

    if (level != (c->f.width == 8 ? 4 : 3))
        return;
    for (uint32_t i = first; i <= last; i++)
        if (xsr_le64(p + 8 * (size_t)i)) {
            chk_find(c, CHK_TABLE_XEN_SLOT, at + 8 * (uint64_t)i,
                     "L%u[%u] of pfn 0x%llx is not empty", level, i,
                     (unsigned long long)pfn);
            return; /* one for each table says it */
        }
}

/* The page at target has to be a table one level below. */
static void expect(struct chk *c, uint64_t target, uint8_t level, uint64_t at)
{
    uint8_t bit = (uint8_t)(1u << (level - 2));
    uint8_t old = chk_map_get(&c->wants, target);

    if (!(old & bit) && !chk_map_set(&c->wants, target, old | bit) &&
        !chk_has(c, CHK_INPUT_PARTLY))
        chk_find(c, CHK_INPUT_PARTLY, at,
                 "the guest's page tables need more memory than check takes; "
                 "their levels are judged in part");
}

void chk_table(struct chk *c, uint64_t pfn, uint8_t level, const uint8_t *p,
               uint64_t at)
{
    uint32_t last = c->f.width == 4 && level == 3 ? 4 : SLOTS;

    for (uint32_t i = 0; i < last; i++) {
        uint64_t pte = xsr_le64(p + 8 * (size_t)i);
        uint64_t target = pte >> XSR_PAGE_SHIFT & ((1ull << 40) - 1);

        if (!(pte & PRESENT))
            continue;
        if (level > 1 && pte & PSE)
            chk_find(c, CHK_TABLE_SUPERPAGE, at + 8 * (uint64_t)i,
                     "L%u[%u] of pfn 0x%llx is a superpage", level, i,
                     (unsigned long long)pfn);
        else if (c->have_p2m && target > c->end_pfn)
            chk_find(c, CHK_TABLE_BEYOND, at + 8 * (uint64_t)i,
                     "L%u[%u] of pfn 0x%llx names pfn 0x%llx, the guest ends "
                     "at 0x%llx",
                     level, i, (unsigned long long)pfn,
                     (unsigned long long)target,
                     (unsigned long long)c->end_pfn);
        else if (level > 1)
            expect(c, target, level, at);
    }
    judge_xen_slots(c, pfn, level, p, at);
}

/* ---- at the end ---------------------------------------------------------- */

struct levels {
    struct chk *c;
    uint64_t at;
};

static void judge_target(void *ctx, uint64_t pfn, uint8_t wants)
{
    struct levels *l = ctx;
    uint8_t type = chk_page_type(l->c, pfn);

    for (uint8_t level = 1; level <= 3; level++) {
        if (!(wants >> (level - 1) & 1) ||
            (xsr_page_is_table(type) && xsr_page_level(type) == level))
            continue;
        chk_find(l->c, CHK_TABLE_LEVEL, l->at,
                 "an L%u entry names pfn 0x%llx, which %s%s", level + 1,
                 (unsigned long long)pfn,
                 type == CHK_UNSEEN ? "was never sent" : "is ",
                 type == CHK_UNSEEN ? "" : xsr_page_type_name(type));
    }
}

/* A table that was sent again has left expectations that hold no more. */
void chk_table_levels(struct chk *c, uint64_t at)
{
    struct levels l = {c, at};

    if (!c->table_resent)
        chk_map_each(&c->wants, judge_target, &l);
}
