/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host without a hypervisor for the tests of plugin/migrate: one domain that
 * has a name and a state, saved and restored by a few lines, so that the tests
 * see who owns the guest after every way in which the handshake can go.
 */
#ifndef XSR_TESTS_MIGRATE_WORLD_H
#define XSR_TESTS_MIGRATE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/fd.h"
#include "plugin/context.h"
#include "plugin/host/host.h"
#include "plugin/migrate/handshake.h"
#include "plugin/migrate/names.h"
#include "plugin/migrate/unpause.h"
#include "plugin/restore/twin.h"
#include "plugin/xensr.h"

#include "migrate_peer.h"

static struct {
    char name[XSR_NAME_MAX];
    bool exists, runs; /* the domain on this host */
    bool rename_fails, unpause_fails, destroy_fails, restore_fails;
    bool same_host, twin_runs; /* the receiver's host is the sender's */
    bool suspend_refused;      /* on_suspend said no */
    unsigned n_saves;
    int close_at_unpause; /* a descriptor; 0: none */
} world;

/* ---- the host ------------------------------------------------------------ */

int xsr_xen_open(const struct xsr_log *log, struct xsr_xen **xen_out,
                 struct xsr_err *err)
{
    (void)log, (void)err;
    *xen_out = NULL;
    return 0;
}
void xsr_xen_close(struct xsr_xen *xen)
{
    (void)xen;
}
int xsr_xs_open(struct xsr_xs **xs_out, struct xsr_err *err)
{
    (void)err;
    *xs_out = NULL;
    return 0;
}
void xsr_xs_close(struct xsr_xs *xs)
{
    (void)xs;
}
int xsr_domain_check_exists(struct xsr_xen *xen, uint32_t domid,
                            struct xsr_err *err)
{
    (void)xen, (void)domid;
    return world.exists ? 0 : xsr_fail(err, XSR_E_XEN, "no domain");
}
int xsr_names_read(struct xsr_xs *xs, uint32_t domid, char *out, size_t out_len,
                   struct xsr_err *err)
{
    (void)xs, (void)domid, (void)err;
    snprintf(out, out_len, "%s", world.name);
    return 0;
}
int xsr_names_change(struct xensr *x, uint32_t domid, const char *from,
                     const char *to, struct xsr_err *err)
{
    (void)x, (void)domid;
    if (world.rename_fails)
        return xsr_fail(err, XSR_E_XEN, "the name is in use");
    if (from)
        assert_string_equal(world.name, from);
    snprintf(world.name, sizeof(world.name), "%s", to);
    return 0;
}
int xsr_unpause(struct xensr *x, uint32_t domid, struct xsr_err *err)
{
    (void)x, (void)domid;
    if (world.unpause_fails)
        return xsr_fail(err, XSR_E_XEN, "does not unpause");
    world.runs = true;
    if (world.close_at_unpause)
        close(world.close_at_unpause);
    return 0;
}

int xsr_twin_check(struct xensr *x, uint32_t domid, struct xsr_err *err)
{
    (void)x, (void)domid;
    assert_true(world.same_host);
    return world.twin_runs ? xsr_fail(err, XSR_E_XEN, "the twin runs") : 0;
}

static inline struct xensr *open_context(void)
{
    struct xensr *x;

    assert_int_equal(xensr_open(NULL, &x), XENSR_OK);
    return x;
}

#endif
