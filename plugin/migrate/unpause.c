/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The last step of a migration at its receiver, and `xensr unpause`: a guest
 * with a device model runs only when that runs too, so that one is told first.
 * Whether there is one says the node that whoever starts it writes.
 */
#include "plugin/migrate/unpause.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/util.h"
#include "plugin/context.h"
#include "plugin/emu/qmp.h"
#include "plugin/host/running.h"

static int find_device_model(uint32_t domid, bool *found_out,
                             struct xsr_err *err)
{
    xsr_auto_free char *pid = NULL;
    struct xsr_xs *xs = NULL;
    char path[XSR_XS_PATH];
    int rc;

    if (xsr_xs_open(&xs, err) < 0)
        return -1;
    snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-pid",
             domid);
    rc = xsr_xs_read(xs, path, &pid, err);
    xsr_xs_close(xs);
    *found_out = pid != NULL;
    return rc;
}

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
    bool has_model = false;
    int rc = -1;

    if (xsr_xen_open(&x->log, &xen, err) == 0 &&
        check_state(xen, domid, err) == 0 &&
        find_device_model(domid, &has_model, err) == 0 &&
        (!has_model || xsr_qmp_call(&x->log, x->run_dir, domid, "cont", NULL,
                                    XSR_QMP_LONG_MS, NULL, err) == 0))
        rc = xsr_domain_unpause(xen, domid, err);
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
