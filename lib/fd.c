/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exact I/O on borrowed descriptors. All four transfer functions are one
 * loop over an iovec (move_all), which knows about interruption, the stop
 * flag, and descriptors that somebody else made non-blocking (waited for
 * with poll: the flag belongs to the open file, so it is not ours to clear).
 */
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* Linux 5.9, its flag 5.11; the headers of the system may be older. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1u << 2)
#endif

static const volatile sig_atomic_t *stop_flag;

void xsr_fd_set_stop_flag(const volatile sig_atomic_t *flag)
{
    stop_flag = flag;
}

int xsr_fd_check_stop(const char *what, struct xsr_err *err)
{
    if (stop_flag && *stop_flag)
        return xsr_fail(err, XSR_E_STOPPED, "%s: stopped on request", what);
    return 0;
}

static size_t total_len(const struct iovec *iov, size_t n_iov)
{
    size_t sum = 0, i;

    for (i = 0; i < n_iov; i++)
        sum += iov[i].iov_len;
    return sum;
}

/* Step over n bytes and over elements that are empty. */
static void advance(struct iovec **iov, size_t *n_iov, size_t n)
{
    while (*n_iov && n >= (*iov)->iov_len) {
        n -= (*iov)->iov_len;
        (*iov)++;
        (*n_iov)--;
    }
    if (*n_iov) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + n;
        (*iov)->iov_len -= n;
    }
}

enum direction { READING, WRITING };

/*
 * One system call's worth. Bytes moved; 0 = try again; -1 = failed, or end of
 * file (XSR_E_EOF without text: the caller knows what was due).
 */
static ssize_t move_some(int fd, enum direction dir, const struct iovec *iov,
                         size_t n_iov, const char *what, struct xsr_err *err)
{
    struct pollfd pfd = {.fd = fd, .events = dir == READING ? POLLIN : POLLOUT};
    int n = n_iov > IOV_MAX ? IOV_MAX : (int)n_iov;
    ssize_t r;

    if (xsr_fd_check_stop(what, err) < 0)
        return -1;
    r = dir == READING ? readv(fd, iov, n) : writev(fd, iov, n);
    if (r > 0)
        return r;
    if (r == 0) {
        if (dir == READING)
            return xsr_fail(err, XSR_E_EOF, "%s", "");
        return xsr_fail(err, XSR_E_IO, "writing %s: nothing is accepted", what);
    }
    if (errno == EINTR)
        return 0;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (poll(&pfd, 1, -1) >= 0 || errno == EINTR)
            return 0;
    }
    return xsr_fail_sys(err, XSR_E_IO, errno, "%s %s",
                        dir == READING ? "reading" : "writing", what);
}

/* *done_out: bytes moved, also on failure. */
static int move_all(int fd, enum direction dir, struct iovec *iov, size_t n_iov,
                    const char *what, size_t *done_out, struct xsr_err *err)
{
    size_t done = 0;
    ssize_t r = 0;

    advance(&iov, &n_iov, 0);
    while (n_iov && r >= 0) {
        r = move_some(fd, dir, iov, n_iov, what, err);
        if (r > 0) {
            done += (size_t)r;
            advance(&iov, &n_iov, (size_t)r);
        }
    }
    *done_out = done;
    return r < 0 ? -1 : 0;
}

int xsr_readv_exact(int fd, struct iovec *iov, size_t n_iov, const char *what,
                    struct xsr_err *err)
{
    size_t want = total_len(iov, n_iov), done;

    if (move_all(fd, READING, iov, n_iov, what, &done, err) == 0)
        return 0;
    if (err->kind == XSR_E_EOF)
        return xsr_fail(err, XSR_E_EOF, "%s ended after %zu of %zu bytes", what,
                        done, want);
    return -1;
}

int xsr_read_exact(int fd, void *p, size_t n, const char *what,
                   struct xsr_err *err)
{
    struct iovec iov = {p, n};

    return xsr_readv_exact(fd, &iov, 1, what, err);
}

int xsr_read_upto(int fd, void *p, size_t n, size_t *got_out, const char *what,
                  struct xsr_err *err)
{
    struct iovec iov = {p, n};

    if (move_all(fd, READING, &iov, 1, what, got_out, err) == 0)
        return 0;
    if (err->kind != XSR_E_EOF)
        return -1;
    xsr_err_clear(err);
    return 0;
}

int xsr_writev_all(int fd, struct iovec *iov, size_t n_iov, const char *what,
                   struct xsr_err *err)
{
    size_t done;

    return move_all(fd, WRITING, iov, n_iov, what, &done, err);
}

int xsr_write_all(int fd, const void *p, size_t n, const char *what,
                  struct xsr_err *err)
{
    struct iovec iov = {(void *)(uintptr_t)p, n};

    return xsr_writev_all(fd, &iov, 1, what, err);
}

int xsr_pipe(int fds_out[2], struct xsr_err *err)
{
    fds_out[0] = fds_out[1] = -1;
    if (pipe2(fds_out, O_CLOEXEC) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot make a pipe");
    return 0;
}

int xsr_set_cloexec(int fd, bool on, struct xsr_err *err)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags >= 0)
        flags =
            fcntl(fd, F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC);
    if (flags < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "cannot change close-on-exec of fd %d", fd);
    return 0;
}

void xsr_grow_pipe(int fd, size_t n)
{
    int saved = errno;

    if (n <= INT_MAX)
        (void)fcntl(fd, F_SETPIPE_SZ, (int)n);
    errno = saved;
}

void xsr_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

/* On old kernels one by one. */
static void end_range(unsigned first, unsigned last, bool now)
{
    struct rlimit rl;

    if (first > last || syscall(SYS_close_range, first, last,
                                now ? 0u : CLOSE_RANGE_CLOEXEC) == 0)
        return;
    if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && last >= rl.rlim_cur)
        last = (unsigned)rl.rlim_cur - 1;
    for (unsigned fd = first; fd <= last; fd++) {
        if (now)
            close((int)fd);
        else
            fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    }
}

void xsr_close_fds(unsigned first, unsigned last)
{
    end_range(first, last, true);
}

void xsr_mark_fds(unsigned first, unsigned last)
{
    end_range(first, last, false);
}

int xsr_open_temporary(int *fd_out, struct xsr_err *err)
{
    const char *dir = getenv("TMPDIR");
    char path[PATH_MAX];
    int fd;

    if (!dir || !*dir)
        dir = "/var/tmp";
    fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        /* not every file system knows it, nor every kernel */
        if (snprintf(path, sizeof path, "%s/xensr-XXXXXX", dir) >=
            (int)sizeof path)
            errno = ENAMETOOLONG;
        else if ((fd = mkostemp(path, O_CLOEXEC)) >= 0)
            unlink(path);
    }
    if (fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "cannot make a temporary file in %s (TMPDIR "
                            "chooses the folder)",
                            dir);
    *fd_out = fd;
    return 0;
}

int xsr_sync_dir(const char *path, struct xsr_err *err)
{
    xsr_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open folder %s",
                            path);
    if (fsync(fd) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot sync folder %s",
                            path);
    return 0;
}
