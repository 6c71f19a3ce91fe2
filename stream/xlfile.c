/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Header and optional data of an xl save file: the first thing in a file that
 * `xl save` wrote. The libxl stream (xl2.h) follows, or a legacy image when
 * the flag for v2 is missing; that decision is the caller's.
 */
#include "stream/xlfile.h"

#include "lib/buf.h"
#include "stream/limits.h"

/* 27 characters of text, then bytes that text-mode transfers would damage. */
static const uint8_t magic[XSR_XLFILE_MAGIC_LEN + 1] =
    "Xen saved domain, xl format\n \0 \r";

#define BYTE_ORDER_OURS  0x01020304u
#define BYTE_ORDER_OTHER 0x04030201u
#define KNOWN_MANDATORY  (XSR_XLFILE_JSON | XSR_XLFILE_STREAM_V2)

bool xsr_xlfile_probe(const uint8_t *p, size_t n)
{
    if (n > XSR_XLFILE_MAGIC_LEN)
        n = XSR_XLFILE_MAGIC_LEN;
    return n >= 8 && !memcmp(p, magic, n);
}

static int check_hdr(const struct xsr_xlfile_hdr *hdr, uint32_t order,
                     struct xsr_err *err)
{
    if (order == BYTE_ORDER_OTHER)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "xl header: the file was saved on a big-endian host; "
                        "little-endian ones are supported");
    if (order != BYTE_ORDER_OURS)
        return xsr_fail(err, XSR_E_FORMAT,
                        "xl header: found byte order mark 0x%08x, allowed "
                        "0x%08x",
                        order, BYTE_ORDER_OURS);
    if (hdr->mandatory_flags & ~KNOWN_MANDATORY)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "xl header: found mandatory flags 0x%x, allowed "
                        "0x%x (a newer xl wrote this file)",
                        hdr->mandatory_flags, KNOWN_MANDATORY);
    if (hdr->optional_flags)
        return xsr_fail(err, XSR_E_FORMAT,
                        "xl header: found optional flags 0x%x, allowed 0",
                        hdr->optional_flags);
    if (hdr->optional_len > XSR_MAX_XL_OPTIONAL)
        return xsr_fail(err, XSR_E_LIMIT,
                        "xl header: found %u bytes of optional data, allowed "
                        "at most %u",
                        hdr->optional_len, XSR_MAX_XL_OPTIONAL);
    if (hdr->optional_len && hdr->optional_len < 4)
        return xsr_fail(err, XSR_E_FORMAT,
                        "xl header: found %u bytes of optional data, allowed "
                        "0 or at least 4",
                        hdr->optional_len);
    return 0;
}

int xsr_xlfile_get_hdr(struct xsr_cur *cur, struct xsr_xlfile_hdr *out,
                       struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    const uint8_t *found;
    uint32_t order;

    if (xsr_get_view(cur, XSR_XLFILE_MAGIC_LEN, &found, "xl header magic", err))
        return -1;
    if (memcmp(found, magic, XSR_XLFILE_MAGIC_LEN)) {
        char quoted[48];

        xsr_fail(err, XSR_E_FORMAT,
                 "xl header: found magic \"%s\", allowed \"Xen saved domain, "
                 "xl format\" and its five control bytes",
                 xsr_err_quote(found, 12, quoted, sizeof quoted));
        return xsr_err_at(err, at);
    }
    /* In the saver's byte order; any other than ours is refused by the mark. */
    at = xsr_cur_offset(cur);
    if (xsr_get_u32(cur, &order, "xl header byte order", err) ||
        xsr_get_u32(cur, &out->mandatory_flags, "xl header mandatory flags",
                    err) ||
        xsr_get_u32(cur, &out->optional_flags, "xl header optional flags",
                    err) ||
        xsr_get_u32(cur, &out->optional_len, "xl header data length", err))
        return -1;
    if (check_hdr(out, order, err))
        return xsr_err_at(err, at);
    return 0;
}

int xsr_xlfile_get_config(struct xsr_cur *cur, const struct xsr_xlfile_hdr *hdr,
                          struct xsr_xlfile_config *out, struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    const uint8_t *text, *nul;
    uint32_t len;

    out->text = NULL;
    out->len = 0;
    if (!hdr->optional_len)
        return 0;
    if (xsr_get_u32(cur, &len, "xl configuration length", err))
        return -1;
    if (len > xsr_cur_left(cur)) {
        xsr_fail(err, XSR_E_FORMAT,
                 "xl configuration: found length %u, allowed at most %zu (the "
                 "optional data around it)",
                 len, xsr_cur_left(cur));
        return xsr_err_at(err, at);
    }
    if (xsr_get_view(cur, len, &text, "xl configuration", err))
        return -1;
    if (!len)
        return 0;
    out->text = (const char *)text;
    out->len = len;
    if (!(hdr->mandatory_flags & XSR_XLFILE_JSON))
        return 0;
    nul = memchr(text, '\0', len);
    if (!nul || nul != text + len - 1) {
        xsr_fail(err, XSR_E_FORMAT,
                 nul ? "xl configuration: found a NUL inside the JSON text, "
                       "allowed only as its last byte"
                     : "xl configuration: found no NUL behind the JSON text, "
                       "which must end with one");
        return xsr_err_at(err, at + 4 + (nul ? (size_t)(nul - text) : len));
    }
    out->len = len - 1;
    return 0;
}

int xsr_xlfile_put(struct xsr_buf *out, const char *json, struct xsr_err *err)
{
    size_t len = strlen(json) + 1;

    if (len + 4 > XSR_MAX_XL_OPTIONAL)
        return xsr_fail(err, XSR_E_LIMIT,
                        "xl configuration of %zu bytes, allowed at most %u",
                        len, XSR_MAX_XL_OPTIONAL - 4);
    if (xsr_buf_put(out, magic, XSR_XLFILE_MAGIC_LEN, err) ||
        xsr_buf_put_u32(out, BYTE_ORDER_OURS, err) ||
        xsr_buf_put_u32(out, XSR_XLFILE_JSON | XSR_XLFILE_STREAM_V2, err) ||
        xsr_buf_put_u32(out, 0, err) ||
        xsr_buf_put_u32(out, (uint32_t)len + 4, err) ||
        xsr_buf_put_u32(out, (uint32_t)len, err) ||
        xsr_buf_put(out, json, len, err))
        return -1;
    return 0;
}
