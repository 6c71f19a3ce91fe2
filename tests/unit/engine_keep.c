/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine/keep: what is not needed any more stays mapped until the process ends,
 * if it will end and its host gains by that, but never more than the limit;
 * and each mapping is taken down once. The hypercalls are replaced.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/keep.h"

static struct {
    bool hvm;    /* domain 0 */
    int answers; /* of how many domains Xen tells */
} host;
static unsigned n_unmaps;
static size_t n_pages;
static const void *last;

int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned n,
                          xc_domaininfo_t *out)
{
    (void)xch;
    assert_int_equal(first, 0);
    assert_int_equal(n, 1);
    memset(out, 0, sizeof(*out));
    out->flags = host.hvm ? XEN_DOMINF_hvm_guest : 0;
    return host.answers;
}

int xenforeignmemory_unmap(xenforeignmemory_handle *fmem, void *p, size_t n)
{
    (void)fmem;
    n_unmaps++;
    n_pages += n;
    last = p;
    return 0;
}

static struct xsr_xen xen;
static struct xsr_keep k;
static char place[XSR_KEEP_ROOM + 10]; /* addresses */

static int begin(void **state)
{
    (void)state;
    host.hvm = false;
    host.answers = 1;
    n_unmaps = 0;
    n_pages = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    xsr_keep_fini(&k);
    xsr_keep_fini(&k); /* again: harmless */
    return 0;
}

static void take(unsigned i, size_t n)
{
    xsr_keep_take(&k, place + i, n);
}

static void what_is_kept_stays_until_the_process_ends(void **state)
{
    (void)state;
    xsr_keep_init(&k, &xen, true);
    take(0, 1024);
    take(1, 7);
    xsr_keep_take(&k, NULL, 0);
    xsr_keep_fini(&k);
    assert_int_equal(n_unmaps, 0);
}

static void nothing_is_kept_if_the_process_goes_on(void **state)
{
    (void)state;
    xsr_keep_init(&k, &xen, false);
    take(3, 1024);
    assert_int_equal(n_unmaps, 1);
    assert_int_equal(n_pages, 1024);
    assert_ptr_equal(last, place + 3);
}

static void nothing_is_kept_where_nothing_is_gained(void **state)
{
    (void)state;
    host.hvm = true;
    xsr_keep_init(&k, &xen, true);
    take(0, 5);
    assert_int_equal(n_unmaps, 1);
    xsr_keep_fini(&k);
    host.answers = -1;
    xsr_keep_init(&k, &xen, true);
    take(0, 5);
    assert_int_equal(n_unmaps, 2);
}

static void the_oldest_go_first(void **state)
{
    (void)state;
    xsr_keep_init(&k, &xen, true);
    xsr_keep_limit(&k, 100);
    for (unsigned i = 0; i < 5; i++)
        take(i, 30);
    assert_int_equal(n_unmaps, 2);
    assert_ptr_equal(last, place + 1);
    take(5, 101); /* more than the limit by itself */
    assert_ptr_equal(last, place + 5);
    assert_int_equal(n_unmaps, 3);
    xsr_keep_limit(&k, 60);
    assert_int_equal(n_unmaps, 4);
    assert_ptr_equal(last, place + 2);
    xsr_keep_drop(&k);
    assert_int_equal(n_unmaps, 6);
    assert_int_equal(n_pages, 5 * 30 + 101);
    assert_ptr_equal(last, place + 4);
}

static void mappings_are_no_more_than_there_is_room_for(void **state)
{
    (void)state;
    xsr_keep_init(&k, &xen, true);
    for (unsigned i = 0; i < XSR_KEEP_ROOM + 3; i++)
        take(i, 1);
    assert_int_equal(n_unmaps, 3);
    assert_ptr_equal(last, place + 2);
    xsr_keep_drop(&k);
    assert_int_equal(n_unmaps, XSR_KEEP_ROOM + 3);
    assert_ptr_equal(last, place + XSR_KEEP_ROOM + 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_kept_stays_until_the_process_ends),
        TEST(nothing_is_kept_if_the_process_goes_on),
        TEST(nothing_is_kept_where_nothing_is_gained),
        TEST(the_oldest_go_first),
        TEST(mappings_are_no_more_than_there_is_room_for),
    };

    return cmocka_run_group_tests_name("engine_keep", tests, NULL, NULL);
}
