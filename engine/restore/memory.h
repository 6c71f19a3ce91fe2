/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pfns have a page behind them, and giving pages to those that lack one:
 * wanted pfns are collected and populated in one hypercall.
 * docs/formats/libxc-image.md
 */
#ifndef XSR_ENGINE_MEMORY_H
#define XSR_ENGINE_MEMORY_H

#include "engine/xen.h"

/*
 * A set of pfns: one bit each, in pieces that exist only where a member was
 * added, so that its size follows the guest's memory and not the largest
 * number that an image mentions.
 */
#define XSR_PFNSET_SHIFT 18 /* pfns a piece: 1 GiB of guest, 32 KiB */

struct xsr_pfnset {
    uint64_t **piece;
    uint64_t n_pieces;
    uint64_t n_members;
    uint64_t highest; /* meaningless while n_members is 0 */
};

void xsr_pfnset_init(struct xsr_pfnset *set);
void xsr_pfnset_fini(struct xsr_pfnset *set);
bool xsr_pfnset_has(const struct xsr_pfnset *set, uint64_t pfn);
/* The caller has compared pfn with its bound. Adding twice is harmless. */
int xsr_pfnset_add(struct xsr_pfnset *set, uint64_t pfn, struct xsr_err *err);

struct xsr_memory {
    struct xsr_xen *xen;         /* borrowed */
    struct xsr_pfnset populated; /* pending ones included */
    uint64_t max_pages;          /* how many members that may get */
    xen_pfn_t pending[XSR_XEN_BATCH];
    unsigned n_pending;
    /* n new pages; frames: PV mfns, HVM the pfns again. */
    void (*on_populated)(void *ctx, const xen_pfn_t *pfns,
                         const xen_pfn_t *frames, unsigned n);
    void *ctx;
};

/* dom: its present pages count against its limit. */
void xsr_memory_init(struct xsr_memory *mem, struct xsr_xen *xen,
                     const struct xsr_xen_domain *dom);
void xsr_memory_fini(struct xsr_memory *mem);
static inline bool xsr_memory_has(const struct xsr_memory *mem, uint64_t pfn)
{
    return xsr_pfnset_has(&mem->populated, pfn);
}
/* A page is needed behind pfn; it exists after the next flush at the latest. */
int xsr_memory_want(struct xsr_memory *mem, uint64_t pfn, struct xsr_err *err);
int xsr_memory_flush(struct xsr_memory *mem, struct xsr_err *err);

#endif
