/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages a simulated guest has, which of them have a fixed use, and what
 * the others hold. All of it is a function of the guest's type, size and seed.
 */
#ifndef XSR_STUBS_LAYOUT_H
#define XSR_STUBS_LAYOUT_H

#include "stubs/hv/hv.h"

#define XSR_G_NO_PFN UINT64_MAX

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
    XSR_G_AT_L1 = 8,  /* PV: of the direct map */
    XSR_G_AT_P2M = 9, /* PV: part of the p2m list */
    XSR_G_AT_VERSION = 10,
    XSR_G_AT_L2 = 12, /* PV, GiB: of the direct map */
    XSR_G_AT_P2M_L1 = 13,
    XSR_G_AT_LIST = 14 /* PV, GiB: frames of the p2m list */
};

#define XSR_G_DIRECT_VA 0xffff880000000000ull
#define XSR_G_P2M_VA    0xffffc90000000000ull
#define XSR_G_USER_VA   0x400000ull

/* -1: no guest can have that. */
int xsr_layout_init(struct xsr_layout *l, enum xsr_hv_type type, uint64_t pages,
                    uint64_t seed, uint32_t zero_pct);
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

#endif
