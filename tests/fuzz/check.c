/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: `xensr check --json`, whole. Input: a file of any format. It is
 * judged as a file and through a pipe, which must give the same document. Exit
 * code, verdict and findings must agree with each other, and with the parsers
 * that a restore uses: what they refuse must not be found good.
 */
#include <unistd.h>

#include "plugin/xensr.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/tool.h"
#include "tests/fuzz/support/walk.h"

static json_t *document(int fd, size_t size)
{
    json_t *doc;
    int code = tool_check_json(fd, &doc);

    close(fd);
    need(code == XENSR_OK || code == XENSR_BAD_INPUT ||
             code == XENSR_UNSUPPORTED,
         "exit code %d for %zu bytes", code, size);
    need(json_integer_value(json_object_get(doc, "exit")) == code,
         "another exit code in the document");
    return doc;
}

static void check_finding(const json_t *f, size_t size)
{
    const char *rule = json_string_value(json_object_get(f, "rule"));
    const char *text = json_string_value(json_object_get(f, "text"));
    json_int_t offset = json_integer_value(json_object_get(f, "offset"));

    need(rule && strchr(rule, '.') && text && *text, "a finding without words");
    need(offset >= 0 && (size_t)offset <= size, "%s at %lld of %zu: %s", rule,
         (long long)offset, size, text);
    for (const char *c = text; *c; c++)
        need((unsigned char)*c >= 0x20 && *c != 0x7f, "byte %d in \"%s\"", *c,
             text);
}

static void check_document(const json_t *doc, size_t size)
{
    json_int_t n_errors = json_integer_value(json_object_get(doc, "errors"));
    json_int_t code = json_integer_value(json_object_get(doc, "exit"));
    json_t *findings = json_object_get(doc, "findings"), *f;
    size_t i, n = 0;

    /* 4, without an error: valid, and no release of Xen takes it. */
    need(code == XENSR_UNSUPPORTED || (code != 0) == (n_errors > 0),
         "exit code %lld with %lld errors", (long long)code,
         (long long)n_errors);
    json_array_foreach(findings, i, f)
    {
        const char *severity =
            json_string_value(json_object_get(f, "severity"));

        check_finding(f, size);
        n += severity && !strcmp(severity, "error");
    }
    need(!n_errors == !n, "%lld errors, %zu of them told", (long long)n_errors,
         n);
    need(json_array_size(findings) <= 4096, "%zu findings are kept",
         json_array_size(findings));
}

/* What a restore's parsers refuse is not said to be restorable. */
static void compare(const json_t *doc, const uint8_t *p, size_t n)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (tool_found_good(doc))
        need(!walk_all(p, n, &err), "found good, but: %s (at %llu)", err.text,
             (unsigned long long)err.offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *file, *through;

    /* Compressed input costs a process each. */
    if (size > FUZZ_PIPE_MAX || (size >= 4 && xsr_le32(data) == 0xfd2fb528u))
        return 0;
    file = document(fuzz_file(data, size), size);
    check_document(file, size);
    compare(file, data, size);
    through = document(fuzz_pipe(data, size), size);
    need(json_equal(file, through), "file and pipe give other documents");
    json_decref(file);
    json_decref(through);
    return 0;
}
