/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A restore from top to bottom: look at the domain, read the two headers,
 * then record after record until END, then complete the domain.
 *
 * Each record's frame is judged by stream/xc3, its moment by stream/xc3_order,
 * its body by stream/pages and stream/blobs; only then does it act. Records
 * that both guest types have are dealt with here, PAGE_DATA in batch.c, the
 * others behind the ops in restore_pv.c and restore_hvm.c. In a checkpointed
 * stream most records are kept first (checkpoint.c).
 */
#include "engine/restore/restore.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "stream/blobs.h"

void xsr_restore_note(struct xsr_restore *rs, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(rs->note, sizeof(rs->note), fmt, ap);
    va_end(ap);
}

/* ---- the domain and the headers ------------------------------------------ */

static int check_domain(struct xsr_restore *rs, struct xsr_err *err)
{
    if (xsr_xen_get_domain(&rs->xen, &rs->dom, err) < 0)
        return -1;
    if (!rs->dom.paused)
        return xsr_fail_sys(err, XSR_E_XEN, EBUSY,
                            "domain %u is running; "
                            "only a paused, newly created domain can be "
                            "restored into",
                            rs->arg->domid);
    if (rs->dom.max_vcpu_id > XSR_MAX_VCPU_ID)
        return xsr_fail_sys(err, XSR_E_XEN, EINVAL,
                            "domain %u has no vCPUs "
                            "yet; set their number before restoring",
                            rs->arg->domid);
    if (rs->dom.tot_pages)
        xsr_log(rs->log, XSR_LOG_WARN,
                "domain %u owns %llu pages already; a "
                "restore expects an empty one",
                rs->arg->domid, (unsigned long long)rs->dom.tot_pages);
    return 0;
}

static const char *domain_kind(const struct xsr_xen_domain *dom)
{
    if (!dom->hvm)
        return "PV";
    return dom->emulation & ~XEN_X86_EMU_LAPIC ? "HVM" : "PVH";
}

static int read_headers(struct xsr_restore *rs, struct xsr_err *err)
{
    uint8_t raw[XSR_XC3_IHDR_LEN];
    struct xsr_cur cur;

    if (xsr_reader_plain(&rs->rd, raw, XSR_XC3_IHDR_LEN, "libxc image header",
                         err) < 0)
        return -1;
    xsr_cur_init(&cur, raw, XSR_XC3_IHDR_LEN, 0);
    if (xsr_xc3_get_ihdr(&cur, &rs->ihdr, err) < 0)
        return -1;
    if (xsr_reader_plain(&rs->rd, raw, XSR_XC3_DHDR_LEN, "libxc domain header",
                         err) < 0)
        return -1;
    xsr_cur_init(&cur, raw, XSR_XC3_DHDR_LEN, XSR_XC3_IHDR_LEN);
    if (xsr_xc3_get_dhdr(&cur, &rs->dhdr, err) < 0)
        return -1;
    if ((rs->dhdr.guest == XSR_XC3_HVM) == rs->dom.hvm)
        return 0;
    xsr_fail(err, XSR_E_FORMAT,
             "libxc domain header: found an image of %s "
             "guest, allowed %s image for this domain",
             rs->dom.hvm ? "a PV" : "an HVM or PVH",
             rs->dom.hvm ? "an HVM or PVH" : "a PV");
    return xsr_err_at(err, XSR_XC3_IHDR_LEN);
}

static void announce(const struct xsr_restore *rs)
{
    const char *kind = domain_kind(&rs->dom);

    if (rs->dhdr.xen_major)
        xsr_log(rs->log, XSR_LOG_INFO,
                "Restoring domain %u, type %s, image "
                "version %u of Xen %u.%u",
                rs->arg->domid, kind, rs->ihdr.version, rs->dhdr.xen_major,
                rs->dhdr.xen_minor);
    else
        xsr_log(rs->log, XSR_LOG_INFO,
                "Restoring domain %u, type %s, image "
                "version %u converted from a legacy one",
                rs->arg->domid, kind, rs->ihdr.version);
}

/* ---- records of both guest types ----------------------------------------- */

/* STATIC_DATA_END was seen, or its place in a version 2 image reached. */
static int complete_static_data(struct xsr_restore *rs, struct xsr_err *err)
{
    const struct xsr_engine_restore_ops *ops = rs->arg->ops;
    unsigned missing = xsr_policy_missing(&rs->policy);
    int r;

    if (xsr_policy_apply(&rs->policy, &rs->xen, err) < 0)
        return -1;
    if (!ops || !ops->on_static_data_done)
        return 0;
    r = ops->on_static_data_done(rs->arg->ops_ctx, missing);
    if (r)
        return xsr_fail(err, XSR_E_PEER,
                        "the toolstack refused the domain's "
                        "static data (%d); missing in the image:%s%s%s",
                        r, missing & XSR_POLICY_NO_CPUID ? " CPUID policy" : "",
                        missing & XSR_POLICY_NO_MSR ? " MSR policy" : "",
                        missing ? "" : " nothing");
    return 0;
}

static int set_tsc(struct xsr_restore *rs, struct xsr_cur *cur,
                   struct xsr_err *err)
{
    struct xsr_tsc_info tsc;

    if (xsr_blob_get_tsc_info(cur, &tsc, err) < 0)
        return -1;
    xsr_restore_note(rs, "mode %u, %u kHz, %llu ns, incarnation %u", tsc.mode,
                     tsc.khz, (unsigned long long)tsc.nsec, tsc.incarnation);
    return xsr_xen_set_tsc(&rs->xen, &tsc, err);
}

/* A record that is small enough to be read whole. */
static int take_small(struct xsr_restore *rs, uint32_t type,
                      struct xsr_err *err)
{
    struct xsr_cur cur;
    uint32_t n;

    if (xsr_reader_body(&rs->rd, &cur, err) < 0)
        return -1;
    switch (type) {
    case XSR_XC3_X86_CPUID_POLICY:
        if (xsr_policy_keep_cpuid(&rs->policy, &cur, &n, err) < 0)
            return -1;
        xsr_restore_note(rs, "%u leaves", n);
        return 0;
    case XSR_XC3_X86_MSR_POLICY:
        if (xsr_policy_keep_msr(&rs->policy, &cur, &n, err) < 0)
            return -1;
        xsr_restore_note(rs, "%u MSRs", n);
        return 0;
    case XSR_XC3_X86_TSC_INFO:
        return set_tsc(rs, &cur, err);
    default:
        return rs->ops->on_record(rs, type, &cur, err);
    }
}

static int take_record(struct xsr_restore *rs, const struct xsr_xc3_rec *rec,
                       struct xsr_err *err)
{
    if (rec->type & XSR_XC3_OPTIONAL) {
        xsr_log(rs->log, XSR_LOG_WARN,
                "record %u at 0x%llx: optional record "
                "0x%x is unknown and skipped",
                rs->rd.n_rec, (unsigned long long)rs->rd.rec_offset, rec->type);
        return xsr_reader_skip(&rs->rd, err);
    }
    if (rec->type == XSR_XC3_PAGE_DATA)
        return xsr_batch_restore(rs, err);
    switch (rec->type) {
    case XSR_XC3_STATIC_DATA_END:
        return complete_static_data(rs, err);
    case XSR_XC3_VERIFY:
        if (xsr_loader_finish(&rs->loader, err) < 0)
            return -1;
        xsr_restore_note(rs, "the memory follows again, for comparison");
        return 0;
    case XSR_XC3_END:
        return 0;
    default:
        return take_small(rs, rec->type, err);
    }
}

int xsr_restore_apply(struct xsr_restore *rs, const struct xsr_xc3_rec *rec,
                      struct xsr_err *err)
{
    if (take_record(rs, rec, err) == 0)
        return 0;
    /* Errors of form name their record; Xen's do not know it. */
    if (err->kind == XSR_E_XEN)
        xsr_err_prefix(err, "libxc record %u (%s)", rs->rd.n_rec,
                       xsr_xc3_type_name(rec->type));
    return xsr_err_at(err, rs->rd.rec_offset);
}

/* Is it for later? Then another record will say when. */
static bool is_kept(const struct xsr_restore *rs, uint32_t type)
{
    return rs->checkpoints.keeping && !(type & XSR_XC3_OPTIONAL) &&
           type != XSR_XC3_CHECKPOINT && type != XSR_XC3_END;
}

static int take_or_keep(struct xsr_restore *rs, const struct xsr_xc3_rec *rec,
                        enum xsr_checkpoint_next *next_out, struct xsr_err *err)
{
    rs->note[0] = '\0';
    if (is_kept(rs, rec->type))
        return xsr_checkpoint_keep(rs, err);
    if (rec->type == XSR_XC3_CHECKPOINT)
        return xsr_checkpoint_reached(rs, next_out, err);
    return xsr_restore_apply(rs, rec, err);
}

static int next_record(struct xsr_restore *rs,
                       enum xsr_checkpoint_next *next_out, struct xsr_err *err)
{
    struct xsr_xc3_rec rec;
    struct xsr_cur cur;
    bool inferred;

    if (xsr_reader_next(&rs->rd, &cur, err) < 0)
        return -1;
    if (xsr_xc3_get_rec(&cur, rs->ihdr.version, rs->dhdr.guest, &rec, err) < 0)
        return -1;
    inferred = xsr_xc3_order_infers_static_end(&rs->order, rec.type);
    if (xsr_xc3_order_next(&rs->order, rec.type, rs->rd.rec_offset, err) < 0)
        return -1;
    xsr_reader_begin(&rs->rd, &rec);
    if ((inferred && complete_static_data(rs, err) < 0) ||
        take_or_keep(rs, &rec, next_out, err) < 0)
        return xsr_err_at(err, rs->rd.rec_offset);
    xsr_log(rs->log, XSR_LOG_DEBUG, "record %u at 0x%llx: %s%s%s", rs->rd.n_rec,
            (unsigned long long)rs->rd.rec_offset, xsr_xc3_type_name(rec.type),
            rs->note[0] ? " " : "", rs->note);
    return 0;
}

/* ---- the whole ----------------------------------------------------------- */

/*
 * The stream of checkpoints has no end but this: the primary is gone. What it
 * sent since the last checkpoint is incomplete and is dropped.
 */
static void fail_over(struct xsr_restore *rs, const char *why)
{
    xsr_log(rs->log, XSR_LOG_WARN,
            "the primary is lost (%s); domain %u goes on from checkpoint %u",
            why, rs->arg->domid, rs->checkpoints.n);
}

static int read_records(struct xsr_restore *rs, struct xsr_err *err)
{
    enum xsr_checkpoint_next next = XSR_CHECKPOINT_GO_ON;

    while (!xsr_xc3_order_done(&rs->order)) {
        if (next_record(rs, &next, err) < 0) {
            if (!rs->checkpoints.keeping || !rs->rd.lost)
                return -1;
            fail_over(rs, err->text);
            xsr_err_clear(err);
            return 0;
        }
        if (next == XSR_CHECKPOINT_FAIL_OVER) {
            fail_over(rs, "as the toolstack or the back channel says");
            return 0;
        }
    }
    return 0;
}

static int restore_records(struct xsr_restore *rs, struct xsr_err *err)
{
    bool plain = rs->arg->stream_type == XSR_STREAM_IS_PLAIN;
    uint64_t total;

    xsr_xc3_order_init(&rs->order, rs->ihdr.version, &rs->dhdr, !plain);
    rs->rd.order = &rs->order;
    if (read_records(rs, err) < 0)
        return -1;
    if (rs->n_mismatches)
        xsr_log(rs->log, XSR_LOG_WARN, "verify: %llu pages differ",
                (unsigned long long)rs->n_mismatches);
    total = rs->ops->n_expected(rs);
    xsr_progress(rs->log, "Pages", total, total);
    return 0;
}

/* Xen does not let a page become a page table that we could write to. */
static void prepare_to_fill(struct xsr_restore *rs)
{
    const struct xsr_xen_domain *dom = &rs->dom;
    bool ends = rs->arg->process_ends;

    xsr_keep_init(&rs->keep, &rs->xen, ends && dom->hvm);
    xsr_keep_limit(&rs->keep, XSR_KEEP_STILL);
    if (ends && !dom->hvm && rs->arg->stream_type == XSR_STREAM_IS_PLAIN)
        xsr_loader_start(&rs->loader, &rs->xen, rs->arg->fd,
                         dom->max_pages -
                             xsr_min(dom->max_pages, dom->tot_pages));
}

static int restore_image(struct xsr_restore *rs, struct xsr_err *err)
{
    if (check_domain(rs, err) < 0 || xsr_checkpoint_check(rs, err) < 0 ||
        read_headers(rs, err) < 0)
        return -1;
    announce(rs);
    rs->ops = rs->dom.hvm ? &xsr_restore_hvm : &xsr_restore_pv;
    prepare_to_fill(rs);
    xsr_memory_init(&rs->mem, &rs->xen, &rs->dom);
    rs->mem.on_populated = rs->ops->on_populated;
    rs->mem.ctx = rs;
    if (rs->ops->setup(rs, err) < 0)
        return -1;
    xsr_progress(rs->log, "Pages", 0, rs->ops->n_expected(rs));
    if (restore_records(rs, err) < 0)
        return -1;
    /* Each of COLO's checkpoints has completed the domain already. */
    if (rs->arg->stream_type == XSR_STREAM_IS_COLO && rs->checkpoints.n)
        return 0;
    if (xsr_loader_finish(&rs->loader, err) < 0)
        return -1;
    if (rs->ops->finish(rs, err) < 0)
        return xsr_err_at(err, rs->rd.rec_offset);
    return 0;
}

int xsr_engine_restore(struct xsr_engine_restore *r, struct xsr_err *err)
{
    struct xsr_restore *rs = calloc(1, sizeof(*rs));
    int rc = -1;

    if (!rs)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a restore");
    rs->arg = r;
    rs->log = r->log;
    r->store_gfn = r->console_gfn = r->n_pages = 0;
    xsr_reader_init(&rs->rd, r->fd);
    xsr_policy_init(&rs->policy);
    xsr_loader_init(&rs->loader);
    if (xsr_xen_init(&rs->xen, r->xch, r->domid, err) == 0)
        rc = restore_image(rs, err);

    xsr_loader_fini(&rs->loader);
    xsr_keep_fini(&rs->keep);
    if (rs->ops)
        rs->ops->cleanup(rs);
    xsr_checkpoint_fini(rs);
    xsr_memory_fini(&rs->mem);
    xsr_policy_fini(&rs->policy);
    xsr_xen_fini(&rs->xen);
    xsr_reader_fini(&rs->rd);
    free(rs->bounce);
    free(rs);
    return rc;
}
