/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Xenstore watches: what is watched is looked at again whenever one fires, so
 * it does not matter which one did. Beside xen_store.c the only caller of
 * libxenstore. Called by plugin/save/suspend.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <xenstore.h>

#include "plugin/host/running.h"

int xsr_xs_watch(struct xsr_xs *xs, const char *path, const char *token,
                 struct xsr_err *err)
{
    if (!xs_watch(xsr_xs_handle(xs), path, token))
        return xsr_fail_sys(err, XSR_E_XEN, errno, "cannot watch xenstore %s",
                            path);
    return 0;
}

int xsr_xs_unwatch(struct xsr_xs *xs, const char *path, const char *token,
                   struct xsr_err *err)
{
    if (!xs_unwatch(xsr_xs_handle(xs), path, token))
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "cannot stop watching xenstore %s", path);
    return 0;
}

int xsr_xs_fd(struct xsr_xs *xs)
{
    return xs_fileno(xsr_xs_handle(xs));
}

int xsr_xs_take_watches(struct xsr_xs *xs, bool *any_out, struct xsr_err *err)
{
    char **event;

    *any_out = false;
    while ((event = xs_check_watch(xsr_xs_handle(xs)))) {
        *any_out = true;
        free(event);
    }
    if (errno != EAGAIN)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "xenstore does not tell what has changed");
    return 0;
}

int xsr_xs_resume(struct xsr_xs *xs, uint32_t domid, struct xsr_err *err)
{
    if (!xs_resume_domain(xsr_xs_handle(xs), domid))
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "xenstore does not take domain %u as resumed",
                            domid);
    return 0;
}
