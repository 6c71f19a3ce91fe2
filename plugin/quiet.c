/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One write without SIGPIPE. The signal is blocked for this thread meanwhile,
 * and one that the write caused is taken away before it is unblocked; one that
 * was pending before stays. Called for answers to a helper (plugin/helper), for
 * the stream (plugin/save) and for handshakes (plugin/migrate).
 */
#include "plugin/quiet.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

ssize_t xsr_quiet_write(int fd, const void *p, size_t n)
{
    static const struct timespec now;
    sigset_t pipe_set, old, pending;
    ssize_t r;
    int why;

    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
    r = write(fd, p, n);
    why = errno;
    if (r < 0 && why == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe_set, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = why;
    return r;
}
