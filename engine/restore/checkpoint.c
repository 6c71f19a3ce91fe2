/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * At a CHECKPOINT the stream belongs to the toolstack for a while (callback
 * checkpoint: it reads its own records). Then the records kept since the last
 * one take effect. With COLO the domain is completed and runs beside the
 * primary until the next checkpoint is due; which pages it wrote to goes back
 * to the primary.
 *
 * Memory: a record is kept in as many octets as were received. A checkpoint
 * can need every page of the guest once, so that and a bit for state records
 * is what is allowed; an image that wants more is refused.
 */
#include "engine/restore/checkpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/restore/restore.h"
#include "engine/xen_get.h"
#include "lib/bytes.h"
#include "lib/fd.h"
#include "lib/util.h"

/* Answers of the toolstack. */
#define ANSWER_GO_ON     1
#define ANSWER_FAIL_OVER 2

/* vCPU, device and shared state of the largest guest is far below it. */
#define STATE_ROOM (64ull << 20)

int xsr_checkpoint_check(const struct xsr_restore *rs, struct xsr_err *err)
{
    const struct xsr_engine_restore *arg = rs->arg;
    const struct xsr_engine_restore_ops *ops = arg->ops;

    if (arg->stream_type == XSR_STREAM_IS_PLAIN)
        return 0;
    if (!ops || !ops->checkpoint)
        return xsr_fail(err, XSR_E_BUG,
                        "a checkpointed restore without the callback "
                        "checkpoint");
    if (arg->stream_type == XSR_STREAM_IS_REMUS)
        return 0;
    if (!ops->postcopy || !ops->wait_checkpoint || !ops->suspend ||
        !ops->restore_results || arg->back_fd < 0)
        return xsr_fail(err, XSR_E_BUG,
                        "a COLO restore needs the callbacks postcopy, "
                        "wait_checkpoint, suspend and restore_results, and a "
                        "back channel");
    if (!rs->dom.hvm)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "domain %u is for a PV guest, COLO works with HVM and "
                        "PVH guests only",
                        arg->domid);
    return 0;
}

/* ---- keeping ------------------------------------------------------------- */

static int check_room(struct xsr_restore *rs, struct xsr_err *err)
{
    const struct xsr_checkpoints *cp = &rs->checkpoints;
    uint64_t room = rs->dom.max_pages * (XSR_PAGE_SIZE + 16) + STATE_ROOM;
    uint64_t want = cp->octets + sizeof(struct xsr_kept) + rs->rd.rec.len;

    if (want <= room)
        return 0;
    return xsr_fail(err, XSR_E_LIMIT,
                    "libxc record %s: found a checkpoint of more than %llu "
                    "octets, allowed what all pages of the domain need",
                    xsr_xc3_type_name(rs->rd.rec.type),
                    (unsigned long long)room);
}

static int more_kept(struct xsr_checkpoints *cp, struct xsr_err *err)
{
    size_t cap = cp->cap ? 2 * cp->cap : 64;
    struct xsr_kept *kept;

    if (cp->n_kept < cp->cap)
        return 0;
    kept = realloc(cp->kept, cap * sizeof(*kept));
    if (!kept)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to keep a checkpoint");
    cp->kept = kept;
    cp->cap = cap;
    return 0;
}

int xsr_checkpoint_keep(struct xsr_restore *rs, struct xsr_err *err)
{
    struct xsr_checkpoints *cp = &rs->checkpoints;
    struct xsr_kept *k;
    struct xsr_cur cur;
    uint8_t *fitting;

    if (check_room(rs, err) < 0 || more_kept(cp, err) < 0 ||
        xsr_reader_body(&rs->rd, &cur, err) < 0)
        return -1;
    k = &cp->kept[cp->n_kept++];
    *k = (struct xsr_kept){rs->rd.rec, rs->rd.n_rec, rs->rd.rec_offset, NULL};
    cp->octets += sizeof(*k) + k->rec.len;
    if (!k->rec.len)
        return 0;
    /* The reader's buffer becomes the record's, without its spare room. */
    k->body = rs->rd.body.p;
    xsr_buf_init(&rs->rd.body);
    fitting = realloc(k->body, k->rec.len);
    if (fitting)
        k->body = fitting;
    xsr_restore_note(rs, "kept, %u octets", k->rec.len);
    return 0;
}

static void drop_kept(struct xsr_checkpoints *cp)
{
    for (size_t i = 0; i < cp->n_kept; i++)
        free(cp->kept[i].body);
    cp->n_kept = 0;
    cp->octets = 0;
}

void xsr_checkpoint_fini(struct xsr_restore *rs)
{
    drop_kept(&rs->checkpoints);
    free(rs->checkpoints.kept);
    xsr_dirty_fini(&rs->checkpoints.dirty, &rs->xen);
}

static int apply_kept(struct xsr_restore *rs, struct xsr_err *err)
{
    struct xsr_checkpoints *cp = &rs->checkpoints;
    struct xsr_reader_place place;
    int rc = 0;

    rs->ops->forget_state(rs);
    for (size_t i = 0; rc == 0 && i < cp->n_kept; i++) {
        struct xsr_kept *k = &cp->kept[i];

        xsr_reader_replay(&rs->rd, &k->rec, k->offset, k->n_rec, k->body,
                          &place);
        rc = xsr_restore_apply(rs, &k->rec, err);
        xsr_reader_resume(&rs->rd, &place);
        free(xsr_steal_ptr(&k->body));
    }
    drop_kept(cp);
    return rc;
}

/* ---- COLO ---------------------------------------------------------------- */

/* A primary that does not listen is as lost as one that does not speak. */
static int write_back(struct xsr_restore *rs, const struct xsr_buf *out,
                      enum xsr_checkpoint_next *next_out, struct xsr_err *err)
{
    if (xsr_write_all(rs->arg->back_fd, out->p, out->len,
                      "the list of pages to the primary", err) == 0)
        return 0;
    if (err->kind != XSR_E_IO)
        return -1;
    xsr_log(rs->log, XSR_LOG_WARN, "%s", err->text);
    xsr_err_clear(err);
    *next_out = XSR_CHECKPOINT_FAIL_OVER;
    return 0;
}

static int send_dirty(struct xsr_restore *rs,
                      enum xsr_checkpoint_next *next_out, struct xsr_err *err)
{
    struct xsr_dirty *d = &rs->checkpoints.dirty;
    struct xsr_buf out = XSR_BUF_INIT;
    uint64_t n_gfns, n, pfn;
    int rc = xsr_xen_get_n_gfns(&rs->xen, &n_gfns, err);

    if (rc == 0)
        rc = xsr_dirty_resize(d, &rs->xen, n_gfns, err);
    if (rc == 0)
        rc = xsr_dirty_fetch(d, &rs->xen, false, &n, err);
    if (rc == 0)
        rc = xsr_buf_put_u32(&out, XSR_XC3_CHECKPOINT_DIRTY_PFN_LIST, err);
    if (rc == 0)
        rc = xsr_buf_put_u32(&out, (uint32_t)(8 * xsr_dirty_count(d)), err);
    for (pfn = 0; rc == 0; pfn++) {
        pfn = xsr_dirty_next(d->bits, pfn, d->n_pfns);
        if (pfn == d->n_pfns)
            break;
        rc = xsr_buf_put_u64(&out, pfn, err);
    }
    if (rc == 0)
        rc = write_back(rs, &out, next_out, err);
    xsr_buf_fini(&out);
    return rc;
}

static int judge(struct xsr_restore *rs, const char *what, int answer,
                 enum xsr_checkpoint_next *next_out, struct xsr_err *err)
{
    *next_out = XSR_CHECKPOINT_GO_ON;
    if (answer == ANSWER_GO_ON)
        return 0;
    if (answer == ANSWER_FAIL_OVER && rs->checkpoints.n) {
        *next_out = XSR_CHECKPOINT_FAIL_OVER;
        return 0;
    }
    if (answer == ANSWER_FAIL_OVER)
        return xsr_fail(err, XSR_E_PEER,
                        "the primary was lost before its first checkpoint was "
                        "complete: there is no state to go on from");
    return xsr_fail(err, XSR_E_PEER,
                    "the toolstack answered %d to %s behind checkpoint %u",
                    answer, what, rs->checkpoints.n);
}

/* The domain is complete now and runs until the next checkpoint is due. */
static int run_secondary(struct xsr_restore *rs,
                         enum xsr_checkpoint_next *next_out,
                         struct xsr_err *err)
{
    const struct xsr_engine_restore_ops *ops = rs->arg->ops;
    const struct {
        const char *name;
        int (*ask)(void *ctx);
    } steps[] = {{"postcopy", ops->postcopy},
                 {"wait_checkpoint", ops->wait_checkpoint},
                 {"suspend", ops->suspend}};

    xsr_keep_drop(&rs->keep);
    if (rs->ops->finish(rs, err) < 0)
        return -1;
    ops->restore_results(rs->arg->ops_ctx, rs->arg->store_gfn,
                         rs->arg->console_gfn);
    for (unsigned i = 0; i < XSR_ARRAY_LEN(steps); i++) {
        int answer = steps[i].ask(rs->arg->ops_ctx);

        if (judge(rs, steps[i].name, answer, next_out, err) < 0)
            return -1;
        if (*next_out == XSR_CHECKPOINT_FAIL_OVER)
            return 0;
    }
    return send_dirty(rs, next_out, err);
}

/* ---- a checkpoint -------------------------------------------------------- */

int xsr_checkpoint_reached(struct xsr_restore *rs,
                           enum xsr_checkpoint_next *next_out,
                           struct xsr_err *err)
{
    struct xsr_checkpoints *cp = &rs->checkpoints;
    int answer = rs->arg->ops->checkpoint(rs->arg->ops_ctx);

    if (judge(rs, "checkpoint", answer, next_out, err) < 0)
        return -1;
    if (*next_out == XSR_CHECKPOINT_FAIL_OVER)
        return 0;
    if (cp->keeping && apply_kept(rs, err) < 0)
        return -1;
    cp->keeping = true;
    cp->n++;
    xsr_restore_note(rs, "checkpoint %u is complete", cp->n);
    if (rs->arg->stream_type == XSR_STREAM_IS_COLO)
        return run_secondary(rs, next_out, err);
    return 0;
}
