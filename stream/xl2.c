/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxl v2 stream: its big-endian header, and the little-endian frames of its
 * records. Only lengths and reserved bits are judged here; whether a record
 * may come now is xl2_order's question, what it contains is its reader's.
 */
#include "stream/xl2.h"

#include "lib/util.h"
#include "stream/limits.h"

#define IDENT           0x4c6962786c466d74ull /* "LibxlFmt" */
#define VERSION         2u
#define OPT_BIG_ENDIAN  1u
#define OPT_FROM_LEGACY 2u

static const struct {
    const char *name;
    uint32_t min, max;
} types[] = {
    [XSR_XL2_END] = {"END", 0, 0},
    [XSR_XL2_LIBXC_CONTEXT] = {"LIBXC_CONTEXT", 0, 0},
    [XSR_XL2_EMULATOR_XENSTORE_DATA] = {"EMULATOR_XENSTORE_DATA",
                                        XSR_XL2_EMU_HDR_LEN,
                                        XSR_MAX_XENSTORE_DATA},
    [XSR_XL2_EMULATOR_CONTEXT] = {"EMULATOR_CONTEXT", XSR_XL2_EMU_HDR_LEN,
                                  XSR_MAX_EMULATOR_CONTEXT},
    [XSR_XL2_CHECKPOINT_END] = {"CHECKPOINT_END", 0, 0},
    [XSR_XL2_CHECKPOINT_STATE] = {"CHECKPOINT_STATE", 4, 4},
};

const char *xsr_xl2_type_name(uint32_t type)
{
    if (type < XSR_ARRAY_LEN(types))
        return types[type].name;
    return type & XSR_XL2_OPTIONAL ? "optional record" : "unknown record";
}

bool xsr_xl2_probe(const uint8_t *p, size_t n)
{
    return n >= 8 && !memcmp(p, "LibxlFmt", 8);
}

static int check_options(uint32_t options, struct xsr_err *err)
{
    if (options & OPT_BIG_ENDIAN)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "libxl header: found the big-endian option, only "
                        "little-endian streams are supported");
    if (options & ~OPT_FROM_LEGACY)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxl header: found options 0x%x, allowed 0 or 0x%x "
                        "(other bits are reserved)",
                        options, OPT_FROM_LEGACY);
    return 0;
}

int xsr_xl2_get_hdr(struct xsr_cur *cur, struct xsr_xl2_hdr *out,
                    struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);
    uint64_t ident;
    uint32_t version;

    if (xsr_get_be64(cur, &ident, "libxl header ident", err) ||
        xsr_get_be32(cur, &version, "libxl header version", err) ||
        xsr_get_be32(cur, &out->options, "libxl header options", err))
        return -1;
    if (ident != IDENT) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxl header: found ident 0x%016llx, allowed 0x%016llx "
                 "(\"LibxlFmt\")",
                 (unsigned long long)ident, IDENT);
        return xsr_err_at(err, at);
    }
    if (version != VERSION) {
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "libxl header: found version %u, supported %u", version,
                 VERSION);
        return xsr_err_at(err, at + 8);
    }
    if (check_options(out->options, err))
        return xsr_err_at(err, at + 12);
    return 0;
}

static int check_rec(const struct xsr_xl2_rec *rec, struct xsr_err *err)
{
    uint32_t min, max;

    if (rec->type >= XSR_ARRAY_LEN(types)) {
        if (!(rec->type & XSR_XL2_OPTIONAL))
            return xsr_fail(err, XSR_E_FORMAT,
                            "libxl record: found unknown mandatory type 0x%x, "
                            "allowed 0 to %zu, or optional ones from 0x%x",
                            rec->type, XSR_ARRAY_LEN(types) - 1,
                            XSR_XL2_OPTIONAL);
        if (rec->len > XSR_MAX_OPTIONAL_SKIP)
            return xsr_fail(err, XSR_E_LIMIT,
                            "libxl optional record 0x%x: found length %u, "
                            "allowed at most %u",
                            rec->type, rec->len, XSR_MAX_OPTIONAL_SKIP);
        return 0;
    }
    min = types[rec->type].min;
    max = types[rec->type].max;
    if (min == max && rec->len != min)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxl record %s: found length %u, allowed %u",
                        types[rec->type].name, rec->len, min);
    if (rec->len < min)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxl record %s: found length %u, allowed at least "
                        "%u (the emulator sub-header)",
                        types[rec->type].name, rec->len, min);
    if (rec->len > max)
        return xsr_fail(err, XSR_E_LIMIT,
                        "libxl record %s: found length %u, allowed at most %u",
                        types[rec->type].name, rec->len, max);
    return 0;
}

int xsr_xl2_get_rec(struct xsr_cur *cur, struct xsr_xl2_rec *out,
                    struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);

    if (xsr_get_u32(cur, &out->type, "libxl record type", err) ||
        xsr_get_u32(cur, &out->len, "libxl record length", err))
        return -1;
    if (check_rec(out, err))
        return xsr_err_at(err, at);
    return 0;
}

int xsr_xl2_get_emu(struct xsr_cur *cur, struct xsr_xl2_emu *out,
                    struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);

    if (xsr_get_u32(cur, &out->id, "emulator id", err) ||
        xsr_get_u32(cur, &out->index, "emulator index", err))
        return -1;
    if (out->id > 2) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxl emulator record: found emulator id %u, allowed 0 "
                 "(unknown), 1 (traditional), 2 (upstream QEMU)",
                 out->id);
        return xsr_err_at(err, at);
    }
    if (out->index) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxl emulator record: found emulator index %u, allowed 0",
                 out->index);
        return xsr_err_at(err, at + 4);
    }
    return 0;
}

int xsr_xl2_put_hdr(struct xsr_buf *out, uint32_t options, struct xsr_err *err)
{
    uint8_t hdr[XSR_XL2_HDR_LEN] = "LibxlFmt";

    hdr[11] = VERSION;
    for (int i = 0; i < 4; i++)
        hdr[12 + i] = (uint8_t)(options >> (24 - 8 * i));
    return xsr_buf_put(out, hdr, sizeof hdr, err);
}

int xsr_xl2_put_rec(struct xsr_buf *out, uint32_t type, uint32_t len,
                    struct xsr_err *err)
{
    if (xsr_buf_put_u32(out, type, err) || xsr_buf_put_u32(out, len, err))
        return -1;
    return 0;
}

int xsr_xl2_put_emu(struct xsr_buf *out, uint32_t id, struct xsr_err *err)
{
    if (xsr_buf_put_u32(out, id, err) || xsr_buf_put_u32(out, 0, err))
        return -1;
    return 0;
}
