/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checkpointed streams (Remus, COLO): from the first CHECKPOINT on, records
 * are kept until the next one says that they belong together, so that the
 * domain always is a state that the primary really had.
 */
#ifndef XSR_ENGINE_CHECKPOINT_H
#define XSR_ENGINE_CHECKPOINT_H

#include "engine/dirty.h"
#include "engine/engine.h"
#include "stream/xc3.h"

struct xsr_kept {
    struct xsr_xc3_rec rec;
    unsigned n_rec;
    uint64_t offset;
    uint8_t *body;
};

struct xsr_checkpoints {
    bool keeping; /* a first one is complete: failing over is possible */
    unsigned n;
    struct xsr_kept *kept;
    size_t n_kept, cap;
    uint64_t octets;        /* of memory that they take */
    struct xsr_dirty dirty; /* COLO: what the secondary wrote to */
};

struct xsr_restore;

/* What to do behind a CHECKPOINT. */
enum xsr_checkpoint_next { XSR_CHECKPOINT_GO_ON, XSR_CHECKPOINT_FAIL_OVER };

/* Has the caller what this stream type needs? */
int xsr_checkpoint_check(const struct xsr_restore *rs, struct xsr_err *err);
/* Keep the record that was just begun. */
int xsr_checkpoint_keep(struct xsr_restore *rs, struct xsr_err *err);
/* CHECKPOINT was read. */
int xsr_checkpoint_reached(struct xsr_restore *rs,
                           enum xsr_checkpoint_next *next_out,
                           struct xsr_err *err);
void xsr_checkpoint_fini(struct xsr_restore *rs);

#endif
