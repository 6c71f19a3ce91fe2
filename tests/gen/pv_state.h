/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What genimage writes for a PV guest beside its tables: pages with a layout
 * of their own, shared info and vCPU state. Offsets: docs/formats, 64-bit
 * guest. Frame numbers of the source host are invented, as they are worthless.
 */
#ifndef XSR_TESTS_GEN_PV_STATE_H
#define XSR_TESTS_GEN_PV_STATE_H

#include "stream/blobs.h"
#include "tests/gen/pv.h"

static inline void pv_fill_start_info(const struct pv *pv, uint8_t *page)
{
    memcpy(page, "xen-3.0-x86_64", 15);
    xsr_st_le64(page + 32, pv->n);
    xsr_st_le64(page + 40, SOURCE_MFN(0x7777) << 12); /* shared info */
    xsr_st_le32(page + 48, 8);                        /* flags */
    xsr_st_le64(page + 56, pv->first[K_STORE]);
    xsr_st_le32(page + 64, 1); /* old ports */
    xsr_st_le64(page + 72, pv->first[K_CONSOLE]);
    xsr_st_le32(page + 80, 2);
}

static inline void pv_fill_p2m(const struct pv *pv, uint64_t i, uint8_t *page)
{
    for (uint64_t pfn = i * PTES; pfn < (i + 1) * PTES; pfn++) {
        bool present = pfn < pv->n && pv_kind(pv, pfn) != K_HOLE;

        xsr_st_le64(page + 8 * (pfn % PTES),
                    present ? SOURCE_MFN(pfn) : UINT64_MAX);
    }
}

static inline void pv_fill(const struct pv *pv, const struct content *c,
                           uint64_t pfn, unsigned round, uint8_t *page)
{
    static const char ring[] = "left in a ring by the guest; ";
    enum pv_kind kind = pv_kind(pv, pfn);
    uint64_t i = kind < K_N ? pfn - pv->first[kind] : 0;

    if (kind == K_RAM) {
        content_fill(c, page, pfn, round);
        return;
    }
    memset(page, 0, XSR_PAGE_SIZE);
    switch (kind) {
    case K_P2M:
        pv_fill_p2m(pv, i, page);
        break;
    case K_START_INFO:
        pv_fill_start_info(pv, page);
        break;
    case K_STORE:
    case K_CONSOLE:
        memcpy(page, ring, sizeof ring);
        break;
    case K_GDT: /* null, then flat code and data at ring 3 */
        xsr_st_le64(page + 8, 0x00affb000000ffffull);
        xsr_st_le64(page + 16, 0x00cff3000000ffffull);
        break;
    default:
        pv_fill_table(pv, kind, i, page);
    }
}

static inline void pv_shared_info(const struct pv *pv, uint32_t vcpus,
                                  uint8_t *page)
{
    memset(page, 0, XSR_PAGE_SIZE);
    for (uint32_t v = 0; v < vcpus && v < 32; v++) {
        page[64 * v] = 1;                  /* an upcall is pending */
        xsr_st_le64(page + 64 * v + 8, 1); /* evtchn_pending_sel */
    }
    xsr_st_le64(page + 2048, 6);     /* evtchn_pending */
    xsr_st_le64(page + 3088, pv->n); /* arch.max_pfn: a count */
    xsr_st_le64(page + 3096, SOURCE_MFN(0x8888));
    xsr_st_le64(page + 3112, SOURCE_MFN(pv->first[K_L4K]) << 12);
    xsr_st_le64(page + 3120, P2M_VADDR);
}

/* blob: XSR_VCPU64_LEN bytes. */
static inline void pv_vcpu_basic(const struct pv *pv, uint32_t vcpu,
                                 uint8_t *blob)
{
    memset(blob, 0, XSR_VCPU64_LEN);
    xsr_st_le16(blob, 0x37f);                    /* fcw */
    xsr_st_le32(blob + 24, 0x1f80);              /* mxcsr */
    xsr_st_le64(blob + 512, vcpu ? 0x35 : 0x3d); /* flags */
    xsr_st_le64(blob + 616, vcpu ? 0x1234 : pv->first[K_START_INFO]);
    xsr_st_le64(blob + 648, 0xffffffff81001000ull); /* rip */
    xsr_st_le16(blob + 656, 0xe030);                /* cs */
    xsr_st_le64(blob + 664, 0x202);                 /* rflags */
    xsr_st_le64(blob + 672, 0xffff880000002000ull); /* rsp */
    xsr_st_le16(blob + 680, 0xe02b);                /* ss */
    xsr_st_le64(blob + 4832, pv->first[K_GDT] + vcpu);
    xsr_st_le64(blob + 4960, 16); /* gdt_ents */
    xsr_st_le64(blob + 4968, 0xe02b);
    xsr_st_le64(blob + 4976, 0xffff880000003000ull);
    xsr_st_le64(blob + 4984, 0x80050033); /* cr0 */
    if (vcpu == 0)                        /* cr1: user half */
        xsr_st_le64(blob + 4992, pv->first[K_L4U] << 12 | 1);
    xsr_st_le64(blob + 5008, pv->first[K_L4K] << 12); /* cr3 */
    xsr_st_le64(blob + 5016, 0x2660);                 /* cr4 */
    xsr_st_le64(blob + 5048 + 48, 0xffff0ff0);        /* dr6 */
    xsr_st_le64(blob + 5048 + 56, 0x400);             /* dr7 */
    xsr_st_le64(blob + 5112, 0xffffffff81002000ull);  /* callbacks */
    xsr_st_le64(blob + 5120, 0xffffffff81002010ull);
    xsr_st_le64(blob + 5128, 0xffffffff81002020ull);
    xsr_st_le64(blob + 5136, 0x20); /* vm_assist */
}

/* 64 bytes. */
static inline void pv_vcpu_extended(uint32_t vcpu, uint8_t *blob)
{
    memset(blob, 0, 64);
    xsr_st_le32(blob, vcpu);
    xsr_st_le32(blob + 4, 64);
}

/* 16 + 832 bytes: x87, SSE and AVX, as a host with XSAVE sends them. */
static inline void pv_vcpu_xsave(uint8_t *blob)
{
    memset(blob, 0, 848);
    xsr_st_le64(blob, 7);
    xsr_st_le64(blob + 8, 7);
    xsr_st_le16(blob + 16, 0x37f);
    xsr_st_le32(blob + 16 + 24, 0x1f80);
    xsr_st_le64(blob + 16 + 512, 7); /* xstate_bv */
}

#endif
