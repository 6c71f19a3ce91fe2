/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts and ends the transport of a migration. A thread passes its standard
 * error on to ours while the library works, so that a password prompt or the
 * receiver's messages are seen at once. Used by migrate.c.
 */
#include "tools/transport.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/util.h"

#define PIPE_BYTES (1u << 20)
#define DRAIN_MS   300 /* for what it wrote last */

/* ---- its standard error ----------------------------------------------------
 */

/* Keep the last line that says something. */
static void remember(struct xsr_transport *t, char *line, size_t *len,
                     const char *p, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (p[i] != '\n' && p[i] != '\r') {
            if (*len < sizeof(t->last) - 1)
                line[(*len)++] = p[i];
        } else if (*len) {
            xsr_err_quote(line, *len, t->last, sizeof(t->last));
            *len = 0;
        }
    }
}

static void pass_on(const char *p, size_t n)
{
    static const char clear[] = "\r\033[K"; /* our progress line */
    bool terminal = isatty(STDERR_FILENO);
    struct iovec iov[2] = {{(void *)(uintptr_t)clear, terminal ? 4 : 0},
                           {(void *)(uintptr_t)p, n}};

    if (writev(STDERR_FILENO, iov, 2) < 0) {
        /* nobody is left who could be told */
    }
}

static void *read_words(void *ctx)
{
    struct xsr_transport *t = ctx;
    struct pollfd pfd[2] = {{t->words_fd, POLLIN, 0}, {t->quit_fd, POLLIN, 0}};
    char piece[1024], line[sizeof(t->last)];
    size_t len = 0;
    ssize_t r = 1;

    while (r > 0) {
        if (poll(pfd, 2, -1) < 0)
            continue;
        if (!pfd[0].revents) /* told to quit, and nothing more lies there */
            break;
        r = read(t->words_fd, piece, sizeof(piece));
        if (r <= 0)
            break;
        pass_on(piece, (size_t)r);
        remember(t, line, &len, piece, (size_t)r);
    }
    remember(t, line, &len, "\n", 1);
    return NULL;
}

/* Signals are for the thread that works. */
static int start_reader(struct xsr_transport *t, struct xsr_err *err)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&t->reader, NULL, read_words, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc)
        return xsr_fail_sys(err, XSR_E_IO, rc, "starting a thread");
    t->reading = true;
    return 0;
}

static void end_reader(struct xsr_transport *t)
{
    struct pollfd pfd = {t->words_fd, 0, 0};
    uint64_t one = 1;

    if (!t->reading)
        return;
    /* something it left behind may keep the pipe open */
    poll(&pfd, 1, DRAIN_MS);
    if (write(t->quit_fd, &one, sizeof(one)) < 0) {
        /* it is readable already */
    }
    pthread_join(t->reader, NULL);
    t->reading = false;
}

/* ---- start ------------------------------------------------------------------
 */

static int spawn(struct xsr_transport *t, char **argv, int in, int out,
                 int words, struct xsr_err *err)
{
    static const int ours[] = {SIGINT, SIGHUP};
    const struct xsr_spawn_fd fds[] = {{in, 0}, {out, 1}, {words, 2}};
    struct xsr_spawn sp = {
        .path = argv[0],
        .argv = (const char *const *)argv,
        .fds = fds,
        .n_fds = XSR_ARRAY_LEN(fds),
    };
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before[2];
    size_t i;
    int rc;

    for (i = 0; i < XSR_ARRAY_LEN(ours); i++)
        sigaction(ours[i], &ignore, &before[i]);
    rc = xsr_spawn(&sp, &t->child, err);
    for (i = 0; i < XSR_ARRAY_LEN(ours); i++)
        sigaction(ours[i], &before[i], NULL);
    return rc;
}

int xsr_transport_start(struct xsr_transport *t, char **argv,
                        struct xsr_err *err)
{
    xsr_auto_close int in = -1, out = -1, words = -1;
    int pair[2];

    *t = (struct xsr_transport)XSR_TRANSPORT_INIT;
    xsr_err_quote(argv[0], strlen(argv[0]), t->command, sizeof(t->command));
    t->quit_fd = eventfd(0, EFD_CLOEXEC);
    if (t->quit_fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "eventfd");
    if (xsr_pipe(pair, err) < 0)
        return -1;
    in = pair[0];
    t->out_fd = pair[1];
    xsr_grow_pipe(t->out_fd, PIPE_BYTES);
    if (xsr_pipe(pair, err) < 0)
        return -1;
    t->in_fd = pair[0];
    out = pair[1];
    if (xsr_pipe(pair, err) < 0)
        return -1;
    t->words_fd = pair[0];
    words = pair[1];
    if (spawn(t, argv, in, out, words, err) < 0)
        return xsr_err_prefix(err, "cannot start the transport");
    return start_reader(t, err);
}

/* ---- end --------------------------------------------------------------------
 */

static bool ended_within(const struct xsr_transport *t, unsigned ms)
{
    struct pollfd pfd = {t->child.watch_fd, POLLIN, 0};
    uint64_t end = xsr_now_ms() + ms, now;
    int r;

    for (;;) {
        now = xsr_now_ms();
        r = poll(&pfd, 1, now < end ? (int)(end - now) : 0);
        if (r > 0 || (r == 0 && now >= end))
            return r > 0;
    }
}

static void collect(struct xsr_transport *t, unsigned patience_ms)
{
    struct xsr_err unused = XSR_ERR_INIT;
    int status = 0;

    if (!ended_within(t, patience_ms)) {
        t->forced = true;
        xsr_child_signal(&t->child, SIGTERM);
        if (!ended_within(t, patience_ms))
            xsr_child_signal(&t->child, SIGKILL);
    }
    if (xsr_child_wait(&t->child, &status, &unused) < 0)
        return;
    xsr_status_str(status, t->how, sizeof(t->how));
    t->failed = status != 0;
}

void xsr_transport_end(struct xsr_transport *t, unsigned patience_ms)
{
    xsr_close(&t->out_fd);
    if (t->child.pid > 0)
        collect(t, patience_ms);
    end_reader(t);
    xsr_close(&t->in_fd);
    xsr_close(&t->words_fd);
    xsr_close(&t->quit_fd);
    xsr_child_fini(&t->child);
}

bool xsr_transport_well(const struct xsr_transport *t)
{
    return t->how[0] && !t->failed && !t->forced;
}

const char *xsr_transport_words(const struct xsr_transport *t, char *out,
                                size_t out_len)
{
    snprintf(out, out_len, "the transport \"%s\" %s%s%s%s%s", t->command,
             t->forced ? "did not end by itself and " : "",
             t->how[0] ? t->how : "has not ended",
             t->last[0] ? ", its last words: \"" : "", t->last,
             t->last[0] ? "\"" : "");
    return out;
}
