/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mapping what translates a PV guest's frame numbers: Xen's M2P (the whole
 * host's, read-only), the shared info page, and the guest's p2m pages, which
 * pv_list.c finds. All of it stays mapped, so that a translation is two loads.
 *
 * A machine frame belongs to the guest if both directions agree on it; a
 * frame of somebody else, mapped through a grant, does not.
 */
#include "engine/pv_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/pv_layout.h"
#include "lib/bytes.h"
#include "lib/util.h"

/* Xen hands out the M2P in pieces of 2 MiB. */
#define PIECE_SHIFT 21
#define PIECE_PAGES (1u << (PIECE_SHIFT - XSR_PAGE_SHIFT))
#define PIECE_MFNS  ((1ull << PIECE_SHIFT) / 8)

void xsr_pv_map_init(struct xsr_pv_map *map, struct xsr_xen *xen)
{
    memset(map, 0, sizeof(*map));
    map->xen = xen;
}

static void unmap(struct xsr_pv_map *map, struct xsr_keep *keep, const void *at,
                  size_t n)
{
    void *p = (void *)(uintptr_t)at;

    if (keep)
        xsr_keep_take(keep, p, n);
    else
        xsr_xen_unmap(map->xen, p, n);
}

void xsr_pv_map_fini(struct xsr_pv_map *map, struct xsr_keep *keep)
{
    unmap(map, keep, map->m2p, map->m2p_pages);
    unmap(map, keep, map->shared_info, 1);
    unmap(map, keep, map->p2m, map->n_leaves);
    free(map->leaves);
    xsr_pv_map_init(map, map->xen);
}

/* The frames of the M2P: each piece is contiguous from its first on. */
static xen_pfn_t *list_m2p(struct xsr_pv_map *map, size_t n_pieces,
                           struct xsr_err *err)
{
    xen_pfn_t *frames = calloc(n_pieces * PIECE_PAGES, sizeof(*frames));

    if (!frames) {
        xsr_fail(err, XSR_E_NOMEM, "no memory for the list of M2P frames");
        return NULL;
    }
    /* Told are first frames only; spread them from the end of the array on. */
    errno = ERANGE; /* the call leaves it alone when the number is wrong */
    if (xc_machphys_mfn_list(map->xen->xch, n_pieces, frames) < 0) {
        xsr_fail_sys(err, XSR_E_XEN, errno, "asking for Xen's M2P table");
        free(frames);
        return NULL;
    }
    for (size_t i = n_pieces; i-- > 0;) {
        xen_pfn_t first = frames[i];

        for (unsigned k = 0; k < PIECE_PAGES; k++)
            frames[i * PIECE_PAGES + k] = first + k;
    }
    return frames;
}

static int map_m2p(struct xsr_pv_map *map, struct xsr_err *err)
{
    xsr_auto_free xen_pfn_t *frames = NULL;
    unsigned long n_mfns; /* Xen says "maximum" but means the first behind */
    size_t n_pieces;
    void *p;

    if (xc_maximum_ram_page(map->xen->xch, &n_mfns) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking for the host's last page");
    n_pieces = (n_mfns + PIECE_MFNS - 1) / PIECE_MFNS;
    frames = list_m2p(map, n_pieces, err);
    if (!frames ||
        xsr_xen_map_many(map->xen, DOMID_XEN, frames, n_pieces * PIECE_PAGES,
                         PROT_READ, "Xen's M2P table", &p, err) < 0)
        return -1;
    map->m2p = p;
    map->m2p_pages = n_pieces * PIECE_PAGES;
    map->n_mfns = n_mfns;
    return 0;
}

int xsr_pv_map_open(struct xsr_pv_map *map, uint64_t shared_info_frame,
                    struct xsr_err *err)
{
    xen_pfn_t frame = shared_info_frame;
    void *p;

    if (map_m2p(map, err) < 0)
        return -1;
    if (xsr_xen_map(map->xen, &frame, 1, PROT_READ, "the shared info page", &p,
                    err) < 0)
        return -1;
    map->shared_info = p;
    if (xsr_pv_find_list(map, err) < 0)
        return -1;
    if (xsr_xen_map_many(map->xen, map->xen->domid, map->leaves, map->n_leaves,
                         PROT_READ, "the guest's p2m", &p, err) < 0)
        return -1;
    map->p2m = p;
    return 0;
}

uint64_t xsr_pv_pfn(const struct xsr_pv_map *map, uint64_t mfn)
{
    uint64_t pfn;

    if (mfn >= map->n_mfns)
        return XSR_INVALID_FRAME;
    pfn = xsr_read_word(&map->m2p[mfn]);
    return xsr_pv_mfn(map, pfn) == mfn ? pfn : XSR_INVALID_FRAME;
}

int xsr_pv_map_check(const struct xsr_pv_map *map, struct xsr_err *err)
{
    uint64_t now = xsr_le64(map->shared_info + XSR_SI_P2M_GENERATION);

    if (!map->linear || now == map->generation)
        return 0;
    return xsr_fail_sys(err, XSR_E_XEN, EAGAIN,
                        "the guest rebuilt its p2m list while it was saved "
                        "(generation %llu, then %llu); start the save again",
                        (unsigned long long)map->generation,
                        (unsigned long long)now);
}
