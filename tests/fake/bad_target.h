/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The domain into which an image is restored that perhaps never becomes
 * whole: made bare, with the limits and event channels a toolstack gives it,
 * and taken away again.
 */
#ifndef XSR_TESTS_FAKE_BAD_TARGET_H
#define XSR_TESTS_FAKE_BAD_TARGET_H

#include "tests/fake/bad_world.h"

#define POOL_BYTES (16ull << 20)

struct target {
    uint32_t domid, store_port, console_port;
};

static uint32_t target_port(struct world *w, uint32_t domid)
{
    int port = xc_evtchn_alloc_unbound(w->xch, domid, 0);

    return port < 0 ? (uint32_t)die("event channel") : (uint32_t)port;
}

static void target_create(struct world *w, struct target *t)
{
    struct xen_domctl_createdomain c = {
        .max_vcpus = w->before.max_vcpus,
        .max_evtchn_port = 1023,
        .max_grant_frames = 32,
        .max_maptrack_frames = 1024,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
    };

    c.handle[0] = 0xba;
    if (w->before.type != XSR_HV_PV) {
        c.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
        c.arch.emulation_flags = w->before.type == XSR_HV_PVH
                                     ? XEN_X86_EMU_LAPIC
                                     : XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI;
    }
    t->domid = 0;
    if (xc_domain_create(w->xch, &t->domid, &c) < 0 ||
        xc_domain_max_vcpus(w->xch, t->domid, c.max_vcpus) < 0 ||
        xc_domain_setmaxmem(w->xch, t->domid,
                            (w->before.max_pages << 2) + 4096) < 0)
        die("a domain to restore into");
    if (w->before.type != XSR_HV_PV &&
        xc_set_paging_mempool_size(w->xch, t->domid, POOL_BYTES) < 0)
        die("paging pool");
    t->store_port = target_port(w, t->domid);
    t->console_port = target_port(w, t->domid);
}

static void target_destroy(struct world *w, struct target *t)
{
    if (xc_domain_destroy(w->xch, t->domid) < 0)
        die("destroying the restored domain");
}

#endif
