/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers of a 64-bit PV guest: what stands behind each pfn here, and page
 * tables, whose entries hold pfns in the image and machine frames in the
 * guest. Pure: no hypercalls. docs/formats/libxc-image.md
 */
#ifndef XSR_ENGINE_TABLES_H
#define XSR_ENGINE_TABLES_H

#include <stdbool.h>

#include "lib/err.h"
#include "stream/pages.h"

#define XSR_INVALID_FRAME UINT64_MAX

/*
 * Per pfn the machine frame, and the last page type that the image gave it.
 * Nine octets a pfn, of which only touched pages exist: the guest itself needs
 * the eight-octet table at the end, so it cannot be avoided.
 */
struct xsr_p2m {
    uint64_t *frame; /* complement of the mfn; 0 = no page */
    uint8_t *type;   /* enum xsr_page_type + 1; 0 = never had a page */
    uint64_t n;      /* pfns 0 ... n-1 are valid */
};

void xsr_p2m_init(struct xsr_p2m *p2m);
void xsr_p2m_fini(struct xsr_p2m *p2m);
/* Make pfns below n valid; never shrinks. */
int xsr_p2m_grow(struct xsr_p2m *p2m, uint64_t n, struct xsr_err *err);

/* XSR_INVALID_FRAME when there is no page or the pfn is out of range. */
static inline uint64_t xsr_p2m_frame(const struct xsr_p2m *p2m, uint64_t pfn)
{
    return pfn < p2m->n ? ~p2m->frame[pfn] : XSR_INVALID_FRAME;
}
static inline void xsr_p2m_set_frame(struct xsr_p2m *p2m, uint64_t pfn,
                                     uint64_t mfn)
{
    p2m->frame[pfn] = ~mfn;
}
/* Has the image had a page for this pfn, and as what was it last sent? */
static inline bool xsr_p2m_type(const struct xsr_p2m *p2m, uint64_t pfn,
                                uint8_t *type_out)
{
    if (pfn >= p2m->n || !p2m->type[pfn])
        return false;
    *type_out = p2m->type[pfn] - 1;
    return true;
}
static inline void xsr_p2m_set_type(struct xsr_p2m *p2m, uint64_t pfn,
                                    uint8_t type)
{
    p2m->type[pfn] = type + 1;
}

struct xsr_table {
    uint8_t *page; /* 4096 octets, a private copy */
    uint64_t pfn;  /* of the table itself, for messages */
    uint8_t level; /* 1-4 */
};

/*
 * Every present entry names a pfn below n_pfns, none is a superpage. Entries
 * of an L4 that belong to Xen are cleared; *n_cleared_out counts those that
 * were not zero.
 */
int xsr_table_check(const struct xsr_table *table, uint64_t n_pfns,
                    unsigned *n_cleared_out, struct xsr_err *err);
/* Call want(ctx, pfn) for the target of each present entry. */
int xsr_table_each(const struct xsr_table *table,
                   int (*want)(void *ctx, uint64_t pfn, struct xsr_err *err),
                   void *ctx, struct xsr_err *err);
/* Replace pfns by frames; all of them have one. */
int xsr_table_localise(const struct xsr_table *table, const struct xsr_p2m *p2m,
                       struct xsr_err *err);

#endif
