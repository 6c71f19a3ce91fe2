/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a save goes. A regular file is written without a name (O_TMPFILE), or
 * where the file system cannot do that, under a name of its own beside the
 * target; whoever is killed in between leaves at most that. Its name is given
 * last, after everything reached the disk, by rename(): a file of that name
 * stays whole until then. Used by save.c.
 */
#include "tools/target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/fs.h>

#include "lib/fd.h"
#include "tools/tools.h"

#define MEMORY_DEVICES 1 /* major number of /dev/null and its like */
#define MAX_TRIES      100
#define READER_MS      20

/* ---- opening --------------------------------------------------------------
 */

/* A name beside the target that nobody else has. */
static char *part_name(const char *name, unsigned try)
{
    char *part;

    if (asprintf(&part, ".%.200s.%d.%u.part", name, (int)getpid(), try) < 0)
        return NULL;
    return part;
}

static int create_part(struct xsr_target *t)
{
    unsigned try;

    for (try = 0; try < MAX_TRIES; try++) {
        free(t->part);
        t->part = part_name(t->name, try);
        if (!t->part)
            return -1;
        t->fd =
            openat(t->folder, t->part,
                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (t->fd >= 0 || errno != EEXIST)
            break;
    }
    if (t->fd < 0) {
        free(t->part);
        t->part = NULL;
    }
    return t->fd < 0 ? -1 : 0;
}

static int create_file(struct xsr_target *t, struct xsr_err *err)
{
    t->fd = openat(t->folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    if (t->fd < 0 && errno != EACCES && errno != EROFS && errno != ENOSPC &&
        create_part(t) == 0)
        return 0;
    if (t->fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "cannot create a file beside %s", t->shown);
    return 0;
}

/* path: of a file, or of nothing yet. */
static int open_beside(struct xsr_target *t, const char *path,
                       struct xsr_err *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];

    if (slash)
        snprintf(folder, sizeof(folder), "%.*s",
                 slash == path ? 1 : (int)(slash - path), path);
    else
        snprintf(folder, sizeof(folder), ".");
    t->replaces = true;
    t->name = strdup(slash ? slash + 1 : path);
    if (!t->name)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a file name");
    if (!*t->name)
        return xsr_fail(err, XSR_E_IO,
                        "%s is the name of a folder; name a file in it",
                        t->shown);
    t->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->folder < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "cannot open the folder of %s", t->shown);
    return create_file(t, err);
}

/* A pipe or a device is written as it is. */
static int open_special(struct xsr_target *t, const char *path,
                        const struct stat *st, struct xsr_err *err)
{
    t->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (t->fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open %s", t->shown);
    t->discards = S_ISCHR(st->st_mode) && major(st->st_rdev) == MEMORY_DEVICES;
    if (isatty(t->fd))
        return xsr_fail(err, XSR_E_IO, "%s is a terminal: name a file",
                        t->shown);
    return 0;
}

static int open_standard_output(struct xsr_target *t, struct xsr_err *err)
{
    if (isatty(STDOUT_FILENO))
        return xsr_fail(err, XSR_E_IO,
                        "standard output is a terminal: name a file, or send "
                        "it into a pipe");
    t->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (t->fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open %s", t->shown);
    return 0;
}

static int open_path(struct xsr_target *t, const char *path,
                     struct xsr_err *err)
{
    char resolved[PATH_MAX];
    struct stat st;

    if (strcmp(path, "-") == 0)
        return open_standard_output(t, err);
    if (stat(path, &st) < 0) {
        if (errno != ENOENT)
            return xsr_fail_sys(err, XSR_E_IO, errno, "cannot look at %s",
                                t->shown);
        if (lstat(path, &st) == 0)
            return xsr_fail(err, XSR_E_IO,
                            "%s is a symbolic link to nothing: remove it, or "
                            "name what it should lead to",
                            t->shown);
        return open_beside(t, path, err);
    }
    if (S_ISDIR(st.st_mode))
        return xsr_fail(err, XSR_E_IO,
                        "%s is a folder: name a file in it, such as "
                        "%.60s/guest.save",
                        t->shown, path);
    if (!S_ISREG(st.st_mode))
        return open_special(t, path, &st, err);
    /* behind a symbolic link the file is replaced, not the link */
    if (!realpath(path, resolved))
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot resolve %s",
                            t->shown);
    return open_beside(t, resolved, err);
}

int xsr_target_open(struct xsr_target *t, const char *path, struct xsr_err *err)
{
    *t = (struct xsr_target)XSR_TARGET_INIT;
    if (strcmp(path, "-") == 0)
        snprintf(t->shown, sizeof(t->shown), "standard output");
    else
        xsr_err_quote(path, strlen(path), t->shown, sizeof(t->shown));
    if (open_path(t, path, err) == 0)
        return 0;
    xsr_target_close(t);
    return -1;
}

/* ---- room -----------------------------------------------------------------
 */

static int too_small(const struct xsr_target *t, uint64_t need, uint64_t room,
                     const char *where, struct xsr_err *err)
{
    return xsr_fail(err, XSR_E_IO,
                    "%s needs up to %" PRIu64 " MiB more, and %" PRIu64
                    " MiB %s",
                    t->shown, (need >> 20) + 1, room >> 20, where);
}

/* Of the file system, with what is kept for root if we are root. */
static bool free_on_disk(int fd, uint64_t *room_out)
{
    struct statvfs vfs;

    if (fstatvfs(fd, &vfs) < 0 || vfs.f_blocks == 0)
        return false;
    *room_out =
        (uint64_t)(geteuid() == 0 ? vfs.f_bfree : vfs.f_bavail) * vfs.f_frsize;
    return true;
}

int xsr_target_check_space(const struct xsr_target *t, uint64_t n_bytes,
                           struct xsr_err *err)
{
    off_t now = lseek(t->fd, 0, SEEK_CUR);
    uint64_t room, pos = now > 0 ? (uint64_t)now : 0;
    struct rlimit limit;
    struct stat st;

    if (now < 0 || fstat(t->fd, &st) < 0)
        return 0; /* a pipe takes everything */
    if (S_ISBLK(st.st_mode) && ioctl(t->fd, BLKGETSIZE64, &room) == 0) {
        room = room > pos ? room - pos : 0;
        if (room < n_bytes)
            return too_small(t, n_bytes, room, "are left on the device", err);
    }
    if (!S_ISREG(st.st_mode))
        return 0;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY) {
        room = limit.rlim_cur > pos ? limit.rlim_cur - pos : 0;
        if (room < n_bytes)
            return too_small(t, n_bytes, room,
                             "are left of the largest file allowed (ulimit -f)",
                             err);
    }
    if (free_on_disk(t->fd, &room) && room < n_bytes)
        return too_small(t, n_bytes, room, "are free on its file system", err);
    return 0;
}

/* ---- keeping --------------------------------------------------------------
 */

/* Some file systems report what went wrong only when a descriptor closes. */
static int sync_file(const struct xsr_target *t, struct xsr_err *err)
{
    int copy;

    if (fsync(t->fd) < 0 && errno != EINVAL && errno != EROFS &&
        errno != ENOTSUP)
        return xsr_fail_sys(err, XSR_E_IO, errno, "%s does not reach the disk",
                            t->shown);
    copy = fcntl(t->fd, F_DUPFD_CLOEXEC, 3);
    if (copy >= 0 && close(copy) < 0 && errno != EINTR)
        return xsr_fail_sys(err, XSR_E_IO, errno, "closing %s", t->shown);
    return 0;
}

/* rename() needs a name, which a file made by O_TMPFILE has not. */
static int give_part_name(struct xsr_target *t, struct xsr_err *err)
{
    char self[40];
    unsigned try;

    snprintf(self, sizeof(self), "/proc/self/fd/%d", t->fd);
    for (try = 0; !t->part && try < MAX_TRIES; try++) {
        t->part = part_name(t->name, try);
        if (!t->part)
            return xsr_fail(err, XSR_E_NOMEM, "no memory for a file name");
        if (linkat(AT_FDCWD, self, t->folder, t->part, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        free(t->part);
        t->part = NULL;
        if (errno != EEXIST)
            break;
    }
    if (!t->part)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot give %s a name",
                            t->shown);
    return 0;
}

/*
 * What lies in a pipe is lost when its reader goes: it is safe in the reader's
 * hands at the earliest. (What that does with it nobody tells.)
 */
static int wait_for_reader(const struct xsr_target *t, struct xsr_err *err)
{
    struct pollfd reader = {t->fd, 0, 0};
    struct stat st;
    int left = 0;

    if (fstat(t->fd, &st) < 0 || !S_ISFIFO(st.st_mode))
        return 0;
    while (ioctl(t->fd, FIONREAD, &left) == 0 && left > 0) {
        if (xsr_signals_stopped())
            return xsr_fail(err, XSR_E_STOPPED, "interrupted");
        if (reader.revents)
            return xsr_fail_sys(err, XSR_E_IO, EPIPE,
                                "the reader closed the stream, and left the "
                                "last %d bytes of it",
                                left);
        poll(&reader, 1, READER_MS);
    }
    return 0;
}

int xsr_target_keep(struct xsr_target *t, struct xsr_err *err)
{
    if (wait_for_reader(t, err) < 0 || sync_file(t, err) < 0)
        return -1;
    if (xsr_signals_stopped()) /* which took its time */
        return xsr_fail(err, XSR_E_STOPPED, "interrupted");
    if (!t->replaces)
        return 0;
    if (give_part_name(t, err) < 0)
        return -1;
    if (renameat(t->folder, t->part, t->folder, t->name) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot give %s its name",
                            t->shown);
    free(t->part);
    t->part = NULL;
    if (fsync(t->folder) < 0 && errno != EINVAL && errno != ENOTSUP) {
        xsr_fail_sys(err, XSR_E_IO, errno,
                     "the folder of %s does not reach the disk", t->shown);
        unlinkat(t->folder, t->name, 0); /* it may be gone tomorrow */
        return -1;
    }
    return 0;
}

void xsr_target_close(struct xsr_target *t)
{
    if (t->part)
        unlinkat(t->folder, t->part, 0);
    free(t->part);
    free(t->name);
    t->part = t->name = NULL;
    xsr_close(&t->folder);
    xsr_close(&t->fd);
}
