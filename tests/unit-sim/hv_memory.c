/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pages: given within limits, found where they were put, never lost. */
#include "tests/unit-sim/hv_domain.h"

#define RW (PROT_READ | PROT_WRITE)

static uint64_t list[4096];

static void fewer_pages_than_asked_at_the_limit(void **state)
{
    uint32_t domid = new_domain(PVH, 100);
    size_t i;

    (void)state;
    for (i = 0; i < 150; i++)
        list[i] = i;
    assert_int_equal(populate(domid, list, 150, 0), 100);
    assert_int_equal(populate(domid, list + 100, 50, 0), 0);
    assert_int_equal(page_type(domid, 99), XEN_DOMCTL_PFINFO_NOTAB);
    assert_int_equal(page_type(domid, 100), XEN_DOMCTL_PFINFO_XTAB);
    host_is_sound();
}

static void a_host_without_memory_gives_what_it_has(void **state)
{
    uint32_t domid = new_domain(PVH, 1u << 30);
    uint64_t gfn = 0;
    long done;
    size_t i;

    (void)state;
    do {
        for (i = 0; i < 4096; i++)
            list[i] = gfn + i;
        done = populate(domid, list, 4096, 0);
        gfn += (uint64_t)done;
    } while (done == 4096);
    assert_int_equal(free_pages(), 0);
    assert_int_equal(gfn, host_free - 2); /* shared info, grant frame */
    host_is_sound();
}

static void pages_beyond_the_address_space_are_refused(void **state)
{
    uint32_t domid = new_domain(HVM, 100);

    (void)state;
    list[0] = 5;
    list[1] = 1ull << 28;
    list[2] = 6;
    assert_int_equal(populate(domid, list, 3, 0), 1);
    list[0] = ~0ull;
    assert_int_equal(populate(domid, list, 1, 0), 0);
    host_is_sound();
}

static void a_page_put_twice_replaces_the_first(void **state)
{
    uint32_t domid = new_domain(HVM, 11);
    uint8_t bytes[PAGE];
    struct xsr_hv_domain d;
    uint8_t *p;

    (void)state;
    give_pages(domid, list, 10);
    memset(bytes, 0xab, sizeof(bytes));
    fill_page(domid, 3, bytes);
    list[0] = 3;
    assert_int_equal(populate(domid, list, 1, 0), 1);
    p = xsr_hv_map(domid, PROT_READ, 1, list, NULL, NULL);
    assert_non_null(p);
    assert_int_equal(p[0], 0);
    assert_int_equal(xsr_hv_unmap(p, 1), 0);
    assert_int_equal(xsr_hv_next_domain(domid, &d), 0);
    /* the first is out of reach, but not free: Xen does not give it back */
    assert_int_equal(d.tot_pages, 11);
    assert_int_equal(populate(domid, list, 1, 0), 0);
    host_is_sound();
}

static void large_extents_are_whole_and_aligned(void **state)
{
    uint32_t domid = new_domain(HVM, 1000);
    struct xen_domctl op = {0};

    (void)state;
    list[0] = 0;
    list[1] = 512;
    assert_int_equal(populate(domid, list, 2, 9), 1); /* 1000 < 1024 */
    assert_int_equal(page_type(domid, 511), XEN_DOMCTL_PFINFO_NOTAB);
    assert_int_equal(page_type(domid, 512), XEN_DOMCTL_PFINFO_XTAB);
    list[0] = 1024;
    assert_int_equal(populate(domid, list, 1, 19), 0);
    assert_int_equal(domctl(&op, XEN_DOMCTL_getdomaininfo, domid), 0);
    assert_int_equal(op.u.getdomaininfo.tot_pages, 512);
    host_is_sound();
}

/* What a PV guest calls page n is nowhere near machine frame n. */
static void pv_frames_are_told_and_differ_from_pfns(void **state)
{
    uint32_t domid = new_domain(PV, 4096);
    uint64_t first;
    size_t i;

    (void)state;
    give_pages(domid, list, 1024);
    first = list[0];
    for (i = 0; i < 1024; i++) {
        assert_true(list[i] != i);
        assert_int_equal(xsr_hv_pfn_of(domid, list[i]), i);
    }
    for (i = 0; i < 1024; i++)
        list[i] = 1024 + i;
    assert_int_equal(populate(domid, list, 1024, 0), 1024);
    /* no constant between pfn and mfn either */
    assert_true(list[0] - 1024 != first);
}

static void the_m2p_is_mapped_read_only(void **state)
{
    uint32_t domid = new_domain(PV, 100);
    xen_pfn_t starts[64];
    struct xen_machphys_mfn_list l = {.max_extents = 64,
                                      .extent_start = {starts}};
    uint64_t frame;
    uint64_t *m2p;
    long max;

    (void)state;
    give_pages(domid, list, 20);
    max = memory_op(XENMEM_maximum_ram_page, NULL);
    assert_int_equal(max, HOST_MIB * 256);
    assert_int_equal(memory_op(XENMEM_machphys_mfn_list, &l), 0);
    assert_int_equal(l.nr_extents, (unsigned)max * 8 / (2 << 20));
    frame = starts[list[7] * 8 / (2 << 20)] + list[7] * 8 % (2 << 20) / PAGE;
    assert_null(xsr_hv_map(DOMID_XEN, RW, 1, &frame, NULL, NULL));
    assert_int_equal(errno, EPERM);
    m2p = xsr_hv_map(DOMID_XEN, PROT_READ, 1, &frame, NULL, NULL);
    assert_non_null(m2p);
    assert_int_equal(m2p[list[7] % 512], 7);
    assert_int_equal(xsr_hv_unmap(m2p, 1), 0);
    /* other frames are not Xen's */
    assert_null(xsr_hv_map(DOMID_XEN, PROT_READ, 1, list, NULL, NULL));
}

static void mapping_says_which_frame_is_bad(void **state)
{
    uint32_t a = new_domain(PV, 100), b = new_domain(PV, 100);
    uint64_t theirs[4];
    int errs[4];
    void *p;

    (void)state;
    give_pages(a, list, 4);
    give_pages(b, theirs, 4);
    list[1] = theirs[1];  /* somebody else's */
    list[3] = 1ull << 30; /* no memory at all */
    assert_null(xsr_hv_map(a, RW, 4, list, NULL, NULL));
    p = xsr_hv_map(a, RW, 4, list, errs, NULL);
    assert_non_null(p);
    assert_int_equal(errs[0], 0);
    assert_int_equal(errs[1], -EBUSY);
    assert_int_equal(errs[2], 0);
    assert_int_equal(errs[3], -EPERM);
    host_is_sound();
    assert_int_equal(xsr_hv_unmap(p, 4), 0);
    assert_int_equal(xsr_hv_unmap(p, 4), -EINVAL);
    assert_null(xsr_hv_map(4000, RW, 1, list, NULL, NULL));
    assert_int_equal(errno, ESRCH);
}

static void xens_own_pages_are_not_the_guests(void **state)
{
    uint32_t domid = new_domain(PV, 100);
    struct xen_domctl op = {0};
    uint64_t frame;
    void *p;

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_getdomaininfo, domid), 0);
    frame = op.u.getdomaininfo.shared_info_frame;
    assert_int_equal(op.u.getdomaininfo.tot_pages, 0);
    assert_int_equal(page_type(domid, frame), XEN_DOMCTL_PFINFO_XTAB);
    p = xsr_hv_map(domid, RW, 1, &frame, NULL, NULL);
    assert_non_null(p);
    assert_int_equal(xsr_hv_unmap(p, 1), 0);
    p = xsr_hv_map_resource(domid, XENMEM_resource_grant_table, 0, 0, 1, RW,
                            NULL);
    assert_non_null(p);
    memcpy(p, "\x01\x00\x00\x00\x2a\x00\x00\x00", 8);
    assert_int_equal(xsr_hv_unmap(p, 1), 0);
    struct xsr_hv_grant g;
    assert_int_equal(xsr_hv_grant_entry(domid, 0, &g), 0);
    assert_int_equal(g.flags, 1);
    assert_int_equal(g.frame, 42);
    assert_int_equal(xsr_hv_grant_entry(domid, 512, &g), -ENOENT);
    assert_null(xsr_hv_map_resource(domid, XENMEM_resource_grant_table, 0, 64,
                                    1, RW, NULL));
    assert_null(xsr_hv_map_resource(domid, XENMEM_resource_ioreq_server, 0, 0,
                                    1, RW, NULL));
    assert_int_equal(errno, EINVAL); /* a PV domain has no such server */
}

static void too_many_types_at_once_are_refused(void **state)
{
    struct xen_domctl op = {.u.getpageframeinfo3 = {1025, {list}}};

    (void)state;
    assert_int_equal(
        domctl(&op, XEN_DOMCTL_getpageframeinfo3, new_domain(PV, 16)), -E2BIG);
}

static void claimed_memory_is_kept_for_its_domain(void **state)
{
    uint32_t a = new_domain(PVH, 1u << 20), b = new_domain(PVH, 1u << 20);
    struct xen_memory_reservation claim = {.domid = (domid_t)a};

    (void)state;
    claim.nr_extents = free_pages() - 10;
    assert_int_equal(memory_op(XENMEM_claim_pages, &claim), 0);
    assert_int_equal(memory_op(XENMEM_claim_pages, &claim), -EINVAL);
    for (size_t i = 0; i < 20; i++)
        list[i] = i;
    assert_int_equal(populate(b, list, 20, 0), 10);
    assert_int_equal(populate(a, list, 20, 0), 20);
    claim.nr_extents = 0;
    assert_int_equal(memory_op(XENMEM_claim_pages, &claim), 0);
    for (size_t i = 0; i < 20; i++)
        list[i] = 100 + i;
    assert_int_equal(populate(b, list, 20, 0), 20);
    host_is_sound();
}

/* As in Xen a dead domain stays until nobody looks into its pages. */
static void mapped_pages_outlive_their_domain(void **state)
{
    uint32_t domid = new_domain(PVH, 100);
    struct xsr_hv_domain d;
    uint64_t at_start = free_pages();
    uint8_t *p;

    (void)state;
    give_pages(domid, list, 50);
    p = xsr_hv_map(domid, RW, 3, list, NULL, NULL);
    assert_non_null(p);
    p[0] = 0x5a;
    assert_int_equal(xsr_hv_destroy(domid), 0);
    assert_int_equal(xsr_hv_next_domain(domid, &d), 0);
    assert_true(d.dying);
    assert_int_equal(d.tot_pages, 3);
    assert_int_equal(p[0], 0x5a);
    assert_null(xsr_hv_map(domid, RW, 1, list, NULL, NULL));
    host_is_sound();
    assert_int_equal(xsr_hv_unmap(p, 3), 0);
    assert_int_equal(xsr_hv_next_domain(domid, &d), -ESRCH);
    assert_int_equal(free_pages(), at_start + 2);
}

static int map_and_die(void *arg)
{
    uint64_t gfns[3] = {0, 1, 2};

    return xsr_hv_map(*(uint32_t *)arg, RW, 3, gfns, NULL, NULL) ? 0 : 1;
}

static void the_mappings_of_a_dead_process_do_not_count(void **state)
{
    uint32_t domid = new_domain(PVH, 100);
    struct xsr_hv_domain d;

    (void)state;
    give_pages(domid, list, 10);
    assert_int_equal(in_child(map_and_die, &domid), 0);
    assert_int_equal(xsr_hv_destroy(domid), 0);
    assert_int_equal(xsr_hv_next_domain(domid, &d), -ESRCH);
}

static void freed_pages_are_zero_again(void **state)
{
    uint32_t domid = new_domain(PV, 512);
    uint8_t bytes[PAGE], *p;
    size_t i, k;

    (void)state;
    memset(bytes, 0xee, sizeof(bytes));
    give_pages(domid, list, 512);
    for (i = 0; i < 512; i++)
        fill_page(domid, list[i], bytes);
    assert_int_equal(xsr_hv_destroy(domid), 0);
    domid = new_domain(PV, 512);
    give_pages(domid, list, 512);
    p = xsr_hv_map(domid, PROT_READ, 512, list, NULL, NULL);
    for (i = 0; i < 512; i++)
        for (k = 0; k < PAGE; k += 8)
            assert_int_equal(p[i * PAGE + k], 0);
    assert_int_equal(xsr_hv_unmap(p, 512), 0);
}

static void a_pvh_pool_has_pages_and_pv_has_none(void **state)
{
    struct xen_domctl op = {.u.paging_mempool.size = 8 << 20};
    uint32_t pvh = new_domain(PVH, 16), pv = new_domain(PV, 16);

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_set_paging_mempool_size, pv),
                     -EOPNOTSUPP);
    assert_int_equal(domctl(&op, XEN_DOMCTL_set_paging_mempool_size, pvh), 0);
    op.u.paging_mempool.size = 4095;
    assert_int_equal(domctl(&op, XEN_DOMCTL_set_paging_mempool_size, pvh),
                     -EINVAL);
    assert_int_equal(domctl(&op, XEN_DOMCTL_get_paging_mempool_size, pvh), 0);
    assert_int_equal(op.u.paging_mempool.size, 8 << 20);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, host_is_empty)
    const struct CMUnitTest tests[] = {
        T(fewer_pages_than_asked_at_the_limit),
        T(a_host_without_memory_gives_what_it_has),
        T(pages_beyond_the_address_space_are_refused),
        T(a_page_put_twice_replaces_the_first),
        T(large_extents_are_whole_and_aligned),
        T(pv_frames_are_told_and_differ_from_pfns),
        T(the_m2p_is_mapped_read_only),
        T(mapping_says_which_frame_is_bad),
        T(xens_own_pages_are_not_the_guests),
        T(too_many_types_at_once_are_refused),
        T(claimed_memory_is_kept_for_its_domain),
        T(mapped_pages_outlive_their_domain),
        T(the_mappings_of_a_dead_process_do_not_count),
        T(freed_pages_are_zero_again),
        T(a_pvh_pool_has_pages_and_pv_has_none),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
