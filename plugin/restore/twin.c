/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who else is this guest? Nobody may have its UUID or its names, or it could
 * run twice on the same disks. The one exception is a migration to the host
 * where it is: until its sender gives it away, the guest is here under its own
 * name; afterwards what is left of it there must be suspended. restore.c asks
 * before the domain is made, migrate/receive.c before it runs.
 */
#include <stdio.h>
#include <string.h>

#include "plugin/context.h"
#include "plugin/host/running.h"
#include "plugin/host/vm_path.h"
#include "plugin/migrate/names.h"
#include "plugin/restore/restore.h"
#include "plugin/restore/twin.h"

/* ---- before it is made --------------------------------------------------- */

static int refuse(const struct xsr_restore *r, uint32_t domid,
                  struct xsr_err *err)
{
    char name[2 * XSR_NAME_MAX], shown[160], cure[80] = "";

    if (xsr_names_read(r->xs, domid, name, sizeof(name), err) < 0)
        return -1;
    if (r->params->name_suffix && !r->params->same_host &&
        strcmp(name, r->plain_name) == 0)
        snprintf(cure, sizeof(cure),
                 ", or say --same-host if that is the one which is sent here");
    return xsr_fail(err, XSR_E_XEN,
                    "the UUID %s is in use by domain %u (\"%s\"): destroy that "
                    "one first%s",
                    r->config.uuid_text, domid,
                    xsr_err_quote(name, strlen(name), shown, sizeof(shown)),
                    cure);
}

static int find_twin(struct xsr_restore *r, struct xsr_err *err)
{
    char name[2 * XSR_NAME_MAX];
    uint32_t domid = 0;
    int rc = xsr_domain_find_uuid(r->xen, r->config.uuid, &domid, err);

    if (rc <= 0)
        return rc;
    if (domid == 0 || !r->params->same_host ||
        xsr_names_read(r->xs, domid, name, sizeof(name), err) < 0 ||
        strcmp(name, r->plain_name) != 0)
        return err->kind == XSR_E_OK ? refuse(r, domid, err) : -1;
    r->bare.twin = domid++;
    rc = xsr_domain_find_uuid(r->xen, r->config.uuid, &domid, err);
    return rc > 0 ? refuse(r, domid, err) : rc;
}

int xsr_restore_check_twin(struct xsr_restore *r, struct xsr_err *err)
{
    if (find_twin(r, err) < 0 ||
        xsr_skeleton_check_name(r->xs, r->config.name, 0, err) < 0 ||
        xsr_skeleton_check_name(r->xs, r->plain_name, r->bare.twin, err) < 0)
        return -1;
    return xsr_vm_path_choose(r->xs, &r->bare, err);
}

/* ---- before it runs here ------------------------------------------------- */

static int check_stopped(struct xsr_xen *xen, uint32_t domid,
                         struct xsr_err *err)
{
    struct xsr_domain_state s;
    int rc = xsr_domain_get_state(xen, domid, &s, err);

    if (rc <= 0 || s.dying || xsr_domain_suspended(&s))
        return rc < 0 ? -1 : 0;
    return xsr_fail(err, XSR_E_XEN,
                    "domain %u has the same UUID and is not suspended, as the "
                    "sender's would be by now",
                    domid);
}

int xsr_twin_check(struct xensr *x, uint32_t domid, struct xsr_err *err)
{
    struct xsr_domain_state self;
    struct xsr_xen *xen = NULL;
    uint32_t next = 0;
    int rc = -1;

    if (xsr_xen_open(&x->log, &xen, err) == 0)
        rc = xsr_domain_get_state(xen, domid, &self, err);
    while (rc > 0) {
        rc = xsr_domain_find_uuid(xen, self.uuid, &next, err);
        if (rc > 0 && next != domid && check_stopped(xen, next, err) < 0)
            rc = -1;
        next++;
    }
    xsr_xen_close(xen);
    return rc;
}
