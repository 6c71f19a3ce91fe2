/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr check`: will this image restore? Options, the run over the input, and
 * the exit code. The judgement is in the other files (check.h lists them).
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/util.h"
#include "tools/check/check.h"
#include "tools/tools.h"

/* The last word when there is nothing to report. */
static int refuse(bool as_json, int rc, const struct xsr_err *err)
{
    char text[XSR_ERR_TEXT + 40];
    json_t *doc;

    fprintf(stderr, "xensr: error: %s\n", xsr_err_str(err, text, sizeof text));
    if (!as_json)
        return rc;
    doc = json_pack("{s:{s:i,s:s}}", "error", "code", rc, "message", text);
    if (doc)
        json_dumpf(doc, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(doc);
    return rc;
}

/* Was what came through whole? A disk's error is no judgement of the image. */
static int judge_input(struct chk *c, bool as_json)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (c->src.err.kind != XSR_E_OK)
        return refuse(as_json, XENSR_FAILED, &c->src.err);
    if (xsr_input_close(&c->src.in, c->src.ended || c->stream_done, &err) == 0)
        return XENSR_OK;
    if (err.kind == XSR_E_FORMAT) {
        chk_find(c, CHK_INPUT_COMPRESSED, chk_at(c), "%s", err.text);
        return XENSR_OK;
    }
    return refuse(
        as_json,
        err.kind == XSR_E_UNSUPPORTED ? XENSR_UNSUPPORTED : XENSR_FAILED, &err);
}

static void on_progress(uint64_t octets)
{
    xsr_progress_report("checking", octets / XSR_PAGE_SIZE, 0);
}

static int printed(int rc)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return rc;
    fprintf(stderr, "xensr: error: cannot write to standard output: %s\n",
            strerror(errno));
    return rc == XENSR_OK ? XENSR_FAILED : rc;
}

static int run(const char *path, bool as_json, bool with_records)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct chk *c = chk_new(path, &err);
    int rc;

    if (!c)
        return printed(refuse(as_json, XENSR_FAILED, &err));
    c->src.on_progress = on_progress;
    xsr_progress_init(&c->src.in);
    chk_walk(c);
    xsr_progress_fini();
    rc = judge_input(c, as_json);
    if (rc == XENSR_OK) {
        rc = chk_exit_code(c);
        if (as_json)
            chk_report_json(c, rc);
        else if (!xsr_tool.quiet)
            chk_report(c, with_records);
    }
    chk_free(c);
    return printed(rc);
}

/* --rules, --rules=page */
static int list_rules(const char *form)
{
    if (form && strcmp(form, "page") != 0)
        return xsr_tool_usage("--rules takes nothing or =page");
    if (form)
        chk_rules_page();
    else
        chk_rules_print();
    return printed(XENSR_OK);
}

int xsr_cmd_check(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"quiet", no_argument, NULL, 'q'},
        {"records", no_argument, NULL, 'r'},
        {"rules", optional_argument, NULL, 'R'},
        {NULL, 0, NULL, 0},
    };
    bool as_json = false, with_records = false;
    int opt;

    optind = 0; /* the caller has been using getopt, too */
    opterr = 0;
    while ((opt = getopt_long(argc, argv, "qv", options, NULL)) != -1) {
        if (xsr_tool_takes(opt))
            continue;
        if (opt == 'j')
            as_json = true;
        else if (opt == 'r')
            with_records = true;
        else if (opt == 'R')
            return list_rules(optarg);
        else
            return xsr_tool_usage("check: \"%s\" is not an option",
                                  argv[optind - 1]);
    }
    if (optind + 1 != argc)
        return xsr_tool_usage("check takes one FILE, or - for standard input");
    return run(argv[optind], as_json, with_records);
}
