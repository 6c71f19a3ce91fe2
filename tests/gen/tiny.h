/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole and valid images of a few pages, below 100 KiB, for tests that break
 * one octet after the other. Unlike those of genimage they do not restore: no
 * guest fits into 16 pages; but every rule of `xensr check` has something to
 * judge in them. Here what all have, and PV; tiny_image.h has the rest.
 */
#ifndef XSR_TESTS_GEN_TINY_H
#define XSR_TESTS_GEN_TINY_H

#include "lib/buf.h"
#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/xc3.h"

enum tiny_kind { TINY_PV64, TINY_PV32, TINY_PVH, TINY_HVM, TINY_REMUS };
enum {
    T_RAM,
    T_START,
    T_STORE,
    T_CONSOLE,
    T_GDT,
    T_P2M,
    T_L4,
    T_L3,
    T_L2,
    T_L1,
    T_L4U,
    T_HOLE,
    T_END = 16
};

struct tiny {
    enum tiny_kind kind;
    struct xsr_buf out;
    struct xsr_err err;
    int rc; /* the first failure, of memory only */
};

static inline void tiny_bytes(struct tiny *t, const void *p, size_t n)
{
    t->rc |= xsr_buf_put(&t->out, p, n, &t->err);
}

static inline void tiny_rec(struct tiny *t, uint32_t type, const void *p,
                            size_t n)
{
    t->rc |= xsr_xc3_put_rec(&t->out, type, p, (uint32_t)n, &t->err);
}

/* ---- PV ------------------------------------------------------------------ */

static inline uint8_t tiny_type(const struct tiny *t, uint32_t pfn)
{
    bool wide = t->kind == TINY_PV64;

    switch (pfn) {
    case T_L4:
        return wide ? 0xc : 0xf;
    case T_L4U:
        return wide ? 0x4 : 0xf;
    case T_L3:
        return wide ? 0x3 : 0xb;
    case T_L2:
        return 0x2;
    case T_L1:
        return 0x1;
    case T_HOLE:
        return 0xf;
    default:
        return 0x0;
    }
}

static inline void tiny_pv_page(const struct tiny *t, uint32_t pfn, uint8_t *p)
{
    bool wide = t->kind == TINY_PV64;

    memset(p, pfn < T_L4 || pfn > T_HOLE ? (int)pfn : 0, XSR_PAGE_SIZE);
    if (pfn == T_START) {
        memset(p, 0, XSR_PAGE_SIZE);
        memcpy(p, wide ? "xen-3.0-x86_64" : "xen-3.0-x86_32p", 15);
        xsr_st_le32(p + (wide ? 56 : 44), T_STORE);
        xsr_st_le32(p + (wide ? 72 : 52), T_CONSOLE);
    } else if (pfn == T_L4 || pfn == T_L4U) {
        xsr_st_le64(p, T_L3 << 12 | 0x67);
    } else if (pfn == T_L3) {
        xsr_st_le64(p, T_L2 << 12 | (wide ? 0x67 : 1));
    } else if (pfn == T_L2) {
        xsr_st_le64(p, T_L1 << 12 | 0x67);
    } else if (pfn == T_L1) {
        for (uint32_t i = 0; i < T_END; i++)
            xsr_st_le64(p + 8 * i, i == T_HOLE ? 0 : i << 12 | 0x65);
    }
}

static inline void tiny_pv_memory(struct tiny *t)
{
    uint8_t head[8 + 8 * T_END] = {T_END}, page[XSR_PAGE_SIZE];
    struct xsr_buf body = XSR_BUF_INIT;

    for (uint32_t i = 0; i < T_END; i++)
        xsr_st_le64(head + 8 + 8 * i, (uint64_t)tiny_type(t, i) << 60 | i);
    t->rc |= xsr_buf_put(&body, head, sizeof head, &t->err);
    for (uint32_t i = 0; i < T_END; i++)
        if (tiny_type(t, i) < 0xd) {
            tiny_pv_page(t, i, page);
            t->rc |= xsr_buf_put(&body, page, sizeof page, &t->err);
        }
    tiny_rec(t, XSR_XC3_PAGE_DATA, body.p, body.len);
    xsr_buf_fini(&body);
}

static inline void tiny_pv_vcpu(struct tiny *t, uint32_t vcpu)
{
    static uint8_t body[8 + XSR_VCPU64_LEN];
    bool wide = t->kind == TINY_PV64;
    uint8_t *b = body + 8;

    memset(body, 0, sizeof body);
    xsr_st_le32(body, vcpu);
    xsr_st_le32(b + (wide ? 616 : 524), vcpu ? 0x1234 : T_START);
    xsr_st_le32(b + (wide ? 4832 : 2640), T_GDT);
    xsr_st_le32(b + (wide ? 4960 : 2704), 16);
    if (wide) {
        xsr_st_le64(b + 4992, vcpu ? 0 : T_L4U << 12 | 1);
        xsr_st_le64(b + 5008, T_L4 << 12);
    } else {
        xsr_st_le32(b + 2728, T_L3 << 12);
    }
    tiny_rec(t, XSR_XC3_X86_PV_VCPU_BASIC, body,
             8 + (wide ? XSR_VCPU64_LEN : XSR_VCPU32_LEN));
    memset(b, 0, 1024);
    xsr_st_le32(b, vcpu);
    xsr_st_le32(b + 4, 64);
    tiny_rec(t, XSR_XC3_X86_PV_VCPU_EXTENDED, body, 8 + 64);
    memset(b, 0, 1024);
    b[0] = b[8] = b[16 + 512] = 7;
    tiny_rec(t, XSR_XC3_X86_PV_VCPU_XSAVE, body, 8 + 848);
    memset(b, 0, 1024);
    xsr_st_le32(b, 0x48);
    b[8] = 1;
    xsr_st_le32(b + 16, 0xc0000103);
    b[24] = 1;
    tiny_rec(t, XSR_XC3_X86_PV_VCPU_MSRS, body, 8 + 32);
}

#endif
