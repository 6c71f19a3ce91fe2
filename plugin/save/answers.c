/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a save helper asks its toolstack to do with the guest, while it writes
 * the image. A request is answered when it is done, in callbacks of the loop;
 * the helper waits, its other messages are served meanwhile.
 *
 *   before:   find_dm -> after_status -> xsr_save_after_dm_found
 *   log-dirty (PVH: at once)  -> after_logdirty -> answer
 *   suspend:  ask the caller -> after_suspended
 *             HVM: -> after_stopped -> after_fd_added -> after_state_saved
 *                  -> after_fd_removed
 *             -> answer
 *
 * When the save fails meanwhile, the request to the guest is taken back or its
 * end awaited, and the helper gets its answer before it has to go.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "plugin/save/save.h"

enum { GRANTED = 1, REFUSED = 0 };        /* to suspend */
enum { SWITCHED = 0, NOT_SWITCHED = -1 }; /* to switch_logdirty */

#define STATE_MS XSR_QMP_LONG_MS
#define FDSET_ID 0x786e73 /* any number that is ours */

/* Bytes of the image that are not pages: policies, vCPUs, HVM context, record
   headers; and what a device model may have besides. */
#define OTHER_BYTES     (1u << 20)
#define VCPU_BYTES      (32u << 10)
#define EMULATOR_BYTES  (48u << 20)
/* A page with its share of a record's header. */
#define SENT_PAGE_BYTES (4096u + 16u)

/* A pre-copy of the usual policy ends below 50 dirty pages, or after its fifth
   round; what is dirtied until the guest stops comes on top. */
#define USUAL_ROUNDS 5u
#define USUAL_REST   1024u

bool xsr_answers_active(const struct xsr_save *s)
{
    return xsr_suspend_active(&s->suspend) || xsr_qmp_busy(&s->qmp);
}

static int ask_dm(struct xsr_save *s, const char *command, json_t *take_args,
                  int pass_fd, unsigned ms, xsr_qmp_done *then)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_qmp_ask(&s->qmp, command, take_args, pass_fd, ms, then, s, &err) ==
        0)
        return 0;
    xsr_save_fail(s, &err);
    return -1;
}

/* ---- before the first byte ----------------------------------------------- */

static void after_status(void *ctx, const struct xsr_err *err, json_t *result)
{
    struct xsr_save *s = ctx;

    xsr_qmp_close(&s->qmp); /* others may have something to ask, too */
    if (err) {
        xsr_save_fail(s, err);
        return;
    }
    s->dm_running = json_is_true(json_object_get(result, "running"));
    xsr_log(&s->x->log, XSR_LOG_DEBUG, "device model: QEMU %u.%u, %s",
            s->qmp.major, s->qmp.minor, s->dm_running ? "running" : "stopped");
    xsr_save_after_dm_found(s);
}

void xsr_answers_find_dm(struct xsr_save *s)
{
    ask_dm(s, "query-status", NULL, -1, XSR_QMP_MS, after_status);
}

/* ---- log-dirty ----------------------------------------------------------- */

static void after_logdirty(void *ctx, const struct xsr_err *err, json_t *result)
{
    struct xsr_save *s = ctx;
    bool on = s->halt.dm_logdirty;

    (void)result;
    xsr_qmp_close(&s->qmp);
    if (err)
        xsr_log(&s->x->log, XSR_LOG_ERROR, "%s", err->text);
    xsr_helper_answer(&s->helper, err ? NOT_SWITCHED : SWITCHED);
    if (!err && on)
        xsr_log(&s->x->log, XSR_LOG_DEBUG, "device model tracks its writes");
    xsr_save_check_end(s);
}

/* It is off for certain only when the device model has said so. */
static void after_logdirty_off(void *ctx, const struct xsr_err *err,
                               json_t *result)
{
    struct xsr_save *s = ctx;

    if (!err)
        s->halt.dm_logdirty = false;
    after_logdirty(s, err, result);
}

static void switch_logdirty(struct xsr_save *s, bool on)
{
    s->halt.logdirty = true; /* the helper does that in Xen */
    if (s->subject.type == XENSR_PVH) {
        xsr_helper_answer(&s->helper, SWITCHED);
        return;
    }
    if (s->subject.type == XENSR_PV || (on && xsr_save_failing(s))) {
        xsr_helper_answer(&s->helper, NOT_SWITCHED);
        return;
    }
    if (on)
        s->halt.dm_logdirty = true;
    if (ask_dm(s, "xen-set-global-dirty-log", json_pack("{s:b}", "enable", on),
               -1, XSR_QMP_MS, on ? after_logdirty : after_logdirty_off) < 0)
        xsr_helper_answer(&s->helper, NOT_SWITCHED);
}

/* ---- the device model's state -------------------------------------------- */

static void refuse(struct xsr_save *s, const struct xsr_err *err)
{
    s->state_wanted = false;
    xsr_close(&s->state_fd);
    xsr_qmp_close(&s->qmp);
    xsr_save_fail(s, err);
    xsr_helper_answer(&s->helper, REFUSED);
    xsr_save_check_end(s);
}

static void grant(struct xsr_save *s)
{
    s->state_wanted = false;
    xsr_close(&s->state_fd);
    xsr_qmp_close(&s->qmp);
    xsr_helper_answer(&s->helper, GRANTED);
}

static void after_fd_removed(void *ctx, const struct xsr_err *err,
                             json_t *result)
{
    struct xsr_save *s = ctx;

    (void)result;
    if (err) /* it forgets the descriptor when we hang up, at the latest */
        xsr_log(&s->x->log, XSR_LOG_DEBUG, "%s", err->text);
    grant(s);
}

static void after_state_saved(void *ctx, const struct xsr_err *err,
                              json_t *result)
{
    struct xsr_save *s = ctx;

    (void)result;
    if (err) {
        refuse(s, err);
        return;
    }
    if (ask_dm(s, "remove-fd", json_pack("{s:i}", "fdset-id", FDSET_ID), -1,
               XSR_QMP_MS, after_fd_removed) < 0)
        refuse(s, &s->err);
}

static void after_fd_added(void *ctx, const struct xsr_err *err, json_t *result)
{
    struct xsr_save *s = ctx;
    json_t *args;
    char name[40];

    (void)result;
    if (err) {
        refuse(s, err);
        return;
    }
    snprintf(name, sizeof(name), "/dev/fdset/%d", FDSET_ID);
    args = json_pack("{s:s}", "filename", name);
    /* since QEMU 2.11: release the disks' locks. The guest goes away, and a
       receiver's device model starts before this one ends ("cont" takes them
       again) */
    if (args && (s->qmp.major > 2 || (s->qmp.major == 2 && s->qmp.minor >= 11)))
        json_object_set_new(
            args, "live",
            json_boolean(s->params->live ||
                         s->params->keep == XENSR_KEEP_NOTHING));
    if (ask_dm(s, "xen-save-devices-state", args, -1, STATE_MS,
               after_state_saved) < 0)
        refuse(s, &s->err);
}

/* Whatever lies there is of a save that died. */
static int create_state_file(struct xsr_save *s, struct xsr_err *err)
{
    snprintf(s->state_path, sizeof(s->state_path), "%s/qemu-save.%u",
             s->x->dm_dir, s->params->domid);
    if (unlink(s->state_path) < 0 && errno != ENOENT)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot remove %s",
                            s->state_path);
    s->state_fd =
        open(s->state_path,
             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (s->state_fd < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot create %s",
                            s->state_path);
    s->has_state_file = true;
    return 0;
}

static void after_stopped(void *ctx, const struct xsr_err *err, json_t *result)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_save *s = ctx;

    (void)result;
    if (!err && create_state_file(s, &mine) < 0)
        err = &mine;
    if (err) {
        refuse(s, err);
        return;
    }
    if (ask_dm(s, "add-fd",
               json_pack("{s:i,s:s}", "fdset-id", FDSET_ID, "opaque",
                         s->state_path),
               s->state_fd, XSR_QMP_MS, after_fd_added) < 0)
        refuse(s, &s->err);
}

/* ---- suspend ------------------------------------------------------------- */

static void after_suspended(void *ctx, const struct xsr_err *err)
{
    struct xsr_save *s = ctx;

    if (!err && xsr_save_failing(s))
        err = &s->err;
    if (err) {
        refuse(s, err);
        return;
    }
    s->suspended_ms = xsr_now_ms();
    xsr_log(&s->x->log, XSR_LOG_DEBUG, "domain %u is suspended",
            s->params->domid);
    if (s->subject.type != XENSR_HVM) {
        grant(s);
        return;
    }
    s->state_wanted = true;
    /* of a guest that was suspended before it may have been stopped, too */
    s->halt.dm_stopped = s->dm_running;
    if (ask_dm(s, "stop", NULL, -1, XSR_QMP_MS, after_stopped) < 0)
        refuse(s, &s->err);
}

/* Pages that are still to be sent. */
static uint64_t pages_to_come(const struct xsr_save *s)
{
    const struct xsr_helper_results *r = &s->helper.results;
    uint64_t all = s->subject.state.n_pages, dirty = 0, rest;
    struct xsr_err err = XSR_ERR_INIT;

    if (!s->helper.live || r->n_rounds == 0)
        return s->params->verify ? 2 * all : all;
    if (s->params->verify)
        return 2 * all;
    if (xsr_domain_count_dirty(s->xen, s->params->domid, &dirty, &err) < 0)
        dirty = r->round_pages;
    rest = r->n_rounds < USUAL_ROUNDS ? USUAL_REST : r->round_pages;
    return xsr_min(all, rest + 2 * dirty);
}

static int ask_caller(struct xsr_save *s, struct xsr_err *err)
{
    char text[XSR_ERR_TEXT] = "the application refuses the rest of the save";
    uint64_t bytes = pages_to_come(s) * SENT_PAGE_BYTES + OTHER_BYTES +
                     (uint64_t)(s->subject.state.max_vcpu + 1) * VCPU_BYTES;

    if (s->subject.type == XENSR_HVM)
        bytes += EMULATOR_BYTES;
    if (!s->params->on_suspend ||
        s->params->on_suspend(s->params->ctx, bytes, text, sizeof(text)) == 0)
        return 0;
    return xsr_fail(err, XSR_E_IO, "%s", text);
}

static void suspend_guest(struct xsr_save *s)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_save_failing(s)) {
        xsr_helper_answer(&s->helper, REFUSED);
        return;
    }
    if (ask_caller(s, &err) < 0)
        refuse(s, &err);
    else if (s->was_suspended)
        after_suspended(s, NULL);
    else
        xsr_suspend_start(&s->suspend, after_suspended, s);
}

void xsr_answers_request(void *ctx, const struct xsr_ipc_msg *m)
{
    struct xsr_save *s = ctx;

    if (m->msg == XSR_MSG_SWITCH_LOGDIRTY)
        switch_logdirty(s, m->u.logdirty.enable);
    else
        suspend_guest(s);
}

/* ---- giving up ----------------------------------------------------------- */

void xsr_answers_stop(struct xsr_save *s)
{
    if (xsr_suspend_active(&s->suspend)) {
        xsr_suspend_cancel(&s->suspend, &s->err);
    } else if (xsr_qmp_busy(&s->qmp)) {
        /* what it was asked for may happen yet: it will be asked for the
           opposite, and do that afterwards */
        xsr_qmp_close(&s->qmp);
        xsr_close(&s->state_fd);
        xsr_helper_answer(&s->helper, s->state_wanted ? REFUSED : NOT_SWITCHED);
        s->state_wanted = false;
    }
}
