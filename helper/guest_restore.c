/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The restore itself: xc_domain_restore() of the libxenguest that is
 * installed, or the engine's. What either asks becomes a message to the
 * parent; a callback that the parent did not offer stays NULL.
 */
#include <errno.h>
#include <string.h>

#include "engine/compat.h"
#include "helper/guest_in.h"
#include "helper/stop.h"

/* ---- what libraries ask ------------------------------------------------- */

static int on_static_data_done(unsigned int missing, void *data)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_STATIC_DATA_DONE};
    struct xsr_guest *g = data;

    m.u.static_data.missing = missing;
    return xsr_answer_ask(g->answer, &m);
}

static int on_suspend(void *data)
{
    return xsr_guest_ask(data, XSR_MSG_SUSPEND);
}

static int on_postcopy(void *data)
{
    return xsr_guest_ask(data, XSR_MSG_POSTCOPY);
}

static int on_checkpoint(void *data)
{
    return xsr_guest_ask(data, XSR_MSG_CHECKPOINT);
}

static int on_wait_checkpoint(void *data)
{
    return xsr_guest_ask(data, XSR_MSG_WAIT_CHECKPOINT);
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

/* A callback that the parent did not offer stays NULL. */
static void set_callbacks(struct restore_callbacks *cb, struct xsr_guest *g)
{
    memset(cb, 0, sizeof(*cb));
    cb->data = g;
    if (xsr_args_offer(g->args, XSR_MSG_STATIC_DATA_DONE))
        cb->static_data_done = on_static_data_done;
    if (xsr_args_offer(g->args, XSR_MSG_SUSPEND))
        cb->suspend = on_suspend;
    if (xsr_args_offer(g->args, XSR_MSG_POSTCOPY))
        cb->postcopy = on_postcopy;
    if (xsr_args_offer(g->args, XSR_MSG_CHECKPOINT))
        cb->checkpoint = on_checkpoint;
    if (xsr_args_offer(g->args, XSR_MSG_WAIT_CHECKPOINT))
        cb->wait_checkpoint = on_wait_checkpoint;
    if (xsr_args_offer(g->args, XSR_MSG_RESTORE_RESULTS))
        cb->restore_results = on_restore_results;
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
    r = xsr_xc_domain_restore(
        g->xch, args->stream_fd, args->domid, args->store_evtchn, &store,
        args->store_domid, args->console_evtchn, &console, args->console_domid,
        (xc_stream_type_t)args->stream_type, &cb, args->back_fd);
    sys = errno;
    if (r)
        return xsr_guest_explain(g, sys, err);
    *store_out = store;
    *console_out = console;
    return 0;
}

/* ---- our own engine ----------------------------------------------------- */

static int on_engine_static_data_done(void *ctx, unsigned missing)
{
    struct xsr_guest *g = ctx;

    if (!xsr_args_offer(g->args, XSR_MSG_STATIC_DATA_DONE))
        return 0;
    return on_static_data_done(missing, g);
}

static void on_engine_results(void *ctx, uint64_t store_gfn,
                              uint64_t console_gfn)
{
    on_restore_results(store_gfn, console_gfn, ctx);
}

static int run_native(struct xsr_guest *g, uint64_t *store_out,
                      uint64_t *console_out, struct xsr_err *err)
{
    static const struct xsr_engine_restore_ops ops = {
        .on_static_data_done = on_engine_static_data_done,
        .checkpoint = on_checkpoint,
        .postcopy = on_postcopy,
        .wait_checkpoint = on_wait_checkpoint,
        .suspend = on_suspend,
        .restore_results = on_engine_results,
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
        .stream_type = (enum xsr_stream_type)args->stream_type,
        .back_fd = args->back_fd,
        .process_ends = true,
        .log = &g->log,
        .ops = &ops,
        .ops_ctx = g,
    };

    if (xsr_engine_restore(&r, err) < 0)
        return -1;
    *store_out = r.store_gfn;
    *console_out = r.console_gfn;
    return 0;
}

/*
 * For a library, the stream that a stop takes away is a primary that is lost,
 * and the backup takes over. But that one still runs: there would be two.
 */
static int refuse_take_over(const struct xsr_guest *g, struct xsr_err *err)
{
    if (g->args->stream_type == XSR_STREAM_PLAIN || !xsr_stop_wanted())
        return 0;
    return xsr_fail(err, XSR_E_STOPPED, "stopped on request");
}

int xsr_guest_restore(struct xsr_guest *g, uint64_t *store_gfn_out,
                      uint64_t *console_gfn_out, struct xsr_err *err)
{
    int rc;

    *store_gfn_out = *console_gfn_out = 0;
    if (xsr_guest_check_engine(err) < 0)
        return -1;
    rc = xsr_guest_is_native()
             ? run_native(g, store_gfn_out, console_gfn_out, err)
             : run_library(g, store_gfn_out, console_gfn_out, err);
    if (rc == 0)
        rc = refuse_take_over(g, err);
    /* an error it got over: nobody else is going to say it */
    if (rc == 0 && g->cause[0] && !g->cause_sent)
        xsr_answer_log(g->answer, XSR_XTL_ERROR, -1, XSR_ENGINE_CONTEXT,
                       g->cause);
    return rc;
}
