/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptors that a client has handed over, in numbered sets, and the names
 * /dev/fdset/N under which commands use them. Called by command.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stubs/dm/command.h"

#define FDSET "/dev/fdset/"

static void remove_one(struct xsr_dm_fdset **at)
{
    struct xsr_dm_fdset *f = *at;

    *at = f->next;
    close(f->fd);
    free(f->opaque);
    free(f);
}

void xsr_dm_fdsets_clear(struct xsr_dm *dm)
{
    while (dm->fdsets)
        remove_one(&dm->fdsets);
}

static bool fdset_used(const struct xsr_dm *dm, int64_t id)
{
    const struct xsr_dm_fdset *f = dm->fdsets;

    while (f && f->id != id)
        f = f->next;
    return f != NULL;
}

int xsr_dm_open_name(struct xsr_dm *dm, const char *name, int flags)
{
    const struct xsr_dm_fdset *f;
    int64_t id;

    if (strncmp(name, FDSET, strlen(FDSET)))
        return open(name, flags | O_CLOEXEC, 0660);
    id = strtoll(name + strlen(FDSET), NULL, 10);
    errno = fdset_used(dm, id) ? EACCES : ENOENT;
    for (f = dm->fdsets; f; f = f->next)
        if (f->id == id &&
            (fcntl(f->fd, F_GETFL) & O_ACCMODE) == (flags & O_ACCMODE))
            return fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
    return -1;
}

json_t *xsr_dm_cmd_add_fd(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                          const json_t *args)
{
    const json_t *wanted = json_object_get(args, "fdset-id");
    const json_t *opaque = json_object_get(args, "opaque");
    int fd = xsr_dm_take_fd(conn);
    struct xsr_dm_fdset *f;
    int64_t id = 0;

    if (fd < 0)
        return xsr_dm_error(XSR_DM_GENERIC,
                            "No file descriptor supplied via SCM_RIGHTS");
    if (wanted)
        id = json_integer_value(wanted);
    else
        while (fdset_used(dm, id))
            id++;
    f = id < 0 ? NULL : calloc(1, sizeof(*f));
    if (!f) {
        close(fd);
        return xsr_dm_error(XSR_DM_GENERIC, "Parameter 'fdset-id' expects a "
                                            "non-negative value");
    }
    f->id = id;
    f->fd = fd;
    f->opaque = opaque ? strdup(json_string_value(opaque)) : NULL;
    f->next = dm->fdsets;
    dm->fdsets = f;
    return xsr_dm_result(
        json_pack("{s:I,s:i}", "fdset-id", (json_int_t)id, "fd", fd));
}

json_t *xsr_dm_cmd_remove_fd(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                             const json_t *args)
{
    int64_t id = json_integer_value(json_object_get(args, "fdset-id"));
    const json_t *fd = json_object_get(args, "fd");
    struct xsr_dm_fdset **at = &dm->fdsets;
    bool found = false;

    (void)conn;
    while (*at) {
        if ((*at)->id == id && (!fd || (*at)->fd == json_integer_value(fd))) {
            remove_one(at);
            found = true;
        } else {
            at = &(*at)->next;
        }
    }
    if (!found)
        return xsr_dm_error(XSR_DM_GENERIC,
                            "File descriptor named 'fdset-id:%lld' not found",
                            (long long)id);
    return xsr_dm_result(NULL);
}

json_t *xsr_dm_cmd_query_fdsets(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                                const json_t *args)
{
    json_t *list = json_array();
    const struct xsr_dm_fdset *f;

    (void)conn;
    (void)args;
    for (f = dm->fdsets; f; f = f->next)
        json_array_append_new(list,
                              json_pack("{s:I,s:[{s:i}]}", "fdset-id",
                                        (json_int_t)f->id, "fds", "fd", f->fd));
    return xsr_dm_result(list);
}
