/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Event channels: a table of ports per domain. An unbound port waits for one
 * named domain; binding pairs two ports; closing one end leaves the other
 * unbound. A sent event is a pending bit at the receiving port, which whoever
 * plays that domain takes (xsr_hv_evtchn_take in hv.h).
 *
 * The caller of a hypercall is always domain 0.
 */
#include <errno.h>
#include <string.h>

#include "stubs/guest/hooks.h"
#include "stubs/hv/hv.h"
#include "stubs/hv/hvi.h"

#define PORT_GROUP 32u

static struct xsr_evtchn *get_port(struct xsr_dom *d, uint32_t port)
{
    return port > 0 && port <= d->max_evtchn ? &d->evtchn[port] : NULL;
}

static bool in_use(const struct xsr_evtchn *c)
{
    return c && c->state != EVTCHNSTAT_closed;
}

/* Port 0 is reserved in every domain. */
static int free_port(struct xsr_dom *d)
{
    uint32_t port;

    if (d->dying)
        return -EINVAL;
    for (port = 1; port <= d->max_evtchn; port++)
        if (d->evtchn[port].state == EVTCHNSTAT_closed)
            return (int)port;
    return -ENOSPC;
}

/* Everything but the state, and then the state. */
static void set_port(struct xsr_evtchn *c, uint8_t state, uint32_t dom,
                     uint32_t remote)
{
    c->remote_dom = (uint16_t)dom;
    c->remote_port = remote;
    c->pending = 0;
    c->vcpu = 0;
    __atomic_store_n(&c->state, state, __ATOMIC_RELEASE);
}

static uint32_t real_domid(uint32_t domid)
{
    return domid == DOMID_SELF ? 0 : domid;
}

static int alloc_port(uint32_t domid, uint32_t remote)
{
    struct xsr_dom *d = xsr_hv_dom_any(domid);
    int port;

    if (!d)
        return -ESRCH;
    port = free_port(d);
    if (port > 0)
        set_port(&d->evtchn[port], EVTCHNSTAT_unbound, real_domid(remote), 0);
    return port;
}

static int bind_ports(uint32_t remote, uint32_t remote_port)
{
    struct xsr_dom *ld = xsr_hv_dom(0), *rd = xsr_hv_dom_any(remote);
    struct xsr_evtchn *rc;
    int port;

    if (!rd)
        return -ESRCH;
    port = free_port(ld);
    if (port < 0)
        return port;
    rc = get_port(rd, remote_port);
    if (!rc || rc->state != EVTCHNSTAT_unbound || rc->remote_dom != 0)
        return -EINVAL;
    set_port(&ld->evtchn[port], EVTCHNSTAT_interdomain, rd->domid, remote_port);
    xsr_host_edge();
    set_port(rc, EVTCHNSTAT_interdomain, 0, (uint32_t)port);
    ld->evtchn[port].pending = 1; /* a binding always raises an event */
    return port;
}

static int bind_virq(uint32_t virq, uint32_t vcpu)
{
    struct xsr_dom *d = xsr_hv_dom(0);
    uint32_t i;
    int port;

    if (virq >= NR_VIRQS)
        return -EINVAL;
    if (vcpu >= d->max_vcpus)
        return -ENOENT;
    for (i = 1; i <= d->max_evtchn; i++)
        if (d->evtchn[i].state == EVTCHNSTAT_virq &&
            d->evtchn[i].remote_port == virq && d->evtchn[i].vcpu == vcpu)
            return -EEXIST;
    port = free_port(d);
    if (port > 0) {
        set_port(&d->evtchn[port], EVTCHNSTAT_virq, 0, virq);
        d->evtchn[port].vcpu = vcpu;
    }
    return port;
}

static int close_port(struct xsr_dom *d, uint32_t port)
{
    struct xsr_evtchn *c = get_port(d, port), *peer = NULL;
    struct xsr_dom *rd;

    if (!in_use(c))
        return -EINVAL;
    if (c->state == EVTCHNSTAT_interdomain) {
        rd = xsr_hv_dom(c->remote_dom);
        peer = rd ? get_port(rd, c->remote_port) : NULL;
    }
    set_port(c, EVTCHNSTAT_closed, 0, 0);
    xsr_host_edge();
    if (peer && peer->state == EVTCHNSTAT_interdomain &&
        peer->remote_dom == d->domid && peer->remote_port == port)
        set_port(peer, EVTCHNSTAT_unbound, d->domid, 0);
    return 0;
}

void xsr_hv_evtchn_close_all(struct xsr_dom *d)
{
    uint32_t port;

    for (port = 1; port <= d->max_evtchn; port++)
        if (in_use(&d->evtchn[port]))
            close_port(d, port);
}

/* After a crash: a bound port whose peer does not agree is unbound. */
void xsr_hv_evtchn_repair(struct xsr_dom *d)
{
    uint32_t port;

    for (port = 1; port <= d->max_evtchn; port++) {
        struct xsr_evtchn *c = &d->evtchn[port], *peer;
        struct xsr_dom *rd;

        if (c->state != EVTCHNSTAT_interdomain)
            continue;
        rd = xsr_hv_dom(c->remote_dom);
        peer = rd ? get_port(rd, c->remote_port) : NULL;
        if (!peer || peer->state != EVTCHNSTAT_interdomain ||
            peer->remote_dom != d->domid || peer->remote_port != port)
            set_port(c, EVTCHNSTAT_unbound, c->remote_dom, 0);
    }
}

/* Send from port of d. */
static int send_event(struct xsr_dom *d, uint32_t port)
{
    struct xsr_evtchn *c = get_port(d, port), *peer;
    struct xsr_dom *rd;

    if (!in_use(c))
        return -EINVAL;
    switch (c->state) {
    case EVTCHNSTAT_interdomain:
        rd = xsr_hv_dom(c->remote_dom);
        peer = rd ? get_port(rd, c->remote_port) : NULL;
        if (!peer)
            return 0;
        peer->pending = 1;
        if (rd->domid == 0)
            xsr_sim_wake_ports();
        else
            xsr_guest_event(rd, c->remote_port);
        return 0;
    case EVTCHNSTAT_ipi:
        c->pending = 1;
        return 0;
    case EVTCHNSTAT_unbound:
        return 0; /* dropped silently */
    default:
        return -EINVAL;
    }
}

static int send_from(uint32_t domid, uint32_t port)
{
    struct xsr_dom *d = xsr_hv_dom_any(domid);

    return d ? send_event(d, port) : -ESRCH;
}

void xsr_hv_evtchn_raise(struct xsr_dom *d, uint32_t port)
{
    send_event(d, port);
}

static int take_event(uint32_t domid, uint32_t port)
{
    struct xsr_dom *d = xsr_hv_dom_any(domid);
    struct xsr_evtchn *c = d ? get_port(d, port) : NULL;
    int pending;

    if (!in_use(c))
        return -EINVAL;
    pending = c->pending;
    c->pending = 0;
    return pending;
}

static long status_op(void *arg)
{
    static const struct xsr_evtchn closed = {.state = EVTCHNSTAT_closed};
    const struct xsr_evtchn *c;
    struct evtchn_status s;
    struct xsr_dom *d;

    memcpy(&s, arg, sizeof(s));
    d = xsr_hv_dom_any(s.dom);
    if (!d)
        return -ESRCH;
    /* ports live in groups of so many; behind the last group is an error */
    if (s.port >= (d->max_evtchn / PORT_GROUP + 1) * PORT_GROUP)
        return -EINVAL;
    c = s.port <= d->max_evtchn ? &d->evtchn[s.port] : &closed;
    s.status = c->state;
    s.vcpu = c->vcpu;
    if (c->state == EVTCHNSTAT_unbound) {
        s.u.unbound.dom = c->remote_dom;
    } else if (c->state == EVTCHNSTAT_interdomain) {
        s.u.interdomain.dom = c->remote_dom;
        s.u.interdomain.port = c->remote_port;
    } else if (c->state == EVTCHNSTAT_virq) {
        s.u.virq = c->remote_port;
    }
    memcpy(arg, &s, sizeof(s));
    return 0;
}

static long alloc_op(void *arg)
{
    struct evtchn_alloc_unbound a;
    int port;

    memcpy(&a, arg, sizeof(a));
    port = alloc_port(a.dom, a.remote_dom);
    if (port < 0)
        return port;
    a.port = (evtchn_port_t)port;
    memcpy(arg, &a, sizeof(a));
    return 0;
}

static long bind_op(void *arg)
{
    struct evtchn_bind_interdomain b;
    int port;

    memcpy(&b, arg, sizeof(b));
    port = bind_ports(b.remote_dom, b.remote_port);
    if (port < 0)
        return port;
    b.local_port = (evtchn_port_t)port;
    memcpy(arg, &b, sizeof(b));
    return 0;
}

static long virq_op(void *arg)
{
    struct evtchn_bind_virq v;
    int port;

    memcpy(&v, arg, sizeof(v));
    port = bind_virq(v.virq, v.vcpu);
    if (port < 0)
        return port;
    v.port = (evtchn_port_t)port;
    memcpy(arg, &v, sizeof(v));
    return 0;
}

static long reset_op(void *arg)
{
    struct evtchn_reset r;
    struct xsr_dom *d;

    memcpy(&r, arg, sizeof(r));
    d = xsr_hv_dom_any(r.dom);
    if (!d)
        return -ESRCH;
    if (d->domid != 0 && d->pause_count == 0)
        return -EINVAL;
    xsr_hv_evtchn_close_all(d);
    return 0;
}

long xsr_hv_evtchn_op(unsigned long cmd, void *arg)
{
    uint32_t port;

    if (!arg)
        return -EFAULT;
    switch (cmd) {
    case EVTCHNOP_alloc_unbound:
        return alloc_op(arg);
    case EVTCHNOP_bind_interdomain:
        return bind_op(arg);
    case EVTCHNOP_bind_virq:
        return virq_op(arg);
    case EVTCHNOP_status:
        return status_op(arg);
    case EVTCHNOP_reset:
        return reset_op(arg);
    case EVTCHNOP_close:
        memcpy(&port, arg, sizeof(port));
        return close_port(xsr_hv_dom(0), port);
    case EVTCHNOP_send:
        memcpy(&port, arg, sizeof(port));
        return send_from(0, port);
    case EVTCHNOP_unmask:
        memcpy(&port, arg, sizeof(port));
        return in_use(get_port(xsr_hv_dom(0), port)) ? 0 : -EINVAL;
    default:
        xsr_sim_log("not simulated: event_channel_op %lu", cmd);
        return -ENOSYS;
    }
}

bool xsr_hv_port_valid(uint32_t domid, uint32_t port)
{
    struct xsr_dom *d;
    bool ok;

    if (xsr_host_enter() < 0)
        return false;
    d = xsr_hv_dom(domid);
    ok = d && !d->dying && in_use(get_port(d, port));
    xsr_host_leave();
    return ok;
}

/* ---- the same for libxenevtchn and tools, hv.h --------------------------- */

int xsr_hv_evtchn_alloc(uint32_t domid, uint32_t remote)
{
    int rc = xsr_host_enter();

    if (rc < 0)
        return -EIO;
    rc = alloc_port(domid, remote);
    xsr_host_leave();
    return rc;
}

int xsr_hv_evtchn_bind(uint32_t remote, uint32_t remote_port)
{
    int rc = xsr_host_enter();

    if (rc < 0)
        return -EIO;
    rc = bind_ports(remote, remote_port);
    xsr_host_leave();
    return rc;
}

int xsr_hv_evtchn_bind_virq(uint32_t virq, uint32_t vcpu)
{
    int rc = xsr_host_enter();

    if (rc < 0)
        return -EIO;
    rc = bind_virq(virq, vcpu);
    xsr_host_leave();
    return rc;
}

int xsr_hv_evtchn_close(uint32_t port)
{
    int rc = xsr_host_enter();

    if (rc < 0)
        return -EIO;
    rc = close_port(xsr_hv_dom(0), port);
    xsr_host_leave();
    return rc;
}

int xsr_hv_evtchn_send(uint32_t domid, uint32_t port)
{
    int rc = xsr_host_enter();

    if (rc < 0)
        return -EIO;
    rc = send_from(domid, port);
    xsr_host_leave();
    xsr_hv_fire_notes();
    return rc;
}

int xsr_hv_evtchn_take(uint32_t domid, uint32_t port)
{
    int rc = xsr_host_enter();

    if (rc < 0)
        return -EIO;
    rc = take_event(domid, port);
    xsr_host_leave();
    return rc;
}
