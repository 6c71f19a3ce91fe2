/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr restore`: options, signals, input; the work is libxensr's
 * (plugin/restore/restore.c); then the summary. Ctrl-C, SIGTERM and SIGHUP ask
 * the library to stop and undo, however often they come.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/util.h"
#include "tools/result.h"
#include "tools/tools.h"

struct request {
    const char *name, *helper, *config, *file;
    unsigned stall_ms;
    bool paused, json;
};

/* ---- options ------------------------------------------------------------ */

static int parse_options(int argc, char **argv, struct request *rq)
{
    static const struct option options[] = {
        {"paused", no_argument, NULL, 'p'},
        {"name", required_argument, NULL, 'n'},
        {"helper", required_argument, NULL, 'H'},
        {"config", required_argument, NULL, 'c'},
        {"stall", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "qv", options, NULL)) >= 0) {
        if (c == 'p')
            rq->paused = true;
        else if (c == 'n')
            rq->name = optarg;
        else if (c == 'H')
            rq->helper = optarg;
        else if (c == 'c')
            rq->config = optarg;
        else if (c == 'j')
            rq->json = true;
        else if (xsr_tool_takes(c))
            continue;
        else if (c != 's')
            return xsr_tool_usage("restore: \"%s\" is not an option, or its "
                                  "value is missing",
                                  argv[optind - 1]);
        else if (xsr_tool_seconds("--stall", optarg, &rq->stall_ms) != XENSR_OK)
            return XENSR_USAGE;
    }
    if (optind != argc - 1)
        return xsr_tool_usage("restore takes one file, or - for standard "
                              "input");
    rq->file = argv[optind];
    return XENSR_OK;
}

/* ---- summary ------------------------------------------------------------ */

static double rate_of(const struct xensr_restored *r, double seconds)
{
    uint64_t bytes =
        r->stream_bytes ? r->stream_bytes : r->n_pages * XSR_PAGE_SIZE;

    return seconds > 0 ? (double)bytes / (1 << 20) / seconds : 0;
}

static void print_summary(const struct xensr_restored *r, double seconds)
{
    printf("domain %u \"%s\" (%s) is restored and %s\n", r->domid, r->name,
           xsr_result_type(r->guest), r->paused ? "paused" : "running");
    printf("  uuid      %s\n", r->uuid);
    printf("  memory    %" PRIu64 " kB; %" PRIu64 " pages in place\n",
           r->memory_kb, r->n_pages);
    printf("  vCPUs     %u\n", r->n_vcpus);
    printf("  xenstore  frame %#" PRIx64 ", port %u\n", r->store_gfn,
           r->store_port);
    printf("  console   frame %#" PRIx64 ", port %u\n", r->console_gfn,
           r->console_port);
    if (r->emulator_file[0])
        printf("  emulator  %s (%" PRIu64 " bytes)\n", r->emulator_file,
               r->emulator_len);
    if (r->stream_bytes)
        printf("  stream    %" PRIu64 " bytes in %.2f s (%.0f MiB/s)\n",
               r->stream_bytes, seconds, rate_of(r, seconds));
    else
        printf("  time      %.2f s (%.0f MiB of guest memory per second)\n",
               seconds, rate_of(r, seconds));
}

static json_t *describe(const struct xensr_restored *r, double seconds)
{
    json_t *o = json_pack(
        "{s:i, s:s, s:s, s:s, s:b, s:i, s:I, s:I, s:I, s:I, s:i, s:i, s:f, "
        "s:f}",
        "domid", (int)r->domid, "name", r->name, "uuid", r->uuid, "type",
        xsr_result_type(r->guest), "paused", (int)r->paused, "vcpus",
        (int)r->n_vcpus, "memory_kb", (json_int_t)r->memory_kb, "pages",
        (json_int_t)r->n_pages, "store_gfn", (json_int_t)r->store_gfn,
        "console_gfn", (json_int_t)r->console_gfn, "store_port",
        (int)r->store_port, "console_port", (int)r->console_port, "seconds",
        seconds, "mib_per_s", rate_of(r, seconds));

    if (o && r->stream_bytes)
        json_object_set_new(o, "stream_bytes",
                            json_integer((json_int_t)r->stream_bytes));
    if (o && r->emulator_file[0]) {
        json_object_set_new(o, "emulator_file",
                            xsr_result_text(r->emulator_file));
        json_object_set_new(o, "emulator_bytes",
                            json_integer((json_int_t)r->emulator_len));
    }
    return o;
}

static int print_result(const struct request *rq,
                        const struct xensr_restored *r, double seconds)
{
    char done[240];

    if (rq->json)
        xsr_result_json(describe(r, seconds));
    else if (!xsr_tool.quiet)
        print_summary(r, seconds);
    snprintf(done, sizeof(done), "domain %u \"%s\" is restored and %s",
             r->domid, r->name, r->paused ? "paused" : "running");
    return xsr_result_printed(done);
}

/* ---- the restore -------------------------------------------------------- */

/* The end of the data is there; were they whole? Only the unpacker knows. */
static int on_input_end(void *ctx, char *text, unsigned text_len)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_input_close(ctx, true, &err) == 0)
        return 0;
    snprintf(text, text_len, "%s", err.text);
    return -1;
}

static int restore(struct xensr *x, const struct request *rq,
                   struct xsr_input *in, const char *config)
{
    struct xensr_restore_params params = {
        .fd = in->fd,
        .name = rq->name,
        .config_json = config,
        .paused = rq->paused,
        .head = in->head,
        .n_head = in->n_head,
        .must_end = xsr_input_must_end(in),
        .start_hvm = xsr_sim_active(),
        .on_input_end = on_input_end,
        .ctx = in,
    };
    struct xsr_err damage = XSR_ERR_INIT;
    struct xensr_restored result;
    uint64_t start_ms = xsr_now_ms();
    double seconds;
    int rc;

    xsr_progress_init(in);
    rc = xensr_restore(x, &params, &result);
    xsr_progress_fini();
    seconds = (double)(xsr_now_ms() - start_ms) / 1000;
    if (rc == XENSR_OK)
        return print_result(rq, &result, seconds);
    /* what was wrong with the short stream may be damage around it */
    if (xsr_input_close(in, false, &damage) < 0 && rc != XENSR_LOOK &&
        !xsr_signals_stopped())
        return xsr_result_refuse(rq->json, xsr_result_of(&damage), damage.text,
                                 UINT64_MAX);
    return xsr_result_refuse(rq->json, rc, xensr_error(x),
                             xensr_error_offset(x));
}

static int open_and_restore(struct xensr *x, const struct request *rq)
{
    struct xsr_input in = XSR_INPUT_INIT;
    struct xsr_buf config = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;
    int rc;

    if ((rq->config && xsr_input_read_config(rq->config, &config, &err) < 0) ||
        xsr_input_open(&in, rq->file, &err) < 0)
        rc = xsr_result_refuse(rq->json, XENSR_FAILED,
                               xsr_signals_stopped()
                                   ? "interrupted; nothing had "
                                     "been done"
                                   : err.text,
                               UINT64_MAX);
    else
        rc = restore(x, rq, &in, (const char *)config.p);
    xsr_input_close(&in, false, &err);
    xsr_buf_fini(&config);
    return rc;
}

int xsr_cmd_restore(int argc, char **argv)
{
    struct request rq = {0};
    struct xensr_options options = {0};
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
    rc = open_and_restore(x, &rq);
    xsr_signals_end();
    xensr_close(x);
    return rc;
}
