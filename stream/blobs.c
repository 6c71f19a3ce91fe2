/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The small libxc records, field by field. A cursor holds exactly one body;
 * its frame was judged by xc3, its moment by xc3_order. What can only be known
 * at the end of the image (page types behind cr3, gdt_frames, start_info) is
 * judged by whoever has the whole image.
 */
#include "stream/blobs.h"

#include "lib/util.h"
#include "stream/limits.h"
#include "stream/xc3.h"

#define VCPU_EXT_MIN 32u
#define VCPU_EXT_MAX 128u
#define XSAVE_HEAD   16u /* xcr0, xcr0_accum */
#define XSAVE_MIN    (XSAVE_HEAD + 576u)
#define XCOMP_BV_AT  (XSAVE_HEAD + 512u + 8u)
#define VCPU_MSR_LEN 16u
#define GDT_ENTS_MAX 7168u

int xsr_blob_get_pv_info(struct xsr_cur *cur, struct xsr_pv_info *out,
                         struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);

    if (xsr_get_u8(cur, &out->guest_width, "X86_PV_INFO width", err) ||
        xsr_get_u8(cur, &out->pt_levels, "X86_PV_INFO levels", err) ||
        xsr_get_zero(cur, 6, "libxc record X86_PV_INFO: reserved field", err) ||
        xsr_cur_end(cur, "libxc record X86_PV_INFO", err))
        return -1;
    if ((out->guest_width == 8 && out->pt_levels == 4) ||
        (out->guest_width == 4 && out->pt_levels == 3))
        return 0;
    xsr_fail(err, XSR_E_FORMAT,
             "libxc record X86_PV_INFO: found width %u with %u page table "
             "levels, allowed 8 with 4, or 4 with 3",
             out->guest_width, out->pt_levels);
    return xsr_err_at(err, at);
}

static int check_p2m_range(const struct xsr_p2m_frames *f, bool first,
                           struct xsr_err *err)
{
    if (f->start_pfn > f->end_pfn)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_P2M_FRAMES: found start 0x%x "
                        "above end 0x%x",
                        f->start_pfn, f->end_pfn);
    if (first && (f->start_pfn || !f->end_pfn))
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_P2M_FRAMES: found range 0x%x to "
                        "0x%x, the first one must start at 0 and end above 0",
                        f->start_pfn, f->end_pfn);
    return 0;
}

int xsr_blob_get_p2m_frames(struct xsr_cur *cur, uint8_t width, bool first,
                            struct xsr_p2m_frames *out, struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur), want;
    uint32_t fpp = XSR_PAGE_SIZE / width;

    if (xsr_get_u32(cur, &out->start_pfn, "X86_PV_P2M_FRAMES start", err) ||
        xsr_get_u32(cur, &out->end_pfn, "X86_PV_P2M_FRAMES end", err))
        return -1;
    if (check_p2m_range(out, first, err))
        return xsr_err_at(err, at);
    want = (uint64_t)out->end_pfn / fpp + 1 - out->start_pfn / fpp;
    if (xsr_cur_left(cur) != 8 * want) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record X86_PV_P2M_FRAMES: found length %zu, allowed "
                 "%llu (%llu frames for pfn 0x%x to 0x%x)",
                 cur->len, (unsigned long long)(8 + 8 * want),
                 (unsigned long long)want, out->start_pfn, out->end_pfn);
        return xsr_err_at(err, at);
    }
    out->n_frames = (uint32_t)want;
    if (xsr_get_view(cur, (size_t)(8 * want), &out->frames,
                     "X86_PV_P2M_FRAMES frames", err))
        return -1;
    for (uint32_t i = 0; i < out->n_frames; i++) {
        uint64_t pfn = xsr_le64(out->frames + 8 * (size_t)i);

        if (pfn <= out->end_pfn)
            continue;
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record X86_PV_P2M_FRAMES: found frame %u at pfn "
                 "0x%llx, allowed up to 0x%x",
                 i, (unsigned long long)pfn, out->end_pfn);
        return xsr_err_at(err, at + 8 + 8ull * i);
    }
    return 0;
}

static int check_vcpu_basic(const struct xsr_vcpu_blob *v, uint8_t width,
                            struct xsr_err *err)
{
    uint32_t want = width == 4 ? XSR_VCPU32_LEN : XSR_VCPU64_LEN, gdt_ents;

    if (v->len != want)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_VCPU_BASIC: found %zu bytes of "
                        "context for vCPU %u, allowed %u for a %s guest",
                        v->len, v->vcpu_id, want,
                        width == 4 ? "32-bit" : "64-bit");
    gdt_ents = width == 4
                   ? xsr_le32(v->blob + 2704)
                   : (uint32_t)xsr_min(xsr_le64(v->blob + 4960), UINT32_MAX);
    if (gdt_ents > GDT_ENTS_MAX)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_VCPU_BASIC: found %u GDT entries "
                        "for vCPU %u, allowed at most %u",
                        gdt_ents, v->vcpu_id, GDT_ENTS_MAX);
    return 0;
}

static int check_vcpu_extended(const struct xsr_vcpu_blob *v,
                               struct xsr_err *err)
{
    uint32_t inner_vcpu, inner_size;

    if (v->len < VCPU_EXT_MIN || v->len > VCPU_EXT_MAX)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_VCPU_EXTENDED: found %zu bytes "
                        "of context, allowed %u to %u",
                        v->len, VCPU_EXT_MIN, VCPU_EXT_MAX);
    inner_vcpu = xsr_le32(v->blob);
    inner_size = xsr_le32(v->blob + 4);
    if (inner_vcpu != v->vcpu_id)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_VCPU_EXTENDED: found inner vCPU "
                        "%u, allowed %u as in the record's header",
                        inner_vcpu, v->vcpu_id);
    if (inner_size < VCPU_EXT_MIN || inner_size > v->len)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_VCPU_EXTENDED: found inner size "
                        "%u, allowed %u to %zu",
                        inner_size, VCPU_EXT_MIN, v->len);
    return 0;
}

static int check_vcpu_xsave(const struct xsr_vcpu_blob *v, struct xsr_err *err)
{
    uint64_t accum;

    if (v->len != XSAVE_HEAD && (v->len < XSAVE_MIN || v->len % 8))
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_VCPU_XSAVE: found %zu bytes of "
                        "state, allowed %u, or at least %u and a multiple of "
                        "8",
                        v->len, XSAVE_HEAD, XSAVE_MIN);
    accum = xsr_le64(v->blob + 8);
    if (v->len == XSAVE_HEAD && (accum || xsr_le64(v->blob)))
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_VCPU_XSAVE: found features but "
                        "no state, allowed only xcr0 = xcr0_accum = 0");
    if (v->len == XSAVE_HEAD)
        return 0;
    if (!accum)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_VCPU_XSAVE: found state with "
                        "xcr0_accum 0, it must name the features");
    if (xsr_le64(v->blob + XCOMP_BV_AT) >> 63)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_VCPU_XSAVE: found the compacted "
                        "form, allowed the standard form only");
    return 0;
}

static int check_vcpu_msrs(const struct xsr_vcpu_blob *v, struct xsr_err *err)
{
    if (v->len % VCPU_MSR_LEN)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record X86_PV_VCPU_MSRS: found %zu bytes, "
                        "allowed a multiple of %u",
                        v->len, VCPU_MSR_LEN);
    for (size_t i = 0; i < v->len; i += VCPU_MSR_LEN) {
        uint32_t msr = xsr_le32(v->blob + i);

        if (xsr_le32(v->blob + i + 4))
            return xsr_fail(err, XSR_E_FORMAT,
                            "libxc record X86_PV_VCPU_MSRS: found 0x%x in the "
                            "reserved field of MSR 0x%x, allowed 0",
                            xsr_le32(v->blob + i + 4), msr);
        for (size_t j = 0; j < i; j += VCPU_MSR_LEN)
            if (xsr_le32(v->blob + j) == msr)
                return xsr_fail(err, XSR_E_FORMAT,
                                "libxc record X86_PV_VCPU_MSRS: found MSR "
                                "0x%x twice",
                                msr);
    }
    return 0;
}

int xsr_blob_get_vcpu(struct xsr_cur *cur, uint32_t type, uint8_t width,
                      struct xsr_vcpu_blob *out, struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    int rc = 0;

    if (xsr_get_u32(cur, &out->vcpu_id, "vCPU id", err) ||
        xsr_get_zero(cur, 4, "libxc vCPU record: reserved field", err))
        return -1;
    if (out->vcpu_id > XSR_MAX_VCPU_ID) {
        xsr_fail(err, XSR_E_LIMIT,
                 "libxc record %s: found vCPU %u, allowed up to %u",
                 xsr_xc3_type_name(type), out->vcpu_id, XSR_MAX_VCPU_ID);
        return xsr_err_at(err, at);
    }
    out->len = xsr_cur_left(cur);
    out->blob = NULL;
    if (!out->len)
        return 0;
    if (xsr_get_view(cur, out->len, &out->blob, "vCPU state", err))
        return -1;
    if (type == XSR_XC3_X86_PV_VCPU_BASIC)
        rc = check_vcpu_basic(out, width, err);
    else if (type == XSR_XC3_X86_PV_VCPU_EXTENDED)
        rc = check_vcpu_extended(out, err);
    else if (type == XSR_XC3_X86_PV_VCPU_XSAVE)
        rc = check_vcpu_xsave(out, err);
    else
        rc = check_vcpu_msrs(out, err);
    return rc ? xsr_err_at(err, at) : 0;
}

int xsr_blob_get_shared_info(struct xsr_cur *cur, const uint8_t **page_out,
                             struct xsr_err *err)
{
    if (xsr_get_view(cur, XSR_PAGE_SIZE, page_out, "SHARED_INFO page", err))
        return -1;
    return xsr_cur_end(cur, "libxc record SHARED_INFO", err);
}

int xsr_blob_get_tsc_info(struct xsr_cur *cur, struct xsr_tsc_info *out,
                          struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);

    if (xsr_get_u32(cur, &out->mode, "X86_TSC_INFO mode", err) ||
        xsr_get_u32(cur, &out->khz, "X86_TSC_INFO khz", err) ||
        xsr_get_u64(cur, &out->nsec, "X86_TSC_INFO nsec", err) ||
        xsr_get_u32(cur, &out->incarnation, "X86_TSC_INFO incarnation", err) ||
        xsr_get_zero(cur, 4, "libxc record X86_TSC_INFO: reserved field",
                     err) ||
        xsr_cur_end(cur, "libxc record X86_TSC_INFO", err))
        return -1;
    if (out->mode <= 2)
        return 0;
    xsr_fail(err, out->mode == 3 ? XSR_E_UNSUPPORTED : XSR_E_FORMAT,
             "libxc record X86_TSC_INFO: found mode %u%s, allowed 0 to 2",
             out->mode, out->mode == 3 ? " (PVRDTSCP, which Xen dropped)" : "");
    return xsr_err_at(err, at);
}
