/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The few calls of libxenctrl that are not the same in every release from 4.14
 * on, under one name each. The release is that of the headers: every release
 * that changes the domctl interface counts its number up. Used by engine/ and
 * helper/; what the toolstack's side needs is in plugin/host/compat.h.
 */
#ifndef XSR_ENGINE_COMPAT_H
#define XSR_ENGINE_COMPAT_H

#include <string.h>
#include <xenctrl.h>

/* The interface number that a release came with; 4.14 has 0x12. */
#define XSR_DOMCTL_4_16 0x14
#define XSR_DOMCTL_4_17 0x15
#define XSR_DOMCTL_4_22 0x18

/*
 * The arrays of struct xen_domctl_cpu_policy: renamed in the middle of series
 * (4.14.6, 4.15.5, 4.16.5, 4.17.2), which no number tells. The Makefile looks.
 */
#ifdef XSR_OLD_POLICY_NAMES
#define XSR_POLICY_LEAVES cpuid_policy
#define XSR_POLICY_MSRS   msr_policy
#else
#define XSR_POLICY_LEAVES leaves
#define XSR_POLICY_MSRS   msrs
#endif

/* 4.22 has one argument more: how memory is allocated, 0 as before. */
#if XEN_DOMCTL_INTERFACE_VERSION >= XSR_DOMCTL_4_22
#define xsr_xc_domain_restore(...) xc_domain_restore(__VA_ARGS__, 0)
#else
#define xsr_xc_domain_restore(...) xc_domain_restore(__VA_ARGS__)
#endif

/* Log-dirty mode on or off: op is XEN_DOMCTL_SHADOW_OP_... */
static inline int xsr_xc_logdirty_switch(xc_interface *xch, uint32_t domid,
                                         unsigned op)
{
#if XEN_DOMCTL_INTERFACE_VERSION >= XSR_DOMCTL_4_16
    return xc_shadow_control(xch, domid, op, NULL, 0);
#else
    return xc_shadow_control(xch, domid, op, NULL, 0, NULL, 0, NULL);
#endif
}

/* Its bitmap (op: CLEAN or PEEK): the number of pfns answered for, or -1. */
static inline long long xsr_xc_logdirty_get(xc_interface *xch, uint32_t domid,
                                            unsigned op,
                                            xc_hypercall_buffer_t *bits,
                                            unsigned long n_pfns, unsigned mode,
                                            xc_shadow_op_stats_t *stats)
{
#if XEN_DOMCTL_INTERFACE_VERSION >= XSR_DOMCTL_4_16
    return xc_logdirty_control(xch, domid, op, bits, n_pfns, mode, stats);
#else
    return xc_shadow_control(xch, domid, op, bits, n_pfns, NULL, mode, stats);
#endif
}

/*
 * Pages behind n extents that begin at the pfns in the buffer, which gets the
 * frames (PV). The number of extents done, or -1. Before 4.17 only the wrapper
 * is public, which copies the buffer into one of its own and back.
 */
static inline long xsr_xc_populate(xc_interface *xch, uint32_t domid,
                                   unsigned long n, unsigned order,
                                   xc_hypercall_buffer_t *buffer)
{
#if XEN_DOMCTL_INTERFACE_VERSION >= XSR_DOMCTL_4_17
    DECLARE_HYPERCALL_BUFFER_SHADOW(xen_pfn_t, extents, buffer);
    struct xen_memory_reservation want;

    memset(&want, 0, sizeof(want));
    want.nr_extents = n;
    want.extent_order = order;
    want.domid = (domid_t)domid;
    (void)extents; /* the macro takes the name only */
    set_xen_guest_handle(want.extent_start, extents);
    return xc_memory_op(xch, XENMEM_populate_physmap, &want, sizeof(want));
#else
    return xc_domain_populate_physmap(xch, domid, n, order, 0, buffer->hbuf);
#endif
}

#endif
