/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Saving a domain: xensr_save() starts a chain of steps, each named after what
 * has happened, and runs the loop until finish().
 *
 *   start: the domain is found and judged, nothing is changed
 *         -> HVM: answers.c asks its device model -> xsr_save_after_dm_found
 *         -> after_headers: the output belongs to the helper
 *            (answers.c does what it asks for: log-dirty, suspend)
 *         -> after_image -> tail.c, up to END
 *         -> xsr_save_after_end: the caller makes it safe; then the guest is
 *            destroyed, or runs on
 *         -> finish
 *
 * A step either starts the next one or calls xsr_save_fail(). Whatever was done
 * to the guest is put right by undo_guest(), after everything has ended.
 */
#include "plugin/save/save.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stream/xl2.h"
#include "stream/xlfile.h"

#define PATIENCE_MS 60000u

/* ---- the end of everything ----------------------------------------------- */

static void finish(struct xsr_save *s)
{
    s->finished = true;
    xsr_loop_del_fd(s->loop, &s->watch_stop);
    xsr_loop_quit(s->loop);
}

void xsr_save_check_end(struct xsr_save *s)
{
    if (!s->finished && xsr_save_failing(s) &&
        !xsr_helper_running(&s->helper) && !xsr_answers_active(s))
        finish(s);
}

void xsr_save_fail(struct xsr_save *s, const struct xsr_err *err)
{
    if (s->finished)
        return;
    if (!xsr_save_failing(s))
        s->err = *err;
    xsr_sink_stop(&s->sink);
    xsr_answers_stop(s);
    if (xsr_helper_running(&s->helper))
        xsr_helper_stop(&s->helper, &s->err); /* its end comes back here */
    xsr_save_check_end(s);
}

static void on_stop_request(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_save *s = ctx;

    (void)fd;
    (void)revents;
    xsr_loop_del_fd(s->loop, &s->watch_stop);
    xsr_fail(&err, XSR_E_STOPPED, "interrupted");
    xsr_save_fail(s, &err);
}

/* ---- the guest afterwards ------------------------------------------------ */

static int let_guest_run(struct xsr_save *s, struct xsr_err *err)
{
    struct xsr_resume r = {
        s->x, s->xen, s->xs, s->params->domid, s->halt, s->was_suspended,
    };

    if (xsr_resume_guest(&r, err) < 0)
        return -1;
    s->halt = (struct xsr_halt){false, false, false};
    return 0;
}

static void remove_state_file(struct xsr_save *s)
{
    if (s->has_state_file && unlink(s->state_path) < 0 && errno != ENOENT)
        xsr_log(&s->x->log, XSR_LOG_WARN, "cannot remove %s: %s", s->state_path,
                strerror(errno));
    s->has_state_file = false;
}

static int undo_guest(void *ctx, struct xsr_err *err)
{
    struct xsr_save *s = ctx;

    return s->keep_suspended ? 0 : let_guest_run(s, err);
}

static void fill_times(struct xsr_save *s)
{
    uint64_t now = xsr_now_ms();

    s->out.stats.total_ms = now - s->start_ms;
    if (!s->was_suspended && s->suspended_ms)
        s->out.stats.pause_ms = now - s->suspended_ms;
}

/* The copy is safe: from here on nothing brings the guest back but itself. */
static int settle(struct xsr_save *s, struct xsr_err *err)
{
    enum xensr_keep keep = s->params->keep;

    s->x->n_undo = 0;
    if (keep == XENSR_KEEP_NOTHING) {
        if (xsr_destroy_all(s->x, s->xen, s->xs, s->params->domid, err) < 0) {
            s->x->look = true;
            return xsr_err_prefix(err,
                                  "saved, but domain %u is not destroyed "
                                  "completely",
                                  s->params->domid);
        }
        s->out.destroyed = true;
        return 0;
    }
    if (s->was_suspended)
        xsr_log(&s->x->log, XSR_LOG_WARN,
                "domain %u was suspended before it was saved, and stays so",
                s->params->domid);
    if (keep == XENSR_KEEP_PAUSED && !s->was_suspended) {
        if (xsr_domain_pause(s->xen, s->params->domid, err) < 0)
            goto bad;
        s->out.paused = true;
    }
    if (let_guest_run(s, err) == 0) {
        fill_times(s);
        return 0;
    }
bad:
    s->x->look = true;
    return xsr_err_prefix(err,
                          "saved, but domain %u does not run on (try \"xensr "
                          "resume %u\")",
                          s->params->domid, s->params->domid);
}

/* ---- behind END ---------------------------------------------------------- */

static int take_verdict(struct xsr_save *s, struct xsr_err *err)
{
    char text[XSR_ERR_TEXT] = "";
    enum xensr_verdict verdict = XENSR_SAFE;

    fill_times(s);
    s->handed_over = true;
    if (s->params->on_written)
        verdict = s->params->on_written(s->params->ctx, &s->out.stats, text,
                                        sizeof(text));
    fill_times(s);
    switch (verdict) {
    case XENSR_SAFE:
        return settle(s, err);
    case XENSR_REFUSED:
        return xsr_fail(err, XSR_E_IO, "%s",
                        text[0] ? text : "the copy was not made safe");
    default:
        s->keep_suspended = true;
        s->x->look = true;
        return xsr_fail(err, XSR_E_PEER, "%s",
                        text[0] ? text
                                : "it is not known who has the guest now");
    }
}

void xsr_save_after_end(struct xsr_save *s)
{
    struct xsr_err err = XSR_ERR_INIT;

    s->out.stats.stream_bytes += s->sink.written;
    if (s->x->stop_wanted)
        xsr_fail(&err, XSR_E_STOPPED, "interrupted");
    else
        take_verdict(s, &err);
    if (err.kind != XSR_E_OK)
        xsr_save_fail(s, &err);
    else
        finish(s);
}

/* ---- the guest image ----------------------------------------------------- */

/* What the helper has written; UINT64_MAX: nobody can say. */
static uint64_t image_len(const struct xsr_save *s,
                          const struct xsr_helper_results *results)
{
    off_t now = s->file_start >= 0 ? lseek(s->params->fd, 0, SEEK_CUR) : -1;

    if (now >= s->file_start && now >= 0)
        return (uint64_t)(now - s->file_start);
    return results->written;
}

/*
 * Success is not believed without a look: the guest must be suspended, and an
 * image of it cannot be much smaller than its memory, which is sent as it is.
 */
static int check_image(struct xsr_save *s,
                       const struct xsr_helper_results *results,
                       struct xsr_err *err)
{
    uint64_t len = image_len(s, results), least;
    struct xsr_domain_state state;
    int rc = xsr_domain_get_state(s->xen, s->params->domid, &state, err);

    if (rc < 0)
        return -1;
    if (rc == 0 || !xsr_domain_suspended(&state))
        return xsr_fail(err, XSR_E_PEER,
                        "save helper %s reported success, but domain %u is "
                        "not suspended: what it wrote is no image",
                        s->x->helper, s->params->domid);
    least = state.n_pages * XSR_PAGE_SIZE / 2;
    if (len != UINT64_MAX && len < least)
        return xsr_fail(err, XSR_E_PEER,
                        "save helper %s reported success, but wrote %" PRIu64
                        " bytes for a guest of %" PRIu64 " pages",
                        s->x->helper, len, state.n_pages);
    if (len != UINT64_MAX)
        s->out.stats.stream_bytes = len;
    s->out.stats.n_pages = results->n_pages;
    s->out.stats.n_rounds = results->n_rounds;
    s->out.stats.memory_pages = state.n_pages;
    s->out.stats.live = s->helper.live && results->n_rounds > 0;
    return 0;
}

static void after_image(void *ctx, const struct xsr_err *err,
                        const struct xsr_helper_results *results)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_save *s = ctx;

    if (!err && !xsr_save_failing(s) && check_image(s, results, &mine) < 0)
        err = &mine;
    if (err) {
        xsr_save_fail(s, err);
        return;
    }
    if (xsr_save_failing(s)) { /* it could not be stopped any more */
        xsr_save_check_end(s);
        return;
    }
    xsr_log(&s->x->log, XSR_LOG_DEBUG, "guest image written");
    s->halt.logdirty = s->halt.dm_logdirty; /* it has cleaned up */
    xsr_tail_start(s);
}

static int start_helper(struct xsr_save *s, struct xsr_err *err)
{
    struct xsr_helper *h = &s->helper;
    struct stat st;

    if (fstat(s->params->fd, &st) == 0 && S_ISREG(st.st_mode))
        s->file_start = lseek(s->params->fd, 0, SEEK_CUR);
    h->loop = s->loop;
    h->log = &s->x->log;
    h->path = s->x->helper;
    h->side = XSR_IPC_SAVE;
    h->stream_fd = s->params->fd;
    h->domid = s->params->domid;
    h->live = s->params->live && !s->was_suspended;
    h->verify = s->params->verify;
    h->most_pages = s->subject.state.n_pages;
    h->ack_ms = s->x->helper_ack_ms;
    h->term_ms = s->x->helper_term_ms;
    h->stall_ms = s->x->stall_ms;
    h->hang_ms = s->x->hang_ms;
    h->on_request = xsr_answers_request;
    h->on_done = after_image;
    h->ctx = s;
    s->halt.logdirty = true;
    return xsr_helper_start(h, err);
}

static void after_headers(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_save *s = ctx;

    if (!err && start_helper(s, &mine) < 0)
        err = &mine;
    if (err)
        xsr_save_fail(s, err);
}

/* ---- headers ------------------------------------------------------------- */

static int put_headers(struct xsr_save *s, struct xsr_err *err)
{
    struct xsr_buf *out = &s->sink.buf;

    if (!s->params->bare && xsr_xlfile_put(out, s->subject.config, err) < 0)
        return -1;
    if (xsr_xl2_put_hdr(out, 0, err) < 0)
        return -1;
    return xsr_xl2_put_rec(out, XSR_XL2_LIBXC_CONTEXT, 0, err);
}

void xsr_save_after_dm_found(struct xsr_save *s)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (put_headers(s, &err) < 0)
        xsr_save_fail(s, &err);
    else
        xsr_sink_send(&s->sink, after_headers, s);
}

/* ---- start --------------------------------------------------------------- */

/* O_NONBLOCK belongs to the open file, which the helper shares. */
static int prepare_fd(struct xsr_save *s, struct xsr_err *err)
{
    int fd = s->params->fd, flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "fd %d of the output", fd);
    if ((flags & O_ACCMODE) == O_RDONLY) {
        s->x->usage = true;
        return xsr_fail(err, XSR_E_IO, "fd %d of the output is read-only", fd);
    }
    if (flags & O_NONBLOCK) {
        if (fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno,
                                "cannot make the output blocking");
        s->fd_flags = flags;
    }
    return xsr_sink_init(&s->sink, s->loop, fd, err);
}

static void fill_identity(struct xsr_save *s)
{
    s->out.domid = s->subject.domid;
    s->out.guest = s->subject.type;
    memcpy(s->out.name, s->subject.name, sizeof(s->out.name));
    memcpy(s->out.uuid, s->subject.uuid, sizeof(s->out.uuid));
    s->out.stats.memory_pages = s->subject.state.n_pages;
}

static int prepare_suspend(struct xsr_save *s, struct xsr_err *err)
{
    struct xsr_suspend *p = &s->suspend;

    s->was_suspended = xsr_domain_suspended(&s->subject.state);
    if (s->was_suspended)
        return 0;
    p->loop = s->loop;
    p->log = &s->x->log;
    p->xen = s->xen;
    p->domid = s->params->domid;
    p->hvm = s->subject.state.hvm;
    p->pvh = s->subject.type == XENSR_PVH;
    p->patience = s->params->suspend_ms ? s->params->suspend_ms : PATIENCE_MS;
    if (xsr_suspend_prepare(p, err) < 0)
        return -1;
    if (s->subject.state.paused && p->way != XSR_SUSPEND_BY_CALL)
        return xsr_fail(err, XSR_E_XEN,
                        "domain %u is paused, and a paused guest cannot "
                        "suspend itself: unpause it first (\"xensr unpause "
                        "%u\")",
                        p->domid, p->domid);
    return 0;
}

static int find_subject(struct xsr_save *s, struct xsr_err *err)
{
    uint32_t domid = s->params->domid;

    if (xsr_xen_open(&s->x->log, &s->xen, err) < 0 ||
        xsr_xs_open(&s->xs, err) < 0 ||
        xsr_subject_find(s->xen, s->xs, domid, &s->subject, err) < 0)
        return -1;
    fill_identity(s);
    if (!s->params->bare &&
        xsr_subject_read_config(s->x, s->xs, s->params->config_json,
                                &s->subject, err) < 0)
        return -1;
    if (xsr_subject_lock(s->x, domid, &s->lock_fd, err) < 0 ||
        prepare_suspend(s, err) < 0)
        return -1;
    xsr_undo_push(s->x, undo_guest, s,
                  "the suspend of domain %u (try \"xensr resume %u\")", domid,
                  domid);
    return 0;
}

static int start(struct xsr_save *s, struct xsr_err *err)
{
    if (xsr_loop_new(&s->loop, err) < 0 || prepare_fd(s, err) < 0 ||
        find_subject(s, err) < 0 ||
        xsr_loop_add_fd(s->loop, s->x->stop_fd, POLLIN, on_stop_request, s,
                        &s->watch_stop, err) < 0)
        return -1;
    s->qmp.loop = s->loop;
    s->qmp.log = &s->x->log;
    s->qmp.run_dir = s->x->run_dir;
    s->qmp.domid = s->params->domid;
    if (s->subject.type == XENSR_HVM)
        xsr_answers_find_dm(s);
    else
        xsr_save_after_dm_found(s);
    if (!s->finished && xsr_loop_run(s->loop, err) < 0)
        return -1;
    return xsr_save_failing(s) ? -1 : 0;
}

/* ---- the whole ----------------------------------------------------------- */

static struct xsr_save *new_save(struct xensr *x,
                                 const struct xensr_save_params *params)
{
    struct xsr_save *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->x = x;
    s->params = params;
    s->err = (struct xsr_err)XSR_ERR_INIT;
    s->fd_flags = s->lock_fd = s->state_fd = s->sink.from_fd = -1;
    s->file_start = -1;
    s->start_ms = xsr_now_ms();
    xsr_helper_init(&s->helper);
    xsr_suspend_init(&s->suspend);
    xsr_qmp_init(&s->qmp);
    return s;
}

/* Nobody works on the guest any more when it is put right. */
static void stop_all(struct xsr_save *s)
{
    xsr_helper_fini(&s->helper);
    xsr_suspend_fini(&s->suspend);
    xsr_qmp_close(&s->qmp);
    xsr_close(&s->state_fd);
}

static void release(struct xsr_save *s)
{
    remove_state_file(s);
    xsr_subject_unlock(s->x, s->params->domid, &s->lock_fd);
    xsr_subject_fini(&s->subject);
    xsr_sink_fini(&s->sink);
    xsr_xs_close(s->xs);
    xsr_xen_close(s->xen);
    xsr_loop_free(s->loop);
    if (s->fd_flags >= 0)
        fcntl(s->params->fd, F_SETFL, s->fd_flags);
    free(s);
}

int xensr_save(struct xensr *x, const struct xensr_save_params *params,
               struct xensr_saved *saved_out)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_save *s;
    int rc;

    rc = xsr_context_begin(x);
    if (rc != XENSR_OK)
        return rc;
    s = new_save(x, params);
    if (!s) {
        xsr_fail(&err, XSR_E_NOMEM, "no memory for a save");
        return xsr_context_end(x, &err);
    }
    if (start(s, &err) < 0 && s->err.kind == XSR_E_OK)
        s->err = err;
    stop_all(s);
    /* Ctrl-C reaches the helper and the reader, too: whose end was noticed
       first is chance */
    if (x->stop_wanted && s->err.kind != XSR_E_OK && !s->handed_over)
        xsr_fail(&s->err, XSR_E_STOPPED, "interrupted");
    rc = xsr_context_end(x, &s->err);
    if (saved_out)
        *saved_out = s->out;
    release(s);
    return rc;
}
