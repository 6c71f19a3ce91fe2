/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The blocks between a PV guest's marker and its p2m frame list. They tell how
 * wide the guest is and what the tail has for each vCPU. The context in the
 * first block is of no use: the tail has the real one.
 */
#include "stream/legacy/legacy.h"

static int take_vcpu(uint32_t len, struct xsr_lg_ext *out, struct xsr_err *err)
{
    if (out->vcpu_len)
        return xsr_fail(err, XSR_E_FORMAT,
                        "extended info: found a second \"vcpu\" block, "
                        "allowed one");
    if (len != XSR_VCPU64_LEN && len != XSR_VCPU32_LEN)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "extended info: found a \"vcpu\" block of %u bytes, "
                        "allowed %u (64-bit guest) and %u (32-bit)",
                        len, XSR_VCPU64_LEN, XSR_VCPU32_LEN);
    out->vcpu_len = len;
    out->guest_width = len == XSR_VCPU64_LEN ? 8 : 4;
    out->pt_levels = len == XSR_VCPU64_LEN ? 4 : 3;
    return 0;
}

static int take_block(const uint8_t *id, const uint8_t *body, uint32_t len,
                      struct xsr_lg_ext *out, struct xsr_err *err)
{
    if (!memcmp(id, "vcpu", 4))
        return take_vcpu(len, out, err);
    if (!memcmp(id, "extv", 4)) {
        out->extended = true;
    } else if (!memcmp(id, "xcnt", 4)) {
        if (len < 4)
            return xsr_fail(err, XSR_E_FORMAT,
                            "extended info: found an \"xcnt\" block of %u "
                            "bytes, allowed 4",
                            len);
        /* vCPU 0's size; others may differ, and have their own in the tail */
        out->xsave = xsr_le32(body) != 0;
    } else {
        out->n_unknown++;
    }
    return 0;
}

static int get_block(struct xsr_cur *cur, struct xsr_lg_ext *out,
                     struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    const uint8_t *id, *body;
    uint32_t len;

    if (xsr_get_view(cur, 4, &id, "id of an extended info block", err) ||
        xsr_get_u32(cur, &len, "length of an extended info block", err))
        return -1;
    if (len > xsr_cur_left(cur)) {
        char shown[24];

        xsr_fail(err, XSR_E_FORMAT,
                 "extended info: found length %u of block \"%s\", allowed at "
                 "most %zu (what is left of it)",
                 len, xsr_err_quote(id, 4, shown, sizeof shown),
                 xsr_cur_left(cur));
        return xsr_err_at(err, at);
    }
    if (xsr_get_view(cur, len, &body, "extended info block", err))
        return -1;
    return take_block(id, body, len, out, err) ? xsr_err_at(err, at) : 0;
}

int xsr_lg_get_ext(struct xsr_cur *cur, struct xsr_lg_ext *out,
                   struct xsr_err *err)
{
    uint64_t start = xsr_cur_offset(cur);

    memset(out, 0, sizeof *out);
    while (xsr_cur_left(cur))
        if (get_block(cur, out, err))
            return -1;
    if (out->vcpu_len)
        return 0;
    xsr_fail(err, XSR_E_UNSUPPORTED,
             "extended info: found no \"vcpu\" block, which tells how wide "
             "the guest is (Xen 3.1 and later write one)");
    return xsr_err_at(err, start);
}
