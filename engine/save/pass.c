/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One walk over the guest's pages in ascending order, in batches of at most
 * 1024. Where all pages are sent, batches begin at multiples of 1024: a
 * receiver can make 2 MiB pages of that.
 */
#include "engine/save/save.h"
#include "lib/loop.h"
#include "lib/util.h"

#define SHOW_EVERY_MS 200u

/*
 * Several times a second is enough for a reader, and each report is a message
 * to the toolstack. The first (0) and the last are always sent.
 */
static void show(struct xsr_save *sv, const struct xsr_pass *pass)
{
    uint64_t now = xsr_now_ms(), done = xsr_min(sv->n_done, pass->n);

    if (done && done < pass->n && now - sv->shown_ms < SHOW_EVERY_MS)
        return;
    sv->shown_ms = now;
    xsr_progress(sv->log, pass->label, done, pass->n);
}

/* The last report comes behind the whole pass. */
static void count(struct xsr_save *sv, const struct xsr_pass *pass,
                  unsigned done)
{
    sv->n_done += done;
    if (done && sv->n_done < pass->n)
        show(sv, pass);
}

/* The batch in b, if there is one, is complete; b becomes the next, empty. */
static int flush(struct xsr_save *sv, const struct xsr_pass *pass,
                 struct xsr_save_batch **b, struct xsr_err *err)
{
    unsigned done;

    if (!(*b)->n)
        return 0;
    if (xsr_save_ahead_submit(sv, pass, &done, err) < 0)
        return -1;
    count(sv, pass, done);
    *b = xsr_save_ahead_batch(sv);
    return 0;
}

/* All pfns of a range, aligned. */
static int send_range(struct xsr_save *sv, const struct xsr_pass *pass,
                      struct xsr_err *err)
{
    struct xsr_save_batch *b = xsr_save_ahead_batch(sv);

    for (uint64_t pfn = pass->first; pfn < pass->end; pfn++) {
        if (pfn % XSR_MAX_PAGE_BATCH == 0 && flush(sv, pass, &b, err) < 0)
            return -1;
        b->pfn[b->n++] = pfn;
    }
    return flush(sv, pass, &b, err);
}

static int send_set(struct xsr_save *sv, const struct xsr_pass *pass,
                    struct xsr_err *err)
{
    uint64_t pfn = xsr_dirty_next(pass->bits, pass->first, pass->end);
    struct xsr_save_batch *b = xsr_save_ahead_batch(sv);

    while (pfn < pass->end) {
        if (b->n == XSR_MAX_PAGE_BATCH && flush(sv, pass, &b, err) < 0)
            return -1;
        b->pfn[b->n++] = pfn;
        pfn = xsr_dirty_next(pass->bits, pfn + 1, pass->end);
    }
    return flush(sv, pass, &b, err);
}

/* What was submitted and not yet written. */
static int send_last(struct xsr_save *sv, const struct xsr_pass *pass,
                     struct xsr_err *err)
{
    unsigned done;

    do {
        if (xsr_save_ahead_write(sv, pass, &done, err) < 0)
            return -1;
        count(sv, pass, done);
    } while (done);
    return 0;
}

int xsr_save_pass(struct xsr_save *sv, const struct xsr_pass *pass,
                  struct xsr_err *err)
{
    sv->n_done = 0;
    show(sv, pass);
    if ((pass->bits ? send_set : send_range)(sv, pass, err) < 0 ||
        send_last(sv, pass, err) < 0)
        return -1;
    if (sv->ops->check(sv, err) < 0)
        return -1;
    sv->n_done = pass->n;
    if (pass->n)
        show(sv, pass);
    return 0;
}
