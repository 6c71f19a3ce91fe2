/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages a simulated guest has, and what each is for: a function of its
 * type and the size of its memory alone. The ranges are those that libxc's
 * builder and hvmloader leave behind (holes, special pages below 4 GiB); the
 * guest's own tables lie among its ordinary pages, one group in every 2 MiB,
 * so that a saver meets page tables all over the memory.
 */
#include "lib/util.h"
#include "stubs/guest/gi.h"

#define LOW_END    0xf0000ull   /* of memory below the hole for devices */
#define HIGH_START 0x100000ull  /* what does not fit there */
#define MAX_PAGES  (1ull << 26) /* 256 GiB: one L3 table for all of it */
#define VIDEO      2048ull

static void add(struct xsr_layout *l, uint64_t first, uint64_t n,
                enum xsr_rkind kind)
{
    if (n == 0)
        return;
    l->range[l->n_ranges].first = first;
    l->range[l->n_ranges].n = n;
    l->range[l->n_ranges++].kind = kind;
    l->n_total += n;
    if (kind == XSR_R_DATA)
        l->n_data += n;
    l->end = xsr_max(l->end, first + n);
}

/* Memory from 0 to n with one hole in it, the rest above 4 GiB. */
static void add_ram(struct xsr_layout *l, uint64_t n, uint64_t hole,
                    uint64_t hole_n)
{
    uint64_t low = xsr_min(n, LOW_END);

    add(l, 0, hole, XSR_R_DATA);
    add(l, hole + hole_n, low - hole - hole_n, XSR_R_DATA);
    add(l, HIGH_START, n - low, XSR_R_DATA);
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t r = a % b;

        a = b;
        b = r;
    }
    return a;
}

int xsr_layout_init(struct xsr_layout *l, enum xsr_hv_type type, uint64_t pages,
                    uint64_t seed, uint32_t zero_pct)
{
    uint64_t least = type == XSR_HV_HVM ? 2 * VIDEO : 256;

    if (pages < least || pages > MAX_PAGES || pages % 256 || zero_pct > 99)
        return -1;
    *l = (struct xsr_layout){
        .pv = type == XSR_HV_PV, .seed = seed, .zero_pct = zero_pct};
    switch (type) {
    case XSR_HV_PV:
        add(l, 0, pages, XSR_R_DATA);
        break;
    case XSR_HV_PVH:
        add_ram(l, pages, 0x10, 1);
        add(l, 0xfc000, 9, XSR_R_STATIC);
        add(l, 0xfeff8, 8, XSR_R_ZERO);
        break;
    case XSR_HV_HVM:
        add_ram(l, pages - VIDEO, 0xa0, 0x20);
        add(l, 0xf0000, VIDEO, XSR_R_DATA);
        add(l, 0xfc000, 11, XSR_R_STATIC);
        add(l, 0xfc100, 1, XSR_R_ZERO);
        add(l, 0xfeff0, 16, XSR_R_ZERO);
        break;
    default:
        return -1;
    }
    l->stride = l->n_data * 618 / 1000 | 1;
    while (gcd(l->stride, l->n_data) != 1)
        l->stride++;
    return 0;
}

static bool in_data(const struct xsr_layout *l, uint64_t pfn)
{
    unsigned i;

    for (i = 0; i < l->n_ranges; i++)
        if (pfn - l->range[i].first < l->range[i].n)
            return l->range[i].kind == XSR_R_DATA;
    return false;
}

static bool is_gib_place(uint64_t pfn, unsigned at)
{
    return pfn % XSR_G_GIB == at;
}

bool xsr_layout_is_data(const struct xsr_layout *l, uint64_t pfn)
{
    uint64_t at = pfn % XSR_G_CHUNK;

    if (pfn < XSR_G_LOW || !in_data(l, pfn) || at == XSR_G_AT_VERSION)
        return false;
    if (!l->pv)
        return true;
    return at != XSR_G_AT_L1 && at != XSR_G_AT_P2M &&
           !is_gib_place(pfn, XSR_G_AT_L2) &&
           !is_gib_place(pfn, XSR_G_AT_P2M_L1) &&
           !is_gib_place(pfn, XSR_G_AT_LIST);
}

unsigned xsr_layout_table(const struct xsr_layout *l, uint64_t pfn)
{
    if (!l->pv)
        return 0;
    switch (pfn) {
    case XSR_G_L4:
    case XSR_G_USER_L4:
        return 4;
    case XSR_G_L3:
    case XSR_G_P2M_L3:
    case XSR_G_USER_L3:
        return 3;
    case XSR_G_P2M_L2:
    case XSR_G_USER_L2:
        return 2;
    case XSR_G_USER_L1:
        return 1;
    default:
        break;
    }
    if (is_gib_place(pfn, XSR_G_AT_L2))
        return 2;
    return pfn % XSR_G_CHUNK == XSR_G_AT_L1 ||
           is_gib_place(pfn, XSR_G_AT_P2M_L1);
}

uint64_t xsr_layout_data_pfn(const struct xsr_layout *l, uint64_t i)
{
    unsigned k;

    for (k = 0; k < l->n_ranges; k++) {
        if (l->range[k].kind != XSR_R_DATA)
            continue;
        if (i < l->range[k].n)
            return l->range[k].first + i;
        i -= l->range[k].n;
    }
    return XSR_G_NO_PFN;
}
