/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the layers around an image and calls out.c for what it meets:
 *
 *   xl or xend -> libxl -> image, emulator records, END
 *
 * A Remus stream repeats the part from the image's next pages to the emulator
 * records, and ends where its sender did.
 */
#include "convert/v2/inner.h"
#include "lib/util.h"
#include "stream/xl2_order.h"

#define XEND_SIG_LEN 16u

/* ---- the image ----------------------------------------------------------- */

static int begin_image(struct cv *cv, bool checkpointed, struct xsr_err *err)
{
    cv->image.flow = &cv->flow;
    cv->image.parts = &cv->p->parts;
    cv->image.version_out = cv->p->version;
    cv->image.checkpointed = checkpointed;
    return xsr_image_begin(&cv->image, err);
}

/* "libxl" says so in its header; other formats do not, but the image does. */
int in_learn_origin(struct cv *cv, struct xsr_err *err)
{
    size_t at = XSR_XC3_IHDR_LEN + 8;

    if (cv->have_libxl)
        return 0;
    if (xsr_flow_need(&cv->flow, at + 4, "the libxc headers", err))
        return -1;
    cv->libxl_options = xsr_le32(xsr_flow_p(&cv->flow) + at) ? 0 : 2;
    return 0;
}

int in_whole_image(struct cv *cv, struct xsr_err *err)
{
    if (begin_image(cv, false, err))
        return -1;
    return xsr_image_records(&cv->image, err);
}

/* ---- libxl --------------------------------------------------------------- */

/* Image or checkpoint part of it. */
static int libxl_image(struct cv *cv, struct xsr_xl2_order *order,
                       struct xsr_err *err)
{
    uint64_t at = cv->flow.in_at;

    if (xsr_image_records(&cv->image, err))
        return -1;
    if (cv->image.ended)
        return 0;
    if (!cv_to_libxl(cv)) {
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "the stream consists of checkpoints (Remus), which only libxl "
                 "streams can: restore it first and save the guest");
        return xsr_err_at(err, at);
    }
    xsr_xl2_order_checkpoint(order);
    return 0;
}

static int libxl_emulator(struct cv *cv, uint32_t len, struct xsr_err *err)
{
    struct xsr_xl2_emu emu;
    struct xsr_cur cur;

    if (xsr_flow_need(&cv->flow, XSR_XL2_EMU_HDR_LEN, "EMULATOR_CONTEXT", err))
        return -1;
    cur = xsr_flow_cur(&cv->flow, XSR_XL2_EMU_HDR_LEN);
    if (xsr_xl2_get_emu(&cur, &emu, err) ||
        xsr_flow_drop(&cv->flow, XSR_XL2_EMU_HDR_LEN, "sub-header", err))
        return -1;
    return out_emulator(cv, emu.id, len - XSR_XL2_EMU_HDR_LEN, err);
}

static int libxl_optional(struct cv *cv, const struct xsr_xl2_rec *rec,
                          struct xsr_err *err)
{
    if (!cv_to_libxl(cv)) {
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "libxl record 0x%x (optional, unknown) has no place in the "
                 "output",
                 rec->type);
        return xsr_err_at(err, cv->flow.in_at - XSR_XL2_REC_HDR_LEN);
    }
    if (out_xl2_rec(cv, rec->type, rec->len, err))
        return -1;
    return xsr_flow_keep(&cv->flow, (uint64_t)rec->len + xsr_xl2_pad(rec->len),
                         "an optional record", err);
}

static int drop_padding(struct cv *cv, uint32_t len, struct xsr_err *err)
{
    uint32_t pad = xsr_xl2_pad(len);
    struct xsr_cur cur;

    if (xsr_flow_need(&cv->flow, pad, "padding", err))
        return -1;
    cur = xsr_flow_cur(&cv->flow, pad);
    if (xsr_get_zero(&cur, pad, "libxl record padding", err))
        return -1;
    return xsr_flow_drop(&cv->flow, pad, "padding", err);
}

/* A checkpoint is whole; next come the image's records again, or nothing. */
static int after_checkpoint(struct cv *cv, struct xsr_xl2_order *order,
                            bool *done, struct xsr_err *err)
{
    size_t got;

    cv->have_emulator = cv->have_keys = false;
    if (out_xl2_rec(cv, XSR_XL2_CHECKPOINT_END, 0, err) ||
        xsr_flow_peek(&cv->flow, 1, &got, err))
        return -1;
    *done = cv->no_end = !got; /* such a stream ends when its sender does */
    if (*done)
        xsr_parts_note(&cv->p->parts,
                       "the stream of checkpoints ends without END, as they "
                       "do");
    return *done ? 0 : libxl_image(cv, order, err);
}

static int libxl_rec(struct cv *cv, struct xsr_xl2_order *order,
                     const struct xsr_xl2_rec *rec, bool *done,
                     struct xsr_err *err)
{
    switch (rec->type) {
    case XSR_XL2_LIBXC_CONTEXT:
        if (out_begin(cv, err) || begin_image(cv, true, err))
            return -1;
        return libxl_image(cv, order, err);
    case XSR_XL2_EMULATOR_XENSTORE_DATA:
        return out_keys(cv, rec->len, err) || drop_padding(cv, rec->len, err)
                   ? -1
                   : 0;
    case XSR_XL2_EMULATOR_CONTEXT:
        return libxl_emulator(cv, rec->len, err) ||
                       drop_padding(cv, rec->len, err)
                   ? -1
                   : 0;
    case XSR_XL2_CHECKPOINT_END:
        return after_checkpoint(cv, order, done, err);
    case XSR_XL2_END:
        *done = true;
        return 0;
    default:
        return libxl_optional(cv, rec, err);
    }
}

int in_libxl(struct cv *cv, struct xsr_err *err)
{
    struct xsr_flow *f = &cv->flow;
    struct xsr_xl2_order order;
    struct xsr_xl2_rec rec;
    struct xsr_xl2_hdr hdr;
    struct xsr_cur cur;
    bool done = false;

    if (xsr_flow_need(f, XSR_XL2_HDR_LEN, "the libxl header", err))
        return -1;
    cur = xsr_flow_cur(f, XSR_XL2_HDR_LEN);
    if (xsr_xl2_get_hdr(&cur, &hdr, err) ||
        xsr_flow_drop(f, XSR_XL2_HDR_LEN, "the libxl header", err))
        return -1;
    cv->libxl_options = hdr.options;
    cv->have_libxl = true;
    xsr_xl2_order_init(&order, XSR_XL2_ANY);
    while (!done) {
        if (xsr_flow_need(f, XSR_XL2_REC_HDR_LEN, "a libxl record", err))
            return -1;
        cur = xsr_flow_cur(f, XSR_XL2_REC_HDR_LEN);
        if (xsr_xl2_get_rec(&cur, &rec, err) ||
            xsr_xl2_order_next(&order, rec.type, f->in_at, err) ||
            xsr_flow_drop(f, XSR_XL2_REC_HDR_LEN, "a record header", err) ||
            libxl_rec(cv, &order, &rec, &done, err))
            return -1;
    }
    return 0;
}

/* ---- xl, xend ------------------------------------------------------------ */

int in_xl_header(struct cv *cv, struct xsr_err *err)
{
    struct xsr_cur cur;

    if (xsr_flow_need(&cv->flow, XSR_XLFILE_HDR_LEN, "the xl header", err))
        return -1;
    cur = xsr_flow_cur(&cv->flow, XSR_XLFILE_HDR_LEN);
    if (xsr_xlfile_get_hdr(&cur, &cv->xl, err) ||
        xsr_flow_drop(&cv->flow, XSR_XLFILE_HDR_LEN, "the xl header", err))
        return -1;
    cv->have_xl = true;
    if (cv->xl.optional_len > CV_MAX_CONFIG) {
        xsr_fail(err, XSR_E_LIMIT,
                 "xl header: found a configuration of %u bytes, converted are "
                 "up to %u",
                 cv->xl.optional_len, CV_MAX_CONFIG);
        return xsr_err_at(err, XSR_XLFILE_HDR_LEN - 4);
    }
    return xsr_flow_take(&cv->flow, cv->xl.optional_len, &cv->xl_data,
                         "the xl configuration", err);
}

/* xend: a signature, the length of an S-expression, the S-expression. */
int in_xend_header(struct cv *cv, struct xsr_err *err)
{
    struct xsr_cur cur;
    uint32_t len;

    if (xsr_flow_need(&cv->flow, XEND_SIG_LEN + 4, "xend's header", err))
        return -1;
    cur = xsr_flow_cur(&cv->flow, XEND_SIG_LEN + 4);
    cur.pos = XEND_SIG_LEN;
    if (xsr_get_be32(&cur, &len, "xend's configuration length", err))
        return -1;
    if (len > CV_MAX_CONFIG) {
        xsr_fail(err, XSR_E_LIMIT,
                 "xend's configuration: found length %u, allowed at most %u",
                 len, CV_MAX_CONFIG);
        return xsr_err_at(err, XEND_SIG_LEN);
    }
    if (xsr_flow_drop(&cv->flow, XEND_SIG_LEN + 4, "xend's header", err))
        return -1;
    if (!cv->p->parts.aside) {
        xsr_parts_note(&cv->p->parts, "xend's configuration was left out");
        return xsr_flow_drop(&cv->flow, len, "xend's configuration", err);
    }
    return xsr_parts_leave(&cv->p->parts, &cv->flow, XSR_PART_XEND_CONFIG, len,
                           "", err);
}
