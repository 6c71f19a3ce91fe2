/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A 64-bit PV guest for genimage, consistent as Xen demands: p2m list, page
 * tables in pfn form (direct map of all memory, p2m map, a user half), root
 * tables pinned, start_info with store and console, a GDT page per vCPU. The
 * "system pages" lie in a row; an even seed puts them at the end of memory, an
 * odd one near its start, where tables name pages that come later.
 */
#ifndef XSR_TESTS_GEN_PV_H
#define XSR_TESTS_GEN_PV_H

#include "stream/pages.h"
#include "tests/gen/content.h"

#define PTE_P   0x001u
#define PTE_RO  0x061ull        /* present, accessed, dirty */
#define PTE_RW  0x063ull
#define PTE_TAB 0x067ull
#define PTES 512u
#define SLOT_DIRECT 272u        /* 0xffff880000000000 */
#define SLOT_P2M    402u        /* 0xffffc90000000000 */
#define P2M_VADDR   0xffffc90000000000ull
#define SOURCE_MFN(pfn) (0x200000ull + ((pfn) ^ 0x155))
#define HOLE_PAGES 8u           /* ballooned out */

enum pv_kind {
    K_P2M, K_L1D, K_L2D, K_L3D, K_L4K, K_L1P, K_L2P, K_L3P, K_L4U, K_L3U,
    K_L2U, K_L1U, K_START_INFO, K_STORE, K_CONSOLE, K_GDT, K_HOLE,
    K_N, K_RAM = K_N
};

struct pv {
    uint64_t n;                     /* pages, holes included */
    uint64_t first[K_N + 1];        /* system pages, K_N: behind the last */
};

static const uint8_t pv_types[K_N + 1] = {
    [K_L1D] = XSR_PT_L1, [K_L2D] = XSR_PT_L2, [K_L3D] = XSR_PT_L3,
    [K_L4K] = XSR_PT_L4 | XSR_PT_PIN, [K_L1P] = XSR_PT_L1,
    [K_L2P] = XSR_PT_L2, [K_L3P] = XSR_PT_L3,
    [K_L4U] = XSR_PT_L4 | XSR_PT_PIN, [K_L3U] = XSR_PT_L3,
    [K_L2U] = XSR_PT_L2, [K_L1U] = XSR_PT_L1 | XSR_PT_PIN,
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
            xsr_st_le64(page + 8 * s,
                        pv_leaf(pv, first[K_P2M] + i * PTES + s));
    else if (kind == K_L2D)
        pv_tables(page, 0, first[K_L1D] + i * PTES,
                  pv_count(pv, K_L1D) - i * PTES);
    else if (kind == K_L3D)
        pv_tables(page, 0, first[K_L2D], pv_count(pv, K_L2D));
    else if (kind == K_L2P)
        pv_tables(page, 0, first[K_L1P], pv_count(pv, K_L1P));
    else if (kind == K_L3P || kind == K_L3U || kind == K_L2U)
        pv_tables(page, 0, kind == K_L3P ? first[K_L2P]
                           : kind == K_L3U ? first[K_L2U] : first[K_L1U], 1);
    else if (kind == K_L4U)
        pv_tables(page, 0, first[K_L3U], 1);
    if (kind == K_L4K || kind == K_L4U) {
        pv_tables(page, SLOT_DIRECT, first[K_L3D], 1);
        pv_tables(page, SLOT_P2M, first[K_L3P], 1);
    }
}

#endif
