/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A transport that breaks: connects its standard input and output with a
 * command's, counts the octets in both directions, and after so many of them
 * breaks off or falls silent.
 *
 *   cutpipe [--to N] [--from N] [--stall] [--signal SIG:PIDFILE] COMMAND...
 *
 * --to N    octets that reach the command; --from N: that come back from it.
 * --stall   then pass on nothing more, but keep everything open until our
 *           standard input ends; otherwise close everything at once.
 * --signal SIG:PIDFILE  send SIG to the process whose number is in PIDFILE and
 *           go on passing everything.
 * Exit status: the command's; 9 after a cut, as a broken connection gives.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CUT_STATUS 9

struct way {
    int from, to; /* -1: closed */
    uint64_t left;
    char buf[65536];
};

static struct way there = {.from = 0, .left = UINT64_MAX};
static struct way back = {.to = 1, .left = UINT64_MAX};
static bool stall, signalled;
static int sig;
static const char *pid_file;

static void usage(void)
{
    fprintf(stderr, "usage: cutpipe [--to N] [--from N] [--stall] "
                    "[--signal SIG:PIDFILE] COMMAND...\n");
    exit(2);
}

static int parse(int argc, char **argv)
{
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--stall") == 0) {
            stall = true;
            continue;
        }
        if (i + 1 >= argc)
            usage();
        if (strcmp(argv[i], "--to") == 0) {
            there.left = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--from") == 0) {
            back.left = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--signal") == 0) {
            sig = (int)strtol(argv[++i], NULL, 10);
            pid_file = strchr(argv[i], ':');
            if (!pid_file++)
                usage();
        } else {
            usage();
        }
    }
    if (i >= argc)
        usage();
    return i;
}

static pid_t start(char **argv)
{
    int in[2], out[2];
    pid_t pid;

    if (pipe(in) < 0 || pipe(out) < 0)
        exit(125);
    pid = fork();
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[0]), close(in[1]), close(out[0]), close(out[1]);
        execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    if (pid < 0)
        exit(125);
    close(in[0]);
    close(out[1]);
    there.to = in[1];
    back.from = out[0];
    return pid;
}

static void shut(struct way *w)
{
    if (w->from >= 0)
        close(w->from);
    if (w->to >= 0)
        close(w->to);
    w->from = w->to = -1;
}

/* Is the signal still to be delivered to pid? Nothing is, to one that ended. */
static bool is_pending(long pid)
{
    char path[64], line[256], state = 'Z';
    unsigned long long set, pending = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%ld/status", pid);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "State: %c", &state) == 1)
            continue;
        if (sscanf(line, "SigPnd: %llx", &set) == 1 ||
            sscanf(line, "ShdPnd: %llx", &set) == 1)
            pending |= set;
    }
    if (f)
        fclose(f);
    return state != 'Z' && (sig == SIGKILL || (pending >> (sig - 1) & 1));
}

/* Nothing more is passed until the signal was delivered: what comes first is
   not left to the scheduler. */
static void until_taken(long pid)
{
    for (unsigned ms = 0; is_pending(pid) && ms < 5000; ms++)
        poll(NULL, 0, 1);
}

static void pull_trigger(void)
{
    FILE *f = fopen(pid_file, "r");
    long pid = 0;

    if (f && fscanf(f, "%ld", &pid) == 1 && pid > 1 &&
        kill((pid_t)pid, sig) == 0)
        until_taken(pid);
    if (f)
        fclose(f);
    signalled = true;
    there.left = back.left = UINT64_MAX;
}

/* The connection is broken, in the way that was asked for. */
static void cut(void)
{
    char unused[4096];

    if (sig && !signalled) {
        pull_trigger();
        return;
    }
    if (stall) {
        /* silent until the sender gives up */
        while (read(0, unused, sizeof(unused)) > 0)
            continue;
    }
    shut(&there);
    shut(&back);
}

static bool put_all(int fd, const char *p, size_t n)
{
    ssize_t r;

    while (n) {
        r = write(fd, p, n);
        if (r < 0 && errno != EINTR)
            return false;
        if (r > 0) {
            p += r;
            n -= (size_t)r;
        }
    }
    return true;
}

/* One piece; a limit that is reached cuts before anything more is passed. */
static void pass(struct way *w)
{
    size_t room = sizeof(w->buf);
    ssize_t r;

    if (w->left < room)
        room = w->left;
    r = read(w->from, w->buf, room);
    if (r < 0 && errno == EINTR)
        return;
    if (r <= 0 || !put_all(w->to, w->buf, (size_t)r)) {
        shut(w);
        return;
    }
    w->left -= (uint64_t)r;
    if (w->left == 0)
        cut();
}

int main(int argc, char **argv)
{
    struct pollfd pfd[2];
    int status = 0, first = parse(argc, argv);
    pid_t pid = start(argv + first);

    signal(SIGPIPE, SIG_IGN);
    if (there.left == 0 || back.left == 0)
        cut();
    while (back.from >= 0) {
        pfd[0] = (struct pollfd){there.from, POLLIN, 0};
        pfd[1] = (struct pollfd){back.from, POLLIN, 0};
        if (poll(pfd, 2, -1) < 0)
            continue;
        if (pfd[1].revents)
            pass(&back);
        if (there.from >= 0 && pfd[0].revents)
            pass(&there);
    }
    shut(&there);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (there.left == 0 || back.left == 0)
        return CUT_STATUS;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
