/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Remus streams of which the newest whole checkpoint is wanted. The pages of
 * the first one go straight out; those of a later one wait in a temporary file
 * until its tail has been read, as it counts only then. State waits in two
 * more, the newest whole one and the one in hand. Compressed pages say what
 * has changed since they were sent before, so a fourth file, as large as the
 * guest, has every page as the sender last knew it.
 */
#include "convert/legacy_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stream/pages.h"

#define GROUP     32u           /* unpacked pages in one record */
#define ANNOUNCED (16u * 1024u) /* a sender has at most 8192 and a batch */
#define PFN_BITS  0x0fffffffull

struct xsr_lg_last {
    struct xsr_lg_out pages, state[2];
    unsigned now;     /* index into state: of the checkpoint in hand */
    int image;        /* page at pfn * 4096 */
    uint32_t head, n; /* of the queue: announced, content not seen yet */
    uint64_t queue[ANNOUNCED];
    uint32_t n_group;
    uint64_t group[GROUP];
    uint8_t page[GROUP][XSR_PAGE_SIZE];
};

int xsr_lg_last_open(struct xsr_lg *c, struct xsr_err *err)
{
    struct xsr_lg_last *l = malloc(sizeof *l);

    if (!l)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for checkpoints");
    l->now = l->head = l->n = l->n_group = 0;
    l->image = -1;
    xsr_lg_out_init(&l->pages, -1);
    c->last = l;
    for (int i = 0; i < 2; i++)
        xsr_lg_out_init(&l->state[i], -1);
    return xsr_open_temporary(&l->image, err) < 0 ||
                   xsr_open_temporary(&l->pages.fd, err) < 0 ||
                   xsr_open_temporary(&l->state[0].fd, err) < 0 ||
                   xsr_open_temporary(&l->state[1].fd, err) < 0
               ? -1
               : 0;
}

void xsr_lg_last_close(struct xsr_lg *c)
{
    struct xsr_lg_last *l = c->last;

    if (!l)
        return;
    xsr_close(&l->image);
    xsr_close(&l->pages.fd);
    xsr_close(&l->state[0].fd);
    xsr_close(&l->state[1].fd);
    free(l);
    c->last = NULL;
}

/* ---- where things go ----------------------------------------------------- */

/* Turn to a temporary file, from its beginning. */
static int begin(struct xsr_lg *c, struct xsr_lg_out *out, struct xsr_err *err)
{
    if (xsr_lg_turn_to(c, out, err) < 0)
        return -1;
    if (ftruncate(out->fd, 0) < 0 || lseek(out->fd, 0, SEEK_SET) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "emptying a temporary file");
    xsr_lg_out_init(out, out->fd);
    return 0;
}

int xsr_lg_last_body(struct xsr_lg *c, struct xsr_err *err)
{
    c->compressed = c->compress_next;
    return c->checkpoint ? begin(c, &c->last->pages, err) : 0;
}

int xsr_lg_last_tail(struct xsr_lg *c, struct xsr_err *err)
{
    return begin(c, &c->last->state[c->last->now], err);
}

int xsr_lg_last_commit(struct xsr_lg *c, struct xsr_err *err)
{
    struct xsr_lg_last *l = c->last;

    if (xsr_lg_turn_to(c, &c->main, err) < 0)
        return -1;
    l->now = !l->now;
    return c->checkpoint ? xsr_lg_put_file(c->o, l->pages.fd, l->pages.pos, err)
                         : 0;
}

int xsr_lg_last_finish(struct xsr_lg *c, struct xsr_err *err)
{
    const struct xsr_lg_out *newest = &c->last->state[!c->last->now];

    if (xsr_lg_turn_to(c, &c->main, err) < 0)
        return -1;
    return xsr_lg_put_file(c->o, newest->fd, newest->pos, err);
}

/* ---- pages --------------------------------------------------------------- */

static off_t place(uint64_t entry)
{
    return (off_t)((entry & PFN_BITS) * XSR_PAGE_SIZE);
}

static int keep_page(const struct xsr_lg_last *l, uint64_t entry,
                     const uint8_t *page, struct xsr_err *err)
{
    ssize_t r = pwrite(l->image, page, XSR_PAGE_SIZE, place(entry));

    if (r == XSR_PAGE_SIZE)
        return 0;
    return xsr_fail_sys(err, XSR_E_IO, r < 0 ? errno : ENOSPC,
                        "writing a temporary file (TMPDIR says where)");
}

static int plain_batch(struct xsr_lg *c, struct xsr_err *err)
{
    const struct xsr_lg_batch *b = &c->batch;
    const uint8_t *p;

    if (xsr_lg_put_batch(c, err) < 0)
        return -1;
    for (uint32_t i = 0; i < b->count; i++)
        if (xsr_page_has_data((uint8_t)(b->entry[i] >> 60)) &&
            (xsr_lg_take(&c->in, XSR_PAGE_SIZE, "the pages of a batch", &p,
                         err) < 0 ||
             keep_page(c->last, b->entry[i], p, err) < 0 ||
             xsr_lg_put(c->o, p, XSR_PAGE_SIZE, err) < 0))
            return -1;
    return 0;
}

int xsr_lg_last_batch(struct xsr_lg *c, struct xsr_err *err)
{
    struct xsr_lg_last *l = c->last;
    struct xsr_lg_batch *b = &c->batch;
    uint32_t kept = 0;

    if (!c->compressed)
        return plain_batch(c, err);
    if (b->n_data > ANNOUNCED - l->n) {
        xsr_fail(err, XSR_E_LIMIT,
                 "found more than %u pages announced without their content",
                 ANNOUNCED);
        return xsr_err_at(err, c->in.pos);
    }
    for (uint32_t i = 0; i < b->count; i++) {
        if (xsr_page_has_data((uint8_t)(b->entry[i] >> 60)))
            l->queue[(l->head + l->n++) % ANNOUNCED] = b->entry[i];
        else
            b->entry[kept++] = b->entry[i];
    }
    b->count = kept;
    b->n_data = 0;
    return kept ? xsr_lg_put_batch(c, err) : 0;
}

static int put_group(struct xsr_lg *c, struct xsr_err *err)
{
    struct xsr_lg_last *l = c->last;
    uint32_t n = l->n_group;

    if (n == 0)
        return 0;
    c->batch.count = c->batch.n_data = n;
    memcpy(c->batch.entry, l->group, n * sizeof l->group[0]);
    l->n_group = 0;
    if (xsr_lg_put_batch(c, err) < 0)
        return -1;
    return xsr_lg_put(c->o, l->page, (size_t)n * XSR_PAGE_SIZE, err);
}

/* Two changes of one page may not meet in a record. */
static bool in_group(const struct xsr_lg_last *l, uint64_t entry)
{
    for (uint32_t i = 0; i < l->n_group; i++)
        if ((l->group[i] & PFN_BITS) == (entry & PFN_BITS))
            return true;
    return false;
}

static int unpack_one(struct xsr_lg *c, size_t n, size_t *used_out,
                      struct xsr_err *err)
{
    struct xsr_lg_last *l = c->last;
    uint64_t entry = l->queue[l->head];
    const uint8_t *p;
    uint8_t *page;
    ssize_t r;

    if ((l->n_group == GROUP || in_group(l, entry)) && put_group(c, err) < 0)
        return -1;
    page = l->page[l->n_group];
    r = pread(l->image, page, XSR_PAGE_SIZE, place(entry));
    if (r < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "reading a temporary file");
    memset(page + r, 0, XSR_PAGE_SIZE - (size_t)r); /* never sent before */
    if (xsr_lg_need(&c->in, n, "compressed data", &p, err) < 0)
        return -1;
    if (xsr_lg_unpack_page(p, n, page, used_out, err) < 0)
        return xsr_err_at(err, c->in.pos);
    l->group[l->n_group++] = entry;
    l->head = (l->head + 1) % ANNOUNCED;
    l->n--;
    return keep_page(l, entry, page, err);
}

int xsr_lg_last_unpack(struct xsr_lg *c, uint64_t len, struct xsr_err *err)
{
    struct xsr_lg_last *l = c->last;
    const uint8_t *p;
    size_t used;

    while (len) {
        if (l->n == 0) {
            xsr_fail(err, XSR_E_FORMAT,
                     "compressed data: found %llu bytes more than the pages "
                     "that were announced need",
                     (unsigned long long)len);
            return xsr_err_at(err, c->in.pos);
        }
        if (unpack_one(c, xsr_min(len, XSR_LG_MAX_PACKED), &used, err) < 0 ||
            xsr_lg_take(&c->in, used, "compressed data", &p, err) < 0)
            return -1;
        len -= used;
    }
    return put_group(c, err);
}

int xsr_lg_last_check(struct xsr_lg *c, struct xsr_err *err)
{
    if (c->last->n == 0)
        return 0;
    xsr_fail(err, XSR_E_FORMAT,
             "checkpoint %u: the body ended without the content of %u pages "
             "that it announced",
             c->checkpoint + 1, c->last->n);
    return xsr_err_at(err, c->in.pos);
}
