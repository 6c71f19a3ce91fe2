/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Restoring a bare domain: xensr_restore() starts a chain of steps, each named
 * after what has happened, and runs the loop until xsr_restore_done().
 *
 *   start -> after_magic -> after_xl_header -> after_config
 *         -> legacy.c, if the stream has to be converted
 *         -> after_stream_header: the domain is created, empty and paused
 *         -> records.c, up to END
 *         -> xsr_restore_after_end -> after_input_end
 *         -> built.c: built and started
 *         -> xsr_restore_done
 *
 * A step either starts the next one or calls xsr_restore_fail(). What a step
 * made is in the undo list of the context, which takes it back on failure.
 */
#include "plugin/restore/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/util.h"
#include "plugin/restore/twin.h"

#define MAGIC_LEN 8u /* enough to tell what the input is */

/* ---- the end of everything ---------------------------------------------- */

void xsr_restore_done(struct xsr_restore *r)
{
    r->finished = true;
    xsr_dm_start_fini(&r->dm);
    xsr_loop_del_timer(r->loop, &r->tick);
    xsr_loop_del_fd(r->loop, &r->watch_stop);
    xsr_loop_quit(r->loop);
}

void xsr_restore_fail(struct xsr_restore *r, const struct xsr_err *err)
{
    if (r->finished)
        return;
    if (r->err.kind == XSR_E_OK) {
        r->err = *err;
        /* offsets behind the image of a pipe are not offsets in the input */
        if (!r->src.pos_known && err->offset != XSR_NO_OFFSET) {
            r->err.offset = XSR_NO_OFFSET;
            xsr_err_prefix(&r->err, "at byte %llu behind the guest image",
                           (unsigned long long)err->offset);
        }
        xsr_restore_blame(r, &r->err);
    }
    xsr_source_stop(&r->src);
    if (xsr_helper_running(&r->helper))
        xsr_helper_stop(&r->helper, &r->err); /* its end comes back here */
    else
        xsr_restore_done(r);
}

static void on_stop_request(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    (void)fd;
    (void)revents;
    xsr_loop_del_fd(r->loop, &r->watch_stop);
    xsr_fail(&err, XSR_E_STOPPED, "interrupted");
    xsr_restore_fail(r, &err);
}

/* ---- the empty domain --------------------------------------------------- */

static int undo_domain(void *ctx, struct xsr_err *err)
{
    struct xsr_restore *r = ctx;

    return xsr_domain_destroy(r->xen, r->bare.domid, err);
}

static int undo_nodes(void *ctx, struct xsr_err *err)
{
    struct xsr_restore *r = ctx;

    return xsr_skeleton_remove(r->xs, r->bare.domid, r->new_roots, err);
}

static int check_host(struct xsr_restore *r, struct xsr_err *err)
{
    if (xsr_xen_open(&r->x->log, &r->xen, err) < 0 ||
        xsr_xs_open(&r->xs, err) < 0 ||
        xsr_domain_check_host(r->xen, &r->config, err) < 0 ||
        xsr_restore_check_twin(r, err) < 0 ||
        xsr_skeleton_missing_roots(r->xs, &r->new_roots, err) < 0)
        return -1;
    if (r->config.dropped[0])
        xsr_log(&r->x->log, XSR_LOG_WARN,
                "the domain comes back without "
                "its %s: a bare domain has none",
                r->config.dropped);
    return 0;
}

static int make_domain(struct xsr_restore *r, struct xsr_err *err)
{
    struct xsr_bare *b = &r->bare;

    b->config = &r->config;
    if (check_host(r, err) < 0 ||
        xsr_domain_create(r->xen, &r->config, &b->domid, err) < 0)
        return -1;
    xsr_undo_push(r->x, undo_domain, r, "domain %u", b->domid);
    xsr_log(&r->x->log, XSR_LOG_DEBUG, "domain %u (%s \"%s\") created",
            b->domid, xsr_guest_name(r->config.type), r->config.name);
    xsr_undo_push(r->x, undo_nodes, r, "xenstore nodes of domain %u", b->domid);
    if (xsr_skeleton_write(r->xs, b, err) < 0 ||
        xsr_domain_set_limits(r->xen, b->domid, &r->config, err) < 0 ||
        xsr_skeleton_daemons(r->xs, &b->store_domid, &b->console_domid, err) <
            0 ||
        xsr_domain_alloc_port(r->xen, b->domid, b->store_domid, &b->store_port,
                              err) < 0 ||
        xsr_domain_alloc_port(r->xen, b->domid, b->console_domid,
                              &b->console_port, err) < 0)
        return -1;
    return xsr_context_save_config(r->x, b->domid, r->config_text, err);
}

/* ---- from the first byte to the domain ---------------------------------- */

static int check_stream_header(struct xsr_restore *r, struct xsr_err *err)
{
    struct xsr_xl2_hdr hdr;
    struct xsr_cur cur;

    xsr_cur_init(&cur, r->src.buf.p, r->src.buf.len, r->stream_pos);
    if (xsr_restore_looks_legacy(r->src.buf.p, r->src.buf.len)) {
        xsr_fail(err, XSR_E_FORMAT,
                 "found a legacy stream (p2m size %#x) where the libxl stream "
                 "header is due",
                 xsr_le32(r->src.buf.p));
        return xsr_err_at(err, r->stream_pos);
    }
    if (xsr_xl2_get_hdr(&cur, &hdr, err) < 0)
        return -1;
    r->src.v2 = true;
    if (hdr.options)
        xsr_log(&r->x->log, XSR_LOG_INFO,
                "the stream was converted from a legacy one");
    return 0;
}

static void after_stream_header(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    if (!err &&
        (check_stream_header(r, &mine) < 0 || make_domain(r, &mine) < 0))
        err = &mine;
    if (err)
        xsr_restore_fail(r, err);
    else
        xsr_records_start(r);
}

static void after_config(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    r->stream_pos = r->src.pos;
    if (!err && (xsr_restore_parse_config(r, &mine) < 0 ||
                 (r->legacy && xsr_restore_convert(r, &mine) < 0)))
        err = &mine;
    if (err) {
        xsr_restore_fail(r, err);
        return;
    }
    xsr_source_collect(&r->src, XSR_XL2_HDR_LEN, "the libxl stream header",
                       after_stream_header, r);
}

static int check_xl_header(struct xsr_restore *r, struct xsr_err *err)
{
    struct xsr_cur cur;

    xsr_cur_init(&cur, r->src.buf.p, r->src.buf.len, 0);
    if (xsr_xlfile_get_hdr(&cur, &r->xl_hdr, err) < 0)
        return -1;
    r->legacy = !(r->xl_hdr.mandatory_flags & XSR_XLFILE_STREAM_V2);
    return 0;
}

static void after_xl_header(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    if (!err && check_xl_header(r, &mine) < 0)
        err = &mine;
    if (err) {
        xsr_restore_fail(r, err);
        return;
    }
    xsr_buf_clear(&r->src.buf);
    if (r->xl_hdr.optional_len)
        xsr_source_collect(&r->src, r->xl_hdr.optional_len,
                           "the configuration of the xl save file",
                           after_config, r);
    else
        after_config(r, NULL);
}

static int refuse_magic(const struct xsr_restore *r, struct xsr_err *err)
{
    const uint8_t *p = r->src.buf.p;
    char shown[40];

    if (xsr_le64(p) == UINT64_MAX)
        xsr_fail(err, XSR_E_FORMAT,
                 "the input is a bare guest image without "
                 "the libxl stream around it, which cannot be restored alone");
    else if (xsr_restore_looks_legacy(p, MAGIC_LEN))
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "the input seems to be a bare legacy stream (Xen 4.5 or "
                 "older); with the xl header of its save file it can be "
                 "restored, or after `xensr convert`");
    else
        xsr_fail(err, XSR_E_FORMAT,
                 "the input begins with \"%s\": neither an "
                 "xl save file (\"Xen saved domain\") nor a libxl stream "
                 "(\"LibxlFmt\")",
                 xsr_err_quote(p, MAGIC_LEN, shown, sizeof(shown)));
    return xsr_err_at(err, 0);
}

static void after_magic(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    if (!err && xsr_xlfile_probe(r->src.buf.p, r->src.buf.len)) {
        xsr_source_collect_more(&r->src, XSR_XLFILE_HDR_LEN - MAGIC_LEN,
                                "the xl header", after_xl_header, r);
        return;
    }
    if (!err && !xsr_xl2_probe(r->src.buf.p, r->src.buf.len)) {
        refuse_magic(r, &mine);
        err = &mine;
    }
    if (!err && xsr_restore_choose_config(r, NULL, 0, &mine) < 0)
        err = &mine;
    if (err)
        xsr_restore_fail(r, err);
    else
        xsr_source_collect_more(&r->src, XSR_XL2_HDR_LEN - MAGIC_LEN,
                                "the libxl stream header", after_stream_header,
                                r);
}

/* ---- the end of the input ----------------------------------------------- */

/* From here on nobody reads; the caller may want to close the input. */
static void give_back_fd(struct xsr_restore *r)
{
    if (r->fd_flags >= 0)
        fcntl(r->params->fd, F_SETFL, r->fd_flags);
    r->fd_flags = -1;
}

static int ask_caller(struct xsr_restore *r, struct xsr_err *err)
{
    char text[XSR_ERR_TEXT] = "";

    give_back_fd(r);
    if (!r->params->on_input_end ||
        r->params->on_input_end(r->params->ctx, text, sizeof(text)) == 0)
        return 0;
    return xsr_fail(err, XSR_E_FORMAT, "%s", text);
}

static void after_input_end(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    if (!err && ask_caller(r, &mine) < 0)
        err = &mine;
    if (err)
        xsr_restore_fail(r, err);
    else
        xsr_restore_build(r);
}

void xsr_restore_after_end(struct xsr_restore *r)
{
    if (r->legacy)
        xsr_restore_join_converter(r);
    else
        xsr_restore_expect_end(r);
}

void xsr_restore_expect_end(struct xsr_restore *r)
{
    if (r->params->must_end)
        xsr_source_expect_end(&r->src, after_input_end, r);
    else
        after_input_end(r, NULL);
}

/* ---- start -------------------------------------------------------------- */

/* O_NONBLOCK belongs to the open file, which the helper shares. */
static int prepare_fd(struct xsr_restore *r, struct xsr_err *err)
{
    int fd = r->params->fd, flags = fcntl(fd, F_GETFL);
    struct stat st;
    off_t now;

    if (flags < 0 || fstat(fd, &st) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "fd %d of the input", fd);
    if (flags & O_NONBLOCK) {
        if (fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno,
                                "cannot make the input blocking");
        r->fd_flags = flags;
    }
    now = S_ISREG(st.st_mode) ? lseek(fd, 0, SEEK_CUR) : -1;
    if (now < 0)
        return 0;
    r->seekable = true;
    r->file_start = now - (off_t)r->params->n_head;
    if (st.st_size > r->file_start)
        r->file_len = (uint64_t)(st.st_size - r->file_start);
    return 0;
}

static int start(struct xsr_restore *r, struct xsr_err *err)
{
    if (xsr_loop_new(&r->loop, err) < 0 || prepare_fd(r, err) < 0 ||
        xsr_loop_add_fd(r->loop, r->x->stop_fd, POLLIN, on_stop_request, r,
                        &r->watch_stop, err) < 0)
        return -1;
    xsr_source_init(&r->src, r->loop, r->params->fd, r->params->head,
                    r->params->n_head);
    xsr_source_collect(&r->src, MAGIC_LEN, "the magic", after_magic, r);
    if (!r->finished && xsr_loop_run(r->loop, err) < 0)
        return -1;
    return r->err.kind == XSR_E_OK ? 0 : -1;
}

static void release(struct xsr_restore *r)
{
    xsr_helper_fini(&r->helper);
    xsr_source_fini(&r->src);
    xsr_converter_fini(&r->converter);
    xsr_emu_file_fini(&r->emu);
    xsr_xs_close(r->xs);
    xsr_xen_close(r->xen);
    xsr_loop_free(r->loop);
    give_back_fd(r);
    free(r->config_text);
}

int xensr_restore(struct xensr *x, const struct xensr_restore_params *params,
                  struct xensr_restored *restored_out)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_restore *r;
    int rc;

    rc = xsr_context_begin(x);
    if (rc != XENSR_OK)
        return rc;
    r = calloc(1, sizeof(*r));
    if (!r) {
        xsr_fail(&err, XSR_E_NOMEM, "no memory for a restore");
        return xsr_context_end(x, &err);
    }
    r->x = x;
    r->params = params;
    r->err = (struct xsr_err)XSR_ERR_INIT;
    r->fd_flags = -1;
    r->src.pos_known = true;
    xsr_helper_init(&r->helper);
    xsr_converter_init(&r->converter);
    xsr_emu_file_init(&r->emu);
    xsr_dm_start_init(&r->dm);
    if (start(r, &err) < 0 && r->err.kind == XSR_E_OK)
        r->err = err;
    xsr_helper_fini(&r->helper); /* nobody works on what is undone */
    /* Ctrl-C reaches the helper and whoever feeds us, too: whose end was
       noticed first is chance */
    if (x->stop_wanted && r->err.kind != XSR_E_OK)
        xsr_fail(&r->err, XSR_E_STOPPED, "interrupted");
    rc = xsr_context_end(x, &r->err);
    if (rc == XENSR_OK && restored_out)
        *restored_out = r->out;
    release(r);
    free(r);
    return rc;
}
