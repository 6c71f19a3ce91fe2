/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine/tables: what the engine knows per pfn of a PV guest, and page tables
 * from pfns to frames. What a table may hold is judged before it is changed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/tables.h"
#include "lib/bytes.h"

#define PRESENT 1ull
#define PSE     (1ull << 7)
#define NX      (1ull << 63)

static uint8_t page[4096];
static struct xsr_table table = {page, 0x77, 1};

static void put(unsigned slot, uint64_t pte)
{
    xsr_st_le64(page + 8 * slot, pte);
}

static int clear(void **state)
{
    (void)state;
    memset(page, 0, sizeof(page));
    table.level = 1;
    return 0;
}

static void fresh_p2m_knows_nothing(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_p2m p2m;
    uint8_t type;

    (void)state;
    xsr_p2m_init(&p2m);
    assert_true(xsr_p2m_frame(&p2m, 0) == XSR_INVALID_FRAME);
    assert_int_equal(xsr_p2m_grow(&p2m, 100, &err), 0);
    for (uint64_t pfn = 0; pfn < 200; pfn++) {
        assert_true(xsr_p2m_frame(&p2m, pfn) == XSR_INVALID_FRAME);
        assert_false(xsr_p2m_type(&p2m, pfn, &type));
    }
    xsr_p2m_fini(&p2m);
    xsr_p2m_fini(&p2m);
}

static void p2m_keeps_what_it_knows_when_it_grows(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_p2m p2m;
    uint8_t type = 0xff;

    (void)state;
    xsr_p2m_init(&p2m);
    assert_int_equal(xsr_p2m_grow(&p2m, 10, &err), 0);
    xsr_p2m_set_frame(&p2m, 0, 0);
    xsr_p2m_set_frame(&p2m, 9, 0x123456789ull);
    xsr_p2m_set_type(&p2m, 9, XSR_PT_NOTAB);
    /* 2^32 pfns are a claim of 36 GiB, none of which must become memory. */
    assert_int_equal(xsr_p2m_grow(&p2m, 1ull << 32, &err), 0);
    assert_int_equal(xsr_p2m_grow(&p2m, 5, &err), 0);
    assert_true(p2m.n == 1ull << 32);
    assert_true(xsr_p2m_frame(&p2m, 0) == 0);
    assert_true(xsr_p2m_frame(&p2m, 9) == 0x123456789ull);
    assert_true(xsr_p2m_type(&p2m, 9, &type));
    assert_int_equal(type, XSR_PT_NOTAB);
    xsr_p2m_set_type(&p2m, (1ull << 32) - 1, XSR_PT_XTAB);
    assert_true(xsr_p2m_type(&p2m, (1ull << 32) - 1, &type));
    assert_int_equal(type, XSR_PT_XTAB);
    xsr_p2m_fini(&p2m);
}

/* Does the kernel's list of our mappings say "nh" for the one at p? */
static int is_in_small_pages(const void *p)
{
    FILE *f = fopen("/proc/self/smaps", "re");
    unsigned long low, high;
    char line[512];
    int inside = 0, found = -1;

    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
            inside = (uintptr_t)p >= low && (uintptr_t)p < high;
        else if (inside && !strncmp(line, "VmFlags:", 8))
            found = strstr(line, " nh") != NULL;
    }
    fclose(f);
    return found;
}

/* An entry of eight octets must not cost a huge page in each array. */
static void arrays_never_become_huge_pages(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_p2m p2m;

    (void)state;
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
        skip();
    xsr_p2m_init(&p2m);
    for (uint64_t n = 1 << 10; n <= 1ull << 32; n <<= 11) {
        assert_int_equal(xsr_p2m_grow(&p2m, n, &err), 0);
        assert_int_equal(is_in_small_pages(p2m.frame), 1);
        assert_int_equal(is_in_small_pages(p2m.type), 1);
    }
    xsr_p2m_fini(&p2m);
}

static void table_within_the_guest_is_accepted(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    unsigned cleared = 99;

    (void)state;
    put(0, PRESENT | 0 << 12);
    put(511, PRESENT | NX | 99ull << 12);
    put(5, 12345ull << 12); /* not present: may hold anything */
    assert_int_equal(xsr_table_check(&table, 100, &cleared, &err), 0);
    assert_int_equal(cleared, 0);
}

static void pfn_beyond_the_guest_is_refused(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    unsigned cleared;

    (void)state;
    put(17, PRESENT | 100ull << 12);
    assert_int_equal(xsr_table_check(&table, 100, &cleared, &err), -1);
    assert_int_equal(err.kind, XSR_E_FORMAT);
    assert_non_null(strstr(err.text, "pfn 0x64 in L1[17] of pfn 0x77"));
    assert_int_equal(xsr_table_check(&table, 101, &cleared, &err), 0);
}

static void superpage_above_level_1_is_refused(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    unsigned cleared;

    (void)state;
    put(3, PRESENT | PSE | 1 << 12);
    assert_int_equal(xsr_table_check(&table, 100, &cleared, &err), 0);
    for (table.level = 2; table.level <= 4; table.level++) {
        xsr_err_clear(&err);
        assert_int_equal(xsr_table_check(&table, 100, &cleared, &err), -1);
        assert_int_equal(err.kind, XSR_E_FORMAT);
    }
}

static void slots_of_xen_are_cleared_in_level_4_only(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    unsigned cleared;

    (void)state;
    for (unsigned slot = 255; slot <= 272; slot++)
        put(slot, PRESENT | 1 << 12);
    table.level = 3;
    assert_int_equal(xsr_table_check(&table, 100, &cleared, &err), 0);
    assert_int_equal(cleared, 0);
    table.level = 4;
    assert_int_equal(xsr_table_check(&table, 100, &cleared, &err), 0);
    assert_int_equal(cleared, 16);
    for (unsigned slot = 256; slot <= 271; slot++)
        assert_true(xsr_le64(page + 8 * slot) == 0);
    assert_true(xsr_le64(page + 8 * 255) != 0);
    assert_true(xsr_le64(page + 8 * 272) != 0);
}

static int note_target(void *ctx, uint64_t pfn, struct xsr_err *err)
{
    uint64_t *sum = ctx;

    if (pfn == 13)
        return xsr_fail(err, XSR_E_LIMIT, "thirteen");
    *sum = *sum * 100 + pfn;
    return 0;
}

static void each_target_is_named_once_and_failure_ends_it(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    uint64_t sum = 0;

    (void)state;
    put(1, PRESENT | 11 << 12);
    put(2, 12 << 12);
    put(3, PRESENT | 14 << 12);
    assert_int_equal(xsr_table_each(&table, note_target, &sum, &err), 0);
    assert_true(sum == 1114);
    put(2, PRESENT | 13 << 12);
    assert_int_equal(xsr_table_each(&table, note_target, &sum, &err), -1);
    assert_int_equal(err.kind, XSR_E_LIMIT);
    assert_true(sum == 111411);
}

static void localising_replaces_frames_and_keeps_flags(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_p2m p2m;

    (void)state;
    xsr_p2m_init(&p2m);
    assert_int_equal(xsr_p2m_grow(&p2m, 16, &err), 0);
    xsr_p2m_set_frame(&p2m, 2, 0xabcdef);
    xsr_p2m_set_frame(&p2m, 3, 0xffffffffffull);
    put(0, NX | 2 << 12 | 0xe67);
    put(1, 7 << 12 | 0xe66);
    put(2, 1ull << 52 | 3 << 12 | 1);
    assert_int_equal(xsr_table_localise(&table, &p2m, &err), 0);
    assert_true(xsr_le64(page) == (NX | 0xabcdefull << 12 | 0xe67));
    assert_true(xsr_le64(page + 8) == (7 << 12 | 0xe66));
    assert_true(xsr_le64(page + 16) ==
                (1ull << 52 | 0xffffffffffull << 12 | 1));
    xsr_p2m_fini(&p2m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_p2m_knows_nothing),
        cmocka_unit_test(p2m_keeps_what_it_knows_when_it_grows),
        cmocka_unit_test(arrays_never_become_huge_pages),
        cmocka_unit_test_setup(table_within_the_guest_is_accepted, clear),
        cmocka_unit_test_setup(pfn_beyond_the_guest_is_refused, clear),
        cmocka_unit_test_setup(superpage_above_level_1_is_refused, clear),
        cmocka_unit_test_setup(slots_of_xen_are_cleared_in_level_4_only, clear),
        cmocka_unit_test_setup(each_target_is_named_once_and_failure_ends_it,
                               clear),
        cmocka_unit_test_setup(localising_replaces_frames_and_keeps_flags,
                               clear),
    };

    return cmocka_run_group_tests_name("engine_tables", tests, NULL, NULL);
}
