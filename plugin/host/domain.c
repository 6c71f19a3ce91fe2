/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a domain, through libxenctrl. restore.c calls in this order: open,
 * check, create, limits, ports; (the stream;) count, unpause; destroy to undo.
 * What is done with a domain that runs is in domain_run.c. The structures of
 * libxenctrl change with every release of Xen: both are compiled for one, and
 * compat.h says how they differ.
 */
#include "plugin/host/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xen/hvm/params.h>

#include "lib/util.h"
#include "plugin/host/compat.h"
#include "plugin/host/running.h"

/* What libxl grants beyond the target: the guest's own bookkeeping pages. */
#define EXTRA_MEMKB 1024u
#define LIST_STEP   64u

struct xsr_xen {
    xentoollog_logger logger; /* first: its callbacks find us by it */
    const struct xsr_log *log;
    xc_interface *xch;
    uint32_t caps; /* XEN_SYSCTL_PHYSCAP_* of the host */
};

/* ---- the connection ----------------------------------------------------- */

static void on_library_line(xentoollog_logger *logger, xentoollog_level level,
                            int errnoval, const char *context,
                            const char *format, va_list al)
    __attribute__((format(printf, 5, 0)));

/*
 * Every failing call is reported by us in better words: debug is enough. Why
 * there is no hypervisor at all only the library knows.
 */
static void on_library_line(xentoollog_logger *logger, xentoollog_level level,
                            int errnoval, const char *context,
                            const char *format, va_list al)
{
    const struct xsr_xen *xen = (const struct xsr_xen *)(void *)logger;
    bool fatal = !xen->xch && level >= XTL_ERROR;
    enum xsr_level to = fatal ? XSR_LOG_ERROR : XSR_LOG_DEBUG;
    char text[512];

    if (level < XTL_DETAIL)
        return;
    vsnprintf(text, sizeof(text), format, al);
    if (errnoval > 0)
        xsr_log(xen->log, to, "%s: %s: %s", context ? context : "xc", text,
                strerror(errnoval));
    else
        xsr_log(xen->log, to, "%s: %s", context ? context : "xc", text);
}

static void on_logger_end(xentoollog_logger *logger)
{
    (void)logger; /* part of struct xsr_xen */
}

int xsr_xen_open(const struct xsr_log *log, struct xsr_xen **xen_out,
                 struct xsr_err *err)
{
    struct xsr_xen *xen = calloc(1, sizeof(*xen));
    xc_physinfo_t info = {0};

    *xen_out = NULL;
    if (!xen)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for the hypervisor");
    xen->logger.vmessage = on_library_line;
    xen->logger.destroy = on_logger_end;
    xen->log = log;
    xen->xch = xc_interface_open(&xen->logger, &xen->logger, 0);
    if (!xen->xch) {
        xsr_fail_sys(err, XSR_E_XEN, errno,
                     "no Xen hypervisor can be reached "
                     "here; run this as root in domain 0 of a Xen host, or "
                     "use --sim for a simulated host");
        free(xen);
        return -1;
    }
    if (xc_physinfo(xen->xch, &info) < 0) {
        xsr_fail_sys(err, XSR_E_XEN, errno,
                     "the hypervisor does not tell what "
                     "it can do; xensr was built for domctl interface %#x",
                     XEN_DOMCTL_INTERFACE_VERSION);
        xsr_xen_close(xen);
        return -1;
    }
    xen->caps = info.capabilities;
    *xen_out = xen;
    return 0;
}

struct xc_interface_core *xsr_xen_handle(struct xsr_xen *xen)
{
    return xen->xch;
}

void xsr_xen_close(struct xsr_xen *xen)
{
    if (!xen)
        return;
    xc_interface_close(xen->xch);
    free(xen);
}

/* ---- checks ------------------------------------------------------------- */

int xsr_domain_check_host(struct xsr_xen *xen, const struct xsr_config *c,
                          struct xsr_err *err)
{
    uint32_t need =
        c->type == XENSR_PV ? XEN_SYSCTL_PHYSCAP_pv : XEN_SYSCTL_PHYSCAP_hvm;

    if (!(xen->caps & need))
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "the image is of a %s guest, which this host cannot "
                        "run (%s)",
                        xsr_guest_name(c->type),
                        c->type == XENSR_PV ? "a hypervisor without PV"
                                            : "no hardware virtualisation");
    return 0;
}

int xsr_domain_find_uuid(struct xsr_xen *xen, const uint8_t uuid[16],
                         uint32_t *domid, struct xsr_err *err)
{
    xc_domaininfo_t info[LIST_STEP];
    uint32_t next = *domid;
    int n, i;

    do {
        n = xc_domain_getinfolist(xen->xch, next, LIST_STEP, info);
        if (n < 0)
            return xsr_fail_sys(err, XSR_E_XEN, errno, "cannot list domains");
        for (i = 0; i < n; i++) {
            if (memcmp(info[i].handle, uuid, sizeof(info[i].handle)) == 0) {
                *domid = info[i].domain;
                return 1;
            }
            next = info[i].domain + 1;
        }
    } while (n == (int)LIST_STEP);
    return 0;
}

/* 1 = there, with *info; 0 = not; -1 = error. */
static int find_domain(struct xsr_xen *xen, uint32_t domid,
                       xc_domaininfo_t *info, struct xsr_err *err)
{
    int n = xc_domain_getinfolist(xen->xch, domid, 1, info);

    if (n < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "cannot ask for domain %u",
                            domid);
    return n == 1 && info->domain == domid;
}

int xsr_domain_check_exists(struct xsr_xen *xen, uint32_t domid,
                            struct xsr_err *err)
{
    xc_domaininfo_t info;
    int rc = find_domain(xen, domid, &info, err);

    if (rc == 0)
        return xsr_fail(err, XSR_E_XEN, "there is no domain %u", domid);
    if (rc > 0 && domid == 0)
        return xsr_fail(err, XSR_E_XEN, "domain 0 is the host itself");
    return rc < 0 ? -1 : 0;
}

/* ---- creating ----------------------------------------------------------- */

static void fill_create(const struct xsr_xen *xen, const struct xsr_config *c,
                        struct xen_domctl_createdomain *d)
{
    memset(d, 0, sizeof(*d));
    memcpy(d->handle, c->uuid, sizeof(d->handle));
    d->max_vcpus = c->max_vcpus;
    d->max_evtchn_port = c->max_evtchn_port;
    d->max_grant_frames = (int32_t)c->max_grant_frames;
    d->max_maptrack_frames = (int32_t)c->max_maptrack_frames;
    xsr_xc_set_grants(d, xen->caps, c->max_grant_version);
    xsr_xc_set_cpu(d, c->msr_relaxed, c->type != XENSR_PV && c->nested_hvm);
    if (c->type == XENSR_PV)
        return;
    d->flags |= XEN_DOMCTL_CDF_hvm;
    if (c->hap && xen->caps & XEN_SYSCTL_PHYSCAP_hap)
        d->flags |= XEN_DOMCTL_CDF_hap;
    d->arch.emulation_flags = c->type == XENSR_PVH
                                  ? XEN_X86_EMU_LAPIC
                                  : XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI;
}

int xsr_domain_create(struct xsr_xen *xen, const struct xsr_config *c,
                      uint32_t *domid_out, struct xsr_err *err)
{
    struct xen_domctl_createdomain d;
    uint32_t domid = 0;

    fill_create(xen, c, &d);
    if (xc_domain_create(xen->xch, &domid, &d) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "Xen does not create a %s "
                            "domain with %u vCPUs",
                            xsr_guest_name(c->type), c->max_vcpus);
    *domid_out = domid;
    return 0;
}

/* A refused setting, named with its value. */
static int refused(uint32_t domid, const char *what, uint64_t value,
                   struct xsr_err *err)
{
    return xsr_fail_sys(err, XSR_E_XEN, errno,
                        "domain %u: Xen refuses %s = %llu", domid, what,
                        (unsigned long long)value);
}

/* What the device models of the hypervisor start from; the stream's values
   replace these where it has them. */
static int set_params(struct xsr_xen *xen, uint32_t domid,
                      const struct xsr_config *c, struct xsr_err *err)
{
    bool hvm = c->type == XENSR_HVM;
    const struct {
        const char *name;
        uint32_t index;
        uint64_t value;
        bool wanted;
    } params[] = {
        {"HVM parameter HPET_ENABLED", HVM_PARAM_HPET_ENABLED, c->hpet, hvm},
        {"HVM parameter VPT_ALIGN", HVM_PARAM_VPT_ALIGN, c->vpt_align, hvm},
        {"HVM parameter TIMER_MODE", HVM_PARAM_TIMER_MODE, c->timer_mode, true},
        {"HVM parameter NESTEDHVM", HVM_PARAM_NESTEDHVM, c->nested_hvm,
         XSR_NESTED_IS_PARAM},
        {"HVM parameter ALTP2M", HVM_PARAM_ALTP2M, 0, XSR_ALTP2M_IS_PARAM},
    };
    size_t i;

    for (i = 0; i < XSR_ARRAY_LEN(params); i++) {
        if (!params[i].wanted)
            continue;
        if (xc_hvm_param_set(xen->xch, domid, params[i].index,
                             params[i].value) < 0)
            return refused(domid, params[i].name, params[i].value, err);
    }
    return 0;
}

/* Memory for the hypervisor's own tables of the guest, in bytes: a page per
   MiB and 256 per vCPU, twice the former with shadow paging. */
static uint64_t paging_pool(const struct xsr_xen *xen,
                            const struct xsr_config *c)
{
    bool hap = c->hap && xen->caps & XEN_SYSCTL_PHYSCAP_hap;

    if (c->shadow_memkb)
        return c->shadow_memkb * 1024;
    return 4096ull *
           (256ull * c->max_vcpus + (hap ? 1 : 2) * (c->max_memkb / 1024));
}

int xsr_domain_set_limits(struct xsr_xen *xen, uint32_t domid,
                          const struct xsr_config *c, struct xsr_err *err)
{
    uint64_t limit = c->target_memkb + EXTRA_MEMKB, pool;

    if (xc_domain_max_vcpus(xen->xch, domid, c->max_vcpus) < 0)
        return refused(domid, "number of vCPUs", c->max_vcpus, err);
    if (xc_domain_setmaxmem(xen->xch, domid, limit) < 0)
        return refused(domid, "memory limit in kB", limit, err);
    if (c->type == XENSR_PV) {
        limit = c->max_memkb + c->slack_memkb;
        if (xc_domain_set_memmap_limit(xen->xch, domid, limit) < 0)
            return refused(domid, "memory map limit in kB", limit, err);
    } else if (set_params(xen, domid, c, err) < 0) {
        return -1;
    }
    if (xc_domain_set_tsc_info(xen->xch, domid, c->tsc_mode, 0, 0, 0) < 0)
        return refused(domid, "TSC mode", c->tsc_mode, err);
    if (c->rtc_offset &&
        xc_domain_set_time_offset(xen->xch, domid, c->rtc_offset) < 0)
        return refused(domid, "clock offset", (uint64_t)c->rtc_offset, err);
    if (c->type == XENSR_PV)
        return 0;
    pool = paging_pool(xen, c);
    if (xsr_xc_set_paging_pool(xen->xch, domid, pool) < 0)
        return refused(domid, "paging pool in bytes", pool, err);
    return 0;
}

int xsr_domain_alloc_port(struct xsr_xen *xen, uint32_t domid, uint32_t remote,
                          uint32_t *port_out, struct xsr_err *err)
{
    int port = xc_evtchn_alloc_unbound(xen->xch, domid, remote);

    if (port < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u: no event "
                            "channel towards domain %u",
                            domid, remote);
    *port_out = (uint32_t)port;
    return 0;
}

/* ---- afterwards --------------------------------------------------------- */

int xsr_domain_count_pages(struct xsr_xen *xen, uint32_t domid,
                           uint64_t *n_pages_out, struct xsr_err *err)
{
    xc_domaininfo_t info;
    int rc = find_domain(xen, domid, &info, err);

    if (rc == 0)
        return xsr_fail(err, XSR_E_XEN, "domain %u has vanished", domid);
    if (rc > 0)
        *n_pages_out = info.tot_pages;
    return rc < 0 ? -1 : 0;
}

int xsr_domain_unpause(struct xsr_xen *xen, uint32_t domid, struct xsr_err *err)
{
    if (xc_domain_unpause(xen->xch, domid) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u cannot be unpaused", domid);
    return 0;
}

int xsr_domain_destroy(struct xsr_xen *xen, uint32_t domid, struct xsr_err *err)
{
    if (xc_domain_destroy(xen->xch, domid) < 0 && errno != ESRCH)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u cannot be destroyed", domid);
    return 0;
}
