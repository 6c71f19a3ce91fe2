/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One batch of at most 1024 pages, the hot path of a save: ask for their
 * types, map those with content in one call, normalise page tables into
 * private copies, and write head and pages with one writev. Mapped pages are
 * neighbours in our address space, so a batch without page tables is two
 * elements: the head, and everything else.
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

static void defer(struct xsr_save *sv, unsigned i)
{
    xsr_dirty_defer(&sv->dirty, sv->pfn[i]);
    sv->entry[i].type = XSR_PT_XTAB;
    sv->content[i] = NULL;
}

/* ---- types --------------------------------------------------------------- */

static int judge_type(struct xsr_save *sv, unsigned i, struct xsr_err *err)
{
    uint8_t type = sv->entry[i].type;

    if (type >= 5 && type <= 8)
        return xsr_fail(err, XSR_E_XEN,
                        "pfn 0x%llx has page type 0x%x for Xen, which an "
                        "image cannot hold",
                        (unsigned long long)sv->pfn[i], type);
    if (xsr_page_is_table(type) && sv->ops->guest == XSR_XC3_HVM)
        return xsr_fail(err, XSR_E_XEN,
                        "pfn 0x%llx of an HVM guest is a page table for Xen "
                        "(%s)",
                        (unsigned long long)sv->pfn[i],
                        xsr_page_type_name(type));
    /* A PV guest may put a page there without writing to it, unnoticed. */
    if (type == XSR_PT_XTAB && sv->ops->guest == XSR_XC3_PV && !sv->suspended)
        xsr_dirty_defer(&sv->dirty, sv->pfn[i]);
    return 0;
}

static int get_types(struct xsr_save *sv, struct xsr_err *err)
{
    xen_pfn_t word[XSR_MAX_PAGE_BATCH];

    for (unsigned i = 0; i < sv->n; i++) {
        sv->frame[i] = sv->ops->frame_of(sv, sv->pfn[i]);
        word[i] = sv->frame[i];
    }
    if (xsr_xen_get_types(&sv->xen, word, sv->n, err) < 0)
        return -1;
    for (unsigned i = 0; i < sv->n; i++) {
        uint32_t type = (uint32_t)word[i] & XEN_DOMCTL_PFINFO_LTAB_MASK;

        if (sv->frame[i] == XSR_INVALID_PFN_FRAME)
            type = XEN_DOMCTL_PFINFO_XTAB;
        sv->entry[i].pfn = sv->pfn[i];
        sv->entry[i].type = (uint8_t)(type >> XEN_DOMCTL_PFINFO_LTAB_SHIFT);
        sv->content[i] = NULL;
        if (judge_type(sv, i, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- contents ------------------------------------------------------------ */

/* Map what has content. *out: n_out pages in a row. */
static int map_contents(struct xsr_save *sv, void **out, unsigned *n_out,
                        struct xsr_err *err)
{
    xen_pfn_t frames[XSR_MAX_PAGE_BATCH];
    unsigned n = 0, k = 0;

    for (unsigned i = 0; i < sv->n; i++)
        if (xsr_page_has_data(sv->entry[i].type))
            frames[n++] = sv->frame[i];
    *n_out = n;
    *out = NULL;
    if (!n)
        return 0;
    if (xsr_xen_map_some(&sv->xen, frames, n, PROT_READ, "guest memory",
                         sv->map_errno, out, err) < 0)
        return -1;
    for (unsigned i = 0; i < sv->n; i++) {
        if (!xsr_page_has_data(sv->entry[i].type))
            continue;
        sv->content[i] = (uint8_t *)*out + (size_t)k * XSR_PAGE_SIZE;
        if (sv->map_errno[k] && sv->suspended)
            return xsr_fail_sys(err, XSR_E_XEN, sv->map_errno[k],
                                "mapping pfn 0x%llx (frame 0x%lx) of the "
                                "suspended guest",
                                (unsigned long long)sv->pfn[i], frames[k]);
        if (sv->map_errno[k])
            defer(sv, i);
        k++;
    }
    return 0;
}

static int refuse_table(struct xsr_save *sv, unsigned i,
                        const struct xsr_bad_entry *bad, struct xsr_err *err)
{
    uint8_t type = sv->entry[i].type;

    if (bad->superpage)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "page table pfn 0x%llx (%s): found a superpage at "
                        "entry %u (0x%llx), allowed are 4 KiB pages only; the "
                        "guest cannot be saved while it uses it",
                        (unsigned long long)sv->pfn[i],
                        xsr_page_type_name(type), bad->at,
                        (unsigned long long)bad->pte);
    return xsr_fail_sys(
        err, XSR_E_XEN, EXDEV,
        "page table pfn 0x%llx (%s): entry %u (0x%llx) maps "
        "frame 0x%llx, which is not one of the suspended "
        "guest's own; unmap what other domains granted it",
        (unsigned long long)sv->pfn[i], xsr_page_type_name(type), bad->at,
        (unsigned long long)bad->pte,
        (unsigned long long)((bad->pte & XSR_PTE_FRAME) >> XSR_PAGE_SHIFT));
}

/*
 * While the guest runs, a table may be in the middle of a change, or be no
 * table any more. A suspended guest's gets a few tries more, in which a
 * backend may give back what it had mapped.
 */
static int normalise(struct xsr_save *sv, unsigned i, uint8_t *copy,
                     struct xsr_err *err)
{
    const struct timespec wait = {0, TABLE_WAIT};
    uint8_t level = xsr_page_level(sv->entry[i].type);
    struct xsr_bad_entry bad;

    for (unsigned n = 1;; n++) {
        if (sv->ops->normalise(sv, level, sv->content[i], copy, &bad)) {
            sv->content[i] = copy;
            return 0;
        }
        if (!sv->suspended) {
            defer(sv, i);
            return 0;
        }
        if (n == TABLE_TRIES || bad.superpage)
            return refuse_table(sv, i, &bad, err);
        nanosleep(&wait, NULL);
    }
}

static int normalise_tables(struct xsr_save *sv, struct xsr_err *err)
{
    uint8_t *copy = sv->copies;

    for (unsigned i = 0; i < sv->n; i++) {
        if (!sv->content[i] || !xsr_page_is_table(sv->entry[i].type))
            continue;
        if (normalise(sv, i, copy, err) < 0)
            return -1;
        copy += XSR_PAGE_SIZE;
    }
    return 0;
}

/* ---- the record ---------------------------------------------------------- */

/*
 * A pfn without a page means nothing to a receiver that never heard of it: it
 * is left out, and with it the records that would consist of nothing else,
 * such as those of the hole below 4 GiB of an HVM guest.
 */
static unsigned drop_holes(struct xsr_save *sv)
{
    unsigned n = 0;

    for (unsigned i = 0; i < sv->n; i++) {
        if (sv->entry[i].type == XSR_PT_XTAB)
            continue;
        sv->entry[n] = sv->entry[i];
        sv->content[n++] = sv->content[i];
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

static int write_record(struct xsr_save *sv, const struct xsr_pass *pass,
                        struct xsr_err *err)
{
    unsigned n = pass->fresh ? drop_holes(sv) : sv->n;
    size_t n_iov = 1; /* the writer's own comes first */

    if (!n)
        return 0;
    if (xsr_pages_put_head(&sv->out.buf, sv->entry, n, err) < 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        if (!sv->content[i])
            continue;
        n_iov = add_page(sv->iov, n_iov, sv->content[i]);
        sv->arg->n_pages++;
    }
    sv->n_records++;
    return xsr_writer_pages(&sv->out, sv->iov, n_iov, err);
}

int xsr_save_batch(struct xsr_save *sv, const struct xsr_pass *pass,
                   struct xsr_err *err)
{
    void *mapped;
    unsigned n;
    int rc;

    if (get_types(sv, err) < 0)
        return -1;
    rc = map_contents(sv, &mapped, &n, err);
    if (rc == 0)
        rc = normalise_tables(sv, err);
    if (rc == 0)
        rc = write_record(sv, pass, err);
    xsr_xen_unmap(&sv->xen, mapped, n);
    return rc;
}
