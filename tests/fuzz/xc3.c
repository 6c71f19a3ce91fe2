/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: headers, frames and order of a libxc image. Input: a byte (odd:
 * a checkpointed stream), image header, domain header, then the headers of
 * records without their bodies.
 *
 * What the order machine lets through is compared with the rules of
 * docs/formats/libxc-image.md, written down here a second time.
 */
#include "stream/limits.h"
#include "stream/xc3_order.h"
#include "tests/fuzz/support/fuzz.h"

#define IS_PV(o) ((o)->guest == XSR_XC3_PV)

struct seen {
    unsigned ever[XSR_XC3_N_TYPES]; /* in the image */
    unsigned now[XSR_XC3_N_TYPES];  /* since the last checkpoint */
    unsigned n_now;                 /* mandatory records among them */
    bool done;
};

static bool is_vcpu(uint32_t type)
{
    return type == XSR_XC3_X86_PV_VCPU_BASIC ||
           type == XSR_XC3_X86_PV_VCPU_EXTENDED ||
           type == XSR_XC3_X86_PV_VCPU_XSAVE ||
           type == XSR_XC3_X86_PV_VCPU_MSRS;
}

/* What must have been there when END or CHECKPOINT comes. */
static void need_complete(const struct seen *s, const struct xsr_xc3_order *o,
                          uint32_t type)
{
    bool idle = type == XSR_XC3_END && s->ever[XSR_XC3_CHECKPOINT] && !s->n_now;

    need(s->ever[XSR_XC3_PAGE_DATA], "an image without memory");
    need(o->version < 3 || s->ever[XSR_XC3_STATIC_DATA_END],
         "no STATIC_DATA_END in v3");
    if (IS_PV(o))
        need(s->ever[XSR_XC3_X86_PV_INFO] && s->ever[XSR_XC3_X86_PV_P2M_FRAMES],
             "a PV image without PV_INFO or P2M_FRAMES");
    if (idle)
        return;
    if (IS_PV(o))
        need(s->now[XSR_XC3_SHARED_INFO] && s->now[XSR_XC3_X86_PV_VCPU_BASIC],
             "no SHARED_INFO, or no vCPU");
    else
        need(s->now[XSR_XC3_HVM_CONTEXT], "no HVM_CONTEXT");
    need(o->converted || s->now[XSR_XC3_X86_TSC_INFO], "no TSC_INFO");
}

/* A record was let through: might it have come? */
static void need_allowed(const struct seen *s, const struct xsr_xc3_order *o,
                         uint32_t type)
{
    need(!s->done, "%s behind END", xsr_xc3_type_name(type));
    if (type >= XSR_XC3_N_TYPES)
        return;
    switch (type) {
    case XSR_XC3_X86_PV_INFO:
    case XSR_XC3_X86_CPUID_POLICY:
    case XSR_XC3_X86_MSR_POLICY:
    case XSR_XC3_STATIC_DATA_END:
        need(!s->ever[type] && !s->ever[XSR_XC3_STATIC_DATA_END],
             "%s twice or too late", xsr_xc3_type_name(type));
        break;
    case XSR_XC3_VERIFY:
        need(!s->ever[type] && !o->checkpointed, "VERIFY in a checkpoint");
        break;
    case XSR_XC3_CHECKPOINT:
        need(o->checkpointed, "CHECKPOINT in a plain stream");
        break;
    case XSR_XC3_X86_TSC_INFO:
    case XSR_XC3_SHARED_INFO:
    case XSR_XC3_HVM_CONTEXT:
        need(!s->now[type], "%s twice", xsr_xc3_type_name(type));
        break;
    case XSR_XC3_HVM_PARAMS:
        need(!s->now[type] || o->converted, "HVM_PARAMS twice");
        break;
    default:
        break;
    }
    if (is_vcpu(type) || type == XSR_XC3_SHARED_INFO)
        need(s->ever[XSR_XC3_PAGE_DATA], "vCPU state before memory");
    if (type == XSR_XC3_PAGE_DATA)
        need(o->version < 3 || s->ever[XSR_XC3_STATIC_DATA_END],
             "memory before STATIC_DATA_END");
    if (type == XSR_XC3_PAGE_DATA && IS_PV(o))
        need(s->ever[XSR_XC3_X86_PV_P2M_FRAMES], "memory before P2M_FRAMES");
    if (type == XSR_XC3_END || type == XSR_XC3_CHECKPOINT)
        need_complete(s, o, type);
}

static void note(struct seen *s, uint32_t type)
{
    if (type >= XSR_XC3_N_TYPES)
        return;
    s->done = type == XSR_XC3_END;
    s->ever[type]++;
    s->now[type]++;
    s->n_now++;
    if (type == XSR_XC3_CHECKPOINT) {
        memset(s->now, 0, sizeof s->now);
        s->n_now = 0;
    }
}

static void check_frame(const struct xsr_xc3_rec *rec,
                        const struct xsr_xc3_order *o, const uint8_t *p)
{
    struct xsr_buf out = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;

    need(rec->len <= XSR_MAX_XC_RECORD, "length %u", rec->len);
    need(rec->type < XSR_XC3_N_TYPES || rec->type & XSR_XC3_OPTIONAL,
         "type 0x%x", rec->type);
    need(rec->type != XSR_XC3_TOOLSTACK &&
             rec->type != XSR_XC3_CHECKPOINT_DIRTY_PFN_LIST,
         "type 0x%x", rec->type);
    need(!IS_PV(o) || (rec->type != XSR_XC3_HVM_CONTEXT &&
                       rec->type != XSR_XC3_HVM_PARAMS),
         "an HVM record in a PV image");
    need(IS_PV(o) || (!is_vcpu(rec->type) && rec->type != XSR_XC3_SHARED_INFO &&
                      rec->type != XSR_XC3_X86_PV_INFO),
         "a PV record in an HVM image");
    fuzz_good(xsr_xc3_put_rec(&out, rec->type, NULL, 0, &err), &err);
    need(out.len == 8 && !memcmp(out.p, p, 4) && xsr_xc3_pad(rec->len) < 8 &&
             (xsr_xc3_pad(rec->len) + rec->len) % 8 == 0,
         "frame written back, or its padding");
    xsr_buf_fini(&out);
}

static bool try_record(struct xsr_cur *cur, struct xsr_xc3_order *o,
                       struct seen *seen)
{
    struct xsr_xc3_order before = *o;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xc3_rec rec = {0, 0};
    size_t from = cur->pos;

    if (xsr_xc3_get_rec(cur, o->version, o->guest, &rec, &err)) {
        fuzz_refused(&err, FUZZ_BASE + from, cur->len - from);
        return false;
    }
    check_frame(&rec, o, cur->p + from);
    if (xsr_xc3_order_next(o, rec.type, FUZZ_BASE + from, &err)) {
        fuzz_refused(&err, FUZZ_BASE + from, 0);
        need(err.kind == XSR_E_ORDER, "%s", err.text);
        need(!memcmp(&before, o, sizeof before), "a refusal changes the state");
        need(!(rec.type & XSR_XC3_OPTIONAL) || seen->done,
             "optional record refused: %s", err.text);
        return true; /* as if it had not been there */
    }
    need_allowed(seen, &before, rec.type);
    note(seen, rec.type);
    need(xsr_xc3_order_done(o) == seen->done, "done, or not");
    need(xsr_xc3_order_verifying(o) == (seen->ever[XSR_XC3_VERIFY] > 0),
         "verifying, or not");
    need(*xsr_xc3_order_state_name(o) && *xsr_xc3_order_expected(o),
         "a state without words");
    return true;
}

static bool try_headers(struct xsr_cur *cur, struct xsr_xc3_ihdr *ihdr,
                        struct xsr_xc3_dhdr *dhdr)
{
    struct xsr_buf out = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;
    size_t from = cur->pos;

    if (xsr_xc3_get_ihdr(cur, ihdr, &err) ||
        xsr_xc3_get_dhdr(cur, dhdr, &err)) {
        fuzz_refused(&err, FUZZ_BASE + from, cur->len - from);
        return false;
    }
    need(ihdr->version == 2 || ihdr->version == 3, "v%u", ihdr->version);
    fuzz_good(xsr_xc3_put_ihdr(&out, ihdr->version, &err), &err);
    fuzz_good(xsr_xc3_put_dhdr(&out, dhdr->guest, dhdr->xen_major,
                               dhdr->xen_minor, &err),
              &err);
    need(out.len == cur->pos - from && !memcmp(out.p, cur->p + from, out.len),
         "the headers written back are not the same");
    xsr_buf_fini(&out);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xc3_order order;
    struct xsr_xc3_ihdr ihdr;
    struct xsr_xc3_dhdr dhdr;
    struct seen seen = {0};
    struct xsr_cur cur;
    uint8_t flags;

    xsr_cur_init(&cur, data, size, FUZZ_BASE);
    if (xsr_get_u8(&cur, &flags, "flags", &err) ||
        !try_headers(&cur, &ihdr, &dhdr))
        return 0;
    memset(&order, 0, sizeof order); /* its padding is compared, too */
    xsr_xc3_order_init(&order, ihdr.version, &dhdr, flags & 1);
    while (xsr_cur_left(&cur) && try_record(&cur, &order, &seen))
        fuzz_cursor(&cur, 0);
    return 0;
}
