/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine/: HVM and PVH images on a fake hypervisor. What acts when, what is
 * refused before it acts, and that nothing stays mapped.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/fake/xenctrl.h"
#include "tests/fake/image.h"

#define STORE   0x50u
#define CONSOLE 0x51u

static int begin(void **state)
{
    (void)state;
    fake_init(false);
    image_begin(XSR_XC3_HVM, 3);
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(xen_host.n_mappings, 0);
    image_end();
    fake_fini();
    return 0;
}

static void put_static_end(void)
{
    image_put(XSR_XC3_STATIC_DATA_END, NULL, 0);
}

static void put_page(uint64_t pfn, uint8_t type, uint8_t fill)
{
    struct xsr_page_entry e = {pfn, type};

    image_put_pages(&e, &fill, 1);
}

static void put_tsc(void)
{
    uint8_t tsc[24] = {0};

    image_put(XSR_XC3_X86_TSC_INFO, tsc, sizeof(tsc));
}

/* HEADER, one TSC_ADJUST of the vCPU, END. */
static void put_context(uint16_t vcpu)
{
    uint8_t ctx[8 + 24 + 8 + 8 + 8] = {1};

    ctx[4] = 24;
    xsr_st_le32(ctx + 8, 0x54381286);
    xsr_st_le32(ctx + 12, 1);
    ctx[32] = 19;
    xsr_st_le16(ctx + 34, vcpu);
    ctx[36] = 8;
    image_put(XSR_XC3_HVM_CONTEXT, ctx, sizeof(ctx));
}

static void put_params(const uint64_t (*pairs)[2], uint32_t n)
{
    uint8_t body[8 + 16 * 8] = {0};

    xsr_st_le32(body, n);
    for (uint32_t i = 0; i < n; i++) {
        xsr_st_le64(body + 8 + 16 * i, pairs[i][0]);
        xsr_st_le64(body + 16 + 16 * i, pairs[i][1]);
    }
    image_put(XSR_XC3_HVM_PARAMS, body, 8 + 16 * n);
}

static void put_tail(void)
{
    static const uint64_t pairs[][2] = {
        {1, STORE}, {17, CONSOLE}, {4, 1}, {12, 0x77000}, {5, 0x99},
    };

    put_tsc();
    put_context(0);
    put_params(pairs, 5);
    image_put(XSR_XC3_END, NULL, 0);
}

static void put_memory(void)
{
    struct xsr_page_entry e[] = {
        {0, XSR_PT_NOTAB},  {1, XSR_PT_XTAB},      {2, XSR_PT_BROKEN},
        {3, XSR_PT_XALLOC}, {STORE, XSR_PT_NOTAB}, {CONSOLE, XSR_PT_NOTAB},
        {7, XSR_PT_NOTAB},
    };
    uint8_t fill[] = {0xa0, 0, 0, 0, 0xa4, 0xa5, 0xa6};

    image_put_pages(e, fill, 7);
    put_page(0, XSR_PT_NOTAB, 0xb0); /* sent again: the last one counts */
}

static void hvm_guest_comes_to_life(void **state)
{
    uint8_t *grants = xen_host.mem + (FAKE_GRANTS - FAKE_BASE) * 4096ul;

    (void)state;
    put_static_end();
    put_memory();
    put_tail();
    image_behind("and the rest");
    assert_int_equal(image_restore(), 0);
    assert_string_equal(image_rest(), "and the rest");
    assert_int_equal(fake_page(0)[4095], 0xb0);
    assert_int_equal(fake_page(7)[0], 0xa6);
    assert_null(fake_page(1));
    assert_null(fake_page(2));
    assert_non_null(fake_page(3));
    assert_int_equal(fake_page(STORE)[0], 0);
    assert_int_equal(fake_page(CONSOLE)[4095], 0);
    /* Four of the record (4 is dropped), and the two event channels. */
    assert_int_equal(xen_host.n_params, 6);
    assert_true(xen_host.param[12] == 0x77000 && xen_host.param[5] == 0x99);
    assert_true(xen_host.param[2] == IMAGE_STORE_PORT);
    assert_true(xen_host.param[18] == IMAGE_CONSOLE_PORT);
    assert_int_equal(xen_host.n_contexts, 1);
    assert_int_equal(xen_host.n_tsc, 1);
    assert_int_equal(xen_host.n_policies, 0);
    assert_int_equal(image.missing, 3);
    assert_true(image.restore.store_gfn == STORE);
    assert_true(image.restore.console_gfn == CONSOLE);
    assert_true(image.restore.n_pages == 5);
    assert_true(xsr_le64(grants) ==
                (1ull | 5ull << 16 | (uint64_t)CONSOLE << 32));
    assert_true(xsr_le64(grants + 8) ==
                (1ull | 6ull << 16 | (uint64_t)STORE << 32));
    /* The ioreq page was not in the image; that is worth one warning. */
    assert_int_equal(image.n_warnings, 1);
}

static void version_2_infers_the_end_of_static_data(void **state)
{
    (void)state;
    image_begin(XSR_XC3_HVM, 2);
    put_memory();
    put_tail();
    assert_int_equal(image_restore(), 0);
    assert_int_equal(image.n_static, 1);
    assert_int_equal(image.missing, 3);
}

static void policies_are_applied_together(void **state)
{
    uint8_t leaf[24] = {1}, msr[16] = {0xce};

    (void)state;
    image_put(XSR_XC3_X86_CPUID_POLICY, leaf, sizeof(leaf));
    image_put(XSR_XC3_X86_MSR_POLICY, msr, sizeof(msr));
    put_static_end();
    put_memory();
    put_tail();
    assert_int_equal(image_restore(), 0);
    assert_int_equal(xen_host.n_policies, 1);
    assert_int_equal(image.missing, 0);
}

static void refused_policy_names_the_leaf(void **state)
{
    uint8_t leaf[24] = {1};

    (void)state;
    xen_host.policy_errno = EINVAL;
    xen_host.err_leaf = 0x80000008;
    image_put(XSR_XC3_X86_CPUID_POLICY, leaf, sizeof(leaf));
    put_static_end();
    image_refused(XSR_E_XEN, "leaf 0x80000008");
    assert_int_equal(image.err.sys, EINVAL);
    assert_int_equal(image.n_static, 0);
}

static void toolstack_may_refuse_static_data(void **state)
{
    (void)state;
    image.static_answer = 7;
    put_static_end();
    put_memory();
    image_refused(XSR_E_PEER, "(7)");
    assert_int_equal(xen_host.n_frames, 0);
}

static void truncation_anywhere_is_end_of_file(void **state)
{
    size_t whole;

    (void)state;
    put_static_end();
    put_memory();
    put_tail();
    whole = image.octets.len;
    for (size_t n = 0; n < whole; n += n < 24 + 16 + 200 ? 1 : 509) {
        fake_fini();
        fake_init(false);
        image.octets.len = n;
        assert_int_equal(image_restore(), -1);
        assert_int_equal(image.err.kind, XSR_E_EOF);
        assert_true(image.err.offset <= n);
        assert_int_equal(xen_host.n_contexts, 0);
        assert_int_equal(xen_host.n_mappings, 0);
    }
}

static void context_of_a_vcpu_too_many_is_refused(void **state)
{
    (void)state;
    put_static_end();
    put_memory();
    put_context(2);
    image_refused(XSR_E_FORMAT, "TSC_ADJUST of vCPU 2, allowed up to 1");
}

static void ring_beyond_the_address_space_is_refused(void **state)
{
    static const uint64_t pairs[][2] = {{12, 1}, {1, 1ull << 60}};

    (void)state;
    put_static_end();
    put_memory();
    put_params(pairs, 2);
    image_refused(XSR_E_FORMAT, "STORE_PFN at pfn 0x1000000000000000");
    assert_int_equal(xen_host.n_params, 0);
}

static void pfn_beyond_the_address_space_is_refused(void **state)
{
    (void)state;
    put_static_end();
    put_page((1ull << 52) - 1, XSR_PT_NOTAB, 1);
    image_refused(XSR_E_FORMAT, "0xfffffffffffff");
    assert_int_equal(xen_host.n_frames, 0);
}

static void pfn_beyond_the_guests_address_width_is_refused(void **state)
{
    uint8_t leaf[24] = {0};

    (void)state;
    xsr_st_le32(leaf, 0x80000008);
    xsr_st_le32(leaf + 8, 0x3028); /* 40 bits */
    image_put(XSR_XC3_X86_CPUID_POLICY, leaf, sizeof(leaf));
    put_static_end();
    put_page((1ull << 28) - 1, XSR_PT_NOTAB, 1);
    put_page(1ull << 28, XSR_PT_NOTAB, 1);
    image_refused(XSR_E_FORMAT, "0x10000000 (NOTAB), allowed up to 0xfffffff");
    assert_int_equal(xen_host.n_frames, 1);
}

static void more_pages_than_the_domain_has_are_refused(void **state)
{
    (void)state;
    xen_host.max_pages = 3;
    put_static_end();
    put_memory();
    image_refused(XSR_E_LIMIT, "allowed 3");
    assert_int_equal(xen_host.n_frames, 0);
}

static void verify_compares_and_changes_nothing(void **state)
{
    (void)state;
    put_static_end();
    put_memory();
    image_put(XSR_XC3_VERIFY, NULL, 0);
    put_page(7, XSR_PT_NOTAB, 0xa6);
    put_page(0, XSR_PT_NOTAB, 0xb1);
    put_page(0x123, XSR_PT_NOTAB, 1);
    put_tail();
    assert_int_equal(image_restore(), 0);
    assert_int_equal(fake_page(0)[0], 0xb0);
    assert_null(fake_page(0x123));
    /* Two pages, their sum, and the ioreq page. */
    assert_int_equal(image.n_warnings, 4);
    assert_true(image.restore.n_pages == 5);
}

static void unknown_optional_record_is_skipped(void **state)
{
    static uint8_t body[200001];

    (void)state;
    put_static_end();
    image_put(XSR_XC3_OPTIONAL | 0x123, body, sizeof(body));
    put_memory();
    put_tail();
    assert_int_equal(image_restore(), 0);
    assert_int_equal(image.n_warnings, 2);
}

static void unsuitable_domain_is_refused(void **state)
{
    (void)state;
    xen_host.running = true;
    image_refused(XSR_E_XEN, "paused");
    xen_host.running = false;
    xen_host.max_vcpu_id = ~0u;
    image_refused(XSR_E_XEN, "no vCPUs");
    xen_host.max_vcpu_id = 1;
    xen_host.pv = true;
    image_refused(XSR_E_FORMAT, "found an image of an HVM or PVH guest");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hvm_guest_comes_to_life),
        TEST(version_2_infers_the_end_of_static_data),
        TEST(policies_are_applied_together),
        TEST(refused_policy_names_the_leaf),
        TEST(toolstack_may_refuse_static_data),
        TEST(truncation_anywhere_is_end_of_file),
        TEST(context_of_a_vcpu_too_many_is_refused),
        TEST(ring_beyond_the_address_space_is_refused),
        TEST(pfn_beyond_the_address_space_is_refused),
        TEST(pfn_beyond_the_guests_address_width_is_refused),
        TEST(more_pages_than_the_domain_has_are_refused),
        TEST(verify_compares_and_changes_nothing),
        TEST(unknown_optional_record_is_skipped),
        TEST(unsuitable_domain_is_refused),
    };

    return cmocka_run_group_tests_name("engine_restore", tests, NULL, NULL);
}
