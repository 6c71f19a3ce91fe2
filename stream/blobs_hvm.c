/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records that HVM guests have, or both kinds: HVM_PARAMS and the CPU
 * policies. The other half of blobs.h is in blobs.c. Unsorted policies are
 * legal if odd; Xen takes them, so they are not refused. A repeated parameter
 * is: no release writes one, and which of the two counts nobody has said.
 */
#include "stream/blobs.h"

#include "lib/util.h"
#include "stream/limits.h"

/* Public hvm/params.h of Xen 4.17; a NULL is a number never given out. */
static const char *const param_names[XSR_N_HVM_PARAM] = {
    [0] = "CALLBACK_IRQ",
    [1] = "STORE_PFN",
    [2] = "STORE_EVTCHN",
    [4] = "PAE_ENABLED",
    [5] = "IOREQ_PFN",
    [6] = "BUFIOREQ_PFN",
    [9] = "VIRIDIAN",
    [10] = "TIMER_MODE",
    [11] = "HPET_ENABLED",
    [12] = "IDENT_PT",
    [13] = "DM_DOMAIN",
    [14] = "ACPI_S_STATE",
    [15] = "VM86_TSS",
    [16] = "VPT_ALIGN",
    [17] = "CONSOLE_PFN",
    [18] = "CONSOLE_EVTCHN",
    [19] = "ACPI_IOPORTS_LOCATION",
    [20] = "MEMORY_EVENT_CR0",
    [21] = "MEMORY_EVENT_CR3",
    [22] = "MEMORY_EVENT_CR4",
    [23] = "MEMORY_EVENT_INT3",
    [24] = "NESTEDHVM",
    [25] = "MEMORY_EVENT_SINGLE_STEP",
    [26] = "BUFIOREQ_EVTCHN",
    [27] = "PAGING_RING_PFN",
    [28] = "MONITOR_RING_PFN",
    [29] = "SHARING_RING_PFN",
    [30] = "MEMORY_EVENT_MSR",
    [31] = "TRIPLE_FAULT_REASON",
    [32] = "IOREQ_SERVER_PFN",
    [33] = "NR_IOREQ_SERVER_PAGES",
    [34] = "VM_GENERATION_ID_ADDR",
    [35] = "ALTP2M",
    [36] = "X87_FIP_WIDTH",
    [37] = "VM86_TSS_SIZED",
    [38] = "MCA_CAP",
};

const char *xsr_hvm_param_name(uint64_t index)
{
    return index < XSR_N_HVM_PARAM ? param_names[index] : NULL;
}

bool xsr_hvm_param_obsolete(uint64_t index)
{
    return index == 13 || (index >= 20 && index <= 26) || index == 30;
}

static int check_param(const struct xsr_hvm_param *p, uint64_t *seen,
                       struct xsr_err *err)
{
    if (p->index >= XSR_N_HVM_PARAM)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_PARAMS: found parameter %llu, "
                        "allowed 0 to %u",
                        (unsigned long long)p->index, XSR_N_HVM_PARAM - 1);
    if (xsr_hvm_param_obsolete(p->index))
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_PARAMS: found obsolete parameter "
                        "%llu (%s), which Xen refuses",
                        (unsigned long long)p->index,
                        xsr_hvm_param_name(p->index));
    if (*seen & 1ull << p->index)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_PARAMS: found parameter %llu twice, "
                        "allowed once",
                        (unsigned long long)p->index);
    *seen |= 1ull << p->index;
    return 0;
}

int xsr_blob_get_hvm_params(struct xsr_cur *cur, struct xsr_hvm_param *params,
                            uint32_t *n_out, struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur), seen = 0;
    uint32_t n;

    if (xsr_get_u32(cur, &n, "HVM_PARAMS count", err) ||
        xsr_get_zero(cur, 4, "libxc record HVM_PARAMS: reserved field", err))
        return -1;
    if (n > XSR_MAX_HVM_PARAMS || xsr_cur_left(cur) != 16 * (size_t)n) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record HVM_PARAMS: found length %zu with count %u, "
                 "allowed %llu",
                 cur->len, n, 8 + 16ull * n);
        return xsr_err_at(err, at);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (xsr_get_u64(cur, &params[i].index, "HVM_PARAMS index", err) ||
            xsr_get_u64(cur, &params[i].value, "HVM_PARAMS value", err))
            return -1;
        if (check_param(&params[i], &seen, err))
            return xsr_err_at(err, at + 8 + 16ull * i);
    }
    *n_out = n;
    return 0;
}

int xsr_blob_check_cpuid_policy(struct xsr_cur *cur, uint32_t *n_out,
                                struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    size_t len = xsr_cur_left(cur);

    if (!len || len % XSR_CPUID_LEAF_LEN || len > XSR_MAX_CPUID_POLICY) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record X86_CPUID_POLICY: found length %zu, allowed a "
                 "multiple of %u up to %u",
                 len, XSR_CPUID_LEAF_LEN, XSR_MAX_CPUID_POLICY);
        return xsr_err_at(err, at);
    }
    *n_out = (uint32_t)(len / XSR_CPUID_LEAF_LEN);
    return 0;
}

int xsr_blob_check_msr_policy(struct xsr_cur *cur, uint32_t *n_out,
                              struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur), value;
    size_t len = xsr_cur_left(cur);
    uint32_t msr, flags;

    if (!len || len % XSR_MSR_ENTRY_LEN || len > XSR_MAX_MSR_POLICY) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record X86_MSR_POLICY: found length %zu, allowed a "
                 "multiple of %u up to %u",
                 len, XSR_MSR_ENTRY_LEN, XSR_MAX_MSR_POLICY);
        return xsr_err_at(err, at);
    }
    *n_out = (uint32_t)(len / XSR_MSR_ENTRY_LEN);
    for (uint32_t i = 0; i < *n_out; i++) {
        uint64_t entry_at = xsr_cur_offset(cur);

        if (xsr_get_u32(cur, &msr, "X86_MSR_POLICY index", err) ||
            xsr_get_u32(cur, &flags, "X86_MSR_POLICY flags", err) ||
            xsr_get_u64(cur, &value, "X86_MSR_POLICY value", err))
            return -1;
        if (flags) {
            xsr_fail(err, XSR_E_FORMAT,
                     "libxc record X86_MSR_POLICY: found flags 0x%x for MSR "
                     "0x%x, allowed 0",
                     flags, msr);
            return xsr_err_at(err, entry_at + 4);
        }
    }
    return 0;
}
