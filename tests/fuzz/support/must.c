/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of support/must.h: one function for each kind of structure, from
 * docs/formats/.
 */
#include "tests/fuzz/support/must.h"

#include "lib/util.h"
#include "stream/blobs.h"

/* Lengths that are padded to the same end may pass for one another. */
static bool same_end(uint32_t len, unsigned bit)
{
    uint32_t other = len ^ 1u << bit;

    return (len + 7) / 8 == (other + 7) / 8;
}

static bool must_xl_hdr(size_t at, unsigned bit)
{
    return at != 36 || bit != 0; /* mandatory flags: "is JSON" */
}

static bool must_xl2_rec(const struct walk_state *s, size_t at, unsigned bit)
{
    const struct xsr_xl2_rec *r = &s->xl2_rec;

    if (at >= 4)
        return !same_end(r->len, (unsigned)(at - 4) * 8 + bit);
    /* As an optional record the keys may be missing, and are. */
    if (at == 3 && bit == 7)
        return r->type != XSR_XL2_EMULATOR_XENSTORE_DATA &&
               (r->type != XSR_XL2_EMULATOR_CONTEXT ||
                s->xl2_order.guest == XSR_XL2_HVM);
    return true;
}

static bool must_rec(const struct walk_state *s, size_t at, unsigned bit)
{
    const struct xsr_xc3_rec *r = &s->rec;

    /* An XSAVE area of any size may swallow the record behind it. */
    if (at >= 4)
        return r->type != XSR_XC3_X86_PV_VCPU_XSAVE &&
               !same_end(r->len, (unsigned)(at - 4) * 8 + bit);
    /* What one can do without, or has another one of. */
    return at != 3 || bit != 7 || r->type == XSR_XC3_END ||
           r->type == XSR_XC3_STATIC_DATA_END ||
           r->type == XSR_XC3_X86_PV_INFO || r->type == XSR_XC3_SHARED_INFO ||
           r->type == XSR_XC3_HVM_CONTEXT ||
           (r->type == XSR_XC3_X86_TSC_INFO && !s->order.converted);
}

/* Count, reserved field, and of an entry: reserved bits 52 to 59. */
static bool must_pages(size_t at, unsigned bit)
{
    unsigned of_entry = (unsigned)((at - 8) % 8) * 8 + bit;

    return at < 8 || (of_entry >= 52 && of_entry < 60);
}

static bool must_hvmctx(const uint8_t *p, size_t at)
{
    size_t pos = 0;
    uint32_t len;

    /* The header's own fields, then each entry's length. */
    if (at >= 8 && at < 16)
        return true;
    for (;;) {
        len = xsr_le32(p + pos + 4);
        if (at < pos + 8)
            return at >= pos + 4;
        if (at < pos + 8 + len || !xsr_le16(p + pos))
            return false;
        pos += 8 + len;
    }
}

static bool must_body(const struct walk_state *s, const uint8_t *p, size_t at,
                      unsigned bit)
{
    switch (s->rec.type) {
    case XSR_XC3_X86_PV_INFO:
        return true;
    case XSR_XC3_X86_TSC_INFO:
        return at >= 20 || (at < 4 && at * 8 + bit >= 2);
    case XSR_XC3_HVM_PARAMS:
        return at < 8 || ((at - 8) % 16 < 8 && (at % 8) * 8 + bit >= 6);
    case XSR_XC3_X86_MSR_POLICY:
        return at % 16 >= 4 && at % 16 < 8;
    case XSR_XC3_X86_PV_P2M_FRAMES: /* any other count of frames, high pfns */
        return (at < 8 && (at % 4) * 8 + bit >= 10) ||
               (at >= 8 && (at % 8) * 8 + bit >= 24);
    case XSR_XC3_HVM_CONTEXT:
        return must_hvmctx(p, at);
    case XSR_XC3_X86_PV_VCPU_BASIC:
    case XSR_XC3_X86_PV_VCPU_EXTENDED:
    case XSR_XC3_X86_PV_VCPU_XSAVE:
    case XSR_XC3_X86_PV_VCPU_MSRS:
        return at >= 4 && at < 8;
    default:
        return false;
    }
}

bool must_refuse(const struct walk_state *s, enum walk_at step,
                 const uint8_t *p, size_t at, unsigned bit)
{
    switch (step) {
    case AT_XL_HDR:
        return must_xl_hdr(at, bit);
    case AT_XL_CONFIG:
        return at < 4; /* the length inside */
    case AT_XL2_HDR:
        return at != 15 || bit != 1; /* "converted" */
    case AT_XL2_REC:
        return must_xl2_rec(s, at, bit);
    case AT_XL2_EMU:
        return at > 0 || bit >= 2; /* id 0 to 2 */
    case AT_IHDR:
        return true;
    case AT_DHDR:
        return at < 8; /* behind it: which Xen */
    case AT_REC:
        return must_rec(s, at, bit);
    case AT_PAGES:
        return must_pages(at, bit);
    case AT_BODY:
        return must_body(s, p, at, bit);
    case AT_PAD:
    case AT_XL2_PAD:
        return true;
    default:
        return false;
    }
}

size_t must_structure(enum walk_at step, const struct walk_state *s, size_t n)
{
    if (step == AT_CONTENT || step == AT_XL2_BLOB || step == AT_SKIP)
        return 0;
    if (step == AT_BODY && s->rec.type != XSR_XC3_HVM_CONTEXT)
        return xsr_min(n, 2048);
    return n;
}
