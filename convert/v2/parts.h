/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parts of an image that not every format can hold. What the output has no
 * place for is refused, unless the caller takes it aside; what lies aside is
 * put in where the output has a place. So A -> B -> A gives the same bytes.
 */
#ifndef XSR_CONVERT_V2_PARTS_H
#define XSR_CONVERT_V2_PARTS_H

#include "convert/v2/flow.h"

enum xsr_part {
    XSR_PART_CONFIG,       /* xl's configuration: JSON or text */
    XSR_PART_CPUID_POLICY, /* record bodies of version 3 */
    XSR_PART_MSR_POLICY,
    XSR_PART_XENSTORE_KEYS, /* the emulator's, with libxl's sub-header */
    XSR_PART_EMULATOR,      /* device state, with libxl's sub-header */
    XSR_PART_EMULATOR_ID,   /* that sub-header alone */
    XSR_PART_XENOPS,        /* XenServer's records */
    XSR_PART_VARSTORED,
    XSR_PART_SWTPM0,
    XSR_PART_SWTPM,
    XSR_PART_XEND_CONFIG, /* xend's S-expression */
    XSR_N_PARTS
};

/* "cpuid-policy": the name of its file, too. */
const char *xsr_part_name(enum xsr_part part);

struct xsr_parts {
    /*
     * Where to write a part of len bytes to: *fd_out stays the caller's; -1:
     * it does not take parts. May be NULL.
     */
    int (*aside)(void *ctx, enum xsr_part part, uint64_t len, int *fd_out,
                 struct xsr_err *err);
    /* All of it was written. */
    int (*aside_done)(void *ctx, enum xsr_part part, struct xsr_err *err);
    /* A part to put in, at its beginning; *fd_out -1: there is none. */
    int (*with)(void *ctx, enum xsr_part part, int *fd_out, uint64_t *len_out,
                struct xsr_err *err);
    /* One line for the report: what was changed or is odd. */
    void (*note)(void *ctx, const char *text);
    void *ctx;
};

void xsr_parts_note(const struct xsr_parts *parts, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * The next n bytes of the input have no place in the output: aside with them,
 * or refuse, saying why (a clause behind "the part cannot be kept: ").
 */
int xsr_parts_leave(const struct xsr_parts *parts, struct xsr_flow *f,
                    enum xsr_part part, uint64_t n, const char *why,
                    struct xsr_err *err);
/* The same for n bytes in memory. offset: where they were, for the error. */
int xsr_parts_leave_bytes(const struct xsr_parts *parts, enum xsr_part part,
                          const void *p, size_t n, uint64_t offset,
                          const char *why, struct xsr_err *err);
/* Is there such a part to put in? *fd_out -1: no. max: XSR_E_LIMIT above. */
int xsr_parts_find(const struct xsr_parts *parts, enum xsr_part part,
                   uint64_t max, int *fd_out, uint64_t *len_out,
                   struct xsr_err *err);
/* All of it into an empty buffer. */
int xsr_parts_load(const struct xsr_parts *parts, enum xsr_part part,
                   uint64_t max, struct xsr_buf *out, bool *found_out,
                   struct xsr_err *err);

#endif
