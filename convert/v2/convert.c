/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A conversion from its first byte to its last: which format comes in, which
 * one goes out, and whether anything is left behind. The layers are read by
 * in.c and in_xenserver.c, written by out.c.
 */
#include "convert/v2/convert.h"

#include "convert/v2/inner.h"
#include "lib/util.h"

#define PEEK     16u /* tells all formats but xl's two apart */
#define XENS_SIG 15u

static int unknown_input(struct cv *cv, size_t n, struct xsr_err *err)
{
    char quoted[48];

    xsr_fail(err, n ? XSR_E_FORMAT : XSR_E_EOF,
             n ? "the input begins with \"%s\" and is in none of the formats "
                 "that are known: xl, libxl, libxc, XenServer, legacy"
               : "the input is empty%s",
             n ? xsr_err_quote(xsr_flow_p(&cv->flow), xsr_min(n, 12), quoted,
                               sizeof quoted)
               : "");
    return xsr_err_at(err, 0);
}

/* What was asked for names a family where there is one. */
static bool is_wanted(enum xsr_format wanted, enum xsr_format found)
{
    switch (wanted) {
    case XSR_FORMAT_UNKNOWN:
        return true;
    case XSR_FORMAT_XL:
        return found == XSR_FORMAT_XL || found == XSR_FORMAT_XL_LEGACY;
    case XSR_FORMAT_LIBXC3:
        return found == XSR_FORMAT_LIBXC2 || found == XSR_FORMAT_LIBXC3;
    case XSR_FORMAT_XENSERVER:
        return found == XSR_FORMAT_XENSERVER ||
               found == XSR_FORMAT_XENSERVER_OLD;
    case XSR_FORMAT_LEGACY:
        return found == XSR_FORMAT_LEGACY || found == XSR_FORMAT_XL_LEGACY ||
               found == XSR_FORMAT_XEND;
    default:
        return found == wanted;
    }
}

static int detect(struct cv *cv, struct xsr_err *err)
{
    enum xsr_format format;
    size_t n;

    if (xsr_flow_peek(&cv->flow, PEEK, &n, err))
        return -1;
    format = xsr_format_detect(xsr_flow_p(&cv->flow), n);
    if (format == XSR_FORMAT_XL) {
        if (xsr_flow_peek(&cv->flow, XSR_DETECT_LEN, &n, err))
            return -1;
        format = xsr_format_detect(xsr_flow_p(&cv->flow), n);
    }
    if (format == XSR_FORMAT_UNKNOWN)
        return unknown_input(cv, n, err);
    cv->report->from = format;
    if (is_wanted(cv->p->from, format))
        return 0;
    xsr_fail(err, XSR_E_FORMAT, "the input is in format %s, and not %s",
             xsr_format_name(format), xsr_format_name(cv->p->from));
    return xsr_err_at(err, 0);
}

/* LIBXC3 stands for both versions of bare images. */
static enum xsr_format choose_output(const struct cv *cv)
{
    enum xsr_format from = cv->report->from;

    if (cv->p->to == XSR_FORMAT_LIBXC2)
        return XSR_FORMAT_LIBXC3;
    if (cv->p->to != XSR_FORMAT_UNKNOWN)
        return cv->p->to;
    if (from == XSR_FORMAT_XL || from == XSR_FORMAT_XL_LEGACY)
        return XSR_FORMAT_XL;
    if (from == XSR_FORMAT_LIBXC2 || from == XSR_FORMAT_LIBXC3)
        return XSR_FORMAT_LIBXC3;
    return from == XSR_FORMAT_XENSERVER ? from : XSR_FORMAT_LIBXL;
}

static int walk(struct cv *cv, struct xsr_err *err)
{
    switch (cv->report->from) {
    case XSR_FORMAT_XL:
        cv->flow.exact = false;
        return in_xl_header(cv, err) || in_libxl(cv, err) ? -1 : 0;
    case XSR_FORMAT_LIBXL:
        cv->flow.exact = false;
        return in_libxl(cv, err);
    case XSR_FORMAT_LIBXC2:
    case XSR_FORMAT_LIBXC3:
        cv->flow.exact = false;
        return in_learn_origin(cv, err) || out_begin(cv, err) ||
                       in_whole_image(cv, err)
                   ? -1
                   : 0;
    case XSR_FORMAT_XL_LEGACY:
        return in_xl_header(cv, err) || in_legacy(cv, err) ? -1 : 0;
    case XSR_FORMAT_XEND:
        return in_xend_header(cv, err) || in_legacy(cv, err) ? -1 : 0;
    case XSR_FORMAT_XENSERVER_OLD:
        return xsr_flow_drop(&cv->flow, XENS_SIG, "the signature", err) ||
                       in_legacy(cv, err)
                   ? -1
                   : 0;
    case XSR_FORMAT_XENSERVER:
        return in_xenserver(cv, err);
    default:
        return in_legacy(cv, err);
    }
}

/* A disk behind XenServer's last record holds anything. */
static int check_end(struct cv *cv, struct xsr_err *err)
{
    size_t got;

    if (!cv->p->must_end || cv->report->from == XSR_FORMAT_XENSERVER)
        return 0;
    if (xsr_flow_peek(&cv->flow, 1, &got, err))
        return -1;
    if (!got)
        return 0;
    xsr_fail(err, XSR_E_FORMAT,
             "found bytes behind the end of the image: cut them off, or name "
             "the part of the file that is meant");
    return xsr_err_at(err, cv->flow.in_at);
}

static int convert(struct cv *cv, struct xsr_err *err)
{
    cv->flow.exact = true;
    if (detect(cv, err))
        return -1;
    cv->to = choose_output(cv);
    cv->same = cv->to == XSR_FORMAT_XENSERVER && cv->report->from == cv->to;
    cv->report->to = cv->to;
    if (walk(cv, err))
        return -1;
    if (cv->report->from != XSR_FORMAT_XENSERVER && !cv->no_end &&
        out_end(cv, err))
        return -1;
    if (check_end(cv, err))
        return -1;
    return xsr_flow_flush(&cv->flow, err);
}

static void fill_report(struct cv *cv)
{
    struct xsr_convert_report *r = cv->report;

    r->version_in = cv->image.ihdr.version;
    r->version_out = cv->image.version_out;
    r->dhdr = cv->image.dhdr;
    r->n_records = cv->image.n_records;
    r->n_pages = cv->image.n_pages;
    r->n_checkpoints = cv->image.n_checkpoints;
    r->in_bytes = cv->flow.in_at;
    r->out_bytes = cv->flow.out_at;
    if (r->to == XSR_FORMAT_LIBXC3 && r->version_out == 2)
        r->to = XSR_FORMAT_LIBXC2;
}

int xsr_convert(const struct xsr_convert_params *params,
                struct xsr_convert_report *report_out, struct xsr_err *err)
{
    struct cv cv = {.p = params, .report = report_out};
    int rc;

    *report_out = (struct xsr_convert_report){0};
    rc = xsr_flow_init(&cv.flow, params->in, params->out, params->head,
                       params->n_head, err);
    cv.flow.on_moved = params->on_moved;
    cv.flow.ctx = params->parts.ctx;
    if (rc == 0)
        rc = convert(&cv, err);
    fill_report(&cv);
    xsr_image_fini(&cv.image);
    xsr_buf_fini(&cv.xl_data);
    xsr_buf_fini(&cv.blob);
    xsr_flow_fini(&cv.flow);
    return rc;
}
