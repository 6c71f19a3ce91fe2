/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr inspect --memory`: the guest's memory as the image leaves it. While
 * the walk goes on, 24 bytes per page are kept: pfn and where its content is,
 * in the input if that is a plain file, else in an unlinked spool file. When
 * the image turned out whole, the index is sorted, the last content of every
 * pfn wins, and the pages are written. Nothing is written for a damaged image.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stream/blobs.h"
#include "tools/inspect/report.h"

#define RUN_PAGES 256u /* read at once when they lie in a row */

struct page {
    uint64_t pfn, seq; /* seq: order in the image */
    uint64_t at;       /* file position, or ALL_ZERO */
};
#define ALL_ZERO UINT64_MAX

struct memory {
    struct insp_src *src;
    struct page *page;
    size_t n, cap;
    size_t n_whole; /* of n: up to the last CHECKPOINT */
    bool sorted;    /* as it came: pfns ascend strictly */
    int spool;      /* -1: content stays in the input */
    uint64_t spool_len;
    struct xsr_buf owned; /* pfns that --skip-owned leaves out, u64 each */
    uint64_t start_info;  /* pfn, UINT64_MAX unless PV */
    uint8_t width;
};

/* ---- while the walk goes on ---------------------------------------------- */

static int add_page(struct memory *m, uint64_t pfn, uint64_t at,
                    struct xsr_err *err)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 4096;
        struct page *page = realloc(m->page, cap * sizeof *page);

        if (!page)
            return xsr_fail(err, XSR_E_NOMEM, "no memory for %zu pages", cap);
        m->page = page;
        m->cap = cap;
    }
    if (m->n && m->page[m->n - 1].pfn >= pfn)
        m->sorted = false;
    m->page[m->n] = (struct page){pfn, m->n, at};
    m->n++;
    return 0;
}

/* Take one page off the source; into the spool unless it is all zero. */
static int take_page(struct memory *m, struct xsr_buf *buf, uint64_t offset,
                     uint64_t *at_out, struct xsr_err *err)
{
    const uint8_t *p;
    size_t got;

    xsr_buf_clear(buf);
    if (insp_src_some(m->src, XSR_PAGE_SIZE, &p, &got, "PAGE_DATA", err))
        return -1;
    if (got < XSR_PAGE_SIZE) { /* torn by the read-ahead buffer */
        if (xsr_buf_put(buf, p, got, err) ||
            insp_src_take(m->src, buf, XSR_PAGE_SIZE - got, "PAGE_DATA", err))
            return -1;
        p = buf->p;
    }
    *at_out = m->src->in.start + offset;
    if (xsr_all_zero(p, XSR_PAGE_SIZE)) {
        *at_out = ALL_ZERO;
    } else if (m->spool >= 0) {
        *at_out = m->spool_len;
        m->spool_len += XSR_PAGE_SIZE;
        return xsr_write_all(m->spool, p, XSR_PAGE_SIZE, "temporary file", err);
    }
    return 0;
}

static int on_pages(void *ctx, const struct insp *w,
                    const struct xsr_page_batch *batch, uint64_t offset,
                    struct xsr_err *err)
{
    struct xsr_buf torn = XSR_BUF_INIT;
    struct memory *m = ctx;
    uint64_t at;
    int rc = 0;

    /* Behind VERIFY a receiver compares, it does not write. */
    if (w->verifying)
        return insp_src_skip(m->src, (uint64_t)batch->n_data * XSR_PAGE_SIZE,
                             "PAGE_DATA", err);
    for (uint32_t i = 0; i < batch->count && !rc; i++) {
        if (!xsr_page_has_data(batch->entry[i].type))
            continue;
        rc = take_page(m, &torn, offset, &at, err);
        if (!rc)
            rc = add_page(m, batch->entry[i].pfn, at, err);
        offset += XSR_PAGE_SIZE;
    }
    xsr_buf_fini(&torn);
    return rc;
}

static int own_params(struct memory *m, const struct insp_row *row,
                      struct xsr_err *err)
{
    struct xsr_hvm_param p[XSR_MAX_HVM_PARAMS];
    struct xsr_cur cur;
    uint32_t n;

    xsr_cur_init(&cur, row->body, row->body_len, row->offset);
    if (xsr_blob_get_hvm_params(&cur, p, &n, err))
        return -1;
    for (uint32_t i = 0; i < n; i++)
        if ((p[i].index == 1 || p[i].index == 5 || p[i].index == 6 ||
             p[i].index == 17) &&
            xsr_buf_put_u64(&m->owned, p[i].value, err))
            return -1;
    return 0;
}

static int own_p2m(struct memory *m, uint8_t width, const struct insp_row *row,
                   struct xsr_err *err)
{
    struct xsr_p2m_frames f;
    struct xsr_cur cur;

    xsr_cur_init(&cur, row->body, row->body_len, row->offset);
    if (xsr_blob_get_p2m_frames(&cur, width, false, &f, err))
        return -1;
    for (uint32_t i = 0; i < f.n_frames; i++)
        if (xsr_buf_put_u64(&m->owned, xsr_le64(f.frames + 8 * (size_t)i), err))
            return -1;
    return 0;
}

static int own_start_info(struct memory *m, uint8_t width,
                          const struct insp_row *row, struct xsr_err *err)
{
    struct xsr_vcpu_blob v;
    struct xsr_cur cur;

    xsr_cur_init(&cur, row->body, row->body_len, row->offset);
    if (xsr_blob_get_vcpu(&cur, row->type, width, &v, err))
        return -1;
    if (v.vcpu_id == 0 && v.len) {
        m->start_info =
            width == 8 ? xsr_le64(v.blob + 616) : xsr_le32(v.blob + 524);
        m->width = width;
    }
    return 0;
}

static int on_row(void *ctx, const struct insp *w, const struct insp_row *row,
                  struct xsr_err *err)
{
    struct memory *m = ctx;

    if (row->layer != INSP_LIBXC || row->bad.kind != XSR_E_OK)
        return 0;
    switch (row->type) {
    case XSR_XC3_CHECKPOINT:
        m->n_whole = m->n;
        return 0;
    case XSR_XC3_HVM_PARAMS:
        return own_params(ctx, row, err);
    case XSR_XC3_X86_PV_P2M_FRAMES:
        return own_p2m(ctx, w->width, row, err);
    case XSR_XC3_X86_PV_VCPU_BASIC:
        return own_start_info(ctx, w->width, row, err);
    default:
        return 0;
    }
}

/* ---- afterwards ---------------------------------------------------------- */

static int by_pfn_and_age(const void *a, const void *b)
{
    const struct page *x = a, *y = b;

    if (x->pfn != y->pfn)
        return x->pfn < y->pfn ? -1 : 1;
    return x->seq < y->seq ? -1 : 1;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = xsr_le64(a), y = xsr_le64(b);

    return x < y ? -1 : x > y;
}

/* Sort, keep the last content of every pfn, drop zero pages last. */
static void settle(struct memory *m)
{
    size_t kept = 0;

    if (!m->sorted)
        qsort(m->page, m->n, sizeof *m->page, by_pfn_and_age);
    for (size_t i = 0; i < m->n; i++)
        if ((i + 1 == m->n || m->page[i + 1].pfn != m->page[i].pfn) &&
            m->page[i].at != ALL_ZERO)
            m->page[kept++] = m->page[i];
    m->n = kept;
}

static int read_at(const struct memory *m, void *p, size_t n, uint64_t at,
                   struct xsr_err *err)
{
    int fd = m->spool >= 0 ? m->spool : m->src->in.fd;
    uint8_t *to = p;

    while (n) {
        ssize_t r = pread(fd, to, n, (off_t)at);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno, "reading pages again");
        if (r == 0)
            return xsr_fail(err, XSR_E_IO,
                            "the input became shorter while it was read");
        to += r;
        n -= (size_t)r;
        at += (uint64_t)r;
    }
    return 0;
}

static const struct page *find_page(const struct memory *m, uint64_t pfn)
{
    size_t low = 0, high = m->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (m->page[mid].pfn < pfn)
            low = mid + 1;
        else
            high = mid;
    }
    return low < m->n && m->page[low].pfn == pfn ? &m->page[low] : NULL;
}

/* PV: start_info itself, and the two pages that it names. */
static int own_rings(struct memory *m, struct xsr_err *err)
{
    const struct page *page = find_page(m, m->start_info);
    uint8_t info[XSR_PAGE_SIZE];
    bool wide = m->width == 8;

    if (m->start_info == UINT64_MAX || !page)
        return 0;
    if (read_at(m, info, sizeof info, page->at, err) ||
        xsr_buf_put_u64(&m->owned, m->start_info, err) ||
        xsr_buf_put_u64(&m->owned,
                        wide ? xsr_le64(info + 56) : xsr_le32(info + 44), err))
        return -1;
    return xsr_buf_put_u64(
        &m->owned, wide ? xsr_le64(info + 72) : xsr_le32(info + 52), err);
}

static void drop_owned(struct memory *m)
{
    size_t kept = 0, n = m->owned.len / 8, next = 0;

    if (!n)
        return;
    qsort(m->owned.p, n, 8, by_value);
    for (size_t i = 0; i < m->n; i++) {
        while (next < n && xsr_le64(m->owned.p + 8 * next) < m->page[i].pfn)
            next++;
        if (next == n || xsr_le64(m->owned.p + 8 * next) != m->page[i].pfn)
            m->page[kept++] = m->page[i];
    }
    m->n = kept;
}

/* Pages whose contents lie in a row are read with one call. */
static int write_run(const struct memory *m, const struct page *first, size_t n,
                     uint8_t *mem, struct xsr_err *err)
{
    struct iovec iov[2 * RUN_PAGES];
    uint8_t pfns[8 * RUN_PAGES];

    if (read_at(m, mem, n * XSR_PAGE_SIZE, first->at, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        xsr_st_le64(pfns + 8 * i, first[i].pfn);
        iov[2 * i] = (struct iovec){pfns + 8 * i, 8};
        iov[2 * i + 1] = (struct iovec){mem + i * XSR_PAGE_SIZE, XSR_PAGE_SIZE};
    }
    return xsr_writev_all(1, iov, 2 * n, "standard output", err);
}

static int write_pages(const struct memory *m, struct xsr_err *err)
{
    xsr_auto_free uint8_t *mem = malloc(RUN_PAGES * XSR_PAGE_SIZE);
    size_t run;

    if (!mem)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to copy pages");
    for (size_t i = 0; i < m->n; i += run) {
        for (run = 1; run < RUN_PAGES && i + run < m->n; run++)
            if (m->page[i + run].at != m->page[i].at + run * XSR_PAGE_SIZE)
                break;
        if (write_run(m, &m->page[i], run, mem, err))
            return -1;
    }
    return 0;
}

/* What is whole of a damaged image; of one with checkpoints, up to the last
 * of them. */
static int salvage(struct memory *m, const struct insp *w,
                   const struct xsr_err *err)
{
    if (err->kind == XSR_E_IO || err->kind == XSR_E_NOMEM)
        return -1;
    if (w->checkpointed && !w->done)
        m->n = m->n_whole;
    return 0;
}

int insp_memory(struct insp_src *src, const struct insp_options *o,
                struct xsr_err *err)
{
    static const struct insp_listener listener = {on_row, on_pages, NULL};
    struct memory m = {.src = src,
                       .sorted = true,
                       .spool = -1,
                       .owned = XSR_BUF_INIT,
                       .start_info = UINT64_MAX};
    struct xsr_err later = XSR_ERR_INIT;
    struct insp w;
    int rc = -1;

    insp_init(&w, src);
    w.salvage = o->salvage;
    if (!src->in.seekable && insp_open_temporary(&m.spool, err))
        goto out;
    rc = insp_walk(&w, &listener, &m, err);
    if (!rc)
        rc = insp_check_trailing(&w, err);
    if (rc && (!o->salvage || salvage(&m, &w, err)))
        goto out;
    settle(&m);
    if (o->skip_owned && !own_rings(&m, &later))
        drop_owned(&m);
    if (later.kind != XSR_E_OK || write_pages(&m, &later)) {
        *err = later;
        rc = -1;
    }
    if (!rc && w.trailing)
        fprintf(stderr, "xensr: warning: %llu bytes follow behind END\n",
                (unsigned long long)w.trailing);
out:
    insp_fini(&w);
    xsr_close(&m.spool);
    xsr_buf_fini(&m.owned);
    free(m.page);
    return rc;
}
