/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time goes by for running guests. Nothing runs on the simulated host: whoever
 * makes a hypercall or a mapping first brings all running guests to the
 * present, so nobody can see that they stood still between two looks. A guest
 * writes pages at the rate of its phase, chosen at random from its hot set;
 * the choices follow from its seed and a counter, so they are the same in each
 * run. Its writes go through the log-dirty bitmap like a real guest's.
 *
 * A process may be killed in the middle of a write. So the description says
 * which write is in progress, and the next one to look does it again.
 */
#include <string.h>

#include "lib/util.h"
#include "stubs/guest/gi.h"

#define STEP_NS   1000000ll /* shorter times wait for the next look */
#define MAX_STEP  65536u    /* page writes in one look */
#define MAX_TRIES 64u       /* to find a page that is not zero */
#define CHURN_NS  500000u   /* between two changes of page tables */
#define LISTEN_NS 100000000u
#define MAX_CHURN 64u
#define SECOND    1000000000ull
#define GOLDEN    0x9e3779b97f4a7c15ull

/* ---- one write ----------------------------------------------------------- */

/* Writes the page that desc->wip names. tell: as the processor would. */
static void finish_write(struct xsr_guest *g, bool tell)
{
    struct xsr_gdesc *c = g->desc;
    uint64_t pfn = c->wip - 1;
    uint32_t *version = xsr_guest_version(g, pfn);
    void *page = xsr_guest_page(g, pfn);

    if (version && page) {
        if (tell) {
            xsr_guest_dirty(g, pfn);
            xsr_guest_dirty(g, pfn - pfn % XSR_G_CHUNK + XSR_G_AT_VERSION);
        }
        xsr_host_edge();
        xsr_content_fill(c->seed, pfn, c->wip_version, page);
        *version = c->wip_version;
        c->n_dirtied = c->wip_total;
    }
    xsr_host_edge();
    __atomic_store_n(&c->wip, 0, __ATOMIC_RELEASE);
}

static void write_page(struct xsr_guest *g, uint64_t pfn, bool tell)
{
    const uint32_t *version = xsr_guest_version(g, pfn);

    if (!version)
        return;
    g->desc->wip_version = *version + 1;
    g->desc->wip_total = g->desc->n_dirtied + 1;
    __atomic_store_n(&g->desc->wip, pfn + 1, __ATOMIC_RELEASE);
    finish_write(g, tell);
}

/* ---- which page ---------------------------------------------------------- */

/* Pages from which the phase chooses; zero pages among them do not count. */
static uint64_t hot_pages(const struct xsr_guest *g, uint32_t hot_pct)
{
    uint64_t n = g->lay.n_data * hot_pct / (100 - g->lay.zero_pct);

    return xsr_max(xsr_min(n, g->lay.n_data), 1);
}

/* The hot set is scattered: every stride-th page, around and around. */
static uint64_t choose(struct xsr_guest *g, uint64_t hot)
{
    uint64_t draw = xsr_g_mix(g->desc->seed + ++g->desc->draws * GOLDEN) % hot;
    unsigned i;

    for (i = 0; i < MAX_TRIES; i++) {
        uint64_t at = (draw + i) % hot * g->lay.stride % g->lay.n_data;
        uint64_t pfn = xsr_layout_data_pfn(&g->lay, at);

        if (xsr_layout_is_data(&g->lay, pfn) &&
            !xsr_content_is_zero(g->lay.seed, pfn, g->lay.zero_pct))
            return pfn;
    }
    return XSR_G_NO_PFN;
}

/* ---- time ---------------------------------------------------------------- */

static const struct xsr_guest_phase *phase_at(const struct xsr_gdesc *c,
                                              uint64_t ns)
{
    uint64_t end = 0;
    unsigned i;

    for (i = 0; i < c->n_phases; i++) {
        end += c->phase[i].seconds * SECOND;
        if (c->phase[i].seconds == 0 || ns < end)
            return &c->phase[i];
    }
    return NULL;
}

/* Writes that are due from the beginning to this moment of running time. */
static uint64_t writes_until(const struct xsr_gdesc *c, uint64_t ns)
{
    uint64_t total = 0, part;
    unsigned i;

    for (i = 0; i < c->n_phases && ns > 0; i++) {
        part = c->phase[i].seconds ? xsr_min(ns, c->phase[i].seconds * SECOND)
                                   : ns;
        total += part / SECOND * c->phase[i].rate +
                 part % SECOND * c->phase[i].rate / SECOND;
        ns -= part;
    }
    return total;
}

static void do_writes(struct xsr_guest *g)
{
    const struct xsr_guest_phase *p = phase_at(g->desc, g->desc->running_ns);
    uint64_t hot, n;

    if (!p || p->hot_pct == 0)
        g->desc->owed = 0;
    if (g->desc->owed == 0)
        return;
    hot = hot_pages(g, p->hot_pct);
    /* more than that makes nothing dirty that is not dirty already */
    g->desc->owed = xsr_min(g->desc->owed, xsr_max(hot, MAX_STEP));
    n = xsr_min(g->desc->owed, MAX_STEP);
    g->desc->owed -= n;
    while (n-- > 0) {
        uint64_t pfn = choose(g, hot);

        if (pfn != XSR_G_NO_PFN)
            write_page(g, pfn, true);
    }
}

void xsr_guest_run_to(struct xsr_guest *g, int64_t now)
{
    struct xsr_gdesc *c = g->desc;
    uint64_t before = c->running_ns, passed;

    if (c->wip)
        finish_write(g, true);
    if (now <= g->d->guest_ns)
        return;
    xsr_guest_dirty(g, XSR_G_DESC);
    passed = (uint64_t)(now - g->d->guest_ns);
    c->running_ns += passed;
    g->d->guest_ns = now;
    c->owed += writes_until(c, c->running_ns) - writes_until(c, before);
    do_writes(g);
    if (c->flags & XSR_GF_CHURN)
        xsr_guest_churn(g, (unsigned)xsr_min(passed / CHURN_NS + 1, MAX_CHURN));
}

bool xsr_guest_runs(const struct xsr_dom *d)
{
    return d->created && !d->pause_count && !d->shutdown && !d->dying;
}

/* One look at one domain. */
static void look_at(struct xsr_dom *d, int64_t now)
{
    struct xsr_guest g;
    uint64_t before;

    if (!xsr_guest_runs(d)) {
        d->guest_ns = 0;
        return;
    }
    if (d->guest_ns == 0)
        d->guest_ns = now;
    if (now - d->guest_ns < STEP_NS || !xsr_guest_open(d, &g))
        return;
    before = g.desc->running_ns / LISTEN_NS;
    xsr_guest_run_to(&g, now);
    /* it hears at once, unless whoever told it died in the same moment */
    if (g.desc->running_ns / LISTEN_NS != before)
        xsr_guest_answer(&g);
}

void xsr_guest_advance(void)
{
    static bool inside;
    uint32_t found = 0;
    int64_t now;
    size_t i;

    if (!xsr_host->guests || inside)
        return;
    inside = true;
    now = xsr_hv_now();
    for (i = 1; i < XSR_SLOTS; i++) {
        struct xsr_slot *s = &xsr_host->slots[i];
        struct xsr_dom *d = s->state == XSR_SLOT_LIVE ? xsr_dom_map(s) : NULL;

        if (!d || !d->guest)
            continue;
        found++;
        look_at(d, now);
    }
    xsr_host->guests = found;
    inside = false;
}

/* ---- devices ------------------------------------------------------------- */

int xsr_guest_device_write(uint32_t domid, unsigned n, bool tell)
{
    struct xsr_guest g;
    struct xsr_dom *d;
    int done = 0;

    if (xsr_host_enter() < 0)
        return 0;
    xsr_guest_advance();
    d = xsr_hv_dom(domid);
    if (d && xsr_guest_runs(d) && d->guest && xsr_guest_open(d, &g)) {
        for (; n > 0 && done < (int)MAX_STEP; n--) {
            uint64_t pfn = choose(&g, g.lay.n_data);

            if (pfn == XSR_G_NO_PFN)
                continue;
            write_page(&g, pfn, tell);
            done++;
        }
        xsr_guest_dirty(&g, XSR_G_DESC);
    }
    xsr_host_leave();
    xsr_hv_fire_notes();
    return done;
}
