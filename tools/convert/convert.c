/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr convert`: options, input and output, the report. The output appears
 * under its name when the conversion has succeeded and all of it is on disk;
 * it may be the input's own name. The conversion is convert/v2/.
 */
#include "tools/convert/convert.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/loop.h"
#include "lib/util.h"
#include "tools/result.h"

/* ---- options --------------------------------------------------------------
 */

static const struct {
    const char *name;
    enum xsr_format format;
    uint32_t version;
    bool output;
} formats[] = {
    {"xl", XSR_FORMAT_XL, 0, true},
    {"libxl", XSR_FORMAT_LIBXL, 0, true},
    {"libxc", XSR_FORMAT_LIBXC3, 0, true},
    {"libxc-v2", XSR_FORMAT_LIBXC2, 2, true},
    {"libxc-v3", XSR_FORMAT_LIBXC3, 3, true},
    {"xenserver", XSR_FORMAT_XENSERVER, 0, true},
    {"legacy", XSR_FORMAT_LEGACY, 0, false},
};

static int parse_format(const char *option, const char *text, bool output,
                        enum xsr_format *format_out, uint32_t *version)
{
    for (size_t i = 0; i < XSR_ARRAY_LEN(formats); i++) {
        if (strcmp(text, formats[i].name) != 0 ||
            (output && !formats[i].output))
            continue;
        *format_out = formats[i].format;
        if (output && formats[i].version)
            *version = formats[i].version;
        return XENSR_OK;
    }
    return xsr_tool_usage(
        "convert: %s takes xl, libxl, libxc, libxc-v2, "
        "libxc-v3%s, not \"%s\"",
        option, output ? " or xenserver" : ", xenserver or legacy", text);
}

static int parse_version(const char *text, uint32_t *out)
{
    if (strcmp(text, "2") != 0 && strcmp(text, "3") != 0)
        return xsr_tool_usage("convert: --image-version takes 2 or 3, not "
                              "\"%s\"",
                              text);
    *out = (uint32_t)(*text - '0');
    return XENSR_OK;
}

static int parse_name(const char *text, const char **out)
{
    size_t len = strlen(text);
    bool number = true;

    for (size_t i = 0; i < len; i++) {
        number &= text[i] >= '0' && text[i] <= '9';
        if (text[i] <= ' ' || text[i] >= 0x7f || text[i] == '/')
            len = 0;
    }
    if (!len || len > 127 || number)
        return xsr_tool_usage("convert: --name takes 1 to 127 printable "
                              "characters without blank and slash, not only "
                              "digits");
    *out = text;
    return XENSR_OK;
}

static int parse_uuid(const char *text, const char **out)
{
    size_t i;

    for (i = 0; i < 36 && text[i]; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
            break;
    }
    if (i != 36 || text[i])
        return xsr_tool_usage("convert: --uuid takes a UUID as in 01234567-"
                              "89ab-cdef-0123-456789abcdef, not \"%s\"",
                              text);
    *out = text;
    return XENSR_OK;
}

static int parse_fix(const char *text, enum xsr_fix *out)
{
    *out = text ? XSR_FIX_FORCE : XSR_FIX_AUTO;
    if (text && strcmp(text, "force") != 0)
        return xsr_tool_usage("convert: --fix-piix4acpi takes \"force\" or "
                              "nothing, not \"%s\"",
                              text);
    return XENSR_OK;
}

static int parse_option(int c, const char *word, struct conv *cv)
{
    switch (c) {
    case 'f':
        return parse_format("--from", optarg, false, &cv->from, NULL);
    case 't':
        return parse_format("--to", optarg, true, &cv->to, &cv->version);
    case 'i':
        return parse_version(optarg, &cv->version);
    case 'n':
        return parse_name(optarg, &cv->name);
    case 'u':
        return parse_uuid(optarg, &cv->uuid);
    case 'C':
        cv->config_file = optarg;
        return XENSR_OK;
    case 'a':
        cv->aside = optarg;
        return XENSR_OK;
    case 'w':
        cv->with = optarg;
        return XENSR_OK;
    case 'F':
        return parse_fix(optarg, &cv->fix);
    case 'T':
        cv->drop_tmem = true;
        return XENSR_OK;
    case 'j':
        cv->json = true;
        return XENSR_OK;
    default:
        return xsr_tool_usage("convert: \"%s\" is not an option, or its value "
                              "is missing",
                              word);
    }
}

static int check_options(const struct conv *cv)
{
    bool edits = cv->name || cv->uuid || cv->config_file;

    if (edits && cv->to != XSR_FORMAT_UNKNOWN && cv->to != XSR_FORMAT_XL)
        return xsr_tool_usage("convert: --name, --uuid and --config are for "
                              "the xl header, which only --to xl writes");
    if (cv->json && strcmp(cv->out, "-") == 0)
        return xsr_tool_usage("convert: with - the image is on standard "
                              "output, where --json puts its result");
    return XENSR_OK;
}

static int parse_options(int argc, char **argv, struct conv *cv)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},
        {"image-version", required_argument, NULL, 'i'},
        {"name", required_argument, NULL, 'n'},
        {"uuid", required_argument, NULL, 'u'},
        {"config", required_argument, NULL, 'C'},
        {"aside", required_argument, NULL, 'a'},
        {"with", required_argument, NULL, 'w'},
        {"fix-piix4acpi", optional_argument, NULL, 'F'},
        {"drop-tmem", no_argument, NULL, 'T'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int c, rc;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "qv", options, NULL)) >= 0) {
        if (xsr_tool_takes(c))
            continue;
        rc = parse_option(c, argv[optind - 1], cv);
        if (rc != XENSR_OK)
            return rc;
    }
    if (optind != argc - 2)
        return xsr_tool_usage("convert takes an input and an output; - is "
                              "standard input or output");
    cv->in = argv[optind];
    cv->out = argv[optind + 1];
    return check_options(cv);
}

/* ---- the report -----------------------------------------------------------
 */

static void on_note(void *ctx, const char *text)
{
    struct conv *cv = ctx;

    json_array_append_new(cv->notes, xsr_result_text(text));
}

static void on_moved(void *ctx, uint64_t in_at)
{
    (void)ctx;
    xsr_progress_report("converting", in_at / XSR_PAGE_SIZE, 0);
}

static const char *guest_type(const struct conv *cv)
{
    if (*cv->type)
        return strcmp(cv->type, "hvm") == 0   ? "HVM"
               : strcmp(cv->type, "pvh") == 0 ? "PVH"
                                              : "PV";
    return cv->report.dhdr.guest == XSR_XC3_PV ? "PV"
           : cv->report.emulator_len           ? "HVM"
                                               : "HVM or PVH";
}

static double mib_per_s(const struct conv *cv)
{
    double mib = (double)cv->report.in_bytes / (1 << 20);

    return cv->seconds > 0 ? mib / cv->seconds : 0;
}

static void show_json(const struct conv *cv)
{
    const struct xsr_convert_report *r = &cv->report;
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:I, s:I, s:i, s:I, s:i, s:I, "
        "s:I, s:f, s:f, s:O}",
        "from", xsr_format_name(r->from), "to", xsr_format_name(r->to), "type",
        guest_type(cv), "image_version_in", (int)r->version_in, "image_version",
        (int)r->version_out, "xen_major", (int)r->dhdr.xen_major, "xen_minor",
        (int)r->dhdr.xen_minor, "records", (json_int_t)r->n_records, "pages",
        (json_int_t)r->n_pages, "checkpoints", (int)r->n_checkpoints,
        "device_state_bytes", (json_int_t)r->emulator_len, "emulator",
        (int)r->emulator_id, "in_bytes", (json_int_t)r->in_bytes, "out_bytes",
        (json_int_t)r->out_bytes, "seconds", cv->seconds, "mib_per_s",
        mib_per_s(cv), "notes", cv->notes);

    xsr_result_json(o);
}

static void show(const struct conv *cv, FILE *to)
{
    const struct xsr_convert_report *r = &cv->report;
    size_t i;

    fprintf(to, "%s (image version %u) became %s (image version %u)\n",
            xsr_format_name(r->from), r->version_in, xsr_format_name(r->to),
            r->version_out);
    fprintf(to, "  guest     %s, saved by Xen %u.%u\n", guest_type(cv),
            r->dhdr.xen_major, r->dhdr.xen_minor);
    fprintf(to,
            "  image     %" PRIu64 " records, %" PRIu64 " pages with content\n",
            r->n_records, r->n_pages);
    fprintf(to,
            "  bytes     %" PRIu64 " in, %" PRIu64
            " out, %.2f s (%.0f MiB/s)\n",
            r->in_bytes, r->out_bytes, cv->seconds, mib_per_s(cv));
    for (i = 0; i < json_array_size(cv->notes); i++)
        fprintf(to, "  - %s\n",
                json_string_value(json_array_get(cv->notes, i)));
}

static int show_result(const struct conv *cv)
{
    bool to_stdout = strcmp(cv->out, "-") != 0;

    if (cv->json)
        show_json(cv);
    else if (!xsr_tool.quiet)
        show(cv, to_stdout ? stdout : stderr);
    return xsr_result_printed("the image was converted");
}

/* ---- the conversion -------------------------------------------------------
 */

/*
 * Will the output be about as long as the input is? Not of compressed data, nor
 * of a disk, on which a XenServer image lies in front of old content.
 */
static bool length_tells(const struct xsr_input *in)
{
    static const char disk[] = "XenSavedDom";
    char head[sizeof disk - 1];
    struct stat st;

    return in->seekable && fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode) &&
           pread(in->fd, head, sizeof head, (off_t)in->start) ==
               (ssize_t)sizeof head &&
           memcmp(head, disk, sizeof head) != 0;
}

static int convert(struct conv *cv, const struct xsr_input *in,
                   struct xsr_target *target, struct xsr_err *err)
{
    const struct xsr_convert_params params = {
        .in = in->fd,
        .out = target->fd,
        .head = in->head,
        .n_head = in->n_head,
        .must_end = xsr_input_must_end(in),
        .from = cv->from,
        .to = cv->to,
        .version = cv->version,
        .piix4acpi = cv->fix,
        .drop_tmem = cv->drop_tmem,
        .parts = {.aside = cv->aside ? conv_aside : NULL,
                  .aside_done = conv_aside_done,
                  .with = conv_with,
                  .note = on_note,
                  .ctx = cv},
        .config = conv_config,
        .on_moved = on_moved,
    };
    uint64_t start = xsr_now_ms();

    if (length_tells(in) && xsr_target_check_space(target, in->size, err))
        return -1;
    if (xsr_convert(&params, &cv->report, err) || conv_check_config(cv, err))
        return -1;
    cv->seconds = (double)(xsr_now_ms() - start) / 1000;
    return 0;
}

/* Whether a compressed input was whole is known when it is closed. */
static int convert_input(struct conv *cv, struct xsr_target *target,
                         struct xsr_err *err)
{
    struct xsr_input in = XSR_INPUT_INIT;
    struct xsr_err at_close = XSR_ERR_INIT;
    int rc;

    if (xsr_input_open(&in, cv->in, err))
        return -1;
    xsr_progress_init(&in);
    rc = convert(cv, &in, target, err);
    xsr_progress_fini();
    if (rc && err->offset != XSR_NO_OFFSET)
        xsr_err_prefix(err, "%s", in.name);
    if (xsr_input_close(&in, rc == 0, &at_close)) {
        *err = at_close;
        rc = -1;
    }
    return rc;
}

static int run(struct conv *cv, struct xsr_err *err)
{
    struct xsr_target target = XSR_TARGET_INIT;
    bool kept;
    int rc;

    rc = conv_folders_open(cv, err);
    if (rc == 0)
        rc = xsr_target_open(&target, cv->out, err);
    if (rc == 0)
        rc = convert_input(cv, &target, err);
    kept = rc == 0;
    /* the parts first: an image without them is worth less */
    if (conv_folders_close(cv, kept, err))
        rc = -1;
    if (rc == 0)
        rc = xsr_target_keep(&target, err);
    xsr_target_close(&target);
    return rc;
}

int xsr_cmd_convert(int argc, char **argv)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct conv cv = {.part_fd = -1, .aside_dir = -1, .with_dir = -1};
    char text[XSR_ERR_TEXT + 40];
    int rc = parse_options(argc, argv, &cv);

    if (rc != XENSR_OK)
        return rc;
    cv.notes = json_array();
    if (!cv.notes)
        return XENSR_FAILED;
    signal(SIGPIPE, SIG_IGN); /* a reader that goes is an error like others */
    signal(SIGXFSZ, SIG_IGN);
    xsr_signals_begin(NULL);
    if (run(&cv, &err) == 0)
        rc = show_result(&cv);
    else if (xsr_signals_stopped())
        rc = xsr_result_refuse(cv.json, XENSR_FAILED,
                               "interrupted; nothing was written", UINT64_MAX);
    else
        rc =
            xsr_result_refuse(cv.json, xsr_result_of(&err),
                              xsr_err_str(&err, text, sizeof text), err.offset);
    xsr_signals_end();
    json_decref(cv.notes);
    return rc;
}
