/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One header or record -> one line for people and the same as JSON fields.
 * Only rows that the walk found good come here, so the get-calls cannot fail;
 * if one does nevertheless, the line just stays short. Called by inspect_list.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/hvmctx.h"
#include "stream/xskeys.h"
#include "tools/inspect/report.h"

struct out {
    char *text;
    size_t len, used;
    json_t *fields; /* or NULL */
    const struct insp *w;
    struct xsr_cur cur; /* over the row's body */
    struct xsr_err err;
};

static void put(struct out *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct out *o, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(o->text + o->used, o->len - o->used, fmt, ap);
    va_end(ap);
    if (n > 0)
        o->used += xsr_min((uint64_t)n, o->len - o->used - 1);
}

static void num(struct out *o, const char *key, uint64_t value)
{
    if (o->fields)
        json_object_set_new(o->fields, key, insp_u64(value));
}

static void str(struct out *o, const char *key, const char *value)
{
    if (o->fields)
        json_object_set_new(o->fields, key, json_string(value));
}

/* ---- headers ------------------------------------------------------------- */

static void describe_xl_header(struct out *o)
{
    uint32_t flags = o->w->xl.mandatory_flags;

    put(o, "flags 0x%x (%s configuration, %s), %u bytes of configuration",
        flags, flags & XSR_XLFILE_JSON ? "JSON" : "text",
        flags & XSR_XLFILE_STREAM_V2 ? "libxl v2 stream" : "legacy image",
        o->w->xl.optional_len);
    num(o, "mandatory_flags", flags);
    num(o, "optional_flags", o->w->xl.optional_flags);
}

static void describe_config(struct out *o)
{
    const struct insp_guest *g = &o->w->guest;

    if (!g->known) {
        put(o, "of an unknown kind of guest");
        return;
    }
    put(o, "\"%s\", %s, %llu MiB, %u vCPU%s", g->name, insp_guest_type(o->w),
        (unsigned long long)(g->memory_kb >> 10), g->n_vcpus,
        g->n_vcpus == 1 ? "" : "s");
}

static void describe_stream_header(struct out *o)
{
    put(o, "version 2%s",
        o->w->xl2.options & 2 ? ", converted from a legacy stream" : "");
    num(o, "version", 2);
    num(o, "options", o->w->xl2.options);
}

static void describe_domain(struct out *o)
{
    const struct xsr_xc3_dhdr *d = &o->w->dhdr;

    put(o, "%s guest, ", d->guest == XSR_XC3_PV ? "PV" : "HVM or PVH");
    if (d->xen_major)
        put(o, "saved by Xen %u.%u", d->xen_major, d->xen_minor);
    else
        put(o, "converted from a legacy image (converter version %u)",
            d->xen_minor);
    num(o, "guest", d->guest);
    num(o, "xen_major", d->xen_major);
    num(o, "xen_minor", d->xen_minor);
}

static void describe_header(struct out *o, const struct insp_row *row)
{
    if (row->type == INSP_DOMAIN) {
        describe_domain(o);
    } else if (row->layer == INSP_XL) {
        (row->type == INSP_CONFIG ? describe_config : describe_xl_header)(o);
    } else if (row->layer == INSP_LIBXL) {
        describe_stream_header(o);
    } else {
        put(o, "version %u", o->w->ihdr.version);
        num(o, "version", o->w->ihdr.version);
    }
}

/* ---- libxc records ------------------------------------------------------- */

static void describe_pages(struct out *o, const struct xsr_page_batch *b)
{
    json_t *types = o->fields ? json_object() : NULL;
    uint64_t low = UINT64_MAX, high = 0;
    uint32_t n[16] = {0};

    for (uint32_t i = 0; i < b->count; i++) {
        n[b->entry[i].type & 15]++;
        low = xsr_min(low, b->entry[i].pfn);
        high = xsr_max(high, b->entry[i].pfn);
    }
    put(o, "pfn 0x%llx-0x%llx, %u page%s:", (unsigned long long)low,
        (unsigned long long)high, b->count, b->count == 1 ? "" : "s");
    for (uint8_t t = 0; t < 16; t++) {
        if (!n[t])
            continue;
        put(o, " %u %s", n[t], xsr_page_type_name(t));
        if (types)
            json_object_set_new(types, xsr_page_type_name(t),
                                json_integer(n[t]));
    }
    num(o, "first_pfn", low);
    num(o, "last_pfn", high);
    num(o, "pages", b->count);
    num(o, "pages_with_content", b->n_data);
    if (types)
        json_object_set_new(o->fields, "types", types);
}

static void describe_pv_info(struct out *o)
{
    struct xsr_pv_info info;

    if (xsr_blob_get_pv_info(&o->cur, &info, &o->err))
        return;
    put(o, "%u-bit guest, %u page table levels", info.guest_width * 8,
        info.pt_levels);
    num(o, "guest_width", info.guest_width);
    num(o, "pt_levels", info.pt_levels);
}

static void describe_p2m_frames(struct out *o)
{
    struct xsr_p2m_frames f;

    if (xsr_blob_get_p2m_frames(&o->cur, o->w->width, false, &f, &o->err))
        return;
    put(o, "pfn 0x%x-0x%x, listed in %u page%s", f.start_pfn, f.end_pfn,
        f.n_frames, f.n_frames == 1 ? "" : "s");
    num(o, "start_pfn", f.start_pfn);
    num(o, "end_pfn", f.end_pfn);
    num(o, "frames", f.n_frames);
}

static void describe_vcpu(struct out *o, uint32_t type)
{
    struct xsr_vcpu_blob v;
    bool wide = o->w->width == 8;

    if (xsr_blob_get_vcpu(&o->cur, type, o->w->width, &v, &o->err))
        return;
    put(o, "vCPU %u, ", v.vcpu_id);
    num(o, "vcpu", v.vcpu_id);
    if (!v.len) {
        put(o, "empty");
    } else if (type == XSR_XC3_X86_PV_VCPU_BASIC) {
        uint64_t cr3 = wide ? xsr_le64(v.blob + 5008) : xsr_le32(v.blob + 2728);

        cr3 = wide ? cr3 >> 12 : (uint32_t)(cr3 >> 12 | cr3 << 20);
        put(o, "%zu bytes, cr3 at pfn 0x%llx", v.len, (unsigned long long)cr3);
        num(o, "cr3_pfn", cr3);
        if (v.vcpu_id == 0) {
            uint64_t si =
                wide ? xsr_le64(v.blob + 616) : xsr_le32(v.blob + 524);

            put(o, ", start_info at pfn 0x%llx", (unsigned long long)si);
            num(o, "start_info_pfn", si);
        }
    } else if (type == XSR_XC3_X86_PV_VCPU_XSAVE) {
        put(o, "%zu bytes, xcr0 0x%llx", v.len,
            (unsigned long long)xsr_le64(v.blob));
        num(o, "xcr0", xsr_le64(v.blob));
    } else if (type == XSR_XC3_X86_PV_VCPU_MSRS) {
        put(o, "%zu MSRs", v.len / 16);
    } else {
        put(o, "%zu bytes", v.len);
    }
}

static void describe_shared_info(struct out *o)
{
    const uint8_t *p = o->cur.p;
    uint64_t n = o->w->width == 4 ? xsr_le32(p + 2316) : xsr_le64(p + 3088);

    put(o, "the guest counts %llu pages", (unsigned long long)n);
    num(o, "max_pfn", n);
}

static void describe_tsc(struct out *o)
{
    static const char *const modes[] = {"default", "always emulated",
                                        "never emulated"};
    struct xsr_tsc_info t;

    if (xsr_blob_get_tsc_info(&o->cur, &t, &o->err))
        return;
    put(o, "mode %u (%s), %u kHz, incarnation %u", t.mode, modes[t.mode], t.khz,
        t.incarnation);
    num(o, "mode", t.mode);
    num(o, "khz", t.khz);
    num(o, "nsec", t.nsec);
    num(o, "incarnation", t.incarnation);
}

static void describe_hvm_context(struct out *o)
{
    json_t *list = o->fields ? json_array() : NULL;
    uint32_t n = 0, n_cpus = 0, same = 0;
    struct xsr_hvmctx_entry e;
    uint16_t last = 0;
    int more;

    do {
        more = xsr_hvmctx_next(&o->cur, &e, &o->err);
        if (more < 0)
            break;
        if (list)
            json_array_append_new(list, json_pack("{s:s, s:i, s:i}", "name",
                                                  xsr_hvmctx_name(e.typecode),
                                                  "instance", (int)e.instance,
                                                  "length", (int)e.len));
        same = n && e.typecode == last ? same + 1 : 1;
        if (same == 1)
            put(o, "%s%s", n ? " " : "", xsr_hvmctx_name(e.typecode));
        n_cpus += e.typecode == 2;
        last = e.typecode;
        n++;
    } while (more);
    put(o, "; %u entries, %u vCPU%s", n, n_cpus, n_cpus == 1 ? "" : "s");
    num(o, "vcpus", n_cpus);
    if (list)
        json_object_set_new(o->fields, "entries", list);
}

static void describe_hvm_params(struct out *o)
{
    json_t *list = o->fields ? json_object() : NULL;
    struct xsr_hvm_param p[XSR_MAX_HVM_PARAMS];
    uint32_t n = 0;

    xsr_blob_get_hvm_params(&o->cur, p, &n, &o->err);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = xsr_hvm_param_name(p[i].index);
        char unnamed[24];

        if (!name) {
            snprintf(unnamed, sizeof unnamed, "%llu",
                     (unsigned long long)p[i].index);
            name = unnamed;
        }
        put(o, "%s%s=0x%llx", i ? " " : "", name,
            (unsigned long long)p[i].value);
        if (list)
            json_object_set_new(list, name, insp_u64(p[i].value));
    }
    if (!n)
        put(o, "empty");
    if (list)
        json_object_set_new(o->fields, "params", list);
}

static void describe_cpuid(struct out *o)
{
    uint32_t n, basic = 0, extended = 0;

    if (xsr_blob_check_cpuid_policy(&o->cur, &n, &o->err))
        return;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t leaf = xsr_le32(o->cur.p + XSR_CPUID_LEAF_LEN * (size_t)i);

        if (leaf < 0x40000000)
            basic = (uint32_t)xsr_max(basic, leaf);
        else if (leaf >= 0x80000000)
            extended = (uint32_t)xsr_max(extended, leaf);
    }
    put(o, "%u leaves, up to 0x%x and 0x%x", n, basic, extended);
    num(o, "leaves", n);
}

static void describe_msrs(struct out *o)
{
    const uint8_t *p = o->cur.p;
    uint32_t n;

    if (xsr_blob_check_msr_policy(&o->cur, &n, &o->err))
        return;
    put(o, "%u MSR%s:", n, n == 1 ? "" : "s");
    for (uint32_t i = 0; i < n; i++, p += XSR_MSR_ENTRY_LEN)
        put(o, " 0x%x=0x%llx", xsr_le32(p),
            (unsigned long long)xsr_le64(p + 8));
    num(o, "msrs", n);
}

static void describe_image_record(struct out *o, const struct insp_row *row)
{
    switch (row->type) {
    case XSR_XC3_PAGE_DATA:
        describe_pages(o, row->batch);
        break;
    case XSR_XC3_X86_PV_INFO:
        describe_pv_info(o);
        break;
    case XSR_XC3_X86_PV_P2M_FRAMES:
        describe_p2m_frames(o);
        break;
    case XSR_XC3_X86_PV_VCPU_BASIC:
    case XSR_XC3_X86_PV_VCPU_EXTENDED:
    case XSR_XC3_X86_PV_VCPU_XSAVE:
    case XSR_XC3_X86_PV_VCPU_MSRS:
        describe_vcpu(o, row->type);
        break;
    case XSR_XC3_SHARED_INFO:
        describe_shared_info(o);
        break;
    case XSR_XC3_X86_TSC_INFO:
        describe_tsc(o);
        break;
    case XSR_XC3_HVM_CONTEXT:
        describe_hvm_context(o);
        break;
    case XSR_XC3_HVM_PARAMS:
        describe_hvm_params(o);
        break;
    case XSR_XC3_X86_CPUID_POLICY:
        describe_cpuid(o);
        break;
    case XSR_XC3_X86_MSR_POLICY:
        describe_msrs(o);
        break;
    case XSR_XC3_STATIC_DATA_END:
        put(o, "end of what does not depend on the guest's run");
        break;
    case XSR_XC3_VERIFY:
        put(o, "pages from here on are compared, not written");
        break;
    case XSR_XC3_CHECKPOINT:
        put(o, "one consistent state of the guest is complete");
        break;
    case XSR_XC3_END:
        put(o, "end of the image");
        break;
    }
}

/* ---- libxl records ------------------------------------------------------- */

static void describe_emulator(struct out *o, const struct insp_row *row)
{
    static const char *const ids[] = {"unknown emulator", "QEMU traditional",
                                      "QEMU"};
    struct xsr_xl2_emu emu;
    struct xsr_xskeys keys;

    if (xsr_xl2_get_emu(&o->cur, &emu, &o->err))
        return;
    put(o, "%s, ", ids[emu.id]);
    num(o, "emulator_id", emu.id);
    if (row->type == XSR_XL2_EMULATOR_CONTEXT) {
        uint32_t n = row->len - XSR_XL2_EMU_HDR_LEN;
        const uint8_t *p = row->body + XSR_XL2_EMU_HDR_LEN;

        put(o, "%u bytes", n);
        num(o, "context_length", n);
        if (row->body_len >= 16 && !memcmp(p, "QEVM", 4))
            put(o, ", QEVM v%u", __builtin_bswap32(xsr_le32(p + 4)));
        else if (n)
            put(o, ", not a QEVM file");
        return;
    }
    if (xsr_xskeys_get(&o->cur, &keys, &o->err))
        return;
    put(o, "%zu keys of %zu physmap entr%s", keys.n, keys.n / 3,
        keys.n == 3 ? "y" : "ies");
    num(o, "keys", keys.n);
    xsr_xskeys_fini(&keys);
}

static void describe_stream_record(struct out *o, const struct insp_row *row)
{
    switch (row->type) {
    case XSR_XL2_END:
        put(o, "end of the stream");
        break;
    case XSR_XL2_LIBXC_CONTEXT:
        put(o, "the guest image follows");
        break;
    case XSR_XL2_EMULATOR_XENSTORE_DATA:
    case XSR_XL2_EMULATOR_CONTEXT:
        describe_emulator(o, row);
        break;
    case XSR_XL2_CHECKPOINT_END:
        put(o, "the image goes on behind it");
        break;
    }
}

void insp_describe(const struct insp *w, const struct insp_row *row, char *text,
                   size_t text_len, json_t *fields)
{
    struct out o = {.text = text,
                    .len = text_len,
                    .fields = fields,
                    .w = w,
                    .err = XSR_ERR_INIT};

    text[0] = '\0';
    xsr_cur_init(&o.cur, row->body, row->body_len, row->offset);
    if (row->type >= INSP_DOMAIN) {
        describe_header(&o, row);
    } else if (row->type & XSR_XC3_OPTIONAL) {
        put(&o, "type 0x%x, unknown and skipped", row->type);
        str(&o, "note", "unknown and skipped");
    } else if (row->layer == INSP_LIBXC) {
        describe_image_record(&o, row);
    } else {
        describe_stream_record(&o, row);
    }
}
