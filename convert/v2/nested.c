/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Older images inside a conversion. A forked child of ours reads the legacy
 * image from the input itself, exactly its bytes, and writes a libxl stream
 * into a pipe, which takes the input's place until it ends. Its last words
 * come through a second pipe: they explain an end that is too early.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "convert/legacy.h"
#include "convert/v2/inner.h"
#include "lib/fd.h"
#include "lib/util.h"

#define PIPE_SIZE (1u << 20)

struct words { /* as they are in memory: both ends are the same program */
    int rc;
    struct xsr_err err;
    struct xsr_legacy_report report;
};

struct child {
    pid_t pid;
    int data, words; /* read ends */
};

/* ---- in the child -------------------------------------------------------- */

static void __attribute__((noreturn))
run(struct cv *cv, int out, int words, pid_t parent)
{
    struct words w = {.err = XSR_ERR_INIT};
    struct xsr_legacy_params params = {
        .in = cv->flow.in,
        .out = out,
        .head = xsr_flow_p(&cv->flow),
        .n_head = cv->flow.len - cv->flow.pos,
        .drop_tmem = cv->p->drop_tmem,
    };
    ssize_t r;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    /* the terminal's go to the parent too, which ends us */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    xsr_fd_set_stop_flag(NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    w.rc = xsr_convert_legacy(&params, &w.report, &w.err);
    r = write(words, &w, sizeof w);
    (void)r; /* nobody is left who could be told */
    _exit(w.rc ? 1 : 0);
}

/* ---- in the parent ------------------------------------------------------- */

static int start(struct cv *cv, struct child *c, struct xsr_err *err)
{
    int data[2] = {-1, -1}, words[2] = {-1, -1}, rc = 0;
    pid_t self = getpid();

    if (xsr_pipe(data, err) || xsr_pipe(words, err)) {
        xsr_close(&data[0]);
        xsr_close(&data[1]);
        return -1;
    }
    xsr_grow_pipe(data[1], PIPE_SIZE);
    c->pid = fork();
    if (c->pid == 0) {
        xsr_close(&data[0]);
        xsr_close(&words[0]);
        run(cv, data[1], words[1], self);
    }
    if (c->pid < 0)
        rc = xsr_fail_sys(err, XSR_E_IO, errno,
                          "starting the conversion of a legacy image");
    xsr_close(&data[1]);
    xsr_close(&words[1]);
    c->data = data[0];
    c->words = words[0];
    return rc;
}

/* Its words, after the data have ended or nobody wants them any more. */
static int collect(struct child *c, bool kill_it, struct words *w)
{
    struct xsr_err unused = XSR_ERR_INIT;
    size_t n = 0;

    xsr_close(&c->data);
    if (c->pid <= 0)
        return -1;
    if (kill_it)
        kill(c->pid, SIGKILL);
    if (xsr_read_upto(c->words, w, sizeof *w, &n, "report", &unused))
        n = 0;
    xsr_close(&c->words);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return n == sizeof *w ? 0 : -1;
}

/* Only an early end of the data is the child's; it says so by having ended. */
static void explain(struct child *c, uint64_t base, struct xsr_err *err)
{
    bool early = err->kind == XSR_E_EOF;
    struct words w;

    if (collect(c, !early, &w) || !early || w.rc == 0)
        return;
    *err = w.err;
    if (err->offset != XSR_NO_OFFSET)
        err->offset += base;
}

/* All of the stream was read: the child has the last word nevertheless. */
static int finish(struct cv *cv, struct child *c, uint64_t base,
                  struct xsr_err *err)
{
    struct words w;

    if (collect(c, false, &w))
        return xsr_fail(err, XSR_E_IO,
                        "the conversion of a legacy image ended without a "
                        "word");
    if (w.rc)
        *err = w.err;
    cv->flow.in_at = base + w.report.in_bytes;
    return w.rc ? -1 : 0;
}

int in_legacy(struct cv *cv, struct xsr_err *err)
{
    struct child c = {-1, -1, -1};
    uint64_t base = cv->flow.in_at;
    int before, rc;

    if (xsr_flow_flush(&cv->flow, err) || start(cv, &c, err))
        return -1;
    /* what was in sight is the child's */
    before = xsr_flow_switch(&cv->flow, c.data);
    cv->flow.in_at = 0;
    cv->flow.exact = false;
    rc = in_libxl(cv, err);
    if (rc == 0)
        rc = xsr_flow_flush(&cv->flow, err);
    xsr_flow_switch(&cv->flow, before);
    cv->flow.in_at = base;
    cv->flow.exact = true;
    if (rc == 0)
        return finish(cv, &c, base, err);
    explain(&c, base, err);
    return -1;
}
