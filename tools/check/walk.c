/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the first octet to the last: which format it is, the libxl stream with
 * the image inside, checkpoints, and what stands behind the end.
 */
#include "convert/detect.h"
#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/xc3.h"
#include "stream/xl2.h"
#include "tools/check/check.h"

static const char *name_of(uint32_t type)
{
    return type <= XSR_XL2_CHECKPOINT_STATE ? xsr_xl2_type_name(type)
           : type & XSR_XL2_OPTIONAL        ? "optional record"
                                            : "unknown record";
}

/* ---- checkpoints --------------------------------------------------------- */

void chk_checkpoint_done(struct chk *c)
{
    struct chk_found *f = &c->found;

    c->f.checkpointed = true;
    if (f->n_cuts < CHK_MAX_CUTS)
        f->cuts[f->n_cuts] =
            (struct chk_cut){chk_at(c), c->f.n_contents, f->n[CHK_ERROR]};
    f->n_cuts++;
    c->last_cut = (struct chk_cut){chk_at(c), c->f.n_contents, f->n[CHK_ERROR]};
    c->in_checkpoint = c->keys_seen = c->emu_seen = false;
    chk_order_new_checkpoint(c);
}

bool chk_checkpoint_cut(struct chk *c)
{
    uint64_t end = chk_at(c);

    if (!c->found.n_cuts)
        return false;
    chk_find(c, CHK_REMUS_CUT, end,
             "the stream ends %s checkpoint %llu; a failover gets number %llu, "
             "complete at %llu, and drops %llu octets",
             end == c->last_cut.end ? "behind" : "inside",
             (unsigned long long)(c->found.n_cuts + (end != c->last_cut.end)),
             (unsigned long long)c->found.n_cuts,
             (unsigned long long)c->last_cut.end,
             (unsigned long long)(end - c->last_cut.end));
    return true;
}

static void remus_ended(struct chk *c)
{
    chk_find(c, CHK_REMUS_ENDED, chk_at(c),
             "the image ends with END behind checkpoint %llu",
             (unsigned long long)c->found.n_cuts);
}

/*
 * Behind a CHECKPOINT of the image: do records of libxl follow? In a plain
 * stream, where it has no business, the image goes on.
 */
static bool libxl_follows(struct chk *c)
{
    size_t got;
    const uint8_t *p = chk_src_look(&c->src, 16, &got);
    uint32_t type, len;

    if (got < 8)
        return true; /* the end, which is judged there */
    type = xsr_le32(p);
    len = xsr_le32(p + 4);
    if (type == XSR_XL2_END && !len)
        return got < 16; /* nothing follows an END of libxl */
    if (type == XSR_XL2_CHECKPOINT_END)
        return len == 0;
    return (type == XSR_XL2_EMULATOR_XENSTORE_DATA ||
            type == XSR_XL2_EMULATOR_CONTEXT) &&
           c->f.guest == XSR_XC3_HVM;
}

/* The image, from its header or from behind a checkpoint; false: lost. */
static bool walk_image(struct chk *c)
{
    enum chk_stop stop;

    for (;;) {
        uint64_t at;

        stop = chk_image_records(c, true);
        if (stop != CHK_STOP_CHECKPOINT)
            break;
        at = chk_at(c) - XSR_XC3_REC_HDR_LEN;
        if (libxl_follows(c)) {
            c->in_checkpoint = c->f.checkpointed = true;
            return true;
        }
        chk_find(c, CHK_ORDER_CHECKPOINT, at,
                 "CHECKPOINT, and no record of libxl behind it");
    }
    c->image_done = stop == CHK_STOP_END;
    if (c->image_done && c->f.checkpointed) {
        remus_ended(c);
        return false;
    }
    return c->image_done;
}

/* ---- records of libxl ---------------------------------------------------- */

static void order_context(struct chk *c, const struct chk_rec *r)
{
    if (c->image_done || c->in_checkpoint)
        chk_find(c, CHK_LIBXL_CONTEXT_REPEATED, r->at,
                 "a second LIBXC_CONTEXT%s",
                 c->in_checkpoint ? ", inside a checkpoint" : "");
}

static void order_emulator(struct chk *c, const struct chk_rec *r)
{
    bool keys = r->type == XSR_XL2_EMULATOR_XENSTORE_DATA;
    bool *seen = keys ? &c->keys_seen : &c->emu_seen;

    if (!c->image_done && !c->in_checkpoint)
        chk_find(c, CHK_LIBXL_EMULATOR_EARLY, r->at, "%s before LIBXC_CONTEXT",
                 name_of(r->type));
    else if (*seen)
        chk_find(c, CHK_LIBXL_EMULATOR_REPEATED, r->at, "a second %s",
                 name_of(r->type));
    else if (keys && c->emu_seen)
        chk_find(c, CHK_LIBXL_EMULATOR_EARLY, r->at,
                 "%s behind EMULATOR_CONTEXT", name_of(r->type));
    if (c->f.guest == XSR_XC3_PV || (c->f.type[0] && strcmp(c->f.type, "hvm")))
        chk_find(c, CHK_LIBXL_EMULATOR_UNWANTED, r->at, "%s of a %s guest",
                 name_of(r->type), c->f.type[0] ? c->f.type : "pv");
    *seen = true;
}

/* END and CHECKPOINT_END ask for the emulator's state. */
static void need_emulator(struct chk *c, const struct chk_rec *r)
{
    if (!strcmp(c->f.type, "hvm") && !c->emu_seen)
        chk_find(c, CHK_LIBXL_EMULATOR_MISSING, r->at,
                 "%s, and there is no EMULATOR_CONTEXT", name_of(r->type));
}

static void order_record(struct chk *c, const struct chk_rec *r)
{
    switch (r->type) {
    case XSR_XL2_LIBXC_CONTEXT:
        order_context(c, r);
        break;
    case XSR_XL2_EMULATOR_XENSTORE_DATA:
    case XSR_XL2_EMULATOR_CONTEXT:
        order_emulator(c, r);
        break;
    case XSR_XL2_CHECKPOINT_END:
        if (!c->in_checkpoint)
            chk_find(c, CHK_LIBXL_CHECKPOINT_OUTSIDE, r->at,
                     "CHECKPOINT_END outside a checkpoint");
        else
            need_emulator(c, r);
        break;
    case XSR_XL2_CHECKPOINT_STATE:
        if (!c->state_due)
            chk_find(c, CHK_LIBXL_STATE_OUTSIDE, r->at,
                     "CHECKPOINT_STATE behind no CHECKPOINT_END");
        break;
    default: /* END */
        if (c->in_checkpoint)
            chk_find(c, CHK_LIBXL_END_IN_CHECKPOINT, r->at,
                     "END inside a checkpoint");
        else if (!c->image_done)
            chk_find(c, CHK_LIBXL_CONTEXT_MISSING, r->at,
                     "END, and there was no LIBXC_CONTEXT");
        else
            need_emulator(c, r);
    }
}

static void judge_state(struct chk *c, struct chk_rec *r)
{
    uint64_t at = chk_at(c);
    const uint8_t *p;

    c->f.colo = true;
    if (r->len != 4)
        chk_find(c, CHK_LIBXL_LENGTH, r->at, "%s of length %u, allowed 4",
                 name_of(r->type), r->len);
    else if ((p = chk_body(c, r, 4)) && xsr_le32(p) > 3)
        chk_find(c, CHK_LIBXL_STATE_ID, at, "state %u", xsr_le32(p));
}

static void judge_body(struct chk *c, struct chk_rec *r)
{
    switch (r->type) {
    case XSR_XL2_EMULATOR_XENSTORE_DATA:
        chk_emu_keys(c, r);
        break;
    case XSR_XL2_EMULATOR_CONTEXT:
        chk_emu_state(c, r);
        break;
    case XSR_XL2_CHECKPOINT_STATE:
        judge_state(c, r);
        break;
    default:
        if (r->len)
            chk_find(c, CHK_LIBXL_LENGTH, r->at, "%s of length %u, allowed 0",
                     name_of(r->type), r->len);
    }
}

static bool finish_record(struct chk *c, struct chk_rec *r)
{
    uint32_t pad = xsr_xl2_pad(r->len);
    const uint8_t *p;
    uint64_t at;

    if (c->src.ended || !chk_src_skip(&c->src, r->left))
        return false;
    at = chk_at(c);
    p = chk_src_take(&c->src, pad);
    if (p && !xsr_all_zero(p, pad))
        chk_find(c, CHK_LIBXL_PADDING, at, "%u octets of padding not zero",
                 pad);
    return p != NULL;
}

/* Type and length; false: nothing that could be passed. */
static bool judge_frame(struct chk *c, const struct chk_rec *r)
{
    if (r->len > XSR_MAX_EMULATOR_CONTEXT) {
        chk_find(c, CHK_LIBXL_LENGTH, r->at,
                 "%s of %u octets, allowed at most %u; what follows cannot be "
                 "found",
                 name_of(r->type), r->len, XSR_MAX_EMULATOR_CONTEXT);
        chk_lost(c, r->at);
        return false;
    }
    if (r->type & XSR_XL2_OPTIONAL) {
        c->f.optional_libxl = true;
        chk_find(c, CHK_LIBXL_OPTIONAL, r->at, "optional record 0x%x", r->type);
    } else if (r->type > XSR_XL2_CHECKPOINT_STATE) {
        chk_find(c, CHK_LIBXL_TYPE, r->at, "unknown mandatory record 0x%x",
                 r->type);
    }
    return true;
}

static bool next_record(struct chk *c, struct chk_rec *r)
{
    size_t got;
    const uint8_t *p = chk_src_look(&c->src, XSR_XL2_REC_HDR_LEN, &got);

    r->at = chk_at(c);
    if (got < XSR_XL2_REC_HDR_LEN) {
        chk_src_skip(&c->src, XSR_XL2_REC_HDR_LEN);
        if (chk_checkpoint_cut(c))
            return false;
        if (got)
            chk_find(c, CHK_LIBXL_RECORD_CUT, r->at,
                     "the input ends inside a record header");
        else
            chk_find(c, CHK_LIBXL_END_MISSING, r->at,
                     "the input ends without an END record");
        return false;
    }
    r->type = xsr_le32(p);
    r->len = r->left = xsr_le32(p + 4);
    if (!judge_frame(c, r))
        return false;
    chk_src_skip(&c->src, XSR_XL2_REC_HDR_LEN);
    chk_row(c, CHK_LIBXL, r->type,
            r->type <= XSR_XL2_CHECKPOINT_STATE ? name_of(r->type) : NULL,
            r->at, r->len);
    return true;
}

/* Behind CHECKPOINT_END the image goes on; COLO says a word in front of it. */
static bool state_follows(struct chk *c)
{
    size_t got;
    const uint8_t *p = chk_src_look(&c->src, 8, &got);

    return got == 8 && xsr_le32(p) == XSR_XL2_CHECKPOINT_STATE &&
           xsr_le32(p + 4) == 4;
}

/* What comes next after that record; false: nothing. */
static bool after_record(struct chk *c, const struct chk_rec *r)
{
    switch (r->type) {
    case XSR_XL2_END:
        c->stream_done = true;
        return false;
    case XSR_XL2_LIBXC_CONTEXT:
        chk_order_new_checkpoint(c);
        if (c->image_done)
            c->order = (struct chk_order){.vcpus = c->order.vcpus};
        return chk_image_begin(c) && walk_image(c);
    case XSR_XL2_CHECKPOINT_END:
        if (!c->in_checkpoint)
            return true;
        chk_checkpoint_done(c);
        c->state_due = state_follows(c);
        return c->state_due || walk_image(c);
    case XSR_XL2_CHECKPOINT_STATE:
        if (!c->state_due)
            return true;
        c->state_due = false;
        return walk_image(c);
    default:
        return true;
    }
}

static void walk_stream(struct chk *c)
{
    struct chk_rec r;
    bool go_on = true;

    while (go_on && next_record(c, &r)) {
        if (r.type <= XSR_XL2_CHECKPOINT_STATE) {
            order_record(c, &r);
            judge_body(c, &r);
        }
        if (!finish_record(c, &r)) {
            if (!chk_checkpoint_cut(c))
                chk_find(c, CHK_LIBXL_RECORD_CUT, chk_at(c),
                         "the input ends inside %s at %llu", name_of(r.type),
                         (unsigned long long)r.at);
            return;
        }
        go_on = after_record(c, &r);
    }
}

static bool stream_header(struct chk *c)
{
    uint64_t at = chk_at(c);
    const uint8_t *p = chk_src_take(&c->src, XSR_XL2_HDR_LEN);
    uint32_t version, options;

    if (!p) {
        chk_find(c, CHK_LIBXL_CUT, at,
                 "the input ends inside the stream header");
        return false;
    }
    version = (uint32_t)p[8] << 24 | p[9] << 16 | p[10] << 8 | p[11];
    options = (uint32_t)p[12] << 24 | p[13] << 16 | p[14] << 8 | p[15];
    if (!xsr_xl2_probe(p, 8))
        chk_find(c, CHK_LIBXL_IDENT, at, "the ident is not LibxlFmt");
    else if (version != 2)
        chk_find(c, CHK_LIBXL_VERSION, at + 8, "version %u, known is 2",
                 version);
    else if (options & 1)
        chk_find(c, CHK_LIBXL_BIG_ENDIAN, at + 12, "big-endian records");
    else {
        if (options & ~3u)
            chk_find(c, CHK_LIBXL_OPTIONS, at + 12, "option bits 0x%x",
                     options & ~3u);
        if (options & 2)
            chk_find(c, CHK_LIBXL_CONVERTED, at + 12,
                     "made by a converter for older streams");
        chk_row(c, CHK_LIBXL, UINT32_MAX, "header", at, XSR_XL2_HDR_LEN);
        return true;
    }
    return false;
}

/* ---- all ----------------------------------------------------------------- */

static void refuse_format(struct chk *c, const uint8_t *p, size_t n)
{
    enum xsr_format format = xsr_format_detect(p, n);

    /* in front of the old formats: one of so few pages never was */
    if (n >= 8 && xsr_le32(p) == XSR_XC3_CHECKPOINT_DIRTY_PFN_LIST &&
        xsr_le32(p + 4) % 8 == 0)
        chk_find(c, CHK_INPUT_BACK_CHANNEL, 0,
                 "records that a COLO secondary sends back");
    else if (format == XSR_FORMAT_XENSERVER)
        chk_find(c, CHK_INPUT_XENSERVER, 0,
                 "an image of XenServer or XCP-ng; convert it first (xensr "
                 "convert)");
    else if (format == XSR_FORMAT_LEGACY || format == XSR_FORMAT_XEND ||
             format == XSR_FORMAT_XENSERVER_OLD)
        chk_find(c, CHK_INPUT_LEGACY, 0,
                 "an image of Xen 4.5 or older (%s); convert it first (xensr "
                 "convert)",
                 xsr_format_name(format));
    else
        chk_find(c, CHK_INPUT_UNKNOWN, 0,
                 n ? "no format that is known begins so"
                   : "the input is empty");
    c->f.format = xsr_format_name(format);
}

static void judge_trailing(struct chk *c)
{
    uint64_t end = chk_at(c);
    size_t got;

    chk_src_look(&c->src, 1, &got);
    if (!got)
        return;
    while (got) {
        chk_src_skip(&c->src, got);
        chk_src_look(&c->src, CHK_LOOK_MAX, &got);
    }
    chk_find(c, CHK_INPUT_TRAILING, end, "%llu octets behind the end",
             (unsigned long long)(chk_at(c) - end));
}

static void walk_bare_image(struct chk *c)
{
    c->f.format = "libxc image";
    if (!chk_image_begin(c))
        return;
    c->stream_done = c->image_done =
        chk_image_records(c, false) == CHK_STOP_END;
    if (c->image_done && c->f.checkpointed)
        remus_ended(c);
}

void chk_walk(struct chk *c)
{
    size_t got;
    const uint8_t *p = chk_src_look(&c->src, XSR_DETECT_LEN, &got);
    enum xsr_format format = xsr_format_detect(p, got);

    /* a magic that is damaged behind its beginning is told as such */
    if (got >= 16 && !memcmp(p, "Xen saved domain", 16)) {
        if (chk_xl_file(c) && stream_header(c))
            walk_stream(c);
    } else if (format == XSR_FORMAT_XL || format == XSR_FORMAT_XL_LEGACY) {
        chk_find(c, CHK_XL_CUT, 0, "the input ends inside the xl header");
    } else if (format == XSR_FORMAT_LIBXL) {
        c->f.format = "libxl stream";
        if (stream_header(c))
            walk_stream(c);
    } else if (got >= 8 && xsr_le64(p) == UINT64_MAX) {
        walk_bare_image(c);
    } else {
        refuse_format(c, p, got);
    }
    if (c->stream_done)
        judge_trailing(c);
    chk_config_against_state(c);
}
