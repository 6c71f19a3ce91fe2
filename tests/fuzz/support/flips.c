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
#include "stream/blobs.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/walk.h"

static struct walk_state *good; /* the state in front of each step */
static size_t n_good, every = 61, records = SIZE_MAX;
static unsigned long n_prefixes, n_flips, n_accepted, n_findings;
static struct walk w;

static void finding(const char *what, size_t pos, unsigned bit)
{
    if (n_findings++ < 20)
        printf("finding: %s at byte %zu, bit %u\n", what, pos, bit);
}

/* ---- what must be refused ------------------------------------------------ */

/* Lengths that are padded to the same end may pass for one another. */
static bool same_end(uint32_t len, unsigned bit)
{
    uint32_t other = len ^ 1u << bit;

    return (len + 7) / 8 == (other + 7) / 8;
}

static bool must_xl_hdr(size_t at, unsigned bit)
{
    return at != 36 || bit != 0; /* mandatory flags: "is JSON" */
}

static bool must_xl2_rec(const struct walk_state *s, size_t at, unsigned bit)
{
    const struct xsr_xl2_rec *r = &s->xl2_rec;

    if (at >= 4)
        return !same_end(r->len, (unsigned)(at - 4) * 8 + bit);
    /* As an optional record the keys may be missing, and are. */
    if (at == 3 && bit == 7)
        return r->type != XSR_XL2_EMULATOR_XENSTORE_DATA &&
               (r->type != XSR_XL2_EMULATOR_CONTEXT ||
                s->xl2_order.guest == XSR_XL2_HVM);
    return true;
}

static bool must_rec(const struct walk_state *s, size_t at, unsigned bit)
{
    const struct xsr_xc3_rec *r = &s->rec;

    /* An XSAVE area of any size may swallow the record behind it. */
    if (at >= 4)
        return r->type != XSR_XC3_X86_PV_VCPU_XSAVE &&
               !same_end(r->len, (unsigned)(at - 4) * 8 + bit);
    /* What one can do without, or has another one of. */
    return at != 3 || bit != 7 || r->type == XSR_XC3_END ||
           r->type == XSR_XC3_STATIC_DATA_END ||
           r->type == XSR_XC3_X86_PV_INFO || r->type == XSR_XC3_SHARED_INFO ||
           r->type == XSR_XC3_HVM_CONTEXT ||
           (r->type == XSR_XC3_X86_TSC_INFO && !s->order.converted);
}

/* Count, reserved field, and of an entry: reserved bits 52 to 59. */
static bool must_pages(size_t at, unsigned bit)
{
    unsigned of_entry = (unsigned)((at - 8) % 8) * 8 + bit;

    return at < 8 || (of_entry >= 52 && of_entry < 60);
}

static bool must_hvmctx(const uint8_t *p, size_t at)
{
    size_t pos = 0;
    uint32_t len;

    /* The header's own fields, then each entry's length. */
    if (at >= 8 && at < 16)
        return true;
    for (;;) {
        len = xsr_le32(p + pos + 4);
        if (at < pos + 8)
            return at >= pos + 4;
        if (at < pos + 8 + len || !xsr_le16(p + pos))
            return false;
        pos += 8 + len;
    }
}

static bool must_body(const struct walk_state *s, const uint8_t *p, size_t at,
                      unsigned bit)
{
    switch (s->rec.type) {
    case XSR_XC3_X86_PV_INFO:
        return true;
    case XSR_XC3_X86_TSC_INFO:
        return at >= 20 || (at < 4 && at * 8 + bit >= 2);
    case XSR_XC3_HVM_PARAMS:
        return at < 8 || ((at - 8) % 16 < 8 && (at % 8) * 8 + bit >= 6);
    case XSR_XC3_X86_MSR_POLICY:
        return at % 16 >= 4 && at % 16 < 8;
    case XSR_XC3_X86_PV_P2M_FRAMES: /* any other count of frames, high pfns */
        return (at < 8 && (at % 4) * 8 + bit >= 10) ||
               (at >= 8 && (at % 8) * 8 + bit >= 24);
    case XSR_XC3_HVM_CONTEXT:
        return must_hvmctx(p, at);
    case XSR_XC3_X86_PV_VCPU_BASIC:
    case XSR_XC3_X86_PV_VCPU_EXTENDED:
    case XSR_XC3_X86_PV_VCPU_XSAVE:
    case XSR_XC3_X86_PV_VCPU_MSRS:
        return at >= 4 && at < 8;
    default:
        return false;
    }
}

/* s: behind the good step that read these bytes; at: in them. */
static bool must_refuse(const struct walk_state *s, enum walk_at step,
                        const uint8_t *p, size_t at, unsigned bit)
{
    switch (step) {
    case AT_XL_HDR:
        return must_xl_hdr(at, bit);
    case AT_XL_CONFIG:
        return at < 4; /* the length inside */
    case AT_XL2_HDR:
        return at != 15 || bit != 1; /* "converted" */
    case AT_XL2_REC:
        return must_xl2_rec(s, at, bit);
    case AT_XL2_EMU:
        return at > 0 || bit >= 2; /* id 0 to 2 */
    case AT_IHDR:
        return true;
    case AT_DHDR:
        return at < 8; /* behind it: which Xen */
    case AT_REC:
        return must_rec(s, at, bit);
    case AT_PAGES:
        return must_pages(at, bit);
    case AT_BODY:
        return must_body(s, p, at, bit);
    case AT_PAD:
    case AT_XL2_PAD:
        return true;
    default:
        return false;
    }
}

/* ---- flips --------------------------------------------------------------- */

/* Structure, or (the beginning of) something larger? */
static size_t structure_of(enum walk_at step, const struct walk_state *s,
                           size_t n)
{
    if (step == AT_CONTENT || step == AT_XL2_BLOB || step == AT_SKIP)
        return 0;
    if (step == AT_BODY && s->rec.type != XSR_XC3_HVM_CONTEXT)
        return xsr_min(n, 2048);
    return n;
}

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
    size_t n = structure_of(good[i].at, &good[i + 1 < n_good ? i + 1 : i],
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
        structure_of(good[i].at, &good[i], 1) && good[i].at != AT_XL_CONFIG;
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
