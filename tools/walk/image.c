/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libxc layer of the walk: image and domain header, then records until END
 * or, inside a checkpointed libxl stream, until the next CHECKPOINT. Comes
 * behind LIBXC_CONTEXT (walk.c) or at the first byte of a bare image.
 */
#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/hvmctx.h"
#include "tools/walk/parts.h"

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

bool insp_forgive(struct insp *w, struct insp_row *row, struct xsr_err *err)
{
    if (!w->salvage ||
        (err->kind != XSR_E_FORMAT && err->kind != XSR_E_ORDER &&
         err->kind != XSR_E_LIMIT && err->kind != XSR_E_UNSUPPORTED))
        return false;
    if (row->bad.kind == XSR_E_OK) {
        row->bad = *err;
        w->n_damaged++;
    }
    if (w->damage.kind == XSR_E_OK)
        w->damage = *err;
    xsr_err_clear(err);
    return true;
}

int insp_skip_to(struct insp *w, uint64_t end, const char *what,
                 struct xsr_err *err)
{
    uint64_t now = w->src->offset;

    return now < end ? insp_src_skip(w->src, end - now, what, err) : 0;
}

static int walk_image_headers(struct insp *w, struct xsr_err *err)
{
    struct insp_row row = {.layer = INSP_LIBXC,
                           .type = INSP_HEADER,
                           .name = "image header",
                           .len = XSR_XC3_IHDR_LEN,
                           .offset = w->src->offset};
    struct xsr_cur cur;

    w->image_at = row.offset;
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
        xsr_err_at(err, row.offset);
        if (!insp_forgive(w, &row, err))
            return -1;
    }
    w->have_dhdr = true;
    return insp_tell(w, &row, err);
}

struct xsr_page_rules insp_page_rules(const struct insp *w)
{
    return (struct xsr_page_rules){
        .guest = w->dhdr.guest,
        .max_pfn = w->dhdr.guest == XSR_XC3_PV && (w->max_pfn || !w->salvage)
                       ? w->max_pfn
                       : XSR_MAX_PFN,
        .max_level = w->width == 4 ? 3 : 4,
    };
}

/* Do these entries, good or not, have as many contents as the record has room?
 */
static bool room_is_right(const struct insp *w, uint32_t len, uint32_t count)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < count; i++)
        n += xsr_page_has_data((uint8_t)(xsr_le64(w->body.p + 8ull * i) >> 60));
    return len == 8 + 8ull * count + n * XSR_PAGE_SIZE;
}

static int walk_pages(struct insp *w, struct insp_row *row, bool *adrift,
                      struct xsr_err *err)
{
    const struct xsr_page_rules rules = insp_page_rules(w);
    static struct xsr_page_batch batch; /* 16 KiB */
    struct xsr_cur cur;
    uint64_t content;
    uint32_t count;

    *adrift = true;
    if (insp_take(w, 8, "PAGE_DATA", &cur, err) ||
        xsr_pages_get_count(&cur, row->len, &count, err) ||
        insp_take(w, 8ull * count, "PAGE_DATA", &cur, err))
        return -1;
    *adrift = !room_is_right(w, row->len, count);
    if (xsr_pages_get_entries(&cur, row->len, count, &rules, &batch, err))
        return -1;
    content = w->src->offset;
    row->batch = &batch;
    row->body = w->body.p;
    row->body_len = w->body.len;
    row->body_at = content - w->body.len;
    w->n_pages += batch.n_data;
    if (w->listener->on_pages) {
        if (w->listener->on_pages(w->ctx, w, &batch, content, err))
            return -1;
    } else if (insp_src_skip(w->src, (uint64_t)batch.n_data * XSR_PAGE_SIZE,
                             "PAGE_DATA", err)) {
        return -1;
    }
    return 0;
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

/* What a damaged X86_PV_INFO in front leaves without a meaning. */
static int need_width(const struct insp *w, uint32_t type,
                      const struct xsr_cur *cur, struct xsr_err *err)
{
    bool needs = type == XSR_XC3_X86_PV_P2M_FRAMES ||
                 type == XSR_XC3_SHARED_INFO ||
                 (type >= XSR_XC3_X86_PV_VCPU_BASIC &&
                  type <= XSR_XC3_X86_PV_VCPU_XSAVE);

    if (!needs || w->width)
        return 0;
    xsr_fail(err, XSR_E_ORDER,
             "libxc record %s: its meaning depends on X86_PV_INFO, of which "
             "there is no good one in front",
             xsr_xc3_type_name(type));
    return xsr_err_at(err, xsr_cur_offset(cur) - XSR_XC3_REC_HDR_LEN);
}

static int judge_body(struct insp *w, uint32_t type, struct xsr_cur *cur,
                      struct xsr_err *err)
{
    struct xsr_hvm_param params[XSR_MAX_HVM_PARAMS];
    struct xsr_tsc_info tsc;
    const uint8_t *page;
    uint32_t n;

    if (need_width(w, type, cur, err))
        return -1;
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

static int walk_image_body(struct insp *w, struct insp_row *row, bool *adrift,
                           struct xsr_err *err)
{
    struct xsr_cur cur;

    if (row->type == XSR_XC3_PAGE_DATA)
        return walk_pages(w, row, adrift, err);
    row->body_at = w->src->offset;
    if (row->type & XSR_XC3_OPTIONAL) {
        uint64_t kept = xsr_min(row->len, w->keep);

        if (insp_take(w, kept, row->name, &cur, err) ||
            insp_src_skip(w->src, row->len - kept, row->name, err))
            return -1;
        row->body = w->body.p;
        row->body_len = w->body.len;
    } else {
        if (insp_take(w, row->len, row->name, &cur, err))
            return -1;
        row->body = w->body.p;
        row->body_len = w->body.len;
        if (judge_body(w, row->type, &cur, err))
            return -1;
    }
    return insp_take_padding(w, row->len, row->name, err);
}

/* Salvage: a frame that is refused tells nothing about where the next one is.
 */
static int take_frame(struct insp *w, struct insp_row *row, struct xsr_err *err)
{
    struct xsr_xc3_rec rec;
    struct xsr_cur cur;

    if (insp_take(w, XSR_XC3_REC_HDR_LEN, "a libxc record header", &cur, err))
        return -1;
    row->type = xsr_le32(w->body.p);
    row->len = xsr_le32(w->body.p + 4);
    row->name = xsr_xc3_type_name(row->type);
    if (!xsr_xc3_get_rec(&cur, w->ihdr.version, w->dhdr.guest, &rec, err))
        return 0;
    return insp_forgive(w, row, err) ? 0 : -1;
}

static int judge_order(struct insp *w, struct xsr_xc3_order *order,
                       const struct insp_row *row, struct xsr_err *err)
{
    bool idle = !order->seen; /* nothing since the last CHECKPOINT */

    if (row->type == XSR_XC3_CHECKPOINT && !xsr_xc3_order_verifying(order))
        w->checkpointed = order->checkpointed = true;
    if (xsr_xc3_order_next(order, row->type, row->offset, err))
        return -1;
    w->verifying = xsr_xc3_order_verifying(order);
    w->verified |= w->verifying;
    return (row->type == XSR_XC3_END || row->type == XSR_XC3_CHECKPOINT) &&
                   judge_state(w, row->type, row->offset, idle, err)
               ? -1
               : 0;
}

/* Behind a record of which not even the length is known: the next one, or what
   is behind the image. */
static int go_on_adrift(struct insp *w, struct insp_row *row,
                        uint32_t *type_out, struct xsr_err *err)
{
    bool over = false;
    int rc = insp_resync(w, row, &over, err);

    w->adrift = true;
    *type_out = over ? XSR_XC3_END : XSR_XC3_PAGE_DATA;
    return insp_tell(w, row, err) || rc ? -1 : 0;
}

static int walk_image_record(struct insp *w, struct xsr_xc3_order *order,
                             uint32_t *type_out, struct xsr_err *err)
{
    struct insp_row row = {.layer = INSP_LIBXC, .offset = w->src->offset};
    uint64_t end;
    bool adrift = false;
    int rc = 0;

    if (take_frame(w, &row, err))
        return -1;
    if (row.bad.kind != XSR_E_OK)
        return go_on_adrift(w, &row, type_out, err);
    if (judge_order(w, order, &row, err)) {
        /* what it misses may be what went by: that is no fault of its own */
        if (w->adrift && err->kind == XSR_E_ORDER)
            xsr_err_clear(err);
        else if (!insp_forgive(w, &row, err))
            return -1;
    }
    *type_out = row.type;
    end = w->src->offset + row.len + xsr_xc3_pad(row.len);
    if (row.bad.kind != XSR_E_FORMAT && row.bad.kind != XSR_E_LIMIT)
        rc = walk_image_body(w, &row, &adrift, err);
    if (rc && !insp_forgive(w, &row, err))
        return -1;
    if (rc && adrift)
        return go_on_adrift(w, &row, type_out, err);
    if (row.bad.kind != XSR_E_OK && insp_skip_to(w, end, row.name, err))
        return -1;
    if (row.bad.kind == XSR_E_OK && row.type < XSR_XC3_N_TYPES)
        w->xc_seen |= 1u << row.type;
    w->n_checkpoints += row.type == XSR_XC3_CHECKPOINT;
    return insp_tell(w, &row, err);
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
    w->image_over = type == XSR_XC3_END;
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
