/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two small hypercalls: what version of Xen this is (4.17, as the libraries
 * that run on the simulated host expect), and shutting a domain down from
 * outside.
 */
#include <errno.h>
#include <string.h>

#include "stubs/hv/hvi.h"

#define MAJOR 4
#define MINOR 17
#define CAPABILITIES                                 \
    "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p " \
    "hvm-3.0-x86_64 "
#define XEN_VIRT_START 0xffff800000000000ull

static long put_text(void *to, size_t len, const char *text)
{
    if (!to)
        return -EFAULT;
    memset(to, 0, len);
    memcpy(to, text, strlen(text));
    return 0;
}

static long put_compile_info(void *to)
{
    struct xen_compile_info info = {
        .compiler = "none",
        .compile_by = "xensr",
        .compile_domain = "simulated",
        .compile_date = "never",
    };

    if (!to)
        return -EFAULT;
    memcpy(to, &info, sizeof(info));
    return 0;
}

static long get_features(void *arg)
{
    struct xen_feature_info f;

    if (!arg)
        return -EFAULT;
    memcpy(&f, arg, sizeof(f));
    if (f.submap_idx != 0)
        return -EINVAL;
    f.submap = 1u << XENFEAT_memory_op_vnode_supported |
               1u << XENFEAT_mmu_pt_update_preserve_ad |
               1u << XENFEAT_highmem_assist |
               1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_dom0;
    memcpy(arg, &f, sizeof(f));
    return 0;
}

long xsr_hv_version(unsigned long cmd, void *arg)
{
    xen_platform_parameters_t params = {XEN_VIRT_START};

    switch (cmd) {
    case XENVER_version:
        return MAJOR << 16 | MINOR;
    case XENVER_extraversion:
        return put_text(arg, sizeof(xen_extraversion_t), ".0-simulated");
    case XENVER_compile_info:
        return put_compile_info(arg);
    case XENVER_capabilities:
        return put_text(arg, sizeof(xen_capabilities_info_t), CAPABILITIES);
    case XENVER_changeset:
        return put_text(arg, sizeof(xen_changeset_info_t), "simulated");
    case XENVER_platform_parameters:
        if (!arg)
            return -EFAULT;
        memcpy(arg, &params, sizeof(params));
        return 0;
    case XENVER_get_features:
        return get_features(arg);
    case XENVER_pagesize:
        return 4096;
    case XENVER_guest_handle:
        return put_text(arg, sizeof(xen_domain_handle_t), "");
    case XENVER_commandline:
        return put_text(arg, sizeof(xen_commandline_t), "");
    case XENVER_build_id:
        return -ENODATA;
    default:
        xsr_sim_log("not simulated: xen_version %lu", cmd);
        return -ENOSYS;
    }
}

static long remote_shutdown(void *arg)
{
    struct sched_remote_shutdown s;
    struct xsr_dom *d;

    if (!arg)
        return -EFAULT;
    memcpy(&s, arg, sizeof(s));
    d = xsr_hv_dom(s.domain_id);
    if (!d)
        return -ESRCH;
    if (d->domid == 0)
        return -EPERM;
    if (xsr_hv_fault(d, XSR_FAULT_SHUTDOWN))
        return -EPERM;
    return xsr_hv_shutdown(d, s.reason & 0xff);
}

long xsr_hv_sched_op(unsigned long cmd, void *arg)
{
    if (cmd == SCHEDOP_remote_shutdown)
        return remote_shutdown(arg);
    xsr_sim_log("not simulated: sched_op %lu", cmd);
    return -ENOSYS;
}
