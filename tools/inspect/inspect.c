/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr inspect`: what an image holds, without restoring it. Options, choice
 * of listing or memory, and the exit code. The work is in inspect_*.c; this is
 * the first and the last that runs.
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/inspect/inspect.h"
#include "tools/tools.h"

static const char usage[] =
    "usage: xensr inspect [--json] FILE|-\n"
    "       xensr inspect --memory [--skip-owned] FILE|-\n"
    "\n"
    "Lists the records of an xl save file, a libxl v2 stream or a libxc image,\n"
    "zstd-compressed or not, and checks everything on the way.\n"
    "\n"
    "  --json         one JSON document on standard output\n"
    "  --memory       instead: every page whose last content is not all zero,\n"
    "                 in ascending order, as 8 bytes of pfn (little-endian)\n"
    "                 and 4096 bytes of content\n"
    "  --skip-owned   with --memory: without the pages that a restore itself\n"
    "                 rewrites or clears (store, console and ioreq pages; PV:\n"
    "                 start_info, store, console and the p2m list)\n"
    "\n"
    "exit: 0 whole and good, 1 cannot read, 2 usage, 3 damaged, 4 valid but\n"
    "not supported\n";

static int exit_code(const struct xsr_err *err)
{
    switch (err->kind) {
    case XSR_E_OK:
        return 0;
    case XSR_E_EOF:
    case XSR_E_FORMAT:
    case XSR_E_ORDER:
    case XSR_E_LIMIT:
        return 3;
    case XSR_E_UNSUPPORTED:
        return 4;
    default:
        return 1;
    }
}

static int refuse_usage(const char *why)
{
    fprintf(stderr, "xensr inspect: %s\n%s", why, usage);
    return 2;
}

static int run(const char *path, bool as_json, bool memory, bool skip_owned)
{
    struct xsr_err err = XSR_ERR_INIT;
    char text[XSR_ERR_TEXT + 40];
    struct insp_src src;
    int rc = insp_src_open(&src, path, memory, &err);

    if (!rc)
        rc = memory ? insp_memory(&src, skip_owned, &err)
                    : insp_list(&src, as_json, &err);
    insp_src_fini(&src);
    if (!rc)
        return 0;
    fflush(stdout);
    /* Only what is about a place in the input needs the input's name. */
    if (err.offset != XSR_NO_OFFSET)
        xsr_err_prefix(&err, "%s", src.in.name);
    fprintf(stderr, "xensr: error: %s\n", xsr_err_str(&err, text, sizeof text));
    return exit_code(&err);
}

int xsr_cmd_inspect(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"memory", no_argument, NULL, 'm'},
        {"skip-owned", no_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool as_json = false, memory = false, skip_owned = false;
    int opt;

    optind = 0; /* the caller has been using getopt, too */
    while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
        switch (opt) {
        case 'j':
            as_json = true;
            break;
        case 'm':
            memory = true;
            break;
        case 's':
            skip_owned = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    if (optind + 1 != argc)
        return refuse_usage("expects one FILE, or - for standard input");
    if (memory && as_json)
        return refuse_usage("--memory and --json exclude each other");
    if (skip_owned && !memory)
        return refuse_usage("--skip-owned belongs to --memory");
    if (memory && isatty(1))
        return refuse_usage("--memory writes raw pages, not to a terminal: "
                            "redirect standard output");
    return run(argv[optind], as_json, memory, skip_owned);
}
