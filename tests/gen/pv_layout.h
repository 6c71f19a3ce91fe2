/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages a 64-bit PV guest of genimage has, and where. The "system pages"
 * (p2m list, page tables, start_info, GDT, ...) lie in a row; an even seed
 * puts them at the end of memory, an odd one near its start, where tables name
 * pages that come later in the image. pv.h fills the tables.
 */
#ifndef XSR_TESTS_GEN_PV_LAYOUT_H
#define XSR_TESTS_GEN_PV_LAYOUT_H

#include "stream/pages.h"
#include "tests/gen/content.h"

#define PTES       512u
#define HOLE_PAGES 8u /* ballooned out */

enum pv_kind {
    K_P2M,
    K_L1D,
    K_L2D,
    K_L3D,
    K_L4K,
    K_L1P,
    K_L2P,
    K_L3P,
    K_L4U,
    K_L3U,
    K_L2U,
    K_L1U,
    K_START_INFO,
    K_STORE,
    K_CONSOLE,
    K_GDT,
    K_HOLE,
    K_N,
    K_RAM = K_N
};

struct pv {
    uint64_t n;              /* pages, holes included */
    uint64_t first[K_N + 1]; /* system pages, K_N: behind the last */
};

static const uint8_t pv_types[K_N + 1] = {
    [K_L1D] = XSR_PT_L1,
    [K_L2D] = XSR_PT_L2,
    [K_L3D] = XSR_PT_L3,
    [K_L4K] = XSR_PT_L4 | XSR_PT_PIN,
    [K_L1P] = XSR_PT_L1,
    [K_L2P] = XSR_PT_L2,
    [K_L3P] = XSR_PT_L3,
    [K_L4U] = XSR_PT_L4 | XSR_PT_PIN,
    [K_L3U] = XSR_PT_L3,
    [K_L2U] = XSR_PT_L2,
    [K_L1U] = XSR_PT_L1 | XSR_PT_PIN,
    [K_HOLE] = XSR_PT_XTAB,
};

static inline bool pv_layout(struct pv *pv, uint64_t n, uint32_t vcpus,
                             uint64_t seed)
{
    uint64_t count[K_N], total = 0, base;

    for (int k = 0; k < K_N; k++)
        count[k] = 1;
    count[K_P2M] = count[K_L1D] = (n + PTES - 1) / PTES;
    count[K_L2D] = (count[K_L1D] + PTES - 1) / PTES;
    count[K_L1P] = (count[K_P2M] + PTES - 1) / PTES;
    count[K_GDT] = vcpus;
    count[K_HOLE] = HOLE_PAGES;
    for (int k = 0; k < K_N; k++)
        total += count[k];
    if (n < total + 32)
        return false;
    base = seed & 1 ? 16 : n - total;
    pv->n = n;
    for (int k = 0; k < K_N; k++) {
        pv->first[k] = base;
        base += count[k];
    }
    pv->first[K_N] = base;
    return true;
}

static inline enum pv_kind pv_kind(const struct pv *pv, uint64_t pfn)
{
    if (pfn < pv->first[0] || pfn >= pv->first[K_N])
        return K_RAM;
    for (int k = K_N - 1; k > 0; k--)
        if (pfn >= pv->first[k])
            return (enum pv_kind)k;
    return (enum pv_kind)0;
}

#endif
