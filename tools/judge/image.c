/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libxc image: its two headers, then the frame of each record: type,
 * length, padding. Order is judged by order.c, bodies by the files that know
 * them. A record whose frame can be trusted is passed even when its body is
 * wrong, so that all that follows is judged, too.
 */
#include "stream/xc3.h"

#include "lib/util.h"
#include "tools/check/check.h"

#define OLD_LIMIT (8u << 20) /* of a record, before Xen 4.10 */

const uint8_t *chk_body(struct chk *c, struct chk_rec *r, size_t n)
{
    const uint8_t *p;

    if (n > r->left)
        return NULL;
    p = chk_src_take(&c->src, n);
    r->left -= p ? (uint32_t)n : 0;
    return p;
}

/* ---- headers ------------------------------------------------------------- */

static bool judge_ihdr(struct chk *c, const uint8_t *p, uint64_t at)
{
    uint16_t options = (uint16_t)(p[16] << 8 | p[17]);

    for (int i = 0; i < 8; i++)
        if (p[i] != 0xff) {
            chk_find(c, CHK_IMAGE_MARKER, at,
                     "octet %d of the marker is 0x%02x, allowed 0xff; an image "
                     "older than Xen 4.6 begins with others",
                     i, p[i]);
            return false;
        }
    if (xsr_le32(p + 8) != 0x464e4558) { /* "XENF" */
        chk_find(c, CHK_IMAGE_ID, at + 8,
                 "id 0x%02x%02x%02x%02x, allowed 0x58454e46", p[8], p[9], p[10],
                 p[11]);
        return false;
    }
    c->f.version = (uint32_t)p[12] << 24 | (uint32_t)p[13] << 16 |
                   (uint32_t)p[14] << 8 | p[15];
    if (c->f.version != 2 && c->f.version != 3) {
        chk_find(c, CHK_IMAGE_VERSION, at + 12, "version %u, known are 2 and 3",
                 c->f.version);
        return false;
    }
    if (options & 1) {
        chk_find(c, CHK_IMAGE_BIG_ENDIAN, at + 16, "the image is big-endian");
        return false;
    }
    if (options)
        chk_find(c, CHK_IMAGE_OPTIONS, at + 16, "option bits 0x%x", options);
    if (!xsr_all_zero(p + 18, 6))
        chk_find(c, CHK_IMAGE_RESERVED, at + 18,
                 "reserved fields are not zero");
    return true;
}

static bool judge_dhdr(struct chk *c, const uint8_t *p, uint64_t at)
{
    uint16_t shift = xsr_le16(p + 4);

    c->f.guest = xsr_le32(p);
    c->f.xen_major = xsr_le32(p + 8);
    c->f.xen_minor = xsr_le32(p + 12);
    if (c->f.guest != XSR_XC3_PV && c->f.guest != XSR_XC3_HVM) {
        chk_find(c, CHK_DOMAIN_TYPE, at,
                 "domain type 0x%x, allowed 1 (PV) and 2 (HVM, PVH)",
                 c->f.guest);
        return false;
    }
    if (shift != XSR_PAGE_SHIFT)
        chk_find(c, CHK_DOMAIN_PAGE_SHIFT, at + 4, "page shift %u, allowed %d",
                 shift, XSR_PAGE_SHIFT);
    if (xsr_le16(p + 6))
        chk_find(c, CHK_DOMAIN_RESERVED, at + 6, "reserved field 0x%x",
                 xsr_le16(p + 6));
    if (!c->f.xen_major)
        chk_find(c, CHK_DOMAIN_CONVERTED, at + 8,
                 "converted from an older image by converter version %u",
                 c->f.xen_minor);
    if (c->f.type[0] && (c->f.guest == XSR_XC3_PV) != !strcmp(c->f.type, "pv"))
        chk_find(c, CHK_DOMAIN_OTHER_TYPE, at,
                 "%s image, the configuration is that of a %s guest",
                 c->f.guest == XSR_XC3_PV ? "PV" : "HVM", c->f.type);
    return true;
}

bool chk_image_begin(struct chk *c)
{
    uint64_t at = chk_at(c);
    const uint8_t *p = chk_src_take(&c->src, XSR_XC3_IHDR_LEN);

    if (!p) {
        chk_find(c, CHK_IMAGE_CUT, at,
                 "the input ends inside the image header");
        return false;
    }
    if (!judge_ihdr(c, p, at))
        return false;
    chk_row(c, CHK_LIBXC, UINT32_MAX, "image header", at, XSR_XC3_IHDR_LEN);
    at = chk_at(c);
    p = chk_src_take(&c->src, XSR_XC3_DHDR_LEN);
    if (!p) {
        chk_find(c, CHK_DOMAIN_CUT, at,
                 "the input ends inside the domain header");
        return false;
    }
    if (!judge_dhdr(c, p, at))
        return false;
    chk_row(c, CHK_LIBXC, UINT32_MAX - 1, "domain header", at,
            XSR_XC3_DHDR_LEN);
    c->f.have_image = true;
    return true;
}

/* ---- frames -------------------------------------------------------------- */

enum guest { NONE = 0, PV = 1, HVM = 2, BOTH = 3 };

static const struct shape {
    uint8_t guest; /* bit 0 PV, bit 1 HVM */
    uint32_t max;  /* what the type can need */
    void (*judge)(struct chk *c, struct chk_rec *r);
} shapes[XSR_XC3_N_TYPES] = {
    [XSR_XC3_END] = {BOTH, XSR_MAX_XC_RECORD, NULL},
    [XSR_XC3_PAGE_DATA] = {BOTH, XSR_MAX_XC_RECORD, chk_pages},
    [XSR_XC3_X86_PV_INFO] = {PV, XSR_MAX_XC_RECORD, chk_pv_info},
    [XSR_XC3_X86_PV_P2M_FRAMES] = {PV, XSR_MAX_XC_RECORD, chk_p2m},
    [XSR_XC3_X86_PV_VCPU_BASIC] = {PV, XSR_MAX_XC_RECORD, chk_vcpu},
    [XSR_XC3_X86_PV_VCPU_EXTENDED] = {PV, XSR_MAX_XC_RECORD, chk_vcpu},
    [XSR_XC3_X86_PV_VCPU_XSAVE] = {PV, 8 + XSR_MAX_VCPU_XSAVE, chk_vcpu},
    [XSR_XC3_SHARED_INFO] = {PV, XSR_MAX_XC_RECORD, chk_shared_info},
    [XSR_XC3_X86_TSC_INFO] = {BOTH, XSR_MAX_XC_RECORD, chk_tsc},
    [XSR_XC3_HVM_CONTEXT] = {HVM, XSR_MAX_HVM_CONTEXT, chk_hvm_context},
    [XSR_XC3_HVM_PARAMS] = {HVM, 8 + 16 * XSR_MAX_HVM_PARAMS, chk_hvm_params},
    [XSR_XC3_X86_PV_VCPU_MSRS] = {PV, 8 + XSR_MAX_VCPU_MSRS, chk_vcpu},
    [XSR_XC3_VERIFY] = {BOTH, XSR_MAX_XC_RECORD, NULL},
    [XSR_XC3_CHECKPOINT] = {BOTH, XSR_MAX_XC_RECORD, NULL},
    [XSR_XC3_STATIC_DATA_END] = {BOTH, XSR_MAX_XC_RECORD, NULL},
    [XSR_XC3_X86_CPUID_POLICY] = {BOTH, XSR_MAX_XC_RECORD, chk_cpuid_policy},
    [XSR_XC3_X86_MSR_POLICY] = {BOTH, XSR_MAX_XC_RECORD, chk_msr_policy},
};

static const char *name_of(uint32_t type)
{
    return type < XSR_XC3_N_TYPES    ? xsr_xc3_type_name(type)
           : type & XSR_XC3_OPTIONAL ? "optional record"
                                     : "unknown record";
}

/* Is it one whose body can be judged? */
static bool judge_type(struct chk *c, const struct chk_rec *r)
{
    const char *name = name_of(r->type);

    if (r->type & XSR_XC3_OPTIONAL) {
        c->f.optional_libxc = true;
        chk_find(c, CHK_RECORD_OPTIONAL, r->at,
                 "optional record 0x%x of %u octets is skipped", r->type,
                 r->len);
        return false;
    }
    if (r->type >= XSR_XC3_N_TYPES) {
        chk_find(c, CHK_RECORD_TYPE, r->at, "unknown mandatory record 0x%x",
                 r->type);
        return false;
    }
    if (r->type == XSR_XC3_TOOLSTACK ||
        r->type == XSR_XC3_CHECKPOINT_DIRTY_PFN_LIST) {
        chk_find(c,
                 r->type == XSR_XC3_TOOLSTACK ? CHK_RECORD_TOOLSTACK
                                              : CHK_RECORD_BACK_CHANNEL,
                 r->at, "%s has no place in an image", name);
        return false;
    }
    if (c->f.version == 2 && r->type >= XSR_XC3_STATIC_DATA_END) {
        chk_find(c, CHK_RECORD_VERSION, r->at, "%s in a version 2 image", name);
        return false;
    }
    if (!(shapes[r->type].guest & (c->f.guest == XSR_XC3_PV ? PV : HVM))) {
        chk_find(c, CHK_RECORD_GUEST, r->at, "%s in the image of %s guest",
                 name, c->f.guest == XSR_XC3_PV ? "a PV" : "an HVM");
        return false;
    }
    return true;
}

static void judge_body(struct chk *c, struct chk_rec *r)
{
    const struct shape *s = &shapes[r->type];

    if (!s->judge && r->len)
        chk_find(c, CHK_RECORD_NOT_EMPTY, r->at, "%s with length %u, allowed 0",
                 name_of(r->type), r->len);
    if (r->len > s->max)
        chk_find(c, CHK_RECORD_TOO_LONG, r->at,
                 "%s of %u octets, no guest needs more than %u",
                 name_of(r->type), r->len, s->max);
    else if (s->judge)
        s->judge(c, r);
}

/* What nobody took of the body, and the padding; false: the input ends. */
static bool finish_record(struct chk *c, struct chk_rec *r)
{
    uint32_t pad = xsr_xc3_pad(r->len);
    uint64_t at;
    const uint8_t *p;

    if (c->src.ended || !chk_src_skip(&c->src, r->left))
        return false;
    at = chk_at(c);
    p = chk_src_take(&c->src, pad);
    if (p && !xsr_all_zero(p, pad))
        chk_find(c, CHK_RECORD_PADDING, at, "%u octets of padding not zero",
                 pad);
    return p != NULL;
}

/* The header of the next record; false: there is none. */
static bool next_record(struct chk *c, struct chk_rec *r)
{
    size_t got;
    const uint8_t *p = chk_src_look(&c->src, XSR_XC3_REC_HDR_LEN, &got);

    r->at = chk_at(c);
    if (got < XSR_XC3_REC_HDR_LEN) {
        chk_src_skip(&c->src, XSR_XC3_REC_HDR_LEN);
        if (chk_checkpoint_cut(c))
            return false;
        if (got)
            chk_find(c, CHK_RECORD_HEADER_CUT, r->at,
                     "the input ends inside a record header, after %zu of 8 "
                     "octets",
                     got);
        else
            chk_find(c, CHK_RECORD_END_MISSING, r->at,
                     "the input ends without an END record");
        return false;
    }
    r->type = xsr_le32(p);
    r->len = r->left = xsr_le32(p + 4);
    if (r->len > XSR_MAX_XC_RECORD) {
        chk_find(c, CHK_RECORD_LIMIT, r->at,
                 "%s of %u octets, allowed at most %u; what follows cannot be "
                 "found",
                 name_of(r->type), r->len, XSR_MAX_XC_RECORD);
        chk_lost(c, r->at);
        return false;
    }
    chk_src_skip(&c->src, XSR_XC3_REC_HDR_LEN);
    c->f.long_record |= r->len > OLD_LIMIT;
    chk_row(c, CHK_LIBXC, r->type,
            r->type < XSR_XC3_N_TYPES ? name_of(r->type) : NULL, r->at, r->len);
    return true;
}

static void record_cut(struct chk *c, const struct chk_rec *r)
{
    if (!chk_checkpoint_cut(c))
        chk_find(c, CHK_RECORD_CUT, chk_at(c),
                 "the input ends inside %s at %llu, %llu octets of %llu are "
                 "there",
                 name_of(r->type), (unsigned long long)r->at,
                 (unsigned long long)(chk_at(c) - r->at - 8),
                 (unsigned long long)xsr_round_up(r->len, 8));
}

enum chk_stop chk_image_records(struct chk *c, bool in_stream)
{
    struct chk_rec r;

    while (next_record(c, &r)) {
        bool known = judge_type(c, &r);

        if (known) {
            chk_order_record(c, &r);
            judge_body(c, &r);
        }
        if (!finish_record(c, &r)) {
            record_cut(c, &r);
            return CHK_STOP_LOST;
        }
        if (known && r.type == XSR_XC3_END)
            return CHK_STOP_END;
        if (!known || r.type != XSR_XC3_CHECKPOINT)
            continue;
        if (in_stream)
            return CHK_STOP_CHECKPOINT;
        chk_checkpoint_done(c);
    }
    return CHK_STOP_LOST;
}
