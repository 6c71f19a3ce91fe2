/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine/: a PV image on a fake hypervisor. Every number that the guest knows
 * is translated, and each reference that cannot be is named and refused
 * before any vCPU exists.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/fake/xenctrl.h"
#include "tests/fake/image.h"

/* The guest: pfns 0-599, so that its p2m has two pages. */
enum {
    DATA,
    START_INFO,
    STORE,
    CONSOLE,
    GDT,
    P2M_0,
    P2M_1,
    L1,
    L2,
    L3,
    L4,
    USER_L4,
    N_SENT,
    NEVER_SENT = 300,
    END_PFN = 599
};

static uint8_t types[N_SENT];
static uint8_t page[N_SENT][4096];
static uint8_t vcpu[5168];
static uint32_t p2m_pfn[2];

static void set64(uint8_t *p, unsigned at, uint64_t v)
{
    xsr_st_le64(p + at, v);
}

static int begin(void **state)
{
    (void)state;
    fake_init(true);
    image_begin(XSR_XC3_PV, 3);
    memset(types, XSR_PT_NOTAB, sizeof(types));
    types[L1] = XSR_PT_L1;
    types[L2] = XSR_PT_L2;
    types[L3] = XSR_PT_L3;
    types[L4] = types[USER_L4] = XSR_PT_L4 | XSR_PT_PIN;
    for (unsigned i = 0; i < N_SENT; i++)
        memset(page[i], i < L1 ? 0x10 + (int)i : 0, 4096);
    set64(page[START_INFO], 56, STORE);
    set64(page[START_INFO], 72, CONSOLE);
    set64(page[L1], 0, DATA << 12 | 0x67);
    set64(page[L1], 8, (uint64_t)NEVER_SENT << 12 | 0x67);
    set64(page[L1], 16, 0x7777ull << 12); /* not present */
    set64(page[L2], 8, L1 << 12 | 0x67);
    set64(page[L3], 16, L2 << 12 | 0x67);
    set64(page[L4], 24, L3 << 12 | 0x67);
    set64(page[L4], 256 * 8, 0xdead001); /* Xen's own slot */
    set64(page[USER_L4], 24, L3 << 12 | 0x67);
    memset(vcpu, 0, sizeof(vcpu));
    set64(vcpu, 616, START_INFO);
    set64(vcpu, 4832, GDT);
    set64(vcpu, 4960, 16);
    set64(vcpu, 5008, L4 << 12);
    set64(vcpu, 4992, USER_L4 << 12 | 1);
    p2m_pfn[0] = P2M_0;
    p2m_pfn[1] = P2M_1;
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

static void put_head(uint8_t width, uint8_t levels)
{
    uint8_t info[8] = {width, levels}, list[8 + 16] = {0};

    image_put(XSR_XC3_X86_PV_INFO, info, 8);
    image_put(XSR_XC3_STATIC_DATA_END, NULL, 0);
    xsr_st_le32(list + 4, END_PFN);
    set64(list, 8, p2m_pfn[0]);
    set64(list, 16, p2m_pfn[1]);
    image_put(XSR_XC3_X86_PV_P2M_FRAMES, list, sizeof(list));
}

static void put_memory(void)
{
    struct xsr_page_entry e[N_SENT];

    for (unsigned i = 0; i < N_SENT; i++)
        e[i] = (struct xsr_page_entry){i, types[i]};
    assert_int_equal(xsr_pages_put_head(&image.octets, e, N_SENT, &image.err),
                     0);
    for (unsigned i = 0; i < N_SENT; i++)
        if (xsr_page_has_data(types[i]))
            assert_int_equal(
                xsr_buf_put(&image.octets, page[i], 4096, &image.err), 0);
}

static void put_vcpu(uint32_t type, uint32_t id, const uint8_t *blob,
                     uint32_t len)
{
    uint8_t body[8 + 5168] = {0};

    xsr_st_le32(body, id);
    memcpy(body + 8, blob, len);
    image_put(type, body, 8 + len);
}

static void put_tail(void)
{
    static uint8_t shared[4096];
    uint8_t tsc[24] = {0};

    memset(shared, 0xee, sizeof(shared));
    set64(shared, 3088, END_PFN + 1);
    image_put(XSR_XC3_X86_TSC_INFO, tsc, sizeof(tsc));
    image_put(XSR_XC3_SHARED_INFO, shared, sizeof(shared));
    put_vcpu(XSR_XC3_X86_PV_VCPU_BASIC, 0, vcpu, sizeof(vcpu));
    image_put(XSR_XC3_END, NULL, 0);
}

static void put_all(void)
{
    put_head(8, 4);
    put_memory();
    put_tail();
}

/* Refused, and no vCPU was touched, nothing pinned. */
static void refused_at_end(const char *text)
{
    put_all();
    image_refused(XSR_E_FORMAT, text);
    assert_int_equal(xen_host.n_vcpus, 0);
    assert_int_equal(xen_host.n_pins, 0);
}

static void page_tables_are_translated(void **state)
{
    (void)state;
    put_all();
    assert_int_equal(image_restore(), 0);
    assert_non_null(fake_page(NEVER_SENT));
    assert_true(xsr_le64(fake_page(L1)) == (fake_mfn(DATA) << 12 | 0x67));
    assert_true(xsr_le64(fake_page(L1) + 8) ==
                (fake_mfn(NEVER_SENT) << 12 | 0x67));
    assert_true(xsr_le64(fake_page(L1) + 16) == 0x7777ull << 12);
    assert_true(xsr_le64(fake_page(L4) + 24) == (fake_mfn(L3) << 12 | 0x67));
    assert_true(xsr_le64(fake_page(L4) + 256 * 8) == 0);
    assert_int_equal(image.n_warnings, 1);
    assert_memory_equal(fake_page(DATA), page[DATA], 4096);
    assert_int_equal(xen_host.n_pins, 2);
    assert_int_equal(xen_host.pin[0].cmd, MMUEXT_PIN_L4_TABLE);
    assert_true(xen_host.pin[0].arg1.mfn == fake_mfn(L4));
    assert_true(xen_host.pin[1].arg1.mfn == fake_mfn(USER_L4));
}

static void vcpu_and_start_info_are_translated(void **state)
{
    const uint8_t *ctx = (const uint8_t *)&xen_host.vcpu[0], *info;

    (void)state;
    put_all();
    assert_int_equal(image_restore(), 0);
    assert_int_equal(xen_host.n_vcpus, 1);
    assert_true(xsr_le64(ctx + 616) == fake_mfn(START_INFO));
    assert_true(xsr_le64(ctx + 4832) == fake_mfn(GDT));
    assert_true(xsr_le64(ctx + 5008) == fake_mfn(L4) << 12);
    assert_true(xsr_le64(ctx + 4992) == fake_mfn(USER_L4) << 12);
    assert_true(xsr_le64(ctx + 512) == 1 << 5);
    info = fake_page(START_INFO);
    assert_true(xsr_le64(info + 32) == END_PFN + 1);
    assert_true(xsr_le64(info + 40) == (uint64_t)FAKE_SHARED_INFO << 12);
    assert_true(xsr_le32(info + 48) == 0);
    assert_true(xsr_le64(info + 56) == fake_mfn(STORE));
    assert_true(xsr_le32(info + 64) == IMAGE_STORE_PORT);
    assert_true(xsr_le64(info + 72) == fake_mfn(CONSOLE));
    assert_true(xsr_le32(info + 80) == IMAGE_CONSOLE_PORT);
    assert_true(image.restore.store_gfn == fake_mfn(STORE));
    assert_true(image.restore.console_gfn == fake_mfn(CONSOLE));
}

static void guest_gets_its_own_p2m(void **state)
{
    (void)state;
    put_all();
    assert_int_equal(image_restore(), 0);
    for (unsigned pfn = 0; pfn <= END_PFN; pfn++) {
        const uint8_t *at = fake_page(pfn < 512 ? P2M_0 : P2M_1);
        uint64_t want = fake_page(pfn) ? fake_mfn(pfn) : UINT64_MAX;

        assert_true(xsr_le64(at + 8 * (pfn % 512)) == want);
    }
    /* Behind the end of the guest the page is as it was sent. */
    assert_memory_equal(fake_page(P2M_1) + 8 * (END_PFN + 1 - 512),
                        page[P2M_1] + 8 * (END_PFN + 1 - 512), 8);
}

static void shared_info_is_taken_in_parts(void **state)
{
    uint8_t *si = xen_host.mem + (FAKE_SHARED_INFO - FAKE_BASE) * 4096ul;

    (void)state;
    memset(si, 0x55, 4096);
    put_all();
    assert_int_equal(image_restore(), 0);
    assert_int_equal(si[0], 0xee);
    assert_true(xsr_le64(si + 8) == 0 && xsr_le64(si + 31 * 64 + 8) == 0);
    assert_int_equal(si[31 * 64 + 16], 0xee);
    assert_true(xsr_all_zero(si + 2048, 512));
    assert_int_equal(si[2560], 0xff);
    assert_int_equal(si[3071], 0xff);
    assert_int_equal(si[3072], 0x55); /* the clock of this host */
    assert_true(xsr_le64(si + 3088) == END_PFN + 1);
    assert_true(xsr_le64(si + 3096) == 0);
    assert_int_equal(si[3104], 0xee);
    assert_int_equal(si[3136], 0x55);
}

static void wrong_types_at_the_end_are_refused(void **state)
{
    static const struct {
        unsigned pfn;
        uint8_t type;
        const char *text;
    } t[] = {
        {L4, XSR_PT_L3, "cr3 of vCPU 0 at pfn 0xa (L3TAB)"},
        {L4, XSR_PT_XTAB, "cr3 of vCPU 0 at pfn 0xa (no page in the image)"},
        {USER_L4, XSR_PT_NOTAB, "cr1 of vCPU 0 at pfn 0xb (NOTAB)"},
        {GDT, XSR_PT_L1, "a GDT frame of vCPU 0 at pfn 0x4 (L1TAB)"},
        {START_INFO, XSR_PT_XALLOC, "start_info (rdx) of vCPU 0"},
        {P2M_1, XSR_PT_XTAB, "frame 1 at pfn 0x6 (no page in the image)"},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        end(state);
        begin(state);
        types[t[i].pfn] = t[i].type;
        memset(page[t[i].pfn], 0, 4096);
        refused_at_end(t[i].text);
    }
}

static void references_to_nowhere_are_refused(void **state)
{
    static const struct {
        unsigned at;
        uint64_t v;
        const char *text;
    } t[] = {
        {5008, (END_PFN + 1ull) << 12, "cr3 of vCPU 0 at pfn 0x258 (beyond"},
        {5008, 200 << 12, "(no page in the image)"},
        {4992, 1ull << 63 | 1, "cr1 of vCPU 0"},
        {4992, USER_L4 << 12, "allowed 0 or bit 0 set"},
        {4832, UINT64_MAX, "a GDT frame of vCPU 0 at pfn 0xffffffffffffffff"},
        {616, END_PFN + 1, "start_info (rdx)"},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        end(state);
        begin(state);
        set64(vcpu, t[i].at, t[i].v);
        refused_at_end(t[i].text);
    }
}

static void ring_that_is_not_there_is_refused(void **state)
{
    (void)state;
    set64(page[START_INFO], 56, NEVER_SENT + 1);
    refused_at_end("the xenstore ring at pfn 0x12d (no page in the image)");
}

static void bad_table_entries_are_refused(void **state)
{
    (void)state;
    set64(page[L1], 40, (END_PFN + 1ull) << 12 | 1);
    refused_at_end("found pfn 0x258 in L1[5] of pfn 0x7");
    end(state);
    begin(state);
    set64(page[L2], 40, 0x81);
    refused_at_end("superpage entry at L2[5] of pfn 0x8");
}

static void vcpu_records_are_counted(void **state)
{
    (void)state;
    put_head(8, 4);
    put_memory();
    put_vcpu(XSR_XC3_X86_PV_VCPU_BASIC, 2, vcpu, sizeof(vcpu));
    image_refused(XSR_E_FORMAT, "found vCPU 2, allowed up to 1");
    end(state);
    begin(state);
    put_head(8, 4);
    put_memory();
    put_vcpu(XSR_XC3_X86_PV_VCPU_BASIC, 0, vcpu, sizeof(vcpu));
    put_vcpu(XSR_XC3_X86_PV_VCPU_BASIC, 0, vcpu, sizeof(vcpu));
    image_refused(XSR_E_ORDER, "a second one for vCPU 0");
    end(state);
    begin(state);
    put_head(8, 4);
    put_memory();
    put_vcpu(XSR_XC3_X86_PV_VCPU_BASIC, 0, vcpu, 0);
    put_vcpu(XSR_XC3_X86_PV_VCPU_BASIC, 1, vcpu, sizeof(vcpu));
    image_put(XSR_XC3_X86_TSC_INFO, page[USER_L4], 24);
    image_put(XSR_XC3_SHARED_INFO, page[USER_L4], 4096);
    image_put(XSR_XC3_END, NULL, 0);
    image_refused(XSR_E_ORDER, "before any state of vCPU 0");
    assert_int_equal(xen_host.n_vcpus, 0);
}

static void guests_of_32_bits_are_not_supported(void **state)
{
    (void)state;
    put_head(4, 3);
    image_refused(XSR_E_UNSUPPORTED, "32-bit guest");
    xen_host.width = 4;
    image_refused(XSR_E_UNSUPPORTED, "32-bit");
}

static void verify_translates_before_it_compares(void **state)
{
    (void)state;
    put_head(8, 4);
    put_memory();
    image_put(XSR_XC3_VERIFY, NULL, 0);
    put_memory();
    put_tail();
    assert_int_equal(image_restore(), 0);
    assert_int_equal(image.n_warnings, 1); /* Xen's slot, no mismatch */
}

/* What a live save does with a table that it could not read just then. */
static void last_type_counts(void **state)
{
    struct xsr_page_entry e = {L4, XSR_PT_XTAB};

    put_head(8, 4);
    put_memory();
    image_put_pages(&e, (const uint8_t *)"", 1);
    put_tail();
    image_refused(XSR_E_FORMAT, "cr3 of vCPU 0 at pfn 0xa (XTAB)");
    end(state);
    begin(state);
    put_head(8, 4);
    image_put_pages(&e, (const uint8_t *)"", 1);
    put_memory();
    image_put_pages(&e, (const uint8_t *)"", 1);
    put_memory();
    put_tail();
    assert_int_equal(image_restore(), 0);
    assert_int_equal(xen_host.n_pins, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(page_tables_are_translated),
        TEST(vcpu_and_start_info_are_translated),
        TEST(guest_gets_its_own_p2m),
        TEST(shared_info_is_taken_in_parts),
        TEST(wrong_types_at_the_end_are_refused),
        TEST(references_to_nowhere_are_refused),
        TEST(last_type_counts),
        TEST(ring_that_is_not_there_is_refused),
        TEST(bad_table_entries_are_refused),
        TEST(vcpu_records_are_counted),
        TEST(guests_of_32_bits_are_not_supported),
        TEST(verify_translates_before_it_compares),
    };

    return cmocka_run_group_tests_name("engine_restore_pv", tests, NULL, NULL);
}
