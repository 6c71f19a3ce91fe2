/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: the chain of an HVM context. Input: the record's body. A chain
 * that passes is walked a second time, cut and lengthened: without its end it
 * must be refused, with zeros behind it it must pass, with anything else not.
 */
#include <stdlib.h>

#include "stream/hvmctx.h"
#include "stream/limits.h"
#include "tests/fuzz/support/fuzz.h"

static int check(const uint8_t *p, size_t n)
{
    struct xsr_err err = XSR_ERR_INIT;
    uint8_t *body = fuzz_copy(p, n);
    struct xsr_cur cur;
    int rc;

    xsr_cur_init(&cur, body, n, FUZZ_BASE);
    rc = xsr_hvmctx_check(&cur, &err);
    fuzz_cursor(&cur, 0);
    if (rc)
        fuzz_refused(&err, FUZZ_BASE, n);
    else
        need(cur.pos == n, "%zu of %zu bytes judged", cur.pos, n);
    free(body);
    return rc;
}

/* Where the chain ends, from lengths alone. */
static size_t chain_end(const uint8_t *p, size_t n)
{
    size_t at = 0;

    for (;;) {
        bool end = at + 8 <= n && xsr_le16(p + at) == 0;

        need(at + 8 <= n, "a chain that passes has no END");
        at += 8 + xsr_le32(p + at + 4);
        need(at <= n, "a chain that passes is longer than its record");
        if (end)
            return at;
    }
}

static unsigned walk(const uint8_t *data, size_t size)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_hvmctx_entry e;
    struct xsr_cur cur;
    unsigned n = 0;
    int more = 1;

    xsr_cur_init(&cur, data, size, FUZZ_BASE);
    while (more > 0) {
        size_t from = cur.pos;

        more = xsr_hvmctx_next(&cur, &e, &err);
        fuzz_cursor(&cur, from);
        if (more < 0) {
            fuzz_refused(&err, FUZZ_BASE, size);
            break;
        }
        need(e.body >= data && e.body + e.len <= data + size &&
                 cur.pos == from + 8 + e.len,
             "entry of %u bytes is not inside", e.len);
        need(*xsr_hvmctx_name(e.typecode), "a type without name");
        n++;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned n = walk(data, size);
    uint8_t *longer;
    size_t end;

    if (size > XSR_MAX_HVM_CONTEXT || check(data, size))
        return 0;
    need(n >= 2, "HEADER and END are at least two entries, found %u", n);
    end = chain_end(data, size);
    for (size_t cut = 1; cut <= 9 && cut <= end; cut++)
        need(check(data, end - cut), "passes without its last %zu bytes", cut);
    longer = fuzz_copy(data, size);
    longer = realloc(longer, size + 3);
    need(longer, "no memory");
    memset(longer + size, 0, 3);
    need(!check(longer, size + 3), "zeros behind END are refused");
    longer[size + 1] = 1;
    need(check(longer, size + 3), "something behind END passes");
    free(longer);
    return 0;
}
