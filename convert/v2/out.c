/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes the layers around the image in the format that is asked for: xl
 * header, libxl header and records, or XenServer's signature and records. The
 * image itself goes through image.c. Parts that lie aside are put in here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "convert/v2/inner.h"
#include "stream/limits.h"
#include "stream/xapi/xapi.h"
#include "stream/xl2.h"

#define XL_FLAGS_AT 36u

static int put_buf(struct cv *cv, struct xsr_buf *buf, int rc,
                   struct xsr_err *err)
{
    if (rc == 0)
        rc = xsr_flow_put(&cv->flow, buf->p, buf->len, err);
    xsr_buf_fini(buf);
    return rc;
}

int out_xl2_rec(struct cv *cv, uint32_t type, uint32_t len, struct xsr_err *err)
{
    struct xsr_buf buf = XSR_BUF_INIT;

    return put_buf(cv, &buf, xsr_xl2_put_rec(&buf, type, len, err), err);
}

int out_xapi_hdr(struct cv *cv, uint32_t type, uint32_t len,
                 struct xsr_err *err)
{
    struct xsr_buf buf = XSR_BUF_INIT;

    return put_buf(cv, &buf, xsr_xapi_put_hdr(&buf, type, len, err), err);
}

/* ---- xl ------------------------------------------------------------------ */

/* The header as it came, but for the flag that says what follows. */
static int put_same_header(struct cv *cv, struct xsr_err *err)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    int rc = xsr_xlfile_put(&buf, "", err);

    if (rc == 0) {
        xsr_st_le32(buf.p + XL_FLAGS_AT,
                    cv->xl.mandatory_flags | XSR_XLFILE_STREAM_V2);
        xsr_st_le32(buf.p + XSR_XLFILE_HDR_LEN - 4, cv->xl.optional_len);
        buf.len = XSR_XLFILE_HDR_LEN;
        rc = xsr_buf_put(&buf, cv->xl_data.p, cv->xl_data.len, err);
    }
    return put_buf(cv, &buf, rc, err);
}

/* The text of the input's configuration, which may be none. */
static int get_text(struct cv *cv, struct xsr_buf *text, struct xsr_err *err)
{
    struct xsr_xlfile_config config;
    struct xsr_cur cur;

    if (!cv->have_xl)
        return 0;
    xsr_cur_init(&cur, cv->xl_data.p, cv->xl_data.len, XSR_XLFILE_HDR_LEN);
    if (xsr_xlfile_get_config(&cur, &cv->xl, &config, err))
        return -1;
    return xsr_buf_put(text, config.text, config.len, err);
}

static int put_xl_header(struct cv *cv, struct xsr_buf *text,
                         struct xsr_err *err)
{
    bool json = !cv->have_xl || cv->xl.mandatory_flags & XSR_XLFILE_JSON;
    struct xsr_buf buf = XSR_BUF_INIT;
    bool changed = false;

    if (cv->p->config &&
        cv->p->config(cv->p->parts.ctx, text, json, &changed, err))
        return -1;
    if (changed)
        return put_buf(cv, &buf,
                       xsr_xlfile_put(&buf, (const char *)text->p, err), err);
    if (!cv->have_xl)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "an xl save file needs a configuration, and the input "
                        "has none: give one with --config");
    return put_same_header(cv, err);
}

/* The output has no place for it, which the caller knows: it asked for that. */
static int leave_xl_header(struct cv *cv, struct xsr_buf *text,
                           struct xsr_err *err)
{
    if (!cv->have_xl)
        return 0;
    xsr_parts_note(&cv->p->parts, "the xl header was left out");
    if (!text->len || !cv->p->parts.aside)
        return 0;
    return xsr_parts_leave_bytes(&cv->p->parts, XSR_PART_CONFIG, text->p,
                                 text->len, XSR_XLFILE_HDR_LEN, "", err);
}

static int begin_xl(struct cv *cv, struct xsr_err *err)
{
    struct xsr_buf text = XSR_BUF_INIT;
    int rc = get_text(cv, &text, err);

    if (rc == 0)
        rc = cv->to == XSR_FORMAT_XL ? put_xl_header(cv, &text, err)
                                     : leave_xl_header(cv, &text, err);
    xsr_buf_fini(&text);
    return rc;
}

/* ---- XenServer ----------------------------------------------------------- */

static const struct {
    uint32_t type;
    enum xsr_part part;
} xapi_parts[] = {
    {XSR_XAPI_XENOPS, XSR_PART_XENOPS},
    {XSR_XAPI_VARSTORED, XSR_PART_VARSTORED},
    {XSR_XAPI_SWTPM0, XSR_PART_SWTPM0},
    {XSR_XAPI_SWTPM, XSR_PART_SWTPM},
};
#define N_XAPI_PARTS (sizeof xapi_parts / sizeof *xapi_parts)

/* One that lies aside. */
static int put_part(struct cv *cv, size_t i, bool *found_out,
                    struct xsr_err *err)
{
    uint64_t len;
    int fd;

    *found_out = false;
    if (xsr_parts_find(&cv->p->parts, xapi_parts[i].part, XSR_MAX_XAPI_RECORD,
                       &fd, &len, err))
        return -1;
    if (fd < 0)
        return 0;
    *found_out = true;
    if (out_xapi_hdr(cv, xapi_parts[i].type, (uint32_t)len, err))
        return -1;
    return xsr_flow_put_from(&cv->flow, fd, len,
                             xsr_part_name(xapi_parts[i].part), err);
}

/* The least that its reader wants: when, and that words have 64 bits. */
static int put_xenops(struct cv *cv, struct xsr_err *err)
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    time_t now = fixed ? (time_t)strtoll(fixed, NULL, 10) : time(NULL);
    char text[80], when[32] = "";
    struct tm tm;
    bool found;

    if (put_part(cv, 0, &found, err))
        return -1;
    if (found)
        return 0;
    if (gmtime_r(&now, &tm))
        strftime(when, sizeof when, "%Y%m%dT%H:%M:%SZ", &tm);
    snprintf(text, sizeof text, "((time %s)(word_size 64))", when);
    if (out_xapi_hdr(cv, XSR_XAPI_XENOPS, (uint32_t)strlen(text), err))
        return -1;
    xsr_parts_note(&cv->p->parts, "a Xenops record was made");
    return xsr_flow_put(&cv->flow, text, strlen(text), err);
}

static int begin_xenserver(struct cv *cv, struct xsr_err *err)
{
    struct xsr_buf buf = XSR_BUF_INIT;

    if (put_buf(cv, &buf, xsr_xapi_put_sig(&buf, err), err) ||
        put_xenops(cv, err))
        return -1;
    return out_xapi_hdr(cv, XSR_XAPI_LIBXC, 0, err);
}

int out_xapi(struct cv *cv, uint32_t type, uint32_t n, struct xsr_err *err)
{
    size_t i = 0;

    while (i < N_XAPI_PARTS && xapi_parts[i].type != type)
        i++;
    if (i == N_XAPI_PARTS)
        return xsr_fail(err, XSR_E_BUG, "XenServer record %s is not a part",
                        xsr_xapi_type_name(type));
    /* it says when and where the image was saved, nothing of the guest */
    if (type == XSR_XAPI_XENOPS && !cv->p->parts.aside) {
        xsr_parts_note(&cv->p->parts, "the Xenops record was left out");
        return xsr_flow_drop(&cv->flow, n, "Xenops", err);
    }
    return xsr_parts_leave(&cv->p->parts, &cv->flow, xapi_parts[i].part, n,
                           "only XenServer's images have a record for it", err);
}

/* ---- all of them --------------------------------------------------------- */

static int begin_libxl(struct cv *cv, struct xsr_err *err)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    int rc = xsr_xl2_put_hdr(&buf, cv->libxl_options, err);

    if (rc == 0)
        rc = xsr_xl2_put_rec(&buf, XSR_XL2_LIBXC_CONTEXT, 0, err);
    return put_buf(cv, &buf, rc, err);
}

int out_begin(struct cv *cv, struct xsr_err *err)
{
    if (cv->same)
        return out_xapi_hdr(cv, XSR_XAPI_LIBXC, 0, err);
    if (begin_xl(cv, err))
        return -1;
    if (cv_to_libxl(cv))
        return begin_libxl(cv, err);
    if (cv->to == XSR_FORMAT_XENSERVER)
        return begin_xenserver(cv, err);
    return 0;
}

static int put_keys(struct cv *cv, const struct xsr_buf *keys,
                    struct xsr_err *err)
{
    static const uint8_t zero[8];

    if (out_xl2_rec(cv, XSR_XL2_EMULATOR_XENSTORE_DATA, (uint32_t)keys->len,
                    err) ||
        xsr_flow_put(&cv->flow, keys->p, keys->len, err) ||
        xsr_flow_put(&cv->flow, zero, xsr_xl2_pad((uint32_t)keys->len), err))
        return -1;
    cv->have_keys = true;
    return 0;
}

int out_keys(struct cv *cv, uint32_t n, struct xsr_err *err)
{
    struct xsr_buf keys = XSR_BUF_INIT;
    uint64_t at = cv->flow.in_at;
    int rc = xsr_flow_take(&cv->flow, n, &keys, "EMULATOR_XENSTORE_DATA", err);

    if (rc == 0 && cv_to_libxl(cv))
        rc = put_keys(cv, &keys, err);
    else if (rc == 0)
        rc = xsr_parts_leave_bytes(
            &cv->p->parts, XSR_PART_XENSTORE_KEYS, keys.p, keys.len, at,
            "the output has no record for what the device model of older "
            "hosts keeps in xenstore",
            err);
    xsr_buf_fini(&keys);
    return rc;
}

int out_aside_keys(struct cv *cv, struct xsr_err *err)
{
    struct xsr_buf keys = XSR_BUF_INIT;
    bool found = false;
    int rc = 0;

    if (cv_to_libxl(cv) && !cv->have_keys)
        rc = xsr_parts_load(&cv->p->parts, XSR_PART_XENSTORE_KEYS,
                            XSR_MAX_XENSTORE_DATA, &keys, &found, err);
    if (rc == 0 && found)
        rc = put_keys(cv, &keys, err);
    xsr_buf_fini(&keys);
    return rc;
}

/* A device state that lies aside and was not in the input. */
static int put_aside_emulator(struct cv *cv, struct xsr_err *err)
{
    bool found;

    xsr_buf_clear(&cv->blob);
    if (xsr_parts_load(&cv->p->parts, XSR_PART_EMULATOR, CV_MAX_BLOB, &cv->blob,
                       &found, err))
        return -1;
    if (!found)
        return 0;
    if (cv->blob.len < XSR_XL2_EMU_HDR_LEN)
        return xsr_fail(err, XSR_E_FORMAT,
                        "emulator-context to put in: found %zu bytes, allowed "
                        "at least 8 (emulator and index)",
                        cv->blob.len);
    cv->blob_id = xsr_le32(cv->blob.p);
    xsr_buf_drop(&cv->blob, XSR_XL2_EMU_HDR_LEN);
    return out_blob(cv, err);
}

static int end_xenserver(struct cv *cv, struct xsr_err *err)
{
    bool found;

    for (size_t i = 1; i < N_XAPI_PARTS && !cv->same; i++)
        if (put_part(cv, i, &found, err))
            return -1;
    /* their writer puts it last */
    if (cv->blob_waits && out_blob(cv, err))
        return -1;
    if (!cv->have_emulator && !cv->same && put_aside_emulator(cv, err))
        return -1;
    return out_xapi_hdr(cv, XSR_XAPI_END, 0, err);
}

int out_end(struct cv *cv, struct xsr_err *err)
{
    if (cv->to == XSR_FORMAT_XENSERVER)
        return end_xenserver(cv, err);
    if (cv->blob_waits && out_blob(cv, err))
        return -1;
    if (!cv_to_libxl(cv))
        return 0;
    if (!cv->have_emulator && put_aside_emulator(cv, err))
        return -1;
    return out_xl2_rec(cv, XSR_XL2_END, 0, err);
}
