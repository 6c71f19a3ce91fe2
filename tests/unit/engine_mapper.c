/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine/mapper: what is begun is mapped by another thread, what is taken is
 * unmapped exactly once, and an error comes to whoever waits for the mapping.
 * libxenforeignmemory is replaced by one that writes down who called.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/mapper.h"
#include "lib/util.h"

static atomic_uint n_maps, n_unmaps, n_pages_mapped, n_unmaps_here;
static atomic_int map_error, slow_us;
static pthread_t first_thread, mapped_by;

void *xenforeignmemory_map(xenforeignmemory_handle *fmem, uint32_t domid,
                           int prot, size_t n, const xen_pfn_t *frames,
                           int *errs)
{
    (void)fmem, (void)domid, (void)prot, (void)frames;
    mapped_by = pthread_self();
    usleep((unsigned)slow_us);
    if (map_error) {
        errno = map_error;
        return NULL;
    }
    memset(errs, 0, n * sizeof(*errs));
    n_maps++;
    n_pages_mapped += (unsigned)n;
    return calloc(n, 1);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *fmem, void *p, size_t n)
{
    (void)fmem;
    usleep((unsigned)slow_us);
    n_unmaps++;
    n_unmaps_here += pthread_equal(pthread_self(), first_thread) != 0;
    n_pages_mapped -= (unsigned)n;
    free(p);
    return 0;
}

static struct xsr_xen xen;
static struct xsr_mapper m;
static struct xsr_err err;
static xen_pfn_t frames[XSR_XEN_BATCH];

static int begin(void **state)
{
    (void)state;
    n_maps = n_unmaps = n_pages_mapped = n_unmaps_here = 0;
    map_error = slow_us = 0;
    first_thread = pthread_self();
    xsr_err_clear(&err);
    xsr_mapper_init(&m, &xen);
    return 0;
}

static int end(void **state)
{
    (void)state;
    xsr_mapper_fini(&m);
    return n_pages_mapped ? -1 : 0;
}

static void *map_large(void)
{
    void *p = NULL;

    xsr_mapper_begin(&m, frames, 1000, PROT_READ);
    assert_int_equal(xsr_mapper_end(&m, &p, &err), 0);
    assert_non_null(p);
    return p;
}

static void test_another_thread_maps(void **state)
{
    void *p;

    (void)state;
    p = map_large();
    assert_false(pthread_equal(mapped_by, first_thread));
    assert_int_equal(n_pages_mapped, 1000);
    xsr_mapper_take(&m, p, 1000);
    xsr_mapper_wait(&m);
    assert_int_equal(n_unmaps, 1);
    assert_int_equal(n_unmaps_here, 0);
    assert_int_equal(n_pages_mapped, 0);
}

static void test_who_waits_hears_of_the_error(void **state)
{
    void *p = &m;

    (void)state;
    map_error = EPERM;
    xsr_mapper_begin(&m, frames, 700, PROT_READ);
    assert_int_equal(xsr_mapper_end(&m, &p, &err), -1);
    assert_null(p);
    assert_int_equal(err.kind, XSR_E_XEN);
    assert_int_equal(err.sys, EPERM);
    /* and the next one is not spoilt by it */
    map_error = 0;
    xsr_err_clear(&err);
    xsr_mapper_take(&m, map_large(), 1000);
}

static void test_more_than_there_is_room_for(void **state)
{
    (void)state;
    slow_us = 300;
    for (unsigned i = 0; i < 5 * XSR_MAPPER_ROOM; i++)
        xsr_mapper_take(&m, map_large(), 1000);
    xsr_mapper_wait(&m);
    assert_int_equal(n_maps, 5 * XSR_MAPPER_ROOM);
    assert_int_equal(n_unmaps, n_maps);
    assert_int_equal(n_pages_mapped, 0);
}

static void test_a_few_pages_are_unmapped_at_once(void **state)
{
    (void)state;
    xsr_mapper_take(&m, map_large(), 1000);
    xsr_mapper_wait(&m);
    n_pages_mapped += 3;
    xsr_mapper_take(&m, calloc(3, 1), 3);
    assert_int_equal(n_unmaps_here, 1);
    xsr_mapper_take(&m, NULL, 0);
    assert_int_equal(n_unmaps, 2);
}

static void test_the_end_takes_all_down(void **state)
{
    (void)state;
    slow_us = 1000;
    for (unsigned i = 0; i < XSR_MAPPER_ROOM; i++)
        xsr_mapper_take(&m, map_large(), 1000);
    xsr_mapper_fini(&m);
    assert_int_equal(n_pages_mapped, 0);
    xsr_mapper_fini(&m); /* again: harmless */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_another_thread_maps),
        TEST(test_who_waits_hears_of_the_error),
        TEST(test_more_than_there_is_room_for),
        TEST(test_a_few_pages_are_unmapped_at_once),
        TEST(test_the_end_takes_all_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
