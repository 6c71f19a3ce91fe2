/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One restore in progress, and what PV and HVM guests do differently in it.
 * Private to engine/: restore.c drives, batch.c takes PAGE_DATA, restore_pv*.c
 * and restore_hvm.c are the two implementations of the ops.
 */
#ifndef XSR_ENGINE_RESTORE_H
#define XSR_ENGINE_RESTORE_H

#include "engine/engine.h"
#include "engine/restore/checkpoint.h"
#include "engine/restore/loader.h"
#include "engine/restore/memory.h"
#include "engine/restore/reader.h"
#include "engine/tables.h"
#include "engine/keep.h"
#include "engine/xen.h"
#include "stream/pages.h"

/* policy.c: CPUID and MSR policies, kept until the static data is complete. */
struct xsr_policy {
    struct xsr_buf cpuid, msr; /* record bodies; empty: not in the image */
};

#define XSR_POLICY_NO_CPUID 1u /* bits of "missing" */
#define XSR_POLICY_NO_MSR   2u

void xsr_policy_init(struct xsr_policy *policy);
void xsr_policy_fini(struct xsr_policy *policy);
/* cur: the whole body. *n_out: leaves or MSRs. */
int xsr_policy_keep_cpuid(struct xsr_policy *policy, struct xsr_cur *cur,
                          uint32_t *n_out, struct xsr_err *err);
int xsr_policy_keep_msr(struct xsr_policy *policy, struct xsr_cur *cur,
                        uint32_t *n_out, struct xsr_err *err);
unsigned xsr_policy_missing(const struct xsr_policy *policy);
/* Width of the guest's physical addresses; 0: the image does not say. */
unsigned xsr_policy_phys_bits(const struct xsr_policy *policy);
/* No call to Xen when the image had neither. */
int xsr_policy_apply(const struct xsr_policy *policy, const struct xsr_xen *xen,
                     struct xsr_err *err);

/* grant.c: entries that let the ring backends map their pages unprivileged. */
struct xsr_grant_seed {
    bool pv;
    uint64_t scratch_gfn; /* not PV: a gfn without a page, for old hosts */
    uint64_t console_frame, store_frame; /* XSR_INVALID_FRAME: none */
    uint32_t console_domid, store_domid;
};

int xsr_grant_seed(struct xsr_xen *xen, const struct xsr_grant_seed *seed,
                   const struct xsr_log *log, struct xsr_err *err);

/* Contents that cannot go straight in. */
#define XSR_BOUNCE_PAGES XSR_LOADER_BOUNCE

/* One page content in the bounce buffer. */
struct xsr_bounced {
    uint8_t *page;  /* private copy, 4096 octets */
    uint8_t *guest; /* the mapped page; NULL: has none (VERIFY) */
    uint64_t pfn;
    uint8_t type;
};

struct xsr_restore;

/*
 * The guest types. Every entry is required. A function that takes err fails
 * the restore with it; cleanup is called exactly once after setup was called,
 * also when setup failed.
 */
struct xsr_restore_ops {
    const char *name; /* "PV", "HVM" */
    /* The domain fits this kind of image; allocate what is kept. */
    int (*setup)(struct xsr_restore *rs, struct xsr_err *err);
    /* Bounds for the next PAGE_DATA. */
    void (*get_rules)(struct xsr_restore *rs, struct xsr_page_rules *out);
    /* Pages expected, for progress. */
    uint64_t (*n_expected)(struct xsr_restore *rs);
    /* New pages exist; see struct xsr_memory. */
    void (*on_populated)(void *rs, const xen_pfn_t *pfns,
                         const xen_pfn_t *frames, unsigned n);
    /* A judged batch is about to be written: remember its types. */
    void (*note_types)(struct xsr_restore *rs,
                       const struct xsr_page_batch *batch);
    /* What to map for a populated pfn. */
    uint64_t (*frame_of)(struct xsr_restore *rs, uint64_t pfn);
    /* Must content of this type be changed before the guest may have it? */
    bool (*is_translated)(uint8_t type);
    /* Change it, in pages[].page. n >= 1; others than those may be among. */
    int (*translate)(struct xsr_restore *rs, struct xsr_bounced *pages,
                     unsigned n, struct xsr_err *err);
    /* A record of this guest type alone, complete at the cursor. */
    int (*on_record)(struct xsr_restore *rs, uint32_t type, struct xsr_cur *cur,
                     struct xsr_err *err);
    /* Another checkpoint's state records come: those kept so far are void. */
    void (*forget_state)(struct xsr_restore *rs);
    /* END was seen: judge what is left, then complete the domain. */
    int (*finish)(struct xsr_restore *rs, struct xsr_err *err);
    void (*cleanup)(struct xsr_restore *rs);
};

extern const struct xsr_restore_ops xsr_restore_pv, xsr_restore_hvm;

struct xsr_restore {
    struct xsr_engine_restore *arg;
    const struct xsr_log *log;
    struct xsr_xen xen;
    struct xsr_xen_domain dom;
    struct xsr_reader rd;
    struct xsr_xc3_ihdr ihdr;
    struct xsr_xc3_dhdr dhdr;
    struct xsr_xc3_order order;
    struct xsr_policy policy;
    struct xsr_memory mem;
    struct xsr_keep keep;
    struct xsr_loader loader;
    struct xsr_checkpoints checkpoints;
    const struct xsr_restore_ops *ops;
    void *guest;    /* belongs to ops */
    char note[120]; /* meaning of the record in hand, for the log */

    /* PAGE_DATA in hand; kept here so that no batch allocates */
    struct xsr_page_batch batch;
    xen_pfn_t frames[XSR_MAX_PAGE_BATCH];
    struct {
        uint16_t entry; /* index in batch */
        uint16_t slot;  /* page of the mapping, or XSR_NO_SLOT */
    } content[XSR_MAX_PAGE_BATCH];
    uint8_t *bounce; /* XSR_BOUNCE_PAGES, from first use on */
    struct xsr_bounced bounced[XSR_BOUNCE_PAGES];
    uint64_t n_mismatches; /* VERIFY */
    unsigned percent;      /* last progress shown */
};

#define XSR_NO_SLOT UINT16_MAX

/* batch.c: the PAGE_DATA record whose header was just begun. */
int xsr_batch_restore(struct xsr_restore *rs, struct xsr_err *err);
/* restore.c: let the record that was begun act. */
int xsr_restore_apply(struct xsr_restore *rs, const struct xsr_xc3_rec *rec,
                      struct xsr_err *err);
/* restore.c: what the record in hand means. */
void xsr_restore_note(struct xsr_restore *rs, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
