/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domain and memory hypercalls, over the public interface of libxenctrl and
 * libxenforeignmemory. vCPU and HVM state: xen_state.c and xen_get.c.
 *
 * Populating uses an extent buffer of our own where libxenctrl permits it:
 * the ready-made wrapper bounces the array anew in each call.
 */
#include "engine/engine.h"
#include "engine/xen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"
#include "lib/util.h"

int xsr_xen_init(struct xsr_xen *xen, xc_interface *xch, uint32_t domid,
                 struct xsr_err *err)
{
    DECLARE_HYPERCALL_BUFFER(xen_pfn_t, extents);

    memset(xen, 0, sizeof(*xen));
    xen->xch = xch;
    xen->domid = domid;
    xen->fmem = xc_interface_fmem_handle(xch);
    extents = xc_hypercall_buffer_alloc_pages(
        xch, extents, XSR_XEN_BATCH * sizeof(xen_pfn_t) / XSR_PAGE_SIZE);
    if (!extents)
        return xsr_fail_sys(err, XSR_E_NOMEM, errno,
                            "allocating a hypercall buffer");
    xen->extents = *HYPERCALL_BUFFER(extents);
    return 0;
}

void xsr_xen_fini(struct xsr_xen *xen)
{
    if (xen->extents.hbuf)
        xc__hypercall_buffer_free_pages(xen->xch, &xen->extents,
                                        XSR_XEN_BATCH * sizeof(xen_pfn_t) /
                                            XSR_PAGE_SIZE);
    xen->extents.hbuf = NULL;
}

int xsr_xen_get_domain(const struct xsr_xen *xen, struct xsr_xen_domain *out,
                       struct xsr_err *err)
{
    xc_domaininfo_t got;
    int r = xc_domain_getinfolist(xen->xch, xen->domid, 1, &got);

    if (r < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "asking for domain %u",
                            xen->domid);
    /* The call lists domains from this number on: it may be the next one. */
    if (r != 1 || got.domain != xen->domid)
        return xsr_fail_sys(err, XSR_E_XEN, ESRCH, "there is no domain %u",
                            xen->domid);
    out->hvm = got.flags & XEN_DOMINF_hvm_guest;
    out->paused = got.flags & XEN_DOMINF_paused;
    out->emulation = got.arch_config.emulation_flags;
    out->max_vcpu_id = got.max_vcpu_id;
    out->shutdown = got.flags & XEN_DOMINF_shutdown;
    out->shutdown_reason =
        got.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    out->max_pages = got.max_pages;
    out->tot_pages = got.tot_pages;
    out->shared_info_frame = got.shared_info_frame;
    return 0;
}

bool xsr_xen_is_pv_host(const struct xsr_xen *xen)
{
    xc_domaininfo_t got;

    return xc_domain_getinfolist(xen->xch, 0, 1, &got) == 1 &&
           got.domain == 0 && !(got.flags & XEN_DOMINF_hvm_guest);
}

int xsr_xen_get_width(const struct xsr_xen *xen, unsigned *out,
                      struct xsr_err *err)
{
    if (xc_domain_get_guest_width(xen->xch, xen->domid, out) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the word size of domain %u",
                            xen->domid);
    return 0;
}

int xsr_xen_populate(struct xsr_xen *xen, const xen_pfn_t *first, unsigned n,
                     unsigned order, xen_pfn_t *frames_out, unsigned *done_out,
                     struct xsr_err *err)
{
    xen_pfn_t *extents = xen->extents.hbuf;
    long r;

    *done_out = 0;
    if (n > XSR_XEN_BATCH)
        return xsr_fail(err, XSR_E_BUG, "%u extents in one populate call", n);
    memcpy(extents, first, n * sizeof(*first));
    r = xsr_xc_populate(xen->xch, xen->domid, n, order, &xen->extents);
    if (r < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "populating %u x %u pages "
                            "from frame 0x%lx",
                            n, 1u << order, first[0]);
    *done_out = (unsigned)xsr_min((uint64_t)r, n);
    if (frames_out)
        memcpy(frames_out, extents, *done_out * sizeof(*extents));
    return 0;
}

int xsr_xen_map_some(struct xsr_xen *xen, const xen_pfn_t *frames, unsigned n,
                     int prot, const char *what, int *errs, void **out,
                     struct xsr_err *err)
{
    *out = NULL;
    if (!n || n > XSR_XEN_BATCH)
        return xsr_fail(err, XSR_E_BUG, "mapping of %u frames", n);
    memset(errs, 0, n * sizeof(*errs));
    *out = xenforeignmemory_map(xen->fmem, xen->domid, prot, n, frames, errs);
    if (!*out)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "mapping %s (%u frames)",
                            what, n);
    for (unsigned i = 0; i < n; i++)
        if (errs[i] < 0)
            errs[i] = -errs[i];
    return 0;
}

int xsr_xen_map(struct xsr_xen *xen, const xen_pfn_t *frames, unsigned n,
                int prot, const char *what, void **out, struct xsr_err *err)
{
    int errs[XSR_XEN_BATCH];

    if (xsr_xen_map_some(xen, frames, n, prot, what, errs, out, err) < 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        if (!errs[i])
            continue;
        xsr_xen_unmap(xen, *out, n);
        *out = NULL;
        return xsr_fail_sys(err, XSR_E_XEN, errs[i], "mapping %s: frame 0x%lx",
                            what, frames[i]);
    }
    return 0;
}

int xsr_xen_map_many(struct xsr_xen *xen, uint32_t domid,
                     const xen_pfn_t *frames, size_t n, int prot,
                     const char *what, void **out, struct xsr_err *err)
{
    xsr_auto_free int *errs = calloc(n ? n : 1, sizeof(*errs));

    *out = NULL;
    if (!errs)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to map %s", what);
    *out = xenforeignmemory_map(xen->fmem, domid, prot, n, frames, errs);
    if (!*out)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "mapping %s (%zu frames)",
                            what, n);
    for (size_t i = 0; i < n; i++) {
        if (!errs[i])
            continue;
        xsr_xen_unmap(xen, *out, n);
        *out = NULL;
        return xsr_fail_sys(err, XSR_E_XEN, errs[i] < 0 ? -errs[i] : errs[i],
                            "mapping %s: frame 0x%lx", what, frames[i]);
    }
    return 0;
}

void xsr_xen_unmap(struct xsr_xen *xen, void *p, size_t n)
{
    if (p)
        xenforeignmemory_unmap(xen->fmem, p, n);
}

int xsr_xen_pin(const struct xsr_xen *xen, const struct xsr_xen_pin *pins,
                unsigned n, struct xsr_err *err)
{
    struct mmuext_op ops[XSR_XEN_BATCH];

    if (n > XSR_XEN_BATCH)
        return xsr_fail(err, XSR_E_BUG, "%u pins in one call", n);
    memset(ops, 0, n * sizeof(*ops));
    for (unsigned i = 0; i < n; i++) {
        ops[i].cmd = MMUEXT_PIN_L1_TABLE + pins[i].level - 1;
        ops[i].arg1.mfn = pins[i].mfn;
    }
    if (xc_mmuext_op(xen->xch, ops, n, xen->domid) != 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "Xen refused to pin %u page tables", n);
    return 0;
}

int xsr_engine_shutdown_reason(xc_interface *xch, uint32_t domid)
{
    const struct xsr_xen xen = {.xch = xch, .domid = domid};
    struct xsr_xen_domain dom;
    struct xsr_err err;

    if (xsr_xen_get_domain(&xen, &dom, &err) < 0)
        return -2;
    return dom.shutdown ? (int)dom.shutdown_reason : -1;
}
