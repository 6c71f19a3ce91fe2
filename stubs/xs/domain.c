/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains as xenstored knows them: introduced by the toolstack, released by
 * it or by their death, which the simulated hypervisor reports (world.h).
 * hv/ is asked with the host lock held and before the store's mutex.
 */
#include "stubs/xs/store.h"

#include <errno.h>
#include <xen/xen.h>
#include <xen/grant_table.h>

#include "stubs/hv/hv.h"
#include "stubs/world/world.h"
#include "stubs/xs/xs.h"

static int commit_dom(enum xsr_store_op_kind kind, uint32_t domid,
                      uint32_t target)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    int rc = xsr_store_op_put_dom(&ops, kind, domid, target);

    if (!rc)
        rc = xsr_store_commit(&ops);
    xsr_buf_fini(&ops);
    return rc;
}

static int leave(bool change, int rc)
{
    int keep = errno;

    xsr_store_leave(change);
    errno = keep;
    return rc;
}

/* What the store knows of a domain, copied; false: it is not introduced. */
static bool known(uint32_t domid, struct xsr_store_dom *out)
{
    const struct xsr_store_dom *dom;

    if (xsr_store_enter(false))
        return false;
    dom = xsr_store_state_dom(xsr_store_state(), domid);
    if (dom)
        *out = *dom;
    xsr_store_leave(false);
    return dom != NULL;
}

/* Domain 0's end of the store's channel, if it still is that. */
static void close_local(const struct xsr_store_dom *dom)
{
    struct xsr_hv_port p;

    if (!dom->local || xsr_hv_next_port(0, dom->local, &p) ||
        p.port != dom->local || p.remote_dom != dom->domid)
        return;
    xsr_hv_evtchn_close(dom->local);
}

/* Release, or with GONE also the nodes; -1: errno ENOENT if not introduced. */
static int forget(enum xsr_store_op_kind kind, uint32_t domid)
{
    struct xsr_store_dom dom = {0};
    int rc = -1, keep;

    xsr_sim_lock();
    if (!known(domid, &dom) && kind == XSR_STORE_OP_RELEASE)
        errno = ENOENT;
    else if (!xsr_store_enter(true))
        rc = leave(true, commit_dom(kind, domid, 0));
    keep = errno;
    if (!rc)
        close_local(&dom);
    xsr_sim_unlock();
    errno = keep;
    return rc;
}

static int commit_introduce(uint32_t domid, uint32_t port, uint64_t gfn,
                            uint32_t local)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    int rc = -1;

    if (!xsr_store_enter(true)) {
        rc = xsr_store_op_put_introduce(&ops, domid, port, gfn, local);
        if (!rc)
            rc = xsr_store_commit(&ops);
        xsr_store_leave(true);
    }
    xsr_buf_fini(&ops);
    return rc;
}

/*
 * xenstored maps the ring by the grant entry that is reserved for it, which
 * whoever built or restored the domain has filled in.
 */
static bool ring_granted(uint32_t domid, uint64_t gfn)
{
    struct xsr_hv_grant g;

    if (!xsr_hv_grant_entry(domid, GNTTAB_RESERVED_XENSTORE, &g) &&
        (g.flags & GTF_type_mask) == GTF_permit_access && g.domid == 0 &&
        g.frame == gfn)
        return true;
    xsr_sim_log("xenstore: introduce of domain %u refused: grant entry %d "
                "does not give frame %#llx to domain 0",
                domid, GNTTAB_RESERVED_XENSTORE, (unsigned long long)gfn);
    return false;
}

/* xenstored binds the guest's port, so it must be one waiting for domain 0. */
static int introduce_new(uint32_t domid, uint64_t gfn, uint32_t port)
{
    int local = xsr_hv_evtchn_bind(domid, port), rc;

    if (local < 0) {
        xsr_sim_log("xenstore: introduce of domain %u refused: port %u does "
                    "not wait for domain 0",
                    domid, port);
        errno = -local;
        return -1;
    }
    rc = commit_introduce(domid, port, gfn, (uint32_t)local);
    if (rc)
        xsr_hv_evtchn_close((uint32_t)local);
    return rc;
}

static int introduce_locked(uint32_t domid, uint64_t gfn, uint32_t port)
{
    struct xsr_store_dom dom;
    bool have = known(domid, &dom);

    if (!xsr_hv_domain_exists(domid) || !xsr_hv_port_valid(domid, port)) {
        xsr_sim_log("xenstore: introduce of domain %u refused: no such %s",
                    domid,
                    xsr_hv_domain_exists(domid) ? "event channel" : "domain");
        errno = EINVAL;
        return -1;
    }
    if (have ? dom.gfn != gfn : !ring_granted(domid, gfn)) {
        errno = EINVAL;
        return -1;
    }
    if (!have)
        return introduce_new(domid, gfn, port);
    if (dom.port == port)
        return 0;
    close_local(&dom);
    return introduce_new(domid, gfn, port);
}

int xsr_store_introduce(struct xsr_store *xs, uint32_t domid, uint64_t gfn,
                        uint32_t port)
{
    struct xsr_store_dom dom;
    int rc = 0;

    (void)xs;
    if (!port || !domid) {
        errno = EINVAL;
        return -1;
    }
    xsr_sim_lock();
    /* Died while nobody could report it: its killer was killed. */
    if (known(domid, &dom) && !xsr_hv_domain_exists(domid))
        rc = forget(XSR_STORE_OP_GONE, domid);
    if (!rc)
        rc = introduce_locked(domid, gfn, port);
    xsr_sim_unlock();
    return rc;
}

static int need_introduced(uint32_t domid)
{
    if (xsr_store_state_dom(xsr_store_state(), domid))
        return 0;
    errno = ENOENT;
    return -1;
}

int xsr_store_release(struct xsr_store *xs, uint32_t domid)
{
    (void)xs;
    if (!domid) {
        errno = EINVAL;
        return -1;
    }
    return forget(XSR_STORE_OP_RELEASE, domid);
}

/* Which shutdowns were reported is not kept, so there is nothing to clear. */
int xsr_store_resume(struct xsr_store *xs, uint32_t domid)
{
    (void)xs;
    if (!domid) {
        errno = EINVAL;
        return -1;
    }
    if (xsr_store_enter(false))
        return -1;
    return leave(false, need_introduced(domid));
}

int xsr_store_set_target(struct xsr_store *xs, uint32_t domid, uint32_t target)
{
    int rc;

    (void)xs;
    if (xsr_store_enter(true))
        return -1;
    rc = need_introduced(domid) || need_introduced(target) ? -1 : 0;
    if (!rc)
        rc = commit_dom(XSR_STORE_OP_TARGET, domid, target);
    return leave(true, rc);
}

bool xsr_store_introduced(struct xsr_store *xs, uint32_t domid)
{
    bool yes;

    (void)xs;
    if (!domid)
        return true;
    if (xsr_store_enter(false))
        return false;
    yes = xsr_store_state_dom(xsr_store_state(), domid) != NULL;
    xsr_store_leave(false);
    return yes;
}

void xsr_xs_fire_special(const char *name)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    int keep = errno;

    if (xsr_store_op_put(&ops, XSR_STORE_OP_SPECIAL, name, NULL, 0) ||
        xsr_store_enter(true)) {
        xsr_sim_log("xenstore: %s could not be told (errno %d)", name, errno);
    } else {
        if (xsr_store_commit(&ops))
            xsr_sim_log("xenstore: %s could not be told (errno %d)", name,
                        errno);
        xsr_store_leave(true);
    }
    xsr_buf_fini(&ops);
    errno = keep;
}

void xsr_xs_domain_gone(uint32_t domid)
{
    int keep = errno;

    if (forget(XSR_STORE_OP_GONE, domid))
        xsr_sim_log("xenstore: death of domain %u could not be told (errno "
                    "%d)",
                    domid, errno);
    errno = keep;
}
