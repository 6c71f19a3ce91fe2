/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-convert-legacy`, the second name of this program: a drop-in for Xen's
 * convert-legacy-stream. main.c comes here by the name it was called with;
 * convert/legacy.c does the work. It may be started with standard descriptors
 * closed (by daemons), and with the input's or output's number among them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "tools/legacy/args.h"
#include "tools/target.h"
#include "tools/tools.h"

enum status { CONVERTED = 0, FAILED = 1, NOT_IN_V2 = 2 };

struct ends {
    int in, out;
    bool own_in, own_out;
    struct xsr_target target; /* own_out */
};

/* ---- what is said -------------------------------------------------------- */

static void on_line(void *ctx, enum xsr_level level, const char *text)
{
    const struct xsr_legacy_args *args = ctx;
    bool list = level >= XSR_LOG_INFO;
    /* not into the stream */
    FILE *to = list && strcmp(args->out, "1") != 0 ? stdout : stderr;

    if (args->syslog)
        syslog(list                    ? LOG_INFO
               : level == XSR_LOG_WARN ? LOG_WARNING
                                       : LOG_ERR,
               "%s", text);
    if (list && args->syslog)
        return;
    if (list)
        fprintf(to, "%s\n", text);
    else
        fprintf(stderr, "xensr-convert-legacy: %s: %s\n", xsr_level_name(level),
                text);
    fflush(to);
}

/* ---- the two ends -------------------------------------------------------- */

/* A number names a descriptor. -1 if it is none. */
static long number(const char *text)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(text, &end, 10);
    return errno || end == text || *end || n < 0 || n > INT_MAX ? -1 : n;
}

static int check_fd(long fd, int mode, const char *option, struct xsr_err *err)
{
    int flags = fcntl((int)fd, F_GETFL);

    if (flags < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "%s: descriptor %ld", option,
                            fd);
    if ((flags & O_ACCMODE) != mode && (flags & O_ACCMODE) != O_RDWR)
        return xsr_fail(err, XSR_E_IO, "%s: descriptor %ld is not open for %s",
                        option, fd, mode == O_RDONLY ? "reading" : "writing");
    return 0;
}

/* Before anything is opened: what was closed must not look open. */
static int check_fds(const struct xsr_legacy_args *args, struct xsr_err *err)
{
    long in = number(args->in), out = number(args->out);

    if (in >= 0 && check_fd(in, O_RDONLY, "--in", err) < 0)
        return -1;
    if (out >= 0 && check_fd(out, O_WRONLY, "--out", err) < 0)
        return -1;
    return 0;
}

static int open_ends(const struct xsr_legacy_args *args, struct ends *e,
                     struct xsr_err *err)
{
    long in = number(args->in), out = number(args->out);

    e->in = (int)in;
    e->out = (int)out;
    if (in < 0) {
        e->own_in = true;
        e->in = open(args->in, O_RDONLY | O_CLOEXEC);
        if (e->in < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno, "cannot open %s",
                                args->in);
    }
    if (out >= 0)
        return 0;
    e->own_out = true;
    if (xsr_target_open(&e->target, strcmp(args->out, "-") ? args->out : "./-",
                        err) < 0)
        return -1;
    e->out = e->target.fd;
    return 0;
}

static void close_ends(struct ends *e)
{
    if (e->own_in)
        xsr_close(&e->in);
    xsr_target_close(&e->target);
}

/* ---- the conversion ------------------------------------------------------ */

static int convert(struct xsr_legacy_args *args, struct xsr_err *err)
{
    struct ends e = {-1, -1, false, false, XSR_TARGET_INIT};
    struct xsr_legacy_report report;
    int rc;

    rc = open_ends(args, &e, err);
    /* without a file under a temporary name there is nothing to tidy up, and
       the default, to end at once, cannot come too late */
    if (rc == 0 && e.target.part)
        xsr_signals_begin(NULL);
    if (rc == 0) {
        args->params.in = e.in;
        args->params.out = e.out;
        rc = xsr_convert_legacy(&args->params, &report, err);
    }
    if (rc == 0 && e.own_out)
        rc = xsr_target_keep(&e.target, err);
    close_ends(&e);
    if (rc == 0)
        xsr_log(args->params.log, XSR_LOG_DEBUG,
                "%llu batches, %llu pages, %u vCPU(s), %llu bytes of QEMU's "
                "state",
                (unsigned long long)report.batches,
                (unsigned long long)report.pages, report.n_vcpus,
                (unsigned long long)report.qemu_len);
    return rc;
}

int xsr_legacy_main(int argc, char **argv)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_legacy_args args;
    struct xsr_log log = {on_line, NULL, &args, XSR_LOG_WARN};
    char text[512];
    int rc = xsr_legacy_args(argc, argv, &args);

    if (rc >= 0)
        return fflush(stdout) == 0 ? rc : FAILED;
    if (args.syslog)
        openlog("convert-legacy-stream", LOG_PID, LOG_USER);
    if (args.verbose)
        log.max_level = XSR_LOG_DEBUG;
    args.params.log = &log;
    signal(SIGPIPE, SIG_IGN); /* a reader that goes is an error to report */
    signal(SIGXFSZ, SIG_IGN);
    rc = check_fds(&args, &err);
    xsr_tool_fill_fds();
    if (rc == 0 && convert(&args, &err) == 0)
        return CONVERTED;
    xsr_log(&log, XSR_LOG_ERROR, "%s", xsr_err_str(&err, text, sizeof text));
    return err.kind == XSR_E_UNSUPPORTED ? NOT_IN_V2 : FAILED;
}
