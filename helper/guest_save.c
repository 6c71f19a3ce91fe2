/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The save itself: xc_domain_save() of the libxenguest that is installed, or
 * the engine's. Before the library is called, which finds out too late, it is
 * tried whether the guest's writes can be tracked; afterwards, however it
 * went, log-dirty mode is off. Callbacks become messages to the parent, but
 * for the policy, which is ours (or, for SUSE's toolstack, the parent's).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"
#include "helper/guest_in.h"
#include "helper/policy.h"
#include "helper/stop.h"
#include "lib/loop.h"

/* ---- what engines ask --------------------------------------------------- */

static int on_suspend(void *data)
{
    struct xsr_guest *g = data;
    int answer = xsr_guest_ask(g, XSR_MSG_SUSPEND);

    g->said_suspended = answer > 0;
    if (answer > 0)
        xsr_stats_suspended(g->stats);
    return answer;
}

static int on_postcopy(void *data)
{
    struct xsr_guest *g = data;

    g->said_suspended = false; /* it may run again */
    return xsr_guest_ask(g, XSR_MSG_POSTCOPY);
}

static int on_checkpoint(void *data)
{
    return xsr_guest_ask(data, XSR_MSG_CHECKPOINT);
}

static int on_wait_checkpoint(void *data)
{
    return xsr_guest_ask(data, XSR_MSG_WAIT_CHECKPOINT);
}

static int on_switch_logdirty(uint32_t domid, unsigned enable, void *data)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_SWITCH_LOGDIRTY};
    struct xsr_guest *g = data;
    int answer;

    m.u.logdirty.domid = domid;
    m.u.logdirty.enable = enable;
    answer = xsr_answer_ask(g->answer, &m);
    g->device_logs = enable && answer == 0;
    return answer;
}

/* The parent decides where it has a message for that. */
static int ask_parent(struct xsr_guest *g, const struct xsr_precopy_stats *st)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_PRECOPY_POLICY};
    int answer;

    m.u.precopy.iteration = st->iteration;
    m.u.precopy.total_written = st->total_written;
    m.u.precopy.dirty_count = st->dirty_count;
    answer = xsr_answer_ask(g->answer, &m);
    /* the library takes everything else for "stop" */
    return answer < XSR_POLICY_ABORT ? XSR_POLICY_ABORT : answer;
}

/* Asked about twice a round, so a stop is heard also between two writes. */
static int decide(struct xsr_guest *g, const struct xsr_precopy_stats *st)
{
    if (xsr_stop_wanted())
        return XSR_POLICY_ABORT;
    if (xsr_args_offer(g->args, XSR_MSG_PRECOPY_POLICY))
        return ask_parent(g, st);
    return xsr_precopy_ask(g->policy, st->iteration, st->dirty_count,
                           xsr_now_ms());
}

static int on_policy(struct precopy_stats stats, void *data)
{
    struct xsr_precopy_stats st = {stats.iteration, stats.total_written,
                                   stats.dirty_count};

    return decide(data, &st);
}

static int on_engine_policy(void *ctx, const struct xsr_precopy_stats *stats)
{
    return decide(ctx, stats);
}

static int on_engine_logdirty(void *ctx, uint32_t domid, bool enable)
{
    return on_switch_logdirty(domid, enable, ctx);
}

/* ---- can writes be tracked? --------------------------------------------- */

static int want_fallback(const struct xsr_guest *g, bool *out,
                         struct xsr_err *err)
{
    const char *s = getenv("XENSR_LIVE_FALLBACK");
    char quoted[40];

    *out = g->args->stream_type == XSR_STREAM_PLAIN;
    if (!s || !*s || strcmp(s, "yes") == 0)
        return 0;
    *out = false;
    if (strcmp(s, "no") == 0)
        return 0;
    return xsr_fail(err, XSR_E_UNSUPPORTED,
                    "XENSR_LIVE_FALLBACK is \"%s\", allowed are yes and no",
                    xsr_err_quote(s, strlen(s), quoted, sizeof(quoted)));
}

static int shadow(struct xsr_guest *g, unsigned op)
{
    return xsr_xc_logdirty_switch(g->xch, g->args->domid, op);
}

/*
 * Switch it on as the library will do it: a mode that is on already (tracking
 * of video memory) is switched off first.
 */
static int begin_logdirty(struct xsr_guest *g, struct xsr_err *err)
{
    int first, off, second = 0;

    if (shadow(g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY) == 0)
        return 0;
    first = errno;
    off = shadow(g, XEN_DOMCTL_SHADOW_OP_OFF) < 0 ? errno : 0;
    if (!off) {
        if (shadow(g, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY) == 0)
            return 0;
        second = errno;
    }
    return xsr_fail_sys(err, XSR_E_XEN, first,
                        "log-dirty mode cannot be switched on (errors %d, %d, "
                        "%d)",
                        first, off, second);
}

/* Not the host's ability, but the domain or our rights are missing. */
static bool is_other_trouble(int sys)
{
    return sys == ESRCH || sys == EPERM || sys == EACCES;
}

static int decide_live(struct xsr_guest *g, bool fallback, uint32_t *flags,
                       struct xsr_err *err)
{
    if (!(*flags & XSR_SAVE_LIVE))
        return 0;
    if (begin_logdirty(g, err) == 0) {
        if (shadow(g, XEN_DOMCTL_SHADOW_OP_OFF) == 0)
            return 0;
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "log-dirty mode was switched on to try it and "
                            "cannot be switched off");
    }
    if (is_other_trouble(err->sys))
        return -1;
    if (!fallback) {
        if (g->args->stream_type == XSR_STREAM_PLAIN)
            return xsr_err_prefix(err, "the guest cannot be saved while it "
                                       "runs, and XENSR_LIVE_FALLBACK=no "
                                       "forbids to suspend it for it");
        return xsr_err_prefix(err, "this host cannot track what the guest "
                                   "writes, which checkpoints need");
    }
    xsr_answer_log(g->answer, XSR_XTL_WARN, err->sys, XSR_ENGINE_CONTEXT,
                   "this host cannot track what the guest writes: it is saved "
                   "while it is suspended, so the pause is as long as the "
                   "whole transfer (XENSR_LIVE_FALLBACK=no would refuse)");
    *flags &= ~(uint32_t)XSR_SAVE_LIVE;
    xsr_err_clear(err);
    return 0;
}

/* ---- the engines -------------------------------------------------------- */

static void set_callbacks(struct save_callbacks *cb, struct xsr_guest *g)
{
    memset(cb, 0, sizeof(*cb));
    cb->data = g;
    cb->precopy_policy = on_policy;
    if (xsr_args_offer(g->args, XSR_MSG_SUSPEND))
        cb->suspend = on_suspend;
    if (xsr_args_offer(g->args, XSR_MSG_POSTCOPY))
        cb->postcopy = on_postcopy;
    if (xsr_args_offer(g->args, XSR_MSG_CHECKPOINT))
        cb->checkpoint = on_checkpoint;
    if (xsr_args_offer(g->args, XSR_MSG_WAIT_CHECKPOINT))
        cb->wait_checkpoint = on_wait_checkpoint;
    if (xsr_args_offer(g->args, XSR_MSG_SWITCH_LOGDIRTY))
        cb->switch_qemu_logdirty = on_switch_logdirty;
}

/*
 * A libxl says "suspended" also of a guest that has crashed or gone for a
 * reboot meanwhile, and libxenguest then names numbers.
 */
static int explain(const struct xsr_guest *g, int sys, struct xsr_err *err)
{
    int why = g->said_suspended
                  ? xsr_engine_shutdown_reason(g->xch, g->args->domid)
                  : SHUTDOWN_suspend;

    if (why == SHUTDOWN_suspend || why == -2)
        return xsr_guest_explain(g, sys, err);
    if (why < 0)
        return xsr_fail(err, XSR_E_XEN,
                        "the guest is not suspended, although the toolstack "
                        "said that it is");
    return xsr_fail(err, XSR_E_XEN, "the guest %s instead of being suspended",
                    why == SHUTDOWN_crash    ? "crashed"
                    : why == SHUTDOWN_reboot ? "rebooted"
                                             : "shut down");
}

static int run_library(struct xsr_guest *g, bool fallback, struct xsr_err *err)
{
    const struct xsr_args *args = g->args;
    uint32_t flags = args->flags;
    struct save_callbacks cb;
    int r;

    if (decide_live(g, fallback, &flags, err) < 0)
        return -1;
    set_callbacks(&cb, g);
    errno = 0;
    r = xc_domain_save(g->xch, args->stream_fd, args->domid, flags, &cb,
                       (xc_stream_type_t)args->stream_type, args->back_fd);
    return r ? explain(g, errno, err) : 0;
}

/*
 * A checkpointed stream has no orderly end: the parent ends it by answering
 * 0, and libxenguest returns that 0 as its result.
 */
static bool ended_by_parent(const struct xsr_guest *g)
{
    const struct xsr_answer *a = g->answer;

    return g->args->stream_type != XSR_STREAM_PLAIN && a->was_refused &&
           a->refused_answer == 0 &&
           (a->refused == XSR_MSG_POSTCOPY ||
            a->refused == XSR_MSG_WAIT_CHECKPOINT ||
            (a->refused == XSR_MSG_CHECKPOINT &&
             g->args->stream_type == XSR_STREAM_REMUS));
}

static int run_native(struct xsr_guest *g, bool fallback, struct xsr_err *err)
{
    static const struct xsr_engine_save_ops ops = {
        .suspend = on_suspend,
        .precopy_policy = on_engine_policy,
        .checkpoint = on_checkpoint,
        .postcopy = on_postcopy,
        .wait_checkpoint = on_wait_checkpoint,
        .switch_qemu_logdirty = on_engine_logdirty,
    };
    const struct xsr_args *args = g->args;
    struct xsr_engine_save s = {
        .xch = g->xch,
        .fd = args->stream_fd,
        .domid = args->domid,
        .live = (args->flags & XSR_SAVE_LIVE) != 0,
        .verify = (args->flags & XSR_SAVE_DEBUG) != 0,
        .stream_type = (enum xsr_stream_type)args->stream_type,
        .back_fd = args->back_fd,
        .process_ends = true,
        .live_fallback = fallback,
        .log = &g->log,
        .ops = &ops,
        .ops_ctx = g,
    };
    uint32_t flags = args->flags;
    int rc;

    /* whoever forbids the way out gets the sentence that says so */
    if (!fallback && decide_live(g, false, &flags, err) < 0)
        return -1;
    rc = xsr_engine_save(&s, err);
    if (rc < 0 && ended_by_parent(g))
        return 0;
    if (rc == 0)
        xsr_stats_pages(g->stats, s.n_pages);
    return rc;
}

/* ---- around them -------------------------------------------------------- */

/* Both engines do it themselves; a guest that stays slow is worth a check. */
static void end_logdirty(struct xsr_guest *g)
{
    if (g->device_logs)
        on_switch_logdirty(g->args->domid, 0, g);
    if (g->args->flags & XSR_SAVE_LIVE ||
        g->args->stream_type != XSR_STREAM_PLAIN)
        (void)shadow(g, XEN_DOMCTL_SHADOW_OP_OFF);
}

int xsr_guest_save(struct xsr_guest *g, struct xsr_stats *stats,
                   struct xsr_err *err)
{
    struct xsr_precopy policy;
    bool fallback;
    int rc;

    if (xsr_guest_check_engine(err) < 0 || xsr_precopy_init(&policy, err) < 0 ||
        want_fallback(g, &fallback, err) < 0)
        return -1;
    g->stats = stats;
    g->policy = &policy;
    rc = xsr_guest_is_native() ? run_native(g, fallback, err)
                               : run_library(g, fallback, err);
    if (rc == 0 && g->args->stream_type != XSR_STREAM_PLAIN) {
        stats->checkpointed = true;
        if (xsr_stop_wanted())
            rc = xsr_fail(err, XSR_E_STOPPED, "stopped on request");
    }
    if (rc < 0 && policy.why[0])
        xsr_precopy_fail(&policy, err);
    if (rc < 0)
        end_logdirty(g);
    g->stats = NULL;
    g->policy = NULL;
    return rc;
}
