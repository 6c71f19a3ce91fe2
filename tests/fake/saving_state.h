/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of a save whose answers no test asks about: buffers, the version,
 * the state beside memory, and what a PV guest's numbers are found with.
 * Included by fake/saving.h.
 */
#ifndef XSR_TESTS_FAKE_SAVING_STATE_H
#define XSR_TESTS_FAKE_SAVING_STATE_H

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

int xc_version(xc_interface *xch, int cmd, void *arg)
{
    (void)xch, (void)cmd, (void)arg;
    return 4 << 16 | 17;
}

int xc_domain_get_tsc_info(xc_interface *xch, uint32_t domid, uint32_t *mode,
                           uint64_t *nsec, uint32_t *khz, uint32_t *incarnation)
{
    (void)xch, (void)domid;
    *mode = *khz = *incarnation = 0;
    *nsec = 0;
    return 0;
}

int xc_domain_hvm_getcontext(xc_interface *xch, uint32_t domid, uint8_t *p,
                             uint32_t len)
{
    (void)xch, (void)domid, (void)len;
    if (p)
        memset(p, 0, 8);
    return 8;
}

int xc_hvm_param_get(xc_interface *xch, uint32_t domid, uint32_t param,
                     uint64_t *value)
{
    (void)xch, (void)domid;
    *value = param == HVM_PARAM_STORE_PFN ? 3 : 0;
    return 0;
}

/* ---- PV only ------------------------------------------------------------- */

#define SAVED_M2P 1024u /* frames from here on hold the host's M2P */

int xc_domain_get_guest_width(xc_interface *xch, uint32_t domid,
                              unsigned int *width)
{
    (void)xch, (void)domid;
    *width = 8;
    return 0;
}

int xc_maximum_ram_page(xc_interface *xch, unsigned long *max_mfn)
{
    (void)xch;
    *max_mfn = FAKE_BASE + FAKE_FRAMES;
    return 0;
}

int xc_machphys_mfn_list(xc_interface *xch, unsigned long n, xen_pfn_t *first)
{
    (void)xch;
    if (n != 1)
        return -1;
    *first = FAKE_BASE + SAVED_M2P;
    return 0;
}

/* No vCPU is online: what they hold is the simulated host's to judge. */
int xc_vcpu_getinfo(xc_interface *xch, uint32_t domid, uint32_t vcpu,
                    xc_vcpuinfo_t *out)
{
    (void)xch, (void)domid, (void)vcpu;
    memset(out, 0, sizeof(*out));
    return 0;
}

#endif
