/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The receiving side of a migration, as `xl migrate-receive` does it, for a
 * sender that is xensr_migrate() or `xl migrate`:
 *
 *   xensr_receive: BANNER sent
 *     -> xensr_restore: paused, called NAME--incoming
 *     -> accept_guest: READY sent, GO awaited
 *     -> start_guest: renamed to NAME, unpaused
 *     -> REPORT 0 sent
 *   or, after READY, give_back: destroyed, then REPORT CODE and GO sent
 *
 * Until GO has come whole, the guest is the sender's and is destroyed here
 * whatever happens; from then on it is ours, and is given back only by
 * destroying it first.
 */
#include <stdio.h>
#include <string.h>

#include "plugin/context.h"
#include "plugin/host/host.h"
#include "plugin/migrate/handshake.h"
#include "plugin/migrate/names.h"
#include "plugin/migrate/unpause.h"
#include "plugin/restore/twin.h"

#define GO_MS   (10u * 60 * 1000)
#define TELL_MS (30u * 1000)

struct receiving {
    struct xensr *x;
    const struct xensr_receive_params *params;
    struct xsr_hs_peer peer;
    struct xensr_restored guest;
    char name[XSR_NAME_MAX]; /* without the suffix */
};

static unsigned patience(const struct receiving *r, unsigned default_ms)
{
    return r->params->answer_ms ? r->params->answer_ms : default_ms;
}

/* ---- giving it back -------------------------------------------------------
 */

/* 0: nothing is left of it. The text of the failure is the caller's. */
static int destroy_guest(struct receiving *r, char *text, size_t text_len)
{
    int rc;

    xsr_parts_begin(r->x);
    rc = xensr_destroy(r->x, r->guest.domid);
    xsr_parts_end(r->x);
    if (rc != XENSR_OK)
        snprintf(text, text_len,
                 "; LEFT BEHIND, please look: domain %u (%.200s): destroy it "
                 "(xensr destroy %u) before the guest runs on at the sender",
                 r->guest.domid, xensr_error(r->x), r->guest.domid);
    return rc;
}

/* The sender may let it run again as soon as it hears our GO. */
static int give_back(struct receiving *r, unsigned char code,
                     const struct xsr_err *why)
{
    struct xsr_err unheard = XSR_ERR_INIT;
    char text[sizeof(r->x->text)] = "";
    int left = destroy_guest(r, text, sizeof(text)), rc;
    size_t len;

    r->peer.stop_fd = -1;
    r->peer.wait_ms = patience(r, TELL_MS);
    if (xsr_hs_send(&r->peer, XSR_HS_REPORT, &unheard) == 0 &&
        xsr_hs_send_code(&r->peer, code, &unheard) == 0 && left == XENSR_OK)
        xsr_hs_send(&r->peer, XSR_HS_GO, &unheard);
    rc = xsr_context_end(r->x, why);
    if (left == XENSR_OK && why->kind != XSR_E_STOPPED)
        snprintf(text, sizeof(text), "; nothing is left of it here");
    len = strlen(r->x->text);
    snprintf(r->x->text + len, sizeof(r->x->text) - len, "%s", text);
    return left != XENSR_OK ? XENSR_LOOK : rc;
}

/* ---- taking it ------------------------------------------------------------
 */

static int accept_guest(struct receiving *r, struct xsr_err *err)
{
    r->peer.wait_ms = patience(r, GO_MS);
    if (xsr_hs_send(&r->peer, XSR_HS_READY, err) < 0 ||
        xsr_hs_expect(&r->peer, XSR_HS_GO, err) < 0) {
        if (err->kind == XSR_E_EOF || err->kind == XSR_E_FORMAT)
            err->kind = XSR_E_PEER;
        return xsr_err_prefix(err, "the guest was received, but not given");
    }
    return 0;
}

static int start_guest(struct receiving *r, struct xsr_err *err)
{
    /* the sender said that its own is suspended; here it can be seen */
    if (r->params->same_host && xsr_twin_check(r->x, r->guest.domid, err) < 0)
        return xsr_err_prefix(err,
                              "the guest was received, but is not started");
    if (r->name[0] &&
        xsr_names_change(r->x, r->guest.domid, r->guest.name, r->name, err) < 0)
        return xsr_err_prefix(err, "the guest was received, but cannot get its "
                                   "name");
    memcpy(r->guest.name, r->name, sizeof(r->name));
    if (r->params->paused)
        return 0;
    if (xsr_unpause(r->x, r->guest.domid, err) < 0)
        return xsr_err_prefix(err, "the guest was received, but does not "
                                   "start");
    r->guest.paused = false;
    return 0;
}

/* It runs here, and that is so whether the sender hears it or not. */
static int report(struct receiving *r)
{
    struct xsr_err err = XSR_ERR_INIT, none = XSR_ERR_INIT;
    int rc;

    r->peer.stop_fd = -1;
    r->peer.wait_ms = patience(r, TELL_MS);
    if (xsr_hs_send(&r->peer, XSR_HS_REPORT, &err) == 0)
        xsr_hs_send_code(&r->peer, XSR_HS_RUNNING, &err);
    rc = xsr_context_end(r->x, &none);
    if (err.kind == XSR_E_OK)
        return rc;
    snprintf(r->x->text, sizeof(r->x->text),
             "domain %u \"%s\" was given to this host and %s here, but the "
             "sender could not be told: %s. Its suspended copy is still there: "
             "destroy it on the sender (%s%s), do not let it run",
             r->guest.domid, r->guest.name,
             r->guest.paused ? "is paused" : "runs", err.text, r->name,
             r->name[0] ? XSR_NAME_AWAY : "same UUID");
    return XENSR_LOOK;
}

/* ---- all of it ------------------------------------------------------------
 */

static int build(struct receiving *r)
{
    const struct xensr_restore_params restore = {
        .fd = r->params->in_fd,
        .name_suffix = XSR_NAME_INCOMING,
        .config_json = r->params->config_json,
        .paused = true,
        .same_host = r->params->same_host,
        .start_hvm = r->params->start_hvm,
        .will_run = !r->params->paused,
    };
    size_t len;
    int rc;

    xsr_parts_begin(r->x);
    rc = xensr_restore(r->x, &restore, &r->guest);
    xsr_parts_end(r->x);
    len = strlen(r->guest.name);
    if (rc == XENSR_OK && len > strlen(XSR_NAME_INCOMING))
        snprintf(r->name, sizeof(r->name), "%.*s",
                 (int)(len - strlen(XSR_NAME_INCOMING)), r->guest.name);
    return rc;
}

/* The text of the part that failed is the operation's. */
static int end_as(struct xensr *x, int rc)
{
    struct xsr_err none = XSR_ERR_INIT;
    uint64_t offset = x->error_offset;
    char text[sizeof(x->text)];

    memcpy(text, x->text, sizeof(text));
    xsr_context_end(x, &none);
    memcpy(x->text, text, sizeof(text));
    x->error_offset = offset;
    return rc;
}

static int receive(struct receiving *r)
{
    struct xsr_err err = XSR_ERR_INIT;
    int rc;

    r->peer.wait_ms = patience(r, TELL_MS);
    if (xsr_hs_send(&r->peer, XSR_HS_BANNER, &err) < 0)
        return xsr_context_end(r->x, &err);
    rc = build(r);
    if (rc != XENSR_OK)
        return end_as(r->x, rc);
    if (accept_guest(r, &err) < 0)
        return give_back(r, XSR_HS_NO_GO, &err);
    if (start_guest(r, &err) < 0)
        return give_back(r, XSR_HS_FAILED, &err);
    return report(r);
}

int xensr_receive(struct xensr *x, const struct xensr_receive_params *params,
                  struct xensr_restored *restored_out)
{
    struct receiving r = {
        .x = x,
        .params = params,
        .peer = {params->in_fd, params->out_fd, x->stop_fd, 0, "sender"},
    };
    int rc = xsr_context_begin(x);

    if (rc != XENSR_OK)
        return rc;
    rc = receive(&r);
    if ((rc == XENSR_OK || rc == XENSR_LOOK) && restored_out)
        *restored_out = r.guest;
    return rc;
}
