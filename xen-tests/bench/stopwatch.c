/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in the place of a save helper: `STOPWATCH_HELPER=FILE` is what it
 * runs, with its own arguments and descriptors, so that neither side notices.
 * When the helper has ended, one line goes to the file STOPWATCH_OUT:
 * nanoseconds by the clock, microseconds of processor time, exit status.
 * STOPWATCH_PRELOAD, if there is one, is the helper's LD_PRELOAD.
 *
 * The clock runs while the helper exists. What a toolstack does before and
 * after is the same whoever helps it, and is not measured.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000u

static volatile sig_atomic_t child;

static int die(const char *what)
{
    fprintf(stderr, "stopwatch: %s: %s\n", what, strerror(errno));
    return 127;
}

static void pass_on(int sig)
{
    if (child > 0)
        kill(child, sig);
}

static uint64_t us_of(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_usec;
}

static void note(const char *path, const struct timespec *from,
                 const struct timespec *to, const struct rusage *used,
                 int status)
{
    FILE *f = fopen(path, "ae");

    if (!f)
        return;
    fprintf(f, "%lld %llu %d\n",
            (long long)(to->tv_sec - from->tv_sec) * NS + to->tv_nsec -
                from->tv_nsec,
            (unsigned long long)(us_of(used->ru_utime) + us_of(used->ru_stime)),
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    fclose(f);
}

int main(int argc, char **argv)
{
    const char *helper = getenv("STOPWATCH_HELPER");
    const char *out = getenv("STOPWATCH_OUT");
    const char *preload = getenv("STOPWATCH_PRELOAD");
    struct sigaction sa = {.sa_handler = pass_on};
    struct timespec from, to;
    struct rusage used;
    int status;
    pid_t pid;

    (void)argc;
    if (!helper || !out) {
        errno = EINVAL;
        return die("STOPWATCH_HELPER and STOPWATCH_OUT are wanted");
    }
    clock_gettime(CLOCK_MONOTONIC, &from);
    pid = fork();
    if (pid < 0)
        return die("fork");
    if (!pid) {
        if (preload)
            setenv("LD_PRELOAD", preload, 1);
        execv(helper, argv);
        _exit(die(helper));
    }
    child = pid;
    sigaction(SIGTERM, &sa, NULL);
    while (wait4(pid, &status, 0, &used) < 0)
        if (errno != EINTR)
            return die("wait");
    clock_gettime(CLOCK_MONOTONIC, &to);
    note(out, &from, &to, &used, status);
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}
