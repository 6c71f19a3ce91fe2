/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU device state (the blob of EMULATOR_CONTEXT), split into its sections.
 * The file has no lengths: section headers are searched for, and the split is
 * graded by what else bears witness. docs/formats/qemu-state.md
 *
 *   init -> feed ... (any pieces) -> end -> read the results -> fini
 *
 * Nothing of the blob is kept but names; memory is bounded whatever it holds.
 */
#ifndef XSR_STREAM_QEMU_QEMU_H
#define XSR_STREAM_QEMU_QEMU_H

#include <stdbool.h>

#include "lib/buf.h"

enum xsr_qemu_grade {
    XSR_QEMU_EXACT_FOOTERS,     /* every section ends with a footer */
    XSR_QEMU_EXACT_DESCRIPTION, /* lengths from the description at the end */
    XSR_QEMU_EXACT_LENGTHS,     /* every section has a length known for it */
    XSR_QEMU_PARTIAL_LENGTHS,   /* ... some have, the others fit between */
    XSR_QEMU_HEURISTIC,         /* headers alone, nothing speaks against it */
    XSR_QEMU_SUSPECT,           /* headers alone, something is odd */
    XSR_QEMU_AMBIGUOUS,         /* more than one split is possible */
    XSR_QEMU_MISMATCH,          /* a section's length contradicts its version */
    XSR_QEMU_MALFORMED          /* not a device state, cut off, or refused */
};
/* May a tool rewrite sections of such a split? */
static inline bool xsr_qemu_is_exact(enum xsr_qemu_grade grade)
{
    return grade <= XSR_QEMU_EXACT_LENGTHS;
}
const char *xsr_qemu_grade_name(enum xsr_qemu_grade grade);

/* Values of the emulator id in libxl's records. */
enum xsr_qemu_producer {
    XSR_QEMU_UNKNOWN,
    XSR_QEMU_TRADITIONAL,
    XSR_QEMU_UPSTREAM
};
const char *xsr_qemu_producer_name(enum xsr_qemu_producer producer);

enum { XSR_QEMU_START = 1, XSR_QEMU_FULL = 4 }; /* type bytes of sections */

struct xsr_qemu_section {
    uint64_t offset;    /* of the type byte; all offsets are absolute */
    uint64_t body, len; /* the body, subsections included, footer not */
    uint32_t id, instance, version;
    uint8_t type;
    bool footer;       /* 7e and the id follow the body */
    bool known;        /* len is one that is known for name and version */
    uint8_t name_at;   /* where the name begins behind the device path */
    bool after_footer; /* private: what stands in front of the header */
    uint32_t footer_id;
    char idstr[256]; /* as it is, printable: "0000:00:01.3/piix4_pm" */
};
/* Found by search like headers; nested ones are in the middle of a body. */
struct xsr_qemu_sub {
    uint64_t offset, body;
    uint32_t version;
    char name[256];
};

struct xsr_qemu {
    /* Results of end(). */
    enum xsr_qemu_grade grade;
    enum xsr_qemu_producer producer;
    struct xsr_err finding; /* what keeps the grade from being better, where;
                               kind XSR_E_OK: nothing */
    struct xsr_qemu_section *sections;
    struct xsr_qemu_sub *subs;
    size_t n_sections, n_subs;
    uint64_t len;                   /* of the blob */
    uint64_t eof;                   /* offset of the end byte */
    uint64_t desc_offset, desc_len; /* JSON text, 0 and 0 if none */
    char machine[64];               /* of the configuration section, or "" */
    /* private */
    struct xsr_buf window, head; /* the latest bytes; the first ones */
    uint64_t base, window_at;
    size_t scanned; /* bytes of the window that need no second look */
    size_t sections_cap, subs_cap;
    struct xsr_qemu_ending {
        uint64_t at;
        uint32_t len, footer_id;
        bool after_footer;
    } endings[16]; /* the latest places where a description may begin */
    uint32_t n_endings;
    bool too_many;
};

/* base: absolute offset of the blob's first byte, for offsets and messages. */
void xsr_qemu_init(struct xsr_qemu *q, uint64_t base);
void xsr_qemu_fini(struct xsr_qemu *q);
int xsr_qemu_feed(struct xsr_qemu *q, const void *p, size_t n,
                  struct xsr_err *err);
/* Fails for want of memory only; what is wrong with the blob is a grade. */
int xsr_qemu_end(struct xsr_qemu *q, struct xsr_err *err);

/* A device of the description, which the caller has parsed, in its order. */
struct xsr_qemu_device {
    const char *idstr;
    uint32_t instance;
    uint64_t len; /* body with subsections */
};
/* After end(): does the split agree? Sets the grade and the finding. */
void xsr_qemu_describe(struct xsr_qemu *q, const struct xsr_qemu_device *devs,
                       size_t n_devs);

/* "piix4_pm" of "0000:00:01.3/piix4_pm". */
static inline const char *xsr_qemu_name(const struct xsr_qemu_section *s)
{
    return s->idstr + s->name_at;
}

#endif
