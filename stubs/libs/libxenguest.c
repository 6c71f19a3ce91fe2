/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxenguest.so.4.17 of the simulated host: our engine behind the symbols
 * that save helpers call, ours and the stock one, and what else a toolstack
 * calls around a save. Our helper lends its log, so that lines keep their
 * level and progress its numbers; under any other caller errors and progress
 * go through libxenctrl's own reporting.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xenguest.h>

#include "engine/engine.h"
#include "stubs/libs/libxenguest_enosys.h"

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

static int failed(const struct xsr_log *log, const struct xsr_err *err)
{
    if (err->offset != XSR_NO_OFFSET)
        xsr_log(log, XSR_LOG_ERROR, "image offset %" PRIu64 ": %s", err->offset,
                err->text);
    else
        xsr_log(log, XSR_LOG_ERROR, "%s", err->text);
    errno = xsr_err_errno(err);
    return -1;
}

static int choose_stream(xc_stream_type_t type, enum xsr_stream_type *out,
                         struct xsr_err *err)
{
    switch (type) {
    case XC_STREAM_PLAIN:
        *out = XSR_STREAM_IS_PLAIN;
        return 0;
    case XC_STREAM_REMUS:
        *out = XSR_STREAM_IS_REMUS;
        return 0;
    case XC_STREAM_COLO:
        *out = XSR_STREAM_IS_COLO;
        return 0;
    default:
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "stream of type %d, known are 0 (plain), 1 (Remus) "
                        "and 2 (COLO)",
                        (int)type);
    }
}

/* ---- saving -------------------------------------------------------------- */

static int save_suspend(void *ctx)
{
    struct save_callbacks *cb = ctx;

    return cb->suspend(cb->data);
}

static int save_policy(void *ctx, const struct xsr_precopy_stats *stats)
{
    struct save_callbacks *cb = ctx;
    struct precopy_stats s = {.iteration = stats->iteration,
                              .total_written = stats->total_written,
                              .dirty_count = stats->dirty_count};

    return cb->precopy_policy(s, cb->data);
}

static int save_checkpoint(void *ctx)
{
    struct save_callbacks *cb = ctx;

    return cb->checkpoint(cb->data);
}

static int save_postcopy(void *ctx)
{
    struct save_callbacks *cb = ctx;

    return cb->postcopy(cb->data);
}

static int save_wait(void *ctx)
{
    struct save_callbacks *cb = ctx;

    return cb->wait_checkpoint(cb->data);
}

static int save_logdirty(void *ctx, uint32_t domid, bool enable)
{
    struct save_callbacks *cb = ctx;

    return cb->switch_qemu_logdirty(domid, enable, cb->data);
}

/* Only those that the caller has: what is lacking is the engine's to judge. */
static struct xsr_engine_save_ops save_ops(const struct save_callbacks *cb)
{
    return (struct xsr_engine_save_ops){
        .suspend = cb->suspend ? save_suspend : NULL,
        .precopy_policy = cb->precopy_policy ? save_policy : NULL,
        .checkpoint = cb->checkpoint ? save_checkpoint : NULL,
        .postcopy = cb->postcopy ? save_postcopy : NULL,
        .wait_checkpoint = cb->wait_checkpoint ? save_wait : NULL,
        .switch_qemu_logdirty = cb->switch_qemu_logdirty ? save_logdirty : NULL,
    };
}

/*
 * A checkpointed save that a callback ends returns that callback's value, 0
 * included, as libxenguest does: the caller knows why it said so.
 */
int xc_domain_save(xc_interface *xch, int io_fd, uint32_t dom, uint32_t flags,
                   struct save_callbacks *callbacks,
                   xc_stream_type_t stream_type, int recv_fd)
{
    const struct xsr_log own = {on_line, on_progress, xch, XSR_LOG_WARN};
    const struct xsr_engine_save_ops ops = save_ops(callbacks);
    const struct xsr_log *log = callers_log();
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_engine_save s = {
        .xch = xch,
        .fd = io_fd,
        .domid = dom,
        .live = flags & XCFLAGS_LIVE,
        .verify = flags & XCFLAGS_DEBUG,
        .back_fd = recv_fd,
        .log = log ? log : &own,
        .ops = &ops,
        .ops_ctx = callbacks,
    };

    if (choose_stream(stream_type, &s.stream_type, &err) < 0)
        return failed(s.log, &err);
    if (xsr_engine_save(&s, &err) == 0)
        return 0;
    failed(s.log, &err);
    return s.refused_by ? s.refused : -1;
}

/* ---- restoring ----------------------------------------------------------- */

static int on_static_data_done(void *ctx, unsigned missing)
{
    struct restore_callbacks *cb = ctx;

    if (!cb || !cb->static_data_done)
        return 0;
    return cb->static_data_done(missing, cb->data);
}

static int restore_checkpoint(void *ctx)
{
    struct restore_callbacks *cb = ctx;

    return cb->checkpoint(cb->data);
}

static int restore_postcopy(void *ctx)
{
    struct restore_callbacks *cb = ctx;

    return cb->postcopy(cb->data);
}

static int restore_wait(void *ctx)
{
    struct restore_callbacks *cb = ctx;

    return cb->wait_checkpoint(cb->data);
}

static int restore_suspend(void *ctx)
{
    struct restore_callbacks *cb = ctx;

    return cb->suspend(cb->data);
}

static void on_results(void *ctx, uint64_t store_gfn, uint64_t console_gfn)
{
    struct restore_callbacks *cb = ctx;

    cb->restore_results(store_gfn, console_gfn, cb->data);
}

static struct xsr_engine_restore_ops restore_ops(
    const struct restore_callbacks *cb)
{
    struct xsr_engine_restore_ops ops = {.on_static_data_done =
                                             on_static_data_done};

    if (!cb)
        return ops;
    ops.checkpoint = cb->checkpoint ? restore_checkpoint : NULL;
    ops.postcopy = cb->postcopy ? restore_postcopy : NULL;
    ops.wait_checkpoint = cb->wait_checkpoint ? restore_wait : NULL;
    ops.suspend = cb->suspend ? restore_suspend : NULL;
    ops.restore_results = cb->restore_results ? on_results : NULL;
    return ops;
}

int xc_domain_restore(xc_interface *xch, int io_fd, uint32_t dom,
                      unsigned int store_evtchn, unsigned long *store_mfn,
                      uint32_t store_domid, unsigned int console_evtchn,
                      unsigned long *console_mfn, uint32_t console_domid,
                      xc_stream_type_t stream_type,
                      struct restore_callbacks *callbacks, int send_back_fd)
{
    const struct xsr_engine_restore_ops ops = restore_ops(callbacks);
    const struct xsr_log own = {on_line, on_progress, xch, XSR_LOG_WARN};
    const struct xsr_log *log = callers_log();
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_engine_restore r = {
        .xch = xch,
        .fd = io_fd,
        .domid = dom,
        .store_evtchn = store_evtchn,
        .store_domid = store_domid,
        .console_evtchn = console_evtchn,
        .console_domid = console_domid,
        .back_fd = send_back_fd,
        .log = log ? log : &own,
        .ops = &ops,
        .ops_ctx = callbacks,
    };

    if (choose_stream(stream_type, &r.stream_type, &err) < 0 ||
        xsr_engine_restore(&r, &err) < 0)
        return failed(r.log, &err);
    *store_mfn = r.store_gfn;
    *console_mfn = r.console_gfn;
    return 0;
}

/* ---- resuming ------------------------------------------------------------ */

int xc_domain_resume(xc_interface *xch, uint32_t domid, int fast)
{
    const struct xsr_log own = {on_line, NULL, xch, XSR_LOG_WARN};
    const struct xsr_log *log = callers_log();
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_engine_resume(xch, domid, fast, &err) == 0)
        return 0;
    return failed(log ? log : &own, &err);
}

/* ---- the suspend event channel ------------------------------------------- */

/*
 * One toolstack at a time may suspend a domain: the holder of this file's
 * lock. The file stays, so that no two holders can have two of them.
 */
static int lock_suspend(uint32_t domid, int *lockfd)
{
    struct xsr_err err = XSR_ERR_INIT;
    const char *dir = xsr_sim_dir(&err);
    char path[PATH_MAX];
    int fd;

    *lockfd = -1;
    if (!dir)
        return errno = ENOENT, -1;
    snprintf(path, sizeof(path), "%s/suspend-%" PRIu32 ".lock", dir, domid);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        return errno = EINVAL, -1;
    }
    *lockfd = fd;
    return 0;
}

int xc_suspend_evtchn_release(xc_interface *xch, xenevtchn_handle *xce,
                              uint32_t domid, int suspend_evtchn, int *lockfd)
{
    (void)xch, (void)domid;
    if (suspend_evtchn >= 0)
        xenevtchn_unbind(xce, (evtchn_port_t)suspend_evtchn);
    if (*lockfd >= 0)
        close(*lockfd);
    *lockfd = -1;
    return 0;
}

int xc_await_suspend(xc_interface *xch, xenevtchn_handle *xce,
                     int suspend_evtchn)
{
    int port;

    (void)xch;
    do {
        port = xenevtchn_pending(xce);
        if (port < 0)
            return -1;
    } while (port != suspend_evtchn);
    return xenevtchn_unmask(xce, (evtchn_port_t)port) < 0 ? -1 : 0;
}

int xc_suspend_evtchn_init_sane(xc_interface *xch, xenevtchn_handle *xce,
                                uint32_t domid, int port, int *lockfd)
{
    int bound, saved;

    if (lock_suspend(domid, lockfd) < 0)
        return -1;
    bound = xenevtchn_bind_interdomain(xce, domid, (evtchn_port_t)port);
    if (bound >= 0 &&
        xc_domain_subscribe_for_suspend(xch, domid, (evtchn_port_t)port) == 0)
        return bound;
    saved = errno;
    xc_suspend_evtchn_release(xch, xce, domid, bound, lockfd);
    errno = saved;
    return -1;
}

int xc_suspend_evtchn_init_exclusive(xc_interface *xch, xenevtchn_handle *xce,
                                     uint32_t domid, int port, int *lockfd)
{
    int bound = xc_suspend_evtchn_init_sane(xch, xce, domid, port, lockfd);
    int saved;

    /* A channel is pending when it was just bound: that event is eaten. */
    if (bound < 0 || xc_await_suspend(xch, xce, bound) == 0)
        return bound;
    saved = errno;
    xc_suspend_evtchn_release(xch, xce, domid, bound, lockfd);
    errno = saved;
    return -1;
}

const char *xc_domain_get_native_protocol(xc_interface *xch, uint32_t domid)
{
    unsigned width = 0;

    if (xc_domain_get_guest_width(xch, domid, &width))
        return NULL;
    return width == 4 ? "x86_32-abi" : "x86_64-abi";
}

#pragma GCC visibility pop
