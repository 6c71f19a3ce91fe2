/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signal handler puts an fd that can neither be read nor written (O_PATH)
 * over the number of the stream, without SA_RESTART. So no moment is missed:
 * a read that has not begun meets the new file, one that is blocked comes
 * back with EINTR and its repetition meets it. (This holds for the thread
 * that runs the handler; the kernel gives a process's signals to the main
 * thread, which is the one that reads.)
 *
 * That a parent has gone away is told by SIGIO for its two pipes, since whoever
 * is blocked in the stream would learn of it only much later.
 */
#include "helper/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"

/* Written before the handlers exist, read by them. */
static int poison_fd = -1, targets[2] = {-1, -1};
static struct pollfd watched[2] = {{.fd = -1}, {.fd = -1}};

static volatile sig_atomic_t stop_signal, working, orphan;
static volatile sig_atomic_t stop_flag; /* one of the two */

static void poison(void)
{
    size_t i;

    stop_flag = 1;
    for (i = 0; working && i < XSR_ARRAY_LEN(targets); i++)
        if (targets[i] >= 0)
            dup2(poison_fd, targets[i]);
}

static void on_stop(int sig)
{
    int saved = errno;

    if (!stop_signal) {
        stop_signal = sig;
        poison();
    }
    errno = saved;
}

/* An answer has come, which is nothing new, or no more can come. */
static void on_io(int sig)
{
    int saved = errno;

    (void)sig;
    /* no events asked for: only the other end's absence is reported */
    if (poll(watched, XSR_ARRAY_LEN(watched), 0) > 0 && working)
        xsr_stop_orphan();
    errno = saved;
}

void xsr_stop_orphan(void)
{
    if (!orphan) {
        orphan = 1;
        poison();
    }
}

static int set_handler(int sig, void (*handler)(int), int flags,
                       struct xsr_err *err)
{
    struct sigaction sa, old;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = handler;
    sa.sa_flags = flags;
    sigfillset(&sa.sa_mask);
    if (sigaction(sig, NULL, &old) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "sigaction");
    /* started with nohup or in the background: it stays that way */
    if (old.sa_handler == SIG_IGN && (sig == SIGINT || sig == SIGHUP))
        return 0;
    if (sigaction(sig, &sa, NULL) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot handle signal %d",
                            sig);
    return 0;
}

int xsr_stop_init(int stream_fd, int back_fd, struct xsr_err *err)
{
    static const int stops[] = {SIGTERM, SIGINT, SIGHUP};
    sigset_t set;
    size_t i;

    targets[0] = stream_fd;
    targets[1] = back_fd;
    poison_fd = open("/dev/null", O_PATH | O_CLOEXEC);
    if (poison_fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open /dev/null");
    working = 1;
    sigemptyset(&set);
    for (i = 0; i < XSR_ARRAY_LEN(stops); i++) {
        if (set_handler(stops[i], on_stop, 0, err) < 0)
            return -1;
        sigaddset(&set, stops[i]);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    xsr_stop_obey(true);
    return 0;
}

/* What cannot be had is done without: the next message finds it out, too. */
void xsr_stop_watch(int fd)
{
    struct f_owner_ex me = {F_OWNER_TID, gettid()};
    struct xsr_err err;
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    sigset_t set;

    /* nobody but us holds that end of a pipe; of other files, who knows */
    if (flags < 0 || fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
        return;
    watched[watched[0].fd >= 0].fd = fd;
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    if (set_handler(SIGIO, on_io, SA_RESTART, &err) < 0 ||
        fcntl(fd, F_SETOWN_EX, &me) < 0 ||
        fcntl(fd, F_SETFL, flags | O_ASYNC) < 0)
        return;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    on_io(SIGIO); /* it may have gone before */
}

void xsr_stop_end(void)
{
    working = 0;
    xsr_close(&poison_fd);
}

bool xsr_stop_owns(int fd)
{
    return fd >= 0 && fd == poison_fd;
}

int xsr_stop_signal(void)
{
    return stop_signal;
}

bool xsr_stop_is_orphan(void)
{
    return orphan;
}

bool xsr_stop_wanted(void)
{
    return stop_flag;
}

void xsr_stop_obey(bool obey)
{
    xsr_fd_set_stop_flag(obey ? &stop_flag : NULL);
}
