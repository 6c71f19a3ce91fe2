/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * 64-bit PV guests: pfns become machine frames through the guest's own table,
 * and every machine frame that would go out becomes a pfn: in page tables, in
 * the list of p2m pages, in vCPU contexts. start_info and the rings it names
 * were put into pfns by the guest itself when it suspended.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "engine/pv_layout.h"
#include "engine/pv_map.h"
#include "engine/save/save.h"
#include "engine/xen_get.h"
#include "lib/bytes.h"
#include "lib/util.h"

#define COPIES_LEN (XSR_AHEAD * XSR_COPIES_LEN)

/*
 * A batch may consist of page tables only, but nearly none does: of the room
 * for their copies only what is used becomes memory.
 */
static int alloc_copies(struct xsr_save *sv, struct xsr_err *err)
{
    void *p = mmap(NULL, COPIES_LEN, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED)
        return xsr_fail_sys(err, XSR_E_NOMEM, errno, "no room for page tables");
    sv->copies = p;
    return 0;
}

static int setup(struct xsr_save *sv, struct xsr_err *err)
{
    struct xsr_pv_map *map;
    unsigned width;

    if (xsr_xen_get_width(&sv->xen, &width, err) < 0)
        return -1;
    if (width != XSR_PV_WIDTH)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "domain %u is a %u-bit PV guest, only 64-bit ones can "
                        "be saved (save this one with Xen's own "
                        "libxl-save-helper)",
                        sv->xen.domid, width * 8);
    map = malloc(sizeof(*map));
    if (!map)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a save");
    xsr_pv_map_init(map, &sv->xen);
    sv->guest = map;
    if (alloc_copies(sv, err) < 0)
        return -1;
    return xsr_pv_map_open(map, sv->dom.shared_info_frame, err);
}

static void cleanup(struct xsr_save *sv)
{
    if (sv->guest)
        xsr_pv_map_fini(sv->guest, &sv->keep);
    free(sv->guest);
    sv->guest = NULL;
    if (sv->copies)
        munmap(sv->copies, COPIES_LEN);
    sv->copies = NULL;
}

static int n_pfns(struct xsr_save *sv, uint64_t *out, struct xsr_err *err)
{
    const struct xsr_pv_map *map = sv->guest;

    (void)err;
    *out = map->n_pfns;
    return 0;
}

static int check(struct xsr_save *sv, struct xsr_err *err)
{
    return xsr_pv_map_check(sv->guest, err);
}

/* ---- head ---------------------------------------------------------------- */

static int put_static(struct xsr_save *sv, struct xsr_err *err)
{
    const uint8_t body[8] = {XSR_PV_WIDTH, XSR_PV_LEVELS};

    return xsr_writer_put(&sv->out, XSR_XC3_X86_PV_INFO, body, sizeof(body),
                          err);
}

/* Where the guest's own p2m lies, for the receiver to fill it in anew. */
static int put_start(struct xsr_save *sv, struct xsr_err *err)
{
    const struct xsr_pv_map *map = sv->guest;
    struct xsr_buf body = XSR_BUF_INIT;
    int rc = xsr_buf_put_u32(&body, 0, err);

    if (rc == 0)
        rc = xsr_buf_put_u32(&body, (uint32_t)(map->n_pfns - 1), err);
    for (size_t i = 0; rc == 0 && i < map->n_leaves; i++) {
        uint64_t pfn = xsr_pv_pfn(map, map->leaves[i]);

        if (pfn == XSR_INVALID_FRAME)
            rc = xsr_fail_sys(err, XSR_E_XEN, EXDEV,
                              "page %zu of the guest's p2m list is frame "
                              "0x%lx, which is not the guest's",
                              i, map->leaves[i]);
        else
            rc = xsr_buf_put_u64(&body, pfn, err);
    }
    if (rc == 0)
        rc = xsr_writer_put(&sv->out, XSR_XC3_X86_PV_P2M_FRAMES, body.p,
                            body.len, err);
    xsr_buf_fini(&body);
    return rc;
}

/* ---- memory -------------------------------------------------------------- */

static uint64_t frame_of(struct xsr_save *sv, uint64_t pfn)
{
    return xsr_pv_mfn(sv->guest, pfn);
}

static bool normalise(struct xsr_save *sv, uint8_t level, const uint8_t *table,
                      uint8_t *copy, struct xsr_bad_entry *bad)
{
    const uint64_t *from = (const void *)table;

    for (unsigned i = 0; i < XSR_PV_PER_PAGE; i++) {
        uint64_t pte = xsr_read_word(&from[i]), pfn;

        if (level == XSR_PV_LEVELS && i >= XSR_XEN_SLOT_FIRST &&
            i <= XSR_XEN_SLOT_LAST)
            pte = 0;
        if (pte & XSR_PTE_PRESENT) {
            *bad =
                (struct xsr_bad_entry){i, pte, level > 1 && pte & XSR_PTE_PSE};
            pfn =
                xsr_pv_pfn(sv->guest, (pte & XSR_PTE_FRAME) >> XSR_PAGE_SHIFT);
            if (bad->superpage || pfn == XSR_INVALID_FRAME)
                return false;
            pte = (pte & ~XSR_PTE_FRAME) | pfn << XSR_PAGE_SHIFT;
        }
        xsr_st_le64(copy + 8 * i, pte);
    }
    return true;
}

/* ---- state --------------------------------------------------------------- */

/* A machine frame in a vCPU context, at most one a field, becomes a pfn. */
static int to_pfn(struct xsr_save *sv, uint32_t vcpu, const char *what,
                  uint64_t mfn, uint64_t *pfn_out, struct xsr_err *err)
{
    *pfn_out = xsr_pv_pfn(sv->guest, mfn);
    if (*pfn_out != XSR_INVALID_FRAME)
        return 0;
    return xsr_fail_sys(err, XSR_E_XEN, EXDEV,
                        "%s of vCPU %u is frame 0x%llx, which is not one of "
                        "the guest's%s",
                        what, vcpu, (unsigned long long)mfn,
                        vcpu ? "" : "; did it suspend as a PV guest does?");
}

static int normalise_vcpu(struct xsr_save *sv, uint32_t id, uint8_t *ctx,
                          struct xsr_err *err)
{
    uint64_t n = xsr_le64(ctx + XSR_VC_GDT_ENTS), pfn;
    uint64_t cr1 = xsr_le64(ctx + XSR_VC_CR1);

    if (!id) {
        if (to_pfn(sv, id, "start_info (rdx)", xsr_le64(ctx + XSR_VC_RDX), &pfn,
                   err) < 0)
            return -1;
        xsr_st_le64(ctx + XSR_VC_RDX, pfn);
    }
    if (n > XSR_VC_GDT_MAX)
        return xsr_fail(err, XSR_E_XEN,
                        "vCPU %u has %llu GDT entries, allowed up to %u", id,
                        (unsigned long long)n, XSR_VC_GDT_MAX);
    for (uint64_t i = 0; i * XSR_VC_GDT_PER_FRAME < n; i++) {
        uint8_t *at = ctx + XSR_VC_GDT_FRAMES + 8 * i;

        if (to_pfn(sv, id, "a GDT frame", xsr_le64(at), &pfn, err) < 0)
            return -1;
        xsr_st_le64(at, pfn);
    }
    if (to_pfn(sv, id, "the root page table (cr3)",
               xsr_le64(ctx + XSR_VC_CR3) >> XSR_PAGE_SHIFT, &pfn, err) < 0)
        return -1;
    xsr_st_le64(ctx + XSR_VC_CR3, pfn << XSR_PAGE_SHIFT);
    if (!cr1)
        return 0;
    if (to_pfn(sv, id, "the user root page table (cr1)", cr1 >> XSR_PAGE_SHIFT,
               &pfn, err) < 0)
        return -1;
    /* Bit 0 tells pfn 0 from "none". */
    xsr_st_le64(ctx + XSR_VC_CR1, pfn << XSR_PAGE_SHIFT | 1);
    return 0;
}

static int put_vcpu_record(struct xsr_save *sv, uint32_t type, uint32_t id,
                           struct xsr_buf *body, struct xsr_err *err)
{
    static int (*const get[])(const struct xsr_xen *xen, uint32_t vcpu,
                              struct xsr_buf *out, struct xsr_err *err) = {
        [XSR_XC3_X86_PV_VCPU_BASIC] = xsr_xen_get_vcpu,
        [XSR_XC3_X86_PV_VCPU_EXTENDED] = xsr_xen_get_vcpu_extended,
        [XSR_XC3_X86_PV_VCPU_XSAVE] = xsr_xen_get_vcpu_xsave,
        [XSR_XC3_X86_PV_VCPU_MSRS] = xsr_xen_get_vcpu_msrs,
    };
    const size_t head = 8;

    xsr_buf_clear(body);
    if (xsr_buf_put_u32(body, id, err) < 0 ||
        xsr_buf_put_u32(body, 0, err) < 0 ||
        get[type](&sv->xen, id, body, err) < 0)
        return -1;
    if (body->len == head)
        return 0;
    if (type == XSR_XC3_X86_PV_VCPU_BASIC &&
        normalise_vcpu(sv, id, body->p + head, err) < 0)
        return -1;
    return xsr_writer_put(&sv->out, type, body->p, body->len, err);
}

static int put_vcpu(struct xsr_save *sv, uint32_t id, struct xsr_buf *body,
                    struct xsr_err *err)
{
    static const uint32_t types[] = {
        XSR_XC3_X86_PV_VCPU_BASIC, XSR_XC3_X86_PV_VCPU_EXTENDED,
        XSR_XC3_X86_PV_VCPU_XSAVE, XSR_XC3_X86_PV_VCPU_MSRS};
    bool online;

    if (xsr_xen_get_vcpu_online(&sv->xen, id, &online, err) < 0)
        return -1;
    for (unsigned i = 0; online && i < XSR_ARRAY_LEN(types); i++)
        if (put_vcpu_record(sv, types[i], id, body, err) < 0)
            return -1;
    return 0;
}

static int put_state(struct xsr_save *sv, struct xsr_err *err)
{
    const struct xsr_pv_map *map = sv->guest;
    struct xsr_buf body = XSR_BUF_INIT;
    int rc;

    rc = xsr_writer_put(&sv->out, XSR_XC3_SHARED_INFO, map->shared_info,
                        XSR_PAGE_SIZE, err);
    for (uint32_t id = 0; rc == 0 && id <= sv->dom.max_vcpu_id; id++)
        rc = put_vcpu(sv, id, &body, err);
    xsr_buf_fini(&body);
    return rc;
}

const struct xsr_save_ops xsr_save_pv = {
    .name = "PV",
    .guest = XSR_XC3_PV,
    .setup = setup,
    .n_pfns = n_pfns,
    .put_static = put_static,
    .put_start = put_start,
    .frame_of = frame_of,
    .normalise = normalise,
    .check = check,
    .put_state = put_state,
    .cleanup = cleanup,
};
