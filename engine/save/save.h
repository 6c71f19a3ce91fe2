/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One save in progress, and what PV and HVM guests do differently in it.
 * Private to engine/: save.c drives, rounds.c decides which pages go out
 * when, batch.c sends them, save_pv.c and save_hvm.c are the two
 * implementations of the ops.
 */
#ifndef XSR_ENGINE_SAVE_H
#define XSR_ENGINE_SAVE_H

#include "engine/dirty.h"
#include "engine/engine.h"
#include "engine/keep.h"
#include "engine/save/writer.h"
#include "engine/xen.h"
#include "stream/pages.h"
#include "stream/xc3.h"

#define XSR_INVALID_PFN_FRAME UINT64_MAX

struct xsr_save;

/* Why a page table could not be normalised. */
struct xsr_bad_entry {
    unsigned at; /* of 512 */
    uint64_t pte;
    bool superpage; /* never goes away; otherwise a frame of somebody else */
};

/*
 * The guest types. Every entry is required. A function that takes err fails
 * the save with it; cleanup is called exactly once after setup was called,
 * also when setup failed.
 */
struct xsr_save_ops {
    const char *name; /* "PV", "HVM" */
    uint32_t guest;   /* enum xsr_xc3_guest */
    bool has_device_model;
    /* Find out all that the head of the stream needs; no stream yet. */
    int (*setup)(struct xsr_save *sv, struct xsr_err *err);
    /* How many pfns there are now; it may grow while the guest runs. */
    int (*n_pfns)(struct xsr_save *sv, uint64_t *out, struct xsr_err *err);
    /* Records before STATIC_DATA_END (beside policies) / behind it. */
    int (*put_static)(struct xsr_save *sv, struct xsr_err *err);
    int (*put_start)(struct xsr_save *sv, struct xsr_err *err);
    /* What to ask Xen for and to map; XSR_INVALID_PFN_FRAME: nothing. */
    uint64_t (*frame_of)(struct xsr_save *sv, uint64_t pfn);
    /* A private copy of a page table with pfns in it. false: *bad says why. */
    bool (*normalise)(struct xsr_save *sv, uint8_t level, const uint8_t *table,
                      uint8_t *copy, struct xsr_bad_entry *bad);
    /* After each pass: is what setup found still so? */
    int (*check)(struct xsr_save *sv, struct xsr_err *err);
    /* State records of the suspended guest, behind X86_TSC_INFO. */
    int (*put_state)(struct xsr_save *sv, struct xsr_err *err);
    void (*cleanup)(struct xsr_save *sv);
};

extern const struct xsr_save_ops xsr_save_pv, xsr_save_hvm;

/* One walk over the guest's pages. */
struct xsr_pass {
    const char *label;
    const uint64_t *bits; /* which pfns; NULL: all of [first, end) */
    uint64_t first, end, n;
    bool fresh; /* the receiver has none of them yet, or only compares */
};

/* What becomes one PAGE_DATA record. */
struct xsr_save_batch {
    unsigned n;
    uint64_t pfn[XSR_MAX_PAGE_BATCH];
    xen_pfn_t frame[XSR_MAX_PAGE_BATCH];
    int map_errno[XSR_MAX_PAGE_BATCH];
    struct xsr_page_entry entry[XSR_MAX_PAGE_BATCH];
    const uint8_t *content[XSR_MAX_PAGE_BATCH]; /* NULL: none */
    uint8_t *copies;                            /* one of the rooms, or NULL */
    void *mapped;
    unsigned n_mapped;
};

#define XSR_AHEAD      6u /* batches in work: written, ready, being prepared */
#define XSR_COPIES_LEN ((size_t)XSR_MAX_PAGE_BATCH * XSR_PAGE_SIZE)

struct xsr_save {
    struct xsr_engine_save *arg;
    const struct xsr_log *log;
    struct xsr_xen xen;
    struct xsr_xen_domain dom;
    const struct xsr_save_ops *ops;
    void *guest; /* belongs to ops */
    struct xsr_writer out;
    struct xsr_dirty dirty;
    struct xsr_keep keep; /* of whoever prepares batches */
    bool tracking;        /* we enabled log-dirty in Xen */
    bool dm_logs;         /* and in the device model */
    bool suspended;       /* the guest does not change any more */
    uint64_t n_checkpoints;

    struct xsr_save_ahead *ahead; /* batches in work */
    struct iovec iov[XSR_MAX_PAGE_BATCH + 1];
    uint8_t *copies;           /* normalised tables, XSR_AHEAD rooms (PV) */
    uint64_t n_records;        /* of PAGE_DATA */
    uint64_t n_done, shown_ms; /* progress of the pass */
};

/* logdirty.c */
int xsr_save_start_tracking(struct xsr_save *sv, struct xsr_err *err);
void xsr_save_stop_tracking(struct xsr_save *sv);

/* batch.c: n and pfn[] of the batch are given. */
int xsr_save_batch_prepare(struct xsr_save *sv, struct xsr_save_batch *b,
                           struct xsr_err *err);
int xsr_save_batch_write(struct xsr_save *sv, struct xsr_save_batch *b,
                         const struct xsr_pass *pass, struct xsr_err *err);
void xsr_save_batch_release(struct xsr_save *sv, struct xsr_save_batch *b);

/* ahead.c: batches in work; the first is to be filled when start returns. */
int xsr_save_ahead_start(struct xsr_save *sv, struct xsr_err *err);
void xsr_save_ahead_stop(struct xsr_save *sv);
struct xsr_save_batch *xsr_save_ahead_batch(struct xsr_save *sv);
/* It is filled: let it be prepared, write what is due. Another is empty then.
 * *done_out: pfns of the batches that were written, or 0. */
int xsr_save_ahead_submit(struct xsr_save *sv, const struct xsr_pass *pass,
                          unsigned *done_out, struct xsr_err *err);
/* Write the oldest submitted batch. *done_out is 0 if there was none. */
int xsr_save_ahead_write(struct xsr_save *sv, const struct xsr_pass *pass,
                         unsigned *done_out, struct xsr_err *err);
/* pass.c: all pages of a pass. */
int xsr_save_pass(struct xsr_save *sv, const struct xsr_pass *pass,
                  struct xsr_err *err);

/* rounds.c: memory until the guest is suspended and all is sent. */
int xsr_save_memory_still(struct xsr_save *sv, struct xsr_err *err);
int xsr_save_memory_live(struct xsr_save *sv, struct xsr_err *err);
int xsr_save_memory_checkpoint(struct xsr_save *sv, struct xsr_err *err);
/* The guest is shut down for a suspend, or *err says what it is instead. */
int xsr_save_check_suspended(struct xsr_save *sv, struct xsr_err *err);

/* colo.c: pfns that the secondary wrote to, into sv->dirty. */
int xsr_save_read_secondary(struct xsr_save *sv, struct xsr_err *err);

#endif
