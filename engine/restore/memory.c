/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Populating a guest's memory.
 *
 * batch.c wants the pfns of a PAGE_DATA record, restore_pv.c those that page
 * tables refer to; both flush before they touch the pages. In a flush,
 * complete aligned runs of 512 pfns are asked for as 2 MiB extents first: one
 * entry in the hypercall instead of 512, and an HVM guest that runs faster
 * afterwards. To a PV guest they are 512 pages like others, whose frames follow
 * each other. What Xen does not give that way is asked for page by page.
 *
 * The set of pfns that have a page is asked once per entry of a record: two
 * loads and a shift. Its array of pieces grows to the highest pfn; calloc
 * gets large blocks as untouched zero pages, so unused stretches cost nothing.
 */
#include "engine/restore/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"

#define SUPER_ORDER 9u
#define SUPER_PAGES (1u << SUPER_ORDER)

/* ---- the set ------------------------------------------------------------- */

#define PIECE_BITS  (1ull << XSR_PFNSET_SHIFT)
#define PIECE_WORDS (PIECE_BITS / 64)

void xsr_pfnset_init(struct xsr_pfnset *set)
{
    memset(set, 0, sizeof(*set));
}

void xsr_pfnset_fini(struct xsr_pfnset *set)
{
    for (uint64_t i = 0; i < set->n_pieces; i++)
        free(set->piece[i]);
    free(set->piece);
    xsr_pfnset_init(set);
}

bool xsr_pfnset_has(const struct xsr_pfnset *set, uint64_t pfn)
{
    uint64_t at = pfn >> XSR_PFNSET_SHIFT, bit = pfn % PIECE_BITS;

    if (at >= set->n_pieces || !set->piece[at])
        return false;
    return set->piece[at][bit / 64] >> (bit % 64) & 1;
}

static int grow(struct xsr_pfnset *set, uint64_t at, struct xsr_err *err)
{
    uint64_t n = xsr_max(16, set->n_pieces);
    uint64_t **piece;

    while (n <= at)
        n *= 2;
    piece = calloc(n, sizeof(*piece));
    if (!piece)
        return xsr_fail(err, XSR_E_NOMEM,
                        "no memory to note pages up to pfn 0x%llx",
                        (unsigned long long)(at << XSR_PFNSET_SHIFT));
    if (set->n_pieces)
        memcpy(piece, set->piece, set->n_pieces * sizeof(*piece));
    free(set->piece);
    set->piece = piece;
    set->n_pieces = n;
    return 0;
}

int xsr_pfnset_add(struct xsr_pfnset *set, uint64_t pfn, struct xsr_err *err)
{
    uint64_t at = pfn >> XSR_PFNSET_SHIFT, bit = pfn % PIECE_BITS;
    uint64_t *word, mask = 1ull << (bit % 64);

    if (at >= set->n_pieces && grow(set, at, err) < 0)
        return -1;
    if (!set->piece[at]) {
        set->piece[at] = calloc(PIECE_WORDS, sizeof(uint64_t));
        if (!set->piece[at])
            return xsr_fail(err, XSR_E_NOMEM, "no memory to note pages");
    }
    word = &set->piece[at][bit / 64];
    if (*word & mask)
        return 0;
    *word |= mask;
    if (!set->n_members || pfn > set->highest)
        set->highest = pfn;
    set->n_members++;
    return 0;
}

/* ---- populating ---------------------------------------------------------- */

void xsr_memory_init(struct xsr_memory *mem, struct xsr_xen *xen,
                     const struct xsr_xen_domain *dom)
{
    memset(mem, 0, sizeof(*mem));
    mem->xen = xen;
    xsr_pfnset_init(&mem->populated);
    if (dom->max_pages > dom->tot_pages)
        mem->max_pages = dom->max_pages - dom->tot_pages;
}

void xsr_memory_fini(struct xsr_memory *mem)
{
    xsr_pfnset_fini(&mem->populated);
}

int xsr_memory_want(struct xsr_memory *mem, uint64_t pfn, struct xsr_err *err)
{
    if (xsr_memory_has(mem, pfn))
        return 0;
    if (mem->populated.n_members >= mem->max_pages)
        return xsr_fail(err, XSR_E_LIMIT,
                        "libxc image: found more pages than "
                        "the domain may have, allowed %llu; give it more "
                        "memory",
                        (unsigned long long)mem->max_pages);
    if (mem->n_pending == XSR_XEN_BATCH && xsr_memory_flush(mem, err) < 0)
        return -1;
    mem->pending[mem->n_pending++] = pfn;
    return xsr_pfnset_add(&mem->populated, pfn, err);
}

/* Are the 512 pending pfns from at on a complete, aligned 2 MiB? */
static bool is_super(const struct xsr_memory *mem, unsigned at)
{
    xen_pfn_t first = mem->pending[at];

    if (first % SUPER_PAGES || mem->n_pending - at < SUPER_PAGES)
        return false;
    for (unsigned i = 1; i < SUPER_PAGES; i++)
        if (mem->pending[at + i] != first + i)
            return false;
    return true;
}

/* Take the pending pfns [at, at + n) out of the array. */
static void remove_pending(struct xsr_memory *mem, unsigned at, unsigned n)
{
    memmove(mem->pending + at, mem->pending + at + n,
            (mem->n_pending - at - n) * sizeof(*mem->pending));
    mem->n_pending -= n;
}

static void tell_super(struct xsr_memory *mem, const xen_pfn_t *pfns,
                       xen_pfn_t first_frame)
{
    xen_pfn_t frames[SUPER_PAGES];

    for (unsigned i = 0; i < SUPER_PAGES; i++)
        frames[i] = first_frame + i;
    mem->on_populated(mem->ctx, pfns, frames, SUPER_PAGES);
}

/*
 * Superpages come in ascending order of address and so does Xen's work, hence
 * the first done of them are the ones that exist now. A refusal is no error:
 * the pages stay pending.
 */
static int flush_supers(struct xsr_memory *mem, struct xsr_err *err)
{
    unsigned at[XSR_XEN_BATCH / SUPER_PAGES], n = 0, done = 0;
    xen_pfn_t first[XSR_XEN_BATCH / SUPER_PAGES];
    xen_pfn_t frame[XSR_XEN_BATCH / SUPER_PAGES];

    for (unsigned i = 0; i < mem->n_pending;) {
        if (!is_super(mem, i)) {
            i++;
            continue;
        }
        at[n] = i;
        first[n++] = mem->pending[i];
        i += SUPER_PAGES;
    }
    if (!n)
        return 0;
    if (xsr_xen_populate(mem->xen, first, n, SUPER_ORDER, frame, &done, err) <
        0) {
        xsr_err_clear(err);
        return 0;
    }
    while (done--) {
        tell_super(mem, mem->pending + at[done], frame[done]);
        remove_pending(mem, at[done], SUPER_PAGES);
    }
    return 0;
}

int xsr_memory_flush(struct xsr_memory *mem, struct xsr_err *err)
{
    xen_pfn_t frames[XSR_XEN_BATCH];
    unsigned n, done;

    if (flush_supers(mem, err) < 0)
        return -1;
    n = mem->n_pending;
    if (!n)
        return 0;
    if (xsr_xen_populate(mem->xen, mem->pending, n, 0, frames, &done, err) < 0)
        return -1;
    if (done < n)
        return xsr_fail_sys(err, XSR_E_XEN, ENOMEM,
                            "Xen populated only %u of "
                            "%u pages, not pfn 0x%lx (the host's memory or "
                            "the guest's address space ends)",
                            done, n, mem->pending[done]);
    mem->n_pending = 0;
    mem->on_populated(mem->ctx, mem->pending, frames, n);
    return 0;
}
