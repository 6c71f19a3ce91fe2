/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PV guests behind END. First everything that the vCPUs and the p2m list
 * refer to is judged against the types of the pages as last sent; Xen would
 * refuse the same, but without saying what was wrong. Then, in this order:
 * vCPUs (with start_info before vCPU 0), pins, the guest's p2m pages, grants.
 */
#include <string.h>

#include "engine/restore/restore_pv.h"
#include "lib/util.h"

/* ---- judging ------------------------------------------------------------- */

/* "NOTAB", "L4TAB", ... or why there is no type at all. */
static const char *type_of(const struct xsr_pv_guest *pv, uint64_t pfn)
{
    uint8_t type;

    if (pfn >= pv->p2m.n)
        return "beyond the end of X86_PV_P2M_FRAMES";
    if (!xsr_p2m_type(&pv->p2m, pfn, &type))
        return "no page in the image";
    return xsr_page_type_name(type);
}

/* An ordinary page that was sent. */
static bool is_plain(const struct xsr_pv_guest *pv, uint64_t pfn)
{
    uint8_t type;

    return xsr_p2m_type(&pv->p2m, pfn, &type) && type == XSR_PT_NOTAB;
}

static bool is_root(const struct xsr_pv_guest *pv, uint64_t pfn)
{
    uint8_t type;

    return xsr_p2m_type(&pv->p2m, pfn, &type) && xsr_page_is_table(type) &&
           xsr_page_level(type) == XSR_PV_LEVELS;
}

static int refuse(const struct xsr_pv_guest *pv, uint32_t vcpu,
                  const char *what, uint64_t pfn, const char *allowed,
                  struct xsr_err *err)
{
    xsr_fail(err, XSR_E_FORMAT,
             "libxc record X86_PV_VCPU_BASIC: found %s of "
             "vCPU %u at pfn 0x%llx (%s), allowed %s",
             what, vcpu, (unsigned long long)pfn, type_of(pv, pfn), allowed);
    return xsr_err_at(err, pv->vcpu[vcpu].basic.offset);
}

static uint32_t n_gdt_frames(const uint8_t *ctx)
{
    uint64_t n = xsr_le64(ctx + XSR_VC_GDT_ENTS);

    /* At most 7168 entries: judged when the record came. */
    return (uint32_t)((n + XSR_VC_GDT_PER_FRAME - 1) / XSR_VC_GDT_PER_FRAME);
}

static int check_vcpu(const struct xsr_pv_guest *pv, uint32_t id,
                      struct xsr_err *err)
{
    const uint8_t *ctx = pv->vcpu[id].basic.octets.p;
    uint64_t cr3 = xsr_le64(ctx + XSR_VC_CR3) >> XSR_PAGE_SHIFT;
    uint64_t cr1 = xsr_le64(ctx + XSR_VC_CR1);

    for (uint32_t i = 0; i < n_gdt_frames(ctx); i++) {
        uint64_t pfn = xsr_le64(ctx + XSR_VC_GDT_FRAMES + 8 * i);

        if (!is_plain(pv, pfn))
            return refuse(pv, id, "a GDT frame", pfn, "NOTAB", err);
    }
    if (!is_root(pv, cr3))
        return refuse(pv, id, "cr3", cr3, "L4TAB", err);
    if (cr1 & 1 && !is_root(pv, cr1 >> XSR_PAGE_SHIFT))
        return refuse(pv, id, "cr1", cr1 >> XSR_PAGE_SHIFT, "L4TAB", err);
    if (cr1 && !(cr1 & 1)) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record X86_PV_VCPU_BASIC: found "
                 "cr1 0x%llx of vCPU %u, allowed 0 or bit 0 set",
                 (unsigned long long)cr1, id);
        return xsr_err_at(err, pv->vcpu[id].basic.offset);
    }
    if (!id && !is_plain(pv, xsr_le64(ctx + XSR_VC_RDX)))
        return refuse(pv, id, "start_info (rdx)", xsr_le64(ctx + XSR_VC_RDX),
                      "NOTAB", err);
    return 0;
}

static int check_p2m_list(const struct xsr_pv_guest *pv, struct xsr_err *err)
{
    for (uint32_t i = 0; i < pv->n_list; i++) {
        if (is_plain(pv, pv->list[i]))
            continue;
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record X86_PV_P2M_FRAMES: found "
                 "frame %u at pfn 0x%llx (%s), allowed NOTAB",
                 i, (unsigned long long)pv->list[i], type_of(pv, pv->list[i]));
        return xsr_err_at(err, pv->list_offset);
    }
    return 0;
}

int xsr_pv_check_end(struct xsr_restore *rs, struct xsr_err *err)
{
    const struct xsr_pv_guest *pv = rs->guest;

    if (!pv->vcpu[0].basic.octets.len)
        return xsr_fail(err, XSR_E_ORDER,
                        "libxc record END: found before any "
                        "state of vCPU 0 (X86_PV_VCPU_BASIC), which must come "
                        "first");
    for (uint32_t i = 0; i < pv->n_vcpus; i++) {
        const struct xsr_pv_vcpu *v = &pv->vcpu[i];

        if (v->basic.octets.len) {
            if (check_vcpu(pv, i, err) < 0)
                return -1;
        } else if (v->extended.seen || v->xsave.seen || v->msrs.seen) {
            xsr_log(rs->log, XSR_LOG_WARN,
                    "vCPU %u has no basic state: its "
                    "other records are ignored and it stays offline",
                    i);
        }
    }
    return check_p2m_list(pv, err);
}

/* ---- vCPUs --------------------------------------------------------------- */

/* In the start_info page, a pfn that becomes the frame of a ring. */
static int put_ring(struct xsr_pv_guest *pv, uint8_t *page, unsigned at,
                    const char *what, uint64_t *mfn_out, struct xsr_err *err)
{
    uint64_t pfn = xsr_le64(page + at);

    if (!is_plain(pv, pfn)) {
        xsr_fail(err, XSR_E_FORMAT,
                 "start_info page: found the %s ring at "
                 "pfn 0x%llx (%s), allowed NOTAB",
                 what, (unsigned long long)pfn, type_of(pv, pfn));
        return xsr_err_at(err, pv->vcpu[0].basic.offset);
    }
    *mfn_out = xsr_p2m_frame(&pv->p2m, pfn);
    xsr_st_le64(page + at, *mfn_out);
    return 0;
}

static int write_start_info(struct xsr_restore *rs, uint64_t mfn,
                            struct xsr_err *err)
{
    struct xsr_engine_restore *arg = rs->arg;
    struct xsr_pv_guest *pv = rs->guest;
    uint64_t store_mfn, console_mfn;
    xen_pfn_t frame = mfn;
    uint8_t *page;
    void *p;
    int rc = -1;

    if (xsr_xen_map(&rs->xen, &frame, 1, PROT_READ | PROT_WRITE,
                    "the start_info page", &p, err) < 0)
        return -1;
    page = p;
    if (put_ring(pv, page, XSR_ST_STORE_MFN, "xenstore", &store_mfn, err) < 0 ||
        put_ring(pv, page, XSR_ST_CONSOLE_MFN, "console", &console_mfn, err) <
            0)
        goto out;
    xsr_st_le32(page + XSR_ST_STORE_EVTCHN, arg->store_evtchn);
    xsr_st_le32(page + XSR_ST_CONSOLE_EVTCHN, arg->console_evtchn);
    xsr_st_le64(page + XSR_ST_NR_PAGES, pv->p2m.n);
    xsr_st_le64(page + XSR_ST_SHARED_INFO,
                rs->dom.shared_info_frame << XSR_PAGE_SHIFT);
    xsr_st_le32(page + XSR_ST_FLAGS, 0);
    arg->store_gfn = store_mfn;
    arg->console_gfn = console_mfn;
    rc = 0;
out:
    xsr_xen_unmap(&rs->xen, p, 1);
    return rc;
}

static int set_basic(struct xsr_restore *rs, uint32_t id, struct xsr_err *err)
{
    struct xsr_pv_guest *pv = rs->guest;
    struct xsr_buf *octets = &pv->vcpu[id].basic.octets;
    uint8_t *ctx = octets->p;
    uint64_t cr1 = xsr_le64(ctx + XSR_VC_CR1), frame;

    if (!id) {
        frame = xsr_p2m_frame(&pv->p2m, xsr_le64(ctx + XSR_VC_RDX));
        if (write_start_info(rs, frame, err) < 0)
            return -1;
        xsr_st_le64(ctx + XSR_VC_RDX, frame);
    }
    for (uint32_t i = 0; i < n_gdt_frames(ctx); i++) {
        uint8_t *at = ctx + XSR_VC_GDT_FRAMES + 8 * i;

        xsr_st_le64(at, xsr_p2m_frame(&pv->p2m, xsr_le64(at)));
    }
    frame =
        xsr_p2m_frame(&pv->p2m, xsr_le64(ctx + XSR_VC_CR3) >> XSR_PAGE_SHIFT);
    xsr_st_le64(ctx + XSR_VC_CR3, frame << XSR_PAGE_SHIFT);
    if (cr1 & 1) {
        frame = xsr_p2m_frame(&pv->p2m, cr1 >> XSR_PAGE_SHIFT);
        xsr_st_le64(ctx + XSR_VC_CR1, frame << XSR_PAGE_SHIFT);
    }
    xsr_st_le64(ctx + XSR_VC_FLAGS,
                xsr_le64(ctx + XSR_VC_FLAGS) | XSR_VC_FLAG_ONLINE);
    if (xsr_xen_set_vcpu(&rs->xen, id, ctx, octets->len, err) < 0)
        return xsr_err_at(err, pv->vcpu[id].basic.offset);
    return 0;
}

static int set_blob(struct xsr_restore *rs, uint32_t id,
                    const struct xsr_pv_blob *blob,
                    int (*set)(const struct xsr_xen *xen, uint32_t vcpu,
                               const uint8_t *p, size_t len,
                               struct xsr_err *err),
                    struct xsr_err *err)
{
    if (!blob->octets.len)
        return 0;
    if (set(&rs->xen, id, blob->octets.p, blob->octets.len, err) < 0)
        return xsr_err_at(err, blob->offset);
    return 0;
}

static int set_vcpus(struct xsr_restore *rs, struct xsr_err *err)
{
    struct xsr_pv_guest *pv = rs->guest;

    for (uint32_t i = 0; i < pv->n_vcpus; i++) {
        const struct xsr_pv_vcpu *v = &pv->vcpu[i];

        if (!v->basic.octets.len)
            continue;
        if (set_basic(rs, i, err) < 0 ||
            set_blob(rs, i, &v->extended, xsr_xen_set_vcpu_extended, err) < 0 ||
            set_blob(rs, i, &v->xsave, xsr_xen_set_vcpu_xsave, err) < 0 ||
            set_blob(rs, i, &v->msrs, xsr_xen_set_vcpu_msrs, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- pins and the guest's p2m -------------------------------------------- */

static int pin_tables(struct xsr_restore *rs, struct xsr_err *err)
{
    struct xsr_pv_guest *pv = rs->guest;
    struct xsr_xen_pin pins[XSR_XEN_BATCH];
    unsigned n = 0, total = 0;
    uint64_t first = 0;

    for (uint64_t pfn = 0; pfn <= pv->p2m.n; pfn++) {
        uint8_t type = XSR_PT_NOTAB;

        if (n == XSR_XEN_BATCH || (n && pfn == pv->p2m.n)) {
            if (xsr_xen_pin(&rs->xen, pins, n, err) < 0)
                return xsr_err_prefix(err, "pfns 0x%llx to 0x%llx",
                                      (unsigned long long)first,
                                      (unsigned long long)pfn - 1);
            total += n;
            n = 0;
        }
        if (!xsr_p2m_type(&pv->p2m, pfn, &type) || !xsr_page_is_table(type) ||
            !(type & XSR_PT_PIN))
            continue;
        if (!n)
            first = pfn;
        pins[n].mfn = xsr_p2m_frame(&pv->p2m, pfn);
        pins[n++].level = xsr_page_level(type);
    }
    xsr_log(rs->log, XSR_LOG_DEBUG, "pinned %u page tables", total);
    return 0;
}

/* The part of the local p2m that belongs into the guest's page number at. */
static void write_p2m_page(const struct xsr_pv_guest *pv, uint32_t at,
                           uint8_t *page)
{
    uint64_t pfn = (uint64_t)at * XSR_PV_PER_PAGE;

    for (unsigned i = 0; i < XSR_PV_PER_PAGE && pfn + i < pv->p2m.n; i++)
        xsr_st_le64(page + 8 * i, xsr_p2m_frame(&pv->p2m, pfn + i));
}

static int write_p2m(struct xsr_restore *rs, struct xsr_err *err)
{
    struct xsr_pv_guest *pv = rs->guest;
    xen_pfn_t frames[XSR_XEN_BATCH];

    for (uint32_t at = 0; at < pv->n_list;) {
        unsigned n = (unsigned)xsr_min(pv->n_list - at, XSR_XEN_BATCH);
        void *p;

        for (unsigned i = 0; i < n; i++)
            frames[i] = xsr_p2m_frame(&pv->p2m, pv->list[at + i]);
        if (xsr_xen_map(&rs->xen, frames, n, PROT_READ | PROT_WRITE,
                        "the guest's p2m", &p, err) < 0)
            return -1;
        for (unsigned i = 0; i < n; i++)
            write_p2m_page(pv, at + i, (uint8_t *)p + i * XSR_PAGE_SIZE);
        xsr_xen_unmap(&rs->xen, p, n);
        at += n;
    }
    return 0;
}

int xsr_pv_complete(struct xsr_restore *rs, struct xsr_err *err)
{
    struct xsr_engine_restore *arg = rs->arg;
    struct xsr_grant_seed seed = {.pv = true};
    int rc;

    rc = set_vcpus(rs, err);
    if (rc == 0)
        rc = pin_tables(rs, err);
    if (rc == 0)
        rc = write_p2m(rs, err);
    if (rc == 0) {
        seed.console_frame = arg->console_gfn;
        seed.store_frame = arg->store_gfn;
        seed.console_domid = arg->console_domid;
        seed.store_domid = arg->store_domid;
        rc = xsr_grant_seed(&rs->xen, &seed, rs->log, err);
    }
    if (rc < 0)
        arg->store_gfn = arg->console_gfn = 0;
    return rc;
}
