/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine/restore/memory: the set of populated pfns, and how pages are asked
 * for. The hypercall is replaced by one that writes down what it was asked.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "engine/restore/memory.h"

static struct {
    unsigned n_calls;
    unsigned order[8], n[8];
    xen_pfn_t first[8];
    int give_super, give; /* extents given per call; -1: all */
} host;
static unsigned n_populated;
static xen_pfn_t last_pfn, last_frame;
static xen_pfn_t frame_of[8192]; /* as told by on_populated */

static xen_pfn_t extent_memory[XSR_XEN_BATCH];

/* In front of libxenctrl's own. */
long xc_memory_op(xc_interface *xch, unsigned int cmd, void *arg, size_t len)
{
    struct xen_memory_reservation *res = arg;
    int give;

    (void)xch;
    assert_int_equal(cmd, XENMEM_populate_physmap);
    assert_int_equal(len, sizeof(*res));
    assert_true(host.n_calls < 8);
    host.order[host.n_calls] = res->extent_order;
    host.n[host.n_calls] = (unsigned)res->nr_extents;
    host.first[host.n_calls++] = extent_memory[0];
    give = res->extent_order ? host.give_super : host.give;
    if (give == -2) {
        errno = ENOMEM;
        return -1;
    }
    if (give < 0 || give > (int)res->nr_extents)
        give = (int)res->nr_extents;
    for (int i = 0; i < give; i++)
        extent_memory[i] += 0x1000000;
    return give;
}

static void on_populated(void *ctx, const xen_pfn_t *pfns,
                         const xen_pfn_t *frames, unsigned n)
{
    (void)ctx;
    n_populated += n;
    for (unsigned i = 0; i < n; i++)
        frame_of[pfns[i]] = frames[i];
    last_pfn = pfns[n - 1];
    last_frame = frames[n - 1];
}

static struct xsr_xen xen;
static struct xsr_memory mem;
static struct xsr_err err;

static int begin(void **state)
{
    struct xsr_xen_domain dom = {.max_pages = 5000, .tot_pages = 1000};

    (void)state;
    memset(&host, 0, sizeof(host));
    host.give = host.give_super = -1;
    n_populated = 0;
    memset(frame_of, 0, sizeof(frame_of));
    xsr_err_clear(&err);
    xen.extents.hbuf = extent_memory;
    xsr_memory_init(&mem, &xen, &dom);
    mem.on_populated = on_populated;
    return 0;
}

static int end(void **state)
{
    (void)state;
    xsr_memory_fini(&mem);
    return 0;
}

static void want(uint64_t first, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(xsr_memory_want(&mem, first + i, &err), 0);
}

static void set_holds_far_members_apart(void **state)
{
    static const uint64_t pfns[] = {
        0, 63, 64, 262143, 262144, 1ull << 31, (1ull << 36) - 1};
    struct xsr_pfnset set;
    unsigned i;

    (void)state;
    xsr_pfnset_init(&set);
    assert_false(xsr_pfnset_has(&set, 0));
    for (i = 0; i < 7; i++)
        assert_int_equal(xsr_pfnset_add(&set, pfns[i], &err), 0);
    assert_int_equal(xsr_pfnset_add(&set, 64, &err), 0);
    assert_true(set.n_members == 7);
    assert_true(set.highest == (1ull << 36) - 1);
    for (i = 0; i < 7; i++) {
        assert_true(xsr_pfnset_has(&set, pfns[i]));
        assert_false(xsr_pfnset_has(&set, pfns[i] + 2));
    }
    assert_false(xsr_pfnset_has(&set, UINT64_MAX));
    xsr_pfnset_fini(&set);
    assert_false(xsr_pfnset_has(&set, 0));
}

static void wanted_pfns_are_populated_once(void **state)
{
    (void)state;
    want(5, 3);
    want(6, 3);
    assert_int_equal(host.n_calls, 0);
    assert_int_equal(xsr_memory_flush(&mem, &err), 0);
    assert_int_equal(host.n_calls, 1);
    assert_int_equal(host.n[0], 4);
    assert_int_equal(n_populated, 4);
    assert_true(last_pfn == 8 && last_frame == 0x1000008);
    want(5, 4);
    assert_int_equal(xsr_memory_flush(&mem, &err), 0);
    assert_int_equal(host.n_calls, 1);
}

static void more_than_a_batch_is_more_calls(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1500; i++)
        want(2 * i, 1);
    assert_int_equal(xsr_memory_flush(&mem, &err), 0);
    assert_int_equal(host.n_calls, 2);
    assert_int_equal(host.n[0], 1024);
    assert_int_equal(host.n[1], 476);
    assert_int_equal(n_populated, 1500);
}

static void complete_runs_are_asked_for_as_superpages(void **state)
{
    (void)state;
    want(500, 524);  /* 500-1023: 512-1023 is one */
    want(1536, 500); /* aligned but not complete */
    assert_int_equal(xsr_memory_flush(&mem, &err), 0);
    assert_int_equal(host.n_calls, 2);
    assert_int_equal(host.order[0], 9);
    assert_int_equal(host.n[0], 1);
    assert_true(host.first[0] == 512);
    assert_int_equal(host.order[1], 0);
    assert_int_equal(host.n[1], 512);
    assert_true(host.first[1] == 500);
    assert_int_equal(n_populated, 1024);
}

/* Told for each page, whichever way it came: a PV guest's tables need it. */
static void pages_of_superpages_have_frames(void **state)
{
    (void)state;
    want(500, 2000);
    assert_int_equal(xsr_memory_flush(&mem, &err), 0);
    assert_int_equal(n_populated, 2000);
    for (unsigned pfn = 500; pfn < 2500; pfn++)
        assert_true(frame_of[pfn] == 0x1000000 + pfn);
}

static void superpages_not_given_become_pages(void **state)
{
    (void)state;
    host.give_super = 1;
    want(0, 1024);
    assert_int_equal(xsr_memory_flush(&mem, &err), 0);
    assert_int_equal(host.n_calls, 2);
    assert_int_equal(host.n[0], 2);
    assert_int_equal(host.n[1], 512);
    assert_true(host.first[1] == 512);
    host.give_super = -2;
    want(2048, 512);
    assert_int_equal(xsr_memory_flush(&mem, &err), 0);
    assert_int_equal(host.n[3], 512);
    assert_int_equal(err.kind, XSR_E_OK);
}

static void pages_not_given_are_an_error(void **state)
{
    (void)state;
    host.give = 7;
    want(100, 10);
    assert_int_equal(xsr_memory_flush(&mem, &err), -1);
    assert_int_equal(err.kind, XSR_E_XEN);
    assert_int_equal(err.sys, ENOMEM);
    assert_non_null(strstr(err.text, "7 of 10"));
    assert_non_null(strstr(err.text, "0x6b"));
}

static void domain_limit_is_an_error_before_xen_is_asked(void **state)
{
    (void)state;
    want(0, 4000); /* 5000 less the 1000 it owns already */
    host.n_calls = 0;
    assert_int_equal(xsr_memory_want(&mem, 4000, &err), -1);
    assert_int_equal(err.kind, XSR_E_LIMIT);
    assert_int_equal(host.n_calls, 0);
    assert_int_equal(xsr_memory_want(&mem, 3999, &err), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(set_holds_far_members_apart),
        TEST(wanted_pfns_are_populated_once),
        TEST(more_than_a_batch_is_more_calls),
        TEST(complete_runs_are_asked_for_as_superpages),
        TEST(pages_of_superpages_have_frames),
        TEST(superpages_not_given_become_pages),
        TEST(pages_not_given_are_an_error),
        TEST(domain_limit_is_an_error_before_xen_is_asked),
    };

    return cmocka_run_group_tests_name("engine_memory", tests, NULL, NULL);
}
