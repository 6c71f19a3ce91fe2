/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls xc_domain_restore() of the libxenguest that is installed, or the
 * engine linked in here when XENSR_ENGINE=native. Callbacks and log lines of
 * either go to helper/answer; what went wrong comes back as one error value.
 * The simulated host's libxenguest looks for xensr_helper_log() in this
 * program to send its lines and progress the same way.
 */
#include "helper/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xenguest.h>
#include <xentoollog.h>

#include "engine/engine.h"
#include "helper/stop.h"
#include "lib/log.h"

#define OUR_CONTEXT "xensr"

struct xsr_guest {
    xentoollog_logger logger; /* first: Xen hands us a pointer to it */
    struct xsr_log log;
    struct xsr_answer *answer;
    const struct xsr_args *args;
    xc_interface *xch;
    char cause[192]; /* first error line of the library */
    bool cause_sent;
};

/* For xensr_helper_log(), which has no argument. */
static struct xsr_guest *current;

__attribute__((visibility("default"))) const struct xsr_log *xensr_helper_log(
    void);

const struct xsr_log *xensr_helper_log(void)
{
    return current ? &current->log : NULL;
}

/* ---- what libraries say ------------------------------------------------- */

static void keep_cause(struct xsr_guest *g, const char *text, bool sent)
{
    if (g->cause[0] || !text[0])
        return;
    snprintf(g->cause, sizeof(g->cause), "%.*s", (int)sizeof(g->cause) - 1,
             text);
    g->cause_sent = sent;
}

static void on_vmessage(xentoollog_logger *logger, xentoollog_level level,
                        int errnoval, const char *context, const char *format,
                        va_list al) __attribute__((format(printf, 5, 0)));

static void on_vmessage(xentoollog_logger *logger, xentoollog_level level,
                        int errnoval, const char *context, const char *format,
                        va_list al)
{
    struct xsr_guest *g = (struct xsr_guest *)logger;
    char text[XSR_IPC_LOG_TEXT_MAX + 1];
    int saved = errno;

    vsnprintf(text, sizeof(text), format, al);
    if (level >= XTL_ERROR && !g->answer->muted)
        keep_cause(g, text, true);
    xsr_answer_log(g->answer, (int)level, errnoval, context, text);
    errno = saved;
}

static void on_xtl_progress(xentoollog_logger *logger, const char *context,
                            const char *doing_what, int percent,
                            unsigned long done, unsigned long total)
{
    struct xsr_guest *g = (struct xsr_guest *)logger;

    (void)percent;
    xsr_answer_progress(g->answer, context, doing_what, done, total);
}

static void on_destroy(xentoollog_logger *logger)
{
    (void)logger; /* part of struct xsr_guest */
}

/*
 * Lines of our engine. Its first error is not sent at once: it becomes the
 * sentence with which the helper reports the failure, and would come twice.
 */
static void on_line(void *ctx, enum xsr_level level, const char *text)
{
    static const int xtl[] = {
        [XSR_LOG_ERROR] = XSR_XTL_ERROR,
        [XSR_LOG_WARN] = XSR_XTL_WARN,
        [XSR_LOG_INFO] = XSR_XTL_INFO,
        [XSR_LOG_DEBUG] = XSR_XTL_DEBUG,
    };
    struct xsr_guest *g = ctx;

    if (level == XSR_LOG_ERROR && !g->cause[0]) {
        keep_cause(g, text, false);
        return;
    }
    xsr_answer_log(g->answer, xtl[level], -1, OUR_CONTEXT, text);
}

static void on_progress(void *ctx, const char *what, uint64_t done,
                        uint64_t total)
{
    struct xsr_guest *g = ctx;

    xsr_answer_progress(g->answer, OUR_CONTEXT, what, done, total);
}

/* ---- what libraries ask ------------------------------------------------- */

static int ask(struct xsr_guest *g, enum xsr_msg msg)
{
    struct xsr_ipc_msg m = {.msg = msg};

    return xsr_answer_ask(g->answer, &m);
}

static int on_static_data_done(unsigned int missing, void *data)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_STATIC_DATA_DONE};
    struct xsr_guest *g = data;

    m.u.static_data.missing = missing;
    return xsr_answer_ask(g->answer, &m);
}

static int on_suspend(void *data)
{
    return ask(data, XSR_MSG_SUSPEND);
}

static int on_postcopy(void *data)
{
    return ask(data, XSR_MSG_POSTCOPY);
}

static int on_checkpoint(void *data)
{
    return ask(data, XSR_MSG_CHECKPOINT);
}

static int on_wait_checkpoint(void *data)
{
    return ask(data, XSR_MSG_WAIT_CHECKPOINT);
}

static void on_restore_results(xen_pfn_t store_gfn, xen_pfn_t console_gfn,
                               void *data)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_RESTORE_RESULTS};
    struct xsr_guest *g = data;

    m.u.results.store_gfn = store_gfn;
    m.u.results.console_gfn = console_gfn;
    xsr_answer_tell(g->answer, &m);
}

/* ---- the engines -------------------------------------------------------- */

static bool wanted(const struct xsr_args *args, enum xsr_msg msg)
{
    return (args->cbflags & xsr_msg_bit(args->gen, msg)) != 0;
}

/* A callback that the parent did not offer stays NULL. */
static void set_callbacks(struct restore_callbacks *cb, struct xsr_guest *g)
{
    memset(cb, 0, sizeof(*cb));
    cb->data = g;
    if (wanted(g->args, XSR_MSG_STATIC_DATA_DONE))
        cb->static_data_done = on_static_data_done;
    if (wanted(g->args, XSR_MSG_SUSPEND))
        cb->suspend = on_suspend;
    if (wanted(g->args, XSR_MSG_POSTCOPY))
        cb->postcopy = on_postcopy;
    if (wanted(g->args, XSR_MSG_CHECKPOINT))
        cb->checkpoint = on_checkpoint;
    if (wanted(g->args, XSR_MSG_WAIT_CHECKPOINT))
        cb->wait_checkpoint = on_wait_checkpoint;
    if (wanted(g->args, XSR_MSG_RESTORE_RESULTS))
        cb->restore_results = on_restore_results;
}

/*
 * libxenguest leaves errno and log lines. errno 0 is its way to say that the
 * stream ended; but it is also 0 when a callback was refused.
 */
static int explain_library(const struct xsr_guest *g, int sys,
                           struct xsr_err *err)
{
    if (sys == 0)
        return xsr_fail(err, XSR_E_EOF, "the stream ended too early%s%s",
                        g->cause[0] ? ": " : "", g->cause);
    if (!g->cause[0])
        return xsr_fail_sys(err, XSR_E_XEN, sys, "libxenguest failed");
    xsr_fail(err, XSR_E_XEN, "%s", g->cause);
    err->sys = sys;
    return -1;
}

static int run_library(struct xsr_guest *g, uint64_t *store_out,
                       uint64_t *console_out, struct xsr_err *err)
{
    const struct xsr_args *args = g->args;
    unsigned long store = 0, console = 0;
    struct restore_callbacks cb;
    int r, sys;

    set_callbacks(&cb, g);
    errno = 0;
    r = xc_domain_restore(
        g->xch, args->stream_fd, args->domid, args->store_evtchn, &store,
        args->store_domid, args->console_evtchn, &console, args->console_domid,
        (xc_stream_type_t)args->stream_type, &cb, args->back_fd);
    sys = errno;
    if (r)
        return explain_library(g, sys, err);
    *store_out = store;
    *console_out = console;
    return 0;
}

static int on_engine_static_data_done(void *ctx, unsigned missing)
{
    struct xsr_guest *g = ctx;

    if (!wanted(g->args, XSR_MSG_STATIC_DATA_DONE))
        return 0;
    return on_static_data_done(missing, g);
}

static int run_native(struct xsr_guest *g, uint64_t *store_out,
                      uint64_t *console_out, struct xsr_err *err)
{
    static const struct xsr_engine_restore_ops ops = {
        .on_static_data_done = on_engine_static_data_done,
    };
    const struct xsr_args *args = g->args;
    struct xsr_engine_restore r = {
        .xch = g->xch,
        .fd = args->stream_fd,
        .domid = args->domid,
        .store_evtchn = args->store_evtchn,
        .store_domid = args->store_domid,
        .console_evtchn = args->console_evtchn,
        .console_domid = args->console_domid,
        .log = &g->log,
        .ops = &ops,
        .ops_ctx = g,
    };

    if (args->stream_type != XSR_STREAM_PLAIN)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "XENSR_ENGINE=native restores plain streams only, "
                        "this is a %s stream; unset XENSR_ENGINE",
                        args->stream_type == XSR_STREAM_REMUS ? "Remus"
                                                              : "COLO");
    if (xsr_engine_restore(&r, err) < 0)
        return -1;
    *store_out = r.store_gfn;
    *console_out = r.console_gfn;
    return 0;
}

static int pick_engine(bool *native_out, struct xsr_err *err)
{
    const char *name = getenv("XENSR_ENGINE");
    char quoted[40];

    *native_out = name && strcmp(name, "native") == 0;
    if (*native_out || !name || !*name || strcmp(name, "libxenguest") == 0)
        return 0;
    return xsr_fail(err, XSR_E_UNSUPPORTED,
                    "XENSR_ENGINE is \"%s\", allowed are native and "
                    "libxenguest",
                    xsr_err_quote(name, strlen(name), quoted, sizeof(quoted)));
}

int xsr_guest_restore(struct xsr_guest *g, uint64_t *store_gfn_out,
                      uint64_t *console_gfn_out, struct xsr_err *err)
{
    bool native;
    int rc;

    *store_gfn_out = *console_gfn_out = 0;
    if (pick_engine(&native, err) < 0)
        return -1;
    rc = native ? run_native(g, store_gfn_out, console_gfn_out, err)
                : run_library(g, store_gfn_out, console_gfn_out, err);
    /* an error it got over: nobody else is going to say it */
    if (rc == 0 && g->cause[0] && !g->cause_sent)
        xsr_answer_log(g->answer, XSR_XTL_ERROR, -1, OUR_CONTEXT, g->cause);
    return rc;
}

/*
 * A line for each record is a thousand messages for a small guest, and most
 * parents drop them; so they are sent to those who ask.
 */
static bool wants_records(void)
{
    const char *s = getenv("XENSR_HELPER_LOG");

    return s && strcmp(s, "debug") == 0;
}

int xsr_guest_open(struct xsr_guest **g_out, const struct xsr_args *args,
                   struct xsr_answer *a, struct xsr_err *err)
{
    struct xsr_guest *g = calloc(1, sizeof(*g));

    *g_out = g;
    if (!g)
        return xsr_fail(err, XSR_E_NOMEM, "no memory");
    g->logger.vmessage = on_vmessage;
    g->logger.progress = on_xtl_progress;
    g->logger.destroy = on_destroy;
    g->log.on_line = on_line;
    g->log.on_progress = on_progress;
    g->log.ctx = g;
    g->log.max_level = wants_records() ? XSR_LOG_DEBUG : XSR_LOG_INFO;
    g->args = args;
    g->answer = a;
    current = g;
    g->xch = xc_interface_open(&g->logger, &g->logger, 0);
    if (!g->xch)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "the hypervisor interface cannot be opened (is "
                            "this a Xen host, and are you root?)");
    return 0;
}

void xsr_guest_close(struct xsr_guest *g)
{
    bool muted;

    if (!g)
        return;
    /* libraries print statistics when closed, which nobody asked for */
    muted = g->answer->muted;
    g->answer->muted = true;
    if (g->xch)
        xc_interface_close(g->xch);
    g->answer->muted = muted;
    if (current == g)
        current = NULL;
    free(g);
}
