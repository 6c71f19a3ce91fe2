/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `flipcheck < IMAGE`: a small good image, in which each bit that makes a bad
 * one of it (support/must.h) is turned in turn, and which is cut at many
 * places: `xensr check` must find each of them bad. Prints "flips N", "prefixes
 * N"; 1 after a finding.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/util.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/must.h"
#include "tests/fuzz/support/tool.h"

#define CUTS 4000u /* at most so many prefixes */

static unsigned long n_flips, n_prefixes, n_findings;
static int file;

static void must_be_bad(const char *what, size_t at, unsigned bit)
{
    json_t *doc;

    if (tool_check(file) != 0)
        return;
    tool_check_json(file, &doc);
    if (tool_found_good(doc) && n_findings++ < 20)
        printf("finding: %s at byte %zu, bit %u is found good\n", what, at,
               bit);
    json_decref(doc);
}

static void flip(uint8_t byte, size_t at, unsigned bit, const char *what)
{
    uint8_t other = (uint8_t)(byte ^ 1u << bit);

    need(pwrite(file, &other, 1, (off_t)at) == 1, "pwrite");
    must_be_bad(what, at, bit);
    need(pwrite(file, &byte, 1, (off_t)at) == 1, "pwrite");
    n_flips++;
}

static void flip_step(const struct walk *w, enum walk_at step, size_t from)
{
    size_t n = must_structure(step, &w->s, w->s.pos - from);

    for (size_t at = 0; at < n; at++)
        for (unsigned bit = 0; bit < 8; bit++)
            if (must_refuse(&w->s, step, w->p + from, at, bit))
                flip(w->p[from + at], from + at, bit, walk_at_name(step));
}

static int flips(const uint8_t *p, size_t len)
{
    static struct walk w;
    struct xsr_err err = XSR_ERR_INIT;
    int more = 1;

    walk_init(&w, p, len);
    while (more > 0) {
        enum walk_at step = w.s.at;
        size_t from = w.s.pos;

        more = walk_step(&w, &err);
        if (more >= 0)
            flip_step(&w, step, from);
    }
    if (more)
        fprintf(stderr, "flipcheck: not a good image: %s\n", err.text);
    return more;
}

static void prefixes(size_t len)
{
    for (size_t n = len; n-- > 0 && n_prefixes < CUTS;) {
        need(ftruncate(file, (off_t)n) == 0, "ftruncate");
        must_be_bad("a prefix", n, 0);
        n_prefixes++;
        n -= xsr_min(n, len / CUTS);
    }
}

int main(void)
{
    static uint8_t piece[1 << 16];
    struct xsr_buf in = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;
    json_t *doc;
    size_t n;
    int rc;

    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
        fuzz_good(xsr_buf_put(&in, piece, n, &err), &err);
    file = fuzz_file(in.p, in.len);
    tool_check_json(file, &doc);
    need(!json_integer_value(json_object_get(doc, "errors")),
         "the image is not good");
    json_decref(doc);
    rc = flips(in.p, in.len);
    if (!rc)
        prefixes(in.len);
    printf("flips %lu\nprefixes %lu\n", n_flips, n_prefixes);
    xsr_buf_fini(&in);
    close(file);
    return rc || n_findings ? 1 : 0;
}
