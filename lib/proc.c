/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting and watching children. Everything that allocates (candidate
 * paths, environment, descriptor plan) happens before fork, because between
 * fork and exec only async-signal-safe calls are allowed: the host program
 * may have threads. The child reports what failed through a close-on-exec
 * pipe, so a successful exec is seen as its end of file.
 */
#include "lib/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/util.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* What the child needs, made ready before fork. */
struct plan {
    const struct xsr_spawn *sp;
    struct xsr_buf paths; /* candidates, each with its NUL */
    char **env;           /* the array is ours, the strings are not */
    int *high;            /* n_fds numbers above every target */
    int *targets;         /* n_fds numbers, ascending */
    int base;             /* first number above every target */
    int report_fd;
    pid_t parent;
};

/* What the child says when it fails. */
enum stage { STAGE_FDS = 1, STAGE_DEATH, STAGE_EXEC };
struct report {
    int stage, sys, fd;
};

static int target_of(const struct xsr_spawn_fd *f)
{
    return f->as < 0 ? f->fd : f->as;
}

static int plan_fds(struct plan *pl, struct xsr_err *err)
{
    const struct xsr_spawn *sp = pl->sp;
    size_t i, j;
    int as;

    pl->base = 3;
    pl->high = calloc(sp->n_fds + 1, sizeof(int));
    pl->targets = calloc(sp->n_fds + 1, sizeof(int));
    if (!pl->high || !pl->targets)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to start %s", sp->path);
    for (i = 0; i < sp->n_fds; i++) {
        as = target_of(&sp->fds[i]);
        if (sp->fds[i].fd < 0)
            return xsr_fail(err, XSR_E_BUG, "fd %d to pass to %s is not open",
                            sp->fds[i].fd, sp->path);
        for (j = i; j > 0 && pl->targets[j - 1] > as; j--)
            pl->targets[j] = pl->targets[j - 1];
        if (j > 0 && pl->targets[j - 1] == as)
            return xsr_fail(err, XSR_E_BUG,
                            "two descriptors shall become fd %d of %s", as,
                            sp->path);
        pl->targets[j] = as;
        if (as >= pl->base)
            pl->base = as + 1;
    }
    return 0;
}

static int plan_paths(struct plan *pl, struct xsr_err *err)
{
    const char *name = pl->sp->path, *dir = getenv("PATH"), *end;

    if (strchr(name, '/') || !*name)
        return xsr_buf_put(&pl->paths, name, strlen(name) + 1, err);
    for (dir = dir ? dir : DEFAULT_PATH; dir; dir = *end ? end + 1 : NULL) {
        end = strchrnul(dir, ':');
        if (xsr_buf_put(&pl->paths, dir, (size_t)(end - dir), err) < 0 ||
            (end > dir && xsr_buf_put(&pl->paths, "/", 1, err) < 0) ||
            xsr_buf_put(&pl->paths, name, strlen(name) + 1, err) < 0)
            return -1;
    }
    return 0;
}

/* Does entry set the same variable as one of the additions? */
static bool replaced(const char *entry, const char *const *add)
{
    size_t len = strcspn(entry, "=");

    for (; *add; add++)
        if (strcspn(*add, "=") == len && strncmp(*add, entry, len) == 0)
            return true;
    return false;
}

static int plan_env(struct plan *pl, struct xsr_err *err)
{
    static const char *const nothing[] = {NULL};
    const char *const *add = pl->sp->env_add ? pl->sp->env_add : nothing;
    size_t n_old = 0, n_add = 0, n = 0, i;

    while (environ && environ[n_old])
        n_old++;
    while (add[n_add])
        n_add++;
    pl->env = calloc(n_old + n_add + 1, sizeof(*pl->env));
    if (!pl->env)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to start %s",
                        pl->sp->path);
    for (i = 0; i < n_old; i++)
        if (!replaced(environ[i], add))
            pl->env[n++] = environ[i];
    for (i = 0; i < n_add; i++)
        pl->env[n++] = (char *)(uintptr_t)add[i];
    return 0;
}

/* ---- in the child: async-signal-safe calls only ------------------------- */

static void child_fail(const struct plan *pl, enum stage stage, int fd)
{
    struct report rep = {stage, errno, fd};

    while (write(pl->report_fd, &rep, sizeof(rep)) < 0 && errno == EINTR)
        ;
    _exit(127);
}

/* Handlers of this program must not run here, ignored SIGPIPE not go on. */
static void child_signals(void)
{
    struct sigaction sa;
    sigset_t none;
    int sig;

    for (sig = 1; sig < NSIG; sig++) {
        if (sigaction(sig, NULL, &sa) < 0)
            continue;
        if (sa.sa_handler == SIG_DFL ||
            (sa.sa_handler == SIG_IGN && sig != SIGPIPE))
            continue;
        sa.sa_handler = SIG_DFL;
        sa.sa_flags = 0;
        sigaction(sig, &sa, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * First everything up to numbers that nobody asked for, then down to the
 * asked ones: so no order of the list can overwrite a source.
 */
static void child_fds(struct plan *pl)
{
    const struct xsr_spawn *sp = pl->sp;
    unsigned next = 3;
    size_t i;
    int fd;

    fd = fcntl(pl->report_fd, F_DUPFD_CLOEXEC, pl->base);
    if (fd < 0)
        child_fail(pl, STAGE_FDS, pl->report_fd);
    pl->report_fd = fd;
    for (i = 0; i < sp->n_fds; i++) {
        pl->high[i] = fcntl(sp->fds[i].fd, F_DUPFD_CLOEXEC, pl->base);
        if (pl->high[i] < 0)
            child_fail(pl, STAGE_FDS, sp->fds[i].fd);
    }
    for (i = 0; i < sp->n_fds; i++)
        if (dup2(pl->high[i], target_of(&sp->fds[i])) < 0)
            child_fail(pl, STAGE_FDS, sp->fds[i].fd);
    for (i = 0; i < sp->n_fds; i++) {
        if (pl->targets[i] < 3)
            continue;
        xsr_mark_fds(next, (unsigned)pl->targets[i] - 1);
        next = (unsigned)pl->targets[i] + 1;
    }
    xsr_mark_fds(next, ~0u);
}

static void child_main(struct plan *pl)
{
    const char *path, *end = (const char *)pl->paths.p + pl->paths.len;
    int worst = ENOENT;

    child_signals();
    if (pl->sp->die_with_parent) {
        int sig = pl->sp->death_signal;

        if (prctl(PR_SET_PDEATHSIG, sig ? sig : SIGKILL) < 0)
            child_fail(pl, STAGE_DEATH, -1);
        if (getppid() != pl->parent)
            _exit(127);
    }
    child_fds(pl);
    for (path = (const char *)pl->paths.p; path < end;
         path += strlen(path) + 1) {
        execve(path, (char *const *)(uintptr_t)pl->sp->argv, pl->env);
        /* as a shell does: go on past what is not there */
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) {
            worst = errno;
            break;
        }
        if (errno == EACCES)
            worst = EACCES;
    }
    errno = worst;
    child_fail(pl, STAGE_EXEC, -1);
}

/* ---- watching ----------------------------------------------------------- */

/*
 * The thread only looks (WNOWAIT), reaping stays with whoever owns the child.
 * If that happens first the thread finds no child and ends just the same. It
 * closes the pipe instead of writing: nobody may be left to read, and SIGPIPE
 * is not ours to handle in somebody's application.
 */
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

int xsr_proc_watch_thread(pid_t pid, int *fd_out, struct xsr_err *err)
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

static int watch(pid_t pid, int *fd_out, struct xsr_err *err)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return xsr_proc_watch_thread(pid, fd_out, err);
    if (fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot watch process %d",
                            (int)pid);
    *fd_out = fd;
    return 0;
}

/* ---- in the parent ------------------------------------------------------ */

static int explain(const struct plan *pl, const struct report *rep,
                   struct xsr_err *err)
{
    switch (rep->stage) {
    case STAGE_FDS:
        return xsr_fail_sys(err, XSR_E_IO, rep->sys, "cannot pass fd %d to %s",
                            rep->fd, pl->sp->path);
    case STAGE_DEATH:
        return xsr_fail_sys(err, XSR_E_IO, rep->sys,
                            "cannot tie %s to its parent's life", pl->sp->path);
    default:
        return xsr_fail_sys(err, XSR_E_IO, rep->sys, "cannot run %s",
                            pl->sp->path);
    }
}

/* EOF: exec has happened. A report: it has not. Signals do not matter. */
static int await_exec(const struct plan *pl, int fd, struct xsr_err *err)
{
    struct report rep = {STAGE_EXEC, 0, -1};
    size_t got = 0;
    ssize_t r = 1;

    while (got < sizeof(rep) && r != 0) {
        r = read(fd, (char *)&rep + got, sizeof(rep) - got);
        if (r > 0)
            got += (size_t)r;
        else if (r < 0 && errno != EINTR)
            return xsr_fail_sys(err, XSR_E_IO, errno, "cannot start %s",
                                pl->sp->path);
    }
    return got == sizeof(rep) ? explain(pl, &rep, err) : 0;
}

static int fork_it(struct plan *pl, struct xsr_child *child_out,
                   struct xsr_err *err)
{
    sigset_t all, old;
    int fds[2], rc;

    if (xsr_pipe(fds, err) < 0)
        return -1;
    pl->report_fd = fds[1];
    pl->parent = getpid();
    /* no handler of ours in the child before it has reset them */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    child_out->pid = fork();
    if (child_out->pid == 0)
        child_main(pl);
    rc = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    xsr_close(&fds[1]);
    if (child_out->pid < 0) {
        rc =
            xsr_fail_sys(err, XSR_E_IO, rc, "cannot fork for %s", pl->sp->path);
    } else {
        rc = watch(child_out->pid, &child_out->watch_fd, err);
        if (rc == 0)
            rc = await_exec(pl, fds[0], err);
    }
    xsr_close(&fds[0]);
    if (rc < 0)
        xsr_child_fini(child_out);
    return rc;
}

int xsr_spawn(const struct xsr_spawn *sp, struct xsr_child *child_out,
              struct xsr_err *err)
{
    struct plan pl = {.sp = sp, .report_fd = -1};
    int rc = -1;

    *child_out = (struct xsr_child)XSR_CHILD_INIT;
    if (plan_fds(&pl, err) == 0 && plan_paths(&pl, err) == 0 &&
        plan_env(&pl, err) == 0)
        rc = fork_it(&pl, child_out, err);
    free(pl.targets);
    free(pl.high);
    free(pl.env);
    xsr_buf_fini(&pl.paths);
    return rc;
}

void xsr_child_signal(const struct xsr_child *child, int sig)
{
    int saved = errno;

    /* Not reaped yet, so the number is still this child's. */
    if (child->pid >= 0)
        kill(child->pid, sig);
    errno = saved;
}

int xsr_child_wait(struct xsr_child *child, int *status_out,
                   struct xsr_err *err)
{
    pid_t pid = child->pid, r;

    if (pid < 0)
        return xsr_fail(err, XSR_E_BUG, "there is no child to wait for");
    do
        r = waitpid(pid, status_out, 0);
    while (r < 0 && errno == EINTR);
    xsr_close(&child->watch_fd);
    child->pid = -1;
    if (r < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "the end of process %d was lost", (int)pid);
    return 0;
}

void xsr_child_fini(struct xsr_child *child)
{
    struct xsr_err ignored;
    int status;

    if (child->pid < 0)
        return;
    xsr_child_signal(child, SIGKILL);
    (void)xsr_child_wait(child, &status, &ignored);
}

const char *xsr_status_str(int status, char *out, size_t out_len)
{
    if (WIFEXITED(status))
        snprintf(out, out_len, "exited with status %d", WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        snprintf(out, out_len, "was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(out, out_len, "ended with wait status 0x%x", (unsigned)status);
    return out;
}
