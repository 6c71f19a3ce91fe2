/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's view of its own memory. An HVM guest names its pages by the
 * hypervisor's p2m; a PV guest goes through its own page tables, which map all
 * of its memory in one piece (XSR_G_DIRECT_VA), as a processor would. Nothing
 * here is known outside the guest, so it works in a restored domain at once.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/guest/gi.h"

#define PTE_PRESENT 0x1ull
#define PTE_FRAME   0x000ffffffffff000ull

static int64_t walk(const struct xsr_dom *d, uint64_t va)
{
    const struct xsr_vcpu *v = &d->vcpu[0];
    uint64_t mfn = v->table - 1;
    int shift;

    if (!v->table)
        return -1;
    for (shift = 39; shift >= 12; shift -= 9) {
        const uint64_t *table = xsr_frame_bytes(mfn);
        uint64_t e = table[(va >> shift) % 512];

        mfn = (e & PTE_FRAME) >> 12;
        if (!(e & PTE_PRESENT) || !xsr_frame_owned(mfn, d))
            return -1;
    }
    return (int64_t)mfn;
}

int64_t xsr_guest_mfn(struct xsr_dom *d, uint64_t pfn)
{
    if (d->hvm)
        return xsr_hv_gfn_to_mfn(d, pfn);
    if (pfn >> 27) /* more than one L3 table maps */
        return -1;
    return walk(d, XSR_G_DIRECT_VA + pfn * XSR_PAGE_SIZE);
}

static bool desc_ok(const struct xsr_gdesc *c, const struct xsr_dom *d,
                    struct xsr_layout *lay)
{
    return c->magic == XSR_G_MAGIC && c->version == XSR_G_VERSION &&
           (c->type == XSR_HV_PV) == !d->hvm &&
           c->n_phases <= XSR_GUEST_PHASES &&
           xsr_layout_init(lay, c->type, c->pages, c->seed, c->zero_pct) == 0;
}

bool xsr_guest_open(struct xsr_dom *d, struct xsr_guest *g)
{
    int64_t mfn;

    if (!d || d->domid == 0 || d->dying)
        return false;
    mfn = d->guest ? (int64_t)d->guest - 1 : xsr_guest_mfn(d, XSR_G_DESC);
    if (mfn < 0 || !xsr_frame_owned((uint64_t)mfn, d) ||
        xsr_m2p[mfn] != XSR_G_DESC)
        return false;
    g->d = d;
    g->desc = xsr_frame_bytes((uint64_t)mfn);
    return desc_ok(g->desc, d, &g->lay);
}

void *xsr_guest_page(const struct xsr_guest *g, uint64_t pfn)
{
    int64_t mfn = xsr_guest_mfn(g->d, pfn);

    return mfn < 0 ? NULL : xsr_frame_bytes((uint64_t)mfn);
}

void xsr_guest_dirty(const struct xsr_guest *g, uint64_t pfn)
{
    xsr_hv_mark_dirty(g->d, pfn);
}

uint32_t *xsr_guest_version(const struct xsr_guest *g, uint64_t pfn)
{
    uint64_t at = pfn - pfn % XSR_G_CHUNK + XSR_G_AT_VERSION;
    uint32_t *page = xsr_guest_page(g, at);

    return page ? &page[pfn % XSR_G_CHUNK] : NULL;
}

void xsr_guest_trouble(const struct xsr_guest *g, const char *fmt, ...)
{
    char text[sizeof(g->desc->trouble)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    xsr_sim_log("guest of domain %u: %s", g->d->domid, text);
    if (g->desc->n_troubles++ == 0)
        memcpy(g->desc->trouble, text, sizeof(text));
    xsr_guest_dirty(g, XSR_G_DESC);
}
