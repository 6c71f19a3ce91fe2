/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outer layer of XenServer's suspend images: signature and record headers,
 * judged by one table. The image inside is xc3's (or legacy's), the device
 * state qemu's; putting them together is the converter's work.
 */
#include "stream/xapi/xapi.h"

#include "lib/util.h"
#include "stream/limits.h"

static const char signature[XSR_XAPI_SIG_LEN + 1] = "XenSavedDomv2-\n";

enum { EXACT, BY_ITSELF, NEVER };

static const struct {
    const char *name;
    uint32_t type, max;
    uint8_t length;
} types[] = {
    {"Xenops", XSR_XAPI_XENOPS, XSR_MAX_XAPI_RECORD, EXACT},
    {"Libxc", XSR_XAPI_LIBXC, 0, BY_ITSELF},
    {"Libxl", XSR_XAPI_LIBXL, 0, NEVER},
    {"Libxc_legacy", XSR_XAPI_LIBXC_LEGACY, 0, BY_ITSELF},
    {"Qemu_trad", XSR_XAPI_QEMU, XSR_MAX_XAPI_QEMU, EXACT},
    {"Qemu_xen", XSR_XAPI_QEMU_XEN, 0, NEVER},
    {"Demu", XSR_XAPI_DEMU, 0, BY_ITSELF},
    {"Varstored", XSR_XAPI_VARSTORED, XSR_MAX_XAPI_RECORD, EXACT},
    {"Swtpm0", XSR_XAPI_SWTPM0, XSR_MAX_XAPI_RECORD, EXACT},
    {"Swtpm", XSR_XAPI_SWTPM, XSR_MAX_XAPI_RECORD, EXACT},
    {"End_of_image", XSR_XAPI_END, 0, BY_ITSELF},
};
#define N_TYPES XSR_ARRAY_LEN(types)

static size_t row_of(uint64_t type)
{
    size_t i;

    for (i = 0; i < N_TYPES && types[i].type != type; i++)
        continue;
    return i;
}

const char *xsr_xapi_type_name(uint32_t type)
{
    size_t row = row_of(type);

    return row < N_TYPES ? types[row].name : "unknown record";
}

int xsr_xapi_get_sig(struct xsr_cur *cur, struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    const uint8_t *p;
    char quoted[64];

    if (xsr_get_view(cur, XSR_XAPI_SIG_LEN, &p, "XenServer signature", err))
        return -1;
    if (!memcmp(p, signature, XSR_XAPI_SIG_LEN))
        return 0;
    xsr_fail(err, XSR_E_FORMAT,
             "XenServer image: found signature \"%s\", allowed "
             "\"XenSavedDomv2-\" and a newline",
             xsr_err_quote(p, XSR_XAPI_SIG_LEN, quoted, sizeof quoted));
    return xsr_err_at(err, at);
}

static int check_hdr(uint64_t type, uint64_t len, struct xsr_err *err)
{
    size_t row = row_of(type);

    if (row == N_TYPES)
        return xsr_fail(err, XSR_E_FORMAT,
                        "XenServer record 0x%llx: found an unknown type, "
                        "allowed 0xf Xenops, 0xf0 Libxc, 0xf2 Libxc_legacy, "
                        "0xf00 Qemu_trad, 0xf10 to 0xf13, 0xffff End_of_image",
                        (unsigned long long)type);
    if (types[row].length == NEVER)
        return xsr_fail(err, XSR_E_FORMAT,
                        "XenServer record %s (0x%x): found a reserved type, "
                        "which no release writes",
                        types[row].name, types[row].type);
    if (types[row].length == BY_ITSELF && len)
        return xsr_fail(err, XSR_E_FORMAT,
                        "XenServer record %s: found length %llu, allowed 0 "
                        "(its end is told by its content)",
                        types[row].name, (unsigned long long)len);
    if (len > types[row].max)
        return xsr_fail(err, XSR_E_LIMIT,
                        "XenServer record %s: found length %llu, allowed at "
                        "most %u",
                        types[row].name, (unsigned long long)len,
                        types[row].max);
    return 0;
}

int xsr_xapi_get_hdr(struct xsr_cur *cur, struct xsr_xapi_hdr *out,
                     struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur), type, len;

    if (xsr_get_u64(cur, &type, "XenServer record type", err) ||
        xsr_get_u64(cur, &len, "XenServer record length", err))
        return -1;
    if (check_hdr(type, len, err))
        return xsr_err_at(err, at);
    *out = (struct xsr_xapi_hdr){(uint32_t)type, (uint32_t)len};
    return 0;
}

int xsr_xapi_put_sig(struct xsr_buf *out, struct xsr_err *err)
{
    return xsr_buf_put(out, signature, XSR_XAPI_SIG_LEN, err);
}

int xsr_xapi_put_hdr(struct xsr_buf *out, uint32_t type, uint32_t len,
                     struct xsr_err *err)
{
    if (xsr_buf_put_u64(out, type, err) || xsr_buf_put_u64(out, len, err))
        return -1;
    return 0;
}

/* ---- what may come when -------------------------------------------------- */

static bool seen(const struct xsr_xapi_order *o, uint32_t type)
{
    return o->seen & 1u << row_of(type);
}

static int check_next(const struct xsr_xapi_order *o, uint32_t type,
                      struct xsr_err *err)
{
    bool image = seen(o, XSR_XAPI_LIBXC) || seen(o, XSR_XAPI_LIBXC_LEGACY);
    bool is_image = type == XSR_XAPI_LIBXC || type == XSR_XAPI_LIBXC_LEGACY;

    if (seen(o, XSR_XAPI_END))
        return xsr_fail(err, XSR_E_ORDER,
                        "XenServer record %s: found behind End_of_image",
                        xsr_xapi_type_name(type));
    if (seen(o, type) || (image && is_image))
        return xsr_fail(err, XSR_E_ORDER,
                        "XenServer record %s: found a second one, allowed one "
                        "in an image",
                        xsr_xapi_type_name(type));
    if (type == XSR_XAPI_END && !image)
        return xsr_fail(err, XSR_E_ORDER,
                        "XenServer record End_of_image: found before any "
                        "Libxc record, which an image must have");
    return 0;
}

int xsr_xapi_order_next(struct xsr_xapi_order *o, uint32_t type,
                        uint64_t offset, struct xsr_err *err)
{
    if (row_of(type) == N_TYPES)
        return xsr_fail(err, XSR_E_BUG, "XenServer record type not judged");
    if (check_next(o, type, err))
        return xsr_err_at(err, offset);
    o->seen |= 1u << row_of(type);
    return 0;
}

bool xsr_xapi_order_done(const struct xsr_xapi_order *o)
{
    return seen(o, XSR_XAPI_END);
}
