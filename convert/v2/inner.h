/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside a conversion: what the reading half (in.c) and the writing half
 * (out.c) share. in.c follows the input and calls out_... for each thing it
 * meets; nothing is read by out.c but bodies that it was told of.
 */
#ifndef XSR_CONVERT_V2_INNER_H
#define XSR_CONVERT_V2_INNER_H

#include "convert/v2/convert.h"
#include "convert/v2/image.h"
#include "stream/xlfile.h"

struct cv {
    const struct xsr_convert_params *p;
    struct xsr_convert_report *report;
    struct xsr_flow flow;
    struct xsr_image image;
    enum xsr_format to; /* XL, LIBXL, LIBXC3 for both versions, XENSERVER */
    /* xl header of the input, if there was one */
    bool have_xl;
    struct xsr_xlfile_hdr xl;
    struct xsr_buf xl_data; /* its optional data */
    uint32_t libxl_options; /* of the input, or what they would be */
    bool have_libxl;
    /* device state that comes before the image (XenServer), or is small */
    struct xsr_buf blob;
    uint32_t blob_id;
    bool blob_waits;               /* it is to be written */
    bool have_emulator, have_keys; /* they are in the output, or will be */
    bool same;   /* XenServer's format to itself: all in its order */
    bool no_end; /* checkpoints whose sender has gone */
};

#define CV_ID_UNKNOWN UINT32_MAX
/* Device states up to this are looked into; real ones are below 1 MiB. */
#define CV_MAX_BLOB   (4u << 20)
/* So that a few copies fit into 16 MiB; real ones are below 64 KiB. */
#define CV_MAX_CONFIG (2u << 20)

static inline bool cv_to_libxl(const struct cv *cv)
{
    return cv->to == XSR_FORMAT_XL || cv->to == XSR_FORMAT_LIBXL;
}

/* ---- out.c --------------------------------------------------------------- */

/* All that stands in front of the image. */
int out_begin(struct cv *cv, struct xsr_err *err);
/* n bytes of keys, sub-header included, are next in the input. */
int out_keys(struct cv *cv, uint32_t n, struct xsr_err *err);
/* The device state of n bytes that is next in the input (emulator.c). */
int out_emulator(struct cv *cv, uint32_t id, uint64_t n, struct xsr_err *err);
/* The one in cv->blob, and the keys that belong in front of it. */
int out_blob(struct cv *cv, struct xsr_err *err);
int out_aside_keys(struct cv *cv, struct xsr_err *err);
/* A record of XenServer's of n bytes is next in the input. */
int out_xapi(struct cv *cv, uint32_t type, uint32_t n, struct xsr_err *err);
/* All that is due behind the image and what follows it in the input. */
int out_end(struct cv *cv, struct xsr_err *err);

int out_xl2_rec(struct cv *cv, uint32_t type, uint32_t len,
                struct xsr_err *err);
int out_xapi_hdr(struct cv *cv, uint32_t type, uint32_t len,
                 struct xsr_err *err);

/* ---- in.c ---------------------------------------------------------------- */

/* A libxl stream from its header to its END. */
int in_libxl(struct cv *cv, struct xsr_err *err);
int in_xl_header(struct cv *cv, struct xsr_err *err);
int in_xend_header(struct cv *cv, struct xsr_err *err);
/* Was the image converted from a legacy one? For a libxl header's options. */
int in_learn_origin(struct cv *cv, struct xsr_err *err);
/* A libxc image that is no stream of checkpoints. */
int in_whole_image(struct cv *cv, struct xsr_err *err);
/* in_xenserver.c: from the signature to End_of_image */
int in_xenserver(struct cv *cv, struct xsr_err *err);

/* ---- nested.c ------------------------------------------------------------ */

/*
 * A legacy image is next in the input, which is read exactly; a child makes it
 * a libxl stream, which is read in its place. Then the input stands behind it.
 */
int in_legacy(struct cv *cv, struct xsr_err *err);

#endif
