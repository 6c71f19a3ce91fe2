/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding a domain by its name, and giving it another one. The name lies in
 * xenstore twice (the domain's folder, and its /vm/UUID), changed in one
 * transaction that also sees that nobody else has it; and in the configuration
 * that a bare toolstack keeps. libxl takes the name from xenstore when it needs
 * it, so its own files stay as they are.
 *
 * Used by migrate.c and receive.c, and by people, whom an interrupted
 * migration leaves with a name to put right.
 */
#include "plugin/migrate/names.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "plugin/context.h"
#include "plugin/host/config.h"
#include "plugin/host/host.h"
#include "plugin/host/vm_path.h"

/* ---- reading ------------------------------------------------------------- */

static int read_name(struct xsr_xs *xs, const char *domain, char **name_out,
                     struct xsr_err *err)
{
    char path[XSR_XS_PATH];

    snprintf(path, sizeof(path), "/local/domain/%.16s/name", domain);
    return xsr_xs_read(xs, path, name_out, err);
}

int xsr_names_read(struct xsr_xs *xs, uint32_t domid, char *out, size_t out_len,
                   struct xsr_err *err)
{
    xsr_auto_free char *name = NULL;
    char domain[16];

    snprintf(domain, sizeof(domain), "%u", domid);
    if (read_name(xs, domain, &name, err) < 0)
        return -1;
    if (name && strlen(name) >= out_len)
        return xsr_fail(err, XSR_E_LIMIT,
                        "the name of domain %u has %zu characters, allowed are "
                        "%zu; give it a shorter one first (xensr rename)",
                        domid, strlen(name), out_len - 1);
    snprintf(out, out_len, "%s", name ? name : "");
    return 0;
}

/* The number as text, for the message; *found_out NULL if nobody has it. */
static int find_name(struct xsr_xs *xs, const char *wanted, char *found,
                     size_t found_len, struct xsr_err *err)
{
    xsr_auto_free char **domains = NULL;
    unsigned i, n;

    found[0] = '\0';
    if (xsr_xs_list(xs, "/local/domain", &domains, &n, err) < 0)
        return -1;
    for (i = 0; i < n; i++) {
        xsr_auto_free char *name = NULL;

        if (read_name(xs, domains[i], &name, err) < 0)
            return -1;
        if (!name || strcmp(name, wanted) != 0)
            continue;
        snprintf(found, found_len, "%s", domains[i]);
        return 0;
    }
    return 0;
}

/* ---- changing ------------------------------------------------------------ */

struct change {
    uint32_t domid;
    const char *from, *to;
};

static int check_change(struct xsr_xs *xs, const struct change *c,
                        struct xsr_err *err)
{
    char now[XSR_NAME_MAX * 2], other[16], self[16];

    if (xsr_names_read(xs, c->domid, now, sizeof(now), err) < 0)
        return -1;
    if (c->from && strcmp(now, c->from) != 0)
        return xsr_fail(err, XSR_E_XEN,
                        "domain %u is not called \"%s\" any more but \"%s\"",
                        c->domid, c->from, now);
    if (find_name(xs, c->to, other, sizeof(other), err) < 0)
        return -1;
    snprintf(self, sizeof(self), "%u", c->domid);
    if (other[0] && strcmp(other, self) != 0)
        return xsr_fail(err, XSR_E_XEN,
                        "the name \"%s\" is in use by domain %s", c->to, other);
    return 0;
}

/* Under /vm/UUID too, where that is its, and its alone. */
static int write_vm_name(struct xsr_xs *xs, const struct change *c,
                         struct xsr_err *err)
{
    char path[XSR_XS_PATH], vm[XSR_VM_PATH];
    xsr_auto_free char *old = NULL;

    if (xsr_vm_path_own(xs, c->domid, vm, err) < 0)
        return -1;
    if (!vm[0])
        return 0;
    snprintf(path, sizeof(path), "%s/name", vm);
    if (xsr_xs_read(xs, path, &old, err) < 0 || !old)
        return err->kind == XSR_E_OK ? 0 : -1;
    return xsr_xs_write(xs, path, c->to, err);
}

static int write_names(struct xsr_xs *xs, void *ctx, struct xsr_err *err)
{
    const struct change *c = ctx;
    char path[XSR_XS_PATH];

    if (check_change(xs, c, err) < 0)
        return -1;
    snprintf(path, sizeof(path), "/local/domain/%u/name", c->domid);
    if (xsr_xs_write(xs, path, c->to, err) < 0)
        return -1;
    return write_vm_name(xs, c, err);
}

/* ---- our own configuration of a bare domain ------------------------------ */

/* Written beside and put in its place, as long as the old one is whole. */
static int replace_file(const char *path, const char *text, struct xsr_err *err)
{
    char beside[PATH_MAX];
    int fd, rc;

    snprintf(beside, sizeof(beside), "%s.new", path);
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
              0600);
    if (fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot create %s", beside);
    rc = xsr_write_all(fd, text, strlen(text), beside, err);
    xsr_close(&fd);
    if (rc == 0 && rename(beside, path) < 0)
        rc = xsr_fail_sys(err, XSR_E_IO, errno, "cannot replace %s", path);
    if (rc < 0)
        unlink(beside);
    return rc;
}

static int rename_in_config(const struct xensr *x, const struct change *c,
                            struct xsr_err *err)
{
    xsr_auto_free char *text = NULL;
    json_t *top, *create;
    char path[PATH_MAX - 8];

    snprintf(path, sizeof(path), "%s/%u.json", x->state_dir, c->domid);
    top = json_load_file(path, 0, NULL);
    if (!top)
        return 0; /* none of ours, or nothing that could be kept up to date */
    create = json_object_get(top, "c_info");
    if (create && json_object_set_new(create, "name", json_string(c->to)) == 0)
        text = json_dumps(top, JSON_INDENT(4));
    json_decref(top);
    return text ? replace_file(path, text, err) : 0;
}

int xsr_names_change(struct xensr *x, uint32_t domid, const char *from,
                     const char *to, struct xsr_err *err)
{
    struct change c = {domid, from, to};
    struct xsr_err late = XSR_ERR_INIT;
    struct xsr_xs *xs = NULL;
    int rc;

    if (xsr_xs_open(&xs, err) < 0)
        return -1;
    rc = xsr_xs_transact(xs, "renaming the domain", write_names, &c, err);
    xsr_xs_close(xs);
    if (rc == 0 && rename_in_config(x, &c, &late) < 0)
        xsr_log(&x->log, XSR_LOG_WARN,
                "%s: the domain is called \"%s\" all "
                "the same",
                late.text, to);
    return rc;
}

/* ---- public -------------------------------------------------------------- */

static int check_exists(struct xensr *x, uint32_t domid, struct xsr_err *err)
{
    struct xsr_xen *xen = NULL;
    int rc = -1;

    if (xsr_xen_open(&x->log, &xen, err) == 0)
        rc = xsr_domain_check_exists(xen, domid, err);
    xsr_xen_close(xen);
    return rc;
}

int xensr_rename(struct xensr *x, uint32_t domid, const char *name)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_config judged;
    int rc = xsr_context_begin(x);

    if (rc != XENSR_OK)
        return rc;
    if (xsr_config_set_name(&judged, name, &err) < 0)
        x->usage = true;
    else if (check_exists(x, domid, &err) == 0)
        xsr_names_change(x, domid, NULL, name, &err);
    return xsr_context_end(x, &err);
}

int xensr_find(struct xensr *x, const char *name, uint32_t *domid_out)
{
    struct xsr_err err = XSR_ERR_INIT;
    char found[16], shown[80];
    struct xsr_xs *xs = NULL;
    int rc = xsr_context_begin(x);

    if (rc != XENSR_OK)
        return rc;
    if (xsr_xs_open(&xs, &err) == 0 &&
        find_name(xs, name, found, sizeof(found), &err) == 0) {
        if (found[0])
            *domid_out = (uint32_t)strtoul(found, NULL, 10);
        else
            xsr_fail(&err, XSR_E_XEN, "there is no domain called \"%s\"",
                     xsr_err_quote(name, strlen(name), shown, sizeof(shown)));
    }
    xsr_xs_close(xs);
    return xsr_context_end(x, &err);
}
