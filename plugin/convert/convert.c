/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting and joining the converter. Two descriptors go to it, the legacy
 * input and the write end of a pipe, and the end of that pipe that is read here
 * stays out of every other child. Its exit status is part of the result: a
 * whole v2 stream of a converter that failed is not believed.
 *
 *   start -> (the v2 stream is read from fd) -> join -> on_end -> on_done
 */
#include "plugin/convert/convert.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"

/* Numbers in the child; nobody there may take them for standard ones. */
#define CHILD_IN     3
#define CHILD_OUT    4
#define STRINGIFY(n) #n
#define NUMBER(n)    STRINGIFY(n)

#define OUR_ERROR      "xensr-convert-legacy: error: "
/* of Xen's converter, behind the line that says what is wrong */
#define XEN_LAST_WORDS "Please fix me"
#define OUR_WARN       "xensr-convert-legacy: warning: "

void xsr_converter_init(struct xsr_converter *cv)
{
    memset(cv, 0, sizeof(*cv));
    cv->child = (struct xsr_child)XSR_CHILD_INIT;
    cv->fd = cv->words = -1;
}

void xsr_converter_fini(struct xsr_converter *cv)
{
    if (cv->loop) {
        xsr_loop_del_fd(cv->loop, &cv->watch_words);
        xsr_loop_del_fd(cv->loop, &cv->watch_end);
    }
    xsr_child_fini(&cv->child);
    xsr_close(&cv->fd);
    xsr_close(&cv->words);
}

/* ---- what it says -------------------------------------------------------- */

static void end_line(struct xsr_converter *cv)
{
    char shown[256];
    bool warn;

    if (cv->n_line == 0)
        return;
    xsr_err_quote(cv->line, cv->n_line, shown, sizeof(shown));
    cv->n_line = 0;
    warn = strncmp(shown, OUR_WARN, strlen(OUR_WARN)) == 0;
    xsr_log(cv->log, warn ? XSR_LOG_WARN : XSR_LOG_DEBUG, "converter: %s",
            shown + (warn ? strlen(OUR_WARN) : 0));
    if (strcmp(shown, XEN_LAST_WORDS) != 0)
        memcpy(cv->last, shown, sizeof(cv->last));
}

/* One read, which does not block: there is something, or the end. */
static bool take_words(struct xsr_converter *cv)
{
    char buf[512];
    ssize_t r = read(cv->words, buf, sizeof(buf));

    for (ssize_t i = 0; i < r; i++) {
        if (buf[i] == '\n')
            end_line(cv);
        else if (cv->n_line < sizeof(cv->line))
            cv->line[cv->n_line++] = buf[i];
    }
    if (r <= 0)
        end_line(cv);
    return r > 0;
}

static void on_words(void *ctx, int fd, short revents)
{
    struct xsr_converter *cv = ctx;

    (void)fd;
    (void)revents;
    if (!take_words(cv))
        xsr_loop_del_fd(cv->loop, &cv->watch_words);
}

static bool ready(int fd, unsigned ms)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    return fd >= 0 && poll(&pfd, 1, (int)ms) > 0;
}

/* ---- how it ends --------------------------------------------------------- */

static int judge(struct xsr_converter *cv, int status, struct xsr_err *err)
{
    enum xsr_kind kind = XSR_E_PEER;
    const char *why = cv->last;
    char how[80];

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        cv->converted = true;
        return 0;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
        kind = XSR_E_FORMAT;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        kind = XSR_E_UNSUPPORTED;
    if (strncmp(why, OUR_ERROR, strlen(OUR_ERROR)) == 0)
        why += strlen(OUR_ERROR);
    return xsr_fail(err, kind,
                    "the legacy stream could not be converted: the converter "
                    "%s%s%.130s",
                    xsr_status_str(status, how, sizeof(how)), *why ? ": " : "",
                    why);
}

/* It has ended, or will at once: nothing can keep it. */
static int reap(struct xsr_converter *cv, struct xsr_err *err)
{
    int status;

    while (ready(cv->words, 0) && take_words(cv))
        ;
    if (xsr_child_wait(&cv->child, &status, err) < 0)
        return -1;
    return judge(cv, status, err);
}

bool xsr_converter_failed(struct xsr_converter *cv, unsigned ms,
                          struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;

    if (!ready(cv->child.watch_fd, ms) || reap(cv, &mine) == 0)
        return false;
    *err = mine;
    return true;
}

static void on_end(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_converter *cv = ctx;
    int rc;

    (void)fd;
    (void)revents;
    xsr_loop_del_fd(cv->loop, &cv->watch_words);
    xsr_loop_del_fd(cv->loop, &cv->watch_end);
    rc = reap(cv, &err);
    cv->on_done(cv->ctx, rc < 0 ? &err : NULL);
}

void xsr_converter_join(struct xsr_converter *cv, xsr_converter_done *on_done,
                        void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;

    cv->on_done = on_done;
    cv->ctx = ctx;
    if (xsr_loop_add_fd(cv->loop, cv->child.watch_fd, POLLIN, on_end, cv,
                        &cv->watch_end, &err) < 0)
        on_done(ctx, &err);
}

/* ---- start --------------------------------------------------------------- */

static int spawn(struct xsr_converter *cv, const char *path, int in, int out,
                 int words, bool hvm, struct xsr_err *err)
{
    const char *const argv[] = {
        path,
        "--in",
        NUMBER(CHILD_IN),
        "--out",
        NUMBER(CHILD_OUT),
        "--width", /* ours as libxl has it: a guess, which ours knows */
        sizeof(long) == 8 ? "64" : "32",
        "--guest",
        hvm ? "hvm" : "pv",
        "--format",
        "libxl",
        NULL,
    };
    static const char *const env[] = {"XENSR_CONVERT_WIDTH=detect", NULL};
    const struct xsr_spawn_fd fds[] = {
        {in, CHILD_IN}, {out, CHILD_OUT}, {words, STDERR_FILENO}};
    const struct xsr_spawn sp = {
        .path = path,
        .argv = argv,
        .env_add = env,
        .fds = fds,
        .n_fds = XSR_ARRAY_LEN(fds),
        .die_with_parent = true,
    };

    return xsr_spawn(&sp, &cv->child, err);
}

int xsr_converter_start(struct xsr_converter *cv, const char *path, int in,
                        bool hvm, struct xsr_err *err)
{
    int stream[2] = {-1, -1}, words[2] = {-1, -1}, rc = -1;

    if (xsr_pipe(stream, err) == 0 && xsr_pipe(words, err) == 0 &&
        spawn(cv, path, in, stream[1], words[1], hvm, err) == 0 &&
        xsr_loop_add_fd(cv->loop, words[0], POLLIN, on_words, cv,
                        &cv->watch_words, err) == 0)
        rc = 0;
    xsr_close(&stream[1]);
    xsr_close(&words[1]);
    cv->fd = stream[0];
    cv->words = words[0];
    return rc;
}
