/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk over an image for `xensr inspect` and `xensr diff`: a source of
 * bytes with an absolute position, all layers in the order of the bytes, each
 * judged as a restore does, and a listener that is told about every header and
 * record.
 *
 *   source.c  bytes, positions, skipping
 *   walk.c    the layers, in order
 *   image.c   the innermost of them
 *   resync.c  salvage: the search for the next record
 */
#ifndef XSR_TOOLS_WALK_H
#define XSR_TOOLS_WALK_H

#include <jansson.h>

#include "lib/buf.h"
#include "stream/limits.h"
#include "stream/pages.h"
#include "stream/xc3_order.h"
#include "stream/xl2.h"
#include "stream/xlfile.h"
#include "tools/walk/source.h"

/* ---- walk ---- */

enum insp_layer { INSP_XL, INSP_LIBXL, INSP_LIBXC };
enum insp_format {
    INSP_UNKNOWN,
    INSP_XL_FILE,
    INSP_LIBXL_STREAM,
    INSP_LIBXC_IMAGE
};

/* Headers get numbers of their own beside the record types. */
#define INSP_HEADER 0xffffffffu /* of xl file, libxl stream, image */
#define INSP_CONFIG 0xfffffffeu
#define INSP_DOMAIN 0xfffffffdu

struct insp_guest { /* from the configuration in front, if there is */
    bool known;
    char name[128], type[8], uuid[40], model[32];
    uint64_t memory_kb;
    uint32_t n_vcpus;
};

struct insp_row {
    enum insp_layer layer;
    uint32_t type, len; /* INSP_... or a record type of the layer */
    const char *name;
    uint64_t offset;
    const uint8_t *body; /* whole, or its beginning when it is streamed */
    size_t body_len;
    uint64_t body_at;                   /* offset of body[0] */
    const struct xsr_page_batch *batch; /* PAGE_DATA only */
    struct xsr_err bad; /* salvage: why it is refused; else kind OK */
    uint64_t resumed;   /* salvage: its length was not believed, and this is
                           where the next record was found; else 0 */
};

struct insp {
    struct insp_src *src;
    const struct insp_listener *listener;
    void *ctx;
    enum insp_format format;
    struct xsr_xlfile_hdr xl;
    struct insp_guest guest;
    struct xsr_xl2_hdr xl2;
    struct xsr_xc3_ihdr ihdr;
    struct xsr_xc3_dhdr dhdr;
    bool have_dhdr, checkpointed, verifying, verified, done;
    /*
     * Set by the caller before the walk: go on behind what is damaged but can
     * be stepped over; how much of the bodies that are streamed is kept.
     */
    bool salvage;
    size_t keep;
    struct xsr_err damage; /* salvage: the first; insp_walk() fails with it */
    uint64_t n_damaged, n_checkpoints;
    bool adrift;     /* salvage: a record of unknown kind or length went by */
    bool image_over; /* its END, not a checkpoint, was the last of it */
    uint32_t xc_seen, xl_seen;         /* bit per record type */
    uint8_t width;                     /* PV, 0 before X86_PV_INFO */
    uint64_t max_pfn;                  /* PV: end of P2M_FRAMES */
    uint64_t image_at;                 /* of the image header */
    uint8_t vcpu[XSR_MAX_VCPU_ID + 1]; /* PV: what this checkpoint has of it */
    uint64_t n_records, n_pages, trailing; /* bytes behind the end */
    struct xsr_buf body;
};

struct insp_listener {
    int (*on_row)(void *ctx, const struct insp *w, const struct insp_row *row,
                  struct xsr_err *err);
    /*
     * Contents of a PAGE_DATA record, in the order of its entries that have
     * some; NULL: skipped. offset: of the first byte.
     */
    int (*on_pages)(void *ctx, const struct insp *w,
                    const struct xsr_page_batch *batch, uint64_t offset,
                    struct xsr_err *err);
    /*
     * The device model's state, piece by piece, in front of its row; NULL:
     * skipped. offset: of p[0].
     */
    int (*on_emulator)(void *ctx, const struct insp *w, uint64_t offset,
                       const uint8_t *p, size_t n, struct xsr_err *err);
};

/* Before insp_walk(). */
void insp_init(struct insp *w, struct insp_src *src);
/* From the first byte to the last. On failure the listener has seen all rows
 * in front of the damage. */
int insp_walk(struct insp *w, const struct insp_listener *listener, void *ctx,
              struct xsr_err *err);
void insp_fini(struct insp *w);
/* Bytes behind the end are an error in a file, a warning in a pipe. */
int insp_check_trailing(const struct insp *w, struct xsr_err *err);
/* "PV", "PVH", "HVM"; "HVM or PVH" if only the image is known. */
const char *insp_guest_type(const struct insp *w);
const char *insp_format_name(enum insp_format format);

#endif
