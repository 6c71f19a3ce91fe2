/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Destroying a domain: in xenstore, in Xen, and the files that are named after
 * its number. xensr_destroy() for an operator; plugin/save when a guest has
 * been saved. A libxl is needed for what it has made only: a domain's devices.
 */
#include <errno.h>
#include <fnmatch.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/util.h"
#include "plugin/context.h"
#include "plugin/emu/dm.h"
#include "plugin/host/host.h"
#include "plugin/via_xl.h"

static int remove_file(const char *folder, const char *name,
                       struct xsr_err *err)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (unlink(path) < 0 && errno != ENOENT)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot remove %s", path);
    return 0;
}

static int remove_numbered(const char *folder, const char *form, uint32_t domid,
                           struct xsr_err *err)
{
    char name[64];

    snprintf(name, sizeof(name), "%s%u%s", form, domid, *form ? "" : ".json");
    return remove_file(folder, name, err);
}

/* What libxl keeps of a domain: userdata-KIND.DOMID.UUID.NAME. */
static int remove_userdata(const char *folder, uint32_t domid,
                           struct xsr_err *err)
{
    struct dirent *entry;
    char pattern[64];
    DIR *dir;
    int rc = 0;

    snprintf(pattern, sizeof(pattern), "userdata-?.%u.*", domid);
    dir = opendir(folder);
    if (!dir && errno == ENOENT)
        return 0;
    if (!dir)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot list %s", folder);
    while (rc == 0 && (entry = readdir(dir)))
        if (fnmatch(pattern, entry->d_name, 0) == 0)
            rc = remove_file(folder, entry->d_name, err);
    closedir(dir);
    return rc;
}

int xsr_destroy_all(struct xensr *x, struct xsr_xen *xen, struct xsr_xs *xs,
                    uint32_t domid, struct xsr_err *err)
{
    struct xsr_err errs[7] = {XSR_ERR_INIT, XSR_ERR_INIT, XSR_ERR_INIT,
                              XSR_ERR_INIT, XSR_ERR_INIT, XSR_ERR_INIT,
                              XSR_ERR_INIT};
    size_t i;

    xsr_via_xl_destroy(x, xs, domid);
    xsr_dm_stop(xs, x->run_dir, domid, &errs[6]); /* found by a node */
    xsr_skeleton_remove(xs, domid, XSR_SKELETON_DOMAINS_ROOTS, &errs[0]);
    xsr_domain_destroy(xen, domid, &errs[1]);
    remove_numbered(x->dm_dir, "qemu-resume.", domid, &errs[2]);
    remove_numbered(x->dm_dir, "qemu-save.", domid, &errs[3]);
    remove_userdata(x->dm_dir, domid, &errs[4]);
    remove_numbered(x->state_dir, "", domid, &errs[5]);
    for (i = 0; i < XSR_ARRAY_LEN(errs); i++) {
        if (errs[i].kind == XSR_E_OK)
            continue;
        *err = errs[i];
        return -1;
    }
    return 0;
}

int xensr_destroy(struct xensr *x, uint32_t domid)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xen *xen = NULL;
    struct xsr_xs *xs = NULL;
    bool partly = false;
    int rc;

    rc = xsr_context_begin(x);
    if (rc != XENSR_OK)
        return rc;
    if (xsr_xen_open(&x->log, &xen, &err) == 0 && xsr_xs_open(&xs, &err) == 0 &&
        xsr_domain_check_exists(xen, domid, &err) == 0 &&
        xsr_destroy_all(x, xen, xs, domid, &err) < 0) {
        partly = true; /* which nothing brings back */
        xsr_err_prefix(&err, "domain %u is not destroyed completely", domid);
    }
    xsr_xs_close(xs);
    xsr_xen_close(xen);
    rc = xsr_context_end(x, &err);
    return partly ? XENSR_LOOK : rc;
}
