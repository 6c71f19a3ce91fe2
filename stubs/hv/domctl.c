/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domctl: the control calls of the toolstack. This file has the interface
 * check, the choice of the domain, and the calls about the life of a domain;
 * vCPUs, memory and the rest are in domctl_vcpu.c, domctl_mem.c and
 * domctl_other.c, each of which answers -ENOSYS for what is not its own.
 */
#include <errno.h>
#include <string.h>

#include "stubs/guest/hooks.h"
#include "stubs/hv/hvi.h"

static long pause_domain(struct xsr_dom *d)
{
    if (d->domid == 0)
        return -EINVAL;
    if (d->pause_count == 255)
        return -EOVERFLOW;
    d->pause_count++;
    return 0;
}

/* Creation is finished when the count falls to zero for the first time. */
static long unpause_domain(struct xsr_dom *d)
{
    if (d->pause_count == 0)
        return -EINVAL;
    if (--d->pause_count == 0) {
        d->created = 1;
        xsr_guest_started(d);
    }
    return 0;
}

static long set_max_vcpus(struct xsr_dom *d, uint32_t max)
{
    uint32_t i;

    if (d->domid == 0 || max != d->max_vcpus)
        return -EINVAL;
    for (i = 0; i < max; i++) {
        struct xsr_vcpu *v = &d->vcpu[i];

        if (v->exists)
            continue;
        memset(v->hard, 0xff, sizeof(v->hard));
        memset(v->soft, 0xff, sizeof(v->soft));
        v->exists = 1;
    }
    d->n_vcpus = max;
    return 0;
}

static long getdomaininfo(struct xen_domctl *op)
{
    struct xsr_dom *d;

    if (op->domain >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    d = xsr_hv_dom_from(op->domain);
    if (!d)
        return -ESRCH;
    xsr_hv_getinfo(d, &op->u.getdomaininfo);
    op->domain = op->u.getdomaininfo.domain;
    return 0;
}

static long set_target(struct xsr_dom *d, uint32_t target)
{
    struct xsr_dom *e = xsr_hv_dom(target);

    if (!e)
        return -ESRCH;
    if (d == e || d->target_set)
        return -EINVAL;
    if (!e->hvm)
        return -EOPNOTSUPP;
    d->target = target;
    d->target_set = 1;
    return 0;
}

static long life(struct xsr_dom *d, struct xen_domctl *op)
{
    switch (op->cmd) {
    case XEN_DOMCTL_destroydomain:
        return xsr_hv_kill(d);
    case XEN_DOMCTL_pausedomain:
        return pause_domain(d);
    case XEN_DOMCTL_unpausedomain:
        return unpause_domain(d);
    case XEN_DOMCTL_resumedomain:
        if (d->domid == 0)
            return -EINVAL;
        if (xsr_hv_fault(d, XSR_FAULT_RESUME))
            return -EINVAL;
        if (d->shutdown) {
            xsr_hv_resume(d);
            xsr_guest_resumed(d);
        }
        return 0;
    case XEN_DOMCTL_max_vcpus:
        return set_max_vcpus(d, op->u.max_vcpus.max);
    case XEN_DOMCTL_setdomainhandle:
        memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
        return 0;
    case XEN_DOMCTL_setdebugging:
        if (d->domid == 0)
            return -EINVAL;
        d->debugger = !!op->u.setdebugging.enable;
        return 0;
    case XEN_DOMCTL_set_target:
        return set_target(d, op->u.set_target.target);
    case XEN_DOMCTL_subscribe:
        d->suspend_port = op->u.subscribe.port;
        return 0;
    default:
        return -ENOSYS;
    }
}

static long dispatch(struct xsr_dom *d, struct xen_domctl *op)
{
    long rc = life(d, op);

    if (rc == -ENOSYS)
        rc = xsr_hv_domctl_vcpu(d, op);
    if (rc == -ENOSYS)
        rc = xsr_hv_domctl_mem(d, op);
    if (rc == -ENOSYS)
        rc = xsr_hv_domctl_other(d, op);
    if (rc == -ENOSYS)
        xsr_sim_log("not simulated: domctl %u", op->cmd);
    return rc;
}

long xsr_hv_domctl(struct xen_domctl *op)
{
    struct xsr_dom *d;
    uint32_t domid;
    long rc;

    if (!op)
        return -EFAULT;
    if (op->interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
        xsr_sim_log("domctl interface %#x; this host speaks %#x",
                    op->interface_version, XEN_DOMCTL_INTERFACE_VERSION);
        return -EACCES;
    }
    switch (op->cmd) {
    case XEN_DOMCTL_createdomain:
        domid = op->domain;
        rc = xsr_hv_create(&domid, &op->u.createdomain);
        if (rc == 0)
            op->domain = (domid_t)domid;
        return rc;
    case XEN_DOMCTL_getdomaininfo:
        return getdomaininfo(op);
    default:
        break;
    }
    d = xsr_hv_dom(op->domain);
    if (!d)
        return -ESRCH;
    return dispatch(d, op);
}
