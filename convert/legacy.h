/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A legacy stream (Xen 4.5 and older) on one descriptor becomes a libxl v2
 * stream, or a bare libxc image, on another. Reads exactly the bytes of the
 * legacy stream: what follows on the descriptor belongs to somebody else.
 * Memory does not grow with the guest (last: a temporary file does).
 * docs/formats/legacy-stream.md
 */
#ifndef XSR_CONVERT_LEGACY_H
#define XSR_CONVERT_LEGACY_H

#include <stdbool.h>

#include "lib/err.h"
#include "lib/log.h"

/* Bytes that tell what a stream is; every legacy stream has more. */
#define XSR_LEGACY_PEEK 16u

enum xsr_legacy_remus {
    XSR_LEGACY_FIRST, /* end behind the first checkpoint, as Xen's converter */
    XSR_LEGACY_LAST   /* read to the end, convert the newest whole one */
};

struct xsr_legacy_params {
    int in, out;         /* borrowed, blocking */
    const uint8_t *head; /* bytes that were read from in already; borrowed */
    size_t n_head;       /* at most XSR_LEGACY_PEEK */
    uint8_t width;       /* of the saving toolstack: 32, 64; 0: any */
    uint32_t guest;      /* enum xsr_xc3_guest; 0: any */
    bool xl_header;      /* an xl header comes first: copied, marked as v2 */
    bool libxc;          /* write a bare libxc image, not a libxl stream */
    bool skip_qemu;      /* libxc: leave the QEMU record unread behind it */
    bool drop_tmem;      /* leave transcendent memory out; else refuse it */
    bool verify_records; /* verify mode becomes VERIFY; else plain pages */
    enum xsr_legacy_remus remus;
    const struct xsr_log *log; /* warnings, info; debug: every chunk. NULL ok */
};

/* What was found, whole or as far as it went. */
struct xsr_legacy_report {
    uint8_t width;       /* 32, 64; 0: not known yet */
    uint8_t guest_width; /* PV: 4, 8 bytes */
    uint32_t guest;      /* enum xsr_xc3_guest */
    uint64_t p2m_size;
    uint64_t batches, pages; /* converted; pages with content */
    uint32_t n_vcpus;
    uint32_t checkpoints; /* whole ones that were read */
    uint64_t n_unmapped;  /* PV: pfns that were given back during the save */
    uint64_t qemu_len;    /* device state */
    uint64_t in_bytes, out_bytes;
    bool had_xl_header;
};

/* Do these first n >= XSR_LEGACY_PEEK bytes begin a legacy stream? */
bool xsr_legacy_probe(const uint8_t *p, size_t n);

/*
 * Convert. err->offset counts from the first byte of the input, head included.
 * XSR_E_UNSUPPORTED: valid, but has no counterpart in v2. After a failure what
 * lies on out is cut off before its END. The stop flag of lib/fd.h ends it.
 */
int xsr_convert_legacy(const struct xsr_legacy_params *params,
                       struct xsr_legacy_report *report_out,
                       struct xsr_err *err);

#endif
