/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A save from top to bottom: look at the domain, switch on what tracks its
 * writes, write the head, the memory (rounds.c), the state, END; and whatever
 * happens, switch off again what was switched on.
 *
 * A checkpointed save repeats memory and state, with a CHECKPOINT behind each,
 * until a callback ends it or something fails; END is not written then. While
 * a callback runs the stream belongs to the toolstack.
 */
#include "engine/save/save.h"

#include <stdlib.h>
#include <string.h>

#include "engine/xen_get.h"
#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/blobs.h"

#define IMAGE_VERSION 3u

/* ---- before the stream --------------------------------------------------- */

static int check_caller(const struct xsr_save *sv, struct xsr_err *err)
{
    const struct xsr_engine_save *arg = sv->arg;
    const struct xsr_engine_save_ops *ops = arg->ops;
    bool plain = arg->stream_type == XSR_STREAM_IS_PLAIN;
    bool colo = arg->stream_type == XSR_STREAM_IS_COLO;

    if (!ops || !ops->suspend)
        return xsr_fail(err, XSR_E_BUG, "a save without a suspend callback");
    if (!plain && (!arg->live || !ops->checkpoint || !ops->postcopy))
        return xsr_fail(err, XSR_E_BUG,
                        "a checkpointed save must be live and needs the "
                        "callbacks postcopy and checkpoint");
    if (colo && (!ops->wait_checkpoint || arg->back_fd < 0))
        return xsr_fail(err, XSR_E_BUG,
                        "a COLO save needs the callback wait_checkpoint and a "
                        "back channel");
    if (colo && !sv->dom.hvm)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "domain %u is a PV guest, COLO works with HVM and PVH "
                        "guests only",
                        sv->xen.domid);
    if (sv->ops->has_device_model && !ops->switch_qemu_logdirty)
        return xsr_fail(err, XSR_E_BUG,
                        "a save of an HVM guest without a callback to its "
                        "device model");
    return 0;
}

static int start_device_model(struct xsr_save *sv, struct xsr_err *err)
{
    struct xsr_engine_save *arg = sv->arg;

    if (!sv->ops->has_device_model)
        return 0;
    if (arg->ops->switch_qemu_logdirty(arg->ops_ctx, arg->domid, true))
        return xsr_fail(err, XSR_E_PEER,
                        "the device model of domain %u did not begin to track "
                        "its writes",
                        arg->domid);
    sv->dm_logs = true;
    return 0;
}

static void stop_device_model(struct xsr_save *sv)
{
    struct xsr_engine_save *arg = sv->arg;

    if (!sv->dm_logs)
        return;
    sv->dm_logs = false;
    if (arg->ops->switch_qemu_logdirty(arg->ops_ctx, arg->domid, false))
        xsr_log(sv->log, XSR_LOG_WARN,
                "the device model of domain %u still tracks its writes, which "
                "slows it down",
                arg->domid);
}

/* Live, or as the caller may have allowed, not live. *live_out says which. */
static int choose_mode(struct xsr_save *sv, bool *live_out, struct xsr_err *err)
{
    struct xsr_engine_save *arg = sv->arg;
    char why[64];

    *live_out = arg->live;
    if (!arg->live || xsr_save_start_tracking(sv, err) == 0)
        return 0;
    if (!arg->live_fallback || arg->stream_type != XSR_STREAM_IS_PLAIN)
        return -1;
    xsr_log(sv->log, XSR_LOG_WARN,
            "this host cannot track what the guest writes (%s): domain %u is "
            "saved while it is suspended, so the pause is as long as the whole "
            "transfer",
            strerror_r(err->sys, why, sizeof(why)), arg->domid);
    xsr_err_clear(err);
    arg->fell_back = true;
    *live_out = false;
    return 0;
}

static int prepare(struct xsr_save *sv, bool *live_out, struct xsr_err *err)
{
    uint64_t n;

    if (sv->ops->setup(sv, err) < 0 || sv->ops->n_pfns(sv, &n, err) < 0 ||
        xsr_dirty_resize(&sv->dirty, &sv->xen, n, err) < 0)
        return -1;
    if (start_device_model(sv, err) < 0)
        return -1;
    if (choose_mode(sv, live_out, err) < 0)
        return -1;
    return xsr_save_ahead_start(sv, err);
}

/* ---- records ------------------------------------------------------------- */

static int put_policies(struct xsr_save *sv, struct xsr_err *err)
{
    struct xsr_buf cpuid = XSR_BUF_INIT, msr = XSR_BUF_INIT;
    int rc = xsr_xen_get_policy(&sv->xen, &cpuid, &msr, err);

    if (rc == 0 && cpuid.len)
        rc = xsr_writer_put(&sv->out, XSR_XC3_X86_CPUID_POLICY, cpuid.p,
                            cpuid.len, err);
    if (rc == 0 && msr.len)
        rc = xsr_writer_put(&sv->out, XSR_XC3_X86_MSR_POLICY, msr.p, msr.len,
                            err);
    xsr_buf_fini(&cpuid);
    xsr_buf_fini(&msr);
    return rc;
}

static int write_head(struct xsr_save *sv, struct xsr_err *err)
{
    struct xsr_buf *buf = &sv->out.buf;
    uint32_t major, minor;

    xsr_progress(sv->log, "Start of stream", 0, 0);
    if (xsr_xen_get_version(&sv->xen, &major, &minor, err) < 0 ||
        xsr_xc3_put_ihdr(buf, IMAGE_VERSION, err) < 0 ||
        xsr_xc3_put_dhdr(buf, sv->ops->guest, major, minor, err) < 0 ||
        sv->ops->put_static(sv, err) < 0 || put_policies(sv, err) < 0 ||
        xsr_writer_put(&sv->out, XSR_XC3_STATIC_DATA_END, NULL, 0, err) < 0 ||
        sv->ops->put_start(sv, err) < 0)
        return -1;
    return xsr_writer_flush(&sv->out, err);
}

static int put_tsc(struct xsr_save *sv, struct xsr_err *err)
{
    struct xsr_tsc_info tsc;
    uint8_t body[24] = {0};

    if (xsr_xen_get_tsc(&sv->xen, &tsc, err) < 0)
        return -1;
    xsr_st_le32(body, tsc.mode);
    xsr_st_le32(body + 4, tsc.khz);
    xsr_st_le64(body + 8, tsc.nsec);
    xsr_st_le32(body + 16, tsc.incarnation);
    return xsr_writer_put(&sv->out, XSR_XC3_X86_TSC_INFO, body, sizeof(body),
                          err);
}

/* What a receiver needs beside memory, of the guest as it stands still. */
static int put_state(struct xsr_save *sv, struct xsr_err *err)
{
    if (!sv->n_records)
        return xsr_fail(err, XSR_E_XEN,
                        "domain %u has no memory that could be saved",
                        sv->xen.domid);
    if (xsr_save_check_suspended(sv, err) < 0 || put_tsc(sv, err) < 0)
        return -1;
    return sv->ops->put_state(sv, err);
}

/* ---- checkpoints --------------------------------------------------------- */

static int ask(struct xsr_save *sv, int (*callback)(void *ctx),
               const char *name, struct xsr_err *err)
{
    struct xsr_engine_save *arg = sv->arg;
    int r = callback(arg->ops_ctx);

    if (r > 0)
        return 0;
    arg->refused_by = name;
    arg->refused = r;
    return xsr_fail(err, r ? XSR_E_PEER : XSR_E_STOPPED,
                    "the checkpointed save of domain %u ended behind "
                    "checkpoint %llu: the toolstack answered %d to %s",
                    arg->domid, (unsigned long long)sv->n_checkpoints, r, name);
}

/*
 * Remus lets the guest run before it commits, COLO commits first. The guest
 * may run as soon as postcopy was called.
 */
static int end_checkpoint(struct xsr_save *sv, struct xsr_err *err)
{
    const struct xsr_engine_save_ops *ops = sv->arg->ops;

    if (xsr_writer_put(&sv->out, XSR_XC3_CHECKPOINT, NULL, 0, err) < 0 ||
        xsr_writer_flush(&sv->out, err) < 0)
        return -1;
    sv->n_checkpoints++;
    /* It may take long, and the guest be another one, until the next. */
    xsr_keep_limit(&sv->keep, XSR_KEEP_RUNNING);
    xsr_keep_drop(&sv->keep);
    if (sv->arg->stream_type == XSR_STREAM_IS_REMUS) {
        sv->suspended = false;
        if (ask(sv, ops->postcopy, "postcopy", err) < 0)
            return -1;
        return ask(sv, ops->checkpoint, "checkpoint", err);
    }
    if (!ops->checkpoint(sv->arg->ops_ctx))
        return xsr_fail(err, XSR_E_PEER,
                        "the toolstack could not complete checkpoint %llu of "
                        "domain %u",
                        (unsigned long long)sv->n_checkpoints, sv->xen.domid);
    sv->suspended = false;
    if (ask(sv, ops->postcopy, "postcopy", err) < 0)
        return -1;
    return ask(sv, ops->wait_checkpoint, "wait_checkpoint", err);
}

static int write_checkpoints(struct xsr_save *sv, struct xsr_err *err)
{
    if (xsr_save_memory_live(sv, err) < 0)
        return -1;
    for (;;) {
        if (put_state(sv, err) < 0 || end_checkpoint(sv, err) < 0 ||
            xsr_save_memory_checkpoint(sv, err) < 0)
            return -1;
    }
}

/* ---- the whole ----------------------------------------------------------- */

static int write_plain(struct xsr_save *sv, bool live, struct xsr_err *err)
{
    if ((live ? xsr_save_memory_live : xsr_save_memory_still)(sv, err) < 0 ||
        put_state(sv, err) < 0)
        return -1;
    xsr_progress(sv->log, "End of stream", 0, 0);
    if (xsr_writer_put(&sv->out, XSR_XC3_END, NULL, 0, err) < 0 ||
        xsr_writer_flush(&sv->out, err) < 0)
        return -1;
    xsr_progress(sv->log, "Complete", 0, 0);
    return 0;
}

static int save_domain(struct xsr_save *sv, struct xsr_err *err)
{
    bool live;

    if (xsr_xen_get_domain(&sv->xen, &sv->dom, err) < 0)
        return -1;
    sv->ops = sv->dom.hvm ? &xsr_save_hvm : &xsr_save_pv;
    if (check_caller(sv, err) < 0 || prepare(sv, &live, err) < 0)
        return -1;
    xsr_log(sv->log, XSR_LOG_INFO, "Saving domain %u, type %s%s", sv->xen.domid,
            sv->ops->name, live ? ", live" : "");
    if (write_head(sv, err) < 0)
        return -1;
    if (sv->arg->stream_type != XSR_STREAM_IS_PLAIN)
        return write_checkpoints(sv, err);
    return write_plain(sv, live, err);
}

int xsr_engine_save(struct xsr_engine_save *s, struct xsr_err *err)
{
    struct xsr_save *sv = calloc(1, sizeof(*sv));
    int rc = -1;

    if (!sv)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a save");
    sv->arg = s;
    sv->log = s->log;
    s->n_pages = s->n_rounds = 0;
    s->fell_back = false;
    s->refused_by = NULL;
    s->refused = 0;
    xsr_dirty_init(&sv->dirty);
    xsr_writer_init(&sv->out, s->fd);
    if (xsr_xen_init(&sv->xen, s->xch, s->domid, err) == 0) {
        xsr_keep_init(&sv->keep, &sv->xen, s->process_ends);
        rc = save_domain(sv, err);
    }

    xsr_save_ahead_stop(sv);
    xsr_save_stop_tracking(sv);
    stop_device_model(sv);
    if (sv->ops)
        sv->ops->cleanup(sv);
    xsr_keep_fini(&sv->keep);
    xsr_dirty_fini(&sv->dirty, &sv->xen);
    xsr_xen_fini(&sv->xen);
    xsr_writer_fini(&sv->out);
    free(sv);
    return rc;
}
