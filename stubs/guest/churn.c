/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A PV guest at work on its own page tables, as real ones are all the time:
 * entries come and go, and pages become page tables and ordinary pages again.
 * Every change obeys Xen's rules about page types. What each entry maps, if it
 * maps anything, follows from its place, so verify.c can tell.
 */
#include <string.h>

#include "lib/util.h"
#include "stubs/guest/gi.h"

#define PRESENT   0x1ull
#define FRAME     0x000ffffffffff000ull
#define INNER     0x67ull
#define KERNEL_RW 0x8000000000000063ull
#define KERNEL_RO 0x8000000000000021ull
#define USER_RW   0x8000000000000067ull
#define USER_RO   0x8000000000000025ull
#define SLOTS     512u
#define N_POOL    8u
#define FIRST     64u /* entry of the user's L1: those below stay */
#define POOL_SLOT 8u  /* entry of the user's L2 for the first of the pool */
#define GOLDEN    0x9e3779b97f4a7c15ull

static uint64_t frame_of(const struct xsr_guest *g, uint64_t pfn)
{
    return (uint64_t)xsr_guest_mfn(g->d, pfn);
}

/* The page that entry i of table number t maps. */
static uint64_t target_of(const struct xsr_guest *g, unsigned t, unsigned i)
{
    uint64_t at = (uint64_t)(t * SLOTS + i) * g->lay.stride % g->lay.n_data;
    unsigned tries;

    for (tries = 0; tries < SLOTS; tries++) {
        uint64_t pfn =
            xsr_layout_data_pfn(&g->lay, (at + tries) % g->lay.n_data);

        if (xsr_layout_is_data(&g->lay, pfn))
            return pfn;
    }
    return XSR_G_LOW;
}

static uint64_t user_entry(const struct xsr_guest *g, unsigned t, unsigned i,
                           bool writable)
{
    return frame_of(g, target_of(g, t, i)) << 12 |
           (writable ? USER_RW : USER_RO);
}

static void change(struct xsr_guest *g, uint64_t table, unsigned i, uint64_t e)
{
    if (xsr_hv_set_entry(g->d, frame_of(g, table), i, e) < 0)
        xsr_guest_trouble(g, "Xen refuses entry %u of page table %#llx", i,
                          (unsigned long long)table);
    xsr_guest_dirty(g, table);
    g->desc->n_churned++;
}

static void change_entry(struct xsr_guest *g, uint64_t draw)
{
    unsigned i = FIRST + (unsigned)(draw % (SLOTS - FIRST));
    const uint64_t *l1 = xsr_guest_page(g, XSR_G_USER_L1);

    change(g, XSR_G_USER_L1, i,
           l1[i] & PRESENT ? 0 : user_entry(g, 0, i, draw >> 32 & 1));
}

/* How the kernel's direct map has a page of the pool. */
static void map_in_kernel(struct xsr_guest *g, uint64_t pfn, uint64_t flags)
{
    change(g, XSR_G_AT_L1, (unsigned)pfn, frame_of(g, pfn) << 12 | flags);
}

static void make_table(struct xsr_guest *g, unsigned p, uint64_t draw)
{
    uint64_t pfn = XSR_G_CHURN_FIRST + p, *page = xsr_guest_page(g, pfn);
    unsigned i;

    memset(page, 0, XSR_PAGE_SIZE); /* a death may have left something */
    for (i = 0; i < SLOTS; i += 1 + (unsigned)(draw >> 40) % 16)
        page[i] = user_entry(g, p + 1, i, i & 1);
    xsr_guest_dirty(g, pfn);
    map_in_kernel(g, pfn, KERNEL_RO);
    change(g, XSR_G_USER_L2, POOL_SLOT + p, frame_of(g, pfn) << 12 | INNER);
}

static void drop_table(struct xsr_guest *g, unsigned p)
{
    uint64_t pfn = XSR_G_CHURN_FIRST + p;

    change(g, XSR_G_USER_L2, POOL_SLOT + p, 0);
    map_in_kernel(g, pfn, KERNEL_RW);
    memset(xsr_guest_page(g, pfn), 0, XSR_PAGE_SIZE);
    xsr_guest_dirty(g, pfn);
}

void xsr_guest_churn(struct xsr_guest *g, unsigned n)
{
    const uint64_t *l2;

    if (g->d->hvm)
        return;
    for (l2 = xsr_guest_page(g, XSR_G_USER_L2); l2 && n > 0; n--) {
        uint64_t draw = xsr_g_mix(~g->desc->seed + g->desc->n_churned * GOLDEN);
        unsigned p = (unsigned)(draw >> 8) % N_POOL;

        if (draw % 4)
            change_entry(g, draw >> 16);
        else if (l2[POOL_SLOT + p] & PRESENT)
            drop_table(g, p);
        else
            make_table(g, p, draw);
    }
}

static bool table_ok(const struct xsr_guest *g, uint64_t table, unsigned t,
                     unsigned from)
{
    const uint64_t *l1 = xsr_guest_page(g, table);
    unsigned i;

    for (i = from; l1 && i < SLOTS; i++)
        if ((l1[i] & PRESENT) &&
            (l1[i] & FRAME) >> 12 != frame_of(g, target_of(g, t, i)))
            return false;
    return l1 != NULL;
}

bool xsr_guest_churn_ok(const struct xsr_guest *g)
{
    const uint64_t *l2;
    unsigned p;

    if (g->d->hvm)
        return true;
    l2 = xsr_guest_page(g, XSR_G_USER_L2);
    if (!l2 || !table_ok(g, XSR_G_USER_L1, 0, FIRST))
        return false;
    for (p = 0; p < N_POOL; p++) {
        uint64_t e = l2[POOL_SLOT + p], pfn = XSR_G_CHURN_FIRST + p;

        if (!(e & PRESENT))
            continue;
        if ((e & FRAME) >> 12 != frame_of(g, pfn) ||
            !table_ok(g, pfn, p + 1, 0))
            return false;
    }
    return true;
}
