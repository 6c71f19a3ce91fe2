/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signal handler puts an fd that can neither be read nor written (O_PATH)
 * over the number of the stream. A read that is already blocked keeps the old
 * file, but comes back with EINTR, and the library's retry meets EBADF. The
 * signal may also arrive just before that read begins; therefore a timer goes
 * on interrupting until the work is over. No handler has SA_RESTART.
 */
#include "helper/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"

#define NUDGE_NS 50000000L /* 50 ms: nobody notices, and no busy loop */

/* Written before the handlers exist, read by them. */
static int poison_fd = -1, targets[2] = {-1, -1};
static timer_t nudge;

static volatile sig_atomic_t stop_signal, working;

static void on_stop(int sig)
{
    static const struct itimerspec every = {{0, NUDGE_NS}, {0, NUDGE_NS}};
    int saved = errno;
    size_t i;

    if (!stop_signal) {
        stop_signal = sig;
        for (i = 0; working && i < XSR_ARRAY_LEN(targets); i++)
            if (targets[i] >= 0)
                dup2(poison_fd, targets[i]);
        if (working)
            timer_settime(nudge, 0, &every, NULL);
    }
    errno = saved;
}

/* Its arrival is all that is wanted. */
static void on_nudge(int sig)
{
    (void)sig;
}

static int set_handler(int sig, void (*handler)(int), struct xsr_err *err)
{
    struct sigaction sa, old;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = handler;
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
    struct sigevent ev;
    sigset_t set;
    size_t i;

    targets[0] = stream_fd;
    targets[1] = back_fd;
    poison_fd = open("/dev/null", O_PATH | O_CLOEXEC);
    if (poison_fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open /dev/null");
    memset(&ev, 0, sizeof(ev));
    ev.sigev_notify = SIGEV_SIGNAL;
    ev.sigev_signo = SIGALRM;
    if (timer_create(CLOCK_MONOTONIC, &ev, &nudge) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot make a timer");
    if (set_handler(SIGALRM, on_nudge, err) < 0)
        return -1;
    working = 1;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    for (i = 0; i < XSR_ARRAY_LEN(stops); i++) {
        if (set_handler(stops[i], on_stop, err) < 0)
            return -1;
        sigaddset(&set, stops[i]);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    xsr_stop_obey(true);
    return 0;
}

void xsr_stop_end(void)
{
    static const struct itimerspec never;

    if (!working)
        return;
    working = 0;
    timer_settime(nudge, 0, &never, NULL);
    timer_delete(nudge);
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

void xsr_stop_obey(bool obey)
{
    xsr_fd_set_stop_flag(obey ? &stop_signal : NULL);
}
