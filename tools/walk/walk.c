/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk over an image, in the order of its bytes: xl header and
 * configuration, libxl stream, libxc image inside it, libxl records behind it.
 * Frames, order and bodies are judged by stream/ exactly as a restore does;
 * the listener is told about a row only after it was found good.
 */
#include "convert/detect.h"
#include "lib/util.h"
#include "stream/xl2_order.h"
#include "stream/xskeys.h"
#include "tools/walk/parts.h"

const char *insp_format_name(enum insp_format format)
{
    static const char *const names[] = {
        [INSP_UNKNOWN] = "unknown",
        [INSP_XL_FILE] = "xl save file",
        [INSP_LIBXL_STREAM] = "libxl stream",
        [INSP_LIBXC_IMAGE] = "libxc image",
    };

    return names[format];
}

const char *insp_guest_type(const struct insp *w)
{
    if (w->guest.known && !strcmp(w->guest.type, "pvh"))
        return "PVH";
    if (w->guest.known && !strcmp(w->guest.type, "hvm"))
        return "HVM";
    if (w->guest.known && !strcmp(w->guest.type, "pv"))
        return "PV";
    return !w->have_dhdr                 ? "unknown type"
           : w->dhdr.guest == XSR_XC3_PV ? "PV"
                                         : "HVM or PVH";
}

/* ---- libxl --------------------------------------------------------------- */

/* The rest of the device model's state: to the listener, its beginning into
 * the body. */
static int walk_emulator_rest(struct insp *w, uint64_t n, const char *what,
                              struct xsr_err *err)
{
    const uint8_t *p;
    size_t got;

    if (!w->listener->on_emulator && !w->keep)
        return insp_src_skip(w->src, n, what, err);
    for (; n; n -= got) {
        uint64_t at = w->src->offset;

        if (insp_src_some(w->src, (size_t)xsr_min(n, SIZE_MAX), &p, &got, what,
                          err) ||
            (w->listener->on_emulator &&
             w->listener->on_emulator(w->ctx, w, at, p, got, err)))
            return -1;
        if (w->body.len < w->keep &&
            xsr_buf_put(&w->body, p,
                        (size_t)xsr_min(got, w->keep - w->body.len), err))
            return -1;
    }
    return 0;
}

/* Emulator bodies: keys are judged whole, of a context only its beginning. */
static int walk_emulator(struct insp *w, struct insp_row *row,
                         struct xsr_err *err)
{
    uint32_t n = row->type == XSR_XL2_EMULATOR_CONTEXT
                     ? (uint32_t)xsr_min(row->len, 16)
                     : row->len;
    struct xsr_xl2_emu emu;
    struct xsr_xskeys keys;
    struct xsr_cur cur;
    int rc = 0;

    if (insp_take(w, n, row->name, &cur, err))
        return -1;
    row->body = w->body.p;
    row->body_len = w->body.len;
    if (xsr_xl2_get_emu(&cur, &emu, err))
        return -1;
    if (row->type == XSR_XL2_EMULATOR_CONTEXT) {
        if (w->listener->on_emulator && n > XSR_XL2_EMU_HDR_LEN)
            rc = w->listener->on_emulator(
                w->ctx, w, row->body_at + XSR_XL2_EMU_HDR_LEN,
                w->body.p + XSR_XL2_EMU_HDR_LEN, n - XSR_XL2_EMU_HDR_LEN, err);
        if (!rc)
            rc = walk_emulator_rest(w, row->len - n, row->name, err);
        row->body = w->body.p;
        row->body_len = w->body.len;
        return rc;
    }
    if (xsr_xskeys_get(&cur, &keys, err))
        return -1;
    xsr_xskeys_fini(&keys);
    return 0;
}

static int walk_stream_body(struct insp *w, struct insp_row *row,
                            struct xsr_err *err)
{
    uint64_t end = w->src->offset + row->len + xsr_xl2_pad(row->len);
    int rc = 0;

    row->body_at = w->src->offset;
    if (row->type == XSR_XL2_EMULATOR_XENSTORE_DATA ||
        row->type == XSR_XL2_EMULATOR_CONTEXT)
        rc = walk_emulator(w, row, err);
    else if (row->len)
        rc = insp_src_skip(w->src, row->len, row->name, err);
    if ((rc || insp_take_padding(w, row->len, row->name, err)) &&
        (!insp_forgive(w, row, err) || insp_skip_to(w, end, row->name, err)))
        return -1;
    return insp_tell(w, row, err);
}

static int walk_stream_record(struct insp *w, struct xsr_xl2_order *order,
                              struct xsr_xc3_order *image, struct xsr_err *err)
{
    struct insp_row row = {.layer = INSP_LIBXL, .offset = w->src->offset};
    struct xsr_xl2_rec rec;
    struct xsr_cur cur;
    int rc = 0;

    if (insp_take(w, XSR_XL2_REC_HDR_LEN, "a libxl record header", &cur, err) ||
        xsr_xl2_get_rec(&cur, &rec, err) ||
        (xsr_xl2_order_next(order, rec.type, row.offset, err) &&
         !insp_forgive(w, &row, err)))
        return -1;
    if (rec.type <= XSR_XL2_CHECKPOINT_STATE)
        w->xl_seen |= 1u << rec.type;
    row.type = rec.type;
    row.len = rec.len;
    row.name = xsr_xl2_type_name(rec.type);
    if (walk_stream_body(w, &row, err))
        return -1;
    if (rec.type == XSR_XL2_LIBXC_CONTEXT)
        rc = insp_begin_image(w, image, err);
    else if (rec.type == XSR_XL2_CHECKPOINT_END)
        rc = insp_walk_image(w, image, err);
    else
        return 0;
    if (!rc && !w->image_over)
        xsr_xl2_order_checkpoint(order);
    return rc;
}

static enum xsr_xl2_guest order_guest(const struct insp *w)
{
    return !w->guest.known                 ? XSR_XL2_ANY
           : !strcmp(w->guest.type, "hvm") ? XSR_XL2_HVM
           : !strcmp(w->guest.type, "pvh") ? XSR_XL2_PVH
                                           : XSR_XL2_PV;
}

static int walk_stream(struct insp *w, struct xsr_err *err)
{
    struct insp_row row = {.layer = INSP_LIBXL,
                           .type = INSP_HEADER,
                           .name = "header",
                           .len = XSR_XL2_HDR_LEN,
                           .offset = w->src->offset};
    struct xsr_xl2_order order;
    struct xsr_xc3_order image = {0};
    struct xsr_cur cur;

    if (insp_take(w, row.len, "the libxl stream header", &cur, err) ||
        xsr_xl2_get_hdr(&cur, &w->xl2, err) || insp_tell(w, &row, err))
        return -1;
    xsr_xl2_order_init(&order, order_guest(w));
    while (!xsr_xl2_order_done(&order)) {
        const uint8_t *p;
        size_t got;

        if (insp_src_peek(w->src, 1, &p, &got, err))
            return -1;
        if (!got) {
            xsr_fail(err, XSR_E_EOF,
                     "libxl stream: the input ends %s without an END record, "
                     "expected %s",
                     xsr_xl2_order_state_name(&order),
                     xsr_xl2_order_expected(&order));
            return xsr_err_at(err, w->src->offset);
        }
        if (walk_stream_record(w, &order, &image, err))
            return -1;
    }
    return 0;
}

/* ---- xl --------------------------------------------------------------------
 */

static void copy_string(char *out, size_t out_len, const json_t *obj,
                        const char *key)
{
    const char *s = json_string_value(json_object_get(obj, key));

    xsr_err_quote(s ? s : "", s ? strlen(s) : 0, out, out_len);
}

static int read_config(struct insp *w, const struct xsr_xlfile_config *config,
                       uint64_t at, struct xsr_err *err)
{
    json_error_t why;
    json_t *doc = json_loadb(config->text, config->len, 0, &why);
    json_t *c_info, *b_info;

    if (!doc) {
        xsr_fail(err, XSR_E_FORMAT,
                 "xl configuration: not valid JSON in line %d: %s", why.line,
                 why.text);
        return xsr_err_at(err,
                          at + (uint64_t)(why.position > 0 ? why.position : 0));
    }
    c_info = json_object_get(doc, "c_info");
    b_info = json_object_get(doc, "b_info");
    copy_string(w->guest.name, sizeof w->guest.name, c_info, "name");
    copy_string(w->guest.type, sizeof w->guest.type, c_info, "type");
    copy_string(w->guest.uuid, sizeof w->guest.uuid, c_info, "uuid");
    w->guest.memory_kb =
        (uint64_t)json_integer_value(json_object_get(b_info, "target_memkb"));
    w->guest.n_vcpus =
        (uint32_t)json_integer_value(json_object_get(b_info, "max_vcpus"));
    copy_string(w->guest.model, sizeof w->guest.model, b_info,
                "device_model_version");
    json_decref(doc);
    w->guest.known = !strcmp(w->guest.type, "pv") ||
                     !strcmp(w->guest.type, "pvh") ||
                     !strcmp(w->guest.type, "hvm");
    return 0;
}

static int walk_config(struct insp *w, struct xsr_err *err)
{
    struct insp_row row = {.layer = INSP_XL,
                           .type = INSP_CONFIG,
                           .name = "configuration",
                           .len = w->xl.optional_len,
                           .offset = w->src->offset};
    struct xsr_xlfile_config config;
    struct xsr_cur cur;

    if (!row.len)
        return 0;
    if (insp_take(w, row.len, "the xl configuration", &cur, err) ||
        xsr_xlfile_get_config(&cur, &w->xl, &config, err))
        return -1;
    row.body = w->body.p;
    row.body_len = w->body.len;
    row.body_at = row.offset;
    if (config.len && w->xl.mandatory_flags & XSR_XLFILE_JSON &&
        read_config(w, &config, row.offset + 4, err) &&
        !insp_forgive(w, &row, err))
        return -1;
    return insp_tell(w, &row, err);
}

static int walk_file(struct insp *w, struct xsr_err *err)
{
    struct insp_row row = {.layer = INSP_XL,
                           .type = INSP_HEADER,
                           .name = "header",
                           .len = XSR_XLFILE_HDR_LEN,
                           .offset = w->src->offset};
    struct xsr_cur cur;

    if (insp_take(w, row.len, "the xl header", &cur, err) ||
        xsr_xlfile_get_hdr(&cur, &w->xl, err) || insp_tell(w, &row, err) ||
        walk_config(w, err))
        return -1;
    if (!(w->xl.mandatory_flags & XSR_XLFILE_STREAM_V2)) {
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "xl header: the file holds a legacy image (Xen 4.5 or "
                 "older), only libxl v2 streams are supported; xensr convert "
                 "makes one of it");
        return xsr_err_at(err, 36);
    }
    return walk_stream(w, err);
}

/* Another format may be known to those who convert. */
static int refuse_format(const uint8_t *p, size_t n, struct xsr_err *err)
{
    enum xsr_format format = xsr_format_detect(p, n);

    if (format > XSR_FORMAT_LIBXC3)
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "the input is of the format \"%s\", supported are xl save "
                 "files, libxl v2 streams and libxc images; xensr convert "
                 "makes one of it",
                 xsr_format_name(format));
    else
        xsr_fail(err, XSR_E_FORMAT,
                 "the input begins with 0x%016llx, allowed is an xl save file, "
                 "a libxl v2 stream or a libxc image",
                 (unsigned long long)__builtin_bswap64(xsr_le64(p)));
    return xsr_err_at(err, 0);
}

static int walk_by_magic(struct insp *w, struct xsr_err *err)
{
    struct xsr_xc3_order image;
    const uint8_t *p;
    size_t got;

    if (insp_src_peek(w->src, 8, &p, &got, err))
        return -1;
    if (got < 8) {
        xsr_fail(err, XSR_E_EOF,
                 "the input ends after %zu bytes, no image is that short", got);
        return xsr_err_at(err, got);
    }
    if (xsr_xlfile_probe(p, got)) {
        w->format = INSP_XL_FILE;
        return walk_file(w, err);
    }
    if (xsr_xl2_probe(p, got)) {
        w->format = INSP_LIBXL_STREAM;
        return walk_stream(w, err);
    }
    if (xsr_le64(p) == UINT64_MAX) {
        w->format = INSP_LIBXC_IMAGE;
        return insp_begin_image(w, &image, err);
    }
    if (insp_src_peek(w->src, XSR_DETECT_LEN, &p, &got, err))
        return -1;
    return refuse_format(p, got, err);
}

void insp_init(struct insp *w, struct insp_src *src)
{
    *w = (struct insp){.src = src, .damage = XSR_ERR_INIT};
}

int insp_walk(struct insp *w, const struct insp_listener *listener, void *ctx,
              struct xsr_err *err)
{
    struct xsr_err unpack = XSR_ERR_INIT;
    struct insp_src *src = w->src;
    int rc = -1;

    w->listener = listener;
    w->ctx = ctx;
    if (!walk_by_magic(w, err)) {
        w->done = true;
        rc = insp_src_drain(src, &w->trailing, err);
    }
    /* A cut compressed file is the cause, the short stream only a symptom. */
    if (src->in.zstd && xsr_input_close(&src->in, !rc, &unpack)) {
        if (!rc || err->kind != XSR_E_IO)
            *err = unpack;
        return -1;
    }
    if (w->damage.kind != XSR_E_OK && (!rc || err->kind != XSR_E_IO)) {
        *err = w->damage;
        rc = -1;
    }
    return rc;
}

int insp_check_trailing(const struct insp *w, struct xsr_err *err)
{
    /* size: known for what lies on disk, compressed or not */
    if (!w->trailing || !w->src->in.size)
        return 0;
    xsr_fail(err, XSR_E_FORMAT,
             "%s: found %llu bytes behind END, allowed none in a file",
             insp_format_name(w->format), (unsigned long long)w->trailing);
    return xsr_err_at(err, w->src->offset - w->trailing);
}

void insp_fini(struct insp *w)
{
    xsr_buf_fini(&w->body);
}
