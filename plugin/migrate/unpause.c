/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The last step of a migration at its receiver, and `xensr unpause`: a guest
 * with a device model runs only when that runs too, so that one is told first.
 */
#include "plugin/migrate/unpause.h"

#include "plugin/context.h"
#include "plugin/emu/dm.h"
#include "plugin/host/running.h"

/* Unpausing changes nothing for a guest that stopped by itself. */
static int check_state(struct xsr_xen *xen, uint32_t domid, struct xsr_err *err)
{
    struct xsr_domain_state state;
    int rc = xsr_domain_get_state(xen, domid, &state, err);

    if (rc < 0)
        return -1;
    if (rc == 0)
        return xsr_fail(err, XSR_E_XEN, "there is no domain %u", domid);
    if (!state.shutdown)
        return 0;
    return xsr_fail(err, XSR_E_XEN, "domain %u has stopped (%s)%s", domid,
                    xsr_shutdown_name(state.shutdown_reason),
                    xsr_domain_suspended(&state)
                        ? ": let it run on with xensr resume, unless another "
                          "host runs it by now"
                        : "");
}

int xsr_unpause(struct xensr *x, uint32_t domid, struct xsr_err *err)
{
    struct xsr_xen *xen = NULL;
    struct xsr_xs *xs = NULL;
    int rc = -1;

    if (xsr_xen_open(&x->log, &xen, err) == 0 && xsr_xs_open(&xs, err) == 0 &&
        check_state(xen, domid, err) == 0 &&
        xsr_dm_cont(&x->log, xs, x->run_dir, domid, err) == 0)
        rc = xsr_domain_unpause(xen, domid, err);
    xsr_xs_close(xs);
    xsr_xen_close(xen);
    return rc;
}

int xensr_unpause(struct xensr *x, uint32_t domid)
{
    struct xsr_err err = XSR_ERR_INIT;
    int rc = xsr_context_begin(x);

    if (rc != XENSR_OK)
        return rc;
    xsr_unpause(x, domid, &err);
    return xsr_context_end(x, &err);
}
