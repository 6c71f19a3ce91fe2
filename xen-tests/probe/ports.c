/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions about event channels: which ports a domain gets, how many, what
 * they say of themselves before and after binding and closing, and resetting.
 */
#include "probe.h"

static void status(const char *what, uint32_t domid, uint32_t port)
{
    struct evtchn_status s = {.dom = (domid_t)domid, .port = port};
    long rc = evtchn_op(EVTCHNOP_status, &s, sizeof(s));

    if (rc < 0)
        gave(what, rc);
    else if (s.status == EVTCHNSTAT_unbound)
        said(what, "unbound, for %u, vCPU %u", s.u.unbound.dom, s.vcpu);
    else
        said(what, "status %u, vCPU %u", s.status, s.vcpu);
}

static long alloc(uint32_t domid, uint32_t remote)
{
    return xc_evtchn_alloc_unbound(xch, domid, remote);
}

static void ask_table(enum kind kind)
{
    struct xen_domctl_createdomain c = config_of(kind);
    struct evtchn_reset reset;
    uint32_t domid, port;
    long rc, n;

    c.max_evtchn_port = 40;
    domid = (uint32_t)create(&c);
    gave("a port without vCPUs", alloc(domid, 0));
    xc_domain_max_vcpus(xch, domid, 2);
    status("port 0", domid, 0);
    status("port 1", domid, 1);
    gave("a port", alloc(domid, 0));
    gave("a port for nobody", alloc(domid, NOBODY));
    gave("a port for itself", alloc(domid, domid));
    gave("a port for oneself", alloc(domid, DOMID_SELF));
    status("a port that was given", domid, 1);
    status("one that was not", domid, 30);
    status("the last one allowed", domid, 40);
    status("one behind that", domid, 41);
    status("port 2000", domid, 2000);
    status("port 70000", domid, 70000);
    status("port 200000", domid, 200000);
    for (n = 0; (rc = alloc(domid, 0)) > 0 && n < 5000; n++)
        ;
    said("ports until refused", "%ld more, then %s", n, errno_name(errno));
    reset.dom = (domid_t)domid;
    gave("reset", evtchn_op(EVTCHNOP_reset, &reset, sizeof(reset)));
    status("port 1 then", domid, 1);
    gave("a port then", alloc(domid, 0));
    xc_domain_unpause(xch, domid);
    gave("reset of one that runs",
         evtchn_op(EVTCHNOP_reset, &reset, sizeof(reset)));
    reset.dom = NOBODY;
    gave("reset of nobody", evtchn_op(EVTCHNOP_reset, &reset, sizeof(reset)));
    port = 0;
    gave("close port 0", evtchn_op(EVTCHNOP_close, &port, sizeof(port)));
    port = 4000;
    gave("send to a port not in use",
         evtchn_op(EVTCHNOP_send, &port, sizeof(port)));
    destroy(domid);
}

static void ask_binding(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64);
    struct evtchn_bind_interdomain bind = {.remote_dom = (domid_t)domid};
    uint32_t mine;

    bind.remote_port = (uint32_t)alloc(domid, 0);
    gave("bind", evtchn_op(EVTCHNOP_bind_interdomain, &bind, sizeof(bind)));
    mine = bind.local_port;
    status("the port, bound", domid, bind.remote_port);
    gave("bind again",
         evtchn_op(EVTCHNOP_bind_interdomain, &bind, sizeof(bind)));
    gave("send", evtchn_op(EVTCHNOP_send, &mine, sizeof(mine)));
    gave("close", evtchn_op(EVTCHNOP_close, &mine, sizeof(mine)));
    status("the port, its peer closed", domid, bind.remote_port);
    gave("close again", evtchn_op(EVTCHNOP_close, &mine, sizeof(mine)));
    bind.remote_port = (uint32_t)alloc(domid, domid);
    gave("bind one for another",
         evtchn_op(EVTCHNOP_bind_interdomain, &bind, sizeof(bind)));
    bind.remote_port = 30;
    gave("bind one that is not there",
         evtchn_op(EVTCHNOP_bind_interdomain, &bind, sizeof(bind)));
    bind.remote_port = 0;
    gave("bind port 0",
         evtchn_op(EVTCHNOP_bind_interdomain, &bind, sizeof(bind)));
    bind.remote_dom = NOBODY;
    gave("bind with nobody",
         evtchn_op(EVTCHNOP_bind_interdomain, &bind, sizeof(bind)));
    destroy(domid);
}

void ask_ports(void)
{
    int kind;

    for (kind = 0; kind < N_KINDS; kind++) {
        about("ports", kind);
        ask_table((enum kind)kind);
        ask_binding((enum kind)kind);
    }
}
