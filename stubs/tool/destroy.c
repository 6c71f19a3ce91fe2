/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim destroy`: the domain, then its nodes in xenstore (all of them in
 * one transaction), then its files. Each part may be gone already: a second
 * call finishes what a killed one left.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/util.h"
#include "stubs/tool/create.h"
#include "stubs/world/world.h"

#define TRIES    100 /* somebody else's changes in between */
#define BACKENDS "/local/domain/0/backend"
#define MODELS   "/local/domain/0/device-model"

struct store {
    struct xsr_store *xs;
    uint32_t txn;
    bool found; /* something of the domain was there */
};

static int remove_node(struct store *s, const char *path)
{
    char *value;

    if (xsr_store_read(s->xs, s->txn, path, &value, NULL))
        return errno == ENOENT ? 0 : -1;
    free(value);
    s->found = true;
    return xsr_store_rm(s->xs, s->txn, path);
}

/* A folder that only domains put things into goes with the last of them. */
static int remove_if_empty(struct store *s, const char *path)
{
    char **names;
    unsigned n;

    if (xsr_store_directory(s->xs, s->txn, path, &names, &n))
        return errno == ENOENT ? 0 : -1;
    free(names);
    return n ? 0 : xsr_store_rm(s->xs, s->txn, path);
}

static int remove_backends(struct store *s, uint32_t domid)
{
    char **kinds, path[512];
    unsigned n;
    int rc = 0;

    if (xsr_store_directory(s->xs, s->txn, BACKENDS, &kinds, &n))
        return errno == ENOENT ? 0 : -1;
    for (unsigned i = 0; !rc && i < n; i++) {
        snprintf(path, sizeof(path), BACKENDS "/%.256s/%" PRIu32, kinds[i],
                 domid);
        rc = remove_node(s, path);
        *strrchr(path, '/') = '\0';
        if (!rc)
            rc = remove_if_empty(s, path);
    }
    free(kinds);
    return rc ? rc : remove_if_empty(s, BACKENDS);
}

/* Its /vm node; uuid NULL: the domain itself is gone, ask its nodes. */
static int remove_vm(struct store *s, uint32_t domid, const char *uuid)
{
    char path[64], *vm = NULL;
    int rc;

    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/vm", domid);
    if (xsr_store_read(s->xs, s->txn, path, &vm, NULL)) {
        if (errno != ENOENT)
            return -1;
        vm = NULL;
    }
    snprintf(path, sizeof(path), "/vm/%s", uuid ? uuid : "");
    if (vm && !strncmp(vm, "/vm/", 4) && vm[4])
        rc = remove_node(s, vm);
    else
        rc = uuid ? remove_node(s, path) : 0;
    free(vm);
    return rc;
}

static int remove_all(struct store *s, uint32_t domid, const char *uuid)
{
    static const char *const above[] = {"/local/domain", "/libxl", MODELS};
    char path[64];

    if (remove_vm(s, domid, uuid) || remove_backends(s, domid))
        return -1;
    for (size_t i = 0; i < XSR_ARRAY_LEN(above); i++) {
        snprintf(path, sizeof(path), "%s/%" PRIu32, above[i], domid);
        if (remove_node(s, path))
            return -1;
    }
    return remove_if_empty(s, MODELS);
}

/* 1: nodes were there and are removed; 0: there were none; -1: errno. */
static int clean_store(uint32_t domid, const char *uuid)
{
    struct store s = {NULL, 0, false};
    int rc = -1, keep;

    if (xsr_store_open(&s.xs))
        return -1;
    for (int i = 0; i < TRIES; i++) {
        s.found = false;
        if (xsr_store_txn_start(s.xs, &s.txn))
            break;
        if (remove_all(&s, domid, uuid)) {
            keep = errno;
            xsr_store_txn_end(s.xs, s.txn, true);
            errno = keep;
            break;
        }
        rc = xsr_store_txn_end(s.xs, s.txn, false);
        if (!rc || errno != EAGAIN)
            break;
    }
    keep = errno;
    xsr_store_close(s.xs);
    errno = keep;
    return rc ? -1 : s.found;
}

/* What libxl keeps of a domain: its name has the UUID as well. */
static int remove_userdata(const char *dir, uint32_t domid)
{
    char start[32];
    const struct dirent *e;
    DIR *d = opendir(dir);
    int rc = XSR_SIM_OK;

    if (!d)
        return XSR_SIM_OK;
    snprintf(start, sizeof(start), "userdata-d.%" PRIu32 ".", domid);
    while ((e = readdir(d)) != NULL)
        if (strncmp(e->d_name, start, strlen(start)) == 0 &&
            unlinkat(dirfd(d), e->d_name, 0) && errno != ENOENT)
            rc = xsr_sim_fail("cannot remove %s/%s: %s", dir, e->d_name,
                              strerror(errno));
    closedir(d);
    return rc;
}

/* Emulator's state, configuration, sockets. */
static int remove_files(uint32_t domid)
{
    static const struct {
        const char *variable, *below, *prefix, *suffix;
    } files[] = {
        {"XENSR_DM_DIR", "dm", "qemu-resume.", ""},
        {"XENSR_DM_DIR", "dm", "qemu-save.", ""},
        {"XENSR_STATE_DIR", "state", "", ".json"},
        {"XENSR_RUN_DIR", "run", "qmp-libxl-", ""},
        {"XENSR_RUN_DIR", "run", "qmp-libxenstat-", ""},
    };
    struct xsr_err err = XSR_ERR_INIT;
    const char *host = xsr_sim_dir(&err);
    char path[8192];

    for (size_t i = 0; host && i < XSR_ARRAY_LEN(files); i++) {
        const char *dir = getenv(files[i].variable);

        snprintf(path, sizeof(path), "%.4000s%s%s", dir ? dir : host,
                 dir ? "" : "/", dir ? "" : files[i].below);
        if (i == 0 && remove_userdata(path, domid))
            return XSR_SIM_LOOK;
        snprintf(path + strlen(path), 64, "/%s%" PRIu32 "%s", files[i].prefix,
                 domid, files[i].suffix);
        if (unlink(path) && errno != ENOENT && errno != ENOTDIR)
            return xsr_sim_fail("cannot remove %s: %s", path, strerror(errno));
    }
    return XSR_SIM_OK;
}

int xsr_sim_destroy(uint32_t domid)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_hv_domain d;
    char uuid[37];
    bool alive;
    int rc;

    if (xsr_hv_open(&err))
        return xsr_sim_fail("%s", err.text);
    xsr_dm_end(xsr_dm_of(domid));
    alive = xsr_hv_next_domain(domid, &d) == 0 && d.domid == domid;
    if (alive) {
        xsr_sim_uuid(&d, uuid);
        rc = xsr_hv_destroy(domid);
        if (rc < 0)
            return xsr_sim_fail("domain %" PRIu32 " cannot be destroyed: %s",
                                domid, strerror(-rc));
    }
    rc = clean_store(domid, alive ? uuid : NULL);
    if (rc < 0) {
        xsr_sim_fail("nodes of domain %" PRIu32 " are left in xenstore: %s; "
                     "repeat the command",
                     domid, strerror(errno));
        return XSR_SIM_LOOK;
    }
    if (remove_files(domid))
        return XSR_SIM_LOOK;
    if (!alive && !rc)
        return xsr_sim_find_domain(domid, &d); /* says that it is not there */
    return XSR_SIM_OK;
}

int xsr_sim_cmd_destroy(int argc, char **argv)
{
    uint32_t domid = 0;
    int rc = xsr_sim_words(argc, argv, 1, 1);

    if (!rc)
        rc = xsr_sim_domid(argv[1], &domid);
    if (!rc && !domid)
        rc = xsr_sim_usage("domain 0 is the host itself (see reset)");
    return rc ? rc : xsr_sim_destroy(domid);
}
