/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest frame numbers. An HVM domain has a p2m in its file (gfn -> mfn + 1),
 * and the M2P points back. A PV domain has none: it names machine frames, and
 * the M2P alone says which guest page a frame is. Entries above max_gfn are
 * never read, so that looking for holes costs no memory.
 */
#include <errno.h>

#include "stubs/hv/hvi.h"

int64_t xsr_hv_gfn_to_mfn(struct xsr_dom *d, uint64_t gfn)
{
    if (!d->hvm)
        return xsr_frame_owned(gfn, d) ? (int64_t)gfn : -EINVAL;
    if (gfn >= XSR_MAX_GFN || gfn > d->max_gfn || d->p2m[gfn] == 0)
        return -ENOENT;
    return (int64_t)d->p2m[gfn] - 1;
}

void xsr_hv_p2m_set(struct xsr_dom *d, uint64_t gfn, uint64_t mfn)
{
    xsr_m2p[mfn] = gfn;
    if (gfn > d->max_gfn)
        d->max_gfn = gfn;
    if (gfn % 8 == 0)
        xsr_host_edge();
    __atomic_store_n(&d->p2m[gfn], (uint32_t)(mfn + 1), __ATOMIC_RELEASE);
}

/* The maximum gfn never falls again, as in Xen. */
void xsr_hv_p2m_clear(struct xsr_dom *d, uint64_t gfn)
{
    __atomic_store_n(&d->p2m[gfn], 0, __ATOMIC_RELEASE);
}

void xsr_hv_mark_dirty(struct xsr_dom *d, uint64_t gfn)
{
    uint64_t bit = 1ull << (gfn % 64);

    if (!d->logdirty || gfn >= XSR_MAX_GFN || (d->dirty[gfn / 64] & bit))
        return;
    d->dirty[gfn / 64] |= bit;
    d->dirty_count++;
}

/* Take one page away from the domain (a balloon, or a replaced page). */
int xsr_hv_remove_page(struct xsr_dom *d, uint64_t gfn)
{
    int64_t mfn = xsr_hv_gfn_to_mfn(d, gfn);
    struct xsr_frame *f;

    if (mfn < 0)
        return d->hvm ? -EINVAL : (int)mfn;
    f = &xsr_frames[mfn];
    if (f->flags & XSR_FF_SPECIAL) {
        if (!d->hvm)
            return -ENXIO;
        xsr_m2p[mfn] = XSR_INVALID_M2P; /* unhooked, not freed */
        xsr_hv_p2m_clear(d, gfn);
        return 0;
    }
    /*
     * In Xen a page with references left leaves the domain only when the
     * last of them goes. Nobody needs that here, so it is refused.
     */
    if (f->maps)
        xsr_hv_purge_dead_maps();
    if (f->maps || f->tcount || (f->flags & XSR_FF_PINNED)) {
        xsr_sim_log("domain %u: page %#llx cannot be freed: in use", d->domid,
                    (unsigned long long)gfn);
        return -EBUSY;
    }
    if (d->hvm)
        xsr_hv_p2m_clear(d, gfn);
    xsr_host_edge();
    xsr_frame_free((uint64_t)mfn, 1);
    d->tot_pages--;
    return 0;
}
