/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walks over a libxc image. What differs between version 2 and 3 is the static
 * part alone: version 3 has CPU policies and STATIC_DATA_END, version 2 lets
 * its reader infer that end. So a version 2 image gets a STATIC_DATA_END where
 * one would be inferred, and a version 3 image loses it; its policies have no
 * place in version 2. Everything else is kept byte for byte.
 */
#include "convert/v2/image.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/limits.h"

#define HEADERS_LEN (XSR_XC3_IHDR_LEN + XSR_XC3_DHDR_LEN)

static bool upgrades(const struct xsr_image *im)
{
    return im->ihdr.version == 2 && im->version_out == 3;
}
static bool downgrades(const struct xsr_image *im)
{
    return im->ihdr.version == 3 && im->version_out == 2;
}

/* ---- putting records in -------------------------------------------------- */

static int put_rec(struct xsr_image *im, uint32_t type, const void *body,
                   size_t len, struct xsr_err *err)
{
    struct xsr_buf rec = XSR_BUF_INIT;
    int rc = xsr_xc3_put_rec(&rec, type, body, (uint32_t)len, err);

    if (rc == 0)
        rc = xsr_flow_put(im->flow, rec.p, rec.len, err);
    xsr_buf_fini(&rec);
    return rc;
}

static int put_policy(struct xsr_image *im, enum xsr_part part, uint32_t type,
                      uint32_t max, struct xsr_err *err)
{
    struct xsr_buf body = XSR_BUF_INIT;
    struct xsr_cur cur;
    uint32_t n;
    bool found;
    int rc;

    rc = xsr_parts_load(im->parts, part, max, &body, &found, err);
    if (rc == 0 && found) {
        xsr_cur_init(&cur, body.p, body.len, XSR_NO_OFFSET);
        rc = type == XSR_XC3_X86_CPUID_POLICY
                 ? xsr_blob_check_cpuid_policy(&cur, &n, err)
                 : xsr_blob_check_msr_policy(&cur, &n, err);
        if (rc == 0)
            rc = put_rec(im, type, body.p, body.len, err);
    }
    xsr_buf_fini(&body);
    return rc;
}

/* Version 2 becomes 3: its static part ends here. */
static int end_static_part(struct xsr_image *im, struct xsr_err *err)
{
    if (put_policy(im, XSR_PART_CPUID_POLICY, XSR_XC3_X86_CPUID_POLICY,
                   XSR_MAX_CPUID_POLICY, err) ||
        put_policy(im, XSR_PART_MSR_POLICY, XSR_XC3_X86_MSR_POLICY,
                   XSR_MAX_MSR_POLICY, err) ||
        put_rec(im, XSR_XC3_STATIC_DATA_END, NULL, 0, err))
        return -1;
    im->static_done = true;
    xsr_parts_note(im->parts, "STATIC_DATA_END was put in");
    if (!im->early.len)
        return 0;
    xsr_parts_note(im->parts, "X86_TSC_INFO was moved behind the static part");
    return xsr_flow_put(im->flow, im->early.p, im->early.len, err);
}

/* ---- headers ------------------------------------------------------------- */

int xsr_image_begin(struct xsr_image *im, struct xsr_err *err)
{
    struct xsr_flow *f = im->flow;
    struct xsr_buf hdr = XSR_BUF_INIT;
    struct xsr_cur cur;
    int rc;

    if (xsr_flow_need(f, HEADERS_LEN, "the libxc headers", err))
        return -1;
    cur = xsr_flow_cur(f, HEADERS_LEN);
    if (xsr_xc3_get_ihdr(&cur, &im->ihdr, err) ||
        xsr_xc3_get_dhdr(&cur, &im->dhdr, err))
        return -1;
    if (!im->version_out)
        im->version_out = im->ihdr.version;
    im->max_pfn = XSR_MAX_PFN;
    im->max_level = 4;
    im->batch = malloc(sizeof *im->batch);
    if (!im->batch)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for the conversion");
    xsr_xc3_order_init(&im->order, im->ihdr.version, &im->dhdr,
                       im->checkpointed);
    if (im->version_out == im->ihdr.version)
        return xsr_flow_keep(f, HEADERS_LEN, "the libxc headers", err);
    rc = xsr_xc3_put_ihdr(&hdr, im->version_out, err) ||
                 xsr_flow_put(f, hdr.p, hdr.len, err) ||
                 xsr_flow_drop(f, XSR_XC3_IHDR_LEN, "the libxc header", err) ||
                 xsr_flow_keep(f, XSR_XC3_DHDR_LEN, "the domain header", err)
             ? -1
             : 0;
    xsr_buf_fini(&hdr);
    if (rc == 0 && upgrades(im) && im->dhdr.guest == XSR_XC3_HVM)
        rc = end_static_part(im, err);
    return rc;
}

/* ---- records ------------------------------------------------------------- */

static int keep_rec(struct xsr_image *im, const struct xsr_xc3_rec *rec,
                    struct xsr_err *err)
{
    const char *name = xsr_xc3_type_name(rec->type);
    uint32_t pad = xsr_xc3_pad(rec->len);
    struct xsr_cur cur;

    if (xsr_flow_keep(im->flow, XSR_XC3_REC_HDR_LEN + (uint64_t)rec->len, name,
                      err) ||
        xsr_flow_need(im->flow, pad, "padding", err))
        return -1;
    cur = xsr_flow_cur(im->flow, pad);
    if (xsr_get_zero(&cur, pad, "libxc record padding", err))
        return -1;
    return xsr_flow_keep(im->flow, pad, "padding", err);
}

static int drop_rec(struct xsr_image *im, const struct xsr_xc3_rec *rec,
                    struct xsr_err *err)
{
    return xsr_flow_drop(im->flow,
                         XSR_XC3_REC_HDR_LEN + (uint64_t)rec->len +
                             xsr_xc3_pad(rec->len),
                         xsr_xc3_type_name(rec->type), err);
}

static int on_pv_info(struct xsr_image *im, const struct xsr_xc3_rec *rec,
                      struct xsr_err *err)
{
    struct xsr_pv_info info;
    struct xsr_cur cur;

    if (xsr_flow_need(im->flow, XSR_XC3_REC_HDR_LEN + 8, "X86_PV_INFO", err))
        return -1;
    cur = xsr_flow_cur(im->flow, XSR_XC3_REC_HDR_LEN + 8);
    cur.pos = XSR_XC3_REC_HDR_LEN;
    if (xsr_blob_get_pv_info(&cur, &info, err) || keep_rec(im, rec, err))
        return -1;
    im->max_level = info.pt_levels;
    return upgrades(im) ? end_static_part(im, err) : 0;
}

/* Above it no release up to 4.9 reads a record; only huge PV guests have one.
 */
#define OLD_MAX_RECORD (8u << 20)

/* Only where the guest's memory ends: the list itself may be 128 MiB. */
static int on_p2m_frames(struct xsr_image *im, const struct xsr_xc3_rec *rec,
                         struct xsr_err *err)
{
    const uint32_t head = XSR_XC3_REC_HDR_LEN + 8;

    if (xsr_flow_need(im->flow, head, "X86_PV_P2M_FRAMES", err))
        return -1;
    im->max_pfn = xsr_le32(xsr_flow_p(im->flow) + head - 4);
    if (downgrades(im) && rec->len > OLD_MAX_RECORD)
        xsr_parts_note(im->parts,
                       "warning: X86_PV_P2M_FRAMES has %u bytes, and Xen 4.6 "
                       "to 4.9 read records up to %u",
                       rec->len, OLD_MAX_RECORD);
    return keep_rec(im, rec, err);
}

static int on_page_data(struct xsr_image *im, const struct xsr_xc3_rec *rec,
                        struct xsr_err *err)
{
    struct xsr_page_rules rules = {im->dhdr.guest, im->max_pfn, im->max_level};
    size_t head = XSR_XC3_REC_HDR_LEN + 8;
    struct xsr_cur cur;
    uint32_t count;

    if (xsr_flow_need(im->flow, head, "PAGE_DATA", err))
        return -1;
    cur = xsr_flow_cur(im->flow, head);
    cur.pos = XSR_XC3_REC_HDR_LEN;
    if (xsr_pages_get_count(&cur, rec->len, &count, err))
        return -1;
    head += 8 * (size_t)count;
    if (xsr_flow_need(im->flow, head, "PAGE_DATA entries", err))
        return -1;
    cur = xsr_flow_cur(im->flow, head);
    cur.pos = XSR_XC3_REC_HDR_LEN + 8;
    if (xsr_pages_get_entries(&cur, rec->len, count, &rules, im->batch, err))
        return -1;
    im->n_pages += im->batch->n_data;
    return keep_rec(im, rec, err);
}

static int on_policy(struct xsr_image *im, const struct xsr_xc3_rec *rec,
                     struct xsr_err *err)
{
    enum xsr_part part = rec->type == XSR_XC3_X86_CPUID_POLICY
                             ? XSR_PART_CPUID_POLICY
                             : XSR_PART_MSR_POLICY;

    if (!downgrades(im))
        return keep_rec(im, rec, err);
    if (xsr_flow_drop(im->flow, XSR_XC3_REC_HDR_LEN, "a policy", err) ||
        xsr_parts_leave(im->parts, im->flow, part, rec->len,
                        "version 2 images have no CPU policies, and without "
                        "them the guest may find another CPU",
                        err))
        return -1;
    return xsr_flow_drop(im->flow, xsr_xc3_pad(rec->len), "padding", err);
}

static int on_tsc_info(struct xsr_image *im, const struct xsr_xc3_rec *rec,
                       struct xsr_err *err)
{
    if (!upgrades(im) || im->static_done)
        return keep_rec(im, rec, err);
    return xsr_flow_take(im->flow, XSR_XC3_REC_HDR_LEN + (uint64_t)rec->len,
                         &im->early, "X86_TSC_INFO", err);
}

static int on_rec(struct xsr_image *im, const struct xsr_xc3_rec *rec,
                  struct xsr_err *err)
{
    switch (rec->type) {
    case XSR_XC3_PAGE_DATA:
        return on_page_data(im, rec, err);
    case XSR_XC3_X86_PV_INFO:
        return on_pv_info(im, rec, err);
    case XSR_XC3_X86_PV_P2M_FRAMES:
        return on_p2m_frames(im, rec, err);
    case XSR_XC3_X86_CPUID_POLICY:
    case XSR_XC3_X86_MSR_POLICY:
        return on_policy(im, rec, err);
    case XSR_XC3_X86_TSC_INFO:
        return on_tsc_info(im, rec, err);
    case XSR_XC3_STATIC_DATA_END:
        if (!downgrades(im))
            break;
        xsr_parts_note(im->parts, "STATIC_DATA_END was left out");
        return drop_rec(im, rec, err);
    case XSR_XC3_END:
        im->ended = true;
        break;
    case XSR_XC3_CHECKPOINT:
        im->n_checkpoints++;
        break;
    default:
        break;
    }
    return keep_rec(im, rec, err);
}

int xsr_image_records(struct xsr_image *im, struct xsr_err *err)
{
    struct xsr_xc3_rec rec;
    struct xsr_cur cur;

    do {
        if (xsr_flow_need(im->flow, XSR_XC3_REC_HDR_LEN, "a libxc record", err))
            return -1;
        cur = xsr_flow_cur(im->flow, XSR_XC3_REC_HDR_LEN);
        if (xsr_xc3_get_rec(&cur, im->ihdr.version, im->dhdr.guest, &rec,
                            err) ||
            xsr_xc3_order_next(&im->order, rec.type, im->flow->in_at, err) ||
            on_rec(im, &rec, err))
            return -1;
        im->n_records++;
    } while (rec.type != XSR_XC3_END && rec.type != XSR_XC3_CHECKPOINT);
    return 0;
}

void xsr_image_fini(struct xsr_image *im)
{
    xsr_buf_fini(&im->early);
    free(im->batch);
    im->batch = NULL;
}
