/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Telling the end of a child through a descriptor; lib/proc.c is the caller.
 *
 * The thread of the second way only looks (WNOWAIT), reaping stays with
 * whoever owns the child. If that happens first the thread finds no child and
 * ends just the same. It closes the pipe instead of writing: nobody may be
 * left to read, and SIGPIPE is not ours to handle in somebody's application.
 */
#include "lib/watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"

struct waiter {
    pid_t pid;
    int fd; /* writing end, owned by the thread */
};

static void *await_end(void *arg)
{
    struct waiter w = *(struct waiter *)arg;
    siginfo_t ignored;
    int r;

    free(arg);
    do
        r = waitid(P_PID, (id_t)w.pid, &ignored, WEXITED | WNOWAIT);
    while (r < 0 && errno == EINTR);
    close(w.fd);
    return NULL;
}

/* Started with every signal blocked: handlers belong to other threads. */
static int start_detached(struct waiter *w)
{
    pthread_attr_t attr;
    sigset_t all, old;
    pthread_t thread;
    int r;

    r = pthread_attr_init(&attr);
    if (r)
        return r;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&thread, &attr, await_end, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return r;
}

int xsr_watch_open_thread(pid_t pid, int *fd_out, struct xsr_err *err)
{
    struct waiter *w = malloc(sizeof(*w));
    int fds[2], r;

    if (!w)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to watch a process");
    if (xsr_pipe(fds, err) < 0) {
        free(w);
        return -1;
    }
    *w = (struct waiter){.pid = pid, .fd = fds[1]};
    r = start_detached(w);
    if (r) {
        free(w);
        xsr_close(&fds[0]);
        xsr_close(&fds[1]);
        return xsr_fail_sys(err, XSR_E_IO, r, "cannot watch process %d",
                            (int)pid);
    }
    *fd_out = fds[0];
    return 0;
}

int xsr_watch_open(pid_t pid, int *fd_out, struct xsr_err *err)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return xsr_watch_open_thread(pid, fd_out, err);
    if (fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot watch process %d",
                            (int)pid);
    *fd_out = fd;
    return 0;
}
