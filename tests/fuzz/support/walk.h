/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reader of whole images in memory, over stream/ alone: one small step at a
 * time, and all that it knows is a value that can be copied. So a change in the
 * middle of an image costs only the steps behind it until the walk is where it
 * would have been, and millions of changes can be tried (flips.c).
 */
#ifndef XSR_TESTS_FUZZ_WALK_H
#define XSR_TESTS_FUZZ_WALK_H

#include "stream/limits.h"
#include "stream/pages.h"
#include "stream/xc3_order.h"
#include "stream/xl2_order.h"
#include "stream/xlfile.h"

/* What the next step reads. */
enum walk_at {
    AT_MAGIC, /* nothing: decides what the input is */
    AT_XL_HDR,
    AT_XL_CONFIG,
    AT_XL2_HDR,
    AT_XL2_REC,
    AT_XL2_EMU,  /* sub-header */
    AT_XL2_KEYS, /* behind it */
    AT_XL2_BLOB, /* emulator context, optional record */
    AT_XL2_PAD,
    AT_IHDR,
    AT_DHDR,
    AT_REC,
    AT_BODY,
    AT_PAGES,   /* count and entries */
    AT_CONTENT, /* of pages */
    AT_SKIP,    /* optional record */
    AT_PAD,
    AT_END, /* nothing may follow */
    N_AT
};

struct walk_state {
    enum walk_at at;
    size_t pos;
    bool whole_file; /* it has an xl header */
    bool file_is_pv, file_type_known;
    struct xsr_xlfile_hdr xl;
    struct xsr_xl2_order xl2_order;
    struct xsr_xl2_rec xl2_rec;
    struct xsr_xc3_ihdr ihdr;
    struct xsr_xc3_dhdr dhdr;
    struct xsr_xc3_order order;
    struct xsr_xc3_rec rec;
    uint8_t width; /* PV */
    bool have_p2m;
    uint64_t max_pfn;
    uint32_t n_data;  /* pages of content that follow */
    uint8_t vcpu[64]; /* what the low vCPUs have: bits by record type */
    bool checkpoints; /* CHECKPOINT records are records of this stream */
};

struct walk {
    struct walk_state s;
    const uint8_t *p;
    size_t len;
    struct xsr_page_batch batch; /* of the last AT_PAGES */
};

void walk_init(struct walk *w, const uint8_t *p, size_t len);
/* 1: there is more; 0: that was all, and good; -1: refused. */
int walk_step(struct walk *w, struct xsr_err *err);
/* All of it. */
int walk_all(const uint8_t *p, size_t len, struct xsr_err *err);
const char *walk_at_name(enum walk_at at);

#endif
