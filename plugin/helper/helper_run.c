/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process side of a helper run: pipes, start, deadlines, exit.
 *
 *   start -> on_output (bytes to helper_msgs.c) ... -> on_exit_ready -> on_done
 *
 * There is no time limit while the helper waits for a slow stream. Limits are:
 * a message that stays half (stall_ms); no sign of life although input waits
 * for it (hang_ms); exit after complete (ack_ms); exit after SIGTERM (term_ms).
 * Whatever happens, on_done is called once and only when the process is gone.
 */
#include "plugin/helper/helper_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"

#define PULSE_MS 500u /* how often signs of life are looked for */

/* Between two looks; more means that this process was stopped meanwhile. */
#define MAX_GAP_MS (3 * PULSE_MS)

/* Reads after its end: a whole pipe of the largest size, in small pieces. */
#define LAST_READS 256u

void xsr_helper_init(struct xsr_helper *h)
{
    memset(h, 0, sizeof(*h));
    h->child = (struct xsr_child)XSR_CHILD_INIT;
    h->side = XSR_IPC_RESTORE;
    h->stream_fd = h->to_fd = h->from_fd = -1;
    h->err = (struct xsr_err)XSR_ERR_INIT;
    xsr_buf_init(&h->in);
}

void xsr_helper_fini(struct xsr_helper *h)
{
    if (h->loop) {
        xsr_loop_del_fd(h->loop, &h->watch_from);
        xsr_loop_del_fd(h->loop, &h->watch_exit);
        xsr_loop_del_timer(h->loop, &h->deadline);
        xsr_loop_del_timer(h->loop, &h->pulse);
    }
    xsr_child_fini(&h->child);
    xsr_close(&h->to_fd);
    xsr_close(&h->from_fd);
    xsr_buf_fini(&h->in);
}

bool xsr_helper_running(const struct xsr_helper *h)
{
    return h->child.pid >= 0;
}

/* ---- ending it ---------------------------------------------------------- */

static void on_deadline(void *ctx);

static void set_deadline(struct xsr_helper *h, unsigned ms)
{
    struct xsr_err err = XSR_ERR_INIT;

    xsr_loop_del_timer(h->loop, &h->deadline);
    if (xsr_loop_add_timer(h->loop, ms, on_deadline, h, &h->deadline, &err) < 0)
        xsr_child_signal(&h->child, SIGKILL); /* never without a limit */
}

void xsr_helper_stop(struct xsr_helper *h, const struct xsr_err *why)
{
    if (!xsr_helper_running(h))
        return;
    if (h->err.kind == XSR_E_OK)
        h->err = *why;
    if (h->n_kills)
        return;
    h->n_kills = 1;
    xsr_child_signal(&h->child, SIGTERM);
    /* it need not wait for an answer, which would not come any more; but a
       save cleans up with our help */
    if (h->side == XSR_IPC_RESTORE || h->deaf)
        xsr_close(&h->to_fd);
    set_deadline(h, h->term_ms);
}

/* Time is over: for the exit after complete, or after SIGTERM. */
static void on_deadline(void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_helper *h = ctx;

    if (h->asked && h->n_kills < 2) {
        set_deadline(h, h->term_ms); /* it is our turn, not its */
        return;
    }
    if (h->n_kills == 0) {
        xsr_fail(&err, XSR_E_TIMEOUT,
                 "save helper %s did not exit within %u "
                 "ms after %s",
                 h->path, h->ack_ms,
                 h->ended_output && !(h->seen & 1u << XSR_MSG_COMPLETE)
                     ? "closing its output"
                     : "completion");
        xsr_helper_stop(h, &err);
        return;
    }
    if (h->n_kills == 1)
        xsr_log(h->log, XSR_LOG_WARN,
                "save helper ignored SIGTERM for %u ms "
                "and is killed",
                h->term_ms);
    h->n_kills = 2;
    xsr_child_signal(&h->child, SIGKILL);
    set_deadline(h, h->term_ms);
}

/* ---- signs of life ------------------------------------------------------ */

/* Bytes the process has read from, or written to, whatever; false: the kernel
   does not say. */
static bool count_moved(const struct xsr_helper *h, uint64_t *n_out)
{
    bool save = h->side == XSR_IPC_SAVE;
    const char *at;
    char path[40], text[256];
    xsr_auto_close int fd = -1;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/io", (int)h->child.pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return false;
    text[n] = '\0';
    at = strstr(text, save ? "wchar:" : "rchar:");
    return at && sscanf(at + strlen("rchar:"), "%" SCNu64, n_out) == 1;
}

/* Does the stream have bytes (or its end) for the helper to read, or room for
   what it writes? */
static bool stream_waits(const struct xsr_helper *h)
{
    struct pollfd p = {h->stream_fd, h->side == XSR_IPC_SAVE ? POLLOUT : POLLIN,
                       0};

    return poll(&p, 1, 0) > 0;
}

/*
 * Ctrl-Z stops the helper and us, and a blocked terminal those who write to it:
 * time in which we did not look either is nobody's silence.
 */
static void forgive_pause(struct xsr_helper *h, uint64_t now)
{
    uint64_t gap = now - h->last_look_ms;

    h->last_look_ms = now;
    if (gap > MAX_GAP_MS)
        h->last_life_ms = xsr_min(now, h->last_life_ms + gap);
}

static int check_life(struct xsr_helper *h, struct xsr_err *err)
{
    uint64_t now = xsr_now_ms(), n = 0, quiet;

    forgive_pause(h, now);
    if (!count_moved(h, &n) || n != h->moved_bytes || !stream_waits(h) ||
        h->asked) {
        h->moved_bytes = n;
        if (!h->in.len)
            h->last_life_ms = now;
    }
    quiet = now - h->last_life_ms;
    if (h->in.len && quiet > h->stall_ms)
        return xsr_fail(err, XSR_E_TIMEOUT,
                        "save helper %s stopped in the "
                        "middle of a message for %" PRIu64 " ms (allowed: %u)",
                        h->path, quiet, h->stall_ms);
    if (quiet > h->hang_ms)
        return xsr_fail(err, XSR_E_TIMEOUT,
                        "save helper %s shows no sign of "
                        "life for %" PRIu64 " ms although %s (allowed: %u)",
                        h->path, quiet,
                        h->side == XSR_IPC_SAVE ? "it could write"
                                                : "input waits for it",
                        h->hang_ms);
    return 0;
}

static void on_pulse(void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_helper *h = ctx;

    xsr_loop_del_timer(h->loop, &h->pulse);
    if (h->n_kills || h->deadline)
        return; /* another limit is running */
    if (check_life(h, &err) < 0 ||
        xsr_loop_add_timer(h->loop, PULSE_MS, on_pulse, h, &h->pulse, &err) < 0)
        xsr_helper_stop(h, &err);
}

/* ---- output ------------------------------------------------------------- */

static void end_output(struct xsr_helper *h)
{
    h->ended_output = true;
    xsr_loop_del_fd(h->loop, &h->watch_from);
}

/* One read; -1 with *err, 0 nothing (more) there, 1 got some. */
static int read_output(struct xsr_helper *h, struct xsr_err *err)
{
    uint8_t bytes[16384];
    ssize_t n;

    n = read(h->from_fd, bytes, sizeof(bytes));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0) {
        xsr_fail_sys(err, XSR_E_PEER, errno,
                     "cannot read from the save helper");
        end_output(h);
        return -1;
    }
    if (n == 0) {
        end_output(h);
        return 0;
    }
    h->last_life_ms = xsr_now_ms();
    /* after a failure its messages are of no interest, except to keep it
       from blocking while it cleans up; a save asks for help then */
    if (h->deaf || (h->err.kind != XSR_E_OK && h->side == XSR_IPC_RESTORE))
        return 1;
    if (xsr_helper_take_bytes(h, bytes, (size_t)n, err) < 0) {
        h->deaf = true;
        h->asked = false;
        return -1;
    }
    return 1;
}

static void on_output(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_helper *h = ctx;

    (void)fd;
    (void)revents;
    if (read_output(h, &err) < 0) {
        xsr_helper_stop(h, &err);
        if (h->deaf)
            xsr_close(&h->to_fd); /* no answer can make sense to it */
    }
    /* nothing is left to be said: only the exit is awaited now */
    if (!h->n_kills && !h->deadline &&
        (h->ended_output || h->seen & 1u << XSR_MSG_COMPLETE))
        set_deadline(h, h->ack_ms);
}

/* ---- exit --------------------------------------------------------------- */

static void on_exit_ready(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_helper *h = ctx;
    unsigned reads = 0;
    int status = 0, rc;
    uint64_t moved = 0;

    (void)fd;
    (void)revents;
    xsr_loop_del_fd(h->loop, &h->watch_exit);
    /* what it wrote before it went still lies in the pipe; but a process that
       it left behind may write for ever */
    while (!h->ended_output && reads++ < LAST_READS &&
           (rc = read_output(h, &err)) != 0) {
        if (rc < 0 && h->err.kind == XSR_E_OK)
            h->err = err;
        if (rc < 0)
            break;
    }
    xsr_err_clear(&err);
    h->asked = false;
    h->results.written = UINT64_MAX;
    if (h->side == XSR_IPC_SAVE && count_moved(h, &moved) &&
        moved >= h->n_received)
        h->results.written = moved - h->n_received;
    if (xsr_child_wait(&h->child, &status, &err) < 0 ||
        (h->err.kind == XSR_E_OK && xsr_helper_judge(h, status, &err) < 0)) {
        if (h->err.kind == XSR_E_OK)
            h->err = err;
    }
    if (h->err.kind == XSR_E_OK)
        xsr_helper_log_said(h);
    xsr_helper_fini(h);
    h->on_done(h->ctx, h->err.kind == XSR_E_OK ? NULL : &h->err, &h->results);
}

/* ---- start -------------------------------------------------------------- */

static int open_pipes(struct xsr_helper *h, int child_ends[2],
                      struct xsr_err *err)
{
    int in[2], out[2], flags;

    if (xsr_pipe(in, err) < 0)
        return -1;
    child_ends[0] = in[0];
    h->to_fd = in[1];
    if (xsr_pipe(out, err) < 0)
        return -1;
    h->from_fd = out[0];
    child_ends[1] = out[1];
    /* only our ends: each end of a pipe is an open file of its own */
    flags = fcntl(h->from_fd, F_GETFL);
    if (flags < 0 || fcntl(h->from_fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(h->to_fd, F_SETFL, O_WRONLY | O_NONBLOCK) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot set up a pipe");
    return 0;
}

/* Numbers of the command line, behind the word that says what to do. */
struct numbers {
    uint32_t n[8];
    size_t count;
};

static void list_numbers(const struct xsr_helper *h, uint32_t stream_as,
                         struct numbers *out)
{
    enum { LIVE = 1, VERIFY = 2 };
    enum { PLAIN = 0 };
    const enum xsr_ipc_gen g = XSR_IPC_G7;

    if (h->side == XSR_IPC_SAVE)
        *out =
            (struct numbers){{stream_as, h->domid,
                              (h->live ? LIVE : 0u) | (h->verify ? VERIFY : 0u),
                              xsr_msg_bit(g, XSR_MSG_SUSPEND) |
                                  xsr_msg_bit(g, XSR_MSG_SWITCH_LOGDIRTY),
                              PLAIN},
                             5};
    else
        *out =
            (struct numbers){{stream_as, h->domid, h->store_port,
                              h->store_domid, h->console_port, h->console_domid,
                              xsr_msg_bit(g, XSR_MSG_STATIC_DATA_DONE) |
                                  xsr_msg_bit(g, XSR_MSG_RESTORE_RESULTS),
                              PLAIN},
                             8};
}

static int spawn(struct xsr_helper *h, const int child_ends[2],
                 struct xsr_err *err)
{
    static const char *const records[] = {"XENSR_HELPER_LOG=debug", NULL};
    bool save = h->side == XSR_IPC_SAVE;
    int stream_as = h->stream_fd >= 3 ? h->stream_fd : 3;
    const char *argv[12] = {
        h->path,
        save ? "--save-domain" : "--restore-domain",
    };
    struct xsr_spawn_fd fds[] = {
        {child_ends[0], 0},
        {child_ends[1], 1},
        {h->stream_fd, stream_as},
    };
    struct xsr_spawn sp = {
        .path = h->path,
        .argv = argv,
        .env_add =
            h->log && h->log->max_level >= XSR_LOG_DEBUG ? records : NULL,
        .fds = fds,
        .n_fds = XSR_ARRAY_LEN(fds),
        .die_with_parent = true,
        /* nobody wants what it restores; but a save has to clean up */
        .death_signal = save ? SIGTERM : SIGKILL,
    };
    struct numbers numbers;
    char text[8][12];
    size_t i, n = 2;

    list_numbers(h, (uint32_t)stream_as, &numbers);
    for (i = 0; i < numbers.count; i++) {
        snprintf(text[i], sizeof(text[i]), "%" PRIu32, numbers.n[i]);
        argv[n++] = text[i];
        if (i == 0)
            argv[n++] = "-1"; /* no way back */
    }
    if (xsr_spawn(&sp, &h->child, err) < 0)
        return xsr_err_prefix(err, "save helper");
    return 0;
}

int xsr_helper_start(struct xsr_helper *h, struct xsr_err *err)
{
    int child_ends[2] = {-1, -1}, rc = -1;

    if (open_pipes(h, child_ends, err) < 0 || spawn(h, child_ends, err) < 0)
        goto out;
    h->last_life_ms = h->last_look_ms = xsr_now_ms();
    if (xsr_loop_add_fd(h->loop, h->from_fd, POLLIN, on_output, h,
                        &h->watch_from, err) < 0 ||
        xsr_loop_add_fd(h->loop, h->child.watch_fd, POLLIN, on_exit_ready, h,
                        &h->watch_exit, err) < 0 ||
        xsr_loop_add_timer(h->loop, PULSE_MS, on_pulse, h, &h->pulse, err) < 0)
        goto out;
    rc = 0;
out:
    xsr_close(&child_ends[0]);
    xsr_close(&child_ends[1]);
    if (rc < 0)
        xsr_helper_fini(h);
    return rc;
}
