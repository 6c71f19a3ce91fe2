/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: header, frames and order of a libxl stream. Input: guest type,
 * the header, then frames without their bodies: record header; behind
 * LIBXC_CONTEXT and CHECKPOINT_END a byte, odd: the image paused at a
 * checkpoint; the sub-header of emulator records that are long enough for one.
 *
 * The verdicts are compared with the grammar of docs/formats/libxl-stream.md,
 * written down here a second time as what must have been there before.
 */
#include "stream/limits.h"
#include "stream/xl2_order.h"
#include "tests/fuzz/support/fuzz.h"

struct seen {
    unsigned n_image;
    bool in_checkpoint, image_over;
    unsigned keys, contexts; /* in this checkpoint, or behind the image */
    bool done;
};

/* Is the record due? Nothing of xl2_order.c is asked. */
static bool due(const struct seen *s, enum xsr_xl2_guest guest, uint32_t type)
{
    bool may_hvm = guest == XSR_XL2_HVM || guest == XSR_XL2_ANY;
    bool may_pv = guest != XSR_XL2_HVM;
    bool emulator_done = s->contexts ? may_hvm : may_pv && !s->keys;

    if (s->done)
        return false;
    if (type & XSR_XL2_OPTIONAL)
        return true;
    if (!s->n_image)
        return type == XSR_XL2_LIBXC_CONTEXT;
    switch (type) {
    case XSR_XL2_END:
        return !s->in_checkpoint && emulator_done;
    case XSR_XL2_EMULATOR_XENSTORE_DATA:
        return may_hvm && !s->keys && !s->contexts;
    case XSR_XL2_EMULATOR_CONTEXT:
        return may_hvm && !s->contexts;
    case XSR_XL2_CHECKPOINT_END:
        return s->in_checkpoint && emulator_done;
    default:
        return false; /* a second image; CHECKPOINT_STATE goes the other way */
    }
}

static void note(struct seen *s, uint32_t type)
{
    s->done = type == XSR_XL2_END;
    s->n_image += type == XSR_XL2_LIBXC_CONTEXT;
    s->keys += type == XSR_XL2_EMULATOR_XENSTORE_DATA;
    s->contexts += type == XSR_XL2_EMULATOR_CONTEXT;
    if (type == XSR_XL2_CHECKPOINT_END) {
        s->in_checkpoint = false;
        s->keys = s->contexts = 0;
    }
}

static void same_when_written(const struct xsr_xl2_rec *rec, const uint8_t *p)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_buf out = XSR_BUF_INIT;

    fuzz_good(xsr_xl2_put_rec(&out, rec->type, rec->len, &err), &err);
    need(out.len == XSR_XL2_REC_HDR_LEN && !memcmp(out.p, p, out.len),
         "frame 0x%x/%u written back is not the same", rec->type, rec->len);
    xsr_buf_fini(&out);
}

static bool try_emu(struct xsr_cur *cur)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xl2_emu emu;
    size_t from = cur->pos;

    if (xsr_xl2_get_emu(cur, &emu, &err)) {
        fuzz_refused(&err, FUZZ_BASE + from, cur->len - from);
        return false;
    }
    need(emu.id <= 2 && !emu.index && cur->pos == from + XSR_XL2_EMU_HDR_LEN,
         "emulator %u/%u", emu.id, emu.index);
    return true;
}

static void check_lengths(const struct xsr_xl2_rec *rec)
{
    bool emulator = rec->type == XSR_XL2_EMULATOR_XENSTORE_DATA ||
                    rec->type == XSR_XL2_EMULATOR_CONTEXT;

    need(rec->len <= XSR_MAX_OPTIONAL_SKIP, "length %u", rec->len);
    need(!emulator || rec->len >= XSR_XL2_EMU_HDR_LEN, "length %u", rec->len);
    need(rec->type != XSR_XL2_EMULATOR_XENSTORE_DATA ||
             rec->len <= XSR_MAX_XENSTORE_DATA,
         "length %u", rec->len);
    need(emulator || rec->type & XSR_XL2_OPTIONAL || rec->len <= 4,
         "length %u of type %u", rec->len, rec->type);
}

/* false: the stream ends here. */
static bool try_record(struct xsr_cur *cur, struct xsr_xl2_order *order,
                       struct seen *seen)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xl2_rec rec = {0, 0};
    size_t from = cur->pos;
    uint8_t paused = 0;
    bool want;

    if (xsr_xl2_get_rec(cur, &rec, &err)) {
        fuzz_refused(&err, FUZZ_BASE + from, cur->len - from);
        return false;
    }
    check_lengths(&rec);
    same_when_written(&rec, cur->p + from);
    want = due(seen, order->guest, rec.type);
    if (xsr_xl2_order_next(order, rec.type, FUZZ_BASE + from, &err)) {
        fuzz_refused(&err, FUZZ_BASE + from, 0);
        need(err.kind == XSR_E_ORDER && !want, "refused: %s", err.text);
        return false;
    }
    need(want, "%s is taken %s", xsr_xl2_type_name(rec.type),
         xsr_xl2_order_state_name(order));
    note(seen, rec.type);
    need(xsr_xl2_order_done(order) == seen->done, "done, or not");
    if (rec.type == XSR_XL2_LIBXC_CONTEXT ||
        rec.type == XSR_XL2_CHECKPOINT_END) {
        if (xsr_get_u8(cur, &paused, "pause", &err))
            return false;
        if (paused & 1) {
            xsr_xl2_order_checkpoint(order);
            seen->in_checkpoint = true;
        }
    }
    need(*xsr_xl2_order_expected(order) && *xsr_xl2_order_state_name(order),
         "a state without words");
    return rec.type != XSR_XL2_EMULATOR_XENSTORE_DATA &&
                   rec.type != XSR_XL2_EMULATOR_CONTEXT
               ? true
               : try_emu(cur);
}

static bool try_header(struct xsr_cur *cur)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_buf out = XSR_BUF_INIT;
    struct xsr_xl2_hdr hdr;
    size_t from = cur->pos;

    if (xsr_xl2_get_hdr(cur, &hdr, &err)) {
        fuzz_refused(&err, FUZZ_BASE + from, cur->len - from);
        return false;
    }
    need(xsr_xl2_probe(cur->p + from, 8), "accepted but not recognised");
    fuzz_good(xsr_xl2_put_hdr(&out, hdr.options, &err), &err);
    need(out.len == cur->pos - from && !memcmp(out.p, cur->p + from, out.len),
         "the header written back is not the same");
    xsr_buf_fini(&out);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xl2_order order;
    struct seen seen = {0};
    struct xsr_cur cur;
    uint8_t guest;

    xsr_cur_init(&cur, data, size, FUZZ_BASE);
    if (xsr_get_u8(&cur, &guest, "guest", &err) || !try_header(&cur))
        return 0;
    xsr_xl2_order_init(&order, guest & 3);
    /* Also behind END: nothing may come there. */
    while (xsr_cur_left(&cur) && try_record(&cur, &order, &seen))
        fuzz_cursor(&cur, 0);
    return 0;
}
