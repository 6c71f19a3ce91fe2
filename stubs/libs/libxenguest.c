/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxenguest.so.4.17 of the simulated host: our engine behind the symbol
 * that save helpers call, ours and the stock one. Our helper lends its log,
 * so that lines keep their level and progress its numbers; under any other
 * caller errors and progress go through libxenctrl's own reporting.
 */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "engine/engine.h"
#include "stubs/libs/enosys.h"

#pragma GCC visibility push(default)

/* Exported by libxenctrl for its sister library, but in no header. */
void xc_report_error(xc_interface *xch, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *xc_set_progress_prefix(xc_interface *xch, const char *doing);
void xc_report_progress_step(xc_interface *xch, unsigned long done,
                             unsigned long total);

/* ---- the log ------------------------------------------------------------- */

/* libxenctrl offers one level to its sister: warnings say what they are. */
static void on_line(void *ctx, enum xsr_level level, const char *text)
{
    if (level <= XSR_LOG_WARN)
        xc_report_error(ctx, XC_INTERNAL_ERROR, "%s%s",
                        level == XSR_LOG_WARN ? "warning: " : "", text);
}

static void on_progress(void *ctx, const char *what, uint64_t done,
                        uint64_t total)
{
    if (!done)
        xc_set_progress_prefix(ctx, what);
    xc_report_progress_step(ctx, done, total);
}

/* The log of the program that runs us, if it is our helper. */
static const struct xsr_log *callers_log(void)
{
    const struct xsr_log *(*get)(void);
    void *symbol = dlsym(RTLD_DEFAULT, "xensr_helper_log");

    /* ISO C has no conversion from an object to a function pointer. */
    _Static_assert(sizeof(get) == sizeof(symbol), "POSIX");
    __builtin_memcpy(&get, &symbol, sizeof(get));
    return get ? get() : NULL;
}

/* ---- results ------------------------------------------------------------- */

/* What our own parent reads out of errno, and others can print. */
static int errno_of(const struct xsr_err *err)
{
    switch (err->kind) {
    case XSR_E_EOF:
        return ENODATA;
    case XSR_E_FORMAT:
    case XSR_E_ORDER:
    case XSR_E_LIMIT:
        return EBADMSG;
    case XSR_E_UNSUPPORTED:
        return EOPNOTSUPP;
    case XSR_E_STOPPED:
        return ECANCELED;
    case XSR_E_NOMEM:
        return ENOMEM;
    default:
        return err->sys ? err->sys : EIO;
    }
}

static int failed(const struct xsr_log *log, const struct xsr_err *err)
{
    if (err->offset != XSR_NO_OFFSET)
        xsr_log(log, XSR_LOG_ERROR, "image offset %" PRIu64 ": %s", err->offset,
                err->text);
    else
        xsr_log(log, XSR_LOG_ERROR, "%s", err->text);
    errno = errno_of(err);
    return -1;
}

static int on_static_data_done(void *ctx, unsigned missing)
{
    struct restore_callbacks *cb = ctx;

    if (!cb || !cb->static_data_done)
        return 0;
    return cb->static_data_done(missing, cb->data);
}

static int check_stream_type(xc_stream_type_t type, struct xsr_err *err)
{
    if (type == XC_STREAM_PLAIN)
        return 0;
    return xsr_fail(err, XSR_E_UNSUPPORTED,
                    "stream of type %d (1 Remus, 2 COLO); the simulated "
                    "host's libxenguest restores plain ones (0) only, run "
                    "the host's own libxenguest",
                    (int)type);
}

int xc_domain_restore(xc_interface *xch, int io_fd, uint32_t dom,
                      unsigned int store_evtchn, unsigned long *store_mfn,
                      uint32_t store_domid, unsigned int console_evtchn,
                      unsigned long *console_mfn, uint32_t console_domid,
                      xc_stream_type_t stream_type,
                      struct restore_callbacks *callbacks, int send_back_fd)
{
    static const struct xsr_engine_restore_ops ops = {.on_static_data_done =
                                                          on_static_data_done};
    const struct xsr_log *log = callers_log();
    const struct xsr_log own = {on_line, on_progress, xch, XSR_LOG_WARN};
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_engine_restore r = {
        .xch = xch,
        .fd = io_fd,
        .domid = dom,
        .store_evtchn = store_evtchn,
        .store_domid = store_domid,
        .console_evtchn = console_evtchn,
        .console_domid = console_domid,
        .log = log ? log : &own,
        .ops = &ops,
        .ops_ctx = callbacks,
    };

    (void)send_back_fd; /* COLO's */
    if (check_stream_type(stream_type, &err) || xsr_engine_restore(&r, &err))
        return failed(r.log, &err);
    *store_mfn = r.store_gfn;
    *console_mfn = r.console_gfn;
    return 0;
}

int xc_domain_save(xc_interface *xch, int io_fd, uint32_t dom, uint32_t flags,
                   struct save_callbacks *callbacks,
                   xc_stream_type_t stream_type, int recv_fd)
{
    const struct xsr_log own = {on_line, NULL, xch, XSR_LOG_WARN};
    const struct xsr_log *log = callers_log();

    (void)io_fd;
    (void)flags;
    (void)callbacks;
    (void)stream_type;
    (void)recv_fd;
    xsr_log(log ? log : &own, XSR_LOG_ERROR,
            "domain %" PRIu32 " cannot be saved: the simulated host's "
            "libxenguest only restores; run the host's own libxenguest",
            dom);
    return xsr_sim_enosys("xc_domain_save");
}

const char *xc_domain_get_native_protocol(xc_interface *xch, uint32_t domid)
{
    unsigned width = 0;

    if (xc_domain_get_guest_width(xch, domid, &width))
        return NULL;
    return width == 4 ? "x86_32-abi" : "x86_64-abi";
}

#pragma GCC visibility pop

/*
 * What libxenlight, xl and the other programs of Xen 4.17 import besides.
 * Domains are built by them, dumped, resumed or have their CPU policy made up;
 * a restore needs none of it.
 */
XSR_ENOSYS(xc_await_suspend)
XSR_ENOSYS(xc_cpu_policy_get_domain)
XSR_ENOSYS(xc_cpu_policy_get_size)
XSR_ENOSYS(xc_cpu_policy_get_system)
XSR_ENOSYS(xc_cpu_policy_serialise)
XSR_ENOSYS(xc_cpu_policy_set_domain)
XSR_ENOSYS(xc_cpu_policy_update_cpuid)
XSR_ENOSYS(xc_cpu_policy_update_msrs)
XSR_ENOSYS(xc_cpuid_apply_policy)
XSR_ENOSYS(xc_dom_boot_image)
XSR_ENOSYS(xc_dom_boot_mem_init)
XSR_ENOSYS(xc_dom_boot_xen_init)
XSR_ENOSYS(xc_dom_build_image)
XSR_ENOSYS(xc_dom_compat_check)
XSR_ENOSYS(xc_dom_devicetree_file)
XSR_ENOSYS(xc_dom_devicetree_max_size)
XSR_ENOSYS(xc_dom_devicetree_mem)
XSR_ENOSYS(xc_dom_do_gunzip)
XSR_ENOSYS(xc_dom_gnttab_init)
XSR_ENOSYS(xc_dom_gnttab_seed)
XSR_ENOSYS(xc_dom_kernel_file)
XSR_ENOSYS(xc_dom_kernel_max_size)
XSR_ENOSYS(xc_dom_kernel_mem)
XSR_ENOSYS(xc_dom_loginit)
XSR_ENOSYS(xc_dom_mem_init)
XSR_ENOSYS(xc_dom_module_file)
XSR_ENOSYS(xc_dom_module_max_size)
XSR_ENOSYS(xc_dom_module_mem)
XSR_ENOSYS(xc_dom_parse_image)
XSR_ENOSYS(xc_dom_rambase_init)
XSR_ENOSYS(xc_dom_set_arch_hooks)
XSR_ENOSYS(xc_dom_try_gunzip)
XSR_ENOSYS(xc_domain_dumpcore)
XSR_ENOSYS(xc_domain_dumpcore_via_callback)
XSR_ENOSYS(xc_domain_resume)
XSR_ENOSYS(xc_exchange_page)
XSR_ENOSYS(xc_get_cpu_featureset)
XSR_ENOSYS(xc_get_cpu_levelling_caps)
XSR_ENOSYS(xc_linux_build)
XSR_ENOSYS(xc_map_domain_meminfo)
XSR_ENOSYS(xc_mark_page_offline)
XSR_ENOSYS(xc_mark_page_online)
XSR_ENOSYS(xc_query_page_offline_status)
XSR_ENOSYS(xc_set_domain_cpu_policy)
XSR_ENOSYS(xc_suspend_evtchn_init_exclusive)
XSR_ENOSYS(xc_suspend_evtchn_init_sane)
XSR_ENOSYS(xc_suspend_evtchn_release)
XSR_ENOSYS(xc_unmap_domain_meminfo)

XSR_ENOSYS_PTR(xc_cpu_policy_init)
XSR_ENOSYS_PTR(xc_dom_allocate)
XSR_ENOSYS_PTR(xc_dom_boot_domU_map)
XSR_ENOSYS_PTR(xc_dom_guest_os)
XSR_ENOSYS_PTR(xc_dom_malloc)
XSR_ENOSYS_PTR(xc_dom_pfn_to_ptr)
XSR_ENOSYS_PTR(xc_dom_strdup)
XSR_ENOSYS_PTR(xc_dom_vaddr_to_ptr)
XSR_ENOSYS_PTR(xc_get_static_cpu_featuremask)
XSR_ENOSYS_PTR(xc_map_m2p)
XSR_ENOSYS_PTR(xc_read_image)

XSR_ENOSYS_ZERO(xc_cpu_policy_destroy)
XSR_ENOSYS_ZERO(xc_cpu_policy_is_compatible)
XSR_ENOSYS_ZERO(xc_dom_check_gzip)
XSR_ENOSYS_ZERO(xc_dom_feature_get)
XSR_ENOSYS_ZERO(xc_dom_release)
XSR_ENOSYS_ZERO(xc_dom_translated)
XSR_ENOSYS_ZERO(xc_dom_unmap_all)
XSR_ENOSYS_ZERO(xc_dom_unmap_one)
XSR_ENOSYS_ZERO(xc_elf_set_logfile)
XSR_ENOSYS_ZERO(xc_get_cpu_featureset_size)
