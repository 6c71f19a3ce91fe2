/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hvm_op: the parameters of an HVM or PVH domain, with Xen's rules about which
 * exist, which may be set once only, and which values they take. A restore
 * sets them from the HVM_PARAMS record; the toolstack sets some before.
 */
#include <errno.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

#define VM86_TSS_MIN 104u                      /* a 32-bit TSS */
#define VM86_TSS_MAX (104u + 32u + 8192u + 1u) /* with both bitmaps */

static bool obsolete(uint32_t index)
{
    switch (index) {
    case HVM_PARAM_PAE_ENABLED:
    case HVM_PARAM_DM_DOMAIN:
    case HVM_PARAM_MEMORY_EVENT_CR0:
    case HVM_PARAM_MEMORY_EVENT_CR3:
    case HVM_PARAM_MEMORY_EVENT_CR4:
    case HVM_PARAM_MEMORY_EVENT_INT3:
    case HVM_PARAM_NESTEDHVM:
    case HVM_PARAM_MEMORY_EVENT_SINGLE_STEP:
    case HVM_PARAM_BUFIOREQ_EVTCHN:
    case HVM_PARAM_MEMORY_EVENT_MSR:
        return true;
    default:
        return false;
    }
}

static bool set_once(uint32_t index)
{
    switch (index) {
    case HVM_PARAM_VIRIDIAN:
    case HVM_PARAM_IOREQ_PFN:
    case HVM_PARAM_BUFIOREQ_PFN:
    case HVM_PARAM_IOREQ_SERVER_PFN:
    case HVM_PARAM_NR_IOREQ_SERVER_PAGES:
    case HVM_PARAM_ALTP2M:
    case HVM_PARAM_MCA_CAP:
        return true;
    default:
        return false;
    }
}

/* The values that one parameter takes. */
static bool value_ok(const struct xsr_dom *d, uint32_t index, uint64_t value)
{
    switch (index) {
    case HVM_PARAM_TIMER_MODE:
        return value <= HVMPTM_one_missed_tick_pending;
    case HVM_PARAM_VIRIDIAN:
        return !(value & ~(uint64_t)HVMPV_feature_mask) &&
               (value & HVMPV_base_freq);
    case HVM_PARAM_ACPI_S_STATE:
        return value == 0 || value == 3;
    case HVM_PARAM_ACPI_IOPORTS_LOCATION:
        return value <= 1;
    case HVM_PARAM_ALTP2M:
        return value <= XEN_ALTP2M_limited &&
               !(value && (d->flags & XEN_DOMCTL_CDF_nested_virt));
    case HVM_PARAM_TRIPLE_FAULT_REASON:
        return value <= SHUTDOWN_MAX;
    case HVM_PARAM_NR_IOREQ_SERVER_PAGES:
        return value >= 1 && value <= 64;
    case HVM_PARAM_X87_FIP_WIDTH:
        return value == 0 || value == 4 || value == 8;
    case HVM_PARAM_VM86_TSS:
        return value == (uint32_t)value;
    case HVM_PARAM_VM86_TSS_SIZED:
        return value >> 32 >= VM86_TSS_MIN;
    case HVM_PARAM_MCA_CAP:
        return value == 0; /* the only capability needs hardware */
    default:
        return true;
    }
}

/* Xen stores the old form of the VM86 TSS parameter as the new one. */
static void normalise(uint32_t *index, uint64_t *value)
{
    if (*index == HVM_PARAM_VM86_TSS) {
        *index = HVM_PARAM_VM86_TSS_SIZED;
        if (*value)
            *value |= 128ull << 32;
    } else if (*index == HVM_PARAM_VM86_TSS_SIZED &&
               *value >> 32 > VM86_TSS_MAX) {
        *value = (uint32_t)*value | (uint64_t)VM86_TSS_MAX << 32;
    }
}

static int set_param(struct xsr_dom *d, uint32_t index, uint64_t value)
{
    if (obsolete(index)) {
        xsr_sim_log("domain %u: parameter %u is obsolete", d->domid, index);
        return -EINVAL;
    }
    if (set_once(index) && d->params[index] && d->params[index] != value) {
        xsr_sim_log("domain %u: parameter %u is %#llx and cannot become "
                    "%#llx",
                    d->domid, index, (unsigned long long)d->params[index],
                    (unsigned long long)value);
        return -EEXIST;
    }
    if (index == HVM_PARAM_ACPI_IOPORTS_LOCATION &&
        !(d->emulation & XEN_X86_EMU_PM)) {
        xsr_sim_log("domain %u: parameter %u is of a power management timer, "
                    "which the domain does not have",
                    d->domid, index);
        return -ENODEV;
    }
    if (!value_ok(d, index, value)) {
        xsr_sim_log("domain %u: parameter %u cannot be %#llx", d->domid, index,
                    (unsigned long long)value);
        return -EINVAL;
    }
    normalise(&index, &value);
    d->params[index] = value;
    return 0;
}

static long param_op(unsigned long cmd, void *arg)
{
    struct xen_hvm_param p;
    struct xsr_dom *d;

    if (!arg)
        return -EFAULT;
    memcpy(&p, arg, sizeof(p));
    if (p.index >= HVM_NR_PARAMS)
        return -EINVAL;
    d = xsr_hv_dom_any(p.domid);
    if (!d)
        return -ESRCH;
    if (!d->hvm)
        return -EINVAL;
    if (cmd == HVMOP_set_param)
        return set_param(d, p.index, p.value);
    if (obsolete(p.index))
        return -EINVAL;
    p.value = p.index == HVM_PARAM_VM86_TSS
                  ? (uint32_t)d->params[HVM_PARAM_VM86_TSS_SIZED]
                  : d->params[p.index];
    memcpy(arg, &p, sizeof(p));
    return 0;
}

static long get_mem_type(void *arg)
{
    struct xen_hvm_get_mem_type t;
    struct xsr_dom *d;

    if (!arg)
        return -EFAULT;
    memcpy(&t, arg, sizeof(t));
    d = xsr_hv_dom_any(t.domid);
    if (!d)
        return -ESRCH;
    if (!d->hvm)
        return -EINVAL;
    t.mem_type =
        xsr_hv_gfn_to_mfn(d, t.pfn) >= 0 ? HVMMEM_ram_rw : HVMMEM_mmio_dm;
    memcpy(arg, &t, sizeof(t));
    return 0;
}

long xsr_hv_hvm_op(unsigned long cmd, void *arg)
{
    switch (cmd) {
    case HVMOP_set_param:
    case HVMOP_get_param:
        return param_op(cmd, arg);
    case HVMOP_get_mem_type:
        return get_mem_type(arg);
    case HVMOP_flush_tlbs:
        return arg ? -EINVAL : 0;
    default:
        xsr_sim_log("not simulated: hvm_op %lu", cmd);
        return -ENOSYS;
    }
}
