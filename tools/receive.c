/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr migrate-receive`: the other end of a migration, on standard input and
 * output, started by a transport. Takes the options with which the stock `xl`
 * starts its own receiver. Nothing but the handshake may go to standard output,
 * so what is said goes to standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "tools/result.h"
#include "tools/tools.h"

struct request {
    const char *config, *helper;
    unsigned answer_ms;
    bool paused, same_host;
};

/* ---- options --------------------------------------------------------------
 */

static int unsupported(const char *what)
{
    fprintf(stderr,
            "xensr: error: migrate-receive: %s is not supported here; let the "
            "stock xl receive that\n",
            what);
    return XENSR_UNSUPPORTED;
}

static int parse_option(int c, const char *word, struct request *rq)
{
    switch (c) {
    case 'p':
        rq->paused = true;
        return XENSR_OK;
    case 'C':
        rq->config = optarg;
        return XENSR_OK;
    case 'H':
        rq->helper = optarg;
        return XENSR_OK;
    case 'S':
        rq->same_host = true;
        return XENSR_OK;
    case 'a':
        return xsr_tool_seconds("--timeout", optarg, &rq->answer_ms);
    case 'e': /* xl: stay in the foreground, as we always do */
    case 't': /* xl: progress for a terminal */
    case 'T': /* xl: time stamps */
        return XENSR_OK;
    case 'd': /* xl: debug */
        xsr_tool.verbose = true;
        return XENSR_OK;
    case 'r':
        return unsupported("Remus (-r)");
    case 'o':
        return unsupported("COLO");
    default:
        return xsr_tool_usage("migrate-receive: \"%s\" is not an option, or "
                              "its value is missing",
                              word);
    }
}

static int parse_options(int argc, char **argv, struct request *rq)
{
    static const struct option options[] = {
        {"paused", no_argument, NULL, 'p'},
        {"config", required_argument, NULL, 'C'},
        {"helper", required_argument, NULL, 'H'},
        {"same-host", no_argument, NULL, 'S'},
        {"timeout", required_argument, NULL, 'a'},
        {"colo", no_argument, NULL, 'o'},
        {"coloft-script", required_argument, NULL, 'o'},
        {"userspace-colo-proxy", no_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    int c, rc;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "edptTrqv", options, NULL)) >= 0) {
        if (xsr_tool_takes(c))
            continue;
        rc = parse_option(c, argv[optind - 1], rq);
        if (rc != XENSR_OK)
            return rc;
    }
    if (optind != argc)
        return xsr_tool_usage("migrate-receive takes no argument \"%s\"",
                              argv[optind]);
    if (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO))
        return xsr_tool_usage("migrate-receive talks to a sender on standard "
                              "input and output, which are a terminal here: "
                              "start it through a transport, and that without "
                              "a terminal");
    return XENSR_OK;
}

/* ---- receiving ------------------------------------------------------------
 */

/* The sender's channel, where no stray line can get into it any more. */
static int take_standard_output(int *fd_out, struct xsr_err *err)
{
    fflush(stdout);
    *fd_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (*fd_out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "standard output");
    return 0;
}

static int receive(struct xensr *x, const struct request *rq, int out_fd,
                   const char *config)
{
    const struct xensr_receive_params params = {
        .in_fd = STDIN_FILENO,
        .out_fd = out_fd,
        .paused = rq->paused,
        .config_json = config,
        .start_hvm = xsr_sim_active(),
        .same_host = rq->same_host,
        .answer_ms = rq->answer_ms,
    };
    struct xensr_restored r = {0};
    int rc;

    xsr_progress_init(NULL);
    rc = xensr_receive(x, &params, &r);
    xsr_progress_fini();
    if (rc != XENSR_OK)
        return xsr_result_refuse(false, rc, xensr_error(x), UINT64_MAX);
    if (!xsr_tool.quiet)
        fprintf(stderr, "xensr: domain %u \"%s\" (%s) is received and %s\n",
                r.domid, r.name, xsr_result_type(r.guest),
                r.paused ? "paused" : "running");
    return XENSR_OK;
}

static int prepare_and_receive(struct xensr *x, const struct request *rq)
{
    xsr_auto_close int out_fd = -1;
    struct xsr_buf config = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;
    int rc;

    if ((rq->config && xsr_input_read_config(rq->config, &config, &err) < 0) ||
        take_standard_output(&out_fd, &err) < 0)
        rc = xsr_result_refuse(false, XENSR_FAILED, err.text, UINT64_MAX);
    else
        rc = receive(x, rq, out_fd, (const char *)config.p);
    xsr_buf_fini(&config);
    return rc;
}

int xsr_cmd_receive(int argc, char **argv)
{
    struct request rq = {0};
    struct xensr_options options = {0};
    struct xensr *x;
    int rc;

    rc = parse_options(argc, argv, &rq);
    if (rc != XENSR_OK)
        return rc;
    options.helper = rq.helper;
    rc = xsr_tool_open(&options, &x);
    if (rc != XENSR_OK)
        return rc;
    xsr_signals_begin(x);
    rc = prepare_and_receive(x, &rq);
    xsr_signals_end();
    xensr_close(x);
    return rc;
}
