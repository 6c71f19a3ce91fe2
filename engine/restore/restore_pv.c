/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PV guests, while records arrive: X86_PV_INFO, P2M_FRAMES, page tables on
 * their way into guest memory, SHARED_INFO, and vCPU blobs, which are kept.
 * restore_pv_end.c continues behind END. 64-bit guests only.
 */
#include "engine/restore/restore_pv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "stream/blobs.h"

static int setup(struct xsr_restore *rs, struct xsr_err *err)
{
    struct xsr_pv_guest *pv;
    unsigned width;

    if (xsr_xen_get_width(&rs->xen, &width, err) < 0)
        return -1;
    if (width != XSR_PV_WIDTH)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "domain %u is set to %u-bit, "
                        "only 64-bit PV guests can be restored",
                        rs->arg->domid, width * 8);
    pv = calloc(1, sizeof(*pv));
    if (!pv)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a restore");
    rs->guest = pv;
    xsr_p2m_init(&pv->p2m);
    pv->n_vcpus = rs->dom.max_vcpu_id + 1;
    pv->vcpu = calloc(pv->n_vcpus, sizeof(*pv->vcpu));
    if (!pv->vcpu)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for %u vCPUs",
                        pv->n_vcpus);
    return 0;
}

static void cleanup(struct xsr_restore *rs)
{
    struct xsr_pv_guest *pv = rs->guest;

    if (!pv)
        return;
    for (uint32_t i = 0; pv->vcpu && i < pv->n_vcpus; i++) {
        xsr_buf_fini(&pv->vcpu[i].basic.octets);
        xsr_buf_fini(&pv->vcpu[i].extended.octets);
        xsr_buf_fini(&pv->vcpu[i].xsave.octets);
        xsr_buf_fini(&pv->vcpu[i].msrs.octets);
    }
    free(pv->vcpu);
    free(pv->list);
    xsr_p2m_fini(&pv->p2m);
    free(pv);
    rs->guest = NULL;
}

/* ---- memory -------------------------------------------------------------- */

static void get_rules(struct xsr_restore *rs, struct xsr_page_rules *out)
{
    const struct xsr_pv_guest *pv = rs->guest;

    /* The order of records puts P2M_FRAMES first, so n is not 0 here. */
    *out = (struct xsr_page_rules){.guest = XSR_XC3_PV,
                                   .max_pfn = pv->p2m.n - 1,
                                   .max_level = XSR_PV_LEVELS};
}

static uint64_t n_expected(struct xsr_restore *rs)
{
    const struct xsr_pv_guest *pv = rs->guest;

    return pv->p2m.n ? pv->p2m.n : rs->dom.max_pages;
}

static void on_populated(void *ctx, const xen_pfn_t *pfns,
                         const xen_pfn_t *frames, unsigned n)
{
    struct xsr_restore *rs = ctx;
    struct xsr_pv_guest *pv = rs->guest;

    for (unsigned i = 0; i < n; i++)
        xsr_p2m_set_frame(&pv->p2m, pfns[i], frames[i]);
}

static void note_types(struct xsr_restore *rs,
                       const struct xsr_page_batch *batch)
{
    struct xsr_pv_guest *pv = rs->guest;
    uint8_t old;

    /* No page, no type: or eight octets of XTAB would cost a page of types. */
    for (uint32_t i = 0; i < batch->count; i++)
        if (xsr_page_populates(batch->entry[i].type) ||
            xsr_p2m_type(&pv->p2m, batch->entry[i].pfn, &old))
            xsr_p2m_set_type(&pv->p2m, batch->entry[i].pfn,
                             batch->entry[i].type);
}

static uint64_t frame_of(struct xsr_restore *rs, uint64_t pfn)
{
    const struct xsr_pv_guest *pv = rs->guest;

    return xsr_p2m_frame(&pv->p2m, pfn);
}

static int want_target(void *mem, uint64_t pfn, struct xsr_err *err)
{
    return xsr_memory_want(mem, pfn, err);
}

static int check_table(struct xsr_restore *rs, const struct xsr_table *table,
                       struct xsr_err *err)
{
    struct xsr_pv_guest *pv = rs->guest;
    unsigned n_cleared;

    if (xsr_table_check(table, pv->p2m.n, &n_cleared, err) < 0)
        return -1;
    if (n_cleared && !pv->slots_reported) {
        pv->slots_reported = true;
        xsr_log(rs->log, XSR_LOG_WARN,
                "page table pfn 0x%llx uses %u entries "
                "that belong to Xen; they are cleared",
                (unsigned long long)table->pfn, n_cleared);
    }
    return 0;
}

/*
 * All tables are judged before anything is populated for them; then the pages
 * behind all their entries exist after one flush; then they are translated.
 */
static int translate(struct xsr_restore *rs, struct xsr_bounced *pages,
                     unsigned n, struct xsr_err *err)
{
    struct xsr_pv_guest *pv = rs->guest;
    struct xsr_table table[XSR_BOUNCE_PAGES];
    unsigned n_tables = 0;

    for (unsigned i = 0; i < n; i++) {
        struct xsr_table *t = &table[n_tables];

        if (!xsr_page_is_table(pages[i].type))
            continue;
        *t = (struct xsr_table){pages[i].page, pages[i].pfn,
                                xsr_page_level(pages[i].type)};
        if (check_table(rs, t, err) < 0)
            return -1;
        n_tables++;
    }
    for (unsigned i = 0; i < n_tables; i++)
        if (xsr_table_each(&table[i], want_target, &rs->mem, err) < 0)
            return -1;
    if (xsr_memory_flush(&rs->mem, err) < 0)
        return -1;
    for (unsigned i = 0; i < n_tables; i++)
        if (xsr_table_localise(&table[i], &pv->p2m, err) < 0)
            return -1;
    return 0;
}

/* ---- records ------------------------------------------------------------- */

static int take_pv_info(struct xsr_restore *rs, struct xsr_cur *cur,
                        struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    struct xsr_pv_info got;

    if (xsr_blob_get_pv_info(cur, &got, err) < 0)
        return -1;
    xsr_restore_note(rs, "%u-bit, %u levels", got.guest_width * 8,
                     got.pt_levels);
    if (got.guest_width == XSR_PV_WIDTH)
        return 0;
    xsr_fail(err, XSR_E_UNSUPPORTED,
             "libxc record X86_PV_INFO: found a "
             "32-bit guest; only 64-bit PV guests can be restored (restore "
             "this one with Xen's own libxl-save-helper)");
    return xsr_err_at(err, at);
}

static int take_p2m_frames(struct xsr_restore *rs, struct xsr_cur *cur,
                           struct xsr_err *err)
{
    struct xsr_pv_guest *pv = rs->guest;
    uint64_t at = xsr_cur_offset(cur);
    struct xsr_p2m_frames got;
    uint32_t first, n;

    if (xsr_blob_get_p2m_frames(cur, XSR_PV_WIDTH, !pv->n_list, &got, err) < 0)
        return -1;
    first = got.start_pfn / XSR_PV_PER_PAGE;
    n = first + got.n_frames;
    if (first > pv->n_list) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record X86_PV_P2M_FRAMES: found "
                 "start 0x%x, allowed up to 0x%llx, behind the record before",
                 got.start_pfn, (unsigned long long)pv->p2m.n);
        return xsr_err_at(err, at);
    }
    if (n > pv->n_list) {
        uint64_t *list = realloc(pv->list, n * sizeof(*list));

        if (!list)
            return xsr_fail(err, XSR_E_NOMEM, "no memory for %u p2m frames", n);
        pv->list = list;
        pv->n_list = n;
    }
    for (uint32_t i = 0; i < got.n_frames; i++)
        pv->list[first + i] = xsr_le64(got.frames + 8 * (size_t)i);
    pv->list_offset = rs->rd.rec_offset;
    xsr_restore_note(rs, "pfns 0x%x-0x%x, %u pages", got.start_pfn, got.end_pfn,
                     got.n_frames);
    return xsr_p2m_grow(&pv->p2m, got.end_pfn + 1ull, err);
}

static struct xsr_pv_blob *blob_of(struct xsr_pv_vcpu *vcpu, uint32_t type)
{
    switch (type) {
    case XSR_XC3_X86_PV_VCPU_BASIC:
        return &vcpu->basic;
    case XSR_XC3_X86_PV_VCPU_EXTENDED:
        return &vcpu->extended;
    case XSR_XC3_X86_PV_VCPU_XSAVE:
        return &vcpu->xsave;
    default:
        return &vcpu->msrs;
    }
}

static int keep_vcpu(struct xsr_restore *rs, uint32_t type, struct xsr_cur *cur,
                     struct xsr_err *err)
{
    struct xsr_pv_guest *pv = rs->guest;
    uint64_t at = xsr_cur_offset(cur);
    struct xsr_vcpu_blob got;
    struct xsr_pv_blob *blob;

    if (xsr_blob_get_vcpu(cur, type, XSR_PV_WIDTH, &got, err) < 0)
        return -1;
    if (got.vcpu_id >= pv->n_vcpus) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record %s: found vCPU %u, allowed "
                 "up to %u, the domain's last",
                 xsr_xc3_type_name(type), got.vcpu_id, pv->n_vcpus - 1);
        return xsr_err_at(err, at);
    }
    blob = blob_of(&pv->vcpu[got.vcpu_id], type);
    if (blob->seen) {
        xsr_fail(err, XSR_E_ORDER,
                 "libxc record %s: found a second one for "
                 "vCPU %u, allowed one",
                 xsr_xc3_type_name(type), got.vcpu_id);
        return xsr_err_at(err, rs->rd.rec_offset);
    }
    blob->seen = true;
    blob->offset = rs->rd.rec_offset;
    xsr_restore_note(rs, "vCPU %u, %zu octets", got.vcpu_id, got.len);
    if (got.len)
        return xsr_buf_put(&blob->octets, got.blob, got.len, err);
    xsr_log(rs->log, XSR_LOG_WARN, "libxc record %s of vCPU %u is empty",
            xsr_xc3_type_name(type), got.vcpu_id);
    return 0;
}

/*
 * The clock fields of the new page stay. Event channels do not survive: none
 * is pending and all are masked until the guest has bound its new ones. The
 * guest also rebuilds its frame list.
 */
static int take_shared_info(struct xsr_restore *rs, struct xsr_cur *cur,
                            struct xsr_err *err)
{
    const struct xsr_pv_guest *pv = rs->guest;
    xen_pfn_t frame = rs->dom.shared_info_frame;
    const uint8_t *old;
    uint64_t max_pfn;
    uint8_t *page;
    void *p;

    if (xsr_blob_get_shared_info(cur, &old, err) < 0)
        return -1;
    max_pfn = xsr_le64(old + XSR_SI_MAX_PFN);
    if (max_pfn < pv->p2m.n)
        xsr_log(rs->log, XSR_LOG_WARN,
                "shared info says that the guest has "
                "%llu pfns, P2M_FRAMES says %llu",
                (unsigned long long)max_pfn, (unsigned long long)pv->p2m.n);
    if (xsr_xen_map(&rs->xen, &frame, 1, PROT_READ | PROT_WRITE,
                    "the shared info page", &p, err) < 0)
        return -1;
    page = p;
    memcpy(page, old, XSR_SI_N_VCPU_INFO * XSR_SI_VCPU_INFO_LEN);
    memcpy(page + XSR_SI_ARCH, old + XSR_SI_ARCH, XSR_SI_ARCH_LEN);
    xsr_st_le64(page + XSR_SI_FRAME_LIST_LIST, 0);
    for (unsigned i = 0; i < XSR_SI_N_VCPU_INFO; i++)
        xsr_st_le64(page + i * XSR_SI_VCPU_INFO_LEN + XSR_SI_PENDING_SEL, 0);
    memset(page + XSR_SI_EVTCHN_PENDING, 0, XSR_SI_EVTCHN_LEN);
    memset(page + XSR_SI_EVTCHN_MASK, 0xff, XSR_SI_EVTCHN_LEN);
    xsr_xen_unmap(&rs->xen, p, 1);
    xsr_restore_note(rs, "guest has %llu pfns", (unsigned long long)max_pfn);
    return 0;
}

static int on_record(struct xsr_restore *rs, uint32_t type, struct xsr_cur *cur,
                     struct xsr_err *err)
{
    switch (type) {
    case XSR_XC3_X86_PV_INFO:
        return take_pv_info(rs, cur, err);
    case XSR_XC3_X86_PV_P2M_FRAMES:
        return take_p2m_frames(rs, cur, err);
    case XSR_XC3_X86_PV_VCPU_BASIC:
    case XSR_XC3_X86_PV_VCPU_EXTENDED:
    case XSR_XC3_X86_PV_VCPU_XSAVE:
    case XSR_XC3_X86_PV_VCPU_MSRS:
        return keep_vcpu(rs, type, cur, err);
    case XSR_XC3_SHARED_INFO:
        return take_shared_info(rs, cur, err);
    default:
        return xsr_fail(err, XSR_E_BUG,
                        "libxc record %s: nothing done with "
                        "it",
                        xsr_xc3_type_name(type));
    }
}

static void forget_blob(struct xsr_pv_blob *blob)
{
    blob->seen = false;
    xsr_buf_clear(&blob->octets);
}

static void forget_state(struct xsr_restore *rs)
{
    struct xsr_pv_guest *pv = rs->guest;

    for (uint32_t i = 0; i < pv->n_vcpus; i++) {
        forget_blob(&pv->vcpu[i].basic);
        forget_blob(&pv->vcpu[i].extended);
        forget_blob(&pv->vcpu[i].xsave);
        forget_blob(&pv->vcpu[i].msrs);
    }
}

static int finish(struct xsr_restore *rs, struct xsr_err *err)
{
    if (xsr_pv_check_end(rs, err) < 0)
        return -1;
    return xsr_pv_complete(rs, err);
}

const struct xsr_restore_ops xsr_restore_pv = {
    .name = "PV",
    .setup = setup,
    .get_rules = get_rules,
    .n_expected = n_expected,
    .on_populated = on_populated,
    .note_types = note_types,
    .frame_of = frame_of,
    .is_translated = xsr_page_is_table,
    .translate = translate,
    .on_record = on_record,
    .forget_state = forget_state,
    .finish = finish,
    .cleanup = cleanup,
};
