/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding a PV guest's p2m list, from what it says in its shared info page:
 * either a virtual range under a root table of its own (p2m_cr3, p2m_vaddr),
 * or, older, a tree of three levels (pfn_to_mfn_frame_list_list).
 *
 * Guests announce more pfns than they have. Where the upper end of the list is
 * one and the same page again and again ("nothing here"), it is cut off, so
 * that the image does not describe memory that never was.
 *
 * Everything read here is the guest's word: a number is compared with the
 * host's last page before it is mapped, and Xen refuses frames of others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/pv_layout.h"
#include "engine/pv_map.h"
#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/limits.h"

#define PER_PAGE XSR_PV_PER_PAGE

/* Widest range of a word-sized pfn that the image can name. */
#define MAX_PFNS (1ull << 32)

static int check_frame(const struct xsr_pv_map *map, uint64_t mfn,
                       const char *where, size_t at, struct xsr_err *err)
{
    if (mfn && mfn < map->n_mfns)
        return 0;
    return xsr_fail_sys(err, XSR_E_XEN, ERANGE,
                        "the guest's p2m list: %s %zu names frame 0x%llx, "
                        "allowed 1 to 0x%llx, the host's last",
                        where, at, (unsigned long long)mfn,
                        (unsigned long long)map->n_mfns - 1);
}

/*
 * How many of n entries are left when a tail of equal ones is reduced to its
 * first?
 */
static size_t without_tail(const xen_pfn_t *entry, size_t n)
{
    while (n > 1 && entry[n - 1] == entry[n - 2])
        n--;
    return n;
}

/* Read n words that begin in the first of the frames; NULL: *err. */
static xen_pfn_t *read_words(const struct xsr_pv_map *map,
                             const xen_pfn_t *frames, size_t n_frames,
                             size_t first, size_t n, struct xsr_err *err)
{
    xen_pfn_t *words = calloc(n, sizeof(*words));
    const uint64_t *page;
    void *p;

    if (!words) {
        xsr_fail(err, XSR_E_NOMEM, "no memory for the guest's p2m list");
        return NULL;
    }
    if (xsr_xen_map_many(map->xen, map->xen->domid, frames, n_frames, PROT_READ,
                         "the guest's p2m list", &p, err) < 0) {
        free(words);
        return NULL;
    }
    page = p;
    for (size_t i = 0; i < n; i++)
        words[i] = xsr_read_word(&page[first + i]);
    xsr_xen_unmap(map->xen, p, n_frames);
    return words;
}

/* ---- the tree ------------------------------------------------------------ */

static int check_words(const struct xsr_pv_map *map, const xen_pfn_t *words,
                       size_t n, const char *where, struct xsr_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (check_frame(map, words[i], where, i, err) < 0)
            return -1;
    return 0;
}

static int find_tree(struct xsr_pv_map *map, xen_pfn_t top, struct xsr_err *err)
{
    size_t n_top = (map->n_pfns - 1) / PER_PAGE / PER_PAGE + 1, kept;
    xsr_auto_free xen_pfn_t *lists = NULL;

    if (n_top > PER_PAGE)
        return xsr_fail_sys(err, XSR_E_XEN, ERANGE,
                            "the guest announces %llu pfns, its p2m tree has "
                            "room for %llu",
                            (unsigned long long)map->n_pfns,
                            (unsigned long long)PER_PAGE * PER_PAGE * PER_PAGE);
    if (check_frame(map, top, "pfn_to_mfn_frame_list_list", 0, err) < 0)
        return -1;
    lists = read_words(map, &top, 1, 0, n_top, err);
    if (!lists)
        return -1;
    kept = without_tail(lists, n_top);
    map->n_pfns = xsr_min(map->n_pfns, (uint64_t)kept * PER_PAGE * PER_PAGE);
    if (check_words(map, lists, kept, "frame list", err) < 0)
        return -1;
    map->n_leaves = (map->n_pfns - 1) / PER_PAGE + 1;
    map->leaves = read_words(map, lists, kept, 0, map->n_leaves, err);
    if (!map->leaves)
        return -1;
    return check_words(map, map->leaves, map->n_leaves, "p2m page", err);
}

/* ---- the virtual range --------------------------------------------------- */

struct range {
    uint64_t first, last; /* addresses, inclusive */
};

static bool is_canonical(uint64_t a)
{
    return (uint64_t)((int64_t)(a << 16) >> 16) == a;
}

static int check_range(const struct range *range, struct xsr_err *err)
{
    if (range->last > range->first && is_canonical(range->first) &&
        is_canonical(range->last) && range->first % XSR_PAGE_SIZE == 0 &&
        range->first >> 47 == range->last >> 47 &&
        (range->last < XSR_XEN_VIRT_START || range->first >= XSR_XEN_VIRT_END))
        return 0;
    return xsr_fail_sys(err, XSR_E_XEN, ERANGE,
                        "the guest's p2m list lies at 0x%llx to 0x%llx, "
                        "allowed are addresses of the guest itself",
                        (unsigned long long)range->first,
                        (unsigned long long)range->last);
}

/* Which entries of the tables of a level cover the range? From 0 at bit 48. */
static struct range entries_of(const struct range *range, unsigned level)
{
    unsigned shift = XSR_PAGE_SHIFT + (level - 1) * XSR_PV_PER_SHIFT;
    uint64_t mask = (1ull << 48) - 1;

    return (struct range){(range->first & mask) >> shift,
                          (range->last & mask) >> shift};
}

/* The range ends where the kept entries of level 2 do. */
static void cut_range(struct xsr_pv_map *map, struct range *range,
                      const xen_pfn_t *entry, size_t n)
{
    unsigned shift = XSR_PAGE_SHIFT + XSR_PV_PER_SHIFT;
    size_t kept = without_tail(entry, n);
    uint64_t end = ((range->first >> shift) + kept) << shift, pages;

    if (kept == n)
        return;
    range->last = end - 1;
    pages = (end - range->first) / XSR_PAGE_SIZE;
    map->n_pfns = xsr_min(map->n_pfns, pages * PER_PAGE);
}

/* tables: of this level, n of them; become those (or the pages) below. */
static int descend(struct xsr_pv_map *map, unsigned level, struct range *range,
                   xen_pfn_t **tables, size_t *n, struct xsr_err *err)
{
    struct range at = entries_of(range, level);
    size_t first = at.first % PER_PAGE, n_below = at.last - at.first + 1;
    xen_pfn_t *below;

    below = read_words(map, *tables, *n, first, n_below, err);
    if (!below)
        return -1;
    free(*tables);
    *tables = below;
    *n = n_below;
    for (size_t i = 0; i < n_below; i++) {
        uint64_t pte = below[i];

        below[i] = (pte & XSR_PTE_FRAME) >> XSR_PAGE_SHIFT;
        if (!(pte & XSR_PTE_PRESENT) || (level > 1 && pte & XSR_PTE_PSE))
            return xsr_fail_sys(err, XSR_E_XEN, EFAULT,
                                "the guest's p2m list is not mapped by 4 KiB "
                                "pages: L%u entry 0x%llx at 0x%llx",
                                level, (unsigned long long)pte,
                                (unsigned long long)(at.first + i));
        if (check_frame(map, below[i], "page table entry", i, err) < 0)
            return -1;
    }
    if (level == 2) {
        cut_range(map, range, below, n_below);
        at = entries_of(range, level);
        *n = at.last - at.first + 1;
    }
    return 0;
}

static int find_range(struct xsr_pv_map *map, uint64_t cr3, struct xsr_err *err)
{
    uint64_t vaddr = xsr_le64(map->shared_info + XSR_SI_P2M_VADDR);
    struct range range = {
        vaddr,
        vaddr + (map->n_pfns + PER_PAGE - 1) / PER_PAGE * XSR_PAGE_SIZE - 1};
    xen_pfn_t *tables = malloc(sizeof(*tables));
    size_t n = 1;
    int rc = tables ? 0 : xsr_fail(err, XSR_E_NOMEM, "no memory for a save");

    map->linear = true;
    map->generation = xsr_le64(map->shared_info + XSR_SI_P2M_GENERATION);
    if (rc == 0) {
        *tables = cr3 >> XSR_PAGE_SHIFT;
        rc = check_frame(map, *tables, "p2m_cr3", 0, err);
    }
    if (rc == 0)
        rc = check_range(&range, err);
    for (unsigned level = XSR_PV_LEVELS; rc == 0 && level > 0; level--)
        rc = descend(map, level, &range, &tables, &n, err);
    if (rc == 0) {
        map->n_leaves = (map->n_pfns - 1) / PER_PAGE + 1;
        map->leaves = xsr_steal_ptr(&tables);
    }
    free(tables);
    return rc;
}

int xsr_pv_find_list(struct xsr_pv_map *map, struct xsr_err *err)
{
    uint64_t cr3 = xsr_le64(map->shared_info + XSR_SI_P2M_CR3);
    uint64_t top = xsr_le64(map->shared_info + XSR_SI_FRAME_LIST_LIST);

    /* The field is called max_pfn but is a count. */
    map->n_pfns = xsr_le64(map->shared_info + XSR_SI_MAX_PFN);
    if (!map->n_pfns || (!cr3 && !top))
        return xsr_fail_sys(err, XSR_E_XEN, EAGAIN,
                            "the guest has not told where its p2m list is (it "
                            "has not booted or resumed far enough); try again "
                            "later");
    if (map->n_pfns > MAX_PFNS)
        return xsr_fail_sys(err, XSR_E_XEN, ERANGE,
                            "the guest announces %llu pfns, an image can name "
                            "%llu",
                            (unsigned long long)map->n_pfns, MAX_PFNS);
    return cr3 ? find_range(map, cr3, err) : find_tree(map, top, err);
}
