/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mappings of guest memory that are not needed any more. In a PV domain 0
 * taking one down costs about twice what it cost to make: the kernel clears
 * each entry of a page table that Xen guards, and each of these writes is a
 * fault for Xen to emulate. When a process ends, its page tables are given up
 * first and then cleared as plain memory. So, where the process will end soon,
 * mappings are left for its end, up to a limit.
 */
#ifndef XSR_ENGINE_KEEP_H
#define XSR_ENGINE_KEEP_H

#include "engine/xen.h"

/*
 * Pages kept. 8 octets each in page tables; and while a guest runs, a page that
 * it gives back meanwhile is free only when it is unmapped.
 */
#define XSR_KEEP_STILL   (4u << 20)   /* of a guest that stands still: 16 GiB */
#define XSR_KEEP_RUNNING (256u << 10) /* of one that runs: 1 GiB */
/* Mappings; the kernel allows a process 65530. */
#define XSR_KEEP_ROOM    8192u

struct xsr_mapped {
    void *p;
    size_t n;
};

struct xsr_keep {
    struct xsr_xen *xen;     /* borrowed */
    struct xsr_mapped *ring; /* NULL: nothing is kept */
    unsigned first, n;
    size_t n_pages, max_pages;
};

/* ends: the process ends behind this operation. */
void xsr_keep_init(struct xsr_keep *k, struct xsr_xen *xen, bool ends);
/* What is still kept stays mapped until the process ends. */
void xsr_keep_fini(struct xsr_keep *k);
/* No more than that from now on. */
void xsr_keep_limit(struct xsr_keep *k, size_t max_pages);
/* n pages at p (may be NULL) are not needed any more. */
void xsr_keep_take(struct xsr_keep *k, void *p, size_t n);
/* Nothing that was taken is mapped any more. */
void xsr_keep_drop(struct xsr_keep *k);

#endif
