/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HVM and PVH guests for genimage: where their memory lies, their parameters
 * and the chain of an HVM_CONTEXT, with the sizes and the order that Xen 4.17
 * writes (docs/formats). Device state is mostly zero, vCPUs are halted-looking
 * real-mode ones: enough for every check that a loader makes.
 */
#ifndef XSR_TESTS_GEN_HVM_H
#define XSR_TESTS_GEN_HVM_H

#include "lib/buf.h"
#include "stream/blobs.h"
#include "tests/gen/content.h"

#define HOLE_START  0xf0000ull /* 3.75 GiB: below 4 GiB nothing but ours */
#define HOLE_END    0x100000ull
#define VIDEO_PAGES 0x800u  /* 8 MiB, part of an HVM guest's memory */
#define VIDEO_FROM  0x1000u /* a guest below 16 MiB gets none */
#define TOP_SPECIAL 0xfefffull

struct hvm {
    bool pvh;
    uint64_t video, low, high; /* pages: of it, below and above the hole */
    uint64_t top;              /* highest pfn that the first pass names */
};

static inline bool hvm_layout(struct hvm *h, bool pvh, uint64_t n)
{
    uint64_t ram;

    if (n < 512)
        return false;
    h->pvh = pvh;
    h->video = pvh || n < VIDEO_FROM ? 0 : VIDEO_PAGES;
    ram = n - h->video;
    h->low = ram < HOLE_START ? ram : HOLE_START;
    h->high = ram - h->low;
    h->top = h->high ? HOLE_END + h->high - 1 : TOP_SPECIAL;
    return true;
}

static inline bool hvm_present(const struct hvm *h, uint64_t pfn)
{
    if (pfn >= HOLE_END)
        return pfn < HOLE_END + h->high;
    if (pfn < h->low)
        return h->pvh ? pfn != 0x10 : pfn < 0xa0 || pfn >= 0xc0;
    if (pfn >= 0xfeff8 && pfn <= TOP_SPECIAL)
        return true;
    if (h->pvh)
        return pfn >= 0xfc000 && pfn <= 0xfc008;
    return (pfn >= HOLE_START && pfn < HOLE_START + h->video) ||
           (pfn >= 0xfc000 && pfn <= 0xfc00a) || pfn == 0xfc100 ||
           (pfn >= 0xfeff0 && pfn <= TOP_SPECIAL);
}

static inline void hvm_fill(const struct content *c, uint64_t pfn,
                            unsigned round, uint8_t *page)
{
    static const char ring[] = "left in a ring by the guest; ";

    if (pfn < 0xfeff0 || pfn > TOP_SPECIAL) {
        content_fill(c, page, pfn, round);
        return;
    }
    memset(page, 0, XSR_PAGE_SIZE);
    memcpy(page, ring, sizeof ring);
}

static inline uint32_t hvm_params(const struct hvm *h,
                                  struct xsr_hvm_param *out)
{
    static const struct xsr_hvm_param both[] = {
        {1, 0xfeffc},  {5, 0xfeffd},  {6, 0xfeffb},  {27, 0xfeff8},
        {28, 0xfeff9}, {29, 0xfeffa}, {17, 0xfefff}, {12, 0xfeffe000},
    };
    static const struct xsr_hvm_param hvm_only[] = {
        {37, 0x180fc100280},
        {19, 1},
        {32, 0xfeff0},
        {33, 8},
    };
    uint32_t n = XSR_ARRAY_LEN(both);

    memcpy(out, both, sizeof both);
    if (!h->pvh) {
        memcpy(out + n, hvm_only, sizeof hvm_only);
        n += XSR_ARRAY_LEN(hvm_only);
    }
    return n;
}

/* type, length, how many (0: one per vCPU), only with a device model */
static const uint16_t hvm_chain[][4] = {
    {1, 24, 1, 0}, {2, 1032, 0, 0}, {3, 8, 2, 1},   {4, 400, 1, 1},
    {5, 24, 0, 0}, {6, 1024, 0, 0}, {7, 16, 1, 0},  {8, 8, 1, 0},
    {9, 8, 1, 0},  {10, 56, 1, 1},  {11, 24, 1, 1}, {12, 1048, 1, 1},
    {13, 8, 1, 1}, {14, 240, 0, 0}, {18, 32, 0, 0}, {19, 8, 0, 0},
    {0, 0, 1, 0},
};

/* One vCPU's register state, 1032 bytes, in the state of a reset. */
static inline void hvm_cpu(uint8_t *p)
{
    xsr_st_le16(p, 0x37f);
    xsr_st_le32(p + 24, 0x1f80);
    xsr_st_le64(p + 640, 0xfff0);       /* rip */
    xsr_st_le64(p + 648, 2);            /* rflags */
    xsr_st_le64(p + 656, 0x10);         /* cr0: ET */
    xsr_st_le64(p + 720, 0xffff0ff0);   /* dr6 */
    xsr_st_le64(p + 728, 0x400);        /* dr7 */
    for (int seg = 0; seg < 8; seg++) { /* limits, access rights */
        xsr_st_le32(p + 768 + 4 * seg, seg < 6 ? 0xffff : 0x67);
        xsr_st_le32(p + 888 + 4 * seg, seg == 0 ? 0x9b : 0x93);
    }
    xsr_st_le32(p + 912, 0x8b); /* tr */
    xsr_st_le32(p + 916, 0x82); /* ldtr */
}

static inline void hvm_body(uint16_t type, uint16_t vcpu, uint8_t *p)
{
    if (type == 1) {
        xsr_st_le32(p, 0x54381286);     /* magic */
        xsr_st_le32(p + 4, 1);          /* version */
        xsr_st_le64(p + 8, UINT64_MAX); /* changeset: unknown */
        xsr_st_le32(p + 16, 0x60fb1);   /* CPU family, model */
        xsr_st_le32(p + 20, 2600000);   /* TSC, kHz */
    } else if (type == 2) {
        hvm_cpu(p);
    } else if (type == 5) {
        xsr_st_le64(p, 0xfee00800 | (vcpu ? 0 : 0x100));
    } else if (type == 6) {
        xsr_st_le32(p + 0x20, (uint32_t)vcpu * 2 << 24);
        xsr_st_le32(p + 0x30, 0x50014); /* version */
        xsr_st_le32(p + 0xf0, 0xff);    /* spurious vector, disabled */
    } else if (type == 14) {
        xsr_st_le64(p, 0x0007040600070406); /* PAT */
        xsr_st_le64(p + 224, 0x508);        /* capabilities */
    }
}

#endif
