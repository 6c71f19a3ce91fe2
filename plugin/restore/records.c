/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The records of a libxl stream, one at a time, between the stream header and
 * END. Every record is judged by its header (stream/xl2), by its place
 * (stream/xl2_order) and by its whole body before it acts.
 *
 *   read_record -> after_record_header
 *     LIBXC_CONTEXT    start_helper -> after_image           -> read_record
 *     XENSTORE_DATA    after_keys                            -> read_record
 *     CONTEXT          after_emulator_header -> take_state...
 *                      -> after_state -> after_state_padding -> read_record
 *     optional         after_skipped -> after_skipped_padding -> read_record
 *     END              xsr_restore_after_end (restore.c)
 *
 * Between start_helper and after_image the input belongs to the helper.
 */
#include "plugin/restore/restore.h"

#include <inttypes.h>
#include <unistd.h>

#include "lib/util.h"

#define TICK_MS 250u

static void read_record(struct xsr_restore *r);

/* ---- LIBXC_CONTEXT ------------------------------------------------------ */

/*
 * How far a plain file has been read is known whoever reads it. Otherwise the
 * helper may tell; of one that does not, only what it has read is known.
 */
static void report_position(struct xsr_restore *r)
{
    off_t now = r->seekable ? lseek(r->params->fd, 0, SEEK_CUR) : -1;
    uint64_t done = r->helper.moved_bytes / XSR_PAGE_SIZE;

    if (!r->seekable && !(r->helper.seen & 1u << XSR_MSG_PROGRESS))
        xsr_progress(&r->x->log, "guest memory", done,
                     xsr_max(done, r->config.target_memkb / 4));
    if (r->seekable && now >= r->file_start)
        xsr_progress(&r->x->log, "guest memory",
                     (uint64_t)(now - r->file_start) / XSR_PAGE_SIZE,
                     r->file_len / XSR_PAGE_SIZE);
}

static void on_tick(void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    xsr_loop_del_timer(r->loop, &r->tick);
    report_position(r);
    if (xsr_loop_add_timer(r->loop, TICK_MS, on_tick, r, &r->tick, &err) < 0)
        xsr_restore_fail(r, &err);
}

/* The helper left the input just behind the image; where is that? */
static void find_position(struct xsr_restore *r)
{
    off_t now = r->seekable ? lseek(r->params->fd, 0, SEEK_CUR) : -1;

    if (r->legacy)
        now = -1; /* ours is a pipe; that position is the converter's */
    r->src.pos_known = now >= r->file_start && now >= 0;
    r->src.pos = r->src.pos_known ? (uint64_t)(now - r->file_start) : 0;
}

static void after_image(void *ctx, const struct xsr_err *err,
                        const struct xsr_helper_results *results)
{
    struct xsr_restore *r = ctx;

    xsr_loop_del_timer(r->loop, &r->tick);
    if (err) {
        xsr_restore_fail(r, err);
        return;
    }
    report_position(r);
    find_position(r);
    r->bare.store_gfn = results->store_gfn;
    r->bare.console_gfn = results->console_gfn;
    xsr_log(&r->x->log, XSR_LOG_DEBUG,
            "guest image restored: store frame "
            "%#" PRIx64 ", console frame %#" PRIx64,
            results->store_gfn, results->console_gfn);
    read_record(r);
}

static int fill_helper(struct xsr_restore *r, struct xsr_err *err)
{
    struct xsr_helper *h = &r->helper;

    /* the helper reads the fd: what was peeked at would be lost to it */
    if (r->src.n_head) {
        r->x->usage = true;
        return xsr_fail(err, XSR_E_FORMAT,
                        "%zu bytes that were taken from the input before "
                        "belong to the guest image, where its helper cannot "
                        "see them",
                        r->src.n_head);
    }
    h->loop = r->loop;
    h->log = &r->x->log;
    h->path = r->x->helper;
    h->stream_fd = xsr_source_stream_fd(&r->src);
    h->domid = r->bare.domid;
    h->store_port = r->bare.store_port;
    h->store_domid = r->bare.store_domid;
    h->console_port = r->bare.console_port;
    h->console_domid = r->bare.console_domid;
    h->image_pos = r->src.pos;
    h->image_pos_known = !r->legacy;
    h->quiet_progress = r->seekable;
    h->ack_ms = r->x->helper_ack_ms;
    h->term_ms = r->x->helper_term_ms;
    h->stall_ms = r->x->stall_ms;
    h->hang_ms = r->x->hang_ms;
    h->on_done = after_image;
    h->ctx = r;
    return 0;
}

static void start_helper(struct xsr_restore *r)
{
    struct xsr_err err = XSR_ERR_INIT;

    xsr_progress(&r->x->log, "guest memory", 0, r->file_len / XSR_PAGE_SIZE);
    if (fill_helper(r, &err) < 0 ||
        xsr_loop_add_timer(r->loop, TICK_MS, on_tick, r, &r->tick, &err) < 0 ||
        xsr_helper_start(&r->helper, &err) < 0)
        xsr_restore_fail(r, &err);
}

/* ---- padding behind streamed bodies ------------------------------------- */

static int check_padding(const struct xsr_restore *r, const uint8_t *p,
                         size_t n, struct xsr_err *err)
{
    if (xsr_all_zero(p, n))
        return 0;
    if (r->rec.type & XSR_XL2_OPTIONAL)
        xsr_fail(err, XSR_E_FORMAT,
                 "libxl optional record %#x: padding is not zero", r->rec.type);
    else
        xsr_fail(err, XSR_E_FORMAT, "libxl record %s: padding is not zero",
                 xsr_xl2_type_name(r->rec.type));
    return xsr_err_at(err, r->src.pos - n);
}

static void take_padding(struct xsr_restore *r, xsr_source_done *after)
{
    uint32_t pad = xsr_xl2_pad(r->rec.len);

    xsr_buf_clear(&r->src.buf);
    if (pad)
        xsr_source_collect(&r->src, pad, "the padding of a libxl record", after,
                           r);
    else
        after(r, NULL);
}

/* ---- EMULATOR_XENSTORE_DATA --------------------------------------------- */

static int apply_keys(struct xsr_restore *r, size_t *n_out, struct xsr_err *err)
{
    struct xsr_xl2_emu emu;
    struct xsr_cur cur;

    xsr_cur_init(&cur, r->src.buf.p, r->rec.len,
                 r->rec_pos + XSR_XL2_REC_HDR_LEN);
    if (check_padding(r, r->src.buf.p + r->rec.len, xsr_xl2_pad(r->rec.len),
                      err) < 0 ||
        xsr_xl2_get_emu(&cur, &emu, err) < 0 || xsr_emu_check_id(&emu, err) < 0)
        return xsr_err_at(err, r->rec_pos + XSR_XL2_REC_HDR_LEN);
    return xsr_emu_keys_write(r->xs, r->bare.domid, &cur, n_out, err);
}

static void after_keys(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;
    size_t n = 0;

    if (!err && apply_keys(r, &n, &mine) < 0)
        err = &mine;
    if (err) {
        xsr_restore_fail(r, err);
        return;
    }
    xsr_log(&r->x->log, XSR_LOG_DEBUG,
            "EMULATOR_XENSTORE_DATA: %zu keys written", n);
    read_record(r);
}

/* ---- EMULATOR_CONTEXT --------------------------------------------------- */

static int undo_emulator_file(void *ctx, struct xsr_err *err)
{
    return xsr_emu_file_remove(&((struct xsr_restore *)ctx)->emu, err);
}

static void after_state_padding(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    if (!err && (check_padding(r, r->src.buf.p, r->src.buf.len, &mine) < 0 ||
                 xsr_emu_file_commit(&r->emu, &r->x->log, &mine) < 0))
        err = &mine;
    if (err) {
        xsr_restore_fail(r, err);
        return;
    }
    xsr_log(&r->x->log, XSR_LOG_DEBUG,
            "EMULATOR_CONTEXT: %" PRIu64 " bytes in %s", r->emu.len,
            r->emu.name);
    read_record(r);
}

static void after_state(void *ctx, const struct xsr_err *err)
{
    struct xsr_restore *r = ctx;

    if (err)
        xsr_restore_fail(r, err);
    else
        take_padding(r, after_state_padding);
}

static int take_state(void *ctx, const uint8_t *p, size_t n,
                      struct xsr_err *err)
{
    return xsr_emu_file_put(&((struct xsr_restore *)ctx)->emu, p, n, err);
}

static int open_emulator_file(struct xsr_restore *r, struct xsr_err *err)
{
    struct xsr_xl2_emu emu;
    struct xsr_cur cur;

    xsr_cur_init(&cur, r->src.buf.p, r->src.buf.len,
                 r->rec_pos + XSR_XL2_REC_HDR_LEN);
    if (xsr_xl2_get_emu(&cur, &emu, err) < 0 || xsr_emu_check_id(&emu, err) < 0)
        return xsr_err_at(err, r->rec_pos + XSR_XL2_REC_HDR_LEN);
    xsr_undo_push(r->x, undo_emulator_file, r, "device model file of domain %u",
                  r->bare.domid);
    return xsr_emu_file_open(&r->emu, r->x->dm_dir, r->bare.domid, err);
}

static void after_emulator_header(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    if (!err && open_emulator_file(r, &mine) < 0)
        err = &mine;
    if (err)
        xsr_restore_fail(r, err);
    else
        xsr_source_pass(&r->src, r->rec.len - XSR_XL2_EMU_HDR_LEN,
                        "EMULATOR_CONTEXT", take_state, after_state, r);
}

/* ---- every record ------------------------------------------------------- */

static void after_skipped_padding(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    if (!err && check_padding(r, r->src.buf.p, r->src.buf.len, &mine) < 0)
        err = &mine;
    if (err)
        xsr_restore_fail(r, err);
    else
        read_record(r);
}

static void after_skipped(void *ctx, const struct xsr_err *err)
{
    struct xsr_restore *r = ctx;

    if (err)
        xsr_restore_fail(r, err);
    else
        take_padding(r, after_skipped_padding);
}

/* The header is good and the record may come now. */
static void begin_record(struct xsr_restore *r)
{
    uint32_t padded = r->rec.len + xsr_xl2_pad(r->rec.len);

    switch (r->rec.type) {
    case XSR_XL2_END:
        xsr_restore_after_end(r);
        return;
    case XSR_XL2_LIBXC_CONTEXT:
        start_helper(r);
        return;
    case XSR_XL2_EMULATOR_XENSTORE_DATA:
        xsr_source_collect(&r->src, padded, "EMULATOR_XENSTORE_DATA",
                           after_keys, r);
        return;
    case XSR_XL2_EMULATOR_CONTEXT:
        xsr_source_collect(&r->src, XSR_XL2_EMU_HDR_LEN,
                           "the emulator header of EMULATOR_CONTEXT",
                           after_emulator_header, r);
        return;
    default: /* the order table lets nothing else in */
        xsr_log(&r->x->log, XSR_LOG_WARN,
                "libxl record of the unknown optional type %#x is skipped",
                r->rec.type);
        xsr_source_pass(&r->src, r->rec.len, "an optional record", NULL,
                        after_skipped, r);
        return;
    }
}

static int check_record(struct xsr_restore *r, struct xsr_err *err)
{
    struct xsr_cur cur;

    xsr_cur_init(&cur, r->src.buf.p, r->src.buf.len, r->rec_pos);
    if (xsr_xl2_get_rec(&cur, &r->rec, err) < 0)
        return -1;
    xsr_log(&r->x->log, XSR_LOG_DEBUG, "libxl record %s, length %u",
            xsr_xl2_type_name(r->rec.type), r->rec.len);
    return xsr_xl2_order_next(&r->order, r->rec.type, r->rec_pos, err);
}

static void after_record_header(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    if (err && err->kind == XSR_E_EOF) {
        mine = *err;
        xsr_err_prefix(&mine, "libxl stream without END (expected: %s)",
                       xsr_xl2_order_expected(&r->order));
        err = &mine;
    } else if (!err && check_record(r, &mine) < 0) {
        err = &mine;
    }
    if (err)
        xsr_restore_fail(r, err);
    else
        begin_record(r);
}

static void read_record(struct xsr_restore *r)
{
    r->rec_pos = r->src.pos;
    xsr_source_collect(&r->src, XSR_XL2_REC_HDR_LEN, "a libxl record header",
                       after_record_header, r);
}

void xsr_records_start(struct xsr_restore *r)
{
    static const enum xsr_xl2_guest guests[] = {
        [XENSR_PV] = XSR_XL2_PV,
        [XENSR_PVH] = XSR_XL2_PVH,
        [XENSR_HVM] = XSR_XL2_HVM,
    };

    xsr_xl2_order_init(&r->order, guests[r->config.type]);
    read_record(r);
}
