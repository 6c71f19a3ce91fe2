/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libxc layer of the walk: image and domain header, then records until END
 * or, inside a checkpointed libxl stream, until the next CHECKPOINT. Comes
 * behind LIBXC_CONTEXT (inspect_walk.c) or at the first byte of a bare image.
 */
#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/hvmctx.h"
#include "tools/inspect/inspect.h"

int insp_tell(struct insp *w, struct insp_row *row, struct xsr_err *err)
{
    w->n_records += row->type < INSP_DOMAIN;
    return w->listener->on_row(w->ctx, w, row, err);
}

int insp_take(struct insp *w, uint64_t n, const char *what, struct xsr_cur *cur,
              struct xsr_err *err)
{
    uint64_t at = w->src->offset;

    xsr_buf_clear(&w->body);
    if (insp_src_take(w->src, &w->body, n, what, err))
        return -1;
    xsr_cur_init(cur, w->body.p, w->body.len, at);
    return 0;
}

int insp_take_padding(struct insp *w, uint32_t len, const char *what,
                      struct xsr_err *err)
{
    struct xsr_buf pad = XSR_BUF_INIT;
    struct xsr_cur cur;
    uint64_t at = w->src->offset;
    int rc = insp_src_take(w->src, &pad, xsr_xc3_pad(len), what, err);

    if (!rc) {
        xsr_cur_init(&cur, pad.p, pad.len, at);
        rc = xsr_get_zero(&cur, pad.len, "record padding", err);
    }
    xsr_buf_fini(&pad);
    return rc;
}

static int walk_image_headers(struct insp *w, struct xsr_err *err)
{
    struct insp_row row = {.layer = INSP_LIBXC,
                           .type = INSP_HEADER,
                           .name = "image header",
                           .len = XSR_XC3_IHDR_LEN,
                           .offset = w->src->offset};
    struct xsr_cur cur;

    if (insp_take(w, row.len, "the libxc image header", &cur, err) ||
        xsr_xc3_get_ihdr(&cur, &w->ihdr, err) || insp_tell(w, &row, err))
        return -1;
    row = (struct insp_row){.layer = INSP_LIBXC,
                            .type = INSP_DOMAIN,
                            .name = "domain header",
                            .len = XSR_XC3_DHDR_LEN,
                            .offset = w->src->offset};
    if (insp_take(w, row.len, "the libxc domain header", &cur, err) ||
        xsr_xc3_get_dhdr(&cur, &w->dhdr, err))
        return -1;
    if (w->guest.known &&
        (w->dhdr.guest == XSR_XC3_PV) != !strcmp(w->guest.type, "pv")) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc domain header: found a %s image, the configuration in "
                 "front of it is for a %s guest",
                 w->dhdr.guest == XSR_XC3_PV ? "PV" : "HVM or PVH",
                 insp_guest_type(w));
        return xsr_err_at(err, row.offset);
    }
    w->have_dhdr = true;
    return insp_tell(w, &row, err);
}

static int walk_pages(struct insp *w, struct insp_row *row, struct xsr_err *err)
{
    struct xsr_page_rules rules = {
        .guest = w->dhdr.guest,
        .max_pfn = w->dhdr.guest == XSR_XC3_PV ? w->max_pfn : XSR_MAX_PFN,
        .max_level = w->width == 4 ? 3 : 4,
    };
    static struct xsr_page_batch batch; /* 16 KiB */
    struct xsr_cur cur;
    uint64_t content;
    uint32_t count;

    if (insp_take(w, 8, "PAGE_DATA", &cur, err) ||
        xsr_pages_get_count(&cur, row->len, &count, err) ||
        insp_take(w, 8ull * count, "PAGE_DATA", &cur, err) ||
        xsr_pages_get_entries(&cur, row->len, count, &rules, &batch, err))
        return -1;
    content = w->src->offset;
    row->batch = &batch;
    w->n_pages += batch.n_data;
    if (w->listener->on_pages) {
        if (w->listener->on_pages(w->ctx, w, &batch, content, err))
            return -1;
    } else if (insp_src_skip(w->src, (uint64_t)batch.n_data * XSR_PAGE_SIZE,
                             "PAGE_DATA", err)) {
        return -1;
    }
    return insp_tell(w, row, err);
}

/* What struct insp keeps of a vCPU: a bit per record, and is there a state? */
#define HAS_STATE 0x80u

static uint8_t vcpu_bit(uint32_t type)
{
    if (type == XSR_XC3_X86_PV_VCPU_MSRS)
        return 1u << 3;
    return (uint8_t)(1u << (type - XSR_XC3_X86_PV_VCPU_BASIC));
}

static int judge_vcpu(struct insp *w, uint32_t type, struct xsr_cur *cur,
                      struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    struct xsr_vcpu_blob vcpu;
    uint8_t *has;

    if (xsr_blob_get_vcpu(cur, type, w->width, &vcpu, err))
        return -1;
    has = &w->vcpu[vcpu.vcpu_id];
    if (*has & vcpu_bit(type)) {
        xsr_fail(err, XSR_E_ORDER,
                 "libxc record %s: found a second one for vCPU %u, allowed one",
                 xsr_xc3_type_name(type), vcpu.vcpu_id);
        return xsr_err_at(err, at - XSR_XC3_REC_HDR_LEN);
    }
    *has |= vcpu_bit(type);
    if (type == XSR_XC3_X86_PV_VCPU_BASIC && vcpu.len)
        *has |= HAS_STATE;
    return 0;
}

/* At END and CHECKPOINT, which the order of records has let through. */
static int judge_state(struct insp *w, uint32_t type, uint64_t at, bool idle,
                       struct xsr_err *err)
{
    if (w->dhdr.guest == XSR_XC3_PV && !idle && !(w->vcpu[0] & HAS_STATE)) {
        xsr_fail(err, XSR_E_ORDER,
                 "libxc record %s: found before any state of vCPU 0 "
                 "(X86_PV_VCPU_BASIC), which must come first",
                 xsr_xc3_type_name(type));
        return xsr_err_at(err, at);
    }
    memset(w->vcpu, 0, sizeof w->vcpu);
    return 0;
}

static int judge_p2m(struct insp *w, struct xsr_cur *cur, struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur), fpp = XSR_PAGE_SIZE / w->width;
    struct xsr_p2m_frames frames;

    if (xsr_blob_get_p2m_frames(cur, w->width, !w->max_pfn, &frames, err))
        return -1;
    if (w->max_pfn && frames.start_pfn / fpp > w->max_pfn / fpp + 1) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record X86_PV_P2M_FRAMES: found start 0x%x, allowed up "
                 "to 0x%llx, behind the record before",
                 frames.start_pfn, (unsigned long long)w->max_pfn + 1);
        return xsr_err_at(err, at);
    }
    w->max_pfn = xsr_max(w->max_pfn, frames.end_pfn);
    return 0;
}

static int judge_static(struct insp *w, uint32_t type, struct xsr_cur *cur,
                        struct xsr_err *err)
{
    struct xsr_pv_info pv_info;
    uint32_t n;

    switch (type) {
    case XSR_XC3_X86_PV_INFO:
        if (xsr_blob_get_pv_info(cur, &pv_info, err))
            return -1;
        w->width = pv_info.guest_width;
        return 0;
    case XSR_XC3_X86_PV_P2M_FRAMES:
        return judge_p2m(w, cur, err);
    case XSR_XC3_X86_CPUID_POLICY:
        return xsr_blob_check_cpuid_policy(cur, &n, err);
    default:
        return xsr_blob_check_msr_policy(cur, &n, err);
    }
}

static int judge_body(struct insp *w, uint32_t type, struct xsr_cur *cur,
                      struct xsr_err *err)
{
    struct xsr_hvm_param params[XSR_MAX_HVM_PARAMS];
    struct xsr_tsc_info tsc;
    const uint8_t *page;
    uint32_t n;

    switch (type) {
    case XSR_XC3_X86_PV_INFO:
    case XSR_XC3_X86_PV_P2M_FRAMES:
    case XSR_XC3_X86_CPUID_POLICY:
    case XSR_XC3_X86_MSR_POLICY:
        return judge_static(w, type, cur, err);
    case XSR_XC3_X86_PV_VCPU_BASIC:
    case XSR_XC3_X86_PV_VCPU_EXTENDED:
    case XSR_XC3_X86_PV_VCPU_XSAVE:
    case XSR_XC3_X86_PV_VCPU_MSRS:
        return judge_vcpu(w, type, cur, err);
    case XSR_XC3_SHARED_INFO:
        return xsr_blob_get_shared_info(cur, &page, err);
    case XSR_XC3_X86_TSC_INFO:
        return xsr_blob_get_tsc_info(cur, &tsc, err);
    case XSR_XC3_HVM_CONTEXT:
        return xsr_hvmctx_check(cur, err);
    case XSR_XC3_HVM_PARAMS:
        return xsr_blob_get_hvm_params(cur, params, &n, err);
    default:
        return 0;
    }
}

static int walk_image_record(struct insp *w, struct xsr_xc3_order *order,
                             uint32_t *type_out, struct xsr_err *err)
{
    struct insp_row row = {.layer = INSP_LIBXC, .offset = w->src->offset};
    bool idle = !order->seen; /* nothing since the last CHECKPOINT */
    struct xsr_xc3_rec rec;
    struct xsr_cur cur;

    if (insp_take(w, XSR_XC3_REC_HDR_LEN, "a libxc record header", &cur, err) ||
        xsr_xc3_get_rec(&cur, w->ihdr.version, w->dhdr.guest, &rec, err))
        return -1;
    if (rec.type == XSR_XC3_CHECKPOINT && !xsr_xc3_order_verifying(order))
        w->checkpointed = order->checkpointed = true;
    if (xsr_xc3_order_next(order, rec.type, row.offset, err))
        return -1;
    if ((rec.type == XSR_XC3_END || rec.type == XSR_XC3_CHECKPOINT) &&
        judge_state(w, rec.type, row.offset, idle, err))
        return -1;
    w->verifying = xsr_xc3_order_verifying(order);
    row.type = *type_out = rec.type;
    row.len = rec.len;
    row.name = xsr_xc3_type_name(rec.type);
    if (rec.type == XSR_XC3_PAGE_DATA)
        return walk_pages(w, &row, err);
    if (rec.type & XSR_XC3_OPTIONAL) {
        if (insp_src_skip(w->src, rec.len, row.name, err))
            return -1;
    } else {
        if (insp_take(w, rec.len, row.name, &cur, err) ||
            judge_body(w, rec.type, &cur, err))
            return -1;
        row.body = w->body.p;
        row.body_len = w->body.len;
    }
    return insp_take_padding(w, rec.len, row.name, err) ||
                   insp_tell(w, &row, err)
               ? -1
               : 0;
}

/* Until END, or CHECKPOINT inside a libxl stream. */
int insp_walk_image(struct insp *w, struct xsr_xc3_order *order,
                    struct xsr_err *err)
{
    uint32_t type = XSR_XC3_END;

    do {
        const uint8_t *p;
        size_t got;

        if (insp_src_peek(w->src, 1, &p, &got, err))
            return -1;
        if (!got) {
            xsr_fail(err, XSR_E_EOF,
                     "libxc image: the input ends %s without an END record, "
                     "expected %s",
                     xsr_xc3_order_state_name(order),
                     xsr_xc3_order_expected(order));
            return xsr_err_at(err, w->src->offset);
        }
        if (walk_image_record(w, order, &type, err))
            return -1;
    } while (type != XSR_XC3_END &&
             (type != XSR_XC3_CHECKPOINT || w->format == INSP_LIBXC_IMAGE));
    return 0;
}

int insp_begin_image(struct insp *w, struct xsr_xc3_order *order,
                     struct xsr_err *err)
{
    if (walk_image_headers(w, err))
        return -1;
    xsr_xc3_order_init(order, w->ihdr.version, &w->dhdr, false);
    return insp_walk_image(w, order, err);
}
