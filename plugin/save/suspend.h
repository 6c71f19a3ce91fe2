/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a guest suspend: by its event channel, by the xenstore node, or by a
 * hypercall without its help; and taking that back while it has not reacted.
 * docs/walk-save.md
 */
#ifndef XSR_PLUGIN_SUSPEND_H
#define XSR_PLUGIN_SUSPEND_H

#include <stdbool.h>

#include "lib/log.h"
#include "lib/loop.h"
#include "plugin/host/running.h"

/* err NULL: the guest is suspended. */
typedef void xsr_suspend_done(void *ctx, const struct xsr_err *err);

enum xsr_suspend_way {
    XSR_SUSPEND_BY_NODE,    /* control/shutdown, which the guest clears */
    XSR_SUSPEND_BY_CHANNEL, /* the guest's suspend event channel */
    XSR_SUSPEND_BY_CALL     /* the guest is not asked */
};

enum xsr_suspend_phase {
    XSR_SUSPEND_IDLE,
    XSR_SUSPEND_ASKED,   /* it has not acknowledged yet */
    XSR_SUSPEND_STOPPING /* it will stop, as far as one can know */
};

struct xsr_suspend {
    /* filled by the caller */
    struct xsr_loop *loop;
    const struct xsr_log *log;
    struct xsr_xen *xen;
    uint32_t domid;
    bool hvm;          /* or PVH */
    bool pvh;          /* which has no devices but Xen's: it must be asked */
    unsigned patience; /* ms, for each of its two reactions */
    /* known after xsr_suspend_prepare() */
    enum xsr_suspend_way way;
    /* private */
    enum xsr_suspend_phase phase;
    struct xsr_xs *xs; /* for watches */
    char node[XSR_XS_PATH];
    bool watches_node, watches_stops;
    struct xsr_evtchn *channel;
    struct xsr_loop_fd *watch_xs, *watch_channel;
    struct xsr_loop_timer *deadline;
    struct xsr_err why; /* it was cancelled */
    xsr_suspend_done *on_done;
    void *ctx;
};

void xsr_suspend_init(struct xsr_suspend *s);
/* Find out how; bind the event channel. The guest notices nothing. */
int xsr_suspend_prepare(struct xsr_suspend *s, struct xsr_err *err);
/* Ask. on_done follows once, perhaps before this returns. */
void xsr_suspend_start(struct xsr_suspend *s, xsr_suspend_done *on_done,
                       void *ctx);
static inline bool xsr_suspend_active(const struct xsr_suspend *s)
{
    return s->phase != XSR_SUSPEND_IDLE;
}
/*
 * Take it back, if that is still possible; otherwise wait until the guest has
 * stopped. on_done follows with *why, perhaps before this returns.
 */
void xsr_suspend_cancel(struct xsr_suspend *s, const struct xsr_err *why);
/* Close everything; idempotent. */
void xsr_suspend_fini(struct xsr_suspend *s);

#endif
