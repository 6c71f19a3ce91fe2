/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxl v2 stream: stream header, record frames, emulator sub-header.
 * What may come when: xl2_order.h. docs/formats/libxl-stream.md
 */
#ifndef XSR_STREAM_XL2_H
#define XSR_STREAM_XL2_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/bytes.h"

#define XSR_XL2_HDR_LEN     16u
#define XSR_XL2_REC_HDR_LEN 8u
#define XSR_XL2_EMU_HDR_LEN 8u

enum xsr_xl2_type {
    XSR_XL2_END = 0,
    XSR_XL2_LIBXC_CONTEXT = 1,
    XSR_XL2_EMULATOR_XENSTORE_DATA = 2,
    XSR_XL2_EMULATOR_CONTEXT = 3,
    XSR_XL2_CHECKPOINT_END = 4,
    XSR_XL2_CHECKPOINT_STATE = 5,
    XSR_XL2_OPTIONAL = 0x80000000u /* bit 31: may be skipped */
};

struct xsr_xl2_hdr {
    uint32_t options;
}; /* bit 1: from legacy */
struct xsr_xl2_rec {
    uint32_t type, len;
};
struct xsr_xl2_emu {
    uint32_t id, index;
}; /* 0 ?, 1 trad., 2 upstream */

const char *xsr_xl2_type_name(uint32_t type);
bool xsr_xl2_probe(const uint8_t *p, size_t n); /* n >= 8 */
int xsr_xl2_get_hdr(struct xsr_cur *cur, struct xsr_xl2_hdr *out,
                    struct xsr_err *err);
/* Type known or optional; length allowed for that type. Offset is set. */
int xsr_xl2_get_rec(struct xsr_cur *cur, struct xsr_xl2_rec *out,
                    struct xsr_err *err);
/* Sub-header: id 0..2, index 0. */
int xsr_xl2_get_emu(struct xsr_cur *cur, struct xsr_xl2_emu *out,
                    struct xsr_err *err);
static inline uint32_t xsr_xl2_pad(uint32_t len)
{
    return (8u - (len & 7u)) & 7u;
}

int xsr_xl2_put_hdr(struct xsr_buf *out, uint32_t options, struct xsr_err *err);
int xsr_xl2_put_rec(struct xsr_buf *out, uint32_t type, uint32_t len,
                    struct xsr_err *err);
/* Emulator sub-header, index 0. */
int xsr_xl2_put_emu(struct xsr_buf *out, uint32_t id, struct xsr_err *err);

#endif
