/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A new guest of each type is complete and good by its own judgement, has the
 * memory that was asked for, and notices every kind of damage; what no guest
 * can be is refused and leaves nothing.
 */
#include "tests/fake/sim_guest.h"

static void every_type_is_good_from_the_start(void **state)
{
    enum xsr_hv_type type;

    (void)state;
    for (type = XSR_HV_PV; type <= XSR_HV_HVM; type++) {
        struct xsr_guest_spec s = spec_of(type);
        uint32_t domid = new_guest(&s);
        struct xsr_hv_domain d = domain(domid);
        struct xsr_guest_state g;

        is_good(domid);
        assert_int_equal(d.type, type);
        assert_int_equal(d.n_online, 3);
        assert_true(d.paused && !d.created);
        assert_in_range(d.tot_pages, s.memory_mib * 256 - 64,
                        s.memory_mib * 256 + 64);
        g = ask(domid);
        assert_in_range(g.n_zero * 100 / g.n_pages, 35, 45);
        assert_int_equal(g.n_dirtied, 0);
        remove_guest(domid);
    }
}

static void same_seed_same_memory_other_seed_other(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PV);
    struct xsr_guest_digest a, b, c;
    struct xsr_err err = XSR_ERR_INIT;
    uint32_t first = new_guest(&s), second, third;

    (void)state;
    snprintf(s.name, sizeof(s.name), "second");
    second = new_guest(&s);
    snprintf(s.name, sizeof(s.name), "third");
    s.seed++;
    third = new_guest(&s);
    assert_int_equal(xsr_guest_digest(first, &a, &err), 0);
    assert_int_equal(xsr_guest_digest(second, &b, &err), 0);
    assert_int_equal(xsr_guest_digest(third, &c, &err), 0);
    assert_int_equal(a.types, b.types);
    assert_int_equal(a.vcpus, b.vcpus);
    assert_int_equal(a.params, b.params);
    assert_int_not_equal(a.memory, c.memory);
    remove_guest(first);
    remove_guest(second);
    remove_guest(third);
}

/* Flip one bit of page pfn through a foreign mapping; once more undoes it. */
static void flip(uint32_t domid, uint64_t pfn, unsigned at)
{
    xsr_hv_pages *pages = xsr_hv_pages_new(domid);
    struct xsr_hv_page page = {0};
    uint64_t frame;
    uint8_t *p;

    assert_non_null(pages);
    while (xsr_hv_pages_next(pages, &page) && page.pfn != pfn)
        ;
    xsr_hv_pages_free(pages);
    assert_int_equal(page.pfn, pfn);
    frame = domain(domid).type == XSR_HV_PV ? page.mfn : pfn;
    p = xsr_hv_map(domid, PROT_READ | PROT_WRITE, 1, &frame, NULL, NULL);
    assert_non_null(p);
    p[at] ^= 4;
    assert_int_equal(xsr_hv_unmap(p, 1), 0);
}

static void one_wrong_bit_is_noticed_anywhere(void **state)
{
    static const uint64_t pfns[] = {64, 100, 511, 512 + 77, 2000, 2047};
    enum xsr_hv_type type;
    size_t i;

    (void)state;
    for (type = XSR_HV_PV; type <= XSR_HV_HVM; type++) {
        struct xsr_guest_spec s = spec_of(type);
        uint32_t domid = new_guest(&s);

        for (i = 0; i < XSR_ARRAY_LEN(pfns); i++) {
            uint64_t pfn = pfns[i];

            if (type == XSR_HV_HVM && pfn == 2047)
                pfn = 0xf0000 + 2047; /* the end of video memory */
            flip(domid, pfn, (unsigned)(pfn % PAGE));
            assert_int_equal(ask(domid).n_bad, 1);
            assert_int_equal(ask(domid).first_bad_pfn, pfn);
            flip(domid, pfn, (unsigned)(pfn % PAGE));
            assert_int_equal(ask(domid).n_bad, 0);
        }
        remove_guest(domid);
    }
}

/* A page that has an older version than its table says, or a newer one. */
static void a_wrong_version_is_noticed(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PVH);
    uint32_t domid = new_guest(&s);

    (void)state;
    flip(domid, 512 + 10, 77 * 4); /* the version of page 512 + 77 */
    assert_int_equal(ask(domid).n_bad, 1);
    assert_int_equal(ask(domid).first_bad_pfn, 512 + 77);
    assert_true(ask(domid).n_troubles > 0); /* and the sum is wrong */
    remove_guest(domid);
}

static void who_is_no_guest_says_nothing(void **state)
{
    struct xsr_guest_state g;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_guest_spec s = spec_of(XSR_HV_PVH);
    uint32_t domid = new_guest(&s);

    (void)state;
    assert_int_equal(xsr_guest_verify(domid + 1, &g, &err), -1);
    assert_int_equal(xsr_guest_verify(0, &g, &err), -1);
    flip(domid, 11, 3); /* the magic of its description */
    assert_int_equal(xsr_guest_verify(domid, &g, &err), -1);
    assert_false(xsr_guest_peek(domid, &g));
    flip(domid, 11, 3);
    is_good(domid);
    remove_guest(domid);
}

static void refused(struct xsr_guest_spec s, const char *says)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_hv_domain d;
    uint32_t domid;

    assert_int_equal(xsr_guest_create(&s, &domid, &err), -1);
    if (!strstr(err.text, says))
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
    assert_true(xsr_hv_next_domain(1, &d) < 0);
}

static void impossible_guests_are_refused(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_HVM);

    (void)state;
    s.memory_mib = 8;
    refused(s, "8 MiB");
    s = spec_of(XSR_HV_PV);
    s.memory_mib = 0;
    refused(s, "0 MiB");
    s = spec_of(XSR_HV_PV);
    s.memory_mib = 2048; /* more than this host has */
    refused(s, "no memory");
    s = spec_of(XSR_HV_PV);
    s.n_vcpus = 0;
    refused(s, "0 vCPUs");
    s = spec_of(XSR_HV_PVH);
    s.zero_pct = 100;
    refused(s, "100 %");
    s = spec_of(XSR_HV_PVH);
    s.suspend = XSR_GUEST_BY_CALL;
    refused(s, "HVM");
    s = spec_of(XSR_HV_PVH);
    s.phase[0].hot_pct = 101;
    refused(s, "101 %");
}

static void a_name_is_one_guests(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PVH);
    struct xsr_err err = XSR_ERR_INIT;
    uint32_t domid = new_guest(&s), other = 0;
    struct xsr_hv_domain d;

    (void)state;
    assert_int_equal(xsr_guest_create(&s, &other, &err), -1);
    assert_non_null(strstr(err.text, "in use by domain"));
    assert_true(xsr_hv_next_domain(domid + 1, &d) < 0);
    node_is(domid, "name", "guest");
    remove_guest(domid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_type_is_good_from_the_start,
                                  host_is_empty),
        cmocka_unit_test_teardown(same_seed_same_memory_other_seed_other,
                                  host_is_empty),
        cmocka_unit_test_teardown(one_wrong_bit_is_noticed_anywhere,
                                  host_is_empty),
        cmocka_unit_test_teardown(a_wrong_version_is_noticed, host_is_empty),
        cmocka_unit_test_teardown(who_is_no_guest_says_nothing, host_is_empty),
        cmocka_unit_test_teardown(impossible_guests_are_refused, host_is_empty),
        cmocka_unit_test_teardown(a_name_is_one_guests, host_is_empty),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
