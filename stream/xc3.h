/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxc image, versions 2 and 3: image and domain header, record frames, and
 * the length rule of each record type. docs/formats/libxc-image.md
 */
#ifndef XSR_STREAM_XC3_H
#define XSR_STREAM_XC3_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/bytes.h"

#define XSR_XC3_IHDR_LEN    24u
#define XSR_XC3_DHDR_LEN    16u
#define XSR_XC3_REC_HDR_LEN 8u

enum xsr_xc3_type {
    XSR_XC3_END = 0x00,
    XSR_XC3_PAGE_DATA = 0x01,
    XSR_XC3_X86_PV_INFO = 0x02,
    XSR_XC3_X86_PV_P2M_FRAMES = 0x03,
    XSR_XC3_X86_PV_VCPU_BASIC = 0x04,
    XSR_XC3_X86_PV_VCPU_EXTENDED = 0x05,
    XSR_XC3_X86_PV_VCPU_XSAVE = 0x06,
    XSR_XC3_SHARED_INFO = 0x07,
    XSR_XC3_X86_TSC_INFO = 0x08,
    XSR_XC3_HVM_CONTEXT = 0x09,
    XSR_XC3_HVM_PARAMS = 0x0a,
    XSR_XC3_TOOLSTACK = 0x0b,
    XSR_XC3_X86_PV_VCPU_MSRS = 0x0c,
    XSR_XC3_VERIFY = 0x0d,
    XSR_XC3_CHECKPOINT = 0x0e,
    XSR_XC3_CHECKPOINT_DIRTY_PFN_LIST = 0x0f,
    XSR_XC3_STATIC_DATA_END = 0x10,
    XSR_XC3_X86_CPUID_POLICY = 0x11,
    XSR_XC3_X86_MSR_POLICY = 0x12,
    XSR_XC3_N_TYPES = 0x13,
    XSR_XC3_OPTIONAL = 0x80000000u
};

enum xsr_xc3_guest { XSR_XC3_PV = 1, XSR_XC3_HVM = 2 }; /* wire values */

struct xsr_xc3_ihdr {
    uint32_t version;
    uint16_t options;
};
struct xsr_xc3_dhdr {
    uint32_t guest; /* enum xsr_xc3_guest */
    uint16_t page_shift;
    uint32_t xen_major; /* 0: converted from a legacy image */
    uint32_t xen_minor;
};
struct xsr_xc3_rec {
    uint32_t type, len;
};

const char *xsr_xc3_type_name(uint32_t type); /* "PAGE_DATA", "0x..." */
int xsr_xc3_get_ihdr(struct xsr_cur *cur, struct xsr_xc3_ihdr *out,
                     struct xsr_err *err);
int xsr_xc3_get_dhdr(struct xsr_cur *cur, struct xsr_xc3_dhdr *out,
                     struct xsr_err *err);
/*
 * Frame of a record: type known (or optional), allowed for the version and
 * guest type, length within what the type can need. XSR_E_FORMAT / _LIMIT.
 */
int xsr_xc3_get_rec(struct xsr_cur *cur, uint32_t version, uint32_t guest,
                    struct xsr_xc3_rec *out, struct xsr_err *err);
static inline uint32_t xsr_xc3_pad(uint32_t len)
{
    return (8u - (len & 7u)) & 7u;
}

int xsr_xc3_put_ihdr(struct xsr_buf *out, uint32_t version,
                     struct xsr_err *err);
int xsr_xc3_put_dhdr(struct xsr_buf *out, uint32_t guest, uint32_t xen_major,
                     uint32_t xen_minor, struct xsr_err *err);
/* Frame, body and zero padding. */
int xsr_xc3_put_rec(struct xsr_buf *out, uint32_t type, const void *body,
                    uint32_t len, struct xsr_err *err);

#endif
