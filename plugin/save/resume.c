/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Letting a guest run on that was suspended, or was about to be: log-dirty
 * mode off in its device model and in Xen, the device model's devices, the
 * guest's vCPUs, and xenstore's idea of it, in this order. Last step of a
 * failed save, and of one that keeps its guest; xensr_resume() for an operator.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/util.h"
#include "plugin/save/save.h"

static int switch_dm_logdirty_off(const struct xsr_resume *r,
                                  struct xsr_err *err)
{
    return xsr_qmp_call(&r->x->log, r->x->run_dir, r->domid,
                        "xen-set-global-dirty-log",
                        json_pack("{s:b}", "enable", 0), XSR_QMP_MS, NULL, err);
}

static int start_dm(const struct xsr_resume *r, struct xsr_err *err)
{
    return xsr_qmp_call(&r->x->log, r->x->run_dir, r->domid, "cont", NULL,
                        XSR_QMP_LONG_MS, NULL, err);
}

/* A guest that is not suspended (any more) runs, or is beyond our help. */
static int start_guest(const struct xsr_resume *r, struct xsr_err *err)
{
    struct xsr_domain_state state;
    int rc = xsr_domain_get_state(r->xen, r->domid, &state, err);

    if (rc <= 0 || !xsr_domain_suspended(&state))
        return rc < 0 ? -1 : 0;
    if (xsr_domain_resume(r->xen, r->domid, true, err) < 0)
        return -1;
    return xsr_xs_resume(r->xs, r->domid, err);
}

static int do_nothing(const struct xsr_resume *r, struct xsr_err *err)
{
    (void)r;
    (void)err;
    return 0;
}

static int switch_logdirty_off(const struct xsr_resume *r, struct xsr_err *err)
{
    return xsr_domain_logdirty_off(r->xen, r->domid, err);
}

int xsr_resume_guest(const struct xsr_resume *r, struct xsr_err *err)
{
    int (*const steps[])(const struct xsr_resume *, struct xsr_err *) = {
        r->halt.dm_logdirty ? switch_dm_logdirty_off : do_nothing,
        r->halt.logdirty ? switch_logdirty_off : do_nothing,
        r->halt.dm_stopped ? start_dm : do_nothing,
        r->stay_suspended ? do_nothing : start_guest,
    };
    struct xsr_err step = XSR_ERR_INIT;
    struct xsr_domain_state state;
    int rc = 0, there;
    size_t i;

    there = xsr_domain_get_state(r->xen, r->domid, &state, &step);
    if (there == 0 || (there > 0 && state.dying))
        return 0; /* nobody to be resumed */
    for (i = 0; i < XSR_ARRAY_LEN(steps); i++) {
        xsr_err_clear(&step);
        if (steps[i](r, &step) == 0)
            continue;
        if (rc == 0)
            *err = step;
        else
            xsr_log(&r->x->log, XSR_LOG_ERROR, "%s", step.text);
        rc = -1;
    }
    return rc;
}

/* ---- for an operator ----------------------------------------------------- */

/* Devices that run on have another state than the one in the file of a save
   that died. */
static void remove_state_file(const struct xensr *x, uint32_t domid)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/qemu-save.%u", x->dm_dir, domid);
    if (unlink(path) < 0 && errno != ENOENT)
        xsr_log(&x->log, XSR_LOG_WARN, "cannot remove %s: %s", path,
                strerror(errno));
}

static int resume_suspended(struct xensr *x, struct xsr_xen *xen,
                            struct xsr_xs *xs, uint32_t domid,
                            struct xsr_err *err)
{
    struct xsr_resume r = {x, xen, xs, domid, {false, false, true}, false};
    struct xsr_subject subject;

    if (xsr_subject_find(xen, xs, domid, &subject, err) < 0)
        return -1;
    if (!xsr_domain_suspended(&subject.state))
        return xsr_fail(err, XSR_E_XEN,
                        "domain %u is not suspended: there is nothing to "
                        "resume",
                        domid);
    r.halt.dm_logdirty = r.halt.dm_stopped = subject.type == XENSR_HVM;
    if (xsr_resume_guest(&r, err) < 0)
        return -1;
    if (subject.type == XENSR_HVM)
        remove_state_file(x, domid);
    return 0;
}

int xensr_resume(struct xensr *x, uint32_t domid)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xen *xen = NULL;
    struct xsr_xs *xs = NULL;
    int rc, lock = -1;

    rc = xsr_context_begin(x);
    if (rc != XENSR_OK)
        return rc;
    if (xsr_xen_open(&x->log, &xen, &err) == 0 && xsr_xs_open(&xs, &err) == 0 &&
        xsr_subject_lock(x, domid, &lock, &err) == 0)
        resume_suspended(x, xen, xs, domid, &err);
    xsr_subject_unlock(x, domid, &lock);
    xsr_xs_close(xs);
    xsr_xen_close(xen);
    return xsr_context_end(x, &err);
}
