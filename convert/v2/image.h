/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One libxc image on its way from input to output, with or without a change of
 * its version. Frames, order and page lists are judged; the rest of the
 * records' bodies is `xensr check`'s matter. docs/formats/libxc-image.md
 */
#ifndef XSR_CONVERT_V2_IMAGE_H
#define XSR_CONVERT_V2_IMAGE_H

#include "convert/v2/parts.h"
#include "stream/pages.h"
#include "stream/xc3_order.h"

struct xsr_image {
    struct xsr_flow *flow;
    const struct xsr_parts *parts;
    uint32_t version_out; /* 0: as it is; after begin: 2 or 3 */
    bool checkpointed;    /* CHECKPOINT is welcome */
    /* found */
    struct xsr_xc3_ihdr ihdr;
    struct xsr_xc3_dhdr dhdr;
    bool ended; /* END, not CHECKPOINT */
    uint32_t n_checkpoints;
    uint64_t n_records, n_pages;
    /* private */
    struct xsr_xc3_order order;
    uint64_t max_pfn;
    uint8_t max_level;
    bool static_done;     /* of the output, version 3 */
    struct xsr_buf early; /* TSC_INFO of a v2 image, which has to wait */
    struct xsr_page_batch *batch;
};

/* Image and domain header. flow, parts, version_out, checkpointed are set. */
int xsr_image_begin(struct xsr_image *im, struct xsr_err *err);
/* To END, or to the next CHECKPOINT; also behind one. */
int xsr_image_records(struct xsr_image *im, struct xsr_err *err);
void xsr_image_fini(struct xsr_image *im); /* idempotent */

#endif
