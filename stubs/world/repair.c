/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Repair after a process died inside the shared state (host.busy was set when
 * we entered). Trusts only the primary facts named in state.h: who owns a
 * frame, which frames are pinned, the p2m and M2P entries, the slots' states.
 * Removes domains that were half made or half destroyed, frees frames that
 * nothing leads to, and counts everything derived anew.
 */
#include <string.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

static size_t pool_begin(void)
{
    return xsr_host->dom0_pages / XSR_CHUNK;
}

static size_t pool_end(void)
{
    return xsr_host->compat_mfn / XSR_CHUNK;
}

/* Does anything in its domain lead to this frame? */
static bool is_reachable(struct xsr_dom *d, uint64_t mfn)
{
    uint32_t i;

    if (xsr_frames[mfn].flags & XSR_FF_SPECIAL) {
        if (mfn == d->shinfo_mfn)
            return true;
        for (i = 0; i < d->n_grants; i++)
            if (d->grant_mfn[i] == mfn)
                return true;
        return false;
    }
    if (xsr_m2p[mfn] == XSR_INVALID_M2P) /* replaced: nothing has to */
        return xsr_frames[mfn].flags & XSR_FF_REPLACED;
    return !d->hvm ||
           (xsr_m2p[mfn] < XSR_MAX_GFN && d->p2m[xsr_m2p[mfn]] == mfn + 1);
}

/* The live domain that owns the frame, or NULL. */
static struct xsr_dom *live_owner(uint64_t mfn)
{
    uint16_t owner = xsr_frames[mfn].owner;
    struct xsr_slot *s;

    if (owner == 0 || owner == XSR_OWNER_XEN)
        return NULL;
    s = xsr_hv_slot(owner - 1u);
    return s && s->state == XSR_SLOT_LIVE ? xsr_dom_map(s) : NULL;
}

/* Clear what is derived, drop orphans, count chunks and domains. */
static void recount_frames(void)
{
    uint64_t used_total = 0, mfn;
    struct xsr_dom *d;
    uint16_t used;
    size_t c;

    for (c = pool_begin(); c < pool_end(); c++) {
        if (xsr_host->chunk_used[c] == 0)
            continue;
        used = 0;
        for (mfn = c * XSR_CHUNK; mfn < (c + 1) * XSR_CHUNK; mfn++) {
            struct xsr_frame *f = &xsr_frames[mfn];

            f->type = XSR_F_NONE;
            f->tcount = f->maps = 0;
            if (f->owner == 0)
                continue;
            used++;
            d = live_owner(mfn);
            if (d && !is_reachable(d, mfn)) {
                xsr_host->chunk_used[c]++; /* so that free may lower it */
                xsr_frame_free(mfn, 1);
                used--;
            } else if (d && !(f->flags & XSR_FF_SPECIAL)) {
                d->tot_pages++;
            }
        }
        xsr_host->chunk_used[c] = used;
        used_total += used;
    }
    xsr_host->free_pages = (pool_end() - pool_begin()) * XSR_CHUNK - used_total;
}

static void each_live(void (*fn)(struct xsr_dom *d))
{
    size_t i;

    for (i = 0; i < XSR_SLOTS; i++) {
        struct xsr_slot *s = &xsr_host->slots[i];
        struct xsr_dom *d;

        if (s->state != XSR_SLOT_LIVE || s->domid == 0)
            continue;
        d = xsr_dom_map(s);
        if (d)
            fn(d);
    }
}

static void clear_counts(struct xsr_dom *d)
{
    d->tot_pages = 0;
}

static void count_claim(struct xsr_dom *d)
{
    xsr_host->claimed += d->outstanding;
}

/* Without its file a domain cannot even be destroyed by name. */
static void free_by_owner(uint32_t domid)
{
    uint64_t mfn, end = pool_end() * XSR_CHUNK;

    for (mfn = pool_begin() * XSR_CHUNK; mfn < end; mfn++) {
        if (xsr_host->chunk_used[mfn / XSR_CHUNK] == 0)
            mfn |= XSR_CHUNK - 1;
        else if (xsr_frames[mfn].owner == domid + 1)
            xsr_frame_free(mfn, 1);
    }
}

static void remove_half_made(void)
{
    size_t i;

    for (i = 0; i < XSR_SLOTS; i++) {
        struct xsr_slot *s = &xsr_host->slots[i];
        struct xsr_dom *d;

        if (s->state != XSR_SLOT_CREATING && s->state != XSR_SLOT_DYING)
            continue;
        xsr_sim_log("repair: domain %u was %s and is removed", s->domid,
                    s->state == XSR_SLOT_CREATING ? "half made"
                                                  : "half destroyed");
        /* nobody knew a half-made one, and its file may be all holes */
        d = s->state == XSR_SLOT_DYING ? xsr_dom_map(s) : NULL;
        if (d && d->serial == s->serial) {
            d->dying = 2;
            xsr_hv_reap(d);
            xsr_hv_note_release(s->domid, true);
            continue;
        }
        free_by_owner(s->domid);
        xsr_dom_file_remove(s);
        __atomic_store_n(&s->state, XSR_SLOT_FREE, __ATOMIC_RELEASE);
    }
}

void xsr_host_repair(void)
{
    xsr_sim_log("repair: a process died while it changed the host");
    each_live(clear_counts);
    recount_frames();
    xsr_host->claimed = 0;
    each_live(count_claim);
    each_live(xsr_hv_retype);
    xsr_hv_recount_maps();
    remove_half_made();
    xsr_host->guests = 1; /* the next look counts them */
    each_live(xsr_hv_evtchn_repair);
    if (xsr_host->slots[0].state == XSR_SLOT_LIVE)
        xsr_hv_evtchn_repair(xsr_dom_map(&xsr_host->slots[0]));
}
