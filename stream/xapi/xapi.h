/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Suspend images of XenServer 6.5 and later, and of XCP-ng: a signature, then
 * records behind headers of two little-endian 64-bit words, without padding.
 * docs/formats/xenserver.md
 */
#ifndef XSR_STREAM_XAPI_XAPI_H
#define XSR_STREAM_XAPI_XAPI_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/bytes.h"

#define XSR_XAPI_SIG_LEN 15u
#define XSR_XAPI_HDR_LEN 16u

enum xsr_xapi_type {
    XSR_XAPI_XENOPS = 0x000f,       /* S-expression about the save */
    XSR_XAPI_LIBXC = 0x00f0,        /* libxc image, ends by itself */
    XSR_XAPI_LIBXL = 0x00f1,        /* reserved */
    XSR_XAPI_LIBXC_LEGACY = 0x00f2, /* legacy image, ends by itself */
    XSR_XAPI_QEMU = 0x0f00,         /* device state of whichever QEMU */
    XSR_XAPI_QEMU_XEN = 0x0f01,     /* reserved */
    XSR_XAPI_DEMU = 0x0f10,         /* vGPU: its end cannot be found */
    XSR_XAPI_VARSTORED = 0x0f11,    /* UEFI variables */
    XSR_XAPI_SWTPM0 = 0x0f12,       /* TPM state, raw */
    XSR_XAPI_SWTPM = 0x0f13,        /* TPM state, base64 */
    XSR_XAPI_END = 0xffff
};

struct xsr_xapi_hdr {
    uint32_t type;
    uint32_t len; /* of what follows; 0 where that ends by itself */
};

const char *xsr_xapi_type_name(uint32_t type);
/* The signature. Offset is set. */
int xsr_xapi_get_sig(struct xsr_cur *cur, struct xsr_err *err);
/* Type known and convertible, length allowed for it. */
int xsr_xapi_get_hdr(struct xsr_cur *cur, struct xsr_xapi_hdr *out,
                     struct xsr_err *err);

int xsr_xapi_put_sig(struct xsr_buf *out, struct xsr_err *err);
int xsr_xapi_put_hdr(struct xsr_buf *out, uint32_t type, uint32_t len,
                     struct xsr_err *err);

/* ---- what may come when -------------------------------------------------- */

struct xsr_xapi_order {
    uint32_t seen; /* bit per row of the table of types */
};
/*
 * Any order, each at most once; the end needs an image. offset: of the
 * record's header.
 */
int xsr_xapi_order_next(struct xsr_xapi_order *o, uint32_t type,
                        uint64_t offset, struct xsr_err *err);
bool xsr_xapi_order_done(const struct xsr_xapi_order *o);

#endif
