/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the simulated guests: what their files offer each other. All of it
 * runs with the host lock held (xsr_host_enter).
 *
 *   layout.c   which page is what       content.c  what is in a page
 *   create*.c  a new guest              memory.c   a guest's own pages
 *   run.c      time goes by             life.c     suspend, resume, start
 *   verify.c   the guest's own verdict  digest.c   what a save carries
 *
 * A guest's description (struct xsr_gdesc) is page XSR_G_DESC of its memory.
 * It is saved and restored with it, so a guest is the same one on any host.
 */
#ifndef XSR_STUBS_GI_H
#define XSR_STUBS_GI_H

#include "stubs/guest/guest.h"
#include "stubs/guest/hooks.h"
#include "stubs/guest/layout.h"
#include "stubs/hv/hvi.h"

#define XSR_G_MAGIC   0x7473657567726e78ull
#define XSR_G_VERSION 1u

/* The description, as it lies in the guest's memory. */
struct xsr_gdesc {
    uint64_t magic;
    uint32_t version, type; /* enum xsr_hv_type */
    uint64_t seed, pages;   /* pages: of the memory that was asked for */
    uint32_t n_vcpus, zero_pct, suspend, flags;
    uint32_t n_phases, spare;
    struct xsr_guest_phase phase[XSR_GUEST_PHASES];
    char name[64];
    uint8_t uuid[16];
    /* what happened so far */
    uint64_t running_ns;
    uint64_t n_dirtied; /* equals the sum of all pages' versions */
    uint64_t owed;      /* writes that are due and not done */
    uint64_t draws;     /* random choices made */
    uint64_t n_churned;
    /* A write in progress: pfn + 1, and what is true when it is done. */
    uint64_t wip, wip_total;
    uint32_t wip_version;
    uint32_t suspended; /* by its own will; cleared when it goes on */
    uint32_t n_suspends, n_resumes, n_restores, n_forced;
    uint32_t suspend_port;
    uint32_t n_troubles;
    char trouble[160]; /* the first one */
};
_Static_assert(sizeof(struct xsr_gdesc) <= 4096, "one page");

#define XSR_GF_CHURN 1u /* rewrites its own page tables */
#define XSR_GF_TREE  2u /* PV: offers its p2m as a tree only */

/* HVM: the vector by which drivers are interrupted. */
#define XSR_G_CALLBACK (2ull << 56 | 0xf3)

/* ---- memory.c ------------------------------------------------------------ */

struct xsr_guest {
    struct xsr_dom *d;
    struct xsr_gdesc *desc;
    struct xsr_layout lay;
};

/* Is d a simulated guest? Looks into its memory if that is not known. */
bool xsr_guest_open(struct xsr_dom *d, struct xsr_guest *g);
/* The frame of a page; negative: the guest does not have it. */
int64_t xsr_guest_mfn(struct xsr_dom *d, uint64_t pfn);
void *xsr_guest_page(const struct xsr_guest *g, uint64_t pfn); /* or NULL */
/* The guest wrote to it. */
void xsr_guest_dirty(const struct xsr_guest *g, uint64_t pfn);
uint32_t *xsr_guest_version(const struct xsr_guest *g, uint64_t pfn);
/* Something is not as a guest expects; it says so when asked. */
void xsr_guest_trouble(const struct xsr_guest *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- run.c, churn.c ------------------------------------------------------ */

/* Can the guest do anything at present? */
bool xsr_guest_runs(const struct xsr_dom *d);
/* All that it does until then; d->guest_ns says since when. */
void xsr_guest_run_to(struct xsr_guest *g, int64_t now);
/* Rewrite entries of its own page tables (PV), n times. */
void xsr_guest_churn(struct xsr_guest *g, unsigned n);
/* PV: do the tables that churn map what they should? */
bool xsr_guest_churn_ok(const struct xsr_guest *g);

/* ---- life.c -------------------------------------------------------------- */

/* Do what the control/shutdown node says; g runs. */
void xsr_guest_answer(struct xsr_guest *g);

/* ---- digest.c ------------------------------------------------------------ */

/* It is suspended: keep its digest, if the host does that. */
void xsr_guest_record(struct xsr_dom *d);

/* ---- create_pv.c, create_hvm.c, hvmctx.c, nodes.c ------------------------ */

struct xsr_birth { /* one that is being made */
    struct xsr_dom *d;
    const struct xsr_guest_spec *spec;
    struct xsr_layout lay;
    uint64_t *mfn; /* by pfn; PV only */
    uint32_t store_port, console_port;
    uint64_t store_gfn, console_gfn; /* PV: frames */
};

int xsr_birth_pv(struct xsr_birth *b, struct xsr_err *err);
int xsr_birth_hvm(struct xsr_birth *b, struct xsr_err *err);
int xsr_birth_nodes(struct xsr_birth *b, struct xsr_err *err);
/* Build and load the HVM context. */
int xsr_birth_hvmctx(struct xsr_birth *b, struct xsr_err *err);
/* One domctl; what: for the message. */
int xsr_birth_ctl(struct xsr_birth *b, struct xen_domctl *op, uint32_t cmd,
                  const char *what, struct xsr_err *err);
/* PV: a vCPU's registers (creation, and after a slow resume). */
int xsr_guest_vcpu_up(struct xsr_dom *d, uint32_t id, uint64_t l4,
                      uint64_t user_l4, uint64_t gdt, uint64_t start_info);
/* General registers of a vCPU as they are in its n-th suspend. */
uint64_t xsr_guest_reg(uint64_t seed, uint32_t n_suspends, uint32_t vcpu,
                       unsigned reg);
/* PV: tell the hypervisor and toolstacks where the p2m is. */
void xsr_guest_publish_p2m(const struct xsr_guest *g);

#endif
