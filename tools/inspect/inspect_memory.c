/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr inspect --memory`: the guest's memory as the image leaves it. While
 * the walk goes on, the index of pages takes where the content of each is: in
 * the input if that is a plain file, else in a file without a name. When the
 * image turned out whole, the last content of every page is read again and
 * written, in the order of their numbers. Nothing is written for a damaged
 * image, unless --salvage asks for what is whole of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stream/blobs.h"
#include "tools/inspect/pages.h"
#include "tools/inspect/report.h"

#define RUN_PAGES 256u /* read at once when they lie in a row */

struct page {
    uint64_t pfn, at; /* at: position in the file */
};

struct memory {
    struct insp_src *src;
    struct insp_index *index; /* instead of a digest: where the content is */
    int spool;                /* -1: content stays in the input */
    uint64_t spool_len;
    uint64_t offset;      /* of the next page's content in the input */
    struct xsr_buf owned; /* pfns that --skip-owned leaves out, u64 each */
    uint64_t start_info;  /* pfn, UINT64_MAX unless PV */
    uint8_t width;
};

/* ---- while the walk goes on ---------------------------------------------- */

static int on_page(void *ctx, const struct xsr_page_entry *entry,
                   const uint8_t *content, bool zero, struct xsr_err *err)
{
    struct memory *m = ctx;
    struct insp_page page = {.pfn = entry->pfn,
                             .type = entry->type,
                             .zero = zero,
                             .hash = m->src->in.start + m->offset};

    if (!content)
        return 0;
    m->offset += XSR_PAGE_SIZE;
    if (m->spool >= 0 && !zero) {
        page.hash = m->spool_len;
        m->spool_len += XSR_PAGE_SIZE;
        if (xsr_write_all(m->spool, content, XSR_PAGE_SIZE, "temporary file",
                          err))
            return -1;
    }
    return insp_index_add(m->index, &page, err);
}

static int on_pages(void *ctx, const struct insp *w,
                    const struct xsr_page_batch *batch, uint64_t offset,
                    struct xsr_err *err)
{
    struct memory *m = ctx;

    /* Behind VERIFY a receiver compares, it does not write. */
    if (w->verifying)
        return insp_src_skip(m->src, (uint64_t)batch->n_data * XSR_PAGE_SIZE,
                             "PAGE_DATA", err);
    m->offset = offset;
    return insp_each_page(m->src, batch, on_page, m, err);
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
        insp_index_commit(m->index);
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

static int by_value(const void *a, const void *b)
{
    uint64_t x = xsr_le64(a), y = xsr_le64(b);

    return x < y ? -1 : x > y;
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

/* 1: page is the one of that number, and not all zero; 0: there is none. */
static int find_page(const struct memory *m, uint64_t pfn,
                     struct insp_page *page, struct xsr_err *err)
{
    int more;

    while ((more = insp_index_next(m->index, page, err)) > 0)
        if (page->pfn >= pfn)
            break;
    if (more < 0 || insp_index_rewind(m->index, err))
        return -1;
    return more && page->pfn == pfn && !page->zero;
}

/* PV: start_info itself, and the two pages that it names. */
static int own_rings(struct memory *m, struct xsr_err *err)
{
    uint8_t info[XSR_PAGE_SIZE];
    bool wide = m->width == 8;
    struct insp_page page;
    int found;

    if (m->start_info == UINT64_MAX)
        return 0;
    found = find_page(m, m->start_info, &page, err);
    if (found <= 0)
        return found;
    if (read_at(m, info, sizeof info, page.hash, err) ||
        xsr_buf_put_u64(&m->owned, m->start_info, err) ||
        xsr_buf_put_u64(&m->owned,
                        wide ? xsr_le64(info + 56) : xsr_le32(info + 44), err))
        return -1;
    return xsr_buf_put_u64(
        &m->owned, wide ? xsr_le64(info + 72) : xsr_le32(info + 52), err);
}

/* Pages whose contents lie in a row are read with one call. */
static int write_run(const struct memory *m, const struct page *first, size_t n,
                     uint8_t *mem, struct xsr_err *err)
{
    struct iovec iov[2 * RUN_PAGES];
    uint8_t pfns[8 * RUN_PAGES];

    if (!n)
        return 0;
    if (read_at(m, mem, n * XSR_PAGE_SIZE, first->at, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        xsr_st_le64(pfns + 8 * i, first[i].pfn);
        iov[2 * i] = (struct iovec){pfns + 8 * i, 8};
        iov[2 * i + 1] = (struct iovec){mem + i * XSR_PAGE_SIZE, XSR_PAGE_SIZE};
    }
    return xsr_writev_all(1, iov, 2 * n, "standard output", err);
}

/* Of the owned ones, sorted, *next is the first that can still come. */
static bool is_owned(const struct memory *m, uint64_t pfn, size_t *next)
{
    size_t n = m->owned.len / 8;

    while (*next < n && xsr_le64(m->owned.p + 8 * *next) < pfn)
        ++*next;
    return *next < n && xsr_le64(m->owned.p + 8 * *next) == pfn;
}

static int write_pages(const struct memory *m, bool skip_owned,
                       struct xsr_err *err)
{
    xsr_auto_free uint8_t *mem = malloc(RUN_PAGES * XSR_PAGE_SIZE);
    struct page run[RUN_PAGES];
    struct insp_page page;
    size_t n = 0, next = 0;
    int more;

    if (!mem)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to copy pages");
    while ((more = insp_index_next(m->index, &page, err)) > 0) {
        if (page.zero || (skip_owned && is_owned(m, page.pfn, &next)))
            continue;
        if (n == RUN_PAGES ||
            (n && page.hash != run[n - 1].at + XSR_PAGE_SIZE)) {
            if (write_run(m, run, n, mem, err))
                return -1;
            n = 0;
        }
        run[n++] = (struct page){page.pfn, page.hash};
    }
    return more < 0 ? -1 : write_run(m, run, n, mem, err);
}

static int write_memory(struct memory *m, const struct insp *w, bool skip_owned,
                        struct xsr_err *err)
{
    if (w->checkpointed && !w->done)
        insp_index_drop(m->index);
    if (insp_index_sort(m->index, err) || (skip_owned && own_rings(m, err)))
        return -1;
    if (m->owned.len)
        qsort(m->owned.p, m->owned.len / 8, 8, by_value);
    return write_pages(m, skip_owned, err);
}

static int extract(struct memory *m, struct insp *w,
                   const struct insp_options *o, struct xsr_err *err)
{
    static const struct insp_listener listener = {on_row, on_pages, NULL};
    struct xsr_err later = XSR_ERR_INIT;
    int rc = insp_walk(w, &listener, m, err);

    if (!rc)
        rc = insp_check_trailing(w, err);
    if (rc && (!o->salvage || !insp_is_damage(err)))
        return rc;
    if (write_memory(m, w, o->skip_owned, &later)) {
        *err = later;
        return -1;
    }
    if (!rc && w->trailing)
        fprintf(stderr, "xensr: warning: %llu bytes follow behind END\n",
                (unsigned long long)w->trailing);
    return rc;
}

int insp_memory(struct insp_src *src, const struct insp_options *o,
                struct xsr_err *err)
{
    struct memory m = {.src = src,
                       .index = insp_index_new(err),
                       .spool = -1,
                       .owned = XSR_BUF_INIT,
                       .start_info = UINT64_MAX};
    struct insp w;
    int rc = -1;

    insp_init(&w, src);
    w.salvage = o->salvage;
    if (m.index && (src->in.seekable || !xsr_open_temporary(&m.spool, err)))
        rc = extract(&m, &w, o, err);
    insp_fini(&w);
    xsr_close(&m.spool);
    xsr_buf_fini(&m.owned);
    insp_index_free(m.index);
    return rc;
}
