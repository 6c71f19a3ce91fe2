/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One PAGE_DATA record, the hot path of a restore.
 *
 * Count and entries are read and judged, missing pages populated, the pages
 * with content mapped in one call, and then the contents are read from the
 * stream straight into those frames. Two kinds of content take a detour
 * through a bounce buffer of 64 pages: PV page tables, whose entries change on
 * the way, and everything behind VERIFY, which is compared and not written.
 *
 * A mapping is used for its record only. Keeping it in use would help only the
 * later rounds of a live image, which touch scattered pages: a page of the
 * first pass is mapped exactly once either way. And no second thread maps
 * ahead: with it every change of a mapping interrupts the other processor,
 * which costs more than there is to gain.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/restore/restore.h"
#include "lib/util.h"

#define MISMATCHES_SHOWN 10u
/* Bounced and direct pages alternate at worst, and the reader adds one. */
#define MAX_IOV          XSR_LOADER_IOV

static int read_entries(struct xsr_restore *rs, struct xsr_err *err)
{
    uint8_t raw[8 * XSR_MAX_PAGE_BATCH];
    struct xsr_page_rules rules;
    struct xsr_cur cur;
    uint32_t count;
    uint64_t at = rs->rd.pos;

    if (xsr_reader_read(&rs->rd, raw, 8, err) < 0)
        return -1;
    xsr_cur_init(&cur, raw, 8, at);
    if (xsr_pages_get_count(&cur, rs->rd.rec.len, &count, err) < 0)
        return -1;
    at = rs->rd.pos;
    if (xsr_reader_read(&rs->rd, raw, 8ull * count, err) < 0)
        return -1;
    xsr_cur_init(&cur, raw, 8ull * count, at);
    rs->ops->get_rules(rs, &rules);
    return xsr_pages_get_entries(&cur, rs->rd.rec.len, count, &rules,
                                 &rs->batch, err);
}

static int populate(struct xsr_restore *rs, struct xsr_err *err)
{
    const struct xsr_page_batch *b = &rs->batch;

    for (uint32_t i = 0; i < b->count; i++)
        if (xsr_page_populates(b->entry[i].type) &&
            xsr_memory_want(&rs->mem, b->entry[i].pfn, err) < 0)
            return -1;
    return xsr_memory_flush(&rs->mem, err);
}

/*
 * List the contents to come and the frames to map for them. Behind VERIFY a
 * pfn may be new: it has no frame, its content will be dropped.
 */
static unsigned list_contents(struct xsr_restore *rs)
{
    const struct xsr_page_batch *b = &rs->batch;
    unsigned n_frames = 0, k = 0;

    for (uint32_t i = 0; i < b->count; i++) {
        if (!xsr_page_has_data(b->entry[i].type))
            continue;
        rs->content[k].entry = (uint16_t)i;
        rs->content[k].slot = XSR_NO_SLOT;
        if (xsr_memory_has(&rs->mem, b->entry[i].pfn)) {
            rs->content[k].slot = (uint16_t)n_frames;
            rs->frames[n_frames++] = rs->ops->frame_of(rs, b->entry[i].pfn);
        }
        k++;
    }
    return n_frames;
}

/* Append to an iovec; neighbours become one element. */
static size_t add_page(struct iovec *iov, size_t n, uint8_t *page)
{
    if (n && (uint8_t *)iov[n - 1].iov_base + iov[n - 1].iov_len == page) {
        iov[n - 1].iov_len += XSR_PAGE_SIZE;
        return n;
    }
    iov[n] = (struct iovec){page, XSR_PAGE_SIZE};
    return n + 1;
}

static void compare(struct xsr_restore *rs, const struct xsr_bounced *b)
{
    if (b->guest && !memcmp(b->page, b->guest, XSR_PAGE_SIZE))
        return;
    if (rs->n_mismatches++ >= MISMATCHES_SHOWN)
        return;
    xsr_log(rs->log, XSR_LOG_WARN, "verify: pfn 0x%llx (%s) %s",
            (unsigned long long)b->pfn, xsr_page_type_name(b->type),
            b->guest ? "differs from what was restored before"
                     : "was not in the image before");
}

/* Pages of the record in hand, mapped here or, for all to use, by a child. */
struct target {
    uint8_t *mapped;
    bool loading; /* that is a child's window */
};

static int put_bounced(struct xsr_restore *rs, const struct target *to,
                       unsigned n, struct xsr_err *err)
{
    bool verifying = xsr_xc3_order_verifying(&rs->order);

    if (!n)
        return 0;
    if (rs->ops->translate(rs, rs->bounced, n, err) < 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        if (verifying)
            compare(rs, &rs->bounced[i]);
        else if (to->loading)
            xsr_loader_copy(&rs->loader, rs->bounced[i].page,
                            rs->bounced[i].guest);
        else
            memcpy(rs->bounced[i].guest, rs->bounced[i].page, XSR_PAGE_SIZE);
    }
    return 0;
}

static uint8_t *need_bounce(struct xsr_restore *rs, const struct target *to,
                            struct xsr_err *err)
{
    if (to->loading)
        return rs->loader.bounce;
    if (!rs->bounce)
        rs->bounce = malloc(XSR_BOUNCE_PAGES * XSR_PAGE_SIZE);
    if (!rs->bounce)
        xsr_fail(err, XSR_E_NOMEM, "no memory for %u pages", XSR_BOUNCE_PAGES);
    return rs->bounce;
}

static int read_pages(struct xsr_restore *rs, const struct target *to,
                      struct iovec *iov, size_t n_iov, struct xsr_err *err)
{
    size_t n = 0;

    if (!to->loading)
        return xsr_reader_readv(&rs->rd, iov, n_iov, err);
    for (size_t i = 0; i < n_iov; i++)
        n += iov[i].iov_len;
    return xsr_reader_was_read(
        &rs->rd, n, xsr_loader_readv(&rs->loader, iov, n_iov, err), err);
}

/*
 * Read contents from number *k on, up to a full bounce buffer or the end.
 */
static int read_some(struct xsr_restore *rs, unsigned *k,
                     const struct target *to, struct xsr_err *err)
{
    bool verifying = xsr_xc3_order_verifying(&rs->order);
    struct iovec iov[MAX_IOV + XSR_READER_TAIL];
    uint8_t *bounce = NULL;
    unsigned n_bounced = 0;
    size_t n_iov = 0;

    for (; *k < rs->batch.n_data && n_bounced < XSR_BOUNCE_PAGES; ++*k) {
        const struct xsr_page_entry *e =
            &rs->batch.entry[rs->content[*k].entry];
        uint16_t slot = rs->content[*k].slot;
        struct xsr_bounced b = {.pfn = e->pfn, .type = e->type};

        if (slot != XSR_NO_SLOT)
            b.guest = to->mapped + (size_t)slot * XSR_PAGE_SIZE;
        if (!verifying && !rs->ops->is_translated(e->type)) {
            n_iov = add_page(iov, n_iov, b.guest);
            continue;
        }
        bounce = bounce ? bounce : need_bounce(rs, to, err);
        if (!bounce)
            return -1;
        b.page = bounce + n_bounced * XSR_PAGE_SIZE;
        n_iov = add_page(iov, n_iov, b.page);
        rs->bounced[n_bounced++] = b;
    }
    if (read_pages(rs, to, iov, n_iov, err) < 0)
        return -1;
    return put_bounced(rs, to, n_bounced, err);
}

static int map_target(struct xsr_restore *rs, unsigned n, struct target *to,
                      struct xsr_err *err)
{
    bool verifying = xsr_xc3_order_verifying(&rs->order);
    int prot = verifying ? PROT_READ : PROT_READ | PROT_WRITE;
    bool loads = !verifying && !rs->rd.kept;
    void *p;

    if (!n)
        return 0;
    if (loads && xsr_loader_is_on(&rs->loader) &&
        xsr_loader_map(&rs->loader, rs->frames, n, err) < 0)
        return -1;
    if (loads && xsr_loader_is_on(&rs->loader)) {
        *to = (struct target){rs->loader.window, true};
        return 0;
    }
    if (xsr_xen_map(&rs->xen, rs->frames, n, prot, "guest memory", &p, err) < 0)
        return -1;
    to->mapped = p;
    return 0;
}

static int read_contents(struct xsr_restore *rs, struct xsr_err *err)
{
    unsigned n = list_contents(rs), k = 0;
    struct target to = {NULL, false};
    int rc = map_target(rs, n, &to, err);

    while (rc == 0 && k < rs->batch.n_data)
        rc = read_some(rs, &k, &to, err);
    if (!to.loading)
        xsr_keep_take(&rs->keep, to.mapped, n);
    return rc;
}

static void show(struct xsr_restore *rs)
{
    const struct xsr_page_batch *b = &rs->batch;
    uint64_t total = rs->ops->n_expected(rs);
    uint64_t done = xsr_min(rs->mem.populated.n_members, total);
    unsigned percent = total ? (unsigned)(done * 100 / total) : 0;
    uint64_t low = b->entry[0].pfn, high = low;

    for (uint32_t i = 1; i < b->count; i++) {
        low = xsr_min(low, b->entry[i].pfn);
        high = xsr_max(high, b->entry[i].pfn);
    }
    xsr_restore_note(rs, "%u pfns 0x%llx-0x%llx (%u with content)", b->count,
                     (unsigned long long)low, (unsigned long long)high,
                     b->n_data);
    if (percent == rs->percent)
        return;
    rs->percent = percent;
    xsr_progress(rs->log, "Pages", done, total);
}

int xsr_batch_restore(struct xsr_restore *rs, struct xsr_err *err)
{
    if (read_entries(rs, err) < 0)
        return -1;
    if (!xsr_xc3_order_verifying(&rs->order)) {
        if (populate(rs, err) < 0)
            return -1;
        rs->ops->note_types(rs, &rs->batch);
        rs->arg->n_pages += rs->batch.n_data;
    }
    if (read_contents(rs, err) < 0)
        return -1;
    show(rs);
    return 0;
}
