/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page tables of a PV guest for genimage, in pfn form and consistent as Xen
 * demands: a direct map of all memory, a map of the p2m list, a user half with
 * a root of its own. Both roots are pinned, page tables and GDT pages are
 * mapped read-only, Xen's own slots are empty.
 */
#ifndef XSR_TESTS_GEN_PV_H
#define XSR_TESTS_GEN_PV_H

#include "tests/gen/pv_layout.h"

#define PTE_RO          0x061ull /* present, accessed, dirty */
#define PTE_RW          0x063ull
#define PTE_TAB         0x067ull
#define SLOT_DIRECT     272u /* 0xffff880000000000 */
#define SLOT_P2M        402u /* 0xffffc90000000000 */
#define P2M_VADDR       0xffffc90000000000ull
#define SOURCE_MFN(pfn) (0x200000ull + ((pfn) ^ 0x155))

/* Xen lets a guest map its page tables and its GDT only read-only. */
static inline uint64_t pv_leaf(const struct pv *pv, uint64_t pfn)
{
    enum pv_kind kind = pfn < pv->n ? pv_kind(pv, pfn) : K_HOLE;

    if (kind == K_HOLE)
        return 0;
    return pfn << 12 | (pv_types[kind] || kind == K_GDT ? PTE_RO : PTE_RW);
}

/* count entries from slot on, naming the pages from pfn on. */
static inline void pv_tables(uint8_t *page, unsigned slot, uint64_t pfn,
                             uint64_t count)
{
    for (uint64_t i = 0; i < count && slot + i < PTES; i++)
        xsr_st_le64(page + 8 * (slot + i), (pfn + i) << 12 | PTE_TAB);
}

static inline uint64_t pv_count(const struct pv *pv, enum pv_kind kind)
{
    return pv->first[kind + 1] - pv->first[kind];
}

/* The i-th page of a kind that is a page table. */
static inline void pv_fill_table(const struct pv *pv, enum pv_kind kind,
                                 uint64_t i, uint8_t *page)
{
    const uint64_t *first = pv->first;

    if (kind == K_L1D || kind == K_L1U)
        for (unsigned s = 0; s < (kind == K_L1D ? PTES : 4); s++)
            xsr_st_le64(page + 8 * s, pv_leaf(pv, i * PTES + s));
    else if (kind == K_L1P)
        for (uint64_t s = 0; s < PTES && i * PTES + s < pv_count(pv, K_P2M);
             s++)
            xsr_st_le64(page + 8 * s, pv_leaf(pv, first[K_P2M] + i * PTES + s));
    else if (kind == K_L2D)
        pv_tables(page, 0, first[K_L1D] + i * PTES,
                  pv_count(pv, K_L1D) - i * PTES);
    else if (kind == K_L3D)
        pv_tables(page, 0, first[K_L2D], pv_count(pv, K_L2D));
    else if (kind == K_L2P)
        pv_tables(page, 0, first[K_L1P], pv_count(pv, K_L1P));
    else if (kind == K_L3P || kind == K_L3U || kind == K_L2U)
        pv_tables(page, 0,
                  kind == K_L3P   ? first[K_L2P]
                  : kind == K_L3U ? first[K_L2U]
                                  : first[K_L1U],
                  1);
    else if (kind == K_L4U)
        pv_tables(page, 0, first[K_L3U], 1);
    if (kind == K_L4K || kind == K_L4U) {
        pv_tables(page, SLOT_DIRECT, first[K_L3D], 1);
        pv_tables(page, SLOT_P2M, first[K_L3P], 1);
    }
}

#endif
