/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What differs between the releases of Xen from 4.14 on for the one who makes a
 * domain: the calls and structures of libxenctrl under one name each, and what
 * a release has as a parameter of the domain instead of at its creation. The
 * release is that of the headers: every one that changes the domctl interface
 * counts its number up. Used by domain.c and domain_run.c.
 */
#ifndef XSR_PLUGIN_COMPAT_H
#define XSR_PLUGIN_COMPAT_H

#include <stdbool.h>
#include <xenctrl.h>

/* The interface number that a release came with; 4.14 has 0x12. */
#define XSR_DOMCTL_4_15 0x13
#define XSR_DOMCTL_4_16 0x14
#define XSR_DOMCTL_4_17 0x15
#define XSR_DOMCTL_4_19 0x17

/* Nested virtualisation: an HVM parameter, later a flag of the creation. */
#define XSR_NESTED_IS_PARAM (XEN_DOMCTL_INTERFACE_VERSION < XSR_DOMCTL_4_15)
/* altp2m too; from then on Xen refuses the parameter, whatever the value. */
#define XSR_ALTP2M_IS_PARAM (XEN_DOMCTL_INTERFACE_VERSION < XSR_DOMCTL_4_19)

/* Before, the version of grant tables was the host's, for all domains. */
static inline void xsr_xc_set_grants(struct xen_domctl_createdomain *d,
                                     uint32_t physcaps, uint32_t version)
{
#if XEN_DOMCTL_INTERFACE_VERSION >= XSR_DOMCTL_4_16
    if (!version)
        version = physcaps & XEN_SYSCTL_PHYSCAP_gnttab_v2 ? 2 : 1;
    d->grant_opts = XEN_DOMCTL_GRANT_version(version);
#else
    (void)d, (void)physcaps, (void)version;
#endif
}

/* 4.14 is relaxed about unknown MSRs with every domain. */
static inline void xsr_xc_set_cpu(struct xen_domctl_createdomain *d,
                                  bool msr_relaxed, bool nested)
{
#if XEN_DOMCTL_INTERFACE_VERSION >= XSR_DOMCTL_4_15
    if (msr_relaxed)
        d->arch.misc_flags |= XEN_X86_MSR_RELAXED;
    if (nested)
        d->flags |= XEN_DOMCTL_CDF_nested_virt;
#else
    (void)d, (void)msr_relaxed, (void)nested;
#endif
}

/* Whole MiB before 4.17, rounded up. */
static inline int xsr_xc_set_paging_pool(xc_interface *xch, uint32_t domid,
                                         uint64_t bytes)
{
#if XEN_DOMCTL_INTERFACE_VERSION >= XSR_DOMCTL_4_17
    return xc_set_paging_mempool_size(xch, domid, bytes);
#elif XEN_DOMCTL_INTERFACE_VERSION >= XSR_DOMCTL_4_16
    unsigned mb = (unsigned)((bytes + (1u << 20) - 1) >> 20);

    return xc_shadow_control(xch, domid, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION,
                             &mb, 0);
#else
    unsigned long mb = (unsigned long)((bytes + (1u << 20) - 1) >> 20);

    return xc_shadow_control(xch, domid, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION,
                             NULL, 0, &mb, 0, NULL);
#endif
}

static inline int xsr_xc_logdirty_off(xc_interface *xch, uint32_t domid)
{
#if XEN_DOMCTL_INTERFACE_VERSION >= XSR_DOMCTL_4_16
    return xc_shadow_control(xch, domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0);
#else
    return xc_shadow_control(xch, domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0,
                             NULL, 0, NULL);
#endif
}

/* The count of dirty pages without their bitmap. */
static inline int xsr_xc_logdirty_count(xc_interface *xch, uint32_t domid,
                                        xc_shadow_op_stats_t *stats)
{
#if XEN_DOMCTL_INTERFACE_VERSION >= XSR_DOMCTL_4_16
    return xc_logdirty_control(xch, domid, XEN_DOMCTL_SHADOW_OP_PEEK, NULL, 0,
                               0, stats) < 0
               ? -1
               : 0;
#else
    return xc_shadow_control(xch, domid, XEN_DOMCTL_SHADOW_OP_PEEK, NULL, 0,
                             NULL, 0, stats) < 0
               ? -1
               : 0;
#endif
}

#endif
