/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes a synthetic, complete and valid image to standard output: options in,
 * bytes out, the same options always give the same bytes. Memory stays at a few
 * MiB whatever the guest's size. content.h fills pages, pv.h and pv_state.h
 * make a PV guest, hvm.h the others; here are options, layers and order.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fd.h"
#include "stream/xc3.h"
#include "stream/xl2.h"
#include "stream/xlfile.h"
#include "tests/gen/hvm.h"
#include "tests/gen/policy.h"
#include "tests/gen/pv_state.h"

#define FLUSH_AT     (4u << 20)
#define VERIFY_ROUND 3

static struct {
    const char *type;   /* "pv", "pvh", "hvm" */
    const char *layers; /* "xl", "libxl", "libxc" */
    uint64_t memory_mib, seed;
    uint32_t vcpus, version, emu_size;
    unsigned zero, text, random;
    bool physmap, live, verify, xsave;
} opt = {"pvh", "xl", 64, 1,     1,     3,     8040,
         40,    45,   15, false, false, false, false};

static struct content content;
static struct pv pv;
static struct hvm hvm;
static bool is_pv;
static struct xsr_buf out;
static struct xsr_err err = XSR_ERR_INIT;

static void __attribute__((noreturn)) die(const char *why)
{
    fprintf(stderr, "genimage: %s\n", why);
    exit(1);
}

static void must(int rc)
{
    if (rc)
        die(err.text);
}

static void flush(void)
{
    must(xsr_write_all(1, out.p, out.len, "standard output", &err));
    xsr_buf_clear(&out);
}

static void record(uint32_t type, const void *body, size_t len)
{
    must(xsr_xc3_put_rec(&out, type, body, (uint32_t)len, &err));
}

/* ---- memory -------------------------------------------------------------- */

static uint8_t type_of(uint64_t pfn)
{
    if (is_pv)
        return pv_types[pv_kind(&pv, pfn)];
    return hvm_present(&hvm, pfn) ? XSR_PT_NOTAB : XSR_PT_XTAB;
}

/* One page in about thirty. */
static bool sent_in(uint64_t pfn, unsigned round)
{
    return mix64(opt.seed + round * 977 + pfn) % 31 == 0;
}

static void put_page(uint64_t pfn, unsigned round)
{
    /* what it holds changed when it was last sent live */
    if (round == VERIFY_ROUND)
        round = opt.live ? 2 : 0;
    while (round && !sent_in(pfn, round))
        round--;
    must(xsr_buf_reserve(&out, XSR_PAGE_SIZE, &err));
    if (is_pv)
        pv_fill(&pv, &content, pfn, round, out.p + out.len);
    else
        hvm_fill(&content, pfn, round, out.p + out.len);
    out.len += XSR_PAGE_SIZE;
}

static void put_batch(const struct xsr_page_entry *e, uint32_t n,
                      unsigned round)
{
    if (!n)
        return;
    must(xsr_pages_put_head(&out, e, n, &err));
    for (uint32_t i = 0; i < n; i++)
        if (xsr_page_has_data(e[i].type))
            put_page(e[i].pfn, round);
    if (out.len >= FLUSH_AT)
        flush();
}

/* Every pfn once, in batches that begin at multiples of 1024. */
static void put_first_pass(uint64_t top)
{
    struct xsr_page_entry e[XSR_MAX_PAGE_BATCH];
    uint32_t n = 0;

    for (uint64_t pfn = 0; pfn <= top; pfn++) {
        e[n++] = (struct xsr_page_entry){pfn, type_of(pfn)};
        if (n == XSR_MAX_PAGE_BATCH || pfn == top) {
            put_batch(e, n, 0);
            n = 0;
        }
    }
}

/* Some pages again: those that the guest wrote to, or a check of the copy. */
static void put_again(uint64_t top, unsigned round)
{
    struct xsr_page_entry e[XSR_MAX_PAGE_BATCH];
    uint32_t n = 0;

    for (uint64_t pfn = 0; pfn <= top; pfn++) {
        if (!sent_in(pfn, round) || !xsr_page_has_data(type_of(pfn)))
            continue;
        e[n++] = (struct xsr_page_entry){pfn, type_of(pfn)};
        if (n == XSR_MAX_PAGE_BATCH) {
            put_batch(e, n, round);
            n = 0;
        }
    }
    put_batch(e, n, round);
}

static void put_memory(void)
{
    uint64_t top = is_pv ? pv.n - 1 : hvm.top;

    put_first_pass(top);
    if (opt.live) {
        put_again(top, 1);
        put_again(top, 2);
    }
    if (opt.verify) {
        record(XSR_XC3_VERIFY, NULL, 0);
        put_again(top, VERIFY_ROUND);
    }
}

/* ---- state --------------------------------------------------------------- */

static void put_policies(void)
{
    uint8_t body[sizeof gen_leaves];

    for (size_t i = 0; i < sizeof gen_leaves / 4; i++)
        xsr_st_le32(body + 4 * i, gen_leaves[i / 6][i % 6]);
    record(XSR_XC3_X86_CPUID_POLICY, body, sizeof gen_leaves);
    for (size_t i = 0; i < sizeof gen_msrs / 4; i++)
        xsr_st_le32(body + 4 * i, gen_msrs[i / 4][i % 4]);
    record(XSR_XC3_X86_MSR_POLICY, body, sizeof gen_msrs);
}

static void put_tsc(void)
{
    uint8_t body[24] = {0};

    xsr_st_le32(body + 4, 2600000);
    xsr_st_le64(body + 8, 1234567890 + opt.seed);
    xsr_st_le32(body + 16, 1);
    record(XSR_XC3_X86_TSC_INFO, body, sizeof body);
}

static void put_pv_head(void)
{
    static const uint8_t info[8] = {8, 4};
    struct xsr_buf frames = XSR_BUF_INIT;

    if (opt.version == 2)
        record(XSR_XC3_X86_PV_INFO, info, sizeof info);
    must(xsr_buf_put_u32(&frames, 0, &err));
    must(xsr_buf_put_u32(&frames, (uint32_t)(pv.n - 1), &err));
    for (uint64_t i = 0; i < pv_count(&pv, K_P2M); i++)
        must(xsr_buf_put_u64(&frames, pv.first[K_P2M] + i, &err));
    record(XSR_XC3_X86_PV_P2M_FRAMES, frames.p, frames.len);
    xsr_buf_fini(&frames);
}

static void put_pv_vcpu(uint32_t vcpu)
{
    static uint8_t body[8 + XSR_VCPU64_LEN];

    xsr_st_le64(body, vcpu);
    pv_vcpu_basic(&pv, vcpu, body + 8);
    record(XSR_XC3_X86_PV_VCPU_BASIC, body, sizeof body);
    pv_vcpu_extended(vcpu, body + 8);
    record(XSR_XC3_X86_PV_VCPU_EXTENDED, body, 8 + 64);
    if (!opt.xsave)
        return;
    pv_vcpu_xsave(body + 8);
    record(XSR_XC3_X86_PV_VCPU_XSAVE, body, 8 + 848);
    xsr_st_le64(body + 8, 0xc0000103); /* TSC_AUX */
    xsr_st_le64(body + 16, vcpu + 1);
    record(XSR_XC3_X86_PV_VCPU_MSRS, body, 8 + 16);
}

static void put_pv_state(void)
{
    uint8_t page[XSR_PAGE_SIZE];

    put_tsc();
    pv_shared_info(&pv, opt.vcpus, page);
    record(XSR_XC3_SHARED_INFO, page, sizeof page);
    for (uint32_t v = 0; v < opt.vcpus; v++)
        put_pv_vcpu(v);
}

static void put_hvm_context(void)
{
    struct xsr_buf ctx = XSR_BUF_INIT;

    for (size_t i = 0; i < XSR_ARRAY_LEN(hvm_chain); i++) {
        uint32_t n = hvm_chain[i][2] ? hvm_chain[i][2] : opt.vcpus;

        if (hvm_chain[i][3] && hvm.pvh)
            continue;
        for (uint32_t k = 0; k < n; k++) {
            must(xsr_buf_put_u16(&ctx, hvm_chain[i][0], &err));
            must(xsr_buf_put_u16(&ctx, (uint16_t)k, &err));
            must(xsr_buf_put_u32(&ctx, hvm_chain[i][1], &err));
            must(xsr_buf_put_zero(&ctx, hvm_chain[i][1], &err));
            hvm_body(hvm_chain[i][0], (uint16_t)k,
                     ctx.p + ctx.len - hvm_chain[i][1]);
        }
    }
    record(XSR_XC3_HVM_CONTEXT, ctx.p, ctx.len);
    xsr_buf_fini(&ctx);
}

static void put_hvm_state(void)
{
    struct xsr_hvm_param p[XSR_MAX_HVM_PARAMS];
    uint8_t body[8 + 16 * XSR_MAX_HVM_PARAMS] = {0};
    uint32_t n = hvm_params(&hvm, p);

    put_tsc();
    put_hvm_context();
    xsr_st_le32(body, n);
    for (uint32_t i = 0; i < n; i++) {
        xsr_st_le64(body + 8 + 16 * i, p[i].index);
        xsr_st_le64(body + 16 + 16 * i, p[i].value);
    }
    record(XSR_XC3_HVM_PARAMS, body, 8 + 16 * (size_t)n);
}

/* ---- layers -------------------------------------------------------------- */

static void put_image(void)
{
    static const uint8_t info[8] = {8, 4};

    must(xsr_xc3_put_ihdr(&out, opt.version, &err));
    must(xsr_xc3_put_dhdr(&out, is_pv ? XSR_XC3_PV : XSR_XC3_HVM, 4,
                          opt.version == 2 ? 13 : 17, &err));
    if (opt.version == 3) {
        if (is_pv)
            record(XSR_XC3_X86_PV_INFO, info, sizeof info);
        put_policies();
        record(XSR_XC3_STATIC_DATA_END, NULL, 0);
    }
    if (is_pv)
        put_pv_head();
    put_memory();
    if (is_pv)
        put_pv_state();
    else
        put_hvm_state();
    record(XSR_XC3_END, NULL, 0);
}

static void put_emulator(void)
{
    static const char *const regions[] = {"vga.vram", "vga.rom"};
    struct xsr_buf body = XSR_BUF_INIT;

    must(xsr_buf_put_u64(&body, 2, &err)); /* id 2, index 0 */
    for (size_t i = 0; opt.physmap && i < XSR_ARRAY_LEN(regions); i++) {
        unsigned at = 0xf0000000u + 0x800000u * (unsigned)i;

        must(xsr_buf_printf(&body, &err, "physmap/%x/start_addr%c%x%c", at, 0,
                            at, 0));
        must(
            xsr_buf_printf(&body, &err, "physmap/%x/size%c800000%c", at, 0, 0));
        must(xsr_buf_printf(&body, &err, "physmap/%x/name%c%s%c", at, 0,
                            regions[i], 0));
    }
    if (opt.physmap) {
        must(xsr_xl2_put_rec(&out, XSR_XL2_EMULATOR_XENSTORE_DATA,
                             (uint32_t)body.len, &err));
        must(xsr_buf_put(&out, body.p, body.len, &err));
        must(xsr_buf_put_zero(&out, xsr_xl2_pad((uint32_t)body.len), &err));
    }
    xsr_buf_fini(&body);
    must(xsr_xl2_put_rec(&out, XSR_XL2_EMULATOR_CONTEXT, opt.emu_size + 8,
                         &err));
    must(xsr_buf_put_u64(&out, 2, &err));
    /* no devices, their end, and what no device model looks at */
    must(xsr_buf_put(&out, "QEVM\0\0\0\3", xsr_min(8, opt.emu_size), &err));
    for (uint32_t done = 8; done < opt.emu_size; done += 8) {
        uint8_t word[8];

        xsr_st_le64(word, done == 8 ? 0 : mix64(opt.seed ^ done));
        must(xsr_buf_put(&out, word, xsr_min(8, opt.emu_size - done), &err));
        if (out.len >= FLUSH_AT)
            flush();
    }
    must(xsr_buf_put_zero(&out, xsr_xl2_pad(opt.emu_size + 8), &err));
}

static void put_xl_header(void)
{
    struct xsr_buf json = XSR_BUF_INIT;
    uint64_t id = mix64(opt.seed);

    must(xsr_buf_printf(
        &json, &err,
        "{\"c_info\": {\"type\": \"%s\", \"name\": \"gen-%s-%llu\", "
        "\"uuid\": \"%08x-%04x-4%03x-8%03x-%012llx\", "
        "\"run_hotplug_scripts\": \"True\"}, "
        "\"b_info\": {\"max_vcpus\": %u, \"avail_vcpus\": [",
        opt.type, opt.type, (unsigned long long)opt.seed, (unsigned)(id >> 32),
        (unsigned)(id & 0xffff), (unsigned)(id >> 16 & 0xfff),
        (unsigned)(id >> 8 & 0xfff), (unsigned long long)(mix64(id) >> 16),
        opt.vcpus));
    for (uint32_t v = 0; v < opt.vcpus; v++)
        must(xsr_buf_printf(&json, &err, "%s%u", v ? ", " : "", v));
    must(xsr_buf_printf(
        &json, &err,
        "], \"max_memkb\": %llu, \"target_memkb\": %llu, "
        "\"video_memkb\": %u, \"type.%s\": {}}, \"on_reboot\": \"preserve\", "
        "\"on_crash\": \"preserve\"}",
        (unsigned long long)opt.memory_mib << 10,
        (unsigned long long)opt.memory_mib << 10,
        (unsigned)(hvm.video << (XSR_PAGE_SHIFT - 10)), opt.type));
    must(xsr_buf_put_zero(&json, 1, &err));
    must(xsr_xlfile_put(&out, (const char *)json.p, &err));
    xsr_buf_fini(&json);
}

static void put_all(void)
{
    bool xl = !strcmp(opt.layers, "xl");
    bool libxl = xl || !strcmp(opt.layers, "libxl");

    if (xl)
        put_xl_header();
    if (libxl) {
        must(xsr_xl2_put_hdr(&out, 0, &err));
        must(xsr_xl2_put_rec(&out, XSR_XL2_LIBXC_CONTEXT, 0, &err));
    }
    put_image();
    if (libxl && !strcmp(opt.type, "hvm"))
        put_emulator();
    if (libxl)
        must(xsr_xl2_put_rec(&out, XSR_XL2_END, 0, &err));
    flush();
    xsr_buf_fini(&out);
}

/* ---- options ------------------------------------------------------------- */

static const char usage[] =
    "usage: genimage [--type pv|pvh|hvm] [--memory MiB] [--vcpus N]\n"
    "    [--seed S] [--version 2|3] [--layers xl|libxl|libxc]\n"
    "    [--zero PCT --text PCT --random PCT] [--emu-size N] [--physmap]\n"
    "    [--live] [--verify] [--xsave] > IMAGE\n";

static uint64_t number(const char *text, uint64_t max)
{
    char *end;
    unsigned long long v;

    errno = 0;
    v = strtoull(text, &end, 0);
    if (errno || end == text || *end || *text == '-' || v > max) {
        fprintf(stderr, "genimage: %s is not a number up to %llu\n%s", text,
                (unsigned long long)max, usage);
        exit(2);
    }
    return v;
}

static void read_option(int c, const char *arg)
{
    switch (c) {
    case 't':
        opt.type = arg;
        break;
    case 'm':
        opt.memory_mib = number(arg, 1u << 20);
        break;
    case 'v':
        opt.vcpus = (uint32_t)number(arg, 128);
        break;
    case 's':
        opt.seed = number(arg, UINT64_MAX);
        break;
    case 'V':
        opt.version = (uint32_t)number(arg, 3);
        break;
    case 'l':
        opt.layers = arg;
        break;
    case 'z':
        opt.zero = (unsigned)number(arg, 100);
        break;
    case 'x':
        opt.text = (unsigned)number(arg, 100);
        break;
    case 'r':
        opt.random = (unsigned)number(arg, 100);
        break;
    case 'e':
        opt.emu_size = (uint32_t)number(arg, 1u << 30);
        break;
    case 'p':
        opt.physmap = true;
        break;
    case 'L':
        opt.live = true;
        break;
    case 'y':
        opt.verify = true;
        break;
    case 'X':
        opt.xsave = true;
        break;
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

static bool one_of(const char *text, const char *a, const char *b,
                   const char *c)
{
    return !strcmp(text, a) || !strcmp(text, b) || !strcmp(text, c);
}

static void check_options(void)
{
    uint64_t n = opt.memory_mib << (20 - XSR_PAGE_SHIFT);

    if (!one_of(opt.type, "pv", "pvh", "hvm") ||
        !one_of(opt.layers, "xl", "libxl", "libxc") || opt.version < 2 ||
        !opt.vcpus) {
        fputs(usage, stderr);
        exit(2);
    }
    if (opt.zero + opt.text + opt.random != 100)
        die("--zero, --text and --random must add up to 100");
    is_pv = !strcmp(opt.type, "pv");
    if (is_pv ? !pv_layout(&pv, n, opt.vcpus, opt.seed)
              : !hvm_layout(&hvm, !strcmp(opt.type, "pvh"), n))
        die("not enough memory for such a guest");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"type", 1, NULL, 't'},    {"memory", 1, NULL, 'm'},
        {"vcpus", 1, NULL, 'v'},   {"seed", 1, NULL, 's'},
        {"version", 1, NULL, 'V'}, {"layers", 1, NULL, 'l'},
        {"zero", 1, NULL, 'z'},    {"text", 1, NULL, 'x'},
        {"random", 1, NULL, 'r'},  {"emu-size", 1, NULL, 'e'},
        {"physmap", 0, NULL, 'p'}, {"live", 0, NULL, 'L'},
        {"verify", 0, NULL, 'y'},  {"xsave", 0, NULL, 'X'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        read_option(c, optarg);
    check_options();
    if (isatty(1))
        die("standard output is a terminal; redirect it");
    content_init(&content, opt.seed);
    content.zero_pct = opt.zero;
    content.text_pct = opt.text;
    put_all();
    return 0;
}
