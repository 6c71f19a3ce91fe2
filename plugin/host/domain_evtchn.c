/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event channel that a guest offers for suspending: bound when a save
 * starts, notified when the guest has to suspend, and Xen notifies us through
 * it when the guest has stopped. Only one toolstack can bind it, which also
 * keeps two saves of one guest apart. Called by plugin/save/suspend.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <xenctrl.h>
#include <xenevtchn.h>

#include "plugin/host/running.h"

struct xsr_evtchn {
    xenevtchn_handle *xce;
    uint32_t domid;
    xenevtchn_port_or_error_t port; /* ours; -1: not bound */
};

static int bind_port(struct xsr_evtchn *e, struct xsr_xen *xen, uint32_t port,
                     struct xsr_err *err)
{
    e->xce = xenevtchn_open(NULL, 0);
    if (!e->xce)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "event channels cannot be opened");
    e->port = xenevtchn_bind_interdomain(e->xce, e->domid, port);
    if (e->port < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u: its suspend event channel (port %u) "
                            "cannot be bound; is it being saved already?",
                            e->domid, port);
    if (xc_domain_subscribe_for_suspend(xsr_xen_handle(xen), e->domid, port) <
        0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u: Xen does not report its suspend",
                            e->domid);
    return 0;
}

int xsr_evtchn_bind(struct xsr_xen *xen, uint32_t domid, uint32_t port,
                    struct xsr_evtchn **out, struct xsr_err *err)
{
    struct xsr_evtchn *e = calloc(1, sizeof(*e));

    *out = NULL;
    if (!e)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for an event channel");
    e->domid = domid;
    e->port = -1;
    if (bind_port(e, xen, port, err) < 0) {
        xsr_evtchn_close(e);
        return -1;
    }
    *out = e;
    return 0;
}

void xsr_evtchn_close(struct xsr_evtchn *e)
{
    if (!e)
        return;
    if (e->port >= 0)
        xenevtchn_unbind(e->xce, (evtchn_port_t)e->port);
    if (e->xce)
        xenevtchn_close(e->xce);
    free(e);
}

int xsr_evtchn_fd(const struct xsr_evtchn *e)
{
    return xenevtchn_fd(e->xce);
}

int xsr_evtchn_notify(struct xsr_evtchn *e, struct xsr_err *err)
{
    if (xenevtchn_notify(e->xce, (evtchn_port_t)e->port) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u: its suspend event channel does not "
                            "take a notification",
                            e->domid);
    return 0;
}

int xsr_evtchn_take(struct xsr_evtchn *e, struct xsr_err *err)
{
    xenevtchn_port_or_error_t port = xenevtchn_pending(e->xce);

    if (port < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u: no event from its channel", e->domid);
    if (xenevtchn_unmask(e->xce, (evtchn_port_t)port) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "domain %u: its event channel stays masked",
                            e->domid);
    return 0;
}
