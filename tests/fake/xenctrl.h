/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of libxenctrl over the fake hypervisor of fake/xen.h: counted and
 * written down, refused only on demand.
 */
#ifndef XSR_TESTS_FAKE_XENCTRL_H
#define XSR_TESTS_FAKE_XENCTRL_H

#include "tests/fake/xen.h"

void *xc__hypercall_buffer_alloc_pages(xc_interface *xch,
                                       xc_hypercall_buffer_t *b, int n)
{
    (void)xch;
    return b->hbuf = calloc((size_t)n, 4096);
}
void xc__hypercall_buffer_free_pages(xc_interface *xch,
                                     xc_hypercall_buffer_t *b, int n)
{
    (void)xch, (void)n;
    free(b->hbuf);
}
void *xc__hypercall_buffer_alloc(xc_interface *xch, xc_hypercall_buffer_t *b,
                                 size_t n)
{
    (void)xch;
    return b->hbuf = calloc(1, n);
}
void xc__hypercall_buffer_free(xc_interface *xch, xc_hypercall_buffer_t *b)
{
    (void)xch;
    free(b->hbuf);
}
xenforeignmemory_handle *xc_interface_fmem_handle(xc_interface *xch)
{
    return (xenforeignmemory_handle *)xch;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                          xc_domaininfo_t *out)
{
    (void)xch, (void)max;
    memset(out, 0, sizeof(*out));
    out->domain = (domid_t)first;
    out->flags = (xen_host.pv ? 0 : XEN_DOMINF_hvm_guest) |
                 (xen_host.running ? 0 : XEN_DOMINF_paused);
    out->max_vcpu_id = xen_host.max_vcpu_id;
    out->max_pages = xen_host.max_pages;
    out->shared_info_frame = FAKE_SHARED_INFO;
    return 1;
}

int xc_domain_get_guest_width(xc_interface *xch, uint32_t domid,
                              unsigned int *width)
{
    (void)xch, (void)domid;
    *width = xen_host.width;
    return 0;
}

long xc_memory_op(xc_interface *xch, unsigned int cmd, void *arg, size_t len)
{
    struct xen_memory_reservation *res = arg;
    xen_pfn_t *extent;

    (void)xch, (void)len;
    if (cmd != XENMEM_populate_physmap || res->extent_order)
        return errno = EOPNOTSUPP, -1;
    memcpy(&extent, &res->extent_start, sizeof(extent));
    for (unsigned long i = 0; i < res->nr_extents; i++) {
        xen_host.gfn[xen_host.n_frames] = extent[i];
        if (xen_host.pv)
            extent[i] = FAKE_BASE + xen_host.n_frames;
        xen_host.n_frames++;
    }
    return (long)res->nr_extents;
}

int xc_domctl(xc_interface *xch, struct xen_domctl *domctl)
{
    (void)xch;
    if (domctl->cmd != XEN_DOMCTL_set_cpu_policy)
        return 0;
    xen_host.n_policies++;
    domctl->u.cpu_policy.err_leaf = xen_host.err_leaf;
    errno = xen_host.policy_errno;
    return errno ? -1 : 0;
}

int xc_domain_set_tsc_info(xc_interface *xch, uint32_t domid, uint32_t mode,
                           uint64_t nsec, uint32_t khz, uint32_t incarnation)
{
    (void)xch, (void)domid, (void)mode, (void)nsec, (void)khz;
    (void)incarnation;
    xen_host.n_tsc++;
    return 0;
}

int xc_hvm_param_set(xc_interface *xch, uint32_t domid, uint32_t param,
                     uint64_t value)
{
    (void)xch, (void)domid;
    xen_host.n_params++;
    xen_host.param[param % 64] = value;
    return 0;
}

int xc_domain_hvm_setcontext(xc_interface *xch, uint32_t domid, uint8_t *p,
                             uint32_t len)
{
    (void)xch, (void)domid, (void)p, (void)len;
    xen_host.n_contexts++;
    return 0;
}

int xc_vcpu_setcontext(xc_interface *xch, uint32_t domid, uint32_t vcpu,
                       vcpu_guest_context_any_t *ctx)
{
    (void)xch, (void)domid;
    xen_host.vcpu[vcpu % 4] = *ctx;
    xen_host.n_vcpus++;
    return 0;
}

int xc_mmuext_op(xc_interface *xch, struct mmuext_op *op, unsigned int n,
                 uint32_t domid)
{
    (void)xch, (void)domid;
    for (unsigned i = 0; i < n; i++)
        xen_host.pin[xen_host.n_pins++ % 16] = op[i];
    return 0;
}

#endif
