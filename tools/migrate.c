/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr migrate` and `xensr migrate-receive`: options, signals, the transport;
 * the work is libxensr's (plugin/migrate/). Either end may be the stock `xl`,
 * whose options the receiver takes too.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "tools/result.h"
#include "tools/tools.h"
#include "tools/transport.h"

#define PATIENCE_MS 10000u /* until the transport ends by itself */

struct request {
    const char *domain, *config, *helper;
    char **transport;
    unsigned answer_ms, suspend_ms;
    bool no_live, verify, json, paused;
};

/* ---- options --------------------------------------------------------------
 */

static int parse_option(int c, const char *word, struct request *rq)
{
    switch (c) {
    case 'l':
    case 'n':
        rq->no_live = c == 'n';
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
    case 'a':
        return xsr_tool_seconds("--timeout", optarg, &rq->answer_ms);
    case 's':
        return xsr_tool_seconds("--suspend-timeout", optarg, &rq->suspend_ms);
    default:
        return xsr_tool_usage("migrate: \"%s\" is not an option, or its value "
                              "is missing",
                              word);
    }
}

/* What stands behind "--" is the transport's, options included. */
static int split_transport(int argc, char **argv, struct request *rq)
{
    int i;

    for (i = 1; i < argc && strcmp(argv[i], "--") != 0;)
        i++;
    if (i >= argc - 1)
        return -1;
    rq->transport = argv + i + 1;
    return i;
}

static int parse_options(int argc, char **argv, struct request *rq)
{
    static const struct option options[] = {
        {"live", no_argument, NULL, 'l'},
        {"no-live", no_argument, NULL, 'n'},
        {"verify", no_argument, NULL, 'V'},
        {"config", required_argument, NULL, 'C'},
        {"helper", required_argument, NULL, 'H'},
        {"timeout", required_argument, NULL, 'a'},
        {"suspend-timeout", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int n = split_transport(argc, argv, rq), c, rc;

    if (n < 0)
        return xsr_tool_usage("migrate takes a domain, then -- and the command "
                              "that reaches the receiver, such as: -- ssh HOST "
                              "xensr migrate-receive");
    opterr = 0;
    while ((c = getopt_long(n, argv, "qv", options, NULL)) >= 0) {
        if (xsr_tool_takes(c))
            continue;
        rc = parse_option(c, argv[optind - 1], rq);
        if (rc != XENSR_OK)
            return rc;
    }
    if (optind != n - 1)
        return xsr_tool_usage("migrate takes one domain in front of --");
    rq->domain = argv[optind];
    return XENSR_OK;
}

/* ---- sending --------------------------------------------------------------
 */

static int print_result(const struct request *rq, const struct xensr_saved *s,
                        double seconds)
{
    struct xsr_result_saved r = {s, "migrated", NULL, !rq->no_live, seconds};
    char done[240];

    if (rq->json)
        xsr_result_json(xsr_result_of_saved(&r));
    else if (!xsr_tool.quiet)
        xsr_result_show_saved(stdout, &r);
    snprintf(done, sizeof(done), "domain %u \"%s\" is migrated", s->domid,
             s->name);
    return xsr_result_printed(done);
}

/* Everything is settled: whoever pressed Ctrl-C wants to see the end. */
static unsigned patience(const struct request *rq)
{
    unsigned ms = PATIENCE_MS;

    if (rq->answer_ms && rq->answer_ms < ms)
        ms = rq->answer_ms;
    return xsr_signals_stopped() ? ms / 5 : ms;
}

static int migrate(struct xensr *x, const struct request *rq, uint32_t domid,
                   struct xsr_transport *t, const char *config)
{
    const struct xensr_migrate_params params = {
        .domid = domid,
        .out_fd = t->out_fd,
        .in_fd = t->in_fd,
        .live = !rq->no_live,
        .verify = rq->verify,
        .suspend_ms = rq->suspend_ms,
        .answer_ms = rq->answer_ms,
        .config_json = config,
    };
    uint64_t start_ms = xsr_now_ms();
    struct xensr_saved saved = {0};
    char words[400], text[1600];
    double seconds;
    int rc;

    xsr_progress_init(NULL);
    rc = xensr_migrate(x, &params, &saved);
    xsr_progress_fini();
    seconds = (double)(xsr_now_ms() - start_ms) / 1000;
    xsr_transport_end(t, patience(rq));
    xsr_transport_words(t, words, sizeof(words));
    if (rc != XENSR_OK) {
        snprintf(text, sizeof(text), "%s (%s)", xensr_error(x), words);
        return xsr_result_refuse(rq->json, rc, text, UINT64_MAX);
    }
    if (!xsr_transport_well(t))
        fprintf(stderr,
                "xensr: warning: the guest runs at the receiver, but "
                "%s\n",
                words);
    return print_result(rq, &saved, seconds);
}

static int start_and_migrate(struct xensr *x, const struct request *rq)
{
    struct xsr_transport t = XSR_TRANSPORT_INIT;
    struct xsr_buf config = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;
    uint32_t domid = 0;
    int rc = xsr_domain_arg(x, rq->domain, &domid);

    if (rc != XENSR_OK)
        return rc;
    if ((rq->config && xsr_input_read_config(rq->config, &config, &err) < 0) ||
        xsr_transport_start(&t, rq->transport, &err) < 0)
        rc = xsr_result_refuse(rq->json, XENSR_FAILED,
                               xsr_signals_stopped()
                                   ? "interrupted; nothing had been done"
                                   : err.text,
                               UINT64_MAX);
    else
        rc = migrate(x, rq, domid, &t, (const char *)config.p);
    xsr_transport_end(&t, PATIENCE_MS);
    xsr_buf_fini(&config);
    return rc;
}

int xsr_cmd_migrate(int argc, char **argv)
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
    rc = start_and_migrate(x, &rq);
    xsr_signals_end();
    xensr_close(x);
    return rc;
}
