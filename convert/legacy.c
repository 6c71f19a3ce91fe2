/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The legacy conversion from the outside in: what the stream is, the headers
 * in front, body and tail, the emulator's records. A piece of the input is
 * judged before anything is made of it, so what is written is a valid
 * beginning of a v2 stream at any time, and has its END only if all was well.
 */
#include "convert/legacy_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stream/xlfile.h"

#define PIPE_LEN          (1u << 20)
#define FLAGS_POS         36u /* of the mandatory flags in the xl header */
#define CONVERTED         2u  /* libxl header option: from legacy */
#define CONVERTER_VERSION 1u  /* what Xen's converter says, too */

int xsr_lg_record(struct xsr_lg *c, uint32_t type, uint32_t len,
                  struct xsr_err *err)
{
    uint8_t p[8];

    xsr_st_le32(p, type);
    xsr_st_le32(p + 4, len);
    return xsr_lg_put(c->o, p, sizeof p, err);
}

int xsr_lg_pad(struct xsr_lg *c, uint64_t len, struct xsr_err *err)
{
    return xsr_lg_put_zero(c->o, (size_t)-len & 7, err);
}

int xsr_lg_turn_to(struct xsr_lg *c, struct xsr_lg_out *out,
                   struct xsr_err *err)
{
    if (c->o == out)
        return 0;
    if (xsr_lg_flush(c->o, err) < 0)
        return -1;
    c->o = c->in.out = out;
    return 0;
}

/* ---- the xl header ------------------------------------------------------- */

static int copy_xl_header(struct xsr_lg *c, struct xsr_err *err)
{
    uint8_t hdr[XSR_XLFILE_HDR_LEN];
    struct xsr_xlfile_hdr xl;
    struct xsr_cur cur;
    const uint8_t *p;

    if (xsr_lg_take(&c->in, sizeof hdr, "the xl header", &p, err) < 0)
        return -1;
    memcpy(hdr, p, sizeof hdr);
    xsr_cur_init(&cur, hdr, sizeof hdr, 0);
    if (xsr_xlfile_get_hdr(&cur, &xl, err) < 0)
        return -1;
    if (xl.mandatory_flags & XSR_XLFILE_STREAM_V2) {
        xsr_fail(err, XSR_E_FORMAT,
                 "xl header: a v2 stream follows (flag 2 is set), which needs "
                 "no conversion");
        return xsr_err_at(err, FLAGS_POS);
    }
    if (!c->p->libxc)
        xsr_st_le32(hdr + FLAGS_POS, xl.mandatory_flags | XSR_XLFILE_STREAM_V2);
    c->rep->had_xl_header = true;
    if (xsr_lg_put(c->o, hdr, sizeof hdr, err) < 0)
        return -1;
    return xsr_lg_copy(&c->in, c->o, xl.optional_len,
                       "the configuration of the xl save file", err);
}

/* ---- what the stream is -------------------------------------------------- */

bool xsr_legacy_probe(const uint8_t *p, size_t n)
{
    struct xsr_err unused = XSR_ERR_INIT;
    struct xsr_lg_shape shape;

    return n >= XSR_LEGACY_PEEK && !xsr_xlfile_probe(p, n) &&
           xsr_lg_get_shape(p, &shape, &unused) == 0;
}

static int refuse_known(const uint8_t *p, struct xsr_err *err)
{
    static const struct {
        const char *begin, *what;
    } known[] = {
        {"Xen saved domain", "an xl save file (option -x takes one)"},
        {"LibxlFmt", "a libxl v2 stream, which needs no conversion"},
        {"\xff\xff\xff\xff\xff\xff\xff\xffXENF",
         "a libxc v2 image, which needs no conversion"},
        {"LinuxGuestRecord", "a save file of xend: cut its configuration off"},
        {"XenSavedDom", "an image of XenServer (xensr convert takes it)"},
    };

    for (size_t i = 0; i < XSR_ARRAY_LEN(known); i++)
        if (!memcmp(p, known[i].begin, strlen(known[i].begin)))
            return xsr_fail(err, XSR_E_FORMAT,
                            "found %s where a legacy stream should begin",
                            known[i].what);
    return 0;
}

static int check_stated(const struct xsr_lg *c, struct xsr_err *err)
{
    const struct xsr_lg_shape *s = &c->rules.shape;
    const struct xsr_legacy_params *p = c->p;

    if (p->width && p->width != s->width * 8)
        return xsr_fail(err, XSR_E_FORMAT,
                        "found a stream of a %u-bit toolstack, but %u-bit was "
                        "stated",
                        s->width * 8u, p->width);
    if (p->guest && p->guest != s->guest)
        return xsr_fail(err, XSR_E_FORMAT,
                        "found a stream with %s guest, but %s was stated",
                        s->guest == XSR_XC3_PV ? "a PV" : "an HVM",
                        p->guest == XSR_XC3_PV ? "pv" : "hvm");
    return 0;
}

static int find_shape(struct xsr_lg *c, struct xsr_err *err)
{
    uint64_t at = c->in.pos;
    const uint8_t *p;

    if (xsr_lg_need(&c->in, XSR_LEGACY_PEEK, "its first words", &p, err) < 0)
        return -1;
    if (refuse_known(p, err) < 0 ||
        xsr_lg_get_shape(p, &c->rules.shape, err) < 0 ||
        check_stated(c, err) < 0) {
        err->offset = at;
        return -1;
    }
    c->rules.p2m_size = xsr_lg_ulong(p, c->rules.shape.width);
    c->rep->width = c->rules.shape.width * 8;
    c->rep->guest = c->rules.shape.guest;
    c->rep->p2m_size = c->rules.p2m_size;
    xsr_lg_say(c, XSR_LOG_DEBUG,
               "%s guest, saved by a %u-bit toolstack, p2m size %#llx",
               c->rep->guest == XSR_XC3_PV ? "PV" : "HVM", c->rep->width,
               (unsigned long long)c->rules.p2m_size);
    return xsr_lg_take(&c->in, c->rules.shape.width, "the p2m size", &p, err);
}

/* ---- the head of the image ----------------------------------------------- */

static int put_headers(struct xsr_lg *c, struct xsr_err *err)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    int rc = 0;

    if (!c->p->libxc)
        rc = xsr_xl2_put_hdr(&buf, CONVERTED, err) < 0 ||
             xsr_xl2_put_rec(&buf, XSR_XL2_LIBXC_CONTEXT, 0, err) < 0;
    rc = rc || xsr_xc3_put_ihdr(&buf, 3, err) < 0 ||
         xsr_xc3_put_dhdr(&buf, c->rules.shape.guest, 0, CONVERTER_VERSION,
                          err) < 0 ||
         xsr_lg_put(c->o, buf.p, buf.len, err) < 0;
    xsr_buf_fini(&buf);
    return rc ? -1 : 0;
}

static int take_ext(struct xsr_lg *c, struct xsr_err *err)
{
    uint8_t width = c->rules.shape.width;
    uint64_t at = c->in.pos;
    struct xsr_cur cur;
    const uint8_t *p;
    uint32_t len;

    if (xsr_lg_take(&c->in, width + 4u, "the extended info", &p, err) < 0)
        return -1;
    len = xsr_le32(p + width);
    if (len > XSR_MAX_LEGACY_EXT) {
        xsr_fail(err, XSR_E_LIMIT,
                 "extended info: found length %u, allowed at most %u", len,
                 XSR_MAX_LEGACY_EXT);
        return xsr_err_at(err, at + width);
    }
    at = c->in.pos;
    if (xsr_lg_take(&c->in, len, "the extended info", &p, err) < 0)
        return -1;
    xsr_cur_init(&cur, p, len, at);
    if (xsr_lg_get_ext(&cur, &c->ext, err) < 0)
        return -1;
    if (c->ext.n_unknown)
        xsr_lg_say(c, XSR_LOG_WARN,
                   "extended info: %u unknown block(s) are left out",
                   c->ext.n_unknown);
    c->rules.max_level = c->ext.pt_levels;
    c->rep->guest_width = c->ext.guest_width;
    xsr_lg_say(c, XSR_LOG_DEBUG, "%u-bit guest%s%s", c->ext.guest_width * 8u,
               c->ext.extended ? ", extended context" : "",
               c->ext.xsave ? ", xsave state" : "");
    return 0;
}

static int put_frames(struct xsr_lg *c, const uint8_t *p, size_t n, uint64_t at,
                      struct xsr_err *err)
{
    uint8_t width = c->rules.shape.width;

    for (size_t i = 0; i < n; i++) {
        uint64_t pfn = xsr_lg_ulong(p + i * width, width);

        if (pfn >= c->rules.p2m_size) {
            xsr_fail(err, XSR_E_FORMAT,
                     "p2m frame list: found pfn %#llx, allowed below %#llx, "
                     "the p2m size",
                     (unsigned long long)pfn,
                     (unsigned long long)c->rules.p2m_size);
            return xsr_err_at(err, at + i * width);
        }
        if (xsr_lg_put_u64(c->o, pfn, err) < 0)
            return -1;
    }
    return 0;
}

static int convert_frames(struct xsr_lg *c, struct xsr_err *err)
{
    uint64_t per_page = XSR_PAGE_SIZE / c->ext.guest_width;
    uint64_t left = (c->rules.p2m_size - 1) / per_page + 1;
    const uint8_t *p;

    if (xsr_lg_record(c, XSR_XC3_X86_PV_P2M_FRAMES, (uint32_t)(8 + 8 * left),
                      err) < 0 ||
        xsr_lg_put_u32(c->o, 0, err) < 0 ||
        xsr_lg_put_u32(c->o, (uint32_t)c->rules.p2m_size - 1, err) < 0)
        return -1;
    while (left) {
        size_t now = xsr_min(left, 4096);
        uint64_t at = c->in.pos;

        if (xsr_lg_take(&c->in, now * c->rules.shape.width,
                        "the p2m frame list", &p, err) < 0 ||
            put_frames(c, p, now, at, err) < 0)
            return -1;
        left -= now;
    }
    return 0;
}

static int convert_head(struct xsr_lg *c, struct xsr_err *err)
{
    bool pv = c->rules.shape.guest == XSR_XC3_PV;
    uint8_t info[8] = {0};

    if (put_headers(c, err) < 0 || (pv && take_ext(c, err) < 0))
        return -1;
    info[0] = c->ext.guest_width;
    info[1] = c->ext.pt_levels;
    if (pv && (xsr_lg_record(c, XSR_XC3_X86_PV_INFO, sizeof info, err) < 0 ||
               xsr_lg_put(c->o, info, sizeof info, err) < 0))
        return -1;
    if (xsr_lg_record(c, XSR_XC3_STATIC_DATA_END, 0, err) < 0)
        return -1;
    return pv ? convert_frames(c, err) : 0;
}

/* ---- checkpoints --------------------------------------------------------- */

static void forget_body(struct xsr_lg *c)
{
    memset(&c->vcpus, 0, sizeof c->vcpus);
    c->vcpus.word[0] = 1; /* what a stream without that chunk means */
    c->vcpus.n = 1;
    c->vcpus_known = false;
    c->n_params = 0;
    xsr_buf_clear(&c->keys);
}

static int convert_checkpoint(struct xsr_lg *c, struct xsr_err *err)
{
    forget_body(c);
    if ((c->last && xsr_lg_last_body(c, err) < 0) || xsr_lg_body(c, err) < 0 ||
        xsr_lg_tail(c, err) < 0 || xsr_lg_emulator(c, err) < 0)
        return -1;
    c->rep->checkpoints++;
    return c->last ? xsr_lg_last_commit(c, err) : 0;
}

/* Is the input over, or does one more checkpoint begin? */
static int next_checkpoint(struct xsr_lg *c, bool *more_out,
                           struct xsr_err *err)
{
    *more_out = false;
    if (!c->last || c->is_last)
        return 0;
    c->checkpoint++;
    return xsr_lg_more(&c->in, more_out, err);
}

static int convert_checkpoints(struct xsr_lg *c, struct xsr_err *err)
{
    struct xsr_err cut = XSR_ERR_INIT;
    bool more = true;

    if (convert_checkpoint(c, err) < 0)
        return -1;
    while (next_checkpoint(c, &more, &cut) == 0 && more)
        if (convert_checkpoint(c, &cut) < 0)
            break;
    /* the sender died in the middle of one: what the last is for */
    if (cut.kind == XSR_E_EOF)
        xsr_lg_say(c, XSR_LOG_INFO,
                   "checkpoint %u is not whole and is left out: %s",
                   c->rep->checkpoints + 1, cut.text);
    else if (cut.kind != XSR_E_OK)
        *err = cut;
    if (err->kind != XSR_E_OK)
        return -1;
    return c->last ? xsr_lg_last_finish(c, err) : 0;
}

static int convert(struct xsr_lg *c, struct xsr_err *err)
{
    if ((c->p->xl_header && copy_xl_header(c, err) < 0) ||
        find_shape(c, err) < 0 || convert_head(c, err) < 0 ||
        convert_checkpoints(c, err) < 0)
        return -1;
    if (!c->p->libxc && xsr_lg_record(c, XSR_XL2_END, 0, err) < 0)
        return -1;
    return xsr_lg_flush(c->o, err);
}

/* Fewer changes of process between us and our neighbours. */
static void widen(int fd)
{
    int now = fcntl(fd, F_GETPIPE_SZ); /* fails for whatever is no pipe */

    if (now > 0 && now < (int)PIPE_LEN)
        xsr_grow_pipe(fd, PIPE_LEN);
}

int xsr_convert_legacy(const struct xsr_legacy_params *params,
                       struct xsr_legacy_report *report_out,
                       struct xsr_err *err)
{
    struct xsr_err late = XSR_ERR_INIT;
    struct xsr_lg *c;
    int rc = -1;

    memset(report_out, 0, sizeof *report_out);
    if (params->n_head > XSR_LEGACY_PEEK)
        return xsr_fail(err, XSR_E_BUG, "a head of %zu bytes", params->n_head);
    c = malloc(sizeof *c);
    if (!c)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a conversion");
    memset(c, 0, offsetof(struct xsr_lg, batch));
    c->last = NULL;
    c->p = params;
    c->rep = report_out;
    c->o = &c->main;
    widen(params->in);
    widen(params->out);
    xsr_lg_out_init(&c->main, params->out);
    if (xsr_lg_in_init(&c->in, params->in, params->head, params->n_head,
                       &c->main, err) == 0 &&
        (params->remus == XSR_LEGACY_FIRST || xsr_lg_last_open(c, err) == 0))
        rc = convert(c, err);
    if (rc == 0)
        rc = xsr_lg_settle(&c->in, err);
    else /* what was good is written: the reader sees where it ends */
        xsr_lg_flush(&c->main, &late);
    report_out->in_bytes = c->in.pos;
    report_out->out_bytes = c->main.pos;
    xsr_lg_last_close(c);
    xsr_buf_fini(&c->keys);
    free(c);
    return rc;
}
