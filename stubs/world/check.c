/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is the shared state consistent? Counts everything that state.h calls derived
 * from the primary facts, in its own way, and compares. Changes nothing. For
 * tests, above all after a process was killed somewhere inside (hv.h).
 */
#include <stdlib.h>

#include "lib/util.h"
#include "stubs/hv/hv.h"
#include "stubs/hv/hvi.h"

#define PTE_FRAME 0x000ffffffffff000ull

/* What the frames should say, indexed by mfn. */
struct expected {
    uint32_t *refs, *maps;
};

static int check_chunks(struct xsr_err *err)
{
    size_t c, i, end = xsr_host->compat_mfn / XSR_CHUNK;
    uint64_t free_pages = 0, used;

    for (c = xsr_host->dom0_pages / XSR_CHUNK; c < end; c++) {
        used = 0;
        for (i = 0; xsr_host->chunk_used[c] && i < XSR_CHUNK; i++)
            used += xsr_frames[c * XSR_CHUNK + i].owner != 0;
        if (used != xsr_host->chunk_used[c])
            return xsr_fail(err, XSR_E_BUG,
                            "chunk %zu has %llu used frames, "
                            "its count says %u",
                            c, (unsigned long long)used,
                            xsr_host->chunk_used[c]);
        free_pages += XSR_CHUNK - used;
    }
    if (free_pages != xsr_host->free_pages)
        return xsr_fail(err, XSR_E_BUG,
                        "%llu frames are free, the count says "
                        "%llu",
                        (unsigned long long)free_pages,
                        (unsigned long long)xsr_host->free_pages);
    return 0;
}

/* One frame against its owner. */
static int check_frame(struct xsr_dom *d, uint64_t mfn, uint64_t *pages,
                       struct xsr_err *err)
{
    const struct xsr_frame *f = &xsr_frames[mfn];
    uint64_t gfn = xsr_m2p[mfn];

    if (f->flags & XSR_FF_SPECIAL)
        return 0;
    ++*pages;
    if (d->dying)
        return f->maps ? 0
                       : xsr_fail(err, XSR_E_BUG,
                                  "frame %#llx of a dead "
                                  "domain is mapped by nobody",
                                  (unsigned long long)mfn);
    if (d->hvm && gfn != XSR_INVALID_M2P &&
        (gfn > d->max_gfn || d->p2m[gfn] != mfn + 1))
        return xsr_fail(err, XSR_E_BUG,
                        "frame %#llx thinks it is page %#llx "
                        "of domain %u, which does not",
                        (unsigned long long)mfn, (unsigned long long)gfn,
                        d->domid);
    return 0;
}

static int check_domain(struct xsr_dom *d, struct xsr_err *err)
{
    uint64_t mfn, pages = 0;

    for (mfn = xsr_host->dom0_pages; mfn < xsr_host->compat_mfn; mfn++) {
        if (xsr_host->chunk_used[mfn / XSR_CHUNK] == 0) {
            mfn |= XSR_CHUNK - 1;
            continue;
        }
        if (xsr_frame_owned(mfn, d) && check_frame(d, mfn, &pages, err) < 0)
            return -1;
    }
    if (pages != d->tot_pages)
        return xsr_fail(err, XSR_E_BUG,
                        "domain %u has %llu pages, its count "
                        "says %llu",
                        d->domid, (unsigned long long)pages,
                        (unsigned long long)d->tot_pages);
    return 0;
}

/* References that a page table gives to what its entries name. */
static void count_table(struct expected *x, uint64_t mfn)
{
    const uint64_t *table = xsr_frame_bytes(mfn);
    unsigned level = xsr_frames[mfn].type, i;

    for (i = 0; i < XSR_CHUNK; i++) {
        if (!(table[i] & 1) || (level == XSR_F_L4 && i >= 256 && i < 272))
            continue;
        if (level > XSR_F_L1 || (table[i] & 2))
            x->refs[(table[i] & PTE_FRAME) >> 12]++;
    }
}

static void count_vcpus(struct expected *x, const struct xsr_dom *d)
{
    uint32_t i, g;

    for (i = 0; i < d->max_vcpus; i++) {
        const struct xsr_vcpu *v = &d->vcpu[i];

        if (!v->initialised)
            continue;
        for (g = 0; g < (v->ctx.gdt_ents + 511) / 512; g++)
            x->refs[v->ctx.gdt_frames[g]]++;
        if (v->table)
            x->refs[v->table - 1]++;
        if (v->user_table)
            x->refs[v->user_table - 1]++;
    }
}

static void count_maps(struct expected *x)
{
    uint32_t i, k;

    for (i = 0; i < xsr_host->map_end; i++) {
        const struct xsr_map *m = &xsr_host->maps[i];
        const struct xsr_dom *d = m->proc ? xsr_hv_dom(m->domid) : NULL;

        for (k = 0; d && k < m->n; k++) {
            x->maps[m->mfn + k]++;
            x->refs[m->mfn + k] += !d->hvm && m->writable;
        }
    }
}

static int check_counts(struct expected *x, struct xsr_err *err)
{
    uint64_t mfn;

    for (mfn = xsr_host->dom0_pages; mfn < xsr_host->compat_mfn; mfn++) {
        const struct xsr_frame *f = &xsr_frames[mfn];

        if (xsr_host->chunk_used[mfn / XSR_CHUNK] == 0) {
            mfn |= XSR_CHUNK - 1;
            continue;
        }
        if (f->owner == 0)
            continue;
        if (f->tcount != x->refs[mfn] || f->maps != x->maps[mfn])
            return xsr_fail(err, XSR_E_BUG,
                            "frame %#llx: %u references and "
                            "%u mappings, counted %u and %u",
                            (unsigned long long)mfn, f->tcount, f->maps,
                            x->refs[mfn], x->maps[mfn]);
    }
    return 0;
}

static int check_references(struct xsr_err *err)
{
    struct expected x = {
        calloc(xsr_host->total_pages, sizeof(*x.refs)),
        calloc(xsr_host->total_pages, sizeof(*x.maps)),
    };
    uint64_t mfn;
    size_t i;
    int rc;

    if (!x.refs || !x.maps) {
        rc = xsr_fail(err, XSR_E_NOMEM, "no memory to check the host");
    } else {
        for (mfn = xsr_host->dom0_pages; mfn < xsr_host->compat_mfn; mfn++) {
            const struct xsr_frame *f = &xsr_frames[mfn];

            if (xsr_host->chunk_used[mfn / XSR_CHUNK] == 0) {
                mfn |= XSR_CHUNK - 1;
                continue;
            }
            x.refs[mfn] += !!(f->flags & XSR_FF_PINNED);
            if (f->tcount && f->type >= XSR_F_L1 && f->type <= XSR_F_L4)
                count_table(&x, mfn);
        }
        for (i = 1; i < XSR_SLOTS; i++)
            if (xsr_host->slots[i].state == XSR_SLOT_LIVE &&
                !xsr_dom_map(&xsr_host->slots[i])->hvm)
                count_vcpus(&x, xsr_dom_map(&xsr_host->slots[i]));
        count_maps(&x);
        rc = check_counts(&x, err);
    }
    free(x.refs);
    free(x.maps);
    return rc;
}

/* The state is as it is between two calls; the lock is held. */
int xsr_hv_check(struct xsr_err *err)
{
    size_t i;
    int rc;

    if (xsr_host_enter() < 0)
        return xsr_fail(err, XSR_E_XEN, "there is no simulated host");
    rc = check_chunks(err);
    for (i = 1; i < XSR_SLOTS && rc == 0; i++) {
        struct xsr_slot *s = &xsr_host->slots[i];
        struct xsr_dom *d;

        if (s->state == XSR_SLOT_FREE)
            continue;
        d = xsr_dom_map(s);
        if (!d)
            rc = xsr_fail(err, XSR_E_BUG, "domain %u has no file", s->domid);
        else
            rc = check_domain(d, err);
    }
    if (rc == 0)
        rc = check_references(err);
    xsr_host_leave();
    return rc;
}
