/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxenstore.so.4 of the simulated host: the symbols that toolstacks call,
 * each one line over stubs/xs/xs.h. There is no daemon behind it and no
 * socket; a handle is a connection to the host that XENSR_SIM_DIR names.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include "stubs/world/world.h"
#include "stubs/xs/xs.h"

#pragma GCC visibility push(default)

/* struct xs_handle is opaque to callers and ours to define. */
static struct xsr_store *conn(struct xs_handle *h)
{
    return (struct xsr_store *)h;
}

struct xs_handle *xs_open(unsigned long flags)
{
    struct xsr_store *xs;

    (void)flags; /* filtering after xs_unwatch is always on */
    return xsr_store_open(&xs) ? NULL : (struct xs_handle *)xs;
}

void xs_close(struct xs_handle *h)
{
    xsr_store_close(conn(h));
}

struct xs_handle *xs_daemon_open(void)
{
    return xs_open(0);
}

struct xs_handle *xs_daemon_open_readonly(void)
{
    return xs_open(XS_OPEN_READONLY);
}

struct xs_handle *xs_domain_open(void)
{
    return xs_open(0);
}

void xs_daemon_close(struct xs_handle *h)
{
    xs_close(h);
}

void xs_daemon_destroy_postfork(struct xs_handle *h)
{
    xs_close(h);
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
                    unsigned int *num)
{
    char **names;

    return xsr_store_directory(conn(h), t, path, &names, num) ? NULL : names;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
              unsigned int *len)
{
    char *value;

    return xsr_store_read(conn(h), t, path, &value, len) ? NULL : value;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
              const void *data, unsigned int len)
{
    return !xsr_store_write(conn(h), t, path, data, len);
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    return !xsr_store_mkdir(conn(h), t, path);
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    return !xsr_store_rm(conn(h), t, path);
}

struct xs_permissions *xs_get_permissions(struct xs_handle *h,
                                          xs_transaction_t t, const char *path,
                                          unsigned int *num)
{
    struct xs_permissions *out;
    struct xsr_store_perm *perms;

    if (xsr_store_get_perms(conn(h), t, path, &perms, num))
        return NULL;
    out = calloc(*num, sizeof(*out));
    for (unsigned i = 0; out && i < *num; i++)
        out[i] = (struct xs_permissions){perms[i].id, perms[i].bits};
    free(perms);
    return out;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t,
                        const char *path, struct xs_permissions *perms,
                        unsigned int num_perms)
{
    struct xsr_store_perm *list = calloc(num_perms + 1u, sizeof(*list));
    int rc;

    if (!list)
        return false;
    for (unsigned i = 0; i < num_perms; i++)
        list[i] = (struct xsr_store_perm){perms[i].id, perms[i].perms};
    rc = xsr_store_set_perms(conn(h), t, path, list, num_perms);
    free(list);
    return !rc;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    return !xsr_store_watch(conn(h), path, token);
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
    return !xsr_store_unwatch(conn(h), path, token);
}

int xs_fileno(struct xs_handle *h)
{
    return xsr_store_fileno(conn(h));
}

char **xs_check_watch(struct xs_handle *h)
{
    char **event;

    return xsr_store_next_event(conn(h), false, &event) ? NULL : event;
}

char **xs_read_watch(struct xs_handle *h, unsigned int *num)
{
    char **event;

    if (xsr_store_next_event(conn(h), true, &event))
        return NULL;
    *num = 2;
    return event;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
    uint32_t txn;

    return xsr_store_txn_start(conn(h), &txn) ? XBT_NULL : txn;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
    return !xsr_store_txn_end(conn(h), t, abort);
}

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
                         unsigned long mfn, unsigned int eventchn)
{
    return !xsr_store_introduce(conn(h), domid, mfn, eventchn);
}

bool xs_set_target(struct xs_handle *h, unsigned int domid, unsigned int target)
{
    return !xsr_store_set_target(conn(h), domid, target);
}

bool xs_resume_domain(struct xs_handle *h, unsigned int domid)
{
    return !xsr_store_resume(conn(h), domid);
}

bool xs_release_domain(struct xs_handle *h, unsigned int domid)
{
    return !xsr_store_release(conn(h), domid);
}

char *xs_get_domain_path(struct xs_handle *h, unsigned int domid)
{
    char *path;

    (void)h;
    return asprintf(&path, "/local/domain/%u", domid) < 0 ? NULL : path;
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
    return xsr_store_introduced(conn(h), domid);
}

bool xs_path_is_subpath(const char *parent, const char *child)
{
    size_t n = strlen(parent);

    return !strncmp(parent, child, n) && (child[n] == '/' || !child[n]);
}

bool xs_restrict(struct xs_handle *h, unsigned domid)
{
    (void)h;
    (void)domid;
    errno = ENOSYS; /* as in every release that still has it */
    return false;
}

char *xs_control_command(struct xs_handle *h, const char *cmd, void *data,
                         unsigned int len)
{
    (void)h;
    (void)cmd;
    (void)data;
    (void)len;
    xsr_sim_enosys("xs_control_command");
    return NULL;
}

char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data,
                       unsigned int len)
{
    return xs_control_command(h, cmd, data, len);
}

int xs_suspend_evtchn_port(int domid)
{
    struct xs_handle *h = xs_open(0);
    char path[128], *text;
    int port = -1;

    if (!h)
        return -1;
    snprintf(path, sizeof(path),
             "/local/domain/%d/device/suspend/event-channel", domid);
    text = xs_read(h, XBT_NULL, path, NULL);
    if (text && *text)
        port = (int)strtol(text, NULL, 10);
    free(text);
    xs_close(h);
    return port;
}

/* ---- what the library offers to a daemon and its tools ------------------- */

const char *xs_daemon_rundir(void)
{
    const char *dir = getenv("XENSTORED_RUNDIR");

    return dir ? dir : "/var/run/xenstored";
}

const char *xs_daemon_socket(void)
{
    static char path[4096];
    const char *env = getenv("XENSTORED_PATH");

    if (env)
        return env;
    snprintf(path, sizeof(path), "%s/socket", xs_daemon_rundir());
    return path;
}

const char *xs_daemon_socket_ro(void)
{
    return xs_daemon_socket();
}

bool xs_write_all(int fd, const void *data, unsigned int len)
{
    const char *p = data;

    while (len) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (unsigned)n;
    }
    return true;
}

/* One entry: a letter and a number, "r5". */
static bool one_perm(const char *text, struct xs_permissions *out)
{
    static const char letters[] = "nrwb";
    const char *at = *text ? strchr(letters, *text) : NULL;
    char *end;
    unsigned long id;

    if (!at || text[1] < '0' || text[1] > '9') {
        errno = EINVAL;
        return false;
    }
    id = strtoul(text + 1, &end, 10);
    if (*end || id > 0xffff) {
        errno = EINVAL;
        return false;
    }
    out->id = (unsigned)id;
    out->perms = (unsigned)(at - letters); /* none, read, write, both */
    return true;
}

bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num,
                         const char *strings)
{
    for (unsigned i = 0; i < num; i++) {
        if (!one_perm(strings, &perms[i]))
            return false;
        strings += strlen(strings) + 1;
    }
    return true;
}

#pragma GCC visibility pop
