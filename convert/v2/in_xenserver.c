/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads XenServer's suspend images: typed records in any order, one of them
 * the image, and calls out.c for what it meets. Read exactly, byte for byte,
 * until the image is known not to be a legacy one, which a child reads from
 * the same descriptor. What lies behind End_of_image is a disk's old content.
 */
#include "convert/v2/inner.h"
#include "stream/xapi/xapi.h"

/* From XenServer's format to itself: as it is, but for image and device state.
 */
static int same_rec(struct cv *cv, const struct xsr_xapi_hdr *hdr,
                    struct xsr_err *err)
{
    if (out_xapi_hdr(cv, hdr->type, hdr->len, err))
        return -1;
    return xsr_flow_keep(&cv->flow, hdr->len, xsr_xapi_type_name(hdr->type),
                         err);
}

static int xapi_qemu(struct cv *cv, uint32_t len, bool image_seen,
                     struct xsr_err *err)
{
    xsr_buf_clear(&cv->blob);
    cv->blob_id = CV_ID_UNKNOWN;
    if (xsr_flow_take(&cv->flow, len, &cv->blob, "Qemu_trad", err))
        return -1;
    cv->have_emulator = cv->blob_waits = true;
    return cv->same || (image_seen && cv_to_libxl(cv)) ? out_blob(cv, err) : 0;
}

static int xapi_image(struct cv *cv, uint32_t type, struct xsr_err *err)
{
    if (type == XSR_XAPI_LIBXC_LEGACY) {
        if (in_legacy(cv, err))
            return -1;
    } else {
        cv->flow.exact = false;
        if (in_learn_origin(cv, err) || out_begin(cv, err) ||
            in_whole_image(cv, err))
            return -1;
    }
    return cv->blob_waits && cv_to_libxl(cv) ? out_blob(cv, err) : 0;
}

static int xapi_rec(struct cv *cv, const struct xsr_xapi_hdr *hdr,
                    bool *image_seen, struct xsr_err *err)
{
    switch (hdr->type) {
    case XSR_XAPI_LIBXC:
    case XSR_XAPI_LIBXC_LEGACY:
        *image_seen = true;
        return xapi_image(cv, hdr->type, err);
    case XSR_XAPI_QEMU:
        return xapi_qemu(cv, hdr->len, *image_seen, err);
    case XSR_XAPI_DEMU:
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "XenServer record Demu (a virtual GPU): nobody but its writer "
                 "knows where it ends, and only XenServer can restore it");
        return xsr_err_at(err, cv->flow.in_at - XSR_XAPI_HDR_LEN);
    case XSR_XAPI_END:
        return 0;
    default:
        return cv->same ? same_rec(cv, hdr, err)
                        : out_xapi(cv, hdr->type, hdr->len, err);
    }
}

static int xapi_signature(struct cv *cv, struct xsr_err *err)
{
    struct xsr_cur cur = xsr_flow_cur(&cv->flow, XSR_XAPI_SIG_LEN);

    if (xsr_xapi_get_sig(&cur, err))
        return -1;
    return cv->same
               ? xsr_flow_keep(&cv->flow, XSR_XAPI_SIG_LEN, "signature", err)
               : xsr_flow_drop(&cv->flow, XSR_XAPI_SIG_LEN, "signature", err);
}

int in_xenserver(struct cv *cv, struct xsr_err *err)
{
    struct xsr_xapi_order order = {0};
    struct xsr_xapi_hdr hdr;
    bool image_seen = false;
    struct xsr_cur cur;

    if (xapi_signature(cv, err))
        return -1;
    while (!xsr_xapi_order_done(&order)) {
        if (xsr_flow_need(&cv->flow, XSR_XAPI_HDR_LEN, "a XenServer record",
                          err))
            return -1;
        cur = xsr_flow_cur(&cv->flow, XSR_XAPI_HDR_LEN);
        if (xsr_xapi_get_hdr(&cur, &hdr, err) ||
            xsr_xapi_order_next(&order, hdr.type, cv->flow.in_at, err) ||
            xsr_flow_drop(&cv->flow, XSR_XAPI_HDR_LEN, "a header", err) ||
            xapi_rec(cv, &hdr, &image_seen, err))
            return -1;
    }
    return out_end(cv, err);
}
