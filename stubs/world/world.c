/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated host's folder: which one it is, that it exists with mode 0700
 * and belongs to us, and files below it. Everything else of the host (state.c,
 * lock.c, log.c, stubs/xs) opens its files through here. The choice is made
 * once per process; XENSR_SIM_DIR names a folder of the caller's own, without
 * it the host lives below the user's runtime folder.
 */
#include "stubs/world/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/rundir.h"

static pthread_mutex_t dir_mutex = PTHREAD_MUTEX_INITIALIZER;
static char dir_path[PATH_MAX];
static bool dir_ready;

/* Nobody else may have put the folder there, or be able to change it. */
static int check_owner(const char *path, struct xsr_err *err)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "looking at folder %s", path);
    if (!S_ISDIR(st.st_mode))
        return xsr_fail(err, XSR_E_IO,
                        "%s is not a folder; the simulated "
                        "host needs one (name another in XENSR_SIM_DIR)",
                        path);
    if (st.st_uid != geteuid())
        return xsr_fail_sys(err, XSR_E_IO, EACCES,
                            "folder %s belongs to user %lu, not to "
                            "user %lu; name another in XENSR_SIM_DIR",
                            path, (unsigned long)st.st_uid,
                            (unsigned long)geteuid());
    if (st.st_mode & 022)
        return xsr_fail_sys(err, XSR_E_IO, EACCES,
                            "folder %s is writable for others "
                            "(mode %03o); make it 0700",
                            path, (unsigned)(st.st_mode & 0777));
    if (access(path, W_OK) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "folder %s cannot be written",
                            path);
    return 0;
}

/* mkdir -p; only what is missing is made, with mode 0700. */
static int make_path(const char *path, struct xsr_err *err)
{
    char part[PATH_MAX];
    size_t i, n = strlen(path);

    for (i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return xsr_fail_sys(err, XSR_E_IO, errno, "making folder %s", part);
    }
    return 0;
}

static int choose(char *out, size_t len, struct xsr_err *err)
{
    const char *env = getenv("XENSR_SIM_DIR");
    char cwd[PATH_MAX];

    if (!env || env[0] == '\0') {
        xsr_run_dir("xensr-sim", out, len);
        return 0;
    }
    if (env[0] == '/') {
        if (strlen(env) + 64 > len)
            return xsr_fail(err, XSR_E_LIMIT,
                            "XENSR_SIM_DIR has %zu "
                            "characters, at most %zu are possible",
                            strlen(env), len - 64);
        snprintf(out, len, "%s", env);
        return 0;
    }
    if (!getcwd(cwd, sizeof(cwd)))
        return xsr_fail_sys(err, XSR_E_IO, errno, "current folder");
    if (strlen(cwd) + strlen(env) + 64 > len)
        return xsr_fail(err, XSR_E_LIMIT, "XENSR_SIM_DIR is too long");
    memcpy(out, cwd, strlen(cwd));
    snprintf(out + strlen(cwd), len - strlen(cwd), "/%s", env);
    return 0;
}

const char *xsr_sim_dir(struct xsr_err *err)
{
    const char *out = NULL;
    char path[PATH_MAX];

    pthread_mutex_lock(&dir_mutex);
    if (dir_ready) {
        out = dir_path;
    } else if (choose(path, sizeof(path), err) == 0 &&
               make_path(path, err) == 0 && check_owner(path, err) == 0) {
        memcpy(dir_path, path, strlen(path) + 1);
        dir_ready = true;
        out = dir_path;
    }
    pthread_mutex_unlock(&dir_mutex);
    return out;
}

int xsr_sim_open(const char *name, int flags, struct xsr_err *err)
{
    const char *dir = xsr_sim_dir(err);
    char path[PATH_MAX + 64];
    int fd;

    if (!dir)
        return -1;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "opening %s", path);
    return fd;
}

void xsr_sim_wake_ports(void)
{
    struct xsr_err err = XSR_ERR_INIT;
    int keep = errno, fd = xsr_sim_open("evtchn", O_WRONLY | O_CREAT, &err);

    if (fd < 0 || pwrite(fd, "", 1, 0) != 1)
        xsr_sim_log("event channels: nobody could be woken (errno %d)", errno);
    if (fd >= 0)
        close(fd);
    errno = keep;
}

bool xsr_sim_file_ours(const struct xsr_sim_file *f)
{
    struct stat st;

    return f->fd >= 0 && fstat(f->fd, &st) == 0 && st.st_dev == f->dev &&
           st.st_ino == f->ino;
}

int xsr_sim_file_get(struct xsr_sim_file *f, const char *name, int flags,
                     struct xsr_err *err)
{
    struct stat st;
    int fd, high;

    if (xsr_sim_file_ours(f))
        return f->fd;
    f->fd = -1;
    fd = xsr_sim_open(name, flags, err);
    if (fd < 0)
        return -1;
    high = fd < 3 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : fd;
    if (high != fd)
        close(fd);
    if (high < 0 || fstat(high, &st) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "opening %s", name);
    f->dev = st.st_dev;
    f->ino = st.st_ino;
    f->fd = high;
    return high;
}
