/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The xenstore nodes of a domain that no libxl looks after: a skeleton before
 * the stream, ports and frames and the console after it, and all of it away
 * again. The nodes are rows of tables; which values and permissions they have
 * is what libxl gives them (docs/formats/bare-domain.md).
 *
 * Three roots: D /local/domain/N, V /vm/UUID (vm_path.h), L /libxl/N, and the
 * console's backend directory B.
 */
#include "plugin/host/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/util.h"
#include "plugin/host/config.h"
#include "plugin/host/vm_path.h"

enum root { D, V, L, B, P, N_ROOT }; /* P: L's copy of the console backend */

enum {
    PV = 1 << XENSR_PV,
    PVH = 1 << XENSR_PVH,
    HVM = 1 << XENSR_HVM,
    ALL = PV | PVH | HVM
};

struct node {
    enum root root;
    const char *name;  /* "" = the root itself */
    const char *value; /* NULL: computed where the table is used */
    enum xsr_xs_perm perm;
    int types;
};

/* ---- tables ------------------------------------------------------------- */

static const struct node skeleton[] = {
    {D, "", "", XSR_XS_RO, ALL},
    {V, "", "", XSR_XS_RO, ALL},
    {L, "", "", XSR_XS_N0, ALL},
    {L, "device", "", XSR_XS_N0, ALL},
    {D, "cpu", "", XSR_XS_RO, ALL},
    {D, "memory", "", XSR_XS_RO, ALL},
    {D, "device", "", XSR_XS_RO, ALL},
    {D, "device/suspend/event-channel", "", XSR_XS_RW, ALL},
    {D, "control", "", XSR_XS_RO, ALL},
    {D, "control/shutdown", "", XSR_XS_RW, ALL},
    {D, "control/feature-poweroff", "", XSR_XS_RW, ALL},
    {D, "control/feature-reboot", "", XSR_XS_RW, ALL},
    {D, "control/feature-suspend", "", XSR_XS_RW, ALL},
    {D, "control/feature-s3", "", XSR_XS_RW, HVM},
    {D, "control/feature-s4", "", XSR_XS_RW, HVM},
    {D, "control/sysrq", "", XSR_XS_RW, ALL},
    {D, "control/platform-feature-multiprocessor-suspend", "1", XSR_XS_INHERIT,
     ALL},
    {D, "control/platform-feature-xs_reset_watches", "1", XSR_XS_INHERIT, ALL},
    {D, "hvmloader", "", XSR_XS_RO, HVM},
    {D, "hvmloader/allow-memory-relocate", "0", XSR_XS_INHERIT, HVM},
    {D, "data", "", XSR_XS_RW, ALL},
    {D, "drivers", "", XSR_XS_RW, ALL},
    {D, "feature", "", XSR_XS_RW, ALL},
    {D, "attr", "", XSR_XS_RW, ALL},
    {D, "error", "", XSR_XS_RW, ALL},
    {V, "image/ostype", "linux", XSR_XS_INHERIT, PV},
    {V, "image/ostype", "hvm", XSR_XS_INHERIT, HVM},
    {V, "rtc/timeoffset", "", XSR_XS_INHERIT, HVM},
    {L, "type", "pv", XSR_XS_INHERIT, PV},
    {L, "type", "pvh", XSR_XS_INHERIT, PVH},
    {L, "type", "hvm", XSR_XS_INHERIT, HVM},
    {L, "dm-version", "qemu_xen", XSR_XS_INHERIT, ALL},
};

/*
 * Parents that we may be the first to write below; inner before outer ones.
 * The first N_DOMAINS_ROOTS are only ever there for domains.
 */
enum { N_DOMAINS_ROOTS = 3 };
static const char *const shared_roots[] = {
    "/local/domain/0/backend/console",
    "/local/domain/0/backend",
    "/local/domain/0/device-model",
    "/vm",
    "/libxl",
    "/local/domain/0",
    "/local/domain",
    "/local",
};
_Static_assert(XSR_SKELETON_DOMAINS_ROOTS == (1u << N_DOMAINS_ROOTS) - 1,
               "bits of the first roots");

/* ---- writing ------------------------------------------------------------ */

static int refuse_used(const char *what, const char *value, const char *by,
                       const char *cure, struct xsr_err *err)
{
    return xsr_fail(err, XSR_E_XEN,
                    "the %s \"%s\" is in use by domain %.16s: destroy that "
                    "one%s",
                    what, value, by, cure);
}

/*
 * No domain but twin (0: none) may have the name, and none the path /vm/UUID
 * (NULL: not asked).
 */
static int check_others(struct xsr_xs *xs, const char *name, uint32_t twin,
                        const char *vm, struct xsr_err *err)
{
    xsr_auto_free char **domains = NULL;
    char path[XSR_XS_PATH];
    unsigned i, n;

    if (xsr_xs_list(xs, "/local/domain", &domains, &n, err) < 0)
        return -1;
    for (i = 0; i < n; i++) {
        xsr_auto_free char *its_name = NULL, *its_vm = NULL;

        snprintf(path, sizeof(path), "/local/domain/%.16s/name", domains[i]);
        if (xsr_xs_read(xs, path, &its_name, err) < 0)
            return -1;
        if (vm && xsr_vm_path_read(xs, domains[i], &its_vm, err) < 0)
            return -1;
        if (its_vm && strcmp(its_vm, vm) == 0)
            return refuse_used("UUID", vm + strlen("/vm/"), domains[i],
                               " first", err);
        if (its_name && strcmp(its_name, name) == 0 &&
            (!twin || strtoul(domains[i], NULL, 10) != twin))
            return refuse_used("name", name, domains[i],
                               ", or give this one another name", err);
    }
    return 0;
}

struct writer {
    struct xsr_xs *xs;
    const struct xsr_bare *b;
    char root[N_ROOT][XSR_XS_PATH];
    struct xsr_err *err;
    int rc; /* sticky: after the first failure nothing is written */
};

static void writer_init(struct writer *w, struct xsr_xs *xs,
                        const struct xsr_bare *b, struct xsr_err *err)
{
    memset(w, 0, sizeof(*w));
    w->xs = xs;
    w->b = b;
    w->err = err;
    snprintf(w->root[D], XSR_XS_PATH, "/local/domain/%u", b->domid);
    snprintf(w->root[V], XSR_XS_PATH, "%s", b->vm_path);
    snprintf(w->root[L], XSR_XS_PATH, "/libxl/%u", b->domid);
    snprintf(w->root[B], XSR_XS_PATH, "/local/domain/%u/backend/console/%u/0",
             b->console_domid, b->domid);
    snprintf(w->root[P], XSR_XS_PATH, "/libxl/%u/device/console/0", b->domid);
}

static void put(struct writer *w, enum root root, const char *name,
                enum xsr_xs_perm perm, const char *value)
{
    char path[2 * XSR_XS_PATH];

    if (w->rc < 0)
        return;
    snprintf(path, sizeof(path), "%s%s%s", w->root[root], *name ? "/" : "",
             name);
    w->rc = xsr_xs_write(w->xs, path, value, w->err);
    if (w->rc == 0)
        w->rc = xsr_xs_set_perm(w->xs, path, perm, w->b->domid, w->err);
}

static void put_number(struct writer *w, enum root root, const char *name,
                       enum xsr_xs_perm perm, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    put(w, root, name, perm, text);
}

static int write_skeleton(struct xsr_xs *xs, void *ctx, struct xsr_err *err)
{
    const struct xsr_bare *b = ctx;
    int type = 1 << b->config->type;
    char path[XSR_XS_PATH];
    struct writer w;
    size_t i;

    writer_init(&w, xs, b, err);
    /* leftovers of an earlier domain of this number are not the guest's */
    for (i = D; i <= L && w.rc == 0; i++)
        w.rc = xsr_xs_rm(xs, w.root[i], err);
    /* asked before, but others may restore the same image: of those who have
       come as far as this, the first to commit has it */
    if (w.rc == 0)
        w.rc = check_others(xs, b->config->name, 0, w.root[V], err);
    for (i = 0; i < XSR_ARRAY_LEN(skeleton); i++)
        if (skeleton[i].types & type)
            put(&w, skeleton[i].root, skeleton[i].name, skeleton[i].perm,
                skeleton[i].value);
    put(&w, D, "vm", XSR_XS_INHERIT, w.root[V]);
    put(&w, D, "name", XSR_XS_INHERIT, b->config->name);
    put(&w, V, "name", XSR_XS_INHERIT, b->config->name);
    put(&w, V, "uuid", XSR_XS_INHERIT, b->config->uuid_text);
    if (b->config->type == XENSR_HVM) {
        put(&w, D, "hvmloader/bios", XSR_XS_INHERIT, b->config->bios);
        /* empty: a leftover would be taken for the new device model's */
        snprintf(path, sizeof(path), "/local/domain/0/device-model/%u",
                 b->domid);
        if (w.rc == 0)
            w.rc = xsr_xs_rm(xs, path, err);
        if (w.rc == 0)
            w.rc = xsr_xs_write(xs, path, "", err);
        if (w.rc == 0)
            w.rc = xsr_xs_set_perm(xs, path, XSR_XS_N0, b->domid, err);
    }
    return w.rc;
}

int xsr_skeleton_write(struct xsr_xs *xs, const struct xsr_bare *b,
                       struct xsr_err *err)
{
    return xsr_xs_transact(xs, "xenstore skeleton", write_skeleton, (void *)b,
                           err);
}

/* What follows from memory, vCPUs and the store's page and port. */
static void put_build_nodes(struct writer *w)
{
    const struct xsr_config *c = w->b->config;
    struct timespec now;
    char name[48], text[48];
    uint32_t i;

    put_number(w, D, "memory/static-max", XSR_XS_INHERIT, c->max_memkb);
    /* the balloon driver of an HVM guest does not count video memory */
    put_number(w, D, "memory/target", XSR_XS_INHERIT,
               c->target_memkb - c->video_memkb);
    put_number(w, D, "memory/videoram", XSR_XS_INHERIT, c->video_memkb);
    put_number(w, D, "domid", XSR_XS_INHERIT, w->b->domid);
    put_number(w, D, "store/port", XSR_XS_INHERIT, w->b->store_port);
    put_number(w, D, "store/ring-ref", XSR_XS_INHERIT, w->b->store_gfn);
    for (i = 0; i < c->max_vcpus; i++) {
        snprintf(name, sizeof(name), "cpu/%u/availability", i);
        put(w, D, name, XSR_XS_INHERIT,
            xsr_config_vcpu_online(c, i) ? "online" : "offline");
    }
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(text, sizeof(text), "%lld.%02ld", (long long)now.tv_sec,
             now.tv_nsec / 10000000);
    put(w, V, "start_time", XSR_XS_INHERIT, text);
}

/* The console's backend directory, and libxl's private copy of it. */
static void put_console_backend(struct writer *w, enum root root)
{
    char frontend[XSR_XS_PATH];

    snprintf(frontend, sizeof(frontend), "/local/domain/%u/console",
             w->b->domid);
    put(w, root, "frontend", XSR_XS_INHERIT, frontend);
    if (root == P)
        put(w, root, "backend", XSR_XS_INHERIT, w->root[B]);
    put_number(w, root, "frontend-id", XSR_XS_INHERIT, w->b->domid);
    put(w, root, "online", XSR_XS_INHERIT, "1");
    put(w, root, "state", XSR_XS_INHERIT, "1");
    put(w, root, "protocol", XSR_XS_INHERIT, "vt100");
}

static void put_console_nodes(struct writer *w)
{
    put(w, D, "console", XSR_XS_RO, "");
    put(w, D, "console/backend", XSR_XS_INHERIT, w->root[B]);
    put_number(w, D, "console/backend-id", XSR_XS_RW_R0, w->b->console_domid);
    put(w, D, "console/limit", XSR_XS_INHERIT, "1048576");
    put(w, D, "console/type", XSR_XS_INHERIT, "xenconsoled");
    put(w, D, "console/output", XSR_XS_INHERIT, "pty");
    put(w, D, "console/tty", XSR_XS_INHERIT, "");
    put_number(w, D, "console/port", XSR_XS_INHERIT, w->b->console_port);
    put_number(w, D, "console/ring-ref", XSR_XS_INHERIT, w->b->console_gfn);
    put(w, B, "", XSR_XS_RO, "");
    put_console_backend(w, B);
    put(w, P, "", XSR_XS_N0, "");
    put_console_backend(w, P);
}

static int write_finish(struct xsr_xs *xs, void *ctx, struct xsr_err *err)
{
    struct writer w;

    writer_init(&w, xs, ctx, err);
    put_build_nodes(&w);
    put_console_nodes(&w);
    return w.rc;
}

int xsr_skeleton_finish(struct xsr_xs *xs, const struct xsr_bare *b,
                        struct xsr_err *err)
{
    return xsr_xs_transact(xs, "xenstore nodes of the built domain",
                           write_finish, (void *)b, err);
}

/* ---- asking ------------------------------------------------------------- */

int xsr_skeleton_missing_roots(struct xsr_xs *xs, uint32_t *roots_out,
                               struct xsr_err *err)
{
    uint32_t roots = 0;
    size_t i;

    for (i = 0; i < XSR_ARRAY_LEN(shared_roots); i++) {
        xsr_auto_free char *value = NULL;

        if (xsr_xs_read(xs, shared_roots[i], &value, err) < 0)
            return -1;
        if (!value)
            roots |= 1u << i;
    }
    *roots_out = roots;
    return 0;
}

static int read_number(struct xsr_xs *xs, const char *path, uint32_t *out,
                       struct xsr_err *err)
{
    xsr_auto_free char *value = NULL;

    *out = 0;
    if (xsr_xs_read(xs, path, &value, err) < 0)
        return -1;
    if (value)
        *out = (uint32_t)strtoul(value, NULL, 10);
    return 0;
}

int xsr_skeleton_daemons(struct xsr_xs *xs, uint32_t *store_domid_out,
                         uint32_t *console_domid_out, struct xsr_err *err)
{
    if (read_number(xs, "/tool/xenstored/domid", store_domid_out, err) < 0)
        return -1;
    return read_number(xs, "/tool/xenconsoled/domid", console_domid_out, err);
}

int xsr_skeleton_check_name(struct xsr_xs *xs, const char *name, uint32_t twin,
                            struct xsr_err *err)
{
    return check_others(xs, name, twin, NULL, err);
}

/* ---- removing ----------------------------------------------------------- */

struct removal {
    uint32_t domid, roots;
};

/* What serves the domain from there, of whatever kind. */
static int remove_backends(struct xsr_xs *xs, uint32_t backend_domid,
                           uint32_t domid, struct xsr_err *err)
{
    xsr_auto_free char **kinds = NULL;
    char top[64], path[XSR_XS_PATH];
    unsigned i, n;

    snprintf(top, sizeof(top), "/local/domain/%u/backend", backend_domid);
    if (xsr_xs_list(xs, top, &kinds, &n, err) < 0)
        return -1;
    for (i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%.64s/%u", top, kinds[i], domid);
        if (xsr_xs_rm(xs, path, err) < 0)
            return -1;
    }
    return 0;
}

static int remove_empty_roots(struct xsr_xs *xs, uint32_t roots,
                              struct xsr_err *err)
{
    size_t i;

    for (i = 0; i < XSR_ARRAY_LEN(shared_roots); i++) {
        xsr_auto_free char **below = NULL;
        unsigned n;

        if (!(roots & 1u << i))
            continue;
        if (xsr_xs_list(xs, shared_roots[i], &below, &n, err) < 0)
            return -1;
        if (n == 0 && xsr_xs_rm(xs, shared_roots[i], err) < 0)
            return -1;
    }
    return 0;
}

static int remove_nodes(struct xsr_xs *xs, void *ctx, struct xsr_err *err)
{
    static const char *const forms[] = {
        "/local/domain/0/device-model/",
        "/local/domain/",
        "/libxl/",
    };
    const struct removal *rm = ctx;
    uint32_t store_domid, console_domid;
    char path[XSR_XS_PATH], vm[XSR_VM_PATH];
    size_t i;

    /* by the node, not by the UUID: that may be another one's by now */
    if (xsr_vm_path_own(xs, rm->domid, vm, err) < 0)
        return -1;
    if (vm[0] && xsr_xs_rm(xs, vm, err) < 0)
        return -1;
    if (xsr_skeleton_daemons(xs, &store_domid, &console_domid, err) < 0 ||
        remove_backends(xs, 0, rm->domid, err) < 0 ||
        (console_domid &&
         remove_backends(xs, console_domid, rm->domid, err) < 0))
        return -1;
    for (i = 0; i < XSR_ARRAY_LEN(forms); i++) {
        snprintf(path, sizeof(path), "%s%u", forms[i], rm->domid);
        if (xsr_xs_rm(xs, path, err) < 0)
            return -1;
    }
    return remove_empty_roots(xs, rm->roots, err);
}

int xsr_skeleton_remove(struct xsr_xs *xs, uint32_t domid, uint32_t roots,
                        struct xsr_err *err)
{
    struct removal rm = {domid, roots};

    return xsr_xs_transact(xs, "removing xenstore nodes", remove_nodes, &rm,
                           err);
}
