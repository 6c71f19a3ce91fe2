/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream/pages: the head of PAGE_DATA, every rule with a crafted value. */
#include "tests/unit/stream_util.h"

#include "stream/pages.h"
#include "stream/xc3.h"

static const struct xsr_page_rules hvm = {XSR_XC3_HVM, 0xfffff, 4};
static const struct xsr_page_rules pv = {XSR_XC3_PV, 0x7fff, 4};
static const struct xsr_page_rules pv32 = {XSR_XC3_PV, 0x7fff, 3};

static struct xsr_page_batch batch;

static uint64_t entry(uint64_t pfn, unsigned type)
{
    return pfn | (uint64_t)type << 60;
}

static int get_count(uint32_t len, uint32_t count, uint32_t reserved,
                     struct xsr_err *err)
{
    uint8_t mem[8] = {0};
    struct xsr_cur cur = cursor(mem, sizeof mem);
    uint32_t got = 0;
    int rc;

    xsr_st_le32(mem, count);
    xsr_st_le32(mem + 4, reserved);
    rc = xsr_pages_get_count(&cur, len, &got, err);
    assert_int_equal(got, rc ? 0 : count);
    return rc;
}

static void the_count_is_judged(void **state)
{
    (void)state;
    accepted(get_count(16, 1, 0, &err));
    accepted(get_count(XSR_MAX_PAGE_DATA, 1024, 0, &err));
    refused(get_count(16, 0, 0, &err), XSR_E_FORMAT, 0, "count 0");
    refused(get_count(XSR_MAX_PAGE_DATA, 1025, 0, &err), XSR_E_LIMIT, 0,
            "count 1025");
    refused(get_count(16, 0xffffffff, 0, &err), XSR_E_LIMIT, 0, "4294967295");
    refused(get_count(8, 1, 0, &err), XSR_E_FORMAT, 0, "at least 16");
    refused(get_count(8 + 8 * 9, 10, 0, &err), XSR_E_FORMAT, 0, "length 80");
    refused(get_count(16, 1, 1, &err), XSR_E_FORMAT, 4, "reserved");
    refused(get_count(16, 1, 0x80000000, &err), XSR_E_FORMAT, 7, "reserved");
}

/* len: of the whole record, 0 for the right one. */
static int get_entries(const struct xsr_page_rules *rules, uint32_t len,
                       const uint64_t *words, uint32_t n, struct xsr_err *err)
{
    static uint8_t mem[8 * XSR_MAX_PAGE_BATCH];
    struct xsr_cur cur = cursor(mem, 8 * (size_t)n);
    uint32_t n_data = 0;

    for (uint32_t i = 0; i < n; i++) {
        xsr_st_le64(mem + 8 * i, words[i]);
        n_data += words[i] >> 60 <= 0xc;
    }
    return xsr_pages_get_entries(&cur,
                                 len ? len : 8 + 8 * n + XSR_PAGE_SIZE * n_data,
                                 n, rules, &batch, err);
}
#define ENTRIES(rules, len, ...)                             \
    get_entries(rules, len, (const uint64_t[]){__VA_ARGS__}, \
                sizeof((const uint64_t[]){__VA_ARGS__}) / 8, &err)

static void every_type_is_judged_for_every_guest(void **state)
{
    (void)state;
    for (unsigned t = 0; t < 16; t++) {
        bool table = (t >= 1 && t <= 4) || (t >= 9 && t <= 12);
        bool reserved = t >= 5 && t <= 8;
        const char *name = xsr_page_type_name((uint8_t)t);

        assert_int_equal(xsr_page_is_table((uint8_t)t), table);
        if (reserved) {
            refused(ENTRIES(&pv, 0, entry(1, t)), XSR_E_FORMAT, 0, name);
            refused(ENTRIES(&hvm, 0, entry(1, t)), XSR_E_FORMAT, 0, name);
            continue;
        }
        accepted(ENTRIES(&pv, 0, entry(1, t)));
        assert_int_equal(batch.entry[0].type, t);
        assert_int_equal(batch.n_data, t <= 12);
        if (table)
            refused(ENTRIES(&hvm, 0, entry(1, t)), XSR_E_FORMAT, 0, name);
        else
            accepted(ENTRIES(&hvm, 0, entry(1, t)));
    }
    refused(ENTRIES(&pv32, 0, entry(1, 3), entry(2, 4)), XSR_E_FORMAT, 8,
            "L4TAB");
    refused(ENTRIES(&pv32, 0, entry(1, 12)), XSR_E_FORMAT, 0, "L4TAB|PIN");
}

static void pfns_are_bounded_whatever_their_type(void **state)
{
    (void)state;
    for (unsigned t = 0; t < 16; t = t ? t + 1 : 13) {
        accepted(ENTRIES(&pv, 0, entry(0x7fff, t)));
        refused(ENTRIES(&pv, 0, entry(0, 15), entry(0x8000, t)), XSR_E_FORMAT,
                8, "0x8000");
        accepted(ENTRIES(&hvm, 0, entry(0xfffff, t)));
        refused(ENTRIES(&hvm, 0, entry(0x100000, t)), XSR_E_FORMAT, 0,
                "0x100000");
        refused(ENTRIES(&hvm, 0, entry((1ull << 52) - 1, t)), XSR_E_FORMAT, 0,
                "0xfffffffffffff");
    }
}

static void reserved_bits_are_zero(void **state)
{
    (void)state;
    for (unsigned bit = 52; bit < 60; bit++)
        refused(ENTRIES(&hvm, 0, entry(0, 15), 1ull << bit), XSR_E_FORMAT, 8,
                "52-59");
}

static void the_length_is_exact(void **state)
{
    uint32_t good = 8 + 16 + XSR_PAGE_SIZE;

    (void)state;
    accepted(ENTRIES(&hvm, good, entry(1, 0), entry(2, 15)));
    refused(ENTRIES(&hvm, good - 8, entry(1, 0), entry(2, 15)), XSR_E_FORMAT,
            -8, "allowed 4120");
    refused(ENTRIES(&hvm, good + XSR_PAGE_SIZE, entry(1, 0), entry(2, 15)),
            XSR_E_FORMAT, -8, "length 8216");
}

static void no_pfn_comes_twice_in_any_order(void **state)
{
    uint64_t words[XSR_MAX_PAGE_BATCH];

    (void)state;
    refused(ENTRIES(&hvm, 0, entry(7, 0), entry(7, 0)), XSR_E_FORMAT, 8,
            "0x7 twice");
    refused(ENTRIES(&hvm, 0, entry(7, 15), entry(8, 15), entry(7, 0)),
            XSR_E_FORMAT, 16, "twice");
    refused(ENTRIES(&hvm, 0, entry(0, 15), entry(9, 15), entry(0, 15)),
            XSR_E_FORMAT, 16, "0x0 twice");
    /* a full record, descending: fine; then its last pfn again */
    for (unsigned i = 0; i < 1024; i++)
        words[i] = entry(0x8000 - 8 * i, 15);
    accepted(get_entries(&hvm, 0, words, 1024, &err));
    for (unsigned at = 0; at < 1023; at += 31) {
        uint64_t kept = words[1023];

        words[1023] = words[at];
        refused(get_entries(&hvm, 0, words, 1024, &err), XSR_E_FORMAT, 8 * 1023,
                "twice");
        words[1023] = kept;
    }
}

static void what_was_put_is_got(void **state)
{
    static struct xsr_page_entry e[XSR_MAX_PAGE_BATCH];
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_xc3_rec rec;
    struct xsr_cur cur;
    uint32_t count;

    (void)state;
    for (unsigned i = 0; i < 1024; i++)
        e[i] = (struct xsr_page_entry){i * 3, i % 5 ? 0 : 15};
    for (uint32_t n = 1; n <= 1024; n += 341) {
        xsr_buf_clear(&buf);
        accepted(xsr_pages_put_head(&buf, e, n, &err));
        cur = cursor(buf.p, buf.len);
        accepted(xsr_xc3_get_rec(&cur, 3, XSR_XC3_HVM, &rec, &err));
        assert_int_equal(rec.type, XSR_XC3_PAGE_DATA);
        accepted(xsr_pages_get_count(&cur, rec.len, &count, &err));
        accepted(
            xsr_pages_get_entries(&cur, rec.len, count, &hvm, &batch, &err));
        assert_int_equal(xsr_cur_left(&cur), 0);
        assert_int_equal(batch.count, n);
        for (uint32_t i = 0; i < n; i++) {
            assert_true(batch.entry[i].pfn == e[i].pfn);
            assert_int_equal(batch.entry[i].type, e[i].type);
        }
    }
    xsr_buf_fini(&buf);
}

static void missing_entries_are_refused(void **state)
{
    uint8_t mem[24] = {0};
    struct xsr_cur cur = cursor(mem, 20);

    (void)state;
    mem[8] = 1;
    mem[16] = 2;
    refused(
        xsr_pages_get_entries(&cur, 8 + 24 + 3 * 4096, 3, &hvm, &batch, &err),
        XSR_E_FORMAT, 16, "entry");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_count_is_judged),
        cmocka_unit_test(every_type_is_judged_for_every_guest),
        cmocka_unit_test(pfns_are_bounded_whatever_their_type),
        cmocka_unit_test(reserved_bits_are_zero),
        cmocka_unit_test(the_length_is_exact),
        cmocka_unit_test(no_pfn_comes_twice_in_any_order),
        cmocka_unit_test(what_was_put_is_got),
        cmocka_unit_test(missing_entries_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
