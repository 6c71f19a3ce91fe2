/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `--decode`: one record -> a tree of everything in it. The tables of fields
 * are in stream/fields, the walker over them in inspect_fields; here is which
 * table belongs to which record, and what is a list. Keys of lists name their
 * elements ("CPU/0", "0x80000001"), so that two images can be compared.
 */
#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/hvmctx.h"
#include "stream/xskeys.h"
#include "tools/inspect/report.h"

#define MAX_FRAMES_SHOWN 64u

json_t *insp_digest(const uint8_t *p, size_t n)
{
    char hash[24];

    snprintf(hash, sizeof hash, "%016llx",
             (unsigned long long)XXH3_64bits(p, n));
    return json_string(hash);
}

/* What no table describes is told by length and digest. */
static void put_tail(json_t *tree, const char *name, const uint8_t *p, size_t n)
{
    if (n)
        json_object_set_new(tree, name,
                            json_pack("{s:I, s:o}", "length", (json_int_t)n,
                                      "xxh3", insp_digest(p, n)));
}

/* count entries of u32 index, u32 reserved, u64 value */
static void put_msrs(json_t *tree, const uint8_t *p, size_t n)
{
    char key[64];

    for (size_t i = 0; i < n; i++, p += 16) {
        const char *name = xsr_msr_name(xsr_le32(p));

        snprintf(key, sizeof key, "0x%x%s%s", xsr_le32(p), name ? " " : "",
                 name ? name : "");
        json_object_set_new(tree, key, insp_hex_u64(xsr_le64(p + 8)));
    }
}

/* ---- HVM ----------------------------------------------------------------- */

static json_t *decode_hvm_entry(const struct xsr_hvmctx_entry *e)
{
    const struct xsr_layout *layout = xsr_layout_hvm(e->typecode, e->len);
    json_t *tree =
        layout ? insp_fields(layout, e->body, e->len) : json_object();
    size_t known = layout ? xsr_min(layout->len, e->len) : 0;

    json_object_set_new(tree, "length", json_integer(e->len));
    if (e->typecode == 20)
        put_msrs(tree, e->body + known, (e->len - known) / 16);
    else
        put_tail(tree, e->typecode == 16 ? "components" : "rest",
                 e->body + known, e->len - known);
    return tree;
}

static json_t *decode_hvm_context(struct xsr_cur *cur)
{
    struct xsr_err err = XSR_ERR_INIT;
    json_t *tree = json_object();
    struct xsr_hvmctx_entry e;
    char key[48];

    while (xsr_hvmctx_next(cur, &e, &err) > 0) {
        const char *name = xsr_hvmctx_name(e.typecode);

        if (strcmp(name, "?"))
            snprintf(key, sizeof key, "%s/%u", name, e.instance);
        else
            snprintf(key, sizeof key, "type %u/%u", e.typecode, e.instance);
        json_object_set_new(tree, key, decode_hvm_entry(&e));
    }
    return tree;
}

static json_t *decode_hvm_params(struct xsr_cur *cur)
{
    struct xsr_hvm_param p[XSR_MAX_HVM_PARAMS];
    struct xsr_err err = XSR_ERR_INIT;
    json_t *tree = json_object();
    uint32_t n = 0;
    char key[24];

    if (xsr_blob_get_hvm_params(cur, p, &n, &err))
        return tree;
    for (uint32_t i = 0; i < n; i++) {
        const char *name = xsr_hvm_param_name(p[i].index);

        snprintf(key, sizeof key, "%llu", (unsigned long long)p[i].index);
        json_object_set_new(tree, name ? name : key, insp_hex_u64(p[i].value));
    }
    return tree;
}

/* ---- PV ------------------------------------------------------------------ */

static json_t *decode_p2m_frames(struct xsr_cur *cur, uint8_t width)
{
    struct xsr_err err = XSR_ERR_INIT;
    json_t *tree = json_object();
    struct xsr_p2m_frames f;
    char key[24];

    if (xsr_blob_get_p2m_frames(cur, width, false, &f, &err))
        return tree;
    json_object_set_new(tree, "start_pfn", insp_hex_u64(f.start_pfn));
    json_object_set_new(tree, "end_pfn", insp_hex_u64(f.end_pfn));
    json_object_set_new(tree, "frames", json_integer(f.n_frames));
    for (uint32_t i = 0; i < f.n_frames && i < MAX_FRAMES_SHOWN; i++) {
        snprintf(key, sizeof key, "frame[%u]", i);
        json_object_set_new(tree, key,
                            insp_hex_u64(xsr_le64(f.frames + 8 * (size_t)i)));
    }
    if (f.n_frames > MAX_FRAMES_SHOWN)
        put_tail(tree, "more_frames", f.frames + 8 * MAX_FRAMES_SHOWN,
                 8 * ((size_t)f.n_frames - MAX_FRAMES_SHOWN));
    return tree;
}

static json_t *decode_vcpu(struct xsr_cur *cur, uint32_t type, uint8_t width)
{
    const struct xsr_layout *layout =
        type == XSR_XC3_X86_PV_VCPU_BASIC      ? xsr_layout_vcpu(width)
        : type == XSR_XC3_X86_PV_VCPU_EXTENDED ? &xsr_layout_vcpu_extended
        : type == XSR_XC3_X86_PV_VCPU_XSAVE    ? &xsr_layout_vcpu_xsave
                                               : NULL;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_vcpu_blob v;
    json_t *tree;

    if (xsr_blob_get_vcpu(cur, type, width, &v, &err))
        return json_object();
    tree = layout ? insp_fields(layout, v.blob, v.len) : json_object();
    json_object_set_new(tree, "vcpu_id", json_integer(v.vcpu_id));
    json_object_set_new(tree, "length", json_integer((json_int_t)v.len));
    if (!layout)
        put_msrs(tree, v.blob, v.len / 16);
    else if (v.len > layout->len)
        put_tail(tree,
                 type == XSR_XC3_X86_PV_VCPU_XSAVE ? "components" : "rest",
                 v.blob + layout->len, v.len - layout->len);
    return tree;
}

static json_t *decode_pv_info(struct xsr_cur *cur)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_pv_info info;

    if (xsr_blob_get_pv_info(cur, &info, &err))
        return json_object();
    return json_pack("{s:i, s:i}", "guest_width", (int)info.guest_width,
                     "pt_levels", (int)info.pt_levels);
}

/* ---- policies ------------------------------------------------------------ */

static json_t *decode_cpuid(const uint8_t *p, size_t len)
{
    json_t *tree = json_object();
    char key[48];

    for (; len >= XSR_CPUID_LEAF_LEN;
         p += XSR_CPUID_LEAF_LEN, len -= XSR_CPUID_LEAF_LEN) {
        uint32_t leaf = xsr_le32(p), sub = xsr_le32(p + 4);

        if (sub == UINT32_MAX)
            snprintf(key, sizeof key, "0x%x", leaf);
        else
            snprintf(key, sizeof key, "0x%x.%u", leaf, sub);
        json_object_set_new(
            tree, key,
            insp_fields(&xsr_layout_cpuid_leaf, p, XSR_CPUID_LEAF_LEN));
    }
    return tree;
}

static json_t *decode_msr_policy(const uint8_t *p, size_t len)
{
    json_t *tree = json_object();

    put_msrs(tree, p, len / XSR_MSR_ENTRY_LEN);
    return tree;
}

/* ---- pages, keys, configuration -------------------------------------------
 */

/* Runs of numbers of one type, as many as a record of 1024 can have. */
static json_t *decode_pages(const struct xsr_page_batch *b)
{
    json_t *tree = json_object();
    char key[48];

    for (uint32_t i = 0, n; i < b->count; i += n) {
        const struct xsr_page_entry *e = &b->entry[i];

        for (n = 1; i + n < b->count && e[n].type == e->type; n++)
            if (e[n].pfn != e->pfn + n)
                break;
        snprintf(key, sizeof key, n == 1 ? "0x%llx" : "0x%llx-0x%llx",
                 (unsigned long long)e->pfn,
                 (unsigned long long)(e->pfn + n - 1));
        json_object_set_new(tree, key,
                            json_string(xsr_page_type_name(e->type)));
    }
    return tree;
}

static json_t *decode_keys(struct xsr_cur *cur)
{
    struct xsr_err err = XSR_ERR_INIT;
    json_t *tree = json_object();
    struct xsr_xskeys keys;
    struct xsr_xl2_emu emu;

    if (xsr_xl2_get_emu(cur, &emu, &err) || xsr_xskeys_get(cur, &keys, &err))
        return tree;
    for (size_t i = 0; i < keys.n; i++)
        json_object_set_new(tree, keys.pair[i].key,
                            json_string(keys.pair[i].value));
    xsr_xskeys_fini(&keys);
    return tree;
}

/* A configuration may hold any JSON; of nothing else the text is kept. */
static json_t *decode_config(const struct insp *w, struct xsr_cur *cur)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xlfile_config config;

    if (!(w->xl.mandatory_flags & XSR_XLFILE_JSON) ||
        xsr_xlfile_get_config(cur, &w->xl, &config, &err))
        return NULL;
    return json_loadb(config.text, config.len, 0, NULL);
}

/* ---- which is which -------------------------------------------------------
 */

static json_t *decode_image_record(const struct insp *w,
                                   const struct insp_row *row,
                                   struct xsr_cur *cur)
{
    switch (row->type) {
    case XSR_XC3_PAGE_DATA:
        return row->batch ? decode_pages(row->batch) : NULL;
    case XSR_XC3_X86_PV_INFO:
        return decode_pv_info(cur);
    case XSR_XC3_X86_PV_P2M_FRAMES:
        return decode_p2m_frames(cur, w->width);
    case XSR_XC3_X86_PV_VCPU_BASIC:
    case XSR_XC3_X86_PV_VCPU_EXTENDED:
    case XSR_XC3_X86_PV_VCPU_XSAVE:
    case XSR_XC3_X86_PV_VCPU_MSRS:
        return decode_vcpu(cur, row->type, w->width);
    case XSR_XC3_SHARED_INFO:
        return insp_fields(xsr_layout_shared_info(w->width), row->body,
                           row->body_len);
    case XSR_XC3_X86_TSC_INFO:
        return insp_fields(&xsr_layout_tsc_info, row->body, row->body_len);
    case XSR_XC3_HVM_CONTEXT:
        return decode_hvm_context(cur);
    case XSR_XC3_HVM_PARAMS:
        return decode_hvm_params(cur);
    case XSR_XC3_X86_CPUID_POLICY:
        return decode_cpuid(row->body, row->body_len);
    case XSR_XC3_X86_MSR_POLICY:
        return decode_msr_policy(row->body, row->body_len);
    default:
        return NULL;
    }
}

json_t *insp_decode(const struct insp *w, const struct insp_row *row,
                    const struct xsr_qemu *q)
{
    struct xsr_cur cur;

    if (row->bad.kind != XSR_E_OK)
        return NULL;
    xsr_cur_init(&cur, row->body, row->body_len, row->offset);
    if (row->layer == INSP_XL)
        return row->type == INSP_CONFIG ? decode_config(w, &cur) : NULL;
    if (row->layer == INSP_LIBXC)
        return decode_image_record(w, row, &cur);
    if (row->type == XSR_XL2_EMULATOR_XENSTORE_DATA)
        return decode_keys(&cur);
    return row->type == XSR_XL2_EMULATOR_CONTEXT && q ? insp_qemu_tree(q, row)
                                                      : NULL;
}
