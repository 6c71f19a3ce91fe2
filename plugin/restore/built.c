/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the end of the stream to the running domain:
 *
 *   xsr_restore_build: its nodes finished, introduced to xenstore
 *     -> HVM: after_device_model
 *     -> start_domain: unpaused, unless it stays paused
 *     -> xsr_restore_done (restore.c)
 *
 * The unpause is last: what can fail has been done before.
 */
#include "plugin/restore/restore.h"

#include <stdio.h>
#include <string.h>

static void fill_results(struct xsr_restore *r)
{
    const struct xsr_config *c = &r->config;
    struct xensr_restored *o = &r->out;

    o->domid = r->bare.domid;
    o->guest = c->type;
    memcpy(o->name, c->name, sizeof(o->name));
    memcpy(o->uuid, c->uuid_text, sizeof(o->uuid));
    o->n_vcpus = c->max_vcpus;
    o->memory_kb = c->target_memkb;
    o->store_gfn = r->bare.store_gfn;
    o->console_gfn = r->bare.console_gfn;
    o->store_port = r->bare.store_port;
    o->console_port = r->bare.console_port;
    if (r->emu.has_name)
        snprintf(o->emulator_file, sizeof(o->emulator_file), "%.255s",
                 r->emu.name);
    o->emulator_len = r->emu.len;
    if (r->src.pos_known)
        o->stream_bytes = r->src.pos - r->stream_pos;
}

/* Without one, only whoever asked for it lets an HVM domain run. */
static bool lacks_device_model(const struct xsr_restore *r)
{
    return r->config.type == XENSR_HVM && !r->has_device_model &&
           !r->params->start_hvm;
}

static int start_domain(struct xsr_restore *r, struct xsr_err *err)
{
    uint32_t domid = r->bare.domid;

    if (r->x->stop_wanted)
        return xsr_fail(err, XSR_E_STOPPED, "interrupted");
    r->out.paused = r->params->paused || lacks_device_model(r);
    if (r->out.paused && !r->params->paused)
        xsr_log(&r->x->log, XSR_LOG_WARN,
                "domain %u is left paused: an HVM guest needs a device model, "
                "and none is named (XENSR_DEVICE_MODEL); its state is in %s",
                domid, r->out.emulator_file);
    if (r->out.paused)
        return 0;
    if (xsr_dm_cont(&r->x->log, r->xs, r->x->run_dir, domid, err) < 0)
        return -1;
    return xsr_domain_unpause(r->xen, domid, err);
}

static void finish_build(struct xsr_restore *r)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (start_domain(r, &err) < 0)
        xsr_restore_fail(r, &err);
    else
        xsr_restore_done(r);
}

/* ---- the device model ---------------------------------------------------- */

static int undo_device_model(void *ctx, struct xsr_err *err)
{
    struct xsr_restore *r = ctx;

    return xsr_dm_start_undo(&r->dm, err);
}

/* It has read its state, which goes as with libxl. */
static void after_device_model(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_restore *r = ctx;

    if (!err && xsr_emu_file_remove(&r->emu, &mine) < 0)
        err = &mine;
    if (err) {
        xsr_restore_fail(r, err);
        return;
    }
    r->has_device_model = true;
    r->out.emulator_file[0] = '\0';
    finish_build(r);
}

static int start_device_model(struct xsr_restore *r, struct xsr_err *err)
{
    struct xsr_dm_start *s = &r->dm;

    s->loop = r->loop;
    s->log = &r->x->log;
    s->xs = r->xs;
    s->path = r->x->device_model;
    s->run_dir = r->x->run_dir;
    s->state_file = r->emu.name;
    s->domid = r->bare.domid;
    s->config = &r->config;
    s->patience_ms = XSR_DM_START_MS;
    s->on_done = after_device_model;
    s->ctx = r;
    xsr_undo_push(r->x, undo_device_model, r, "device model of domain %u",
                  r->bare.domid);
    return xsr_dm_start(s, err);
}

/* ---- the domain ---------------------------------------------------------- */

static int build_domain(struct xsr_restore *r, struct xsr_err *err)
{
    const struct xsr_bare *b = &r->bare;

    if (xsr_skeleton_finish(r->xs, b, err) < 0 ||
        xsr_xs_introduce(r->xs, b->domid, b->store_gfn, b->store_port, err) <
            0 ||
        xsr_domain_count_pages(r->xen, b->domid, &r->out.n_pages, err) < 0)
        return -1;
    fill_results(r);
    return 0;
}

void xsr_restore_build(struct xsr_restore *r)
{
    struct xsr_err err = XSR_ERR_INIT;
    bool model = r->config.type == XENSR_HVM && r->x->device_model[0];

    if (build_domain(r, &err) < 0 || (model && start_device_model(r, &err) < 0))
        xsr_restore_fail(r, &err);
    else if (!model)
        finish_build(r);
}
