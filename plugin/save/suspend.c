/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One suspend of a guest, as its toolstack has to do it.
 *
 *   prepare: which way? bind the event channel if the guest offers one
 *   start -> (by node: after_acknowledged) -> on_stop_event ... -> finish
 *   cancel: the request is taken back, or its end is awaited
 *
 * A guest that has acknowledged cannot be called back: it will stop, and who
 * asked must be there to let it run on. Called by plugin/save/answers.c when
 * the helper wants the guest suspended.
 */
#include "plugin/save/suspend.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"

#define STOPS   "@releaseDomain"
#define REQUEST "suspend"

void xsr_suspend_init(struct xsr_suspend *s)
{
    memset(s, 0, sizeof(*s));
    s->why = (struct xsr_err)XSR_ERR_INIT;
}

static void stop_waiting(struct xsr_suspend *s)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (s->loop) {
        xsr_loop_del_timer(s->loop, &s->deadline);
        xsr_loop_del_fd(s->loop, &s->watch_xs);
        xsr_loop_del_fd(s->loop, &s->watch_channel);
    }
    if (s->watches_node)
        xsr_xs_unwatch(s->xs, s->node, "node", &err);
    if (s->watches_stops)
        xsr_xs_unwatch(s->xs, STOPS, "stops", &err);
    s->watches_node = s->watches_stops = false;
}

void xsr_suspend_fini(struct xsr_suspend *s)
{
    stop_waiting(s);
    xsr_evtchn_close(s->channel);
    s->channel = NULL;
    xsr_xs_close(s->xs);
    s->xs = NULL;
    s->phase = XSR_SUSPEND_IDLE;
}

static void finish(struct xsr_suspend *s, const struct xsr_err *err)
{
    stop_waiting(s);
    s->phase = XSR_SUSPEND_IDLE;
    if (s->why.kind != XSR_E_OK)
        err = &s->why;
    s->on_done(s->ctx, err);
}

/* ---- preparing ----------------------------------------------------------- */

static int bind_channel(struct xsr_suspend *s, struct xsr_err *err)
{
    xsr_auto_free char *text = NULL;
    char path[XSR_XS_PATH], *end;
    unsigned long port;

    snprintf(path, sizeof(path),
             "/local/domain/%u/device/suspend/event-channel", s->domid);
    if (xsr_xs_read(s->xs, path, &text, err) < 0)
        return -1;
    port = text ? strtoul(text, &end, 10) : 0;
    if (!port || *end || port > UINT32_MAX)
        return 0;
    if (xsr_evtchn_bind(s->xen, s->domid, (uint32_t)port, &s->channel, err) <
        0) {
        /* the guest wrote the number: that it is wrong need not stop us */
        xsr_log(s->log, XSR_LOG_WARN,
                "%s; the guest is asked through xenstore instead", err->text);
        xsr_err_clear(err);
        return 0;
    }
    s->way = XSR_SUSPEND_BY_CHANNEL;
    return 0;
}

int xsr_suspend_prepare(struct xsr_suspend *s, struct xsr_err *err)
{
    bool drivers = true, asleep = false;

    snprintf(s->node, sizeof(s->node), "/local/domain/%u/control/shutdown",
             s->domid);
    s->way = XSR_SUSPEND_BY_NODE;
    if (xsr_xs_open(&s->xs, err) < 0)
        return -1;
    if (s->hvm &&
        xsr_domain_get_drivers(s->xen, s->domid, &drivers, &asleep, err) < 0)
        return -1;
    if (!asleep && bind_channel(s, err) < 0)
        return -1;
    if (s->way == XSR_SUSPEND_BY_NODE && !s->pvh && (!drivers || asleep))
        s->way = XSR_SUSPEND_BY_CALL;
    return 0;
}

/* ---- has it stopped? ----------------------------------------------------- */

/* 1: suspended, 0: not stopped yet, -1: it never will be. */
static int look(struct xsr_suspend *s, struct xsr_err *err)
{
    struct xsr_domain_state state;
    int rc = xsr_domain_get_state(s->xen, s->domid, &state, err);

    if (rc < 0)
        return -1;
    if (rc == 0 || state.dying)
        return xsr_fail(err, XSR_E_XEN,
                        "domain %u was destroyed instead of being suspended",
                        s->domid);
    if (!state.shutdown)
        return 0;
    if (state.shutdown_reason != XSR_SHUT_SUSPEND)
        return xsr_fail(err, XSR_E_XEN,
                        "domain %u has shut down (%s) instead of suspending",
                        s->domid, xsr_shutdown_name(state.shutdown_reason));
    return 1;
}

static void look_and_finish(struct xsr_suspend *s)
{
    struct xsr_err err = XSR_ERR_INIT;
    int rc = look(s, &err);

    if (rc != 0)
        finish(s, rc < 0 ? &err : NULL);
}

static void on_patience_over(void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_suspend *s = ctx;

    if (look(s, &err) == 0)
        xsr_fail(&err, XSR_E_TIMEOUT,
                 "domain %u %s, but did not suspend within %u ms; should it "
                 "suspend later, let it run on with \"xensr resume %u\"",
                 s->domid,
                 s->way == XSR_SUSPEND_BY_NODE
                     ? "acknowledged the request to suspend"
                     : "was asked to suspend",
                 s->patience, s->domid);
    finish(s, err.kind == XSR_E_OK ? NULL : &err);
}

static int wait_patiently(struct xsr_suspend *s, xsr_on_timer *then,
                          struct xsr_err *err)
{
    xsr_loop_del_timer(s->loop, &s->deadline);
    return xsr_loop_add_timer(s->loop, s->patience, then, s, &s->deadline, err);
}

/* ---- the xenstore node --------------------------------------------------- */

static void after_acknowledged(struct xsr_suspend *s)
{
    struct xsr_err err = XSR_ERR_INIT;

    s->phase = XSR_SUSPEND_STOPPING;
    xsr_log(s->log, XSR_LOG_DEBUG, "domain %u acknowledged the suspend",
            s->domid);
    if (wait_patiently(s, on_patience_over, &err) < 0)
        finish(s, &err);
    else
        look_and_finish(s);
}

/* Is the request still there? A node that is missing was taken by the guest. */
static int request_waits(struct xsr_xs *xs, const char *node, bool *waits_out,
                         struct xsr_err *err)
{
    xsr_auto_free char *value = NULL;

    if (xsr_xs_read(xs, node, &value, err) < 0)
        return -1;
    *waits_out = value && strcmp(value, REQUEST) == 0;
    return 0;
}

struct take_back {
    const char *node;
    bool taken;
};

static int take_back(struct xsr_xs *xs, void *ctx, struct xsr_err *err)
{
    struct take_back *t = ctx;

    if (request_waits(xs, t->node, &t->taken, err) < 0)
        return -1;
    return t->taken ? xsr_xs_write(xs, t->node, "", err) : 0;
}

/* The guest and we may be at it at once: one transaction decides. */
static void take_request_back(struct xsr_suspend *s, const struct xsr_err *why)
{
    struct take_back t = {s->node, false};
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_xs_transact(s->xs, "taking a suspend request back", take_back, &t,
                        &err) < 0)
        finish(s, &err);
    else if (t.taken)
        finish(s, why);
    else
        after_acknowledged(s);
}

static void on_no_acknowledgement(void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_suspend *s = ctx;

    xsr_fail(&err, XSR_E_TIMEOUT,
             "domain %u did not react to the request to suspend within %u ms; "
             "the request is taken back, the guest runs on",
             s->domid, s->patience);
    take_request_back(s, &err);
}

/* ---- events -------------------------------------------------------------- */

static void on_store_event(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_suspend *s = ctx;
    bool any, waits = true;

    (void)fd;
    (void)revents;
    if (xsr_xs_take_watches(s->xs, &any, &err) < 0) {
        finish(s, &err);
        return;
    }
    if (s->phase == XSR_SUSPEND_ASKED) {
        if (request_waits(s->xs, s->node, &waits, &err) < 0)
            finish(s, &err);
        else if (!waits)
            after_acknowledged(s);
        else
            look_and_finish(s); /* it may end without an answer */
        return;
    }
    look_and_finish(s);
}

static void on_channel_event(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_suspend *s = ctx;

    (void)fd;
    (void)revents;
    if (xsr_evtchn_take(s->channel, &err) < 0)
        finish(s, &err);
    else
        look_and_finish(s);
}

/* ---- asking -------------------------------------------------------------- */

static int watch_all(struct xsr_suspend *s, struct xsr_err *err)
{
    if (xsr_xs_watch(s->xs, STOPS, "stops", err) < 0)
        return -1;
    s->watches_stops = true;
    if (s->way == XSR_SUSPEND_BY_NODE) {
        if (xsr_xs_watch(s->xs, s->node, "node", err) < 0)
            return -1;
        s->watches_node = true;
    }
    if (s->channel &&
        xsr_loop_add_fd(s->loop, xsr_evtchn_fd(s->channel), POLLIN,
                        on_channel_event, s, &s->watch_channel, err) < 0)
        return -1;
    return xsr_loop_add_fd(s->loop, xsr_xs_fd(s->xs), POLLIN, on_store_event, s,
                           &s->watch_xs, err);
}

static int ask(struct xsr_suspend *s, struct xsr_err *err)
{
    switch (s->way) {
    case XSR_SUSPEND_BY_CHANNEL:
        s->phase = XSR_SUSPEND_STOPPING;
        if (wait_patiently(s, on_patience_over, err) < 0)
            return -1;
        return xsr_evtchn_notify(s->channel, err);
    case XSR_SUSPEND_BY_CALL:
        s->phase = XSR_SUSPEND_STOPPING;
        if (wait_patiently(s, on_patience_over, err) < 0)
            return -1;
        return xsr_domain_suspend(s->xen, s->domid, err);
    default:
        s->phase = XSR_SUSPEND_ASKED;
        if (wait_patiently(s, on_no_acknowledgement, err) < 0)
            return -1;
        return xsr_xs_write(s->xs, s->node, REQUEST, err);
    }
}

void xsr_suspend_start(struct xsr_suspend *s, xsr_suspend_done *on_done,
                       void *ctx)
{
    static const char *const ways[] = {
        "xenstore",
        "its event channel",
        "a hypercall",
    };
    struct xsr_err err = XSR_ERR_INIT;

    s->on_done = on_done;
    s->ctx = ctx;
    s->why = (struct xsr_err)XSR_ERR_INIT;
    xsr_log(s->log, XSR_LOG_DEBUG, "domain %u is asked to suspend through %s",
            s->domid, ways[s->way]);
    if (watch_all(s, &err) < 0 || ask(s, &err) < 0)
        finish(s, &err);
    /* everything else is an event: each watch fires once at its beginning */
}

void xsr_suspend_cancel(struct xsr_suspend *s, const struct xsr_err *why)
{
    if (!xsr_suspend_active(s) || s->why.kind != XSR_E_OK)
        return;
    s->why = *why;
    if (s->phase == XSR_SUSPEND_ASKED)
        take_request_back(s, why);
    /* otherwise it will stop, and that is awaited */
}
