/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's own verdict: is every page of its memory what it last wrote
 * there? A page that was lost, swapped with another or left at an older
 * version shows, and so do a PV guest's p2m and page tables that do not agree.
 * The versions are pages too; their sum must be the number of writes that the
 * description counts.
 */
#include <errno.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stubs/guest/gi.h"

struct check {
    struct xsr_guest g;
    struct xsr_guest_state *out;
    uint64_t versions; /* sum */
    uint64_t want[XSR_PAGE_SIZE / 8];
};

static void bad(struct check *c, uint64_t pfn)
{
    if (c->out->n_bad++ == 0)
        c->out->first_bad_pfn = pfn;
}

static bool content_is(struct check *c, uint64_t pfn, uint32_t version,
                       const void *page)
{
    xsr_content_fill(c->g.lay.seed, pfn, version, c->want);
    return memcmp(page, c->want, XSR_PAGE_SIZE) == 0;
}

static void check_data(struct check *c, uint64_t pfn, const void *page)
{
    const uint32_t *version = xsr_guest_version(&c->g, pfn);

    if (!version) {
        bad(c, pfn);
        return;
    }
    c->versions += *version;
    if (xsr_content_is_zero(c->g.lay.seed, pfn, c->g.lay.zero_pct)) {
        c->out->n_zero++;
        if (*version || !xsr_all_zero(page, XSR_PAGE_SIZE))
            bad(c, pfn);
    } else if (!content_is(c, pfn, *version, page)) {
        bad(c, pfn);
    }
}

/* The list, the page tables and the hypervisor agree about the frame. */
static bool frame_agrees(struct check *c, uint64_t pfn, int64_t mfn)
{
    uint64_t at = pfn - pfn % XSR_G_CHUNK + XSR_G_AT_P2M;
    const uint64_t *list;

    if (c->g.d->hvm)
        return true;
    list = xsr_guest_page(&c->g, at);
    return list && list[pfn % XSR_G_CHUNK] == (uint64_t)mfn &&
           xsr_m2p[mfn] == pfn;
}

static void check_page(struct check *c, uint64_t pfn, enum xsr_rkind kind)
{
    int64_t mfn = xsr_guest_mfn(c->g.d, pfn);
    const void *page;

    c->out->n_pages++;
    if (mfn < 0 || !frame_agrees(c, pfn, mfn)) {
        bad(c, pfn);
        return;
    }
    page = xsr_frame_bytes((uint64_t)mfn);
    if (kind == XSR_R_STATIC) {
        if (!content_is(c, pfn, 0, page))
            bad(c, pfn);
    } else if (kind == XSR_R_DATA && xsr_layout_is_data(&c->g.lay, pfn)) {
        check_data(c, pfn, page);
    }
}

static void copy_out(const struct xsr_gdesc *desc, struct xsr_guest_state *out)
{
    out->seed = desc->seed;
    out->running_ns = desc->running_ns;
    out->n_dirtied = desc->n_dirtied;
    out->n_churned = desc->n_churned;
    out->n_suspends = desc->n_suspends;
    out->n_resumes = desc->n_resumes;
    out->n_restores = desc->n_restores;
    out->n_forced = desc->n_forced;
    out->suspended = desc->suspended;
    out->n_troubles = desc->n_troubles;
    memcpy(out->trouble, desc->trouble, sizeof(out->trouble));
    out->trouble[sizeof(out->trouble) - 1] = '\0';
}

static void check_all(struct check *c)
{
    const struct xsr_gdesc *desc = c->g.desc;
    uint64_t i;
    unsigned k;

    for (k = 0; k < c->g.lay.n_ranges; k++)
        for (i = 0; i < c->g.lay.range[k].n; i++)
            check_page(c, c->g.lay.range[k].first + i, c->g.lay.range[k].kind);
    if (!xsr_guest_churn_ok(&c->g))
        xsr_guest_trouble(&c->g, "a page table of its own maps other pages "
                                 "than it should");
    if (c->versions != desc->n_dirtied)
        xsr_guest_trouble(&c->g,
                          "its pages were written %llu times, it counts %llu",
                          (unsigned long long)c->versions,
                          (unsigned long long)desc->n_dirtied);
    copy_out(desc, c->out);
}

bool xsr_guest_peek(uint32_t domid, struct xsr_guest_state *out)
{
    struct xsr_guest g;
    bool found;

    memset(out, 0, sizeof(*out));
    if (xsr_host_enter() < 0)
        return false;
    xsr_guest_advance();
    found = xsr_guest_open(xsr_hv_dom(domid), &g);
    if (found)
        copy_out(g.desc, out);
    xsr_host_leave();
    xsr_hv_fire_notes();
    return found;
}

int xsr_guest_verify(uint32_t domid, struct xsr_guest_state *out,
                     struct xsr_err *err)
{
    struct check c = {.out = out};
    struct xsr_dom *d;
    int rc = 0;

    memset(out, 0, sizeof(*out));
    if (xsr_hv_open(err) < 0)
        return -1;
    if (xsr_host_enter() < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "entering the host");
    xsr_guest_advance();
    d = xsr_hv_dom(domid);
    if (!d)
        rc = xsr_fail(err, XSR_E_XEN, "there is no domain %u", domid);
    else if (!xsr_guest_open(d, &c.g))
        rc = xsr_fail(err, XSR_E_XEN,
                      "domain %u is not a simulated guest, or its memory is "
                      "damaged where it says who it is (page %u)",
                      domid, XSR_G_DESC);
    else
        check_all(&c);
    xsr_host_leave();
    xsr_hv_fire_notes();
    return rc;
}
