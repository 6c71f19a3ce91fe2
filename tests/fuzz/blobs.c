/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: the bodies of the small libxc records. Input: record type, a
 * byte (bit 0: 32-bit guest, bit 1: not the first P2M_FRAMES), then the body.
 * Values that pass are put together again, by hand, and must be the same bytes.
 */
#include <stdlib.h>

#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/limits.h"
#include "stream/xc3.h"
#include "tests/fuzz/support/fuzz.h"

/* A second writer of the fixed records: what was read, at its place. */
static void same(const uint8_t *want, size_t want_len, const uint8_t *body,
                 size_t len)
{
    need(len == want_len, "%zu bytes pass, %zu are read", len, want_len);
    need(!memcmp(want, body, len), "values and bytes differ");
}

static int try_pv_info(struct xsr_cur *cur, struct xsr_err *err)
{
    struct xsr_pv_info info;
    uint8_t raw[8] = {0};

    if (xsr_blob_get_pv_info(cur, &info, err))
        return -1;
    need((info.guest_width == 8 && info.pt_levels == 4) ||
             (info.guest_width == 4 && info.pt_levels == 3),
         "width %u, levels %u", info.guest_width, info.pt_levels);
    raw[0] = info.guest_width;
    raw[1] = info.pt_levels;
    same(raw, 8, cur->p, cur->len);
    return 0;
}

static int try_tsc(struct xsr_cur *cur, struct xsr_err *err)
{
    struct xsr_tsc_info tsc;
    uint8_t raw[24] = {0};

    if (xsr_blob_get_tsc_info(cur, &tsc, err))
        return -1;
    need(tsc.mode <= 2, "mode %u", tsc.mode);
    xsr_st_le32(raw, tsc.mode);
    xsr_st_le32(raw + 4, tsc.khz);
    xsr_st_le64(raw + 8, tsc.nsec);
    xsr_st_le32(raw + 16, tsc.incarnation);
    same(raw, 24, cur->p, cur->len);
    return 0;
}

static int try_p2m(struct xsr_cur *cur, uint8_t width, bool first,
                   struct xsr_err *err)
{
    uint32_t per_frame = 4096u / width;
    struct xsr_p2m_frames f;

    if (xsr_blob_get_p2m_frames(cur, width, first, &f, err))
        return -1;
    need(f.start_pfn <= f.end_pfn && (!first || (!f.start_pfn && f.end_pfn)),
         "pfn 0x%x to 0x%x", f.start_pfn, f.end_pfn);
    need(f.n_frames == f.end_pfn / per_frame - f.start_pfn / per_frame + 1 &&
             cur->len == 8 + 8 * (size_t)f.n_frames && f.frames == cur->p + 8,
         "%u frames in %zu bytes", f.n_frames, cur->len);
    for (uint32_t i = 0; i < f.n_frames; i++)
        need(xsr_le64(f.frames + 8 * (size_t)i) <= f.end_pfn, "frame %u", i);
    return 0;
}

static int try_vcpu(struct xsr_cur *cur, uint32_t type, uint8_t width,
                    struct xsr_err *err)
{
    struct xsr_vcpu_blob v;

    if (xsr_blob_get_vcpu(cur, type, width, &v, err))
        return -1;
    need(v.vcpu_id <= XSR_MAX_VCPU_ID && xsr_le32(cur->p) == v.vcpu_id &&
             !xsr_le32(cur->p + 4),
         "vCPU %u", v.vcpu_id);
    need(v.len + 8 == cur->len && v.blob == (v.len ? cur->p + 8 : NULL),
         "%zu bytes of state in %zu", v.len, cur->len);
    if (v.len && type == XSR_XC3_X86_PV_VCPU_BASIC)
        need(v.len == (width == 4 ? XSR_VCPU32_LEN : XSR_VCPU64_LEN), "%zu",
             v.len);
    if (v.len && type == XSR_XC3_X86_PV_VCPU_EXTENDED)
        need(v.len <= 128 && xsr_le32(v.blob) == v.vcpu_id, "%zu", v.len);
    if (type == XSR_XC3_X86_PV_VCPU_MSRS)
        need(v.len % 16 == 0, "%zu", v.len);
    return 0;
}

static int try_params(struct xsr_cur *cur, struct xsr_err *err)
{
    struct xsr_hvm_param params[XSR_MAX_HVM_PARAMS];
    uint8_t raw[8 + 16 * XSR_MAX_HVM_PARAMS] = {0};
    uint32_t n;

    if (xsr_blob_get_hvm_params(cur, params, &n, err))
        return -1;
    need(n <= XSR_MAX_HVM_PARAMS, "%u parameters", n);
    xsr_st_le32(raw, n);
    for (uint32_t i = 0; i < n; i++) {
        need(params[i].index < XSR_N_HVM_PARAM &&
                 !xsr_hvm_param_obsolete(params[i].index),
             "parameter %llu", (unsigned long long)params[i].index);
        for (uint32_t k = 0; k < i; k++)
            need(params[i].index != params[k].index, "a parameter twice");
        xsr_st_le64(raw + 8 + 16 * i, params[i].index);
        xsr_st_le64(raw + 16 + 16 * i, params[i].value);
    }
    same(raw, 8 + 16 * (size_t)n, cur->p, cur->len);
    return 0;
}

static int try_policy(struct xsr_cur *cur, uint32_t type, struct xsr_err *err)
{
    size_t each =
        type == XSR_XC3_X86_MSR_POLICY ? XSR_MSR_ENTRY_LEN : XSR_CPUID_LEAF_LEN;
    uint32_t n;
    int rc;

    if (type == XSR_XC3_X86_MSR_POLICY)
        rc = xsr_blob_check_msr_policy(cur, &n, err);
    else
        rc = xsr_blob_check_cpuid_policy(cur, &n, err);
    if (rc)
        return -1;
    need(n && n * each == cur->len, "%u entries in %zu bytes", n, cur->len);
    for (uint32_t i = 0; type == XSR_XC3_X86_MSR_POLICY && i < n; i++)
        need(!xsr_le32(cur->p + i * each + 4), "flags of entry %u", i);
    return 0;
}

static int try_body(struct xsr_cur *cur, uint32_t type, uint8_t how,
                    struct xsr_err *err)
{
    uint8_t width = how & 1 ? 4 : 8;
    const uint8_t *page;

    switch (type) {
    case XSR_XC3_X86_PV_INFO:
        return try_pv_info(cur, err);
    case XSR_XC3_X86_PV_P2M_FRAMES:
        return try_p2m(cur, width, !(how & 2), err);
    case XSR_XC3_X86_PV_VCPU_BASIC:
    case XSR_XC3_X86_PV_VCPU_EXTENDED:
    case XSR_XC3_X86_PV_VCPU_XSAVE:
    case XSR_XC3_X86_PV_VCPU_MSRS:
        return try_vcpu(cur, type, width, err);
    case XSR_XC3_SHARED_INFO:
        if (xsr_blob_get_shared_info(cur, &page, err))
            return -1;
        need(cur->len == XSR_PAGE_SIZE && page == cur->p, "%zu", cur->len);
        return 0;
    case XSR_XC3_X86_TSC_INFO:
        return try_tsc(cur, err);
    case XSR_XC3_HVM_PARAMS:
        return try_params(cur, err);
    case XSR_XC3_X86_CPUID_POLICY:
    case XSR_XC3_X86_MSR_POLICY:
        return try_policy(cur, type, err);
    default:
        return 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct xsr_err err = XSR_ERR_INIT;
    uint32_t type = fuzz_u8(&in);
    uint8_t how = fuzz_u8(&in);
    uint8_t *body = fuzz_copy(in.p, in.len);
    struct xsr_cur cur;

    xsr_cur_init(&cur, body, in.len, FUZZ_BASE);
    if (try_body(&cur, type, how, &err))
        fuzz_refused(&err, FUZZ_BASE, in.len);
    fuzz_cursor(&cur, 0);
    free(body);
    return 0;
}
