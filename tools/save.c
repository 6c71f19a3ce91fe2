/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr save`: options, signals, the file; the work is libxensr's
 * (plugin/save/); then the summary. The library asks back twice: before the
 * guest is suspended, whether there is room for the rest, and when all is
 * written, whether it is safe. Only then may the guest go.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "tools/result.h"
#include "tools/target.h"
#include "tools/tools.h"

struct request {
    const char *domain, *file, *config, *helper;
    enum xensr_keep keep;
    unsigned suspend_ms, stall_ms;
    bool live, verify, json;
};

/* ---- options --------------------------------------------------------------
 */

static int parse_keep(const char *text, enum xensr_keep *out)
{
    if (strcmp(text, "running") == 0)
        *out = XENSR_KEEP_RUNNING;
    else if (strcmp(text, "paused") == 0)
        *out = XENSR_KEEP_PAUSED;
    else
        return xsr_tool_usage("save: --keep takes \"running\" or \"paused\", "
                              "not \"%s\"",
                              text);
    return XENSR_OK;
}

static int parse_option(int c, const char *word, struct request *rq)
{
    switch (c) {
    case 'l':
        rq->live = true;
        return XENSR_OK;
    case 'V':
        rq->verify = true;
        return XENSR_OK;
    case 'j':
        rq->json = true;
        return XENSR_OK;
    case 'C':
        rq->config = optarg;
        return XENSR_OK;
    case 'H':
        rq->helper = optarg;
        return XENSR_OK;
    case 'c':
        rq->keep = XENSR_KEEP_RUNNING;
        return XENSR_OK;
    case 'p':
        rq->keep = XENSR_KEEP_PAUSED;
        return XENSR_OK;
    case 'k':
        return parse_keep(optarg, &rq->keep);
    case 's':
        return xsr_tool_seconds("--suspend-timeout", optarg, &rq->suspend_ms);
    case 'S':
        return xsr_tool_seconds("--stall", optarg, &rq->stall_ms);
    default:
        return xsr_tool_usage("save: \"%s\" is not an option, or its value is "
                              "missing",
                              word);
    }
}

static int parse_options(int argc, char **argv, struct request *rq)
{
    static const struct option options[] = {
        {"live", no_argument, NULL, 'l'},
        {"verify", no_argument, NULL, 'V'},
        {"keep", required_argument, NULL, 'k'},
        {"config", required_argument, NULL, 'C'},
        {"helper", required_argument, NULL, 'H'},
        {"suspend-timeout", required_argument, NULL, 's'},
        {"stall", required_argument, NULL, 'S'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int c, rc;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "cpqv", options, NULL)) >= 0) {
        if (xsr_tool_takes(c))
            continue;
        rc = parse_option(c, argv[optind - 1], rq);
        if (rc != XENSR_OK)
            return rc;
    }
    if (optind != argc - 2)
        return xsr_tool_usage("save takes a domain and a file, or - for "
                              "standard output");
    rq->domain = argv[optind];
    rq->file = argv[optind + 1];
    if (rq->json && strcmp(rq->file, "-") == 0)
        return xsr_tool_usage("save: with - the image is on standard output, "
                              "where --json puts its result");
    return XENSR_OK;
}

/* ---- what the library asks ------------------------------------------------
 */

static int on_suspend(void *ctx, uint64_t bytes_to_come, char *text,
                      unsigned text_len)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_target_check_space(ctx, bytes_to_come, &err) == 0)
        return 0;
    snprintf(text, text_len, "%s", err.text);
    return -1;
}

static enum xensr_verdict on_written(void *ctx,
                                     const struct xensr_save_stats *stats,
                                     char *text, unsigned text_len)
{
    struct xsr_err err = XSR_ERR_INIT;

    (void)stats;
    if (xsr_target_keep(ctx, &err) == 0)
        return XENSR_SAFE;
    snprintf(text, text_len, "%s", err.text);
    return XENSR_REFUSED;
}

/* ---- the save -------------------------------------------------------------
 */

static int print_result(const struct request *rq, const struct xensr_saved *s,
                        const char *shown, double seconds)
{
    bool to_pipe = strcmp(rq->file, "-") == 0;
    char where[120], done[320];
    struct xsr_result_saved r = {s, where, to_pipe ? NULL : rq->file, rq->live,
                                 seconds};

    if (to_pipe)
        snprintf(where, sizeof(where), "written to standard output");
    else
        snprintf(where, sizeof(where), "saved in %s", shown);
    if (rq->json)
        xsr_result_json(xsr_result_of_saved(&r));
    else if (!xsr_tool.quiet)
        xsr_result_show_saved(to_pipe ? stderr : stdout, &r);
    snprintf(done, sizeof(done), "domain %u \"%s\" is %s", s->domid, s->name,
             where);
    return to_pipe ? XENSR_OK : xsr_result_printed(done);
}

static int save(struct xensr *x, const struct request *rq, uint32_t domid,
                struct xsr_target *t, const char *config)
{
    const struct xensr_save_params params = {
        .domid = domid,
        .fd = t->fd,
        .live = rq->live,
        .verify = rq->verify,
        .config_json = config,
        .suspend_ms = rq->suspend_ms,
        .keep = rq->keep,
        .on_suspend = on_suspend,
        .on_written = on_written,
        .ctx = t,
    };
    uint64_t start_ms = xsr_now_ms();
    struct xensr_saved saved = {0};
    int rc;

    xsr_progress_init(NULL);
    rc = xensr_save(x, &params, &saved);
    xsr_progress_fini();
    if (rc != XENSR_OK)
        return xsr_result_refuse(rq->json, rc, xensr_error(x),
                                 xensr_error_offset(x));
    return print_result(rq, &saved, t->shown,
                        (double)(xsr_now_ms() - start_ms) / 1000);
}

static int open_and_save(struct xensr *x, const struct request *rq,
                         uint32_t domid)
{
    struct xsr_target target = XSR_TARGET_INIT;
    struct xsr_buf config = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;
    int rc;

    if ((rq->config && xsr_input_read_config(rq->config, &config, &err) < 0) ||
        xsr_target_open(&target, rq->file, &err) < 0)
        rc = xsr_result_refuse(rq->json, XENSR_FAILED,
                               xsr_signals_stopped()
                                   ? "interrupted; nothing had been done"
                                   : err.text,
                               UINT64_MAX);
    else if (target.discards && rq->keep == XENSR_KEEP_NOTHING)
        rc = xsr_result_refuse(
            rq->json, XENSR_USAGE,
            "what is written there is lost, and the guest would be destroyed: "
            "name a file, or let it live with --keep running",
            UINT64_MAX);
    else
        rc = save(x, rq, domid, &target, (const char *)config.p);
    xsr_target_close(&target);
    xsr_buf_fini(&config);
    return rc;
}

int xsr_cmd_save(int argc, char **argv)
{
    struct request rq = {.keep = XENSR_KEEP_NOTHING};
    struct xensr_options options = {0};
    uint32_t domid = 0;
    struct xensr *x;
    int rc;

    rc = parse_options(argc, argv, &rq);
    if (rc != XENSR_OK)
        return rc;
    options.helper = rq.helper;
    options.stall_ms = options.hang_ms = rq.stall_ms;
    rc = xsr_tool_open(&options, &x);
    if (rc != XENSR_OK)
        return rc;
    xsr_signals_begin(x);
    rc = xsr_domain_arg(x, rq.domain, &domid);
    if (rc == XENSR_OK)
        rc = open_and_save(x, &rq, domid);
    xsr_signals_end();
    xensr_close(x);
    return rc;
}
