/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A running or suspended 64-bit PV guest's own idea of its memory: its table
 * of pfn -> mfn, mapped and read live, and Xen's table of mfn -> pfn beside
 * it. Shared by save and resume. docs/formats/libxc-image.md
 */
#ifndef XSR_ENGINE_PV_MAP_H
#define XSR_ENGINE_PV_MAP_H

#include "engine/keep.h"
#include "engine/tables.h"
#include "engine/xen.h"

struct xsr_pv_map {
    struct xsr_xen *xen; /* borrowed */
    uint64_t n_pfns;     /* pfns below it may have a page */
    uint64_t n_mfns;     /* of the host */
    const uint64_t *m2p;
    size_t m2p_pages;
    const uint8_t *shared_info;
    const uint64_t *p2m; /* n_leaves pages of it */
    xen_pfn_t *leaves;   /* their mfns */
    size_t n_leaves;
    bool linear;         /* found through p2m_cr3, not the tree */
    uint64_t generation; /* linear: of the list's structure */
};

/* All fields as "nothing", so that fini is safe. */
void xsr_pv_map_init(struct xsr_pv_map *map, struct xsr_xen *xen);
/* Map everything. The guest must have set up its p2m list. */
int xsr_pv_map_open(struct xsr_pv_map *map, uint64_t shared_info_frame,
                    struct xsr_err *err);
/* keep (may be NULL) gets what was mapped: Xen's table is large. */
void xsr_pv_map_fini(struct xsr_pv_map *map, struct xsr_keep *keep);

/* Guest memory that may change at any time is read once, as a whole word. */
static inline uint64_t xsr_read_word(const uint64_t *p)
{
    return *(const volatile uint64_t *)p;
}
/* XSR_INVALID_FRAME: no page now. */
static inline uint64_t xsr_pv_mfn(const struct xsr_pv_map *map, uint64_t pfn)
{
    return pfn < map->n_pfns ? xsr_read_word(&map->p2m[pfn])
                             : XSR_INVALID_FRAME;
}
/* XSR_INVALID_FRAME: that frame is not one of the guest's pages. */
uint64_t xsr_pv_pfn(const struct xsr_pv_map *map, uint64_t mfn);
/* Has the guest rebuilt its list since it was mapped? Then XSR_E_XEN. */
int xsr_pv_map_check(const struct xsr_pv_map *map, struct xsr_err *err);

/* pv_list.c: the mfns of the pages of the guest's list, and its length. */
int xsr_pv_find_list(struct xsr_pv_map *map, struct xsr_err *err);

#endif
