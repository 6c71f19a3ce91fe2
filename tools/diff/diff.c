/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr diff A B`: in what two images differ for a restore: records, fields
 * in them, pages. Options and exit code, which is diff's own: 1 is a
 * difference. Works on what `xensr inspect` is made of.
 */
#include <getopt.h>
#include <stdio.h>

#include "tools/diff/diff.h"
#include "tools/result.h"
#include "tools/tools.h"

static const char usage[] =
    "usage: xensr diff [--json] A B\n"
    "\n"
    "Compares two images, each an xl save file, a libxl v2 stream or a libxc\n"
    "image, zstd-compressed or not; one of them may be - for standard input.\n"
    "Told are records that only one has, fields in which records differ, and\n"
    "pages that only one has or whose contents or types differ. How an image is\n"
    "cut into records, and where they lie, makes no difference.\n"
    "\n"
    "--json   one JSON document on standard output\n"
    "\n"
    "exit: 0 nothing differs, 1 something does, 2 usage, or an input cannot be\n"
    "read, 3 an image is damaged, 4 it is valid but not supported\n";

/* 1 says "they differ" here. */
static int exit_code(const struct xsr_err *err)
{
    int rc = xsr_result_of(err);

    return rc == XENSR_FAILED ? 2 : rc;
}

bool diff_found(const json_t *doc)
{
    static const char *const classes[] = {"differ", "other_type", "only_a",
                                          "only_b"};
    const json_t *state = json_object_get(doc, "records");
    const json_t *pages = json_object_get(doc, "pages"), *one;

    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        one = json_object_get(pages, classes[i]);
        if (json_integer_value(json_object_get(one, "pages")) ||
            json_array_size(json_object_get(state, classes[i])))
            return true;
    }
    return false;
}

static json_t *compare(struct diff_side *a, struct diff_side *b,
                       struct xsr_err *err)
{
    json_t *pages = diff_pages(a, b, err), *doc;

    if (!pages)
        return NULL;
    doc =
        json_pack("{s:s, s:s, s:o, s:o}", "a", a->src.in.name, "b",
                  b->src.in.name, "records", diff_state(a, b), "pages", pages);
    json_object_set_new(doc, "same", json_boolean(!diff_found(doc)));
    return doc;
}

static int refuse(const struct diff_side *s, struct xsr_err *err)
{
    char text[XSR_ERR_TEXT + 40];

    if (err->offset != XSR_NO_OFFSET)
        xsr_err_prefix(err, "%s", s->src.in.name);
    fprintf(stderr, "xensr: error: %s\n", xsr_err_str(err, text, sizeof text));
    return exit_code(err);
}

static int run(struct diff_side *a, struct diff_side *b, char **paths,
               bool as_json)
{
    struct xsr_err err = XSR_ERR_INIT;
    json_t *doc;
    int rc;

    if (diff_collect(a, paths[0], &err))
        return refuse(a, &err);
    if (diff_collect(b, paths[1], &err))
        return refuse(b, &err);
    doc = compare(a, b, &err);
    if (!doc)
        return refuse(a, &err);
    rc = diff_found(doc);
    if (as_json) {
        json_dumpf(doc, stdout, JSON_INDENT(1));
        putchar('\n');
    } else if (diff_show(a, b, doc, &err)) {
        rc = refuse(a, &err);
    }
    json_decref(doc);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "xensr: error: cannot write to standard output\n");
        rc = 2;
    }
    return rc;
}

int xsr_cmd_diff(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"quiet", no_argument, NULL, 'q'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct diff_side a = {0}, b = {0};
    bool as_json = false;
    int opt, rc;

    a.src.in = b.src.in = (struct xsr_input)XSR_INPUT_INIT;
    optind = 0; /* the caller has been using getopt, too */
    while ((opt = getopt_long(argc, argv, "hqv", options, NULL)) != -1) {
        if (opt == 'j') {
            as_json = true;
        } else if (opt == 'h') {
            fputs(usage, stdout);
            return 0;
        } else if (!xsr_tool_takes(opt)) {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind + 2 != argc ||
        (!strcmp(argv[optind], "-") && !strcmp(argv[optind + 1], "-"))) {
        fprintf(stderr,
                "xensr diff: expects two images, at most one of them "
                "-\n%s",
                usage);
        return 2;
    }
    rc = run(&a, &b, argv + optind, as_json);
    diff_side_fini(&a);
    diff_side_fini(&b);
    return rc;
}
