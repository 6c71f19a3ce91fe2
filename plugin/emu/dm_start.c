/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the restored domain to its running device model:
 *
 *   start: state file opened, program started, its number written
 *     -> on_store: device-model/DOMID/state says "running"   -> on_done
 *        on_end: it has ended instead; on_tick: it takes too long
 *
 * The program outlives us and is nobody's child, so that an application that
 * restores domains has no dead ones to collect: a shell in a shell tells its
 * number and becomes the program, so none runs whose number nobody knows. What
 * it prints meanwhile is its explanation if it fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/proc.h"
#include "lib/util.h"
#include "plugin/emu/dm.h"
#include "plugin/host/running.h"

#define NUMBER_FD 3 /* where the shell tells the program's number */
#define TICK_MS   200u
#define TOKEN     "device-model"

void xsr_dm_start_init(struct xsr_dm_start *s)
{
    memset(s, 0, sizeof(*s));
    s->pid = -1;
    s->pid_fd = s->words_fd = -1;
}

void xsr_dm_start_fini(struct xsr_dm_start *s)
{
    struct xsr_err ignored = XSR_ERR_INIT;

    if (s->watch_store)
        xsr_xs_unwatch(s->xs, s->node, TOKEN, &ignored);
    if (s->loop) {
        xsr_loop_del_fd(s->loop, &s->watch_store);
        xsr_loop_del_fd(s->loop, &s->watch_end);
        xsr_loop_del_fd(s->loop, &s->watch_words);
        xsr_loop_del_timer(s->loop, &s->tick);
    }
    xsr_close(&s->pid_fd);
    xsr_close(&s->words_fd);
}

static void done(struct xsr_dm_start *s, const struct xsr_err *err)
{
    xsr_dm_start_fini(s);
    s->on_done(s->ctx, err);
}

/* ---- while it starts ----------------------------------------------------- */

/* The last of what it printed, on one line. */
static const char *last_words(struct xsr_dm_start *s, char *out, size_t out_len)
{
    char *line;

    while (s->words_len && s->words[s->words_len - 1] == '\n')
        s->words_len--;
    s->words[s->words_len] = '\0';
    line = strrchr(s->words, '\n');
    line = line ? line + 1 : s->words;
    return xsr_err_quote(line, strlen(line), out, out_len);
}

static void take_words(struct xsr_dm_start *s)
{
    size_t room = sizeof(s->words) - 1 - s->words_len;
    ssize_t n;

    if (room < sizeof(s->words) / 2) { /* what was said first goes */
        memmove(s->words, s->words + s->words_len / 2,
                s->words_len - s->words_len / 2);
        s->words_len -= s->words_len / 2;
        room = sizeof(s->words) - 1 - s->words_len;
    }
    n = read(s->words_fd, s->words + s->words_len, room);
    if (n > 0)
        s->words_len += (size_t)n;
    else if (n == 0)
        xsr_loop_del_fd(s->loop, &s->watch_words);
}

static void on_words(void *ctx, int fd, short revents)
{
    (void)fd;
    (void)revents;
    take_words(ctx);
}

static bool has_ended(const struct xsr_dm_start *s)
{
    struct pollfd p = {s->pid_fd, POLLIN, 0};

    if (s->pid_fd >= 0)
        return poll(&p, 1, 0) > 0;
    return kill(s->pid, 0) < 0 && errno == ESRCH;
}

static void fail_ended(struct xsr_dm_start *s)
{
    struct pollfd p = {s->words_fd, POLLIN, 0};
    struct xsr_err err = XSR_ERR_INIT;
    char shown[160];

    while (s->watch_words && poll(&p, 1, 0) > 0)
        take_words(s);
    xsr_fail(&err, XSR_E_PEER,
             "the device model %s ended before domain %u could run: %s",
             s->path, s->domid,
             s->words_len ? last_words(s, shown, sizeof(shown))
                          : "it gives no reason");
    done(s, &err);
}

static void on_end(void *ctx, int fd, short revents)
{
    (void)fd;
    (void)revents;
    fail_ended(ctx);
}

static int start_tick(struct xsr_dm_start *s, struct xsr_err *err);

static void on_tick(void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_dm_start *s = ctx;

    xsr_loop_del_timer(s->loop, &s->tick);
    if (has_ended(s)) {
        fail_ended(s);
        return;
    }
    if (xsr_now_ms() >= s->deadline)
        xsr_fail(&err, XSR_E_TIMEOUT,
                 "the device model %s does not say that it runs (xenstore %s) "
                 "within %u ms",
                 s->path, s->node, s->patience_ms);
    if (err.kind != XSR_E_OK || start_tick(s, &err) < 0)
        done(s, &err);
}

static int start_tick(struct xsr_dm_start *s, struct xsr_err *err)
{
    return xsr_loop_add_timer(s->loop, TICK_MS, on_tick, s, &s->tick, err);
}

static void on_store(void *ctx, int fd, short revents)
{
    xsr_auto_free char *state = NULL;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_dm_start *s = ctx;
    bool any;

    (void)fd;
    (void)revents;
    if (xsr_xs_take_watches(s->xs, &any, &err) < 0 ||
        xsr_xs_read(s->xs, s->node, &state, &err) < 0) {
        done(s, &err);
        return;
    }
    if (!state || strcmp(state, "running") != 0)
        return;
    xsr_log(s->log, XSR_LOG_DEBUG, "device model: process %d runs",
            (int)s->pid);
    done(s, NULL);
}

/* ---- the start ----------------------------------------------------------- */

/*
 * What the shell says: the number of the program. Not to be interrupted: a
 * program is there already, and only who knows its number can end it. A shell
 * that dies closes the pipe.
 */
static int take_number(struct xsr_dm_start *s, int fd, struct xsr_err *err)
{
    char text[24] = "", *end;
    size_t n = 0;
    ssize_t r;
    long pid;

    do {
        r = read(fd, text + n, sizeof(text) - 1 - n);
        n += r > 0 ? (size_t)r : 0;
    } while (r > 0 || (r < 0 && errno == EINTR));
    pid = strtol(text, &end, 10);
    if (end == text || *end != '\n' || pid <= 1)
        return xsr_fail(err, XSR_E_IO, "the device model %s was not started",
                        s->path);
    s->pid = (pid_t)pid;
    s->pid_fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
    return 0;
}

/* Its ends of the pipes would keep them open. */
static int run_shell(struct xsr_dm_start *s, const char *const *line, int state,
                     int number[2], int *words, struct xsr_err *err)
{
    const struct xsr_spawn_fd fds[] = {{*words, STDERR_FILENO},
                                       {number[1], NUMBER_FD},
                                       {state, XSR_DM_STATE_FD}};
    struct xsr_spawn sp = {.path = "/bin/sh",
                           .argv = line,
                           .fds = fds,
                           .n_fds = XSR_ARRAY_LEN(fds)};
    struct xsr_child shell = XSR_CHILD_INIT;
    struct xsr_err second = XSR_ERR_INIT;
    int status, rc;

    rc = xsr_spawn(&sp, &shell, err);
    xsr_close(&number[1]);
    xsr_close(words);
    if (rc < 0)
        return -1;
    rc = take_number(s, number[0], err);
    if (xsr_child_wait(&shell, &status, rc < 0 ? &second : err) < 0)
        rc = -1;
    return rc;
}

/* sh -c SCRIPT PROGRAM OPTION... */
static int start_program(struct xsr_dm_start *s, const char *const *argv,
                         int state, struct xsr_err *err)
{
    static const char script[] =
        "/bin/sh -c 'echo $$ >&3; exec \"$0\" \"$@\" >&2 3>&-' \"$0\" \"$@\" &";
    int number[2] = {-1, -1}, words[2] = {-1, -1}, rc = -1;
    const char **line;
    size_t n = 0;

    while (argv[n])
        n++;
    line = calloc(n + 4, sizeof(*line));
    if (!line)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a command line");
    line[0] = "sh";
    line[1] = "-c";
    line[2] = script;
    memcpy(line + 3, argv, n * sizeof(*line));
    if (xsr_pipe(number, err) == 0 && xsr_pipe(words, err) == 0) {
        s->words_fd = words[0];
        rc = run_shell(s, line, state, number, &words[1], err);
    }
    xsr_close(&number[0]);
    xsr_close(&number[1]);
    free(line);
    return rc;
}

static int write_number(struct xsr_dm_start *s, struct xsr_err *err)
{
    char path[64], text[16];

    snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-pid",
             s->domid);
    snprintf(text, sizeof(text), "%d", (int)s->pid);
    return xsr_xs_write(s->xs, path, text, err);
}

/* From here on an end is waited for. */
static int watch_all(struct xsr_dm_start *s, struct xsr_err *err)
{
    s->deadline = xsr_now_ms() + s->patience_ms;
    if (xsr_loop_add_fd(s->loop, s->words_fd, POLLIN, on_words, s,
                        &s->watch_words, err) < 0 ||
        start_tick(s, err) < 0)
        return -1;
    if (s->pid_fd >= 0 && xsr_loop_add_fd(s->loop, s->pid_fd, POLLIN, on_end, s,
                                          &s->watch_end, err) < 0)
        return -1;
    if (xsr_xs_watch(s->xs, s->node, TOKEN, err) < 0)
        return -1;
    return xsr_loop_add_fd(s->loop, xsr_xs_fd(s->xs), POLLIN, on_store, s,
                           &s->watch_store, err);
}

int xsr_dm_start(struct xsr_dm_start *s, struct xsr_err *err)
{
    struct xsr_buf words = XSR_BUF_INIT;
    xsr_auto_close int state = -1;
    const char **argv = NULL;
    int rc = -1;

    snprintf(s->node, sizeof(s->node), "/local/domain/0/device-model/%u/state",
             s->domid);
    state = open(s->state_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (state < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "device model: cannot open "
                            "its state %s",
                            s->state_file);
    if (xsr_dm_args(s->path, s->run_dir, s->domid, s->config, &words, &argv,
                    err) == 0 &&
        start_program(s, argv, state, err) == 0 && write_number(s, err) == 0)
        rc = watch_all(s, err);
    free(argv);
    xsr_buf_fini(&words);
    if (rc < 0)
        xsr_dm_start_fini(s);
    return rc;
}
