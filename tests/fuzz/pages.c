/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: the head of PAGE_DATA. Input: guest (1: PV), highest level, the
 * highest pfn, then the record's frame and its head; contents are not there.
 * What is accepted gives the same bytes when it is written back.
 */
#include <stdlib.h>

#include "stream/pages.h"
#include "stream/xc3.h"
#include "tests/fuzz/support/fuzz.h"

static int by_pfn(const void *a, const void *b)
{
    uint64_t x = ((const struct xsr_page_entry *)a)->pfn;
    uint64_t y = ((const struct xsr_page_entry *)b)->pfn;

    return x < y ? -1 : x > y;
}

static void check_entries(struct xsr_page_batch *b, uint32_t len,
                          const struct xsr_page_rules *rules)
{
    uint32_t n_data = 0;

    for (uint32_t i = 0; i < b->count; i++) {
        const struct xsr_page_entry *e = &b->entry[i];

        need(e->pfn <= rules->max_pfn, "pfn 0x%llx",
             (unsigned long long)e->pfn);
        need(e->type <= 4 || e->type >= 9, "type %u", e->type);
        need(!xsr_page_is_table(e->type) ||
                 (rules->guest == XSR_XC3_PV &&
                  xsr_page_level(e->type) <= rules->max_level),
             "type %s", xsr_page_type_name(e->type));
        n_data += e->type < 0xd;
    }
    need(n_data == b->n_data && len == 8 + 8 * b->count + 4096 * n_data,
         "%u of %u entries with content, length %u", n_data, b->count, len);
    qsort(b->entry, b->count, sizeof b->entry[0], by_pfn);
    for (uint32_t i = 1; i < b->count; i++)
        need(b->entry[i - 1].pfn != b->entry[i].pfn, "a pfn twice");
}

static void same_when_written(const struct xsr_page_batch *b,
                              const uint8_t *record)
{
    struct xsr_buf out = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;

    fuzz_good(xsr_pages_put_head(&out, b->entry, b->count, &err), &err);
    need(out.len == 16 + 8 * (size_t)b->count &&
             !memcmp(out.p, record, out.len),
         "written back it is not the same");
    xsr_buf_fini(&out);
}

static void try_head(const uint8_t *record, size_t size, uint32_t len,
                     const struct xsr_page_rules *rules)
{
    static struct xsr_page_batch batch;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_cur cur;
    uint32_t count;
    size_t n;

    xsr_cur_init(&cur, record, size, FUZZ_BASE);
    cur.pos = 8;
    if (xsr_pages_get_count(&cur, len, &count, &err)) {
        fuzz_refused(&err, FUZZ_BASE, size);
        return;
    }
    need(count && count <= XSR_MAX_PAGE_BATCH && 8 + 8ull * count <= len,
         "count %u, length %u", count, len);
    n = 16 + 8 * (size_t)count;
    if (xsr_pages_get_entries(&cur, len, count, rules, &batch, &err)) {
        fuzz_refused(&err, FUZZ_BASE, size);
        return;
    }
    need(cur.pos == n && size >= n, "%zu taken of %zu", cur.pos, size);
    same_when_written(&batch, record);
    check_entries(&batch, len, rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct xsr_page_rules rules;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xc3_rec rec = {0, 0};
    struct xsr_cur cur;
    uint8_t *record;

    rules.guest = fuzz_u8(&in) == XSR_XC3_PV ? XSR_XC3_PV : XSR_XC3_HVM;
    rules.max_level = fuzz_u8(&in) & 1 ? 3 : 4;
    rules.max_pfn = fuzz_u64(&in) & XSR_MAX_PFN;
    record = fuzz_copy(in.p, in.len);
    xsr_cur_init(&cur, record, in.len, FUZZ_BASE);
    if (xsr_xc3_get_rec(&cur, 3, rules.guest, &rec, &err))
        fuzz_refused(&err, FUZZ_BASE, in.len);
    else if (rec.type == XSR_XC3_PAGE_DATA)
        try_head(record, in.len, rec.len, &rules);
    free(record);
    return 0;
}
