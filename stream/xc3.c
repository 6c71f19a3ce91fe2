/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxc image: its two headers and the frames of its records. One table says
 * for every record type which guest and version it belongs to and how long it
 * can be, so that a wrong length is refused before a byte of body is read.
 * Order is judged by xc3_order, bodies by pages and blobs.
 */
#include "stream/xc3.h"

#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/limits.h"

#define MARKER         UINT64_MAX
#define ID             0x58454e46u /* "XENF" */
#define PAGE_SHIFT     12
#define OPT_BIG_ENDIAN 1u

#define PV             (1u << XSR_XC3_PV)
#define HVM            (1u << XSR_XC3_HVM)
#define VCPU_MAX(blob) (8u + (blob))

static const struct type_rule {
    const char *name;
    uint32_t min, max, step; /* length is min + a multiple of step */
    uint8_t guests, since;   /* since: image version */
} types[XSR_XC3_N_TYPES] = {
    [XSR_XC3_END] = {"END", 0, 0, 1, PV | HVM, 2},
    [XSR_XC3_PAGE_DATA] = {"PAGE_DATA", 8, XSR_MAX_PAGE_DATA, 8, PV | HVM, 2},
    [XSR_XC3_X86_PV_INFO] = {"X86_PV_INFO", 8, 8, 1, PV, 2},
    [XSR_XC3_X86_PV_P2M_FRAMES] = {"X86_PV_P2M_FRAMES", 16, XSR_MAX_XC_RECORD,
                                   8, PV, 2},
    [XSR_XC3_X86_PV_VCPU_BASIC] = {"X86_PV_VCPU_BASIC", 8,
                                   VCPU_MAX(XSR_VCPU64_LEN), 8, PV, 2},
    [XSR_XC3_X86_PV_VCPU_EXTENDED] = {"X86_PV_VCPU_EXTENDED", 8, VCPU_MAX(128u),
                                      1, PV, 2},
    [XSR_XC3_X86_PV_VCPU_XSAVE] = {"X86_PV_VCPU_XSAVE", 8,
                                   VCPU_MAX(XSR_MAX_VCPU_XSAVE), 8, PV, 2},
    [XSR_XC3_SHARED_INFO] = {"SHARED_INFO", 4096, 4096, 1, PV, 2},
    [XSR_XC3_X86_TSC_INFO] = {"X86_TSC_INFO", 24, 24, 1, PV | HVM, 2},
    [XSR_XC3_HVM_CONTEXT] = {"HVM_CONTEXT", 1, XSR_MAX_HVM_CONTEXT, 1, HVM, 2},
    [XSR_XC3_HVM_PARAMS] = {"HVM_PARAMS", 8, 8 + 16 * XSR_MAX_HVM_PARAMS, 16,
                            HVM, 2},
    [XSR_XC3_TOOLSTACK] = {"TOOLSTACK", 0, 0, 1, 0, 2},
    [XSR_XC3_X86_PV_VCPU_MSRS] = {"X86_PV_VCPU_MSRS", 8,
                                  VCPU_MAX(XSR_MAX_VCPU_MSRS), 16, PV, 2},
    [XSR_XC3_VERIFY] = {"VERIFY", 0, 0, 1, PV | HVM, 2},
    [XSR_XC3_CHECKPOINT] = {"CHECKPOINT", 0, 0, 1, PV | HVM, 2},
    [XSR_XC3_CHECKPOINT_DIRTY_PFN_LIST] = {"CHECKPOINT_DIRTY_PFN_LIST", 0, 0, 1,
                                           0, 2},
    [XSR_XC3_STATIC_DATA_END] = {"STATIC_DATA_END", 0, 0, 1, PV | HVM, 3},
    [XSR_XC3_X86_CPUID_POLICY] = {"X86_CPUID_POLICY", XSR_CPUID_LEAF_LEN,
                                  XSR_MAX_CPUID_POLICY, XSR_CPUID_LEAF_LEN,
                                  PV | HVM, 3},
    [XSR_XC3_X86_MSR_POLICY] = {"X86_MSR_POLICY", XSR_MSR_ENTRY_LEN,
                                XSR_MAX_MSR_POLICY, XSR_MSR_ENTRY_LEN, PV | HVM,
                                3},
};

const char *xsr_xc3_type_name(uint32_t type)
{
    if (type < XSR_XC3_N_TYPES)
        return types[type].name;
    return type & XSR_XC3_OPTIONAL ? "optional record" : "unknown record";
}

static int check_ihdr(uint64_t marker, uint32_t id, uint32_t version,
                      struct xsr_err *err)
{
    if (marker != MARKER)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc image header: found marker 0x%016llx, allowed "
                        "all ones (is it a legacy image?)",
                        (unsigned long long)marker);
    if (id != ID)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc image header: found id 0x%08x, allowed 0x%08x "
                        "(\"XENF\")",
                        id, ID);
    if (version < 2 || version > 3)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "libxc image header: found version %u, supported 2 "
                        "and 3",
                        version);
    return 0;
}

static int check_ihdr_options(uint16_t options, struct xsr_err *err)
{
    if (options & OPT_BIG_ENDIAN)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "libxc image header: found the big-endian option, "
                        "only little-endian images are supported");
    if (options)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc image header: found options 0x%x, allowed 0 "
                        "(bits 1-15 are reserved)",
                        options);
    return 0;
}

int xsr_xc3_get_ihdr(struct xsr_cur *cur, struct xsr_xc3_ihdr *out,
                     struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur), marker;
    uint32_t id;

    if (xsr_get_be64(cur, &marker, "libxc image header marker", err) ||
        xsr_get_be32(cur, &id, "libxc image header id", err) ||
        xsr_get_be32(cur, &out->version, "libxc image header version", err) ||
        xsr_get_be16(cur, &out->options, "libxc image header options", err))
        return -1;
    if (check_ihdr(marker, id, out->version, err))
        return xsr_err_at(err, marker != MARKER ? at
                               : id != ID       ? at + 8
                                                : at + 12);
    if (check_ihdr_options(out->options, err))
        return xsr_err_at(err, at + 16);
    return xsr_get_zero(cur, 6, "libxc image header reserved field", err);
}

int xsr_xc3_get_dhdr(struct xsr_cur *cur, struct xsr_xc3_dhdr *out,
                     struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);

    if (xsr_get_u32(cur, &out->guest, "libxc domain header type", err) ||
        xsr_get_u16(cur, &out->page_shift, "libxc domain header page shift",
                    err) ||
        xsr_get_zero(cur, 2, "libxc domain header reserved field", err) ||
        xsr_get_u32(cur, &out->xen_major, "libxc domain header Xen major",
                    err) ||
        xsr_get_u32(cur, &out->xen_minor, "libxc domain header Xen minor", err))
        return -1;
    if (out->guest != XSR_XC3_PV && out->guest != XSR_XC3_HVM) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc domain header: found domain type 0x%x, allowed 1 (PV) "
                 "and 2 (HVM, PVH)",
                 out->guest);
        return xsr_err_at(err, at);
    }
    if (out->page_shift != PAGE_SHIFT) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc domain header: found page shift %u, allowed %u",
                 out->page_shift, PAGE_SHIFT);
        return xsr_err_at(err, at + 4);
    }
    return 0;
}

/* Does the type exist, and in this version and for this guest? */
static int check_type(const struct xsr_xc3_rec *rec, uint32_t version,
                      uint32_t guest, struct xsr_err *err)
{
    const struct type_rule *t = &types[rec->type];

    if (rec->type == XSR_XC3_TOOLSTACK)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record TOOLSTACK: found a deprecated record "
                        "that no release of Xen writes; it is not allowed");
    if (rec->type == XSR_XC3_CHECKPOINT_DIRTY_PFN_LIST)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record CHECKPOINT_DIRTY_PFN_LIST: found in an "
                        "image, allowed only on a back channel");
    if (version < t->since)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record %s: found in a version %u image, "
                        "allowed since version %u",
                        t->name, version, t->since);
    if (!(t->guests & 1u << guest))
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record %s: found in an image of a%s guest, "
                        "allowed only for %s",
                        t->name, guest == XSR_XC3_PV ? " PV" : "n HVM or PVH",
                        t->guests == PV ? "PV" : "HVM and PVH");
    return 0;
}

static int check_len(const struct xsr_xc3_rec *rec, struct xsr_err *err)
{
    const struct type_rule *t = &types[rec->type];

    if (t->min == t->max && rec->len != t->min)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record %s: found length %u, allowed %u", t->name,
                        rec->len, t->min);
    if (rec->len < t->min)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record %s: found length %u, allowed at least "
                        "%u",
                        t->name, rec->len, t->min);
    if (rec->len > t->max)
        return xsr_fail(err, XSR_E_LIMIT,
                        "libxc record %s: found length %u, allowed at most %u",
                        t->name, rec->len, t->max);
    if ((rec->len - t->min) % t->step)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record %s: found length %u, allowed %u plus a "
                        "multiple of %u",
                        t->name, rec->len, t->min, t->step);
    return 0;
}

static int check_rec(const struct xsr_xc3_rec *rec, uint32_t version,
                     uint32_t guest, struct xsr_err *err)
{
    if (rec->type < XSR_XC3_N_TYPES)
        return check_type(rec, version, guest, err) || check_len(rec, err) ? -1
                                                                           : 0;
    if (!(rec->type & XSR_XC3_OPTIONAL))
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record 0x%x: found unknown mandatory type, "
                        "allowed 0 to 0x%x, or optional ones from 0x%x",
                        rec->type, XSR_XC3_N_TYPES - 1, XSR_XC3_OPTIONAL);
    if (rec->len > XSR_MAX_XC_RECORD)
        return xsr_fail(err, XSR_E_LIMIT,
                        "libxc optional record 0x%x: found length %u, allowed "
                        "at most %u",
                        rec->type, rec->len, XSR_MAX_XC_RECORD);
    return 0;
}

int xsr_xc3_get_rec(struct xsr_cur *cur, uint32_t version, uint32_t guest,
                    struct xsr_xc3_rec *out, struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);

    if (xsr_get_u32(cur, &out->type, "libxc record type", err) ||
        xsr_get_u32(cur, &out->len, "libxc record length", err))
        return -1;
    if (check_rec(out, version, guest, err))
        return xsr_err_at(err, at);
    return 0;
}

int xsr_xc3_put_ihdr(struct xsr_buf *out, uint32_t version, struct xsr_err *err)
{
    uint8_t hdr[XSR_XC3_IHDR_LEN] = {0};

    memset(hdr, 0xff, 8);
    memcpy(hdr + 8, "XENF", 4);
    hdr[15] = (uint8_t)version;
    return xsr_buf_put(out, hdr, sizeof hdr, err);
}

int xsr_xc3_put_dhdr(struct xsr_buf *out, uint32_t guest, uint32_t xen_major,
                     uint32_t xen_minor, struct xsr_err *err)
{
    if (xsr_buf_put_u32(out, guest, err) ||
        xsr_buf_put_u16(out, PAGE_SHIFT, err) || xsr_buf_put_u16(out, 0, err) ||
        xsr_buf_put_u32(out, xen_major, err) ||
        xsr_buf_put_u32(out, xen_minor, err))
        return -1;
    return 0;
}

int xsr_xc3_put_rec(struct xsr_buf *out, uint32_t type, const void *body,
                    uint32_t len, struct xsr_err *err)
{
    if (xsr_buf_put_u32(out, type, err) || xsr_buf_put_u32(out, len, err) ||
        xsr_buf_put(out, body, len, err) ||
        xsr_buf_put_zero(out, xsr_xc3_pad(len), err))
        return -1;
    return 0;
}
