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

static int flush(struct xsr_save *sv, const struct xsr_pass *pass,
                 struct xsr_err *err)
{
    if (!sv->n)
        return 0;
    if (xsr_save_batch(sv, pass, err) < 0)
        return -1;
    sv->n_done += sv->n;
    sv->n = 0;
    /* The last report comes behind the whole pass. */
    if (sv->n_done < pass->n)
        show(sv, pass);
    return 0;
}

/* All pfns of a range, aligned. */
static int send_range(struct xsr_save *sv, const struct xsr_pass *pass,
                      struct xsr_err *err)
{
    for (uint64_t pfn = pass->first; pfn < pass->end; pfn++) {
        if (pfn % XSR_MAX_PAGE_BATCH == 0 && flush(sv, pass, err) < 0)
            return -1;
        sv->pfn[sv->n++] = pfn;
    }
    return flush(sv, pass, err);
}

static int send_set(struct xsr_save *sv, const struct xsr_pass *pass,
                    struct xsr_err *err)
{
    uint64_t pfn = xsr_dirty_next(pass->bits, pass->first, pass->end);

    while (pfn < pass->end) {
        if (sv->n == XSR_MAX_PAGE_BATCH && flush(sv, pass, err) < 0)
            return -1;
        sv->pfn[sv->n++] = pfn;
        pfn = xsr_dirty_next(pass->bits, pfn + 1, pass->end);
    }
    return flush(sv, pass, err);
}

int xsr_save_pass(struct xsr_save *sv, const struct xsr_pass *pass,
                  struct xsr_err *err)
{
    sv->n = 0;
    sv->n_done = 0;
    show(sv, pass);
    if ((pass->bits ? send_set : send_range)(sv, pass, err) < 0)
        return -1;
    if (sv->ops->check(sv, err) < 0)
        return -1;
    sv->n_done = pass->n;
    if (pass->n)
        show(sv, pass);
    return 0;
}
