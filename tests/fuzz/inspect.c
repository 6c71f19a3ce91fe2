/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: `xensr inspect --json`, whole. Input: a byte that says what is
 * asked for, then a file of any format. It is looked at as a file and through a
 * pipe, which must give the same document. Its rows lie inside the file, one
 * behind the other; what it calls whole is what the parsers of a restore take;
 * and with --salvage there is never less than without.
 */
#include <unistd.h>

#include "plugin/xensr.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/tool.h"
#include "tests/fuzz/support/walk.h"

#define N_QUESTIONS 3u

static const char *const plain[N_QUESTIONS][3] = {
    {"--json", "--decode", NULL},
    {"--json", "--hex", NULL},
    {"--json", "--pages", NULL},
};
static const char *const salvage[N_QUESTIONS][4] = {
    {"--json", "--decode", "--salvage", NULL},
    {"--json", "--hex", "--salvage", NULL},
    {"--json", "--pages", "--salvage", NULL},
};

static json_t *document(int fd, const char *const *words)
{
    json_t *doc;
    int code = tool_inspect_json(fd, words, &doc);

    close(fd);
    need(code == XENSR_OK || code == XENSR_BAD_INPUT ||
             code == XENSR_UNSUPPORTED,
         "exit code %d", code);
    json_object_set_new(doc, "code", json_integer(code));
    return doc;
}

static size_t rows(const json_t *doc)
{
    return json_array_size(json_object_get(doc, "records"));
}

static void check_rows(const json_t *doc, size_t size)
{
    json_int_t before = -1;
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(doc, "records"), i, row)
    {
        json_int_t at = json_integer_value(json_object_get(row, "offset"));
        json_int_t resumed =
            json_integer_value(json_object_get(row, "resumed"));

        need(at > before && (size_t)at < size, "row %zu at %lld, behind %lld",
             i, (long long)at, (long long)before);
        need(!resumed || (resumed > at && (size_t)resumed < size),
             "row %zu at %lld is resumed at %lld", i, (long long)at,
             (long long)resumed);
        need(json_string_length(json_object_get(row, "name")), "no name");
        before = at;
    }
}

/* Octets behind the end are a fault of a file alone. */
static void same(json_t *file, json_t *through)
{
    json_int_t code = json_integer_value(json_object_get(file, "code"));

    if (code == XENSR_BAD_INPUT &&
        !json_integer_value(json_object_get(through, "code")))
        return;
    json_object_del(file, "input");
    json_object_del(through, "input");
    need(json_equal(file, through), "file and pipe give other documents");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    unsigned q = fuzz_u8(&in) % N_QUESTIONS;
    json_t *doc, *through, *more;
    struct xsr_err err = XSR_ERR_INIT;

    /* Compressed input costs a process each. */
    if (in.len > FUZZ_PIPE_MAX ||
        (in.len >= 4 && xsr_le32(in.p) == 0xfd2fb528u))
        return 0;
    doc = document(fuzz_file(in.p, in.len), plain[q]);
    more = document(fuzz_file(in.p, in.len), salvage[q]);
    through = document(fuzz_pipe(in.p, in.len), salvage[q]);
    check_rows(doc, in.len);
    check_rows(more, in.len);
    need(rows(more) >= rows(doc), "%zu rows with --salvage, %zu without",
         rows(more), rows(doc));
    need(
        json_equal(json_object_get(doc, "code"), json_object_get(more, "code")),
        "--salvage changes the exit code");
    if (!json_integer_value(json_object_get(doc, "code")))
        need(!walk_all(in.p, in.len, &err), "whole, but: %s (at %llu)",
             err.text, (unsigned long long)err.offset);
    same(more, through);
    json_decref(doc);
    json_decref(more);
    json_decref(through);
    return 0;
}
