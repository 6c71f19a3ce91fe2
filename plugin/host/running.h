/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain that exists already, for those who save, rename or resume it: what
 * state it is in, stopping it and letting it go, being told when it stops.
 * domain_run.c and domain_evtchn.c (libxenctrl, libxenguest, libxenevtchn),
 * xen_store_watch.c (libxenstore).
 */
#ifndef XSR_PLUGIN_RUNNING_H
#define XSR_PLUGIN_RUNNING_H

#include <stdbool.h>

#include "plugin/host/host.h"

/* ---- domain_run.c -------------------------------------------------------- */

/* Reasons of a shutdown, as Xen numbers them. */
enum xsr_shutdown {
    XSR_SHUT_POWEROFF,
    XSR_SHUT_REBOOT,
    XSR_SHUT_SUSPEND,
    XSR_SHUT_CRASH,
    XSR_SHUT_WATCHDOG,
    XSR_SHUT_SOFT_RESET
};

struct xsr_domain_state {
    bool hvm;                 /* HVM or PVH */
    bool paused;              /* by a toolstack */
    bool dying;               /* being destroyed */
    bool shutdown;            /* stopped by itself ... */
    unsigned shutdown_reason; /* ... with this enum xsr_shutdown */
    uint8_t uuid[16];
    uint64_t n_pages, max_pages; /* has, may have */
    uint32_t n_online;           /* vCPUs online now */
    uint32_t max_vcpu;           /* highest vCPU number */
};

/* "poweroff", "suspend", ... */
const char *xsr_shutdown_name(unsigned reason);
/* 1 = there, 0 = there is no such domain, -1 = error */
int xsr_domain_get_state(struct xsr_xen *xen, uint32_t domid,
                         struct xsr_domain_state *out, struct xsr_err *err);
static inline bool xsr_domain_suspended(const struct xsr_domain_state *s)
{
    return s->shutdown && !s->dying && s->shutdown_reason == XSR_SHUT_SUSPEND;
}

int xsr_domain_pause(struct xsr_xen *xen, uint32_t domid, struct xsr_err *err);
/*
 * Let a suspended domain run on. fast: its suspend call returns "cancelled";
 * otherwise as after a restore. xenstore must be told too: xsr_xs_resume().
 */
int xsr_domain_resume(struct xsr_xen *xen, uint32_t domid, bool fast,
                      struct xsr_err *err);
/* Stop it as suspended without its help (HVM without drivers). */
int xsr_domain_suspend(struct xsr_xen *xen, uint32_t domid,
                       struct xsr_err *err);
/* HVM and PVH: has it drivers for Xen, and is it in ACPI sleep? */
int xsr_domain_get_drivers(struct xsr_xen *xen, uint32_t domid,
                           bool *drivers_out, bool *asleep_out,
                           struct xsr_err *err);
/* Log-dirty mode off; that it was not on is fine. */
int xsr_domain_logdirty_off(struct xsr_xen *xen, uint32_t domid,
                            struct xsr_err *err);
/* Pages that are marked dirty now; -1 also if it is not in log-dirty mode. */
int xsr_domain_count_dirty(struct xsr_xen *xen, uint32_t domid, uint64_t *n_out,
                           struct xsr_err *err);

/* ---- domain_evtchn.c ----------------------------------------------------- */

/* The suspend event channel of a guest, for its toolstack alone. */
struct xsr_evtchn;

/* port: the guest's, from its device/suspend/event-channel. */
int xsr_evtchn_bind(struct xsr_xen *xen, uint32_t domid, uint32_t port,
                    struct xsr_evtchn **out, struct xsr_err *err);
void xsr_evtchn_close(struct xsr_evtchn *e); /* NULL is fine */
int xsr_evtchn_fd(const struct xsr_evtchn *e);
int xsr_evtchn_notify(struct xsr_evtchn *e, struct xsr_err *err);
/* The fd is readable: take the event. */
int xsr_evtchn_take(struct xsr_evtchn *e, struct xsr_err *err);

/* ---- xen_store_watch.c --------------------------------------------------- */

/*
 * A watch fires once at once, and whenever the node or one below changes; the
 * special path "@releaseDomain" when a domain stops or vanishes.
 */
int xsr_xs_watch(struct xsr_xs *xs, const char *path, const char *token,
                 struct xsr_err *err);
int xsr_xs_unwatch(struct xsr_xs *xs, const char *path, const char *token,
                   struct xsr_err *err);
/* Readable when watches have fired. */
int xsr_xs_fd(struct xsr_xs *xs);
/* Forget all that has fired; *any_out whether there was something. */
int xsr_xs_take_watches(struct xsr_xs *xs, bool *any_out, struct xsr_err *err);
/* Tell the store that the domain runs on after a shutdown. */
int xsr_xs_resume(struct xsr_xs *xs, uint32_t domid, struct xsr_err *err);

/* ---- inside plugin/host -------------------------------------------------- */

struct xc_interface_core;
struct xs_handle;
struct xc_interface_core *xsr_xen_handle(struct xsr_xen *xen);
struct xs_handle *xsr_xs_handle(struct xsr_xs *xs);

#endif
