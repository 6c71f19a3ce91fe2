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
#include "stubs/hv/hvi.h"

#define XSR_G_MAGIC   0x7473657567726e78ull
#define XSR_G_VERSION 1u
#define XSR_G_NO_PFN  UINT64_MAX

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

/* ---- layout.c ------------------------------------------------------------ */

enum xsr_rkind {
    XSR_R_DATA,   /* content by version; some pages of it are special */
    XSR_R_STATIC, /* content of version 0 for ever */
    XSR_R_ZERO    /* rings and other pages that hosts write */
};

struct xsr_range {
    uint64_t first, n;
    enum xsr_rkind kind;
};

#define XSR_G_RANGES 8u
struct xsr_layout {
    bool pv;
    uint64_t seed;
    uint32_t zero_pct;
    uint64_t n_data;  /* pages in ranges of kind DATA */
    uint64_t n_total; /* in all ranges */
    uint64_t end;     /* behind the highest */
    uint64_t stride;  /* scatters the hot set */
    unsigned n_ranges;
    struct xsr_range range[XSR_G_RANGES];
};

/* Pages with a fixed place. Everything below XSR_G_LOW is special. */
enum {
    XSR_G_DESC = 11,
    XSR_G_START_INFO = 32, /* from here on PV only */
    XSR_G_STORE,
    XSR_G_CONSOLE,
    XSR_G_GDT,
    XSR_G_L4,
    XSR_G_L3, /* of the direct map */
    XSR_G_P2M_L3,
    XSR_G_P2M_L2,
    XSR_G_USER_L4,
    XSR_G_USER_L3,
    XSR_G_USER_L2,
    XSR_G_USER_L1,
    XSR_G_LIST_LIST,   /* frames of the lists of p2m frames */
    XSR_G_CHURN_FIRST, /* tables that come and go */
    XSR_G_CHURN_LAST = XSR_G_CHURN_FIRST + 7,
    XSR_G_LOW = 64
};

/* The same in each 512 pages, and in the first 512 of each 262144. */
#define XSR_G_CHUNK 512u
#define XSR_G_GIB   262144u
enum {
    XSR_G_AT_L1 = 8,     /* PV: of the direct map */
    XSR_G_AT_P2M = 9,    /* PV: part of the p2m list */
    XSR_G_AT_VERSION = 10,
    XSR_G_AT_L2 = 12,    /* PV, GiB: of the direct map */
    XSR_G_AT_P2M_L1 = 13,
    XSR_G_AT_LIST = 14   /* PV, GiB: frames of the p2m list */
};

#define XSR_G_DIRECT_VA 0xffff880000000000ull
#define XSR_G_P2M_VA    0xffffc90000000000ull
#define XSR_G_USER_VA   0x400000ull

/* -1: no guest can have that. */
int xsr_layout_init(struct xsr_layout *l, enum xsr_hv_type type,
                    uint64_t pages, uint64_t seed, uint32_t zero_pct);
/* A page of its own kind, whose content is by version. */
bool xsr_layout_is_data(const struct xsr_layout *l, uint64_t pfn);
/* PV: the level of a table that the page is for ever; 0: none. */
unsigned xsr_layout_table(const struct xsr_layout *l, uint64_t pfn);
/* Page number i, counted over the DATA ranges. */
uint64_t xsr_layout_data_pfn(const struct xsr_layout *l, uint64_t i);
static inline uint64_t xsr_layout_chunks(const struct xsr_layout *l)
{
    return (l->end + XSR_G_CHUNK - 1) / XSR_G_CHUNK;
}

/* ---- content.c ----------------------------------------------------------- */

uint64_t xsr_g_mix(uint64_t x); /* 64 bits, well scattered */
bool xsr_content_is_zero(uint64_t seed, uint64_t pfn, uint32_t zero_pct);
/* What a page that is not zero holds. */
void xsr_content_fill(uint64_t seed, uint64_t pfn, uint32_t version,
                      void *page);

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
