/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device model of a domain that has one, found by the node that whoever
 * started it has written (we, or libxl): letting it go on before the domain
 * does, and ending it before the domain is destroyed.
 */
#include "plugin/emu/dm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "plugin/emu/qmp.h"
#include "plugin/host/host.h"

#define GENTLE_MS 5000u
#define FORCE_MS  5000u

/* *pid_out -1: it has none. */
static int read_pid(struct xsr_xs *xs, uint32_t domid, pid_t *pid_out,
                    struct xsr_err *err)
{
    xsr_auto_free char *value = NULL;
    char path[64], *end;
    long pid;

    *pid_out = -1;
    snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-pid",
             domid);
    if (xsr_xs_read(xs, path, &value, err) < 0)
        return -1;
    if (!value)
        return 0;
    errno = 0;
    pid = strtol(value, &end, 10);
    if (errno || end == value || *end || pid <= 1 || pid > INT_MAX)
        return xsr_fail(err, XSR_E_XEN,
                        "xenstore %s is not the number of a process", path);
    *pid_out = (pid_t)pid;
    return 0;
}

int xsr_dm_exists(struct xsr_xs *xs, uint32_t domid, bool *exists_out,
                  struct xsr_err *err)
{
    pid_t pid;

    *exists_out = false;
    if (read_pid(xs, domid, &pid, err) < 0)
        return -1;
    *exists_out = pid > 0;
    return 0;
}

int xsr_dm_cont(const struct xsr_log *log, struct xsr_xs *xs,
                const char *run_dir, uint32_t domid, struct xsr_err *err)
{
    bool exists;

    if (xsr_dm_exists(xs, domid, &exists, err) < 0)
        return -1;
    return exists ? xsr_qmp_call(log, run_dir, domid, "cont", NULL,
                                 XSR_QMP_LONG_MS, NULL, err)
                  : 0;
}

/* ---- its end ------------------------------------------------------------- */

/*
 * Is the process still this domain's device model? A number in xenstore may
 * be of a process that ended long ago, and somebody else's by now.
 */
static bool serves(pid_t pid, uint32_t domid)
{
    xsr_auto_close int fd = -1;
    char path[32], words[8192], wanted[16];
    struct xsr_err ignored = XSR_ERR_INIT;
    const char *w;
    size_t n = 0;

    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    snprintf(wanted, sizeof(wanted), "%u", domid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 ||
        xsr_read_upto(fd, words, sizeof(words) - 1, &n, path, &ignored) < 0)
        return false;
    words[n] = '\0';
    for (w = words; w < words + n; w += strlen(w) + 1)
        if (strcmp(w, "-xen-domid") == 0)
            return strcmp(w + strlen(w) + 1, wanted) == 0;
    return false; /* a dead one, not yet collected, has no words */
}

/* Has the process ended within the time, collected or not? */
static bool ends_within(pid_t pid, unsigned ms)
{
    static const struct timespec step = {0, 10000000};
    xsr_auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {fd, POLLIN, 0};

    if (fd >= 0)
        return poll(&p, 1, (int)ms) > 0;
    for (; errno != ESRCH && ms && kill(pid, 0) == 0; ms -= 10)
        nanosleep(&step, NULL);
    return kill(pid, 0) < 0 && errno == ESRCH;
}

static int end_process(pid_t pid, uint32_t domid, struct xsr_err *err)
{
    kill(pid, SIGHUP); /* as libxl */
    if (ends_within(pid, GENTLE_MS))
        return 0;
    kill(pid, SIGKILL);
    if (ends_within(pid, FORCE_MS))
        return 0;
    return xsr_fail(err, XSR_E_PEER,
                    "the device model of domain %u (process %d) cannot be "
                    "ended",
                    domid, (int)pid);
}

static int remove_sockets(const char *run_dir, uint32_t domid,
                          struct xsr_err *err)
{
    static const char *const names[] = {"qmp-libxl", "qmp-libxenstat"};
    char path[PATH_MAX];

    for (size_t i = 0; i < XSR_ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s-%u", run_dir, names[i], domid);
        if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
            return xsr_fail_sys(err, XSR_E_IO, errno, "cannot remove %s", path);
    }
    return 0;
}

int xsr_dm_stop(struct xsr_xs *xs, const char *run_dir, uint32_t domid,
                struct xsr_err *err)
{
    pid_t pid;

    if (read_pid(xs, domid, &pid, err) < 0)
        return -1;
    if (pid < 0)
        return 0;
    if (serves(pid, domid) && end_process(pid, domid, err) < 0)
        return -1;
    return remove_sockets(run_dir, domid, err);
}

int xsr_dm_start_undo(struct xsr_dm_start *s, struct xsr_err *err)
{
    xsr_dm_start_fini(s);
    if (s->pid > 0 && end_process(s->pid, s->domid, err) < 0)
        return -1;
    s->pid = -1;
    return s->run_dir ? remove_sockets(s->run_dir, s->domid, err) : 0;
}
