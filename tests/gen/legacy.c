/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes a legacy stream (Xen 4.0 to 4.5) of a guest that never was:
 * `legacy [OPTION...] > STREAM`. Its structure is that of real savers, page
 * contents follow from pfn and generation alone. What a v2 stream made of it
 * holds does not depend on --width, so streams of both widths must convert to
 * the same bytes; with --checkpoints, the last one has the contents of a plain
 * stream of --generation N.
 */
#include "lib/util.h"
#include "tests/gen/content.h"
#include "tests/gen/legacy_opts.h"
#include "tests/gen/legacy_put.h"

#define P2M_AT  16u /* first page of the p2m list */
#define CTX64   5168u
#define CTX32   2800u
#define STATE   "QEVM\0\0\0\3"
#define T_L1    0x1u
#define T_L2    0x2u
#define T_PIN3  0xbu
#define T_PIN4  0xcu
#define BROKEN  0xdu
#define XALLOC  0xeu
#define XTAB    0xfu
#define NOTHING 0xf0000000u

static struct opts opt = {
    .guest_width = 8,
    .pages = 300,
    .max_vcpu = 2,
    .batch = 64,
    .checkpoints = 1,
    .signature = "libxl",
    .state = 9,
};

/* ---- pages --------------------------------------------------------------- */

static unsigned type_of(unsigned pfn)
{
    if (opt.hvm)
        return 0;
    if (pfn == 3)
        return opt.guest_width == 8 ? T_PIN4 : T_PIN3;
    if (pfn == 4)
        return opt.guest_width == 8 ? T_PIN4 : 0;
    return pfn == 5 ? T_L1 : pfn == 6 ? T_L2 : 0;
}

static bool dirtied(unsigned pfn, unsigned checkpoint)
{
    return mix64(pfn ^ (uint64_t)checkpoint << 32) % 4 == 0;
}

/* When was the page written last, up to that checkpoint? */
static unsigned written(unsigned pfn, unsigned checkpoint)
{
    while (checkpoint && !dirtied(pfn, checkpoint))
        checkpoint--;
    return checkpoint;
}

static void fill(unsigned pfn, unsigned generation, uint8_t *page)
{
    memset(page, 0, XSR_PAGE_SIZE);
    if (!opt.hvm && type_of(pfn))
        return;                 /* page tables: empty */
    if (!opt.hvm && pfn == 1) { /* start info: store and console */
        if (opt.guest_width == 8) {
            xsr_st_le64(page + 0x38, 8);
            xsr_st_le64(page + 0x48, 9);
        } else {
            xsr_st_le32(page + 0x2c, 8);
            xsr_st_le32(page + 0x34, 9);
        }
        return;
    }
    content_random(page, XSR_PAGE_SIZE, mix64(pfn));
    if (generation) /* some words differ */
        content_random(page + 512 * (generation % 8), 64,
                       mix64(pfn ^ (uint64_t)generation << 32));
    xsr_st_le64(page, pfn);
    xsr_st_le64(page + 8, generation);
}

static void put_contents(const unsigned *pfn, unsigned n, unsigned checkpoint)
{
    uint8_t page[XSR_PAGE_SIZE];

    for (unsigned i = 0; i < n; i++) {
        fill(pfn[i], written(pfn[i], checkpoint), page);
        lg_raw(page, sizeof page);
    }
}

static bool is_hole(unsigned pfn)
{
    return opt.hvm && pfn >= 0xa0 && pfn < 0xc0;
}

/* A batch of the n pages; extra: HVM entries that name no content. */
static void put_batch(const unsigned *pfn, unsigned n, bool extra,
                      bool contents, unsigned checkpoint)
{
    if (!n && !extra)
        return;
    lg_u32(n + (extra ? 4 : 0));
    for (unsigned i = 0; i < n; i++)
        lg_ulong(type_of(pfn[i]) << 28 | pfn[i]);
    if (extra) { /* holes, and pages that come later or are broken */
        lg_ulong(opt.old_xtab ? NOTHING | 0xa0 : NOTHING);
        lg_ulong(opt.old_xtab ? NOTHING | 0xa1 : NOTHING);
        lg_ulong(XALLOC << 28 | 0xb0);
        lg_ulong(BROKEN << 28 | 0xb1);
    }
    if (contents)
        put_contents(pfn, n, checkpoint);
}

/* All pages, or those that were dirtied since the checkpoint before. */
static void put_pages(bool all, unsigned checkpoint, bool contents)
{
    bool extra = opt.hvm && all;
    unsigned pfns[1024], n = 0;

    for (unsigned pfn = 0; pfn < opt.pages; pfn++) {
        if (is_hole(pfn) || (!all && !dirtied(pfn, checkpoint)))
            continue;
        pfns[n++] = pfn;
        if (n < opt.batch - (extra ? 4 : 0))
            continue;
        put_batch(pfns, n, extra, contents, checkpoint);
        n = 0;
        extra = false;
    }
    put_batch(pfns, n, extra, contents, checkpoint);
}

/* ---- compressed contents ------------------------------------------------- */

/* Runs of words that differ from what the receiver has. */
static size_t pack_runs(const uint8_t *old, const uint8_t *new, uint8_t *out)
{
    size_t at = 0, w = 0;

    while (w < 1024) {
        bool same = !memcmp(old + 4 * w, new + 4 * w, 4);
        size_t n = 1;

        while (w + n < 1024 && n < 127 &&
               same == !memcmp(old + 4 * (w + n), new + 4 * (w + n), 4))
            n++;
        out[at++] = (uint8_t)(n | (same ? 0x80 : 0));
        if (!same) {
            memcpy(out + at, new + 4 * w, 4 * n);
            at += 4 * n;
        }
        w += n;
    }
    return at;
}

/* Some pages whole, some as runs, some that turn out to be unchanged. */
static size_t pack(unsigned pfn, unsigned checkpoint, uint8_t *out)
{
    uint8_t old[XSR_PAGE_SIZE], new[XSR_PAGE_SIZE];

    fill(pfn, written(pfn, checkpoint - 1), old);
    fill(pfn, written(pfn, checkpoint), new);
    out[0] = 0;
    if (!memcmp(old, new, sizeof old))
        return 1;
    if (type_of(pfn) == 0 && pfn % 5)
        return pack_runs(old, new, out);
    out[0] = 0x80;
    memcpy(out + 1, new, sizeof new);
    return 1 + sizeof new;
}

/* Several chunks, each of a whole number of pages. */
static void put_compressed(unsigned checkpoint)
{
    static uint8_t buf[32 * 4105];
    size_t len = 0;
    unsigned n = 0;

    for (unsigned pfn = 0; pfn <= opt.pages; pfn++) {
        bool last = pfn == opt.pages;

        if (!last && (is_hole(pfn) || !dirtied(pfn, checkpoint)))
            continue;
        if (!last) {
            len += pack(pfn, checkpoint, buf + len);
            n++;
        }
        if (n && (last || n == 32)) {
            lg_u32((uint32_t)-12);
            lg_ulong(len);
            lg_raw(buf, len);
            len = n = 0;
        }
    }
}

/* ---- chunks -------------------------------------------------------------- */

static bool online(int vcpu)
{
    return vcpu <= 2 || vcpu == opt.max_vcpu;
}

static void put_vcpus(bool wrong)
{
    lg_u32((uint32_t)-2);
    lg_u32((uint32_t)opt.max_vcpu);
    for (int w = 0; w <= opt.max_vcpu / 64; w++) {
        uint64_t word = 0;

        for (int v = 64 * w; v < 64 * w + 64 && v <= opt.max_vcpu; v++)
            if (online(v) && !(wrong && v))
                word |= 1ull << (v % 64);
        lg_u64(word);
    }
}

static void put_params(void)
{
    static const struct {
        int id;
        uint64_t value;
    } params[] = {
        {-14, 0xfc100280}, {-3, 0xfeffe000}, {-15, 0xfeff8}, {-16, 0xfeff9},
        {-17, 0xfeffa},    {-4, 0xfeffd000}, {-8, 0xfefff},  {-10, 1},
        {-11, 1},          {-19, 0xfeff0},   {-20, 8},
    };

    for (size_t i = 0; i < XSR_ARRAY_LEN(params); i++)
        if (params[i].id != -20 || !opt.half_ioreq)
            lg_param(params[i].id, params[i].value);
}

static void put_toolstack(void)
{
    static const char *const names[] = {"vga.vram", "vga.rom", "x"};
    size_t len = 8;

    for (unsigned i = 0; i < opt.physmap; i++)
        len += lg_physmap_len(
            opt.nameless && i == 0 ? 0 : (uint32_t)strlen(names[i % 3]) + 1);
    lg_u32((uint32_t)-18);
    lg_u32((uint32_t)len);
    lg_u32(1);
    lg_u32(opt.physmap);
    for (unsigned i = 0; i < opt.physmap; i++)
        lg_physmap(0xf0000000ull + 0x800000ull * i, 0xf0000000ull + i, 0x800000,
                   names[i % 3],
                   opt.nameless && i == 0 ? 0
                                          : (uint32_t)strlen(names[i % 3]) + 1);
}

static void put_tmem(bool extra)
{
    static const uint8_t page[XSR_PAGE_SIZE];

    if (extra) {
        lg_u32((uint32_t)-6);
        lg_u32(0); /* pool */
        lg_zero(24 + 4);
        lg_u32(UINT32_MAX);
        return;
    }
    lg_u32((uint32_t)-5);
    for (int i = 0; i < 7; i++)
        lg_u32(i == 2 || i == 6 ? UINT32_MAX : 1);
    lg_u32(0); /* pool, flags, pages, uuid */
    lg_u32(0);
    lg_u32(3);
    lg_zero(16);
    for (unsigned i = 0; i < 2; i++) { /* fewer than announced */
        lg_u64(i);
        lg_zero(16);
        lg_u32(i);
        lg_raw(page, sizeof page);
    }
    lg_u64(UINT64_MAX);
    lg_u64(UINT64_MAX);
    lg_u64(UINT64_MAX);
    lg_u32(UINT32_MAX);
}

static void put_body(unsigned checkpoint)
{
    bool packed = checkpoint && opt.compress;

    if (opt.tmem && !checkpoint)
        put_tmem(false);
    if (!checkpoint && !opt.live)
        lg_tsc(0, 123456789, 2500000, 3);
    if (opt.all_xtab && !checkpoint) {
        lg_u32(3);
        for (int i = 0; i < 3; i++)
            lg_ulong(NOTHING);
    }
    put_pages(!checkpoint, checkpoint + opt.generation, !packed);
    if (packed)
        put_compressed(checkpoint);
    if (opt.live && !checkpoint) {
        if (opt.tmem)
            put_tmem(true);
        lg_tsc(0, 123456789, 2500000, 3);
        put_pages(false, 1, true);
    }
    if (opt.verify && !checkpoint) {
        lg_u32((uint32_t)-1);
        put_pages(true, opt.live ? 1 : 0, true);
    }
    if (opt.twice_vcpus)
        put_vcpus(true);
    if (!opt.no_vcpus)
        put_vcpus(false);
    if (opt.hvm)
        put_params();
    put_toolstack();
    if (opt.checkpoints == 1)
        lg_u32((uint32_t)-9);
    else if (opt.compress && !checkpoint)
        lg_u32((uint32_t)-13);
    lg_u32(0);
}

/* ---- tails --------------------------------------------------------------- */

static void put_vcpu(int v)
{
    static uint8_t ctx[CTX64];
    bool wide = opt.guest_width == 8;

    memset(ctx, 0, sizeof ctx);
    xsr_st_le32(ctx + 0x200, 0x20);
    if (v == 0)
        xsr_st_le32(ctx + (wide ? 0x268 : 0x20c), 1); /* start info */
    xsr_st_le32(ctx + (wide ? 0x12e0 : 0xa50), 2);    /* GDT */
    xsr_st_le32(ctx + (wide ? 0x1360 : 0xa90), 512);
    if (wide)
        xsr_st_le64(ctx + 0x1380, 1 | 4 << 12);
    xsr_st_le32(ctx + (wide ? 0x1390 : 0xaa8), 3 << 12);
    ctx[8] = (uint8_t)v; /* no two alike */
    lg_raw(ctx, wide ? CTX64 : CTX32);
    lg_u32((uint32_t)v);
    lg_u32(64);
    lg_zero(120);
    if (!opt.xsave[v & 1])
        return;
    lg_u64(7);
    lg_u64(opt.xsave[v & 1]);
    lg_u64(7);
    lg_u64(7);
    lg_zero(opt.xsave[v & 1] - 16);
}

static void put_pv_tail(unsigned checkpoint)
{
    lg_u32(opt.unmapped);
    for (unsigned i = 0; i < opt.unmapped; i++)
        lg_ulong(opt.pages - 1 - i);
    for (int v = 0; v <= opt.max_vcpu; v++)
        if (online(v) && !(opt.no_vcpus && v))
            put_vcpu(v);
    lg_u64(checkpoint + opt.generation); /* of the shared info page */
    lg_zero(XSR_PAGE_SIZE - 8);
}

static void put_state(void)
{
    const char *s = opt.signature;

    if (!strcmp(s, "libxl"))
        lg_raw("DeviceModelRecord0002", 21);
    else if (!strcmp(s, "remus"))
        lg_raw("RemusDeviceModelState", 21);
    else if (!strcmp(s, "xenserver"))
        lg_raw("QemuDeviceModelRecord\n", 22);
    else if (!strcmp(s, "xend"))
        lg_raw("QemuDeviceModelRecord", 21);
    else
        lg_raw("QemuNobodyEverSawThis", 21);
    if (!strcmp(s, "xenserver"))
        lg_be32(opt.state);
    else if (strcmp(s, "xend"))
        lg_u32(opt.state);
    lg_raw(STATE, xsr_min(8, opt.state));
    lg_zero(opt.state > 8 ? opt.state - 8 : 0);
}

static void put_hvm_tail(unsigned checkpoint)
{
    lg_u64(0xfeffd);
    lg_u64(0xfeffb);
    lg_u64(0xfeffc);
    lg_u32(8 + 24 + 8);
    lg_u32(1); /* the header of a context */
    lg_u32(24);
    lg_u32(0x54381286);
    lg_u32(1);
    lg_u64(checkpoint + opt.generation);
    lg_u64(0);
    lg_u64(0); /* its end */
    put_state();
}

/* ---- all of it ----------------------------------------------------------- */

static void put_unknown_block(void)
{
    lg_ulong(opt.pages);
    lg_ulong(UINT64_MAX);
    lg_u32((opt.guest_width == 8 ? CTX64 : CTX32) + 8 + 8 + 12 + 8);
    lg_raw("futr", 4);
    lg_u32(12);
    lg_zero(12);
    lg_raw("vcpu", 4);
    lg_u32(opt.guest_width == 8 ? CTX64 : CTX32);
    lg_zero(opt.guest_width == 8 ? CTX64 : CTX32);
    lg_raw("extv", 4);
    lg_u32(0);
}

static void put_xl_header(void)
{
    static const char config[] = "name = \"old\"\n";

    lg_raw("Xen saved domain, xl format\n \0 \r", 32);
    lg_u32(0x01020304);
    lg_u32(0);
    lg_u32(0);
    lg_u32(4 + sizeof config);
    lg_u32(sizeof config);
    lg_raw(config, sizeof config);
}

static void put_head(void)
{
    unsigned per_page = 4096 / opt.guest_width;

    if (opt.xl)
        put_xl_header();
    if (opt.hvm) {
        lg_ulong(opt.pages);
        return;
    }
    if (opt.unknown_block)
        put_unknown_block();
    else
        lg_pv_head(opt.pages, opt.guest_width == 8 ? CTX64 : CTX32, true,
                   opt.xsave[0]);
    for (unsigned i = 0; i * per_page < opt.pages; i++)
        lg_ulong(P2M_AT + i);
}

int main(int argc, char **argv)
{
    opt_read(argc, argv, &opt, &lg_width);
    if (opt.pages < 64 || opt.batch < 8 || opt.batch > 1024 ||
        opt.max_vcpu > 4095) {
        fputs("legacy: at least 64 pages, batches of 8 to 1024\n", stderr);
        return 2;
    }
    put_head();
    for (unsigned c = 0; c < opt.checkpoints; c++) {
        put_body(c);
        if (opt.hvm)
            put_hvm_tail(c);
        else
            put_pv_tail(c);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
