/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Turns a v2 image of a guest back into the legacy stream that Xen 4.5 would
 * have written of it: `legacy_from_v2 [OPTION...] < V2 > LEGACY`. V2: xl save
 * file, libxl stream or libxc image. With it an image of a real guest can be
 * restored after conversion, which is the strongest test of a converter. What
 * the legacy format cannot say (policies, MSRs, newer parameters) is left out
 * and named on standard error. The whole input is in memory.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/pages.h"
#include "stream/xc3.h"
#include "stream/xl2.h"
#include "stream/xlfile.h"
#include "stream/xskeys.h"
#include "tests/gen/legacy_put.h"

#define MAX_VCPUS 4096u
#define EXTENDED  128u

struct blob {
    const uint8_t *p; /* NULL: not there */
    size_t len;
};

static struct {
    struct xsr_buf in;
    const uint8_t *xl; /* header and configuration */
    size_t xl_len, image, image_end;
    uint32_t guest;
    struct blob keys, state; /* of the emulator, behind the sub-header */
    /* of the image */
    uint8_t guest_width;
    uint32_t p2m_size, n_frames;
    const uint8_t *frames;
    struct blob basic[MAX_VCPUS], extended[MAX_VCPUS], xsave[MAX_VCPUS];
    uint32_t max_vcpu;
    struct blob shared_info, context;
    struct xsr_hvm_param param[XSR_MAX_HVM_PARAMS];
    uint32_t n_params;
    uint64_t highest;
} v2;
static struct {
    unsigned batch;
    bool bare, no_qemu, text;
} opt = {1024, false, false, false};
static struct xsr_err err = XSR_ERR_INIT;

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("legacy_from_v2: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

static void must(int rc)
{
    if (rc)
        die("%s", err.text);
}

static struct xsr_cur cursor(size_t at, size_t len)
{
    struct xsr_cur cur;

    if (at > v2.in.len || len > v2.in.len - at)
        die("the image ends too early");
    xsr_cur_init(&cur, v2.in.p + at, len, at);
    return cur;
}

/* ---- the v2 image --------------------------------------------------------
 */

static void note(const char *what)
{
    fprintf(stderr, "legacy_from_v2: left out: %s\n", what);
}

static void see_vcpu(const struct xsr_xc3_rec *rec, struct xsr_cur *cur)
{
    struct blob *list = rec->type == XSR_XC3_X86_PV_VCPU_BASIC ? v2.basic
                        : rec->type == XSR_XC3_X86_PV_VCPU_EXTENDED
                            ? v2.extended
                            : v2.xsave;
    struct xsr_vcpu_blob b;

    must(xsr_blob_get_vcpu(cur, rec->type, v2.guest_width, &b, &err));
    if (rec->type == XSR_XC3_X86_PV_VCPU_MSRS) {
        note("MSRs of a vCPU");
        return;
    }
    if (b.vcpu_id >= MAX_VCPUS)
        die("vCPU %u", b.vcpu_id);
    list[b.vcpu_id] = (struct blob){b.blob, b.len};
    v2.max_vcpu = (uint32_t)xsr_max(v2.max_vcpu, b.vcpu_id);
}

static void see_pages(struct xsr_cur *cur)
{
    const uint8_t *p = cur->p;
    uint32_t n = xsr_le32(p);

    for (uint32_t i = 0; i < n && 16 + 8ull * i <= cur->len; i++)
        v2.highest =
            xsr_max(v2.highest, xsr_le64(p + 8 + 8ull * i) & XSR_MAX_PFN);
}

static void see_frames(struct xsr_cur *cur)
{
    struct xsr_p2m_frames f;

    must(xsr_blob_get_p2m_frames(cur, v2.guest_width, true, &f, &err));
    v2.p2m_size = f.end_pfn + 1;
    v2.frames = f.frames;
    v2.n_frames = f.n_frames;
}

static void see_record(const struct xsr_xc3_rec *rec, struct xsr_cur *cur)
{
    struct xsr_pv_info info;

    switch (rec->type) {
    case XSR_XC3_X86_PV_INFO:
        must(xsr_blob_get_pv_info(cur, &info, &err));
        v2.guest_width = info.guest_width;
        break;
    case XSR_XC3_X86_PV_P2M_FRAMES:
        see_frames(cur);
        break;
    case XSR_XC3_PAGE_DATA:
        see_pages(cur);
        break;
    case XSR_XC3_X86_PV_VCPU_BASIC:
    case XSR_XC3_X86_PV_VCPU_EXTENDED:
    case XSR_XC3_X86_PV_VCPU_XSAVE:
    case XSR_XC3_X86_PV_VCPU_MSRS:
        see_vcpu(rec, cur);
        break;
    case XSR_XC3_SHARED_INFO:
        v2.shared_info = (struct blob){cur->p, cur->len};
        break;
    case XSR_XC3_HVM_CONTEXT:
        v2.context = (struct blob){cur->p, cur->len};
        break;
    case XSR_XC3_HVM_PARAMS:
        must(xsr_blob_get_hvm_params(cur, v2.param, &v2.n_params, &err));
        break;
    case XSR_XC3_X86_CPUID_POLICY:
    case XSR_XC3_X86_MSR_POLICY:
        note("a CPU policy");
        break;
    default:
        break;
    }
}

/* Every record of the image, twice: once to know, once to write pages. */
static void walk_image(void (*see)(const struct xsr_xc3_rec *,
                                   struct xsr_cur *))
{
    size_t at = v2.image + XSR_XC3_IHDR_LEN + XSR_XC3_DHDR_LEN;
    struct xsr_xc3_rec rec;

    do {
        struct xsr_cur cur = cursor(at, 8);

        must(xsr_get_u32(&cur, &rec.type, "type", &err));
        must(xsr_get_u32(&cur, &rec.len, "length", &err));
        cur = cursor(at + 8, rec.len);
        see(&rec, &cur);
        at += 8 + rec.len + xsr_xc3_pad(rec.len);
    } while (rec.type != XSR_XC3_END);
    v2.image_end = at;
}

static void read_layers(void)
{
    struct xsr_xlfile_hdr hdr;
    struct xsr_xc3_dhdr dhdr;
    struct xsr_cur cur;
    size_t at = 0;

    cur = cursor(0, 48);
    if (xsr_xlfile_probe(v2.in.p, v2.in.len)) {
        must(xsr_xlfile_get_hdr(&cur, &hdr, &err));
        v2.xl = v2.in.p;
        v2.xl_len = at = XSR_XLFILE_HDR_LEN + hdr.optional_len;
    }
    cursor(at, 48);
    if (xsr_xl2_probe(v2.in.p + at, v2.in.len - at))
        at += XSR_XL2_HDR_LEN + XSR_XL2_REC_HDR_LEN;
    cur = cursor(at + XSR_XC3_IHDR_LEN, XSR_XC3_DHDR_LEN);
    must(xsr_xc3_get_dhdr(&cur, &dhdr, &err));
    v2.guest = dhdr.guest;
    v2.image = at;
}

static void read_emulator(void)
{
    size_t at = v2.image_end;
    struct xsr_xl2_rec rec;

    while (v2.in.len - at >= XSR_XL2_REC_HDR_LEN) {
        struct xsr_cur cur = cursor(at, XSR_XL2_REC_HDR_LEN);
        struct blob *to;

        must(xsr_xl2_get_rec(&cur, &rec, &err));
        if (rec.type == XSR_XL2_END)
            return;
        to = rec.type == XSR_XL2_EMULATOR_CONTEXT         ? &v2.state
             : rec.type == XSR_XL2_EMULATOR_XENSTORE_DATA ? &v2.keys
                                                          : NULL;
        if (!to)
            die("libxl record of type %#x: nothing legacy is like it",
                rec.type);
        cur = cursor(at + 16, rec.len - 8);
        *to = (struct blob){cur.p, cur.len};
        at += 8 + rec.len + xsr_xl2_pad(rec.len);
    }
}

/* ---- the legacy stream ---------------------------------------------------
 */

static void put_part(const uint8_t *entries, uint32_t n, const uint8_t **pages)
{
    uint32_t n_data = 0;

    lg_u32(n);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t e = xsr_le64(entries + 8 * i);

        if ((e & XSR_MAX_PFN) > 0x0fffffff)
            die("pfn %#llx is beyond 28 bits",
                (unsigned long long)(e & XSR_MAX_PFN));
        n_data += xsr_page_has_data((uint8_t)(e >> 60));
        lg_ulong((e >> 60) << 28 | (e & 0x0fffffff));
    }
    lg_raw(*pages, (size_t)n_data * XSR_PAGE_SIZE);
    *pages += (size_t)n_data * XSR_PAGE_SIZE;
}

/* Pages, TSC and verify mode, in their order. */
static void put_record(const struct xsr_xc3_rec *rec, struct xsr_cur *cur)
{
    struct xsr_tsc_info tsc;
    const uint8_t *pages;
    uint32_t n;

    if (rec->type == XSR_XC3_VERIFY)
        lg_u32((uint32_t)-1);
    if (rec->type == XSR_XC3_X86_TSC_INFO) {
        must(xsr_blob_get_tsc_info(cur, &tsc, &err));
        lg_tsc(tsc.mode, tsc.nsec, tsc.khz, tsc.incarnation);
    }
    if (rec->type != XSR_XC3_PAGE_DATA)
        return;
    n = xsr_le32(cur->p);
    pages = cur->p + 8 + 8ull * n;
    for (uint32_t i = 0; i < n; i += opt.batch)
        put_part(cur->p + 8 + 8ull * i, (uint32_t)xsr_min(opt.batch, n - i),
                 &pages);
}

static void put_vcpus(void)
{
    uint64_t word[MAX_VCPUS / 64] = {0};

    if (v2.guest == XSR_XC3_HVM) {
        /* of no use there: as many as the context has is more than needed */
        word[0] = 1;
        v2.max_vcpu = 0;
    }
    for (uint32_t i = 0; i < MAX_VCPUS; i++)
        if (v2.basic[i].p)
            word[i / 64] |= 1ull << (i % 64);
    lg_u32((uint32_t)-2);
    lg_u32(v2.max_vcpu);
    for (uint32_t i = 0; i <= v2.max_vcpu / 64; i++)
        lg_u64(word[i]);
}

static void put_params(void)
{
    static const int8_t chunk_of[40] = {
        [34] = -14, [12] = -3,  [15] = -4, [27] = -15, [28] = -16, [29] = -17,
        [17] = -8,  [19] = -10, [9] = -11, [32] = -19, [33] = -20,
    };

    for (uint32_t i = 0; i < v2.n_params; i++) {
        const struct xsr_hvm_param *p = &v2.param[i];
        bool magic = p->index == 1 || p->index == 5 || p->index == 6;

        if (p->index < 40 && chunk_of[p->index] && p->value)
            lg_param(chunk_of[p->index], p->value);
        else if (!magic)
            fprintf(stderr, "legacy_from_v2: left out: HVM parameter %llu\n",
                    (unsigned long long)p->index);
    }
}

static uint64_t param(uint64_t index)
{
    for (uint32_t i = 0; i < v2.n_params; i++)
        if (v2.param[i].index == index)
            return v2.param[i].value;
    return 0;
}

/* The keys of one entry stand together: start_addr, size, name. */
static void put_toolstack(void)
{
    struct xsr_xskeys keys = {NULL, 0};
    struct xsr_cur cur;
    size_t len = 8;

    xsr_cur_init(&cur, v2.keys.p ? v2.keys.p : v2.in.p, v2.keys.len, 0);
    must(xsr_xskeys_get(&cur, &keys, &err));
    for (size_t i = 0; i + 2 < keys.n; i += 3)
        len += lg_physmap_len((uint32_t)strlen(keys.pair[i + 2].value) + 1);
    lg_u32((uint32_t)-18);
    lg_u32((uint32_t)len);
    lg_u32(1);
    lg_u32((uint32_t)(keys.n / 3));
    for (size_t i = 0; i + 2 < keys.n; i += 3)
        lg_physmap(strtoull(keys.pair[i].key + strlen("physmap/"), NULL, 16),
                   strtoull(keys.pair[i].value, NULL, 16),
                   strtoull(keys.pair[i + 1].value, NULL, 16),
                   keys.pair[i + 2].value,
                   (uint32_t)strlen(keys.pair[i + 2].value) + 1);
    xsr_xskeys_fini(&keys);
}

static void put_pv_tail(bool extended, bool xsave)
{
    lg_u32(0); /* unmapped pfns */
    for (uint32_t i = 0; i <= v2.max_vcpu; i++) {
        if (!v2.basic[i].p)
            continue;
        lg_raw(v2.basic[i].p, v2.basic[i].len);
        if (extended) {
            lg_raw(v2.extended[i].p, v2.extended[i].len);
            lg_zero(EXTENDED - v2.extended[i].len);
        }
        if (!xsave)
            continue;
        lg_u64(v2.xsave[i].len ? xsr_le64(v2.xsave[i].p) : 0);
        lg_u64(v2.xsave[i].len ? v2.xsave[i].len : 16);
        lg_raw(v2.xsave[i].p, v2.xsave[i].len);
        lg_zero(v2.xsave[i].len ? 0 : 16);
    }
    lg_raw(v2.shared_info.p, v2.shared_info.len);
}

static void put_hvm_tail(void)
{
    lg_u64(param(5));
    lg_u64(param(6));
    lg_u64(param(1));
    lg_u32((uint32_t)v2.context.len);
    lg_raw(v2.context.p, v2.context.len);
    if (opt.no_qemu)
        return;
    lg_raw("DeviceModelRecord0002", 21);
    lg_u32((uint32_t)v2.state.len);
    lg_raw(v2.state.p, v2.state.len);
}

static void put_xl_header(void)
{
    uint8_t hdr[XSR_XLFILE_HDR_LEN];

    if (!v2.xl || opt.bare)
        return;
    memcpy(hdr, v2.xl, sizeof hdr);
    xsr_st_le32(hdr + 36, opt.text ? 0 : XSR_XLFILE_JSON); /* 4.4, 4.5 */
    lg_raw(hdr, sizeof hdr);
    lg_raw(v2.xl + sizeof hdr, v2.xl_len - sizeof hdr);
}

static void put_all(void)
{
    bool pv = v2.guest == XSR_XC3_PV, extended = false;
    uint32_t xsave = 0;

    for (uint32_t i = 0; i < MAX_VCPUS; i++) {
        extended |= v2.extended[i].p != NULL;
        if (v2.xsave[i].len)
            xsave = (uint32_t)v2.xsave[0].len + !v2.xsave[0].len * 16;
    }
    put_xl_header();
    if (pv) {
        lg_pv_head(v2.p2m_size, (uint32_t)v2.basic[0].len, extended, xsave);
        for (uint32_t i = 0; i < v2.n_frames; i++)
            lg_ulong(xsr_le64(v2.frames + 8ull * i));
    } else {
        lg_ulong(v2.highest + 1);
    }
    /* by live savers it comes before the last batches, so anywhere */
    walk_image(put_record);
    put_vcpus();
    if (!pv)
        put_params();
    put_toolstack();
    lg_u32((uint32_t)-9);
    lg_u32(0);
    if (pv)
        put_pv_tail(extended, xsave != 0);
    else
        put_hvm_tail();
    if (fflush(stdout) != 0)
        die("cannot write: %s", strerror(errno));
}

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"width", 1, NULL, 'w'},       {"batch", 1, NULL, 'b'},
        {"bare", 0, NULL, 'B'},        {"no-qemu", 0, NULL, 'n'},
        {"text-config", 0, NULL, 't'}, {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'w')
            lg_width = !strcmp(optarg, "32") ? 4 : 8;
        else if (c == 'b')
            opt.batch = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'B')
            opt.bare = true;
        else if (c == 'n')
            opt.no_qemu = true;
        else if (c == 't')
            opt.text = true;
        else
            die("options: --width 32|64, --batch N, --bare (no xl header), "
                "--no-qemu, --text-config (an xl header of 4.4)");
    }
    if (opt.batch < 1 || opt.batch > 1024)
        die("--batch takes 1 to 1024");
}

int main(int argc, char **argv)
{
    size_t got;

    read_options(argc, argv);
    do {
        must(xsr_buf_reserve(&v2.in, 1u << 20, &err));
        must(xsr_read_upto(0, v2.in.p + v2.in.len, 1u << 20, &got, "the image",
                           &err));
        v2.in.len += got;
    } while (got);
    read_layers();
    walk_image(see_record);
    read_emulator();
    if (v2.guest == XSR_XC3_PV && !v2.basic[0].p)
        die("vCPU 0 has no state");
    put_all();
    xsr_buf_fini(&v2.in);
    return 0;
}
