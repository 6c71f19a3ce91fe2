/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a PV image says of the whole guest: width, its list of frames, shared
 * info, start_info; and at END, when all memory is known, whether frames that
 * vCPUs, list and start_info name are what they must be.
 */
#include <stdlib.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/pages.h"
#include "tools/check/check.h"

void chk_pv_info(struct chk *c, struct chk_rec *r)
{
    uint64_t at = chk_at(c);
    const uint8_t *p;

    if (r->len != 8) {
        chk_find(c, CHK_PV_INFO_LENGTH, r->at, "length %u, allowed 8", r->len);
        if (r->len < 8)
            return;
    }
    if (!(p = chk_body(c, r, 8)))
        return;
    if (!(p[0] == 8 && p[1] == 4) && !(p[0] == 4 && p[1] == 3)) {
        chk_find(c, CHK_PV_INFO_PAIR, at,
                 "width %u with %u levels, allowed "
                 "8 with 4 and 4 with 3",
                 p[0], p[1]);
        if (p[0] != 4 && p[0] != 8)
            return;
    }
    c->f.width = p[0];
    if (!xsr_all_zero(p + 2, 6))
        chk_find(c, CHK_PV_INFO_RESERVED, at + 2,
                 "reserved octets are not zero");
    if (p[0] == 4)
        chk_find(c, CHK_PV_INFO_32BIT, at, "a 32-bit guest");
}

/* ---- the list of frames -------------------------------------------------- */

static void take_frames(struct chk *c, struct chk_rec *r, uint32_t n)
{
    for (uint32_t i = 0; i < n;) {
        uint32_t some = (uint32_t)xsr_min(n - i, CHK_LOOK_MAX / 8);
        uint64_t at = chk_at(c);
        const uint8_t *p = chk_body(c, r, 8 * (size_t)some);
        uint32_t *more;

        if (!p)
            return;
        more = c->n_p2m + some > CHK_MAX_P2M
                   ? NULL
                   : realloc(c->p2m, (c->n_p2m + some) * sizeof *more);
        if (!more && !chk_has(c, CHK_INPUT_PARTLY))
            chk_find(c, CHK_INPUT_PARTLY, at,
                     "a list of so many frames is not kept, the types of its "
                     "pages are judged in part");
        if (more)
            c->p2m = more;
        for (uint32_t k = 0; k < some; k++, i++) {
            uint64_t pfn = xsr_le64(p + 8 * (size_t)k);

            if (pfn > c->end_pfn)
                chk_find(c, CHK_P2M_FRAME_BEYOND, at + 8ull * k,
                         "frame %u is pfn 0x%llx, the guest ends at 0x%llx", i,
                         (unsigned long long)pfn,
                         (unsigned long long)c->end_pfn);
            if (more)
                c->p2m[c->n_p2m++] =
                    pfn > c->end_pfn ? UINT32_MAX : (uint32_t)pfn;
        }
    }
}

void chk_p2m(struct chk *c, struct chk_rec *r)
{
    uint64_t at = chk_at(c), fpp = XSR_PAGE_SIZE / (c->f.width == 4 ? 4 : 8);
    uint64_t start, end, n, have = r->len / 8 - 1;
    const uint8_t *p;

    if (r->len < 16 || r->len % 8) {
        chk_find(c, CHK_P2M_LENGTH, r->at,
                 "length %u, allowed multiples of 8 from 16 on", r->len);
        return;
    }
    if (!(p = chk_body(c, r, 8)))
        return;
    start = xsr_le32(p);
    end = xsr_le32(p + 4);
    if (start > end || (c->have_p2m && start / fpp > c->end_pfn / fpp + 1)) {
        chk_find(c, CHK_P2M_RANGE, at, "0x%llx to 0x%llx behind 0x%llx",
                 (unsigned long long)start, (unsigned long long)end,
                 (unsigned long long)c->end_pfn);
        return;
    }
    if (!c->have_p2m && (start || !end))
        chk_find(c, CHK_P2M_FIRST, at, "the first one covers 0x%llx to 0x%llx",
                 (unsigned long long)start, (unsigned long long)end);
    n = end / fpp + 1 - start / fpp;
    if (n != have && c->f.width)
        chk_find(c, CHK_P2M_COUNT, r->at,
                 "%llu frames, 0x%llx to 0x%llx need "
                 "%llu",
                 (unsigned long long)have, (unsigned long long)start,
                 (unsigned long long)end, (unsigned long long)n);
    c->have_p2m = true;
    c->end_pfn = xsr_max(c->end_pfn, end);
    c->p2m_at = at + 8;
    c->p2m_from = c->n_p2m;
    take_frames(c, r, (uint32_t)have);
}

/* ---- shared info, start_info --------------------------------------------- */

void chk_shared_info(struct chk *c, struct chk_rec *r)
{
    uint64_t at = chk_at(c), count;
    uint32_t field = c->f.width == 4 ? 2316 : 3088;
    const uint8_t *p;

    if (r->len != XSR_PAGE_SIZE) {
        chk_find(c, CHK_SHARED_INFO_LENGTH, r->at, "length %u, allowed %u",
                 r->len, XSR_PAGE_SIZE);
        return;
    }
    if (!(p = chk_body(c, r, XSR_PAGE_SIZE)))
        return;
    count = c->f.width == 4 ? xsr_le32(p + field) : xsr_le64(p + field);
    if (c->have_p2m && count < c->end_pfn + 1)
        chk_find(c, CHK_SHARED_INFO_MAX_PFN, at + field,
                 "the guest counts 0x%llx pages, the frames cover 0x%llx",
                 (unsigned long long)count, (unsigned long long)c->end_pfn + 1);
}

/* An ordinary page passes: is it, or was it, a start_info? */
void chk_pv_page(struct chk *c, uint64_t pfn, const uint8_t *p)
{
    bool magic = !memcmp(p, "xen-3.0-x86_", 12), wide = c->f.width != 4;
    struct chk_start *s = c->start;
    size_t i;

    if (!magic && !c->n_start)
        return;
    for (i = 0; i < c->n_start && s[i].pfn != pfn; i++)
        ;
    if (!magic) {
        if (i < c->n_start)
            s[i] = s[--c->n_start];
        return;
    }
    if (i == CHK_MAX_STARTS) {
        c->starts_full = true;
        return;
    }
    if (!s && !(c->start = s = calloc(CHK_MAX_STARTS, sizeof *s)))
        return;
    s[i] = (struct chk_start){pfn, wide ? xsr_le64(p + 56) : xsr_le32(p + 44),
                              wide ? xsr_le64(p + 72) : xsr_le32(p + 52)};
    c->n_start = i == c->n_start ? i + 1 : c->n_start;
}

/* ---- at the end ---------------------------------------------------------- */

/* "is XTAB", "was never sent" */
static const char *state_of(const struct chk *c, uint64_t pfn)
{
    uint8_t type = chk_page_type(c, pfn);

    return pfn > c->end_pfn       ? "which is above the guest's end"
           : type == CHK_UNSEEN   ? "which was never sent"
           : type == XSR_PT_NOTAB ? "which is an ordinary page"
           : xsr_page_is_table(type)
               ? "which is a page table, of another level or where an ordinary "
                 "page must be"
               : "which has no content";
}

static void judge_start_info(struct chk *c, const struct chk_want *w)
{
    const struct chk_start *s = c->start;
    size_t i;

    for (i = 0; i < c->n_start && s[i].pfn != w->pfn; i++)
        ;
    if (i == c->n_start) {
        if (!c->starts_full)
            chk_find(c, CHK_START_INFO_MAGIC, w->at,
                     "pfn 0x%llx does not begin with xen-3.0-x86_",
                     (unsigned long long)w->pfn);
        return;
    }
    if (s[i].store > c->end_pfn || s[i].console > c->end_pfn)
        chk_find(c, CHK_START_INFO_FRAMES, w->at,
                 "start_info names the store page 0x%llx and the console page "
                 "0x%llx, the guest ends at 0x%llx",
                 (unsigned long long)s[i].store,
                 (unsigned long long)s[i].console,
                 (unsigned long long)c->end_pfn);
}

static void judge_want(struct chk *c, const struct chk_want *w)
{
    uint8_t type = chk_page_type(c, w->pfn);
    bool good =
        w->level ? xsr_page_is_table(type) && xsr_page_level(type) == w->level
                 : type == XSR_PT_NOTAB;

    if (!c->have_p2m)
        return; /* the guest's end is not known, and that has been said */
    if (w->pfn > c->end_pfn || !good) {
        if (w->pfn <= c->end_pfn && chk_has(c, CHK_INPUT_PARTLY))
            return;
        chk_find(c, w->rule, w->at, "vCPU %u names pfn 0x%llx, %s", w->vcpu,
                 (unsigned long long)w->pfn, state_of(c, w->pfn));
    } else if (w->rule == CHK_VCPU_START_INFO) {
        judge_start_info(c, w);
    }
}

/*
 * Is it worth a look at all pages? At each END, and at a CHECKPOINT with as
 * much in front of it as the look costs; else a stream of small checkpoints
 * over a large guest would take for ever.
 */
static bool is_due(const struct chk *c, uint64_t at, bool last)
{
    uint64_t pages = 2 * (CHK_MAP_BUDGET - c->map_left) + c->n_p2m;

    return last || 16 * (at - c->whole_at) >= pages;
}

void chk_pv_end(struct chk *c, uint64_t at, bool last)
{
    for (size_t i = 0; i < c->n_want; i++)
        judge_want(c, &c->want[i]);
    c->n_want = 0;
    if (!is_due(c, at, last))
        return;
    c->whole_at = at;
    for (size_t i = 0; i < c->n_p2m && !chk_has(c, CHK_INPUT_PARTLY); i++)
        if (c->p2m[i] <= c->end_pfn &&
            chk_page_type(c, c->p2m[i]) != XSR_PT_NOTAB)
            chk_find(c, CHK_P2M_FRAME_TYPE,
                     i < c->p2m_from ? at : c->p2m_at + 8 * (i - c->p2m_from),
                     "frame %zu is pfn 0x%x, %s", i, c->p2m[i],
                     state_of(c, c->p2m[i]));
    chk_table_levels(c, at);
}
