/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timed [--to SINK] [--peaks] OUT -- COMMAND...: runs the command with its
 * standard output in SINK, and appends one line to the file OUT: nanoseconds
 * by the clock, microseconds of processor time (of the command and all it
 * waited for). The command's exit status is ours.
 *
 *   SINK: null (default), file=PATH (made anew), pipe=OCTETS, socket;
 *   what goes into a pipe or socket is read here, 1 MiB at a time.
 *
 * With --peaks the line is instead, for each program among the descendants,
 * NAME, the peak of its private and file-backed KiB (guest memory is shared
 * memory on a simulated host, so this is what the program needs for itself),
 * and its peak as the kernel counts it. Looked at every 2 ms.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_NAMES 16
#define PIECE     (1u << 20)

static struct peak {
    char name[32];
    long own_kib, hwm_kib;
} peaks[MAX_NAMES];
static int n_peaks;

static int die(const char *what)
{
    fprintf(stderr, "timed: %s: %s\n", what, strerror(errno));
    exit(125);
}

/* ---- peaks --------------------------------------------------------------- */

static void note_peak(const char *name, long own, long hwm)
{
    int i = 0;

    while (i < n_peaks && strcmp(peaks[i].name, name) != 0)
        i++;
    if (i == MAX_NAMES)
        return;
    if (i == n_peaks)
        snprintf(peaks[n_peaks++].name, sizeof(peaks->name), "%s", name);
    peaks[i].own_kib = own > peaks[i].own_kib ? own : peaks[i].own_kib;
    peaks[i].hwm_kib = hwm > peaks[i].hwm_kib ? hwm : peaks[i].hwm_kib;
}

static void look_at(int pid)
{
    char path[64], line[256], name[32] = "?";
    long anon = 0, file = 0, hwm = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    f = fopen(path, "re");
    if (!f)
        return;
    while (fgets(line, sizeof(line), f)) {
        sscanf(line, "Name: %31s", name);
        sscanf(line, "VmHWM: %ld", &hwm);
        sscanf(line, "RssAnon: %ld", &anon);
        sscanf(line, "RssFile: %ld", &file);
    }
    fclose(f);
    if (hwm)
        note_peak(name, anon + file, hwm);
}

static void look_at_all(int pid)
{
    char path[64];
    int child;
    FILE *f;

    look_at(pid);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    f = fopen(path, "re");
    while (f && fscanf(f, "%d", &child) == 1)
        look_at_all(child);
    if (f)
        fclose(f);
}

static int watch(pid_t pid)
{
    const struct timespec pause = {0, 2000000};
    int status;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        look_at_all(pid);
        nanosleep(&pause, NULL);
    }
    return status;
}

/* ---- sinks --------------------------------------------------------------- */

static int make_pipe(const char *octets, int *read_fd)
{
    int fds[2], want = (int)strtol(octets, NULL, 10);

    if (pipe2(fds, O_CLOEXEC) < 0)
        return die("pipe");
    if (fcntl(fds[1], F_SETPIPE_SZ, want) < 0)
        return die("size of the pipe");
    *read_fd = fds[0];
    return fds[1];
}

static int open_sink(const char *sink, int *read_fd)
{
    int fds[2], fd;

    if (strncmp(sink, "pipe=", 5) == 0)
        return make_pipe(sink + 5, read_fd);
    if (strcmp(sink, "socket") == 0) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
            return die("socketpair");
        *read_fd = fds[0];
        return fds[1];
    }
    if (strncmp(sink, "file=", 5) == 0)
        fd = open(sink + 5, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    else
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return fd < 0 ? die(sink) : fd;
}

static void drain(int fd)
{
    static char piece[PIECE];

    while (fd >= 0 && read(fd, piece, sizeof(piece)) > 0)
        ;
}

/* ---- the run ------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static pid_t start(char **command, int out_fd)
{
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid)
        return pid;
    if (dup2(out_fd, STDOUT_FILENO) < 0)
        die("dup2");
    execvp(command[0], command);
    die(command[0]);
    return -1;
}

static int64_t micros(const struct timeval *t)
{
    return t->tv_sec * 1000000ll + t->tv_usec;
}

static void report(const char *path, int64_t ns, bool with_peaks)
{
    FILE *f = fopen(path, "ae");
    struct rusage ru;

    if (!f || getrusage(RUSAGE_CHILDREN, &ru) < 0)
        die(path);
    if (!with_peaks)
        fprintf(f, "%" PRId64 " %" PRId64 "\n", ns,
                micros(&ru.ru_utime) + micros(&ru.ru_stime));
    for (int i = 0; with_peaks && i < n_peaks; i++)
        fprintf(f, "%s %ld %ld\n", peaks[i].name, peaks[i].own_kib,
                peaks[i].hwm_kib);
    if (fclose(f) != 0)
        die(path);
}

int main(int argc, char **argv)
{
    const char *sink = "null";
    int at = 1, status = 0, out_fd, read_fd = -1;
    bool with_peaks = false;
    int64_t begin;
    pid_t pid;

    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--peaks") == 0)
            with_peaks = true;
        else if (strcmp(argv[at], "--to") == 0 && at + 1 < argc)
            sink = argv[++at];
        else
            return 125;
    }
    if (at + 2 >= argc || strcmp(argv[at + 1], "--") != 0) {
        fputs("usage: timed [--to SINK] [--peaks] OUT -- COMMAND...\n", stderr);
        return 125;
    }
    out_fd = open_sink(sink, &read_fd);
    begin = now_ns();
    pid = start(argv + at + 2, out_fd);
    close(out_fd);
    drain(read_fd);
    if (with_peaks)
        status = watch(pid);
    else if (waitpid(pid, &status, 0) < 0)
        die("waitpid");
    report(argv[at], now_ns() - begin, with_peaks);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 124;
}
