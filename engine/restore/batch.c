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
 * Of a large record the first pages are mapped here, and while their contents
 * are read a second thread maps the others. A mapping lives as long as its
 * record, and is taken down while the next one is read. Keeping mappings would
 * help only the later rounds of a live image, which touch scattered pages: a
 * page of the first pass is mapped exactly once either way.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/restore/restore.h"
#include "lib/util.h"

#define MISMATCHES_SHOWN 10u
/* Bounced and direct pages alternate at worst, and the reader adds one. */
#define MAX_IOV          (2 * XSR_BOUNCE_PAGES + 1)
/* Of a record with so many pages the first ones are mapped here. */
#define SPLIT_FROM       512u
#define FIRST_PART       256u

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

static int put_bounced(struct xsr_restore *rs, unsigned n, struct xsr_err *err)
{
    bool verifying = xsr_xc3_order_verifying(&rs->order);

    if (!n)
        return 0;
    if (rs->ops->translate(rs, rs->bounced, n, err) < 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        if (verifying)
            compare(rs, &rs->bounced[i]);
        else
            memcpy(rs->bounced[i].guest, rs->bounced[i].page, XSR_PAGE_SIZE);
    }
    return 0;
}

static int need_bounce(struct xsr_restore *rs, struct xsr_err *err)
{
    if (!rs->bounce)
        rs->bounce = malloc(XSR_BOUNCE_PAGES * XSR_PAGE_SIZE);
    if (!rs->bounce)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for %u pages",
                        XSR_BOUNCE_PAGES);
    return 0;
}

/* Consecutive slots, mapped in a row. */
struct part {
    unsigned first, n; /* slots */
    uint8_t *p;
};

static uint8_t *page_of(const struct part *part, uint16_t slot)
{
    if (slot == XSR_NO_SLOT)
        return NULL;
    return part->p + (size_t)(slot - part->first) * XSR_PAGE_SIZE;
}

/*
 * Read contents from number *k on, up to a full bounce buffer or the end of
 * the part.
 */
static int read_some(struct xsr_restore *rs, unsigned *k,
                     const struct part *part, struct xsr_err *err)
{
    bool verifying = xsr_xc3_order_verifying(&rs->order);
    struct iovec iov[MAX_IOV + XSR_READER_TAIL];
    unsigned n_bounced = 0;
    size_t n_iov = 0;

    for (; *k < rs->batch.n_data && n_bounced < XSR_BOUNCE_PAGES; ++*k) {
        const struct xsr_page_entry *e =
            &rs->batch.entry[rs->content[*k].entry];
        uint16_t slot = rs->content[*k].slot;
        struct xsr_bounced b = {.pfn = e->pfn, .type = e->type};

        if (slot != XSR_NO_SLOT && slot >= part->first + part->n)
            break;
        b.guest = page_of(part, slot);
        if (!verifying && !rs->ops->is_translated(e->type)) {
            n_iov = add_page(iov, n_iov, b.guest);
            continue;
        }
        if (need_bounce(rs, err) < 0)
            return -1;
        b.page = rs->bounce + n_bounced * XSR_PAGE_SIZE;
        n_iov = add_page(iov, n_iov, b.page);
        rs->bounced[n_bounced++] = b;
    }
    if (xsr_reader_readv(&rs->rd, iov, n_iov, err) < 0)
        return -1;
    return put_bounced(rs, n_bounced, err);
}

static bool is_in(const struct xsr_restore *rs, unsigned k,
                  const struct part *part)
{
    uint16_t slot;

    if (k == rs->batch.n_data)
        return false;
    slot = rs->content[k].slot;
    return slot == XSR_NO_SLOT || slot < part->first + part->n;
}

static int read_part(struct xsr_restore *rs, unsigned *k,
                     const struct part *part, struct xsr_err *err)
{
    while (is_in(rs, *k, part))
        if (read_some(rs, k, part, err) < 0)
            return -1;
    return 0;
}

static int map_part(struct xsr_restore *rs, struct part *part, int prot,
                    struct xsr_err *err)
{
    void *p = NULL;
    int rc = 0;

    if (part->n)
        rc = xsr_xen_map(&rs->xen, rs->frames, part->n, prot, "guest memory",
                         &p, err);
    part->p = p;
    return rc;
}

/* A mapping that was begun must be ended, whatever became of the first part. */
static int end_part(struct xsr_restore *rs, struct part *part, int rc,
                    struct xsr_err *err)
{
    struct xsr_err late = XSR_ERR_INIT;
    void *p;

    if (!part->n)
        return rc;
    if (xsr_mapper_end(&rs->mapper, &p, &late) < 0 && rc == 0) {
        *err = late;
        rc = -1;
    }
    part->p = p;
    return rc;
}

static int read_contents(struct xsr_restore *rs, struct xsr_err *err)
{
    bool verifying = xsr_xc3_order_verifying(&rs->order);
    int prot = verifying ? PROT_READ : PROT_READ | PROT_WRITE;
    struct part part = {.n = list_contents(rs)}, rest = {0};
    unsigned k = 0;
    int rc;

    if (part.n >= SPLIT_FROM) {
        rest = (struct part){FIRST_PART, part.n - FIRST_PART, NULL};
        part.n = FIRST_PART;
        xsr_mapper_begin(&rs->mapper, rs->frames + rest.first, rest.n, prot);
    }
    rc = map_part(rs, &part, prot, err);
    if (rc == 0)
        rc = read_part(rs, &k, &part, err);
    rc = end_part(rs, &rest, rc, err);
    xsr_mapper_take(&rs->mapper, part.p, part.n);
    if (rc == 0)
        rc = read_part(rs, &k, &rest, err);
    xsr_mapper_take(&rs->mapper, rest.p, rest.n);
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
