/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A ring of mappings, the oldest is taken down first. Save and restore put here
 * what they have done with. Whoever lets the guest run, or lets Xen judge
 * how its pages are referenced (pinning page tables), drops all of them before.
 *
 * Only a PV domain 0 gains. In one with translated addresses each mapped page
 * takes up a page of its own address space, until it is unmapped one by one,
 * at the end of the process too: there nothing is kept.
 */
#include "engine/keep.h"

#include <stdlib.h>
#include <string.h>

void xsr_keep_init(struct xsr_keep *k, struct xsr_xen *xen, bool ends)
{
    memset(k, 0, sizeof(*k));
    k->xen = xen;
    k->max_pages = XSR_KEEP_RUNNING;
    if (ends && xsr_xen_is_pv_host(xen))
        k->ring = calloc(XSR_KEEP_ROOM, sizeof(*k->ring));
}

void xsr_keep_fini(struct xsr_keep *k)
{
    free(k->ring);
    memset(k, 0, sizeof(*k));
}

static void drop_oldest(struct xsr_keep *k)
{
    struct xsr_mapped *m = &k->ring[k->first];

    xsr_xen_unmap(k->xen, m->p, m->n);
    k->n_pages -= m->n;
    k->first = (k->first + 1) % XSR_KEEP_ROOM;
    k->n--;
}

static void drop_to(struct xsr_keep *k, size_t max_pages)
{
    while (k->n && k->n_pages > max_pages)
        drop_oldest(k);
}

void xsr_keep_limit(struct xsr_keep *k, size_t max_pages)
{
    k->max_pages = max_pages;
    drop_to(k, max_pages);
}

void xsr_keep_take(struct xsr_keep *k, void *p, size_t n)
{
    if (!p)
        return;
    if (!k->ring || n > k->max_pages) {
        xsr_xen_unmap(k->xen, p, n);
        return;
    }
    if (k->n == XSR_KEEP_ROOM)
        drop_oldest(k);
    drop_to(k, k->max_pages - n);
    k->ring[(k->first + k->n) % XSR_KEEP_ROOM] = (struct xsr_mapped){p, n};
    k->n++;
    k->n_pages += n;
}

void xsr_keep_drop(struct xsr_keep *k)
{
    drop_to(k, 0);
}
