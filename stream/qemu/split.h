/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the files of stream/qemu/: lengths that are known (profile.c) and
 * the choice among the headers that were found (split.c).
 */
#ifndef XSR_STREAM_QEMU_SPLIT_H
#define XSR_STREAM_QEMU_SPLIT_H

#include "stream/qemu/qemu.h"

enum xsr_qemu_fit {
    XSR_QEMU_FIT_NO,    /* such a section never ends there */
    XSR_QEMU_FIT_OPEN,  /* it may: nothing is known, or its length varies */
    XSR_QEMU_FIT_EXACT, /* this length is known for it */
};

/* Can section s end at end? q: for the subsections that were found. */
enum xsr_qemu_fit xsr_qemu_fit(const struct xsr_qemu *q,
                               const struct xsr_qemu_section *s, uint64_t end);
/* "312 or 360", the lengths known for it without subsections. */
const char *xsr_qemu_known_lens(const struct xsr_qemu_section *s, char *out,
                                size_t out_len);

/*
 * q->sections are all headers found between first and eof, ascending, the
 * first of them at `first`. Leaves the real ones, with lengths and grade.
 */
int xsr_qemu_choose(struct xsr_qemu *q, const struct xsr_qemu_ending *eof,
                    struct xsr_err *err);

/* Keep a grade that is no better, with the reason. */
void xsr_qemu_degrade(struct xsr_qemu *q, enum xsr_qemu_grade grade,
                      uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
