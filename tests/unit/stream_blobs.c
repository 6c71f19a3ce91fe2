/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream/blobs: the small libxc records, every rule with a crafted value. */
#include "tests/unit/stream_util.h"

#include <stdlib.h>

#include "stream/blobs.h"
#include "stream/limits.h"
#include "stream/xc3.h"

static uint8_t mem[128u << 10];

static int pv_info(uint8_t width, uint8_t levels, size_t reserved_at,
                   struct xsr_err *err)
{
    struct xsr_pv_info info;
    struct xsr_cur cur = cursor(mem, 8);

    memset(mem, 0, 8);
    mem[0] = width;
    mem[1] = levels;
    if (reserved_at)
        mem[reserved_at] = 1;
    return xsr_blob_get_pv_info(&cur, &info, err);
}

static void pv_info_is_a_known_pair(void **state)
{
    (void)state;
    accepted(pv_info(8, 4, 0, &err));
    accepted(pv_info(4, 3, 0, &err));
    refused(pv_info(8, 3, 0, &err), XSR_E_FORMAT, 0, "width 8 with 3");
    refused(pv_info(4, 4, 0, &err), XSR_E_FORMAT, 0, "width 4 with 4");
    refused(pv_info(0, 0, 0, &err), XSR_E_FORMAT, 0, "width 0");
    for (size_t i = 2; i < 8; i++)
        refused(pv_info(8, 4, i, &err), XSR_E_FORMAT, i, "reserved");
}

static int frames(uint32_t first_pfn, uint32_t end, uint32_t n, bool first,
                  struct xsr_err *err)
{
    struct xsr_p2m_frames f;
    struct xsr_cur cur = cursor(mem, 8 + 8 * n);

    xsr_st_le32(mem, first_pfn);
    xsr_st_le32(mem + 4, end);
    return xsr_blob_get_p2m_frames(&cur, 8, first, &f, err);
}

static void p2m_frames_cover_their_range(void **state)
{
    struct xsr_p2m_frames f;
    struct xsr_cur cur;

    (void)state;
    memset(mem, 0, sizeof mem);
    accepted(frames(0, 511, 1, true, &err));
    accepted(frames(0, 512, 2, true, &err));
    accepted(frames(0, 0x7fff, 64, true, &err));
    accepted(frames(512, 1024, 2, false, &err));
    refused(frames(0, 512, 1, true, &err), XSR_E_FORMAT, 0, "2 frames");
    refused(frames(0, 512, 3, true, &err), XSR_E_FORMAT, 0, "length 32");
    refused(frames(0, 0xffffffff, 2, true, &err), XSR_E_FORMAT, 0,
            "8388608 frames");
    refused(frames(2, 1, 1, false, &err), XSR_E_FORMAT, 0, "above end");
    refused(frames(1, 511, 1, true, &err), XSR_E_FORMAT, 0, "start at 0");
    refused(frames(0, 0, 1, true, &err), XSR_E_FORMAT, 0, "end above 0");
    xsr_st_le64(mem + 16, 513);
    refused(frames(0, 512, 2, true, &err), XSR_E_FORMAT, 16, "0x201");
    xsr_st_le64(mem + 16, 512);
    accepted(frames(0, 512, 2, true, &err));
    /* a 32-bit guest has 1024 to the page */
    cur = cursor(mem, 16);
    xsr_st_le32(mem + 4, 1023);
    accepted(xsr_blob_get_p2m_frames(&cur, 4, true, &f, &err));
    assert_int_equal(f.n_frames, 1);
}

static int vcpu(uint32_t type, uint8_t width, uint32_t id, uint32_t len,
                struct xsr_err *err)
{
    struct xsr_vcpu_blob v;
    struct xsr_cur cur = cursor(mem, 8 + len);
    int rc;

    xsr_st_le32(mem, id);
    rc = xsr_blob_get_vcpu(&cur, type, width, &v, err);
    if (!rc) {
        assert_int_equal(v.vcpu_id, id);
        assert_int_equal(v.len, len);
        assert_true(v.blob == (len ? mem + 8 : NULL));
    }
    return rc;
}

static void vcpu_basic_fits_the_guest(void **state)
{
    const uint32_t t = XSR_XC3_X86_PV_VCPU_BASIC;

    (void)state;
    memset(mem, 0, sizeof mem);
    accepted(vcpu(t, 8, 0, 5168, &err));
    accepted(vcpu(t, 4, 8191, 2800, &err));
    accepted(vcpu(t, 8, 1, 0, &err));
    refused(vcpu(t, 8, 0, 2800, &err), XSR_E_FORMAT, 0, "2800 bytes");
    refused(vcpu(t, 4, 0, 5168, &err), XSR_E_FORMAT, 0, "32-bit");
    refused(vcpu(t, 8, 8192, 5168, &err), XSR_E_LIMIT, 0, "vCPU 8192");
    xsr_st_le64(mem + 8 + 4960, 7168);
    accepted(vcpu(t, 8, 0, 5168, &err));
    xsr_st_le64(mem + 8 + 4960, 7169);
    refused(vcpu(t, 8, 0, 5168, &err), XSR_E_FORMAT, 0, "7169 GDT");
    xsr_st_le64(mem + 8 + 4960, 1ull << 32);
    refused(vcpu(t, 8, 0, 5168, &err), XSR_E_FORMAT, 0, "GDT");
    mem[4] = 1;
    refused(vcpu(t, 8, 0, 5168, &err), XSR_E_FORMAT, 4, "reserved");
}

static void vcpu_extended_names_its_vcpu(void **state)
{
    const uint32_t t = XSR_XC3_X86_PV_VCPU_EXTENDED;

    (void)state;
    memset(mem, 0, sizeof mem);
    xsr_st_le32(mem + 8, 3);
    xsr_st_le32(mem + 12, 64);
    accepted(vcpu(t, 8, 3, 64, &err));
    accepted(vcpu(t, 8, 3, 128, &err));
    refused(vcpu(t, 8, 2, 64, &err), XSR_E_FORMAT, 0, "inner vCPU 3");
    refused(vcpu(t, 8, 3, 31, &err), XSR_E_FORMAT, 0, "31 bytes");
    refused(vcpu(t, 8, 3, 129, &err), XSR_E_FORMAT, 0, "129 bytes");
    refused(vcpu(t, 8, 3, 63, &err), XSR_E_FORMAT, 0, "inner size 64");
    xsr_st_le32(mem + 12, 31);
    refused(vcpu(t, 8, 3, 64, &err), XSR_E_FORMAT, 0, "inner size 31");
}

static void vcpu_xsave_is_standard_form(void **state)
{
    const uint32_t t = XSR_XC3_X86_PV_VCPU_XSAVE;

    (void)state;
    memset(mem, 0, sizeof mem);
    accepted(vcpu(t, 8, 0, 16, &err));
    refused(vcpu(t, 8, 0, 592, &err), XSR_E_FORMAT, 0, "xcr0_accum 0");
    mem[8] = 1; /* xcr0 */
    refused(vcpu(t, 8, 0, 16, &err), XSR_E_FORMAT, 0, "no state");
    mem[16] = 7; /* xcr0_accum */
    refused(vcpu(t, 8, 0, 16, &err), XSR_E_FORMAT, 0, "no state");
    accepted(vcpu(t, 8, 0, 592, &err));
    accepted(vcpu(t, 8, 0, 848, &err));
    refused(vcpu(t, 8, 0, 584, &err), XSR_E_FORMAT, 0, "584 bytes");
    refused(vcpu(t, 8, 0, 8, &err), XSR_E_FORMAT, 0, "8 bytes");
    refused(vcpu(t, 8, 0, 593, &err), XSR_E_FORMAT, 0, "multiple of 8");
    mem[8 + 16 + 512 + 15] = 0x80; /* xcomp_bv */
    refused(vcpu(t, 8, 0, 592, &err), XSR_E_FORMAT, 0, "compacted");
}

static void vcpu_msrs_are_distinct(void **state)
{
    const uint32_t t = XSR_XC3_X86_PV_VCPU_MSRS;

    (void)state;
    memset(mem, 0, sizeof mem);
    xsr_st_le32(mem + 8, 0xc0000103);
    xsr_st_le32(mem + 24, 0x48);
    accepted(vcpu(t, 8, 0, 32, &err));
    refused(vcpu(t, 8, 0, 17, &err), XSR_E_FORMAT, 0, "17 bytes");
    xsr_st_le32(mem + 24, 0xc0000103);
    refused(vcpu(t, 8, 0, 32, &err), XSR_E_FORMAT, 0, "0xc0000103 twice");
    xsr_st_le32(mem + 24, 0x48);
    xsr_st_le32(mem + 28, 1);
    refused(vcpu(t, 8, 0, 32, &err), XSR_E_FORMAT, 0, "reserved");
}

static int tsc(uint32_t mode, uint32_t reserved, struct xsr_err *err)
{
    struct xsr_tsc_info info;
    struct xsr_cur cur = cursor(mem, 24);

    memset(mem, 0, 24);
    xsr_st_le32(mem, mode);
    xsr_st_le32(mem + 4, 2600000);
    xsr_st_le64(mem + 8, 1ull << 40);
    xsr_st_le32(mem + 16, 5);
    xsr_st_le32(mem + 20, reserved);
    if (xsr_blob_get_tsc_info(&cur, &info, err))
        return -1;
    assert_int_equal(info.khz, 2600000);
    assert_true(info.nsec == 1ull << 40);
    assert_int_equal(info.incarnation, 5);
    return 0;
}

static void tsc_modes_are_those_of_xen(void **state)
{
    (void)state;
    for (uint32_t mode = 0; mode < 3; mode++)
        accepted(tsc(mode, 0, &err));
    refused(tsc(3, 0, &err), XSR_E_UNSUPPORTED, 0, "mode 3");
    refused(tsc(4, 0, &err), XSR_E_FORMAT, 0, "mode 4");
    refused(tsc(0, 1, &err), XSR_E_FORMAT, 20, "reserved");
}

static int params(uint32_t count, uint32_t len, uint64_t index,
                  struct xsr_err *err)
{
    struct xsr_hvm_param p[XSR_MAX_HVM_PARAMS];
    struct xsr_cur cur = cursor(mem, len);
    uint32_t n;

    memset(mem, 0, 8 + 16 * 65);
    xsr_st_le32(mem, count);
    for (uint32_t i = 0; i < 65; i++)
        xsr_st_le64(mem + 8 + 16 * i, i == 0   ? index == 0
                                      : i == 1 ? index
                                               : i + 2);
    return xsr_blob_get_hvm_params(&cur, p, &n, err);
}

static void hvm_params_are_known_to_xen(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < XSR_N_HVM_PARAM; i++) {
        bool obsolete = i == 13 || (i >= 20 && i <= 26) || i == 30;

        assert_int_equal(xsr_hvm_param_obsolete(i), obsolete);
        if (obsolete)
            refused(params(2, 40, i, &err), XSR_E_FORMAT, 24, "obsolete");
        else
            accepted(params(2, 40, i, &err));
    }
    assert_string_equal(xsr_hvm_param_name(17), "CONSOLE_PFN");
    assert_null(xsr_hvm_param_name(39));
    refused(params(2, 40, 39, &err), XSR_E_FORMAT, 24, "parameter 39");
    refused(params(2, 40, UINT64_MAX, &err), XSR_E_FORMAT, 24, "parameter");
    refused(params(3, 56, 4, &err), XSR_E_FORMAT, 40, "parameter 4 twice");
    accepted(params(0, 8, 0, &err));
    refused(params(1, 8, 0, &err), XSR_E_FORMAT, 0, "count 1");
    refused(params(1, 40, 0, &err), XSR_E_FORMAT, 0, "length 40");
    refused(params(0x10000001, 24, 0, &err), XSR_E_FORMAT, 0, "268435457");
    refused(params(65, 8 + 16 * 65, 0, &err), XSR_E_FORMAT, 0, "count 65");
}

static int policy(bool msr, uint32_t len, struct xsr_err *err)
{
    struct xsr_cur cur = cursor(mem, len);
    uint32_t n = 0;

    if (msr ? xsr_blob_check_msr_policy(&cur, &n, err)
            : xsr_blob_check_cpuid_policy(&cur, &n, err))
        return -1;
    assert_int_equal(n, len / (msr ? 16 : 24));
    return 0;
}

static void policies_are_whole_entries(void **state)
{
    (void)state;
    memset(mem, 0, sizeof mem);
    for (int msr = 0; msr < 2; msr++) {
        uint32_t entry = msr ? 16 : 24;
        uint32_t max = msr ? XSR_MAX_MSR_POLICY : XSR_MAX_CPUID_POLICY;

        accepted(policy(msr, entry, &err));
        accepted(policy(msr, max, &err));
        refused(policy(msr, 0, &err), XSR_E_FORMAT, 0, "length 0");
        refused(policy(msr, entry + 8, &err), XSR_E_FORMAT, 0, "multiple");
        refused(policy(msr, max + entry, &err), XSR_E_FORMAT, 0, "up to");
    }
    xsr_st_le32(mem + 16 + 4, 1);
    refused(policy(true, 32, &err), XSR_E_FORMAT, 20, "flags 0x1");
}

static void shared_info_is_one_page(void **state)
{
    const uint8_t *page;
    struct xsr_cur cur = cursor(mem, 4096);

    (void)state;
    accepted(xsr_blob_get_shared_info(&cur, &page, &err));
    assert_ptr_equal(page, mem);
    cur = cursor(mem, 4095);
    refused(xsr_blob_get_shared_info(&cur, &page, &err), XSR_E_FORMAT, 0,
            "SHARED_INFO");
    cur = cursor(mem, 4097);
    refused(xsr_blob_get_shared_info(&cur, &page, &err), XSR_E_FORMAT, 4096,
            "SHARED_INFO");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pv_info_is_a_known_pair),
        cmocka_unit_test(p2m_frames_cover_their_range),
        cmocka_unit_test(vcpu_basic_fits_the_guest),
        cmocka_unit_test(vcpu_extended_names_its_vcpu),
        cmocka_unit_test(vcpu_xsave_is_standard_form),
        cmocka_unit_test(vcpu_msrs_are_distinct),
        cmocka_unit_test(tsc_modes_are_those_of_xen),
        cmocka_unit_test(hvm_params_are_known_to_xen),
        cmocka_unit_test(policies_are_whole_entries),
        cmocka_unit_test(shared_info_is_one_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
