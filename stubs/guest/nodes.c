/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The xenstore nodes of a new guest, as libxl would have written them, and its
 * introduction to xenstored. Nodes below the domain that a running guest
 * writes itself (features, the suspend event channel) are there as well.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/guest/gi.h"
#include "stubs/xs/xs.h"

#define TRIES    100 /* somebody else's changes in between */
#define PATH_LEN 256

enum root { D, V, L, B, M, N_ROOT }; /* M: the device model's folder */
enum perm { INHERIT, N0, RO, RW };
enum { PV = 1, PVH = 2, HVM = 4, ALL = 7 };

static const struct {
    enum root root;
    const char *name, *value;
    enum perm perm;
    int types;
} fixed[] = {
    {D, "", "", RO, ALL},
    {V, "", "", RO, ALL},
    {L, "", "", N0, ALL},
    {L, "device", "", N0, ALL},
    {D, "cpu", "", RO, ALL},
    {D, "memory", "", RO, ALL},
    {D, "device", "", RO, ALL},
    {D, "device/suspend/event-channel", "", RW, ALL},
    {D, "control", "", RO, ALL},
    {D, "control/shutdown", "", RW, ALL},
    {D, "control/feature-poweroff", "1", RW, ALL},
    {D, "control/feature-reboot", "1", RW, ALL},
    {D, "control/feature-suspend", "1", RW, ALL},
    {D, "control/feature-s3", "", RW, HVM},
    {D, "control/feature-s4", "", RW, HVM},
    {D, "control/sysrq", "", RW, ALL},
    {D, "control/platform-feature-multiprocessor-suspend", "1", INHERIT, ALL},
    {D, "control/platform-feature-xs_reset_watches", "1", INHERIT, ALL},
    {D, "hvmloader", "", RO, HVM},
    {D, "hvmloader/allow-memory-relocate", "0", INHERIT, HVM},
    {D, "hvmloader/bios", "seabios", INHERIT, HVM},
    {D, "data", "", RW, ALL},
    {D, "drivers", "", RW, ALL},
    {D, "feature", "", RW, ALL},
    {D, "attr", "", RW, ALL},
    {D, "error", "", RW, ALL},
    {V, "image/ostype", "linux", INHERIT, PV},
    {V, "image/ostype", "hvm", INHERIT, HVM},
    {V, "rtc/timeoffset", "", INHERIT, HVM},
    {V, "start_time", "0.00", INHERIT, ALL},
    {L, "type", "pv", INHERIT, PV},
    {L, "type", "pvh", INHERIT, PVH},
    {L, "type", "hvm", INHERIT, HVM},
    {L, "dm-version", "qemu_xen", INHERIT, ALL},
    {M, "", "", N0, HVM},
    {D, "console", "", RO, ALL},
    {D, "console/limit", "1048576", INHERIT, ALL},
    {D, "console/type", "xenconsoled", INHERIT, ALL},
    {D, "console/output", "pty", INHERIT, ALL},
    {D, "console/tty", "", INHERIT, ALL},
};

struct writer {
    struct xsr_store *xs;
    uint32_t txn, domid;
    char root[N_ROOT][PATH_LEN];
    int rc; /* sticky, errno stays */
};

static void set_perms(struct writer *w, const char *path, enum perm perm)
{
    struct xsr_store_perm p[2] = {{0, 0}, {w->domid, XSR_STORE_READ}};

    if (perm == RW)
        p[0].id = w->domid;
    w->rc = xsr_store_set_perms(w->xs, w->txn, path, p, perm == RO ? 2 : 1);
}

static void put(struct writer *w, enum root root, const char *name,
                const char *value, enum perm perm)
{
    char path[2 * PATH_LEN];

    if (w->rc)
        return;
    snprintf(path, sizeof(path), "%s%s%s", w->root[root], *name ? "/" : "",
             name);
    w->rc = xsr_store_write(w->xs, w->txn, path, value, strlen(value));
    if (!w->rc && perm != INHERIT)
        set_perms(w, path, perm);
}

static void put_number(struct writer *w, enum root root, const char *name,
                       uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    put(w, root, name, text, INHERIT);
}

static void put_console(struct writer *w, enum root root, const char *below)
{
    static const char *const rows[][2] = {
        {"online", "1"}, {"state", "1"}, {"protocol", "vt100"}};
    char path[2 * PATH_LEN], name[64];
    size_t i;

    put(w, root, below, "", root == L ? N0 : RO);
    snprintf(path, sizeof(path), "%s/console", w->root[D]);
    snprintf(name, sizeof(name), "%s%sfrontend", below, *below ? "/" : "");
    put(w, root, name, path, INHERIT);
    snprintf(name, sizeof(name), "%s%sfrontend-id", below, *below ? "/" : "");
    put_number(w, root, name, w->domid);
    for (i = 0; i < XSR_ARRAY_LEN(rows); i++) {
        snprintf(name, sizeof(name), "%s%s%s", below, *below ? "/" : "",
                 rows[i][0]);
        put(w, root, name, rows[i][1], INHERIT);
    }
}

static void put_all(struct writer *w, const struct xsr_birth *b)
{
    int type = 1 << b->spec->type;
    uint64_t video = type == HVM ? 8192 : 0;
    char name[48], uuid[37];
    uint32_t i;

    for (i = 0; i < XSR_ARRAY_LEN(fixed); i++)
        if (fixed[i].types & type)
            put(w, fixed[i].root, fixed[i].name, fixed[i].value, fixed[i].perm);
    put(w, D, "vm", w->root[V], INHERIT);
    put(w, D, "name", b->spec->name, INHERIT);
    put(w, V, "name", b->spec->name, INHERIT);
    snprintf(uuid, sizeof(uuid), "%s", w->root[V] + strlen("/vm/"));
    put(w, V, "uuid", uuid, INHERIT);
    put_number(w, D, "memory/static-max", b->spec->memory_mib * 1024);
    put_number(w, D, "memory/target", b->spec->memory_mib * 1024 - video);
    put_number(w, D, "memory/videoram", video);
    put_number(w, D, "domid", w->domid);
    put_number(w, D, "store/port", b->store_port);
    put_number(w, D, "store/ring-ref", b->store_gfn);
    for (i = 0; i < b->spec->n_vcpus; i++) {
        snprintf(name, sizeof(name), "cpu/%u/availability", i);
        put(w, D, name, "online", INHERIT);
    }
    put(w, D, "console/backend", w->root[B], INHERIT);
    put_number(w, D, "console/backend-id", 0);
    put_number(w, D, "console/port", b->console_port);
    put_number(w, D, "console/ring-ref", b->console_gfn);
    put_console(w, B, "");
    put_console(w, L, "device/console/0");
    put(w, L, "device/console/0/backend", w->root[B], INHERIT);
}

static void name_roots(struct writer *w, const struct xsr_birth *b)
{
    const uint8_t *u = b->spec->uuid;

    w->domid = b->d->domid;
    snprintf(w->root[D], PATH_LEN, "/local/domain/%u", w->domid);
    snprintf(w->root[V], PATH_LEN,
             "/vm/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
             "%02x%02x%02x%02x%02x%02x",
             u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10],
             u[11], u[12], u[13], u[14], u[15]);
    snprintf(w->root[L], PATH_LEN, "/libxl/%u", w->domid);
    snprintf(w->root[B], PATH_LEN, "/local/domain/0/backend/console/%u/0",
             w->domid);
    snprintf(w->root[M], PATH_LEN, "/local/domain/0/device-model/%u", w->domid);
}

static int remove_old(struct writer *w, enum root root)
{
    int rc = xsr_store_rm(w->xs, w->txn, w->root[root]);

    return rc && errno == ENOENT ? 0 : rc;
}

/* A name is one domain's; xl and libxl rely on it. */
static int check_name(struct writer *w, const char *name, struct xsr_err *err)
{
    xsr_auto_free char **ids = NULL;
    char path[PATH_LEN];
    unsigned i, n = 0;

    if (xsr_store_directory(w->xs, w->txn, "/local/domain", &ids, &n))
        return errno == ENOENT ? 0 : -1;
    for (i = 0; i < n; i++) {
        xsr_auto_free char *other = NULL;

        snprintf(path, sizeof(path), "/local/domain/%.16s/name", ids[i]);
        if (xsr_store_read(w->xs, w->txn, path, &other, NULL) == 0 &&
            strcmp(other, name) == 0)
            return xsr_fail(err, XSR_E_XEN,
                            "the name \"%s\" is in use by domain %.16s: "
                            "destroy that one, or give this one another name",
                            name, ids[i]);
    }
    return 0;
}

static int write_all(struct writer *w, struct xsr_birth *b, struct xsr_err *err)
{
    int i, keep;

    for (i = 0; i < TRIES; i++) {
        w->rc = 0;
        if (xsr_store_txn_start(w->xs, &w->txn))
            return -1;
        if (remove_old(w, D) || remove_old(w, V) || remove_old(w, L) ||
            remove_old(w, M) || check_name(w, b->spec->name, err))
            w->rc = -1;
        put_all(w, b);
        keep = errno;
        if (xsr_store_txn_end(w->xs, w->txn, w->rc != 0) == 0) {
            errno = keep;
            return w->rc;
        }
        if (errno != EAGAIN)
            return -1;
    }
    return -1;
}

int xsr_birth_nodes(struct xsr_birth *b, struct xsr_err *err)
{
    struct writer w = {0};
    int rc = -1;

    name_roots(&w, b);
    if (xsr_store_open(&w.xs) == 0) {
        rc = write_all(&w, b, err);
        if (rc == 0)
            rc =
                xsr_store_introduce(w.xs, w.domid, b->store_gfn, b->store_port);
        if (rc && err->kind == XSR_E_OK)
            xsr_fail_sys(err, XSR_E_XEN, errno, "xenstore nodes of \"%s\"",
                         b->spec->name);
        if (rc) { /* what a failed introduction leaves */
            w.txn = 0;
            remove_old(&w, D);
            remove_old(&w, V);
            remove_old(&w, L);
            remove_old(&w, M);
        }
    } else {
        xsr_fail_sys(err, XSR_E_XEN, errno, "opening the host's xenstore");
    }
    xsr_store_close(w.xs);
    return rc ? -1 : 0;
}
