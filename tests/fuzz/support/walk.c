/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of support/walk.h. Each takes the bytes that it judges, sets what
 * comes next, and leaves the verdict to stream/. Beside that it knows only what
 * joins the layers: where a body ends, what follows it, and that a vCPU has
 * each of its records once.
 */
#include "tests/fuzz/support/walk.h"

#include <jansson.h>
#include <stdlib.h>

#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/hvmctx.h"
#include "stream/xskeys.h"

void walk_init(struct walk *w, const uint8_t *p, size_t len)
{
    /* States are compared as bytes. */
    memset(w, 0, sizeof *w);
    w->p = p;
    w->len = len;
}

static int ends(const struct walk *w, const char *where, struct xsr_err *err)
{
    xsr_fail(err, XSR_E_EOF, "the input ends in %s", where);
    return xsr_err_at(err, w->len);
}

/* The next n bytes, all of them, as a cursor. */
static int take(struct walk *w, uint64_t n, struct xsr_cur *cur,
                struct xsr_err *err)
{
    if (n > w->len - w->s.pos)
        return ends(w, walk_at_name(w->s.at), err);
    xsr_cur_init(cur, w->p + w->s.pos, (size_t)n, w->s.pos);
    w->s.pos += (size_t)n;
    return 0;
}

static int go(struct walk *w, enum walk_at at)
{
    w->s.at = at;
    return 1;
}

/* ---- xl ------------------------------------------------------------------ */

static int magic(struct walk *w, struct xsr_err *err)
{
    if (w->len < 8)
        return ends(w, "its first bytes", err);
    if (xsr_xlfile_probe(w->p, w->len))
        return go(w, AT_XL_HDR);
    if (xsr_xl2_probe(w->p, w->len))
        return go(w, AT_XL2_HDR);
    w->s.checkpoints = true;
    return go(w, AT_IHDR); /* which refuses whatever else it is */
}

static int xl_hdr(struct walk *w, struct xsr_err *err)
{
    struct xsr_cur cur;

    if (take(w, XSR_XLFILE_HDR_LEN, &cur, err) ||
        xsr_xlfile_get_hdr(&cur, &w->s.xl, err))
        return -1;
    w->s.whole_file = true;
    if (w->s.xl.mandatory_flags & XSR_XLFILE_STREAM_V2)
        return go(w, AT_XL_CONFIG);
    xsr_fail(err, XSR_E_UNSUPPORTED, "a legacy image behind the xl header");
    return xsr_err_at(err, 36);
}

static void note_type(struct walk *w, const json_t *doc)
{
    const char *type = json_string_value(
        json_object_get(json_object_get(doc, "c_info"), "type"));

    w->s.file_type_known =
        type &&
        (!strcmp(type, "pv") || !strcmp(type, "pvh") || !strcmp(type, "hvm"));
    if (!w->s.file_type_known)
        return;
    w->s.file_is_pv = !strcmp(type, "pv");
    w->s.xl2_order.guest = w->s.file_is_pv        ? XSR_XL2_PV
                           : !strcmp(type, "hvm") ? XSR_XL2_HVM
                                                  : XSR_XL2_PVH;
}

static int xl_config(struct walk *w, struct xsr_err *err)
{
    struct xsr_xlfile_config config;
    struct xsr_cur cur;
    json_t *doc;

    w->s.xl2_order.guest = XSR_XL2_ANY;
    if (take(w, w->s.xl.optional_len, &cur, err) ||
        xsr_xlfile_get_config(&cur, &w->s.xl, &config, err))
        return -1;
    if (!config.len || !(w->s.xl.mandatory_flags & XSR_XLFILE_JSON))
        return go(w, AT_XL2_HDR);
    doc = json_loadb(config.text, config.len, 0, NULL);
    if (!doc) {
        xsr_fail(err, XSR_E_FORMAT, "xl configuration: not valid JSON");
        return xsr_err_at(err, XSR_XLFILE_HDR_LEN);
    }
    note_type(w, doc);
    json_decref(doc);
    return go(w, AT_XL2_HDR);
}

/* ---- libxl --------------------------------------------------------------- */

static int xl2_hdr(struct walk *w, struct xsr_err *err)
{
    struct xsr_xl2_hdr hdr;
    struct xsr_cur cur;

    if (take(w, XSR_XL2_HDR_LEN, &cur, err) || xsr_xl2_get_hdr(&cur, &hdr, err))
        return -1;
    xsr_xl2_order_init(&w->s.xl2_order,
                       w->s.whole_file ? w->s.xl2_order.guest : XSR_XL2_ANY);
    return go(w, AT_XL2_REC);
}

static int xl2_rec(struct walk *w, struct xsr_err *err)
{
    uint64_t at = w->s.pos;
    struct xsr_cur cur;

    w->s.xl2_rec = (struct xsr_xl2_rec){0, 0};
    if (take(w, XSR_XL2_REC_HDR_LEN, &cur, err) ||
        xsr_xl2_get_rec(&cur, &w->s.xl2_rec, err) ||
        xsr_xl2_order_next(&w->s.xl2_order, w->s.xl2_rec.type, at, err))
        return -1;
    switch (w->s.xl2_rec.type) {
    case XSR_XL2_END:
        return go(w, AT_END);
    case XSR_XL2_LIBXC_CONTEXT:
        return go(w, AT_IHDR);
    case XSR_XL2_CHECKPOINT_END:
        return go(w, AT_REC);
    case XSR_XL2_EMULATOR_XENSTORE_DATA:
    case XSR_XL2_EMULATOR_CONTEXT:
        return go(w, AT_XL2_EMU);
    default:
        return go(w, AT_XL2_BLOB);
    }
}

static int xl2_emu(struct walk *w, struct xsr_err *err)
{
    struct xsr_xl2_emu emu;
    struct xsr_cur cur;

    if (take(w, XSR_XL2_EMU_HDR_LEN, &cur, err) ||
        xsr_xl2_get_emu(&cur, &emu, err))
        return -1;
    return go(w, w->s.xl2_rec.type == XSR_XL2_EMULATOR_CONTEXT ? AT_XL2_BLOB
                                                               : AT_XL2_KEYS);
}

static int xl2_body(struct walk *w, struct xsr_err *err)
{
    bool emu = !(w->s.xl2_rec.type & XSR_XL2_OPTIONAL);
    uint32_t n = w->s.xl2_rec.len - (emu ? XSR_XL2_EMU_HDR_LEN : 0);
    struct xsr_xskeys keys;
    struct xsr_cur cur;

    if (take(w, n, &cur, err))
        return -1;
    if (w->s.at == AT_XL2_KEYS) {
        if (xsr_xskeys_get(&cur, &keys, err))
            return -1;
        xsr_xskeys_fini(&keys);
    }
    return go(w, AT_XL2_PAD);
}

/* ---- libxc --------------------------------------------------------------- */

static int ihdr(struct walk *w, struct xsr_err *err)
{
    struct xsr_cur cur;

    if (take(w, XSR_XC3_IHDR_LEN, &cur, err) ||
        xsr_xc3_get_ihdr(&cur, &w->s.ihdr, err))
        return -1;
    return go(w, AT_DHDR);
}

static int dhdr(struct walk *w, struct xsr_err *err)
{
    uint64_t at = w->s.pos;
    struct xsr_cur cur;

    if (take(w, XSR_XC3_DHDR_LEN, &cur, err) ||
        xsr_xc3_get_dhdr(&cur, &w->s.dhdr, err))
        return -1;
    if (w->s.file_type_known &&
        w->s.file_is_pv != (w->s.dhdr.guest == XSR_XC3_PV)) {
        xsr_fail(err, XSR_E_FORMAT, "the image is of another type of guest");
        return xsr_err_at(err, at);
    }
    xsr_xc3_order_init(&w->s.order, w->s.ihdr.version, &w->s.dhdr, false);
    return go(w, AT_REC);
}

static int complete(struct walk *w, uint64_t at, bool idle, struct xsr_err *err)
{
    bool ok = w->s.dhdr.guest != XSR_XC3_PV || idle || w->s.vcpu[0] & 0x80;

    memset(w->s.vcpu, 0, sizeof w->s.vcpu);
    if (ok)
        return 0;
    xsr_fail(err, XSR_E_ORDER, "END before any state of vCPU 0");
    return xsr_err_at(err, at);
}

static int after_rec(struct walk *w, uint64_t at, bool idle,
                     struct xsr_err *err)
{
    uint32_t type = w->s.rec.type;
    bool ends_here = type == XSR_XC3_END || type == XSR_XC3_CHECKPOINT;

    if (ends_here && complete(w, at, idle, err))
        return -1;
    if (type == XSR_XC3_PAGE_DATA)
        return go(w, AT_PAGES);
    if (type & XSR_XC3_OPTIONAL)
        return go(w, AT_SKIP);
    if (!ends_here)
        return go(w, AT_BODY);
    if (w->s.checkpoints) /* a bare image */
        return go(w, type == XSR_XC3_END ? AT_END : AT_REC);
    if (type == XSR_XC3_CHECKPOINT)
        xsr_xl2_order_checkpoint(&w->s.xl2_order);
    return go(w, AT_XL2_REC);
}

static int rec(struct walk *w, struct xsr_err *err)
{
    bool idle = !w->s.order.seen;
    uint64_t at = w->s.pos;
    struct xsr_cur cur;

    w->s.rec = (struct xsr_xc3_rec){0, 0};
    if (take(w, XSR_XC3_REC_HDR_LEN, &cur, err) ||
        xsr_xc3_get_rec(&cur, w->s.ihdr.version, w->s.dhdr.guest, &w->s.rec,
                        err))
        return -1;
    /* Only the one who called knows; from the bytes it shows here. */
    if (w->s.rec.type == XSR_XC3_CHECKPOINT &&
        !xsr_xc3_order_verifying(&w->s.order))
        w->s.order.checkpointed = true;
    if (xsr_xc3_order_next(&w->s.order, w->s.rec.type, at, err))
        return -1;
    return after_rec(w, at, idle, err);
}

static int vcpu(struct walk *w, struct xsr_cur *cur, struct xsr_err *err)
{
    uint8_t bit = (uint8_t)(1u << (w->s.rec.type & 3)); /* 4, 5, 6, 12 */
    uint64_t at = xsr_cur_offset(cur);
    struct xsr_vcpu_blob v;

    if (w->s.rec.type == XSR_XC3_X86_PV_VCPU_MSRS)
        bit = 8;
    if (xsr_blob_get_vcpu(cur, w->s.rec.type, w->s.width, &v, err))
        return -1;
    if (v.vcpu_id >= XSR_ARRAY_LEN(w->s.vcpu))
        return 0;
    if (w->s.vcpu[v.vcpu_id] & bit) {
        xsr_fail(err, XSR_E_ORDER, "a second record of vCPU %u", v.vcpu_id);
        return xsr_err_at(err, at);
    }
    w->s.vcpu[v.vcpu_id] |= bit;
    if (w->s.rec.type == XSR_XC3_X86_PV_VCPU_BASIC && v.len)
        w->s.vcpu[v.vcpu_id] |= 0x80;
    return 0;
}

static int p2m(struct walk *w, struct xsr_cur *cur, struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur), per_frame = 4096u / w->s.width;
    struct xsr_p2m_frames f;

    if (xsr_blob_get_p2m_frames(cur, w->s.width, !w->s.have_p2m, &f, err))
        return -1;
    if (w->s.have_p2m &&
        f.start_pfn / per_frame > w->s.max_pfn / per_frame + 1) {
        xsr_fail(err, XSR_E_FORMAT, "a hole between two X86_PV_P2M_FRAMES");
        return xsr_err_at(err, at);
    }
    w->s.have_p2m = true;
    w->s.max_pfn = xsr_max(w->s.max_pfn, f.end_pfn);
    return 0;
}

static int judge(struct walk *w, struct xsr_cur *cur, struct xsr_err *err)
{
    struct xsr_hvm_param params[XSR_MAX_HVM_PARAMS];
    struct xsr_pv_info info;
    struct xsr_tsc_info tsc;
    const uint8_t *page;
    uint32_t n;

    switch (w->s.rec.type) {
    case XSR_XC3_X86_PV_INFO:
        if (xsr_blob_get_pv_info(cur, &info, err))
            return -1;
        w->s.width = info.guest_width;
        return 0;
    case XSR_XC3_X86_PV_P2M_FRAMES:
        return p2m(w, cur, err);
    case XSR_XC3_SHARED_INFO:
        return xsr_blob_get_shared_info(cur, &page, err);
    case XSR_XC3_X86_TSC_INFO:
        return xsr_blob_get_tsc_info(cur, &tsc, err);
    case XSR_XC3_HVM_CONTEXT:
        return xsr_hvmctx_check(cur, err);
    case XSR_XC3_HVM_PARAMS:
        return xsr_blob_get_hvm_params(cur, params, &n, err);
    case XSR_XC3_X86_CPUID_POLICY:
        return xsr_blob_check_cpuid_policy(cur, &n, err);
    case XSR_XC3_X86_MSR_POLICY:
        return xsr_blob_check_msr_policy(cur, &n, err);
    case XSR_XC3_STATIC_DATA_END:
    case XSR_XC3_VERIFY:
        return 0;
    default:
        return vcpu(w, cur, err);
    }
}

static int body(struct walk *w, struct xsr_err *err)
{
    struct xsr_cur cur;

    if (take(w, w->s.rec.len, &cur, err) || judge(w, &cur, err))
        return -1;
    return go(w, AT_PAD);
}

static int pages(struct walk *w, struct xsr_err *err)
{
    struct xsr_page_rules rules = {
        .guest = w->s.dhdr.guest,
        .max_pfn = w->s.dhdr.guest == XSR_XC3_PV ? w->s.max_pfn : XSR_MAX_PFN,
        .max_level = w->s.width == 4 ? 3 : 4,
    };
    struct xsr_cur cur;
    uint32_t count;

    if (take(w, 8, &cur, err) ||
        xsr_pages_get_count(&cur, w->s.rec.len, &count, err) ||
        take(w, 8ull * count, &cur, err) ||
        xsr_pages_get_entries(&cur, w->s.rec.len, count, &rules, &w->batch,
                              err))
        return -1;
    w->s.n_data = w->batch.n_data;
    return go(w, AT_CONTENT);
}

static int content(struct walk *w, struct xsr_err *err)
{
    struct xsr_cur cur;

    if (take(w, (uint64_t)w->s.n_data * XSR_PAGE_SIZE, &cur, err))
        return -1;
    w->s.n_data = 0;
    return go(w, AT_REC); /* always a multiple of 8 */
}

static int skip(struct walk *w, struct xsr_err *err)
{
    struct xsr_cur cur;

    return take(w, w->s.rec.len, &cur, err) ? -1 : go(w, AT_PAD);
}

static int pad(struct walk *w, struct xsr_err *err)
{
    bool xl2 = w->s.at == AT_XL2_PAD;
    uint32_t n = xsr_xc3_pad(xl2 ? w->s.xl2_rec.len : w->s.rec.len);
    struct xsr_cur cur;

    if (take(w, n, &cur, err) || xsr_get_zero(&cur, n, "padding", err))
        return -1;
    return go(w, xl2 ? AT_XL2_REC : AT_REC);
}

static int at_end(struct walk *w, struct xsr_err *err)
{
    if (w->s.pos == w->len)
        return 0;
    xsr_fail(err, XSR_E_FORMAT, "found %zu bytes behind the end",
             w->len - w->s.pos);
    return xsr_err_at(err, w->s.pos);
}

static const struct {
    const char *name;
    int (*step)(struct walk *w, struct xsr_err *err);
} steps[N_AT] = {
    [AT_MAGIC] = {"magic", magic},
    [AT_XL_HDR] = {"xl header", xl_hdr},
    [AT_XL_CONFIG] = {"xl configuration", xl_config},
    [AT_XL2_HDR] = {"libxl header", xl2_hdr},
    [AT_XL2_REC] = {"libxl record header", xl2_rec},
    [AT_XL2_EMU] = {"emulator sub-header", xl2_emu},
    [AT_XL2_KEYS] = {"emulator keys", xl2_body},
    [AT_XL2_BLOB] = {"libxl record body", xl2_body},
    [AT_XL2_PAD] = {"libxl record padding", pad},
    [AT_IHDR] = {"libxc image header", ihdr},
    [AT_DHDR] = {"libxc domain header", dhdr},
    [AT_REC] = {"libxc record header", rec},
    [AT_BODY] = {"libxc record body", body},
    [AT_PAGES] = {"page entries", pages},
    [AT_CONTENT] = {"page contents", content},
    [AT_SKIP] = {"optional libxc record", skip},
    [AT_PAD] = {"libxc record padding", pad},
    [AT_END] = {"end", at_end},
};

const char *walk_at_name(enum walk_at at)
{
    return steps[at].name;
}

int walk_step(struct walk *w, struct xsr_err *err)
{
    return steps[w->s.at].step(w, err);
}

int walk_all(const uint8_t *p, size_t len, struct xsr_err *err)
{
    struct walk *w = malloc(sizeof *w);
    int rc = 1;

    if (!w)
        return xsr_fail(err, XSR_E_NOMEM, "no memory");
    walk_init(w, p, len);
    while (rc > 0)
        rc = walk_step(w, err);
    free(w);
    return rc;
}
