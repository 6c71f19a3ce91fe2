/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Salvage: where does the next record begin, when the length of one cannot be
 * believed? The input is searched from there on, in steps of the records'
 * alignment, for a record that is good in what can be seen of it: all entries
 * of a PAGE_DATA, the first entry of an HVM context, of others the kind's
 * length and a good header behind it. Records without a body are found by
 * nothing, as eight zeros are the end of an image. In a libxl stream the image
 * may be over.
 */
#include "lib/util.h"
#include "stream/hvmctx.h"
#include "tools/walk/parts.h"

#define ALIGN  8u
#define WINDOW (XSR_XC3_REC_HDR_LEN + 8u + 8u * XSR_MAX_PAGE_BATCH)

/* What a record is judged by. */
struct sight {
    const struct insp *w;
    const uint8_t *p;
    size_t n;
};

static bool frame_is_good(const struct sight *s, size_t at,
                          struct xsr_xc3_rec *rec)
{
    struct xsr_err unused = XSR_ERR_INIT;
    struct xsr_cur cur;

    if (s->n < XSR_XC3_REC_HDR_LEN || at > s->n - XSR_XC3_REC_HDR_LEN)
        return false;
    xsr_cur_init(&cur, s->p + at, XSR_XC3_REC_HDR_LEN, 0);
    return !xsr_xc3_get_rec(&cur, s->w->ihdr.version, s->w->dhdr.guest, rec,
                            &unused);
}

static bool pages_are_good(const struct sight *s, const struct xsr_xc3_rec *rec)
{
    static struct xsr_page_batch batch;
    const struct xsr_page_rules rules = insp_page_rules(s->w);
    struct xsr_err unused = XSR_ERR_INIT;
    struct xsr_cur cur;
    uint32_t count;

    xsr_cur_init(&cur, s->p + XSR_XC3_REC_HDR_LEN, s->n - XSR_XC3_REC_HDR_LEN,
                 0);
    return !xsr_pages_get_count(&cur, rec->len, &count, &unused) &&
           !xsr_pages_get_entries(&cur, rec->len, count, &rules, &batch,
                                  &unused);
}

/* It begins with Xen's own entry, of which four octets are always the same. */
static bool context_is_good(const struct sight *s)
{
    const uint8_t *p = s->p + XSR_XC3_REC_HDR_LEN;

    return s->n >= XSR_XC3_REC_HDR_LEN + 12 && xsr_le16(p) == 1 &&
           xsr_le16(p + 2) == 0 && xsr_le32(p + 4) == XSR_HVMCTX_HEADER_LEN &&
           xsr_le32(p + 8) == XSR_HVMCTX_MAGIC;
}

static bool record_is_good(const struct sight *s)
{
    struct xsr_xc3_rec rec, next;

    if (!frame_is_good(s, 0, &rec) || !rec.len || rec.type & XSR_XC3_OPTIONAL)
        return false;
    if (rec.type == XSR_XC3_PAGE_DATA)
        return pages_are_good(s, &rec);
    if (rec.type == XSR_XC3_HVM_CONTEXT)
        return context_is_good(s);
    return frame_is_good(
        s, XSR_XC3_REC_HDR_LEN + (size_t)rec.len + xsr_xc3_pad(rec.len), &next);
}

/* The device model's state, which is what follows an image. */
static bool image_is_over(const struct sight *s)
{
    return s->w->format != INSP_LIBXC_IMAGE &&
           s->n >= XSR_XL2_REC_HDR_LEN + XSR_XL2_EMU_HDR_LEN + 4 &&
           xsr_le32(s->p) == XSR_XL2_EMULATOR_CONTEXT &&
           xsr_le32(s->p + 4) >= XSR_XL2_EMU_HDR_LEN + 4 &&
           xsr_le32(s->p + 8) <= 2 && !xsr_le32(s->p + 12) &&
           !memcmp(s->p + 16, "QEVM", 4);
}

int insp_resync(struct insp *w, struct insp_row *row, bool *over_out,
                struct xsr_err *err)
{
    uint64_t odd = (w->src->offset - w->image_at) % ALIGN;
    uint64_t step = odd ? ALIGN - odd : 0;
    struct sight s = {.w = w};

    *over_out = false;
    for (;;) {
        if (insp_src_skip(w->src, step, "the search for a record", err) ||
            insp_src_peek(w->src, WINDOW, &s.p, &s.n, err))
            return -1;
        if (s.n < XSR_XC3_REC_HDR_LEN)
            break;
        *over_out = image_is_over(&s);
        if (*over_out || record_is_good(&s)) {
            row->resumed = w->src->offset;
            return 0;
        }
        step = ALIGN;
    }
    xsr_fail(err, XSR_E_EOF,
             "libxc image: nothing that looks like a record is behind the "
             "damaged %s",
             row->name);
    return xsr_err_at(err, w->src->offset);
}
