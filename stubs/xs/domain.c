/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains as xenstored knows them: introduced by the toolstack, released by
 * it or by their death, which the simulated hypervisor reports (world.h).
 * hv/ is asked with the host lock held and before the store's mutex.
 */
#include "stubs/xs/store.h"

#include <errno.h>

#include "stubs/world/world.h"
#include "stubs/xs/xs.h"

static int commit_dom(enum xsr_xs_op_kind kind, uint32_t domid,
                      uint32_t second, uint64_t gfn)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    int rc = xsr_xs_op_put_dom(&ops, kind, domid, second, gfn);

    if (!rc)
        rc = xsr_xs_commit(&ops);
    xsr_buf_fini(&ops);
    return rc;
}

static int leave(bool change, int rc)
{
    int keep = errno;

    xsr_xs_leave(change);
    errno = keep;
    return rc;
}

/* A domain that died while nobody could report it (its killer was killed). */
static int drop_if_dead(uint32_t domid)
{
    if (xsr_hv_domain_exists(domid))
        return 0;
    if (xsr_xs_enter(true))
        return -1;
    if (!xsr_xs_state_dom(xsr_xs_state(), domid))
        return leave(true, 0);
    return leave(true, commit_dom(XSR_XS_OP_GONE, domid, 0, 0));
}

static int introduce_locked(uint32_t domid, uint64_t gfn, uint32_t port)
{
    const struct xsr_xs_dom *dom;

    if (!xsr_hv_domain_exists(domid) || !xsr_hv_port_valid(domid, port)) {
        xsr_sim_log("xenstore: introduce of domain %u refused: %s", domid,
                    xsr_hv_domain_exists(domid) ? "no such event channel"
                                                : "no such domain");
        errno = EINVAL;
        return -1;
    }
    if (xsr_xs_enter(true))
        return -1;
    dom = xsr_xs_state_dom(xsr_xs_state(), domid);
    if (dom && dom->gfn != gfn) {
        errno = EINVAL;
        return leave(true, -1);
    }
    if (dom && dom->port == port)
        return leave(true, 0);
    return leave(true, commit_dom(XSR_XS_OP_INTRODUCE, domid, port, gfn));
}

int xsr_xs_introduce(struct xsr_xs *xs, uint32_t domid, uint64_t gfn,
                     uint32_t port)
{
    int rc;

    (void)xs;
    if (!port || !domid) {
        errno = EINVAL;
        return -1;
    }
    xsr_sim_lock();
    rc = drop_if_dead(domid);
    if (!rc)
        rc = introduce_locked(domid, gfn, port);
    xsr_sim_unlock();
    return rc;
}

static int need_introduced(uint32_t domid)
{
    if (xsr_xs_state_dom(xsr_xs_state(), domid))
        return 0;
    errno = ENOENT;
    return -1;
}

int xsr_xs_release(struct xsr_xs *xs, uint32_t domid)
{
    int rc;

    (void)xs;
    if (!domid) {
        errno = EINVAL;
        return -1;
    }
    if (xsr_xs_enter(true))
        return -1;
    rc = need_introduced(domid);
    if (!rc)
        rc = commit_dom(XSR_XS_OP_RELEASE, domid, 0, 0);
    return leave(true, rc);
}

/* Which shutdowns were reported is not kept, so there is nothing to clear. */
int xsr_xs_resume(struct xsr_xs *xs, uint32_t domid)
{
    (void)xs;
    if (!domid) {
        errno = EINVAL;
        return -1;
    }
    if (xsr_xs_enter(false))
        return -1;
    return leave(false, need_introduced(domid));
}

int xsr_xs_set_target(struct xsr_xs *xs, uint32_t domid, uint32_t target)
{
    int rc;

    (void)xs;
    if (xsr_xs_enter(true))
        return -1;
    rc = need_introduced(domid) || need_introduced(target) ? -1 : 0;
    if (!rc)
        rc = commit_dom(XSR_XS_OP_TARGET, domid, target, 0);
    return leave(true, rc);
}

bool xsr_xs_introduced(struct xsr_xs *xs, uint32_t domid)
{
    bool yes;

    (void)xs;
    if (!domid)
        return true;
    if (xsr_xs_enter(false))
        return false;
    yes = xsr_xs_state_dom(xsr_xs_state(), domid) != NULL;
    xsr_xs_leave(false);
    return yes;
}

void xsr_xs_fire_special(const char *name)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    int keep = errno;

    if (xsr_xs_op_put(&ops, XSR_XS_OP_SPECIAL, name, NULL, 0) ||
        xsr_xs_enter(true)) {
        xsr_sim_log("xenstore: %s could not be told (errno %d)", name, errno);
    } else {
        if (xsr_xs_commit(&ops))
            xsr_sim_log("xenstore: %s could not be told (errno %d)", name,
                        errno);
        xsr_xs_leave(true);
    }
    xsr_buf_fini(&ops);
    errno = keep;
}

void xsr_xs_domain_gone(uint32_t domid)
{
    int keep = errno;

    if (xsr_xs_enter(true)) {
        xsr_sim_log("xenstore: death of domain %u could not be told (errno "
                    "%d)", domid, errno);
    } else {
        if (commit_dom(XSR_XS_OP_GONE, domid, 0, 0))
            xsr_sim_log("xenstore: death of domain %u could not be told "
                        "(errno %d)", domid, errno);
        xsr_xs_leave(true);
    }
    errno = keep;
}
