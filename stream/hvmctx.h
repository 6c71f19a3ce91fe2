/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inner chain of an HVM_CONTEXT record: (typecode, instance, length, body)
 * entries from HEADER to END. docs/formats/libxc-image.md
 */
#ifndef XSR_STREAM_HVMCTX_H
#define XSR_STREAM_HVMCTX_H

#include "lib/bytes.h"

/* The body of HEADER, the first entry: its length, what it begins with. */
#define XSR_HVMCTX_HEADER_LEN 24u
#define XSR_HVMCTX_MAGIC      0x54381286u

struct xsr_hvmctx_entry {
    uint16_t typecode, instance;
    uint32_t len;
    const uint8_t *body;
};

const char *xsr_hvmctx_name(uint16_t typecode); /* "CPU", "LAPIC", "?" */
/* Next entry, structure only. 1 = an entry, 0 = END was it, -1 = refused. */
int xsr_hvmctx_next(struct xsr_cur *cur, struct xsr_hvmctx_entry *out,
                    struct xsr_err *err);
/* The whole chain with all E-rules of 9.6. */
int xsr_hvmctx_check(struct xsr_cur *cur, struct xsr_err *err);

#endif
