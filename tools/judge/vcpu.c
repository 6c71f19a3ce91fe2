/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * X86_PV_VCPU_BASIC, EXTENDED, XSAVE and MSRS. Frames that a vCPU names are
 * noted here and judged at END (pv.c).
 */
#include <stdlib.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/xc3.h"
#include "tools/check/check.h"

#define MAX_GDT_ENTS 7168u
#define GDT_PER_PAGE 512u
#define CONTENT      0x80u /* the record was there and not empty */

static void want(struct chk *c, enum chk_rule rule, uint32_t vcpu, uint64_t at,
                 uint64_t pfn, uint8_t level)
{
    if (c->n_want == c->want_cap) {
        size_t cap = c->want_cap ? 2 * c->want_cap : 32;
        struct chk_want *more = realloc(c->want, cap * sizeof *more);

        if (!more)
            return;
        c->want = more;
        c->want_cap = cap;
    }
    c->want[c->n_want++] =
        (struct chk_want){at, pfn, (uint16_t)vcpu, level, (uint8_t)rule};
}

/* ---- BASIC --------------------------------------------------------------- */

static void judge_gdt(struct chk *c, uint32_t vcpu, const uint8_t *p,
                      uint64_t at)
{
    bool wide = c->f.width == 8;
    uint64_t ents = wide ? xsr_le64(p + 4960) : xsr_le32(p + 2704);
    size_t frames = wide ? 4832 : 2640, width = wide ? 8 : 4;

    if (ents > MAX_GDT_ENTS) {
        chk_find(c, CHK_VCPU_GDT, at + (wide ? 4960 : 2704),
                 "vCPU %u has %llu GDT entries, allowed up to %u", vcpu,
                 (unsigned long long)ents, MAX_GDT_ENTS);
        return;
    }
    for (uint64_t i = 0; i < (ents + GDT_PER_PAGE - 1) / GDT_PER_PAGE; i++) {
        size_t off = frames + width * i;

        want(c, CHK_VCPU_GDT, vcpu, at + off,
             wide ? xsr_le64(p + off) : xsr_le32(p + off), 0);
    }
}

static void judge_cr1(struct chk *c, uint32_t vcpu, const uint8_t *p,
                      uint64_t at)
{
    uint64_t cr1 = xsr_le64(p + 4992);

    if (!cr1)
        return;
    if (!(cr1 & 1))
        chk_find(c, CHK_VCPU_CR1, at + 4992,
                 "vCPU %u has cr1 0x%llx, allowed 0 or with bit 0 set", vcpu,
                 (unsigned long long)cr1);
    else
        want(c, CHK_VCPU_CR1, vcpu, at + 4992, cr1 >> XSR_PAGE_SHIFT, 4);
}

static void judge_basic(struct chk *c, uint32_t vcpu, const uint8_t *p,
                        uint64_t at)
{
    bool wide = c->f.width == 8;
    uint32_t cr3;

    judge_gdt(c, vcpu, p, at);
    if (wide) {
        want(c, CHK_VCPU_CR3, vcpu, at + 5008,
             xsr_le64(p + 5008) >> XSR_PAGE_SHIFT, 4);
        judge_cr1(c, vcpu, p, at);
    } else {
        cr3 = xsr_le32(p + 2728);
        want(c, CHK_VCPU_CR3, vcpu, at + 2728, cr3 >> 12 | cr3 << 20, 3);
    }
    if (vcpu == 0)
        want(c, CHK_VCPU_START_INFO, vcpu, at + (wide ? 616 : 524),
             wide ? xsr_le64(p + 616) : xsr_le32(p + 524), 0);
}

/* ---- the others ---------------------------------------------------------- */

static void judge_extended(struct chk *c, uint32_t vcpu, const uint8_t *p,
                           uint32_t len, uint64_t at)
{
    uint32_t inner = xsr_le32(p), size = xsr_le32(p + 4);

    if (inner != vcpu)
        chk_find(c, CHK_VCPU_EXTENDED, at,
                 "the record of vCPU %u holds state of vCPU %u", vcpu, inner);
    if (size < 32 || size > len)
        chk_find(c, CHK_VCPU_EXTENDED, at + 4,
                 "vCPU %u: size %u inside, allowed 32 to %u", vcpu, size, len);
}

static void judge_xsave(struct chk *c, uint32_t vcpu, const uint8_t *p,
                        uint32_t len, uint64_t at)
{
    uint64_t xcr0 = xsr_le64(p), accum = xsr_le64(p + 8);

    if (len == 16 ? xcr0 || accum : len < 16 + 576 || !accum || len % 8)
        chk_find(c, CHK_VCPU_XSAVE, at,
                 "vCPU %u: %u octets with xcr0_accum 0x%llx, allowed 16 with "
                 "0, or multiples of 8 from 592 on with another",
                 vcpu, len, (unsigned long long)accum);
    else if (len > 16 && xsr_le64(p + 16 + 520) >> 63)
        chk_find(c, CHK_VCPU_XSAVE, at + 16 + 520,
                 "vCPU %u: the area is compacted", vcpu);
}

static void judge_msrs(struct chk *c, uint32_t vcpu, const uint8_t *p,
                       uint32_t len, uint64_t at)
{
    uint32_t n = len / 16;

    c->f.pv_msrs = true;
    if (len % 16)
        chk_find(c, CHK_VCPU_MSRS, at,
                 "vCPU %u: %u octets, allowed multiples of 16", vcpu, len);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t msr = xsr_le32(p + 16 * (size_t)i);

        if (xsr_le32(p + 16 * (size_t)i + 4))
            chk_find(c, CHK_VCPU_MSRS, at + 16ull * i + 4,
                     "vCPU %u: reserved word of MSR 0x%x", vcpu, msr);
        for (uint32_t k = 0; k < i; k++)
            if (xsr_le32(p + 16 * (size_t)k) == msr) {
                chk_find(c, CHK_VCPU_MSRS, at + 16ull * i,
                         "vCPU %u: MSR 0x%x is there twice", vcpu, msr);
                break;
            }
    }
}

/* ---- any ----------------------------------------------------------------- */

static uint8_t bit_of(uint32_t type)
{
    return type == XSR_XC3_X86_PV_VCPU_MSRS
               ? 8
               : (uint8_t)(1u << (type - XSR_XC3_X86_PV_VCPU_BASIC));
}

/*
 * Once per vCPU, and the others only with BASIC. Is it the first one? Others
 * are not looked into: what is noted of vCPUs must not grow with the image.
 */
static bool judge_presence(struct chk *c, const struct chk_rec *r,
                           uint32_t vcpu)
{
    uint8_t bit = bit_of(r->type), *has;

    if (!c->order.vcpus)
        c->order.vcpus = calloc(XSR_MAX_VCPU_ID + 1, 1);
    if (!c->order.vcpus)
        return false;
    has = &c->order.vcpus[vcpu];
    if (!c->order.any_vcpu) /* those of the checkpoint before do not count */
        c->f.n_states = 0;
    c->order.any_vcpu = true;
    if (*has & bit) {
        chk_find(c, CHK_ORDER_REPEATED, r->at, "a second %s of vCPU %u",
                 xsr_xc3_type_name(r->type), vcpu);
        return false;
    }
    if (bit != 1 && !(*has & 1))
        chk_find(c, CHK_VCPU_OFFLINE, r->at,
                 "%s of vCPU %u, which has no X86_PV_VCPU_BASIC",
                 xsr_xc3_type_name(r->type), vcpu);
    *has |= bit;
    if (bit == 1 && r->len > 8 && !(*has & CONTENT)) {
        *has |= CONTENT;
        c->f.n_states++;
        c->f.max_vcpu = (uint32_t)xsr_max(c->f.max_vcpu, vcpu);
        c->order.vcpu0 |= vcpu == 0;
    }
    return true;
}

static bool judge_size(struct chk *c, const struct chk_rec *r, uint32_t vcpu,
                       uint32_t len)
{
    uint32_t basic = c->f.width == 4 ? XSR_VCPU32_LEN : XSR_VCPU64_LEN;

    switch (r->type) {
    case XSR_XC3_X86_PV_VCPU_BASIC:
        if (!c->f.width || len == basic)
            return c->f.width != 0;
        chk_find(c, CHK_VCPU_BASIC, r->at,
                 "vCPU %u: state of %u octets, allowed %u", vcpu, len, basic);
        return false;
    case XSR_XC3_X86_PV_VCPU_EXTENDED:
        if (len >= 32 && len <= 128)
            return true;
        chk_find(c, CHK_VCPU_EXTENDED, r->at,
                 "vCPU %u: %u octets, allowed 32 to 128", vcpu, len);
        return false;
    case XSR_XC3_X86_PV_VCPU_XSAVE:
        if (len >= 16)
            return true;
        chk_find(c, CHK_VCPU_XSAVE, r->at,
                 "vCPU %u: %u octets, allowed 16, or 592 and more", vcpu, len);
        return false;
    default:
        return true;
    }
}

static void judge_blob(struct chk *c, uint32_t type, uint32_t vcpu,
                       const uint8_t *p, uint32_t len, uint64_t at)
{
    if (type == XSR_XC3_X86_PV_VCPU_BASIC)
        judge_basic(c, vcpu, p, at);
    else if (type == XSR_XC3_X86_PV_VCPU_EXTENDED)
        judge_extended(c, vcpu, p, len, at);
    else if (type == XSR_XC3_X86_PV_VCPU_XSAVE)
        judge_xsave(c, vcpu, p, len, at);
    else
        judge_msrs(c, vcpu, p, len, at);
}

void chk_vcpu(struct chk *c, struct chk_rec *r)
{
    uint64_t at = chk_at(c);
    uint32_t vcpu, len = r->len - 8;
    const uint8_t *p;

    if (r->len < 8) {
        chk_find(c, CHK_VCPU_SHORT, r->at, "%s of %u octets",
                 xsr_xc3_type_name(r->type), r->len);
        return;
    }
    if (!(p = chk_body(c, r, 8)))
        return;
    vcpu = xsr_le32(p);
    if (xsr_le32(p + 4))
        chk_find(c, CHK_VCPU_RESERVED, at + 4, "vCPU %u: reserved word 0x%x",
                 vcpu, xsr_le32(p + 4));
    if (vcpu > XSR_MAX_VCPU_ID) {
        chk_find(c, CHK_VCPU_ID, at, "vCPU %u, allowed 0 to %u", vcpu,
                 XSR_MAX_VCPU_ID);
        return;
    }
    if (!judge_presence(c, r, vcpu))
        return;
    if (!len) {
        c->f.old_empty = true;
        chk_find(c, CHK_VCPU_EMPTY, r->at, "empty %s of vCPU %u",
                 xsr_xc3_type_name(r->type), vcpu);
    } else if (judge_size(c, r, vcpu, len) && len <= CHK_LOOK_MAX) {
        p = chk_body(c, r, len);
        if (p)
            judge_blob(c, r->type, vcpu, p, len, at + 8);
    }
}
