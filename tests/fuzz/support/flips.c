/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `flips [EVERY [RECORDS]] < IMAGE`: a good image, with each bit of its
 * structure turned in turn (headers, counts, types, reserved fields, small
 * bodies), and cut behind each of its bytes. None may crash or hang; what the
 * formats forbid must be refused. A table says which bits that are, from the
 * formats' documents and not from the parsers. Page contents and the
 * configuration's text are no structure: of their cuts every EVERY-th is tried
 * (61), of the entries of a large PAGE_DATA the first, the last and every
 * EVERY-th, in the first RECORDS of such records (all).
 *
 * A change in the middle is judged from there: the walk's state is a value, and
 * where it is again what it was in the good image, the rest is the same.
 *
 * Prints "prefixes N", "flips N", "accepted N"; 1 after a finding.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/util.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/must.h"

static struct walk_state *good; /* the state in front of each step */
static size_t n_good, every = 61, records = SIZE_MAX;
static unsigned long n_prefixes, n_flips, n_accepted, n_findings;
static struct walk w;

static void finding(const char *what, size_t pos, unsigned bit)
{
    if (n_findings++ < 20)
        printf("finding: %s at byte %zu, bit %u\n", what, pos, bit);
}

/* ---- flips --------------------------------------------------------------- */

/* The judgement of what the input is now, from good step number i on. */
static int judge_from(size_t i, struct xsr_err *err)
{
    int more = 1;

    xsr_err_clear(err);
    w.s = good[i];
    while (more > 0) {
        more = walk_step(&w, err);
        if (more > 0 && ++i < n_good && !memcmp(&w.s, &good[i], sizeof w.s))
            return 0;
    }
    return more;
}

static void flip(size_t i, uint8_t *byte, size_t at, unsigned bit)
{
    const struct walk_state *behind = &good[i + 1 < n_good ? i + 1 : i];
    size_t start = good[i].pos;
    struct xsr_err err;
    bool must = must_refuse(behind, good[i].at, w.p + start, at, bit);
    int rc;

    *byte ^= (uint8_t)(1u << bit);
    rc = judge_from(i, &err);
    *byte ^= (uint8_t)(1u << bit);
    n_flips++;
    n_accepted += !rc;
    if (rc)
        fuzz_refused(&err, 0, w.len);
    else if (must)
        finding(walk_at_name(good[i].at), start + at, bit);
}

static void flip_step(size_t i, uint8_t *image)
{
    size_t start = good[i].pos;
    size_t end = i + 1 < n_good ? good[i + 1].pos : w.len;
    size_t n = must_structure(good[i].at, &good[i + 1 < n_good ? i + 1 : i],
                              end - start);

    if (good[i].at == AT_PAGES && !records)
        return;
    records -= good[i].at == AT_PAGES;
    for (size_t at = 0; at < n; at++) {
        /* Of many entries: the first and last ones, and some between. */
        if (good[i].at == AT_PAGES && at >= 40 && at + 32 < n && at / 8 % every)
            continue;
        for (unsigned bit = 0; bit < 8; bit++)
            flip(i, image + start + at, at, bit);
    }
}

/* ---- prefixes ------------------------------------------------------------ */

static void cut_step(size_t i, size_t whole)
{
    size_t start = good[i].pos;
    size_t end = i + 1 < n_good ? good[i + 1].pos : whole;
    bool all =
        must_structure(good[i].at, &good[i], 1) && good[i].at != AT_XL_CONFIG;
    struct xsr_err err;

    for (size_t n = start; n < end; n += all || n < start + 9 ? 1 : every) {
        w.len = n;
        if (!judge_from(i, &err))
            finding("a prefix passes", n, 0);
        else
            fuzz_refused(&err, 0, n);
        n_prefixes++;
    }
    w.len = whole;
}

/* ---- the whole ----------------------------------------------------------- */

static int walk_good(void)
{
    struct xsr_err err = XSR_ERR_INIT;
    size_t cap = 0;
    int more = 1;

    while (more > 0) {
        if (n_good == cap) {
            cap = cap ? 2 * cap : 1024;
            good = realloc(good, cap * sizeof *good);
            need(good, "no memory");
        }
        good[n_good++] = w.s;
        more = walk_step(&w, &err);
    }
    if (more)
        fprintf(stderr, "flips: not a good image: %s\n", err.text);
    return more;
}

int main(int argc, char **argv)
{
    static uint8_t piece[1 << 16];
    struct xsr_buf in = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;
    size_t n;

    if (argc > 1)
        every = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        records = strtoul(argv[2], NULL, 10);
    if (!every || argc > 3) {
        fputs("usage: flips [EVERY [RECORDS]] < IMAGE\n", stderr);
        return 2;
    }
    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
        fuzz_good(xsr_buf_put(&in, piece, n, &err), &err);
    walk_init(&w, in.p, in.len);
    if (walk_good())
        return 1;
    for (size_t i = 0; i < n_good; i++) {
        cut_step(i, in.len);
        flip_step(i, in.p);
    }
    printf("prefixes %lu\nflips %lu\naccepted %lu\n", n_prefixes, n_flips,
           n_accepted);
    free(good);
    xsr_buf_fini(&in);
    return n_findings ? 1 : 0;
}
