/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hypercalls that fetch what a save sends, each appended to a buffer in
 * the layout of its record. The way back: xen_state.c.
 */
#ifndef XSR_ENGINE_XEN_GET_H
#define XSR_ENGINE_XEN_GET_H

#include "engine/xen.h"
#include "lib/buf.h"

struct xsr_tsc_info;

/* Version of the running Xen. */
int xsr_xen_get_version(const struct xsr_xen *xen, uint32_t *major_out,
                        uint32_t *minor_out, struct xsr_err *err);
/* One more than the highest guest frame number that is mapped. */
int xsr_xen_get_n_gfns(const struct xsr_xen *xen, uint64_t *out,
                       struct xsr_err *err);
/* XEN_DOMCTL_PFINFO_* words in place of n <= XSR_XEN_BATCH frames. */
int xsr_xen_get_types(struct xsr_xen *xen, xen_pfn_t *frames, unsigned n,
                      struct xsr_err *err);
/* CPUID leaves and MSRs; either may stay empty. */
int xsr_xen_get_policy(const struct xsr_xen *xen, struct xsr_buf *leaves,
                       struct xsr_buf *msrs, struct xsr_err *err);
int xsr_xen_get_tsc(const struct xsr_xen *xen, struct xsr_tsc_info *out,
                    struct xsr_err *err);
int xsr_xen_get_hvm_param(const struct xsr_xen *xen, uint32_t index,
                          uint64_t *out, struct xsr_err *err);
int xsr_xen_get_hvm_context(const struct xsr_xen *xen, struct xsr_buf *out,
                            struct xsr_err *err);

/* vCPU state of PV guests. The last three may append nothing. */
int xsr_xen_get_vcpu_online(const struct xsr_xen *xen, uint32_t vcpu,
                            bool *online_out, struct xsr_err *err);
int xsr_xen_get_vcpu(const struct xsr_xen *xen, uint32_t vcpu,
                     struct xsr_buf *out, struct xsr_err *err);
int xsr_xen_get_vcpu_extended(const struct xsr_xen *xen, uint32_t vcpu,
                              struct xsr_buf *out, struct xsr_err *err);
int xsr_xen_get_vcpu_xsave(const struct xsr_xen *xen, uint32_t vcpu,
                           struct xsr_buf *out, struct xsr_err *err);
int xsr_xen_get_vcpu_msrs(const struct xsr_xen *xen, uint32_t vcpu,
                          struct xsr_buf *out, struct xsr_err *err);

#endif
