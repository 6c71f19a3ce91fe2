/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plain view of host and domains for tools and tests (hv.h): nothing here
 * changes anything. Pages are listed once, by going through the frames that
 * the domain owns, and read one by one later.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/guest/hooks.h"
#include "stubs/hv/hv.h"
#include "stubs/hv/hvi.h"

#define PTE_PRESENT 0x1ull
#define PTE_FRAME   0x000ffffffffff000ull
#define N_ENTRIES   512u

struct xsr_hv_pages {
    uint32_t domid;
    uint64_t serial;
    struct xsr_hv_page *page;
    size_t n, cap, next;
};

int xsr_hv_host_init(const struct xsr_hv_host_options *o, struct xsr_err *err)
{
    struct xsr_host_options options = {
        .memory_mib = o->memory_mib,
        .n_cpus = o->n_cpus,
        .no_shadow = o->no_shadow,
        .no_hap = o->no_hap,
        .resident = o->resident,
    };

    return xsr_host_create(&options, err) < 0 ? -1 : xsr_hv_open(err);
}

int xsr_hv_host_info(struct xsr_hv_host_info *out)
{
    if (xsr_host_enter() < 0)
        return -EIO;
    out->total_pages = xsr_host->total_pages;
    out->free_pages = xsr_host->free_pages;
    out->n_cpus = xsr_host->n_cpus;
    out->shadow = xsr_host->shadow;
    out->hap = xsr_host->hap;
    xsr_host_leave();
    return 0;
}

/* ---- domains ------------------------------------------------------------- */

static enum xsr_hv_type type_of(const struct xsr_dom *d)
{
    if (!d->hvm)
        return XSR_HV_PV;
    return d->emulation == XEN_X86_EMU_LAPIC ? XSR_HV_PVH : XSR_HV_HVM;
}

static void describe(struct xsr_dom *d, struct xsr_hv_domain *out)
{
    uint32_t i;

    memset(out, 0, sizeof(*out));
    out->domid = d->domid;
    out->type = type_of(d);
    memcpy(out->uuid, d->handle, sizeof(out->uuid));
    out->tot_pages = d->tot_pages;
    out->max_pages = d->max_pages;
    out->max_vcpus = d->max_vcpus;
    for (i = 0; i < d->max_vcpus; i++) {
        out->n_vcpus += d->vcpu[i].exists;
        out->n_online += d->vcpu[i].exists && d->vcpu[i].online;
    }
    out->paused = d->pause_count > 0;
    out->pause_count = d->pause_count;
    out->shutdown = d->shutdown;
    out->shutdown_reason = d->shutdown_code;
    out->dying = d->dying;
    out->created = d->created;
    out->logdirty = d->logdirty;
    out->shared_info_mfn = d->shinfo_mfn;
    out->max_gfn = d->max_gfn;
    for (i = 1; i <= d->max_evtchn; i++)
        out->n_evtchns += d->evtchn[i].state != EVTCHNSTAT_closed;
    out->n_grant_frames = d->n_grants;
    out->tsc_mode = d->tsc_mode;
    out->tsc_khz = d->tsc_khz;
    out->tsc_incarnation = d->tsc_incarnation;
    out->hvm_context_len = d->hvmctx_len;
    out->n_cpuid_leaves = d->n_leaves;
    out->n_msrs = d->n_msrs;
    out->paging_bytes = d->mempool;
}

int xsr_hv_next_domain(uint32_t first, struct xsr_hv_domain *out)
{
    struct xsr_dom *d;

    if (xsr_host_enter() < 0)
        return -EIO;
    xsr_guest_advance();
    d = xsr_hv_dom_from(first);
    if (d && d->dying && xsr_hv_purge_dead_maps())
        d = xsr_hv_dom_from(first);
    if (d)
        describe(d, out);
    xsr_host_leave();
    xsr_hv_fire_notes();
    return d ? 0 : -ESRCH;
}

int xsr_hv_vcpu_state(uint32_t domid, uint32_t id, struct xsr_hv_vcpu *out)
{
    struct xsr_dom *d;
    struct xsr_vcpu *v;

    if (xsr_host_enter() < 0)
        return -EIO;
    d = xsr_hv_dom(domid);
    v = d ? xsr_hv_vcpu(d, id) : NULL;
    if (v) {
        memset(out, 0, sizeof(*out));
        out->initialised = v->initialised;
        out->online = v->online;
        out->has_context = v->initialised && !d->hvm && domid != 0;
        memcpy(out->context, &v->ctx, sizeof(out->context));
        out->root_mfn = v->table ? v->table - 1 : 0;
        out->user_root_mfn = v->user_table ? v->user_table - 1 : 0;
        out->xsave_len = v->xsave_len;
        out->n_msrs = v->n_msrs;
    }
    xsr_host_leave();
    return v ? 0 : -ESRCH;
}

int xsr_hv_params(uint32_t domid, uint64_t out[XSR_HV_N_PARAMS])
{
    struct xsr_dom *d;
    int rc = -ESRCH;

    if (xsr_host_enter() < 0)
        return -EIO;
    d = xsr_hv_dom(domid);
    if (d)
        rc = d->hvm ? 0 : -EINVAL;
    if (rc == 0)
        memcpy(out, d->params, sizeof(d->params));
    xsr_host_leave();
    return rc;
}

int xsr_hv_next_port(uint32_t domid, uint32_t first, struct xsr_hv_port *out)
{
    struct xsr_dom *d;
    int rc = -ESRCH;

    if (xsr_host_enter() < 0)
        return -EIO;
    d = xsr_hv_dom(domid);
    for (; d && first <= d->max_evtchn; first++)
        if (d->evtchn[first].state != EVTCHNSTAT_closed)
            break;
    if (d && first > d->max_evtchn) {
        rc = -ENOENT;
    } else if (d) {
        const struct xsr_evtchn *c = &d->evtchn[first];

        out->port = first;
        out->status = c->state;
        out->remote_dom = c->remote_dom;
        out->remote_port = c->remote_port;
        out->pending = c->pending;
        rc = 0;
    }
    xsr_host_leave();
    return rc;
}

int xsr_hv_grant_entry(uint32_t domid, uint32_t idx, struct xsr_hv_grant *out)
{
    struct xsr_dom *d;
    int rc = -ESRCH;

    if (xsr_host_enter() < 0)
        return -EIO;
    d = xsr_hv_dom(domid);
    if (d)
        rc = idx / N_ENTRIES < d->n_grants ? 0 : -ENOENT;
    if (rc == 0) {
        const uint8_t *e = xsr_frame_bytes(d->grant_mfn[idx / N_ENTRIES]);

        memcpy(out, e + 8 * (size_t)(idx % N_ENTRIES), 8);
    }
    xsr_host_leave();
    return rc;
}

int64_t xsr_hv_pfn_of(uint32_t domid, uint64_t mfn)
{
    struct xsr_dom *d;
    int64_t pfn = -ESRCH;

    if (xsr_host_enter() < 0)
        return -EIO;
    d = xsr_hv_dom(domid);
    if (d)
        pfn = xsr_frame_owned(mfn, d) && xsr_m2p[mfn] != XSR_INVALID_M2P
                  ? (int64_t)xsr_m2p[mfn]
                  : -EINVAL;
    xsr_host_leave();
    return pfn;
}

/* ---- pages --------------------------------------------------------------- */

static bool add_page(struct xsr_hv_pages *p, uint64_t mfn)
{
    const struct xsr_frame *f = &xsr_frames[mfn];
    struct xsr_hv_page *page;

    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 4096;

        page = realloc(p->page, cap * sizeof(*page));
        if (!page)
            return false;
        p->page = page;
        p->cap = cap;
    }
    page = &p->page[p->n++];
    page->pfn = xsr_m2p[mfn];
    page->mfn = mfn;
    page->level = f->tcount && f->type <= XSR_F_L4 ? f->type : 0;
    page->pinned = f->flags & XSR_FF_PINNED;
    page->p2m = false;
    return true;
}

static bool collect(struct xsr_hv_pages *p, const struct xsr_dom *d)
{
    uint64_t mfn;

    for (mfn = xsr_host->dom0_pages; mfn < xsr_host->compat_mfn; mfn++) {
        if (xsr_host->chunk_used[mfn / XSR_CHUNK] == 0) {
            mfn |= XSR_CHUNK - 1;
            continue;
        }
        if (!xsr_frame_owned(mfn, d) || xsr_m2p[mfn] == XSR_INVALID_M2P ||
            (xsr_frames[mfn].flags & XSR_FF_SPECIAL))
            continue;
        if (!add_page(p, mfn))
            return false;
    }
    return true;
}

static int by_pfn(const void *a, const void *b)
{
    const struct xsr_hv_page *x = a, *y = b;

    return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static void mark_p2m(struct xsr_hv_pages *p, uint64_t mfn)
{
    struct xsr_hv_page key = {.pfn = xsr_m2p[mfn]}, *page;

    page = bsearch(&key, p->page, p->n, sizeof(key), by_pfn);
    if (page && page->mfn == mfn)
        page->p2m = true;
}

/* The frame at a virtual address under root, or -1. */
static int64_t walk(const struct xsr_dom *d, uint64_t root, uint64_t va)
{
    uint64_t mfn = root, e;
    int shift;

    for (shift = 39; shift >= 12; shift -= 9) {
        const uint64_t *table = xsr_frame_bytes(mfn);

        e = table[(va >> shift) % N_ENTRIES];
        mfn = (e & PTE_FRAME) >> 12;
        if (!(e & PTE_PRESENT) || !xsr_frame_owned(mfn, d))
            return -1;
    }
    return (int64_t)mfn;
}

/* The guest says where its list lies; its own page tables lead to it. */
static size_t find_p2m_by_walk(struct xsr_hv_pages *p, struct xsr_dom *d)
{
    const struct shared_info *si = xsr_frame_bytes(d->shinfo_mfn);
    uint64_t va = si->arch.p2m_vaddr, entries = si->arch.max_pfn, i;
    struct xsr_vcpu *v = xsr_hv_vcpu(d, 0);
    size_t found = 0;

    if (!v || !v->table || va == 0 || va % XSR_PAGE_SIZE ||
        entries > (1ull << 32))
        return 0;
    for (i = 0; i < entries; i += N_ENTRIES) {
        int64_t mfn = walk(d, v->table - 1, va + i * 8);

        if (mfn < 0)
            continue;
        mark_p2m(p, (uint64_t)mfn);
        found++;
    }
    return found;
}

/*
 * A list page by its content: every word that is not "invalid" is a frame of
 * the domain whose page number follows the one before it.
 */
static bool looks_like_p2m(const struct xsr_dom *d, uint64_t mfn)
{
    const uint64_t *word = xsr_frame_bytes(mfn);
    uint64_t base = 0;
    unsigned i, good = 0;

    for (i = 0; i < N_ENTRIES; i++) {
        if (word[i] == UINT64_MAX)
            continue;
        if (!xsr_frame_owned(word[i], d))
            return false;
        if (good++ == 0)
            base = xsr_m2p[word[i]] - i;
        else if (xsr_m2p[word[i]] != base + i)
            return false;
    }
    return good > 1 && base % N_ENTRIES == 0;
}

static void find_p2m(struct xsr_hv_pages *p, struct xsr_dom *d)
{
    size_t i;

    if (d->hvm || find_p2m_by_walk(p, d))
        return;
    for (i = 0; i < p->n; i++)
        if (p->page[i].level == 0 && looks_like_p2m(d, p->page[i].mfn))
            p->page[i].p2m = true;
}

xsr_hv_pages *xsr_hv_pages_new(uint32_t domid)
{
    struct xsr_hv_pages *p = calloc(1, sizeof(*p));
    struct xsr_dom *d;
    int rc = ENOMEM;

    if (!p)
        return NULL;
    if (xsr_host_enter() < 0) {
        free(p);
        return NULL;
    }
    d = xsr_hv_dom(domid);
    if (!d || domid == 0) {
        rc = d ? EINVAL : ESRCH;
    } else {
        p->domid = domid;
        p->serial = d->serial;
        if (collect(p, d)) {
            qsort(p->page, p->n, sizeof(*p->page), by_pfn);
            find_p2m(p, d);
            rc = 0;
        }
    }
    xsr_host_leave();
    if (rc) {
        xsr_hv_pages_free(p);
        errno = rc;
        return NULL;
    }
    return p;
}

bool xsr_hv_pages_next(xsr_hv_pages *p, struct xsr_hv_page *out)
{
    if (p->next == p->n)
        return false;
    *out = p->page[p->next++];
    return true;
}

void xsr_hv_pages_free(xsr_hv_pages *p)
{
    if (p)
        free(p->page);
    free(p);
}

/* What a saver sends: guest page numbers, and nothing of Xen's. */
static int normalise(const struct xsr_dom *d, unsigned level, uint64_t *table)
{
    unsigned i;

    for (i = 0; i < N_ENTRIES; i++) {
        uint64_t mfn = (table[i] & PTE_FRAME) >> 12;

        if (level == 4 && i >= 256 && i <= 271) {
            table[i] = 0;
            continue;
        }
        if (!(table[i] & PTE_PRESENT))
            continue;
        if (!xsr_frame_owned(mfn, d))
            return -EINVAL;
        table[i] = (table[i] & ~PTE_FRAME) | xsr_m2p[mfn] << 12;
    }
    return 0;
}

int xsr_hv_page_read(xsr_hv_pages *p, const struct xsr_hv_page *page,
                     bool as_saved, void *out)
{
    uint64_t copy[N_ENTRIES];
    struct xsr_dom *d;
    int rc = -ESRCH;

    if (xsr_host_enter() < 0)
        return -EIO;
    d = xsr_hv_dom(p->domid);
    if (d && d->serial == p->serial) {
        rc = xsr_frame_owned(page->mfn, d) ? 0 : -ENOENT;
        if (rc == 0)
            memcpy(copy, xsr_frame_bytes(page->mfn), sizeof(copy));
        if (rc == 0 && as_saved && page->level)
            rc = normalise(d, page->level, copy);
        if (rc == 0)
            memcpy(out, copy, sizeof(copy));
    }
    xsr_host_leave();
    return rc;
}
