/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One batch of at most 1024 pages, the hot path of a save, in two halves.
 * Preparing it asks for the types, maps what has content in one call, and
 * normalises page tables into private copies; ahead.c does that while earlier
 * batches are written. Writing it is one writev: mapped pages are neighbours
 * in our address space, so a batch without page tables is two elements, the
 * head and everything else.
 *
 * While the guest runs, a page may cease to be what it was a moment ago. Then
 * it is left for the final pass. When the guest is suspended nothing changes
 * any more, and what cannot be sent then would be lost: that is an error.
 */
#include "engine/save/save.h"

#include <errno.h>
#include <time.h>

#include "engine/pv_layout.h"
#include "engine/xen_get.h"
#include "lib/util.h"

#define TABLE_TRIES 4u                 /* of a suspended guest's page table */
#define TABLE_WAIT  (5 * 1000 * 1000l) /* ns between two of them */

static void defer(struct xsr_save *sv, struct xsr_save_batch *b, unsigned i)
{
    xsr_dirty_defer(&sv->dirty, b->pfn[i]);
    b->entry[i].type = XSR_PT_XTAB;
    b->content[i] = NULL;
}

/* ---- types --------------------------------------------------------------- */

static int judge_type(struct xsr_save *sv, const struct xsr_save_batch *b,
                      unsigned i, struct xsr_err *err)
{
    uint8_t type = b->entry[i].type;

    if (type >= 5 && type <= 8)
        return xsr_fail(err, XSR_E_XEN,
                        "pfn 0x%llx has page type 0x%x for Xen, which an "
                        "image cannot hold",
                        (unsigned long long)b->pfn[i], type);
    if (xsr_page_is_table(type) && sv->ops->guest == XSR_XC3_HVM)
        return xsr_fail(err, XSR_E_XEN,
                        "pfn 0x%llx of an HVM guest is a page table for Xen "
                        "(%s)",
                        (unsigned long long)b->pfn[i],
                        xsr_page_type_name(type));
    /* A PV guest may put a page there without writing to it, unnoticed. */
    if (type == XSR_PT_XTAB && sv->ops->guest == XSR_XC3_PV && !sv->suspended)
        xsr_dirty_defer(&sv->dirty, b->pfn[i]);
    return 0;
}

static int get_types(struct xsr_save *sv, struct xsr_save_batch *b,
                     struct xsr_err *err)
{
    xen_pfn_t word[XSR_MAX_PAGE_BATCH];
    unsigned n = 0, k = 0;

    for (unsigned i = 0; i < b->n; i++) {
        b->frame[i] = sv->ops->frame_of(sv, b->pfn[i]);
        if (b->frame[i] != XSR_INVALID_PFN_FRAME)
            word[n++] = b->frame[i];
    }
    /* A guest that gave most of its memory back has whole batches of none. */
    if (n && xsr_xen_get_types(&sv->xen, word, n, err) < 0)
        return -1;
    for (unsigned i = 0; i < b->n; i++) {
        uint32_t type = XEN_DOMCTL_PFINFO_XTAB;

        if (b->frame[i] != XSR_INVALID_PFN_FRAME)
            type = (uint32_t)word[k++] & XEN_DOMCTL_PFINFO_LTAB_MASK;
        b->entry[i].pfn = b->pfn[i];
        b->entry[i].type = (uint8_t)(type >> XEN_DOMCTL_PFINFO_LTAB_SHIFT);
        b->content[i] = NULL;
        if (judge_type(sv, b, i, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- contents ------------------------------------------------------------ */

/* Map what has content, n_mapped pages in a row. */
static int map_contents(struct xsr_save *sv, struct xsr_save_batch *b,
                        struct xsr_err *err)
{
    xen_pfn_t frames[XSR_MAX_PAGE_BATCH];
    unsigned n = 0, k = 0;

    for (unsigned i = 0; i < b->n; i++)
        if (xsr_page_has_data(b->entry[i].type))
            frames[n++] = b->frame[i];
    if (!n)
        return 0;
    if (xsr_xen_map_some(&sv->xen, frames, n, PROT_READ, "guest memory",
                         b->map_errno, &b->mapped, err) < 0)
        return -1;
    b->n_mapped = n;
    for (unsigned i = 0; i < b->n; i++) {
        if (!xsr_page_has_data(b->entry[i].type))
            continue;
        b->content[i] = (uint8_t *)b->mapped + (size_t)k * XSR_PAGE_SIZE;
        if (b->map_errno[k] && sv->suspended)
            return xsr_fail_sys(err, XSR_E_XEN, b->map_errno[k],
                                "mapping pfn 0x%llx (frame 0x%lx) of the "
                                "suspended guest",
                                (unsigned long long)b->pfn[i], frames[k]);
        if (b->map_errno[k])
            defer(sv, b, i);
        k++;
    }
    return 0;
}

static int refuse_table(const struct xsr_save_batch *b, unsigned i,
                        const struct xsr_bad_entry *bad, struct xsr_err *err)
{
    uint8_t type = b->entry[i].type;

    if (bad->superpage)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "page table pfn 0x%llx (%s): found a superpage at "
                        "entry %u (0x%llx), allowed are 4 KiB pages only; the "
                        "guest cannot be saved while it uses it",
                        (unsigned long long)b->pfn[i], xsr_page_type_name(type),
                        bad->at, (unsigned long long)bad->pte);
    return xsr_fail_sys(
        err, XSR_E_XEN, EXDEV,
        "page table pfn 0x%llx (%s): entry %u (0x%llx) maps "
        "frame 0x%llx, which is not one of the suspended "
        "guest's own; unmap what other domains granted it",
        (unsigned long long)b->pfn[i], xsr_page_type_name(type), bad->at,
        (unsigned long long)bad->pte,
        (unsigned long long)((bad->pte & XSR_PTE_FRAME) >> XSR_PAGE_SHIFT));
}

/*
 * While the guest runs, a table may be in the middle of a change, or be no
 * table any more. A suspended guest's gets a few tries more, in which a
 * backend may give back what it had mapped.
 */
static int normalise(struct xsr_save *sv, struct xsr_save_batch *b, unsigned i,
                     uint8_t *copy, struct xsr_err *err)
{
    const struct timespec wait = {0, TABLE_WAIT};
    uint8_t level = xsr_page_level(b->entry[i].type);
    struct xsr_bad_entry bad;

    for (unsigned n = 1;; n++) {
        if (sv->ops->normalise(sv, level, b->content[i], copy, &bad)) {
            b->content[i] = copy;
            return 0;
        }
        if (!sv->suspended) {
            defer(sv, b, i);
            return 0;
        }
        if (n == TABLE_TRIES || bad.superpage)
            return refuse_table(b, i, &bad, err);
        nanosleep(&wait, NULL);
    }
}

static int normalise_tables(struct xsr_save *sv, struct xsr_save_batch *b,
                            struct xsr_err *err)
{
    uint8_t *copy = b->copies;

    for (unsigned i = 0; i < b->n; i++) {
        if (!b->content[i] || !xsr_page_is_table(b->entry[i].type))
            continue;
        if (normalise(sv, b, i, copy, err) < 0)
            return -1;
        copy += XSR_PAGE_SIZE;
    }
    return 0;
}

/* ---- the record ---------------------------------------------------------- */

/*
 * A pfn without a page means nothing to a receiver that never heard of it: it
 * is left out, and with it the records that would consist of nothing else,
 * such as those of the hole below 4 GiB of an HVM guest. In the final pass,
 * while the guest stands still, that are all pages which a PV guest could have
 * and has not.
 */
static unsigned drop_holes(struct xsr_save *sv, struct xsr_save_batch *b,
                           const struct xsr_pass *pass)
{
    unsigned n = 0;

    for (unsigned i = 0; i < b->n; i++) {
        uint64_t pfn = b->entry[i].pfn;

        if (b->entry[i].type == XSR_PT_XTAB &&
            (pass->fresh || !xsr_dirty_is_known(&sv->dirty, pfn)))
            continue;
        xsr_dirty_note_known(&sv->dirty, pfn);
        b->entry[n] = b->entry[i];
        b->content[n++] = b->content[i];
    }
    return n;
}

static size_t add_page(struct iovec *iov, size_t n, const uint8_t *page)
{
    if (n > 1 && (uint8_t *)iov[n - 1].iov_base + iov[n - 1].iov_len == page) {
        iov[n - 1].iov_len += XSR_PAGE_SIZE;
        return n;
    }
    iov[n] = (struct iovec){(void *)(uintptr_t)page, XSR_PAGE_SIZE};
    return n + 1;
}

int xsr_save_batch_write(struct xsr_save *sv, struct xsr_save_batch *b,
                         const struct xsr_pass *pass, struct xsr_err *err)
{
    unsigned n = drop_holes(sv, b, pass);
    size_t n_iov = 1; /* the writer's own comes first */

    if (!n)
        return 0;
    if (xsr_pages_put_head(&sv->out.buf, b->entry, n, err) < 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        if (!b->content[i])
            continue;
        n_iov = add_page(sv->iov, n_iov, b->content[i]);
        sv->arg->n_pages++;
    }
    sv->n_records++;
    return xsr_writer_pages(&sv->out, sv->iov, n_iov, err);
}

void xsr_save_batch_release(struct xsr_save *sv, struct xsr_save_batch *b)
{
    xsr_keep_take(&sv->keep, b->mapped, b->n_mapped);
    b->mapped = NULL;
    b->n_mapped = 0;
}

int xsr_save_batch_prepare(struct xsr_save *sv, struct xsr_save_batch *b,
                           struct xsr_err *err)
{
    xsr_save_batch_release(sv, b);
    if (get_types(sv, b, err) < 0 || map_contents(sv, b, err) < 0)
        return -1;
    return normalise_tables(sv, b, err);
}
