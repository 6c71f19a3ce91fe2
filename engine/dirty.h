/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Three sets of pfns: the dirty ones as Xen reports them, those that a save
 * could not send when it was their turn, and those that the receiver knows.
 */
#ifndef XSR_ENGINE_DIRTY_H
#define XSR_ENGINE_DIRTY_H

#include "engine/xen.h"

struct xsr_dirty {
    uint64_t n_pfns; /* bits in each */
    uint64_t *bits;  /* memory that hypercalls may use */
    xc_hypercall_buffer_t buffer;
    uint64_t *deferred, *known;
    uint64_t n_deferred;
};

void xsr_dirty_init(struct xsr_dirty *d);
void xsr_dirty_fini(struct xsr_dirty *d, const struct xsr_xen *xen);
/* Room for n pfns; what was known of the lower ones stays. Never shrinks. */
int xsr_dirty_resize(struct xsr_dirty *d, const struct xsr_xen *xen, uint64_t n,
                     struct xsr_err *err);
/*
 * Replace bits by what Xen noted since the last time, and let it forget that.
 * final: the guest will not run again. *n_out: how many Xen says they are.
 */
int xsr_dirty_fetch(struct xsr_dirty *d, const struct xsr_xen *xen, bool final,
                    uint64_t *n_out, struct xsr_err *err);
void xsr_dirty_defer(struct xsr_dirty *d, uint64_t pfn);
/* Deferred pfns become dirty ones. */
void xsr_dirty_add_deferred(struct xsr_dirty *d);
static inline void xsr_dirty_add(struct xsr_dirty *d, uint64_t pfn)
{
    d->bits[pfn / 64] |= 1ull << (pfn % 64);
}
static inline void xsr_dirty_note_known(struct xsr_dirty *d, uint64_t pfn)
{
    d->known[pfn / 64] |= 1ull << (pfn % 64);
}
static inline bool xsr_dirty_is_known(const struct xsr_dirty *d, uint64_t pfn)
{
    return d->known[pfn / 64] >> (pfn % 64) & 1;
}
uint64_t xsr_dirty_count(const struct xsr_dirty *d);
/* The first pfn >= from that is in bits, or end. */
uint64_t xsr_dirty_next(const uint64_t *bits, uint64_t from, uint64_t end);

#endif
