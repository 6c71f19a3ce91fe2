/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * X86_CPUID_POLICY and X86_MSR_POLICY.
 *
 * stream/blobs judges their form when they arrive. Only Xen can judge whether
 * this host's CPUs can honour them; it audits both at once, and when it
 * refuses it names the leaf or the MSR, which is what the user must know:
 * it says on which point the two hosts differ.
 */
#include "engine/restore/restore.h"

#include <errno.h>
#include <string.h>

#include "engine/compat.h"
#include "stream/blobs.h"

#define NOT_NAMED          UINT32_MAX
#define LEAF_ADDRESS_SIZES 0x80000008u
#define LEAF_EAX           8u /* behind leaf and subleaf */

void xsr_policy_init(struct xsr_policy *policy)
{
    xsr_buf_init(&policy->cpuid);
    xsr_buf_init(&policy->msr);
}

void xsr_policy_fini(struct xsr_policy *policy)
{
    xsr_buf_fini(&policy->cpuid);
    xsr_buf_fini(&policy->msr);
}

int xsr_policy_keep_cpuid(struct xsr_policy *policy, struct xsr_cur *cur,
                          uint32_t *n_out, struct xsr_err *err)
{
    struct xsr_cur whole = *cur;

    if (xsr_blob_check_cpuid_policy(cur, n_out, err) < 0)
        return -1;
    return xsr_buf_put(&policy->cpuid, whole.p, whole.len, err);
}

int xsr_policy_keep_msr(struct xsr_policy *policy, struct xsr_cur *cur,
                        uint32_t *n_out, struct xsr_err *err)
{
    struct xsr_cur whole = *cur;

    if (xsr_blob_check_msr_policy(cur, n_out, err) < 0)
        return -1;
    return xsr_buf_put(&policy->msr, whole.p, whole.len, err);
}

unsigned xsr_policy_missing(const struct xsr_policy *policy)
{
    return (policy->cpuid.len ? 0 : XSR_POLICY_NO_CPUID) |
           (policy->msr.len ? 0 : XSR_POLICY_NO_MSR);
}

unsigned xsr_policy_phys_bits(const struct xsr_policy *policy)
{
    for (size_t at = 0; at < policy->cpuid.len; at += XSR_CPUID_LEAF_LEN)
        if (xsr_le32(policy->cpuid.p + at) == LEAF_ADDRESS_SIZES)
            return xsr_le32(policy->cpuid.p + at + LEAF_EAX) & 0xff;
    return 0;
}

/* What Xen objected to, in words. */
static int refuse(const struct xen_domctl_cpu_policy *got, int sys,
                  struct xsr_err *err)
{
    static const char advice[] = "this host's CPU or Xen cannot give the "
                                 "guest what it had";

    if (got->err_leaf != NOT_NAMED && got->err_subleaf != NOT_NAMED)
        return xsr_fail_sys(err, XSR_E_XEN, sys,
                            "CPU policy refused at CPUID "
                            "leaf 0x%x, subleaf 0x%x: %s",
                            got->err_leaf, got->err_subleaf, advice);
    if (got->err_leaf != NOT_NAMED)
        return xsr_fail_sys(err, XSR_E_XEN, sys,
                            "CPU policy refused at CPUID "
                            "leaf 0x%x: %s",
                            got->err_leaf, advice);
    if (got->err_msr != NOT_NAMED)
        return xsr_fail_sys(err, XSR_E_XEN, sys,
                            "CPU policy refused at MSR "
                            "0x%x: %s",
                            got->err_msr, advice);
    return xsr_fail_sys(err, XSR_E_XEN, sys,
                        "CPU policy of %u leaves and %u "
                        "MSRs refused: %s",
                        got->nr_leaves, got->nr_msrs, advice);
}

int xsr_policy_apply(const struct xsr_policy *policy, const struct xsr_xen *xen,
                     struct xsr_err *err)
{
    DECLARE_HYPERCALL_BUFFER(uint8_t, leaves);
    DECLARE_HYPERCALL_BUFFER(uint8_t, msrs);
    struct xen_domctl domctl;
    struct xen_domctl_cpu_policy *set = &domctl.u.cpu_policy;
    int rc = -1;

    if (!policy->cpuid.len && !policy->msr.len)
        return 0;
    /* A call with no entries still needs a buffer that Xen may look at. */
    leaves = xc_hypercall_buffer_alloc(xen->xch, leaves, policy->cpuid.len + 1);
    msrs = xc_hypercall_buffer_alloc(xen->xch, msrs, policy->msr.len + 1);
    if (!leaves || !msrs) {
        xsr_fail_sys(err, XSR_E_NOMEM, errno, "allocating hypercall buffers");
        goto out;
    }
    if (policy->cpuid.len)
        memcpy(leaves, policy->cpuid.p, policy->cpuid.len);
    if (policy->msr.len)
        memcpy(msrs, policy->msr.p, policy->msr.len);
    memset(&domctl, 0, sizeof(domctl));
    domctl.cmd = XEN_DOMCTL_set_cpu_policy;
    domctl.domain = (domid_t)xen->domid;
    set->nr_leaves = (uint32_t)(policy->cpuid.len / XSR_CPUID_LEAF_LEN);
    set->nr_msrs = (uint32_t)(policy->msr.len / XSR_MSR_ENTRY_LEN);
    set_xen_guest_handle(set->XSR_POLICY_LEAVES, leaves);
    set_xen_guest_handle(set->XSR_POLICY_MSRS, msrs);
    set->err_leaf = set->err_subleaf = set->err_msr = NOT_NAMED;
    rc = xc_domctl(xen->xch, &domctl);
    if (rc < 0)
        rc = refuse(set, errno, err);
out:
    xc_hypercall_buffer_free(xen->xch, leaves);
    xc_hypercall_buffer_free(xen->xch, msrs);
    return rc;
}
