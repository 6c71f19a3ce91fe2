/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * With xen_store_watch.c the only caller of libxenstore: a connection with at
 * most one transaction, errors in words, permissions by name. Called by
 * skeleton.c and emu_keys.c. All calls block for one round trip to the store
 * daemon.
 */
#include "plugin/host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenstore.h>

#include "lib/util.h"
#include "plugin/host/running.h"

/* Others write all the time on a busy host; beyond this something is wrong. */
#define MAX_TRIES 100

struct xsr_xs {
    struct xs_handle *h;
    xs_transaction_t t; /* XBT_NULL outside */
};

int xsr_xs_open(struct xsr_xs **xs_out, struct xsr_err *err)
{
    struct xsr_xs *xs = calloc(1, sizeof(*xs));

    *xs_out = NULL;
    if (!xs)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for xenstore");
    xs->h = xs_open(0);
    if (!xs->h) {
        xsr_fail_sys(err, XSR_E_XEN, errno,
                     "cannot connect to xenstore (is "
                     "xenstored running?)");
        free(xs);
        return -1;
    }
    xs->t = XBT_NULL;
    *xs_out = xs;
    return 0;
}

struct xs_handle *xsr_xs_handle(struct xsr_xs *xs)
{
    return xs->h;
}

void xsr_xs_close(struct xsr_xs *xs)
{
    if (!xs)
        return;
    xs_close(xs->h);
    free(xs);
}

/* Two writers that collide should not collide again in step. */
static void wait_a_moment(unsigned try)
{
    struct timespec ts = { 0, 200000L * (try < 50 ? try : 50) };

    nanosleep(&ts, NULL);
}

int xsr_xs_transact(struct xsr_xs *xs, const char *what, xsr_xs_body *body,
                    void *ctx, struct xsr_err *err)
{
    xs_transaction_t t;
    unsigned try;
    int rc;

    for (try = 0; try < MAX_TRIES; try++) {
        xs->t = xs_transaction_start(xs->h);
        if (xs->t == XBT_NULL)
            return xsr_fail_sys(err, XSR_E_XEN, errno,
                                "%s: xenstore starts no transaction", what);
        rc = body(xs, ctx, err);
        t = xs->t;
        xs->t = XBT_NULL;
        if (rc < 0) {
            xs_transaction_end(xs->h, t, true);
            return xsr_err_prefix(err, "%s", what);
        }
        if (xs_transaction_end(xs->h, t, false))
            return 0;
        if (errno != EAGAIN)
            return xsr_fail_sys(err, XSR_E_XEN, errno,
                                "%s: xenstore refused the transaction", what);
        wait_a_moment(try);
    }
    return xsr_fail(err, XSR_E_XEN,
                    "%s: another writer got in the way of the "
                    "xenstore transaction %u times",
                    what, MAX_TRIES);
}

int xsr_xs_read(struct xsr_xs *xs, const char *path, char **value_out,
                struct xsr_err *err)
{
    *value_out = xs_read(xs->h, xs->t, path, NULL);
    if (!*value_out && errno != ENOENT)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "cannot read xenstore %s",
                            path);
    return 0;
}

int xsr_xs_write(struct xsr_xs *xs, const char *path, const char *value,
                 struct xsr_err *err)
{
    if (!xs_write(xs->h, xs->t, path, value, (unsigned)strlen(value)))
        return xsr_fail_sys(err, XSR_E_XEN, errno, "cannot write xenstore %s",
                            path);
    return 0;
}

int xsr_xs_set_perm(struct xsr_xs *xs, const char *path, enum xsr_xs_perm perm,
                    uint32_t domid, struct xsr_err *err)
{
    static const struct {
        bool guest_owns, reader;
    } table[] = {
        [XSR_XS_N0] = {false, false},
        [XSR_XS_RO] = {false, true},
        [XSR_XS_RW] = {true, false},
        [XSR_XS_RW_R0] = {true, true},
    };
    struct xs_permissions p[2];

    if (perm == XSR_XS_INHERIT)
        return 0;
    p[0].id = table[perm].guest_owns ? domid : 0;
    p[0].perms = XS_PERM_NONE;
    p[1].id = table[perm].guest_owns ? 0 : domid;
    p[1].perms = XS_PERM_READ;
    if (!xs_set_permissions(xs->h, xs->t, path, p, table[perm].reader ? 2 : 1))
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "cannot set permissions of xenstore %s", path);
    return 0;
}

int xsr_xs_rm(struct xsr_xs *xs, const char *path, struct xsr_err *err)
{
    if (!xs_rm(xs->h, xs->t, path) && errno != ENOENT)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "cannot remove xenstore %s",
                            path);
    return 0;
}

int xsr_xs_list(struct xsr_xs *xs, const char *path, char ***names_out,
                unsigned *n_out, struct xsr_err *err)
{
    *n_out = 0;
    *names_out = xs_directory(xs->h, xs->t, path, n_out);
    if (*names_out)
        return 0;
    *n_out = 0;
    if (errno != ENOENT)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "cannot list xenstore %s",
                            path);
    return 0;
}

int xsr_xs_introduce(struct xsr_xs *xs, uint32_t domid, uint64_t gfn,
                     uint32_t port, struct xsr_err *err)
{
    if (!xs_introduce_domain(xs->h, domid, gfn, port))
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "xenstore did not accept domain %u (frame %#llx, "
                            "port %u)",
                            domid, (unsigned long long)gfn, port);
    return 0;
}
