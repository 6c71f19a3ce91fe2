/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr inspect`: what an image holds, without restoring it. Options, choice
 * of listing, statistics or memory, and the exit code. The work is in
 * inspect_*.c; this is the first and the last that runs.
 */
#include <getopt.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "lib/util.h"
#include "tools/inspect/report.h"
#include "tools/result.h"
#include "tools/tools.h"

static const char usage[] =
    "usage: xensr inspect [--decode] [--hex] [--records TYPE[,TYPE...]]\n"
    "                     [--salvage] [--json] FILE|-\n"
    "       xensr inspect --pages [--salvage] [--json] FILE|-\n"
    "       xensr inspect --memory [--skip-owned] [--salvage] FILE|-\n"
    "       xensr inspect --raw OUT | --elf OUT [--salvage] [--json] FILE|-\n"
    "\n"
    "Tells the guest and lists the records of an xl save file, a libxl v2\n"
    "stream or a libxc image, zstd-compressed or not, and checks everything on\n"
    "the way.\n"
    "\n"
    "--decode       everything in each record: registers, devices, policies,\n"
    "               parameters, sections of the device model's state\n"
    "--hex          the bytes of each record\n"
    "--records T    only records of these types, by name or number\n"
    "--pages        instead: what the pages are: types, zero, duplicates\n"
    "--memory       instead: every page whose last content is not all zero,\n"
    "               in ascending order, as 8 bytes of pfn (little-endian)\n"
    "               and 4096 bytes of content\n"
    "--skip-owned   with --memory: without the pages that a restore itself\n"
    "               rewrites or clears (store, console and ioreq pages; PV:\n"
    "               start_info, store, console and the p2m list)\n"
    "--raw OUT      instead: the guest's memory as a sparse file, page N at\n"
    "               N * 4096\n"
    "--elf OUT      instead: the same as a core for gdb and crash, with the\n"
    "               registers of each vCPU\n"
    "--salvage      go on behind what is damaged, with the next record that\n"
    "               can be found, and write memory of a damaged image too; it\n"
    "               ends with 3 all the same\n"
    "--json         one JSON document on standard output\n"
    "\n"
    "exit: 0 whole and good, 1 cannot read or write, 2 usage, 3 damaged,\n"
    "4 valid but not supported\n";

static int refuse_usage(const char *why)
{
    fprintf(stderr, "xensr inspect: %s\n%s", why, usage);
    return 2;
}

static int run(const char *path, const struct insp_options *o)
{
    bool extracts = o->memory || o->raw || o->elf;
    struct xsr_err err = XSR_ERR_INIT;
    char text[XSR_ERR_TEXT + 40];
    struct insp_src src;
    int rc = insp_src_open(&src, path, extracts || o->pages, &err);

    if (!rc)
        rc = o->memory          ? insp_memory(&src, o, &err)
             : o->raw || o->elf ? insp_raw(&src, o, &err)
             : o->pages         ? insp_stats(&src, o, &err)
                                : insp_list(&src, o, &err);
    insp_src_fini(&src);
    if (!rc)
        return 0;
    fflush(stdout);
    /* Only what is about a place in the input needs the input's name. */
    if (err.offset != XSR_NO_OFFSET)
        xsr_err_prefix(&err, "%s", src.in.name);
    fprintf(stderr, "xensr: error: %s\n", xsr_err_str(&err, text, sizeof text));
    return xsr_result_of(&err);
}

/* ---- options ---------------------------------------------------------------
 */

static bool is_record_name(const char *p, size_t n)
{
    static const char *const headers[] = {"header", "image header",
                                          "domain header", "configuration"};
    const char *name;

    for (size_t i = 0; i < XSR_ARRAY_LEN(headers); i++)
        if (strlen(headers[i]) == n && !strncasecmp(headers[i], p, n))
            return true;
    for (uint32_t t = 0; t < XSR_XC3_N_TYPES; t++) {
        name = xsr_xc3_type_name(t);
        if (strlen(name) == n && !strncasecmp(name, p, n))
            return true;
    }
    for (uint32_t t = 0; t <= XSR_XL2_CHECKPOINT_STATE; t++) {
        name = xsr_xl2_type_name(t);
        if (strlen(name) == n && !strncasecmp(name, p, n))
            return true;
    }
    return false;
}

/* A list that names nothing would list nothing, without saying why. */
static int check_records(const char *list)
{
    for (const char *p = list;; p++) {
        size_t n = strcspn(p, ",");
        char *end;

        strtoul(p, &end, 0);
        if (!n || (end != p + n && !is_record_name(p, n))) {
            fprintf(stderr,
                    "xensr inspect: --records: found \"%.*s\", allowed are "
                    "numbers and names of record types, such as PAGE_DATA, "
                    "HVM_CONTEXT, EMULATOR_CONTEXT, configuration\n",
                    (int)xsr_min(n, 60), p);
            return 2;
        }
        p += n;
        if (!*p)
            return 0;
    }
}

static int check_combination(const struct insp_options *o)
{
    int modes = o->pages + o->memory + !!o->raw + !!o->elf;

    if (modes > 1)
        return refuse_usage("--pages, --memory, --raw and --elf exclude each "
                            "other");
    if (o->memory && o->json)
        return refuse_usage("--memory and --json exclude each other");
    if (modes && (o->decode || o->hex || o->records))
        return refuse_usage("--decode, --hex and --records belong to the "
                            "listing");
    if (o->skip_owned && !o->memory)
        return refuse_usage("--skip-owned belongs to --memory");
    if (o->memory && isatty(1))
        return refuse_usage("--memory writes raw pages, not to a terminal: "
                            "redirect standard output");
    return o->records ? check_records(o->records) : 0;
}

/* -1: go on; else the exit code. */
static int take_option(struct insp_options *o, int opt)
{
    switch (opt) {
    case 'j':
        o->json = true;
        return -1;
    case 'd':
        o->decode = true;
        return -1;
    case 'x':
        o->hex = true;
        return -1;
    case 'r':
        o->records = optarg;
        return -1;
    case 'S':
        o->salvage = true;
        return -1;
    case 'p':
        o->pages = true;
        return -1;
    case 'm':
        o->memory = true;
        return -1;
    case 's':
        o->skip_owned = true;
        return -1;
    case 'R':
        o->raw = optarg;
        return -1;
    case 'E':
        o->elf = optarg;
        return -1;
    case 'h':
        fputs(usage, stdout);
        return 0;
    default:
        if (xsr_tool_takes(opt))
            return -1;
        fputs(usage, stderr);
        return 2;
    }
}

int xsr_cmd_inspect(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"decode", no_argument, NULL, 'd'},
        {"hex", no_argument, NULL, 'x'},
        {"records", required_argument, NULL, 'r'},
        {"salvage", no_argument, NULL, 'S'},
        {"pages", no_argument, NULL, 'p'},
        {"memory", no_argument, NULL, 'm'},
        {"skip-owned", no_argument, NULL, 's'},
        {"raw", required_argument, NULL, 'R'},
        {"elf", required_argument, NULL, 'E'},
        {"quiet", no_argument, NULL, 'q'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct insp_options o = {0};
    int opt, rc;

    optind = 0; /* the caller has been using getopt, too */
    while ((opt = getopt_long(argc, argv, "hqv", options, NULL)) != -1) {
        rc = take_option(&o, opt);
        if (rc >= 0)
            return rc;
    }
    if (optind + 1 != argc)
        return refuse_usage("expects one FILE, or - for standard input");
    rc = check_combination(&o);
    return rc ? rc : run(argv[optind], &o);
}
