/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hypercalls that load the small state of a guest: time, HVM parameters
 * and context, and the four kinds of vCPU state of a PV guest.
 *
 * The blobs were judged when their records arrived (stream/blobs), so a
 * refusal here is Xen's own opinion, and its errno is passed on.
 */
#include <errno.h>
#include <string.h>

#include "engine/xen.h"
#include "stream/blobs.h"

int xsr_xen_set_tsc(const struct xsr_xen *xen, const struct xsr_tsc_info *tsc,
                    struct xsr_err *err)
{
    if (xc_domain_set_tsc_info(xen->xch, xen->domid, tsc->mode, tsc->nsec,
                               tsc->khz, tsc->incarnation) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "setting TSC mode %u, %u "
                            "kHz",
                            tsc->mode, tsc->khz);
    return 0;
}

int xsr_xen_set_hvm_param(const struct xsr_xen *xen, uint64_t index,
                          uint64_t value, struct xsr_err *err)
{
    const char *name = xsr_hvm_param_name(index);

    if (xc_hvm_param_set(xen->xch, xen->domid, (uint32_t)index, value) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "setting HVM parameter %u "
                            "(%s) to 0x%llx",
                            (unsigned)index, name ? name : "unknown",
                            (unsigned long long)value);
    return 0;
}

int xsr_xen_set_hvm_context(const struct xsr_xen *xen, const uint8_t *p,
                            uint32_t len, struct xsr_err *err)
{
    /* Not const in the prototype, but only copied from. */
    if (xc_domain_hvm_setcontext(xen->xch, xen->domid, (uint8_t *)p, len) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "Xen refused the HVM context (%u octets)", len);
    return 0;
}

int xsr_xen_set_vcpu(const struct xsr_xen *xen, uint32_t vcpu,
                     const uint8_t *context, size_t len, struct xsr_err *err)
{
    vcpu_guest_context_any_t any;

    if (len > sizeof(any))
        return xsr_fail(err, XSR_E_BUG, "vCPU context of %zu octets", len);
    memset(&any, 0, sizeof(any));
    memcpy(&any, context, len);
    if (xc_vcpu_setcontext(xen->xch, xen->domid, vcpu, &any) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "Xen refused the state of vCPU %u", vcpu);
    return 0;
}

int xsr_xen_set_vcpu_extended(const struct xsr_xen *xen, uint32_t vcpu,
                              const uint8_t *p, size_t len, struct xsr_err *err)
{
    struct xen_domctl domctl;

    memset(&domctl, 0, sizeof(domctl));
    if (len > sizeof(domctl.u))
        return xsr_fail(err, XSR_E_BUG, "extended state of %zu octets", len);
    domctl.cmd = XEN_DOMCTL_set_ext_vcpucontext;
    domctl.domain = (domid_t)xen->domid;
    memcpy(&domctl.u, p, len);
    if (xc_domctl(xen->xch, &domctl) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "Xen refused the extended state of vCPU %u", vcpu);
    return 0;
}

int xsr_xen_set_vcpu_xsave(const struct xsr_xen *xen, uint32_t vcpu,
                           const uint8_t *p, size_t len, struct xsr_err *err)
{
    DECLARE_HYPERCALL_BUFFER(uint8_t, buffer);
    struct xen_domctl domctl;
    int r, saved;

    buffer = xc_hypercall_buffer_alloc(xen->xch, buffer, len);
    if (!buffer)
        return xsr_fail_sys(err, XSR_E_NOMEM, errno,
                            "allocating a hypercall buffer");
    memcpy(buffer, p, len);
    memset(&domctl, 0, sizeof(domctl));
    domctl.cmd = XEN_DOMCTL_setvcpuextstate;
    domctl.domain = (domid_t)xen->domid;
    domctl.u.vcpuextstate.vcpu = vcpu;
    domctl.u.vcpuextstate.size = len;
    set_xen_guest_handle(domctl.u.vcpuextstate.buffer, buffer);
    r = xc_domctl(xen->xch, &domctl);
    saved = errno;
    xc_hypercall_buffer_free(xen->xch, buffer);
    if (r < 0)
        return xsr_fail_sys(err, XSR_E_XEN, saved,
                            "Xen refused the XSAVE "
                            "state of vCPU %u (%zu octets)",
                            vcpu, len);
    return 0;
}

int xsr_xen_set_vcpu_msrs(const struct xsr_xen *xen, uint32_t vcpu,
                          const uint8_t *p, size_t len, struct xsr_err *err)
{
    DECLARE_HYPERCALL_BUFFER(uint8_t, buffer);
    uint32_t n = (uint32_t)(len / XSR_MSR_ENTRY_LEN), bad;
    struct xen_domctl domctl;
    int r, saved;

    buffer = xc_hypercall_buffer_alloc(xen->xch, buffer, len);
    if (!buffer)
        return xsr_fail_sys(err, XSR_E_NOMEM, errno,
                            "allocating a hypercall buffer");
    memcpy(buffer, p, len);
    memset(&domctl, 0, sizeof(domctl));
    domctl.cmd = XEN_DOMCTL_set_vcpu_msrs;
    domctl.domain = (domid_t)xen->domid;
    domctl.u.vcpu_msrs.vcpu = vcpu;
    domctl.u.vcpu_msrs.msr_count = n;
    set_xen_guest_handle(domctl.u.vcpu_msrs.msrs, buffer);
    r = xc_domctl(xen->xch, &domctl);
    saved = errno;
    bad = domctl.u.vcpu_msrs.msr_count;
    xc_hypercall_buffer_free(xen->xch, buffer);
    if (r == 0)
        return 0;
    /* Xen leaves the index of the entry it stopped at. */
    if (bad < n)
        return xsr_fail_sys(err, XSR_E_XEN, saved,
                            "Xen refused MSR 0x%x of "
                            "vCPU %u",
                            xsr_le32(p + bad * XSR_MSR_ENTRY_LEN), vcpu);
    return xsr_fail_sys(err, XSR_E_XEN, saved,
                        "Xen refused the %u MSRs of "
                        "vCPU %u",
                        n, vcpu);
}
