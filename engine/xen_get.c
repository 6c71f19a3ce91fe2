/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fetching what a save sends beside memory: policies, time, HVM parameters
 * and context, and the four kinds of vCPU state of a PV guest.
 *
 * Most of it is asked for twice, first for its size and then for itself; the
 * second answer counts, as it may be shorter.
 */
#include "engine/xen_get.h"

#include <errno.h>
#include <string.h>

#include "engine/compat.h"
#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/limits.h"

static int no_buffer(struct xsr_err *err)
{
    return xsr_fail_sys(err, XSR_E_NOMEM, errno,
                        "allocating hypercall buffers");
}

static struct xen_domctl new_domctl(const struct xsr_xen *xen, uint32_t cmd)
{
    struct xen_domctl domctl;

    memset(&domctl, 0, sizeof(domctl));
    domctl.cmd = cmd;
    domctl.domain = (domid_t)xen->domid;
    return domctl;
}

int xsr_xen_get_version(const struct xsr_xen *xen, uint32_t *major_out,
                        uint32_t *minor_out, struct xsr_err *err)
{
    int version = xc_version(xen->xch, XENVER_version, NULL);

    if (version < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "asking for Xen's version");
    *major_out = (uint32_t)version >> 16;
    *minor_out = (uint32_t)version & 0xffff;
    return 0;
}

int xsr_xen_get_n_gfns(const struct xsr_xen *xen, uint64_t *out,
                       struct xsr_err *err)
{
    xen_pfn_t n;

    if (xc_domain_nr_gpfns(xen->xch, xen->domid, &n) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the address space of domain %u",
                            xen->domid);
    *out = n;
    return 0;
}

int xsr_xen_get_types(struct xsr_xen *xen, xen_pfn_t *frames, unsigned n,
                      struct xsr_err *err)
{
    DECLARE_HYPERCALL_BUFFER_SHADOW(xen_pfn_t, array, &xen->extents);
    struct xen_domctl domctl = new_domctl(xen, XEN_DOMCTL_getpageframeinfo3);

    if (n > XSR_XEN_BATCH)
        return xsr_fail(err, XSR_E_BUG, "types of %u frames in one call", n);
    memcpy(array, frames, n * sizeof(*frames));
    domctl.u.getpageframeinfo3.num = n;
    set_xen_guest_handle(domctl.u.getpageframeinfo3.array, array);
    if (xc_domctl(xen->xch, &domctl) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the types of %u frames from 0x%lx", n,
                            frames[0]);
    memcpy(frames, array, n * sizeof(*frames));
    return 0;
}

/* ---- policies ------------------------------------------------------------ */

/* Without buffers Xen tells how many entries there may be. */
static int get_policy_size(const struct xsr_xen *xen, uint32_t *n_leaves,
                           uint32_t *n_msrs, struct xsr_err *err)
{
    struct xen_domctl domctl = new_domctl(xen, XEN_DOMCTL_get_cpu_policy);

    if (xc_domctl(xen->xch, &domctl) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the size of the CPU policy");
    *n_leaves = domctl.u.cpu_policy.nr_leaves;
    *n_msrs = domctl.u.cpu_policy.nr_msrs;
    if (*n_leaves > XSR_MAX_CPUID_POLICY / XSR_CPUID_LEAF_LEN ||
        *n_msrs > XSR_MAX_MSR_POLICY / XSR_MSR_ENTRY_LEN)
        return xsr_fail(err, XSR_E_LIMIT,
                        "CPU policy: Xen announces %u leaves and %u MSRs, "
                        "more than an image may have",
                        *n_leaves, *n_msrs);
    return 0;
}

int xsr_xen_get_policy(const struct xsr_xen *xen, struct xsr_buf *leaves,
                       struct xsr_buf *msrs, struct xsr_err *err)
{
    DECLARE_HYPERCALL_BUFFER(uint8_t, leaf_array);
    DECLARE_HYPERCALL_BUFFER(uint8_t, msr_array);
    struct xen_domctl domctl = new_domctl(xen, XEN_DOMCTL_get_cpu_policy);
    struct xen_domctl_cpu_policy *get = &domctl.u.cpu_policy;
    uint32_t n_leaves = 0, n_msrs = 0;
    int rc = -1;

    if (get_policy_size(xen, &n_leaves, &n_msrs, err) < 0)
        return -1;
    leaf_array = xc_hypercall_buffer_alloc(xen->xch, leaf_array,
                                           n_leaves * XSR_CPUID_LEAF_LEN + 1);
    msr_array = xc_hypercall_buffer_alloc(xen->xch, msr_array,
                                          n_msrs * XSR_MSR_ENTRY_LEN + 1);
    if (!leaf_array || !msr_array) {
        no_buffer(err);
        goto out;
    }
    get->nr_leaves = n_leaves;
    get->nr_msrs = n_msrs;
    set_xen_guest_handle(get->XSR_POLICY_LEAVES, leaf_array);
    set_xen_guest_handle(get->XSR_POLICY_MSRS, msr_array);
    if (xc_domctl(xen->xch, &domctl) < 0) {
        xsr_fail_sys(err, XSR_E_XEN, errno, "asking for the CPU policy");
        goto out;
    }
    n_leaves = (uint32_t)xsr_min(n_leaves, get->nr_leaves);
    n_msrs = (uint32_t)xsr_min(n_msrs, get->nr_msrs);
    rc = xsr_buf_put(leaves, leaf_array, n_leaves * XSR_CPUID_LEAF_LEN, err);
    if (rc == 0)
        rc = xsr_buf_put(msrs, msr_array, n_msrs * XSR_MSR_ENTRY_LEN, err);
out:
    xc_hypercall_buffer_free(xen->xch, leaf_array);
    xc_hypercall_buffer_free(xen->xch, msr_array);
    return rc;
}

/* ---- time, HVM ----------------------------------------------------------- */

int xsr_xen_get_tsc(const struct xsr_xen *xen, struct xsr_tsc_info *out,
                    struct xsr_err *err)
{
    if (xc_domain_get_tsc_info(xen->xch, xen->domid, &out->mode, &out->nsec,
                               &out->khz, &out->incarnation) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the guest's TSC settings");
    return 0;
}

int xsr_xen_get_hvm_param(const struct xsr_xen *xen, uint32_t index,
                          uint64_t *out, struct xsr_err *err)
{
    const char *name = xsr_hvm_param_name(index);

    if (xc_hvm_param_get(xen->xch, xen->domid, index, out) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for HVM parameter %u (%s)", index,
                            name ? name : "unknown");
    return 0;
}

int xsr_xen_get_hvm_context(const struct xsr_xen *xen, struct xsr_buf *out,
                            struct xsr_err *err)
{
    int room = xc_domain_hvm_getcontext(xen->xch, xen->domid, NULL, 0), got;

    if (room < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the size of the HVM context");
    if (xsr_buf_reserve(out, (size_t)room, err) < 0)
        return -1;
    got = xc_domain_hvm_getcontext(xen->xch, xen->domid, out->p + out->len,
                                   (uint32_t)room);
    if (got < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the HVM context (%d octets)", room);
    out->len += (size_t)xsr_min((uint64_t)got, (uint64_t)room);
    return 0;
}

/* ---- vCPUs of PV guests -------------------------------------------------- */

int xsr_xen_get_vcpu_online(const struct xsr_xen *xen, uint32_t vcpu,
                            bool *online_out, struct xsr_err *err)
{
    xc_vcpuinfo_t got;

    if (xc_vcpu_getinfo(xen->xch, xen->domid, vcpu, &got) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "asking for vCPU %u", vcpu);
    *online_out = got.online;
    return 0;
}

int xsr_xen_get_vcpu(const struct xsr_xen *xen, uint32_t vcpu,
                     struct xsr_buf *out, struct xsr_err *err)
{
    vcpu_guest_context_any_t any;

    memset(&any, 0, sizeof(any));
    if (xc_vcpu_getcontext(xen->xch, xen->domid, vcpu, &any) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the state of vCPU %u", vcpu);
    _Static_assert(sizeof(any.x64) == XSR_VCPU64_LEN, "64-bit layout");
    return xsr_buf_put(out, &any.x64, sizeof(any.x64), err);
}

int xsr_xen_get_vcpu_extended(const struct xsr_xen *xen, uint32_t vcpu,
                              struct xsr_buf *out, struct xsr_err *err)
{
    struct xen_domctl domctl = new_domctl(xen, XEN_DOMCTL_get_ext_vcpucontext);

    domctl.u.ext_vcpucontext.vcpu = vcpu;
    if (xc_domctl(xen->xch, &domctl) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the extended state of vCPU %u", vcpu);
    return xsr_buf_put(out, &domctl.u.ext_vcpucontext,
                       sizeof(domctl.u.ext_vcpucontext), err);
}

int xsr_xen_get_vcpu_xsave(const struct xsr_xen *xen, uint32_t vcpu,
                           struct xsr_buf *out, struct xsr_err *err)
{
    DECLARE_HYPERCALL_BUFFER(uint8_t, area);
    struct xen_domctl domctl = new_domctl(xen, XEN_DOMCTL_getvcpuextstate);
    uint64_t room;
    int rc;

    domctl.u.vcpuextstate.vcpu = vcpu;
    if (xc_domctl(xen->xch, &domctl) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the size of vCPU %u's XSAVE state",
                            vcpu);
    room = domctl.u.vcpuextstate.size;
    if (!room)
        return 0;
    if (room > XSR_MAX_VCPU_XSAVE)
        return xsr_fail(err, XSR_E_LIMIT,
                        "XSAVE state of vCPU %u: Xen announces %llu octets, "
                        "an image may have %u",
                        vcpu, (unsigned long long)room, XSR_MAX_VCPU_XSAVE);
    area = xc_hypercall_buffer_alloc(xen->xch, area, room);
    if (!area)
        return no_buffer(err);
    set_xen_guest_handle(domctl.u.vcpuextstate.buffer, area);
    if (xc_domctl(xen->xch, &domctl) < 0)
        rc = xsr_fail_sys(err, XSR_E_XEN, errno,
                          "asking for the XSAVE state of vCPU %u", vcpu);
    else
        rc = xsr_buf_put(out, area, xsr_min(domctl.u.vcpuextstate.size, room),
                         err);
    xc_hypercall_buffer_free(xen->xch, area);
    return rc;
}

int xsr_xen_get_vcpu_msrs(const struct xsr_xen *xen, uint32_t vcpu,
                          struct xsr_buf *out, struct xsr_err *err)
{
    DECLARE_HYPERCALL_BUFFER(uint8_t, array);
    struct xen_domctl domctl = new_domctl(xen, XEN_DOMCTL_get_vcpu_msrs);
    uint32_t room;
    int rc;

    domctl.u.vcpu_msrs.vcpu = vcpu;
    if (xc_domctl(xen->xch, &domctl) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the number of vCPU %u's MSRs", vcpu);
    room = domctl.u.vcpu_msrs.msr_count;
    if (!room)
        return 0;
    if (room > XSR_MAX_VCPU_MSRS / XSR_MSR_ENTRY_LEN)
        return xsr_fail(err, XSR_E_LIMIT,
                        "MSRs of vCPU %u: Xen announces %u, an image may have "
                        "%u",
                        vcpu, room, XSR_MAX_VCPU_MSRS / XSR_MSR_ENTRY_LEN);
    array =
        xc_hypercall_buffer_alloc(xen->xch, array, room * XSR_MSR_ENTRY_LEN);
    if (!array)
        return no_buffer(err);
    set_xen_guest_handle(domctl.u.vcpu_msrs.msrs, array);
    if (xc_domctl(xen->xch, &domctl) < 0)
        rc = xsr_fail_sys(err, XSR_E_XEN, errno, "asking for vCPU %u's MSRs",
                          vcpu);
    else
        rc = xsr_buf_put(out, array,
                         xsr_min(domctl.u.vcpu_msrs.msr_count, room) *
                             XSR_MSR_ENTRY_LEN,
                         err);
    xc_hypercall_buffer_free(xen->xch, array);
    return rc;
}
