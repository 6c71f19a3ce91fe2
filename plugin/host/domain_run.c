/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What Xen says about a domain that exists, and stopping it and letting it run
 * on. Called by plugin/save before, while and after a guest is suspended, and
 * by whoever pauses, unpauses or resumes one. The resume is libxenguest's: a
 * PV guest's vCPU context and start_info have to be put right for it.
 */
#include <errno.h>
#include <string.h>
#include <xenctrl.h>
#include <xenguest.h>
#include <xen/hvm/params.h>

#include "lib/util.h"
#include "plugin/host/compat.h"
#include "plugin/host/running.h"

const char *xsr_shutdown_name(unsigned reason)
{
    static const char *const names[] = {
        [XSR_SHUT_POWEROFF] = "poweroff", [XSR_SHUT_REBOOT] = "reboot",
        [XSR_SHUT_SUSPEND] = "suspend",   [XSR_SHUT_CRASH] = "crash",
        [XSR_SHUT_WATCHDOG] = "watchdog", [XSR_SHUT_SOFT_RESET] = "soft reset",
    };

    return reason < XSR_ARRAY_LEN(names) ? names[reason] : "unknown reason";
}

int xsr_domain_get_state(struct xsr_xen *xen, uint32_t domid,
                         struct xsr_domain_state *out, struct xsr_err *err)
{
    xc_domaininfo_t info;
    int n;

    memset(out, 0, sizeof(*out));
    n = xc_domain_getinfolist(xsr_xen_handle(xen), domid, 1, &info);
    if (n < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "cannot ask for domain %u",
                            domid);
    if (n == 0 || info.domain != domid)
        return 0;
    out->hvm = info.flags & XEN_DOMINF_hvm_guest;
    out->paused = info.flags & XEN_DOMINF_paused;
    out->dying = info.flags & XEN_DOMINF_dying;
    out->shutdown = info.flags & XEN_DOMINF_shutdown;
    out->shutdown_reason =
        (info.flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;
    memcpy(out->uuid, info.handle, sizeof(out->uuid));
    out->n_pages = info.tot_pages;
    out->max_pages = info.max_pages;
    out->n_online = info.nr_online_vcpus;
    out->max_vcpu = info.max_vcpu_id;
    return 1;
}

int xsr_domain_pause(struct xsr_xen *xen, uint32_t domid, struct xsr_err *err)
{
    if (xc_domain_pause(xsr_xen_handle(xen), domid) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "domain %u cannot be paused",
                            domid);
    return 0;
}

int xsr_domain_resume(struct xsr_xen *xen, uint32_t domid, bool fast,
                      struct xsr_err *err)
{
    errno = 0;
    if (xc_domain_resume(xsr_xen_handle(xen), domid, fast) != 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u cannot be resumed", domid);
    return 0;
}

int xsr_domain_suspend(struct xsr_xen *xen, uint32_t domid, struct xsr_err *err)
{
    if (xc_domain_shutdown(xsr_xen_handle(xen), domid, XSR_SHUT_SUSPEND) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u cannot be suspended", domid);
    return 0;
}

int xsr_domain_get_drivers(struct xsr_xen *xen, uint32_t domid,
                           bool *drivers_out, bool *asleep_out,
                           struct xsr_err *err)
{
    uint64_t irq = 0, sleep = 0;

    if (xc_hvm_param_get(xsr_xen_handle(xen), domid, HVM_PARAM_CALLBACK_IRQ,
                         &irq) < 0 ||
        xc_hvm_param_get(xsr_xen_handle(xen), domid, HVM_PARAM_ACPI_S_STATE,
                         &sleep) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u: cannot read its HVM parameters", domid);
    *drivers_out = irq != 0;
    *asleep_out = sleep != 0;
    return 0;
}

int xsr_domain_logdirty_off(struct xsr_xen *xen, uint32_t domid,
                            struct xsr_err *err)
{
    if (xsr_xc_logdirty_off(xsr_xen_handle(xen), domid) >= 0)
        return 0;
    /* so Xen answers where it is off already, or does not exist */
    if (errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS ||
        errno == ESRCH)
        return 0;
    return xsr_fail_sys(err, XSR_E_XEN, errno,
                        "domain %u: log-dirty mode cannot be switched off",
                        domid);
}

int xsr_domain_count_dirty(struct xsr_xen *xen, uint32_t domid, uint64_t *n_out,
                           struct xsr_err *err)
{
    xc_shadow_op_stats_t stats = {0, 0};

    if (xsr_xc_logdirty_count(xsr_xen_handle(xen), domid, &stats) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u: no count of dirty pages", domid);
    *n_out = stats.dirty_count;
    return 0;
}
