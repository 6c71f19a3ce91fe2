/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sending side of a migration, as `xl migrate` does it: a save whose output
 * is the receiver's input, and a handshake that gives the guest away.
 *
 *   xensr_migrate: BANNER awaited
 *     -> xensr_save: header, configuration, stream up to END
 *        -> on_suspend: is the receiver still there?
 *        -> hand_over: READY awaited, renamed to NAME--migratedaway, GO sent
 *           -> settle: REPORT CODE awaited; CODE 0: destroyed here
 *
 * The guest is the receiver's from the moment when the last octet of GO was
 * accepted: until then every failure leaves it running here, afterwards only
 * the receiver's word decides, and without it the guest stays suspended here.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plugin/context.h"
#include "plugin/host/host.h"
#include "plugin/migrate/handshake.h"
#include "plugin/migrate/names.h"

#define BANNER_MS (5u * 60 * 1000)
#define READY_MS  (10u * 60 * 1000)
#define REPORT_MS (2u * 60 * 1000)

struct sending {
    struct xensr *x;
    const struct xensr_migrate_params *params;
    struct xsr_hs_peer peer;
    char name[XSR_NAME_MAX]; /* "": the domain has none */
    char away[XSR_NAME_MAX];
    bool renamed;
    char look[sizeof(((struct xensr *)0)->text)]; /* what to look at */
};

/* The receiver's faults are no damaged input of ours. */
static int blame(struct xsr_err *err)
{
    if (err->kind == XSR_E_EOF || err->kind == XSR_E_FORMAT)
        err->kind = XSR_E_PEER;
    return -1;
}

static int await(struct sending *s, enum xsr_hs_msg msg, unsigned default_ms,
                 struct xsr_err *err)
{
    s->peer.wait_ms = s->params->answer_ms ? s->params->answer_ms : default_ms;
    return xsr_hs_expect(&s->peer, msg, err) < 0 ? blame(err) : 0;
}

/* ---- before the stream --------------------------------------------------- */

static int read_names(struct sending *s, struct xsr_err *err)
{
    uint32_t domid = s->params->domid;
    struct xsr_xen *xen = NULL;
    struct xsr_xs *xs = NULL;
    int rc = -1;

    /* room for the suffix, and nothing begun if there is none */
    if (xsr_xen_open(&s->x->log, &xen, err) == 0 &&
        xsr_xs_open(&xs, err) == 0 &&
        xsr_domain_check_exists(xen, domid, err) == 0)
        rc = xsr_names_read(xs, domid, s->name,
                            sizeof(s->name) - sizeof(XSR_NAME_AWAY) + 1, err);
    xsr_xs_close(xs);
    xsr_xen_close(xen);
    if (rc == 0)
        snprintf(s->away, sizeof(s->away), "%.112s" XSR_NAME_AWAY, s->name);
    return rc;
}

/* ---- while the guest still runs ------------------------------------------ */

/* Between BANNER and READY a receiver says nothing. */
static int on_suspend(void *ctx, uint64_t bytes_to_come, char *text,
                      unsigned text_len)
{
    struct sending *s = ctx;
    struct pollfd pfd = {s->params->in_fd, POLLIN, 0};
    struct xsr_err err = XSR_ERR_INIT;

    (void)bytes_to_come;
    if (poll(&pfd, 1, 0) <= 0 || !pfd.revents)
        return 0;
    s->peer.wait_ms = 1000;
    if (xsr_hs_expect(&s->peer, XSR_HS_READY, &err) == 0)
        snprintf(text, text_len,
                 "the receiver calls the guest complete before it was sent");
    else
        snprintf(text, text_len, "%s", err.text);
    return -1;
}

/* ---- giving it away -------------------------------------------------------
 */

static int rename_back(struct sending *s)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (!s->renamed ||
        xsr_names_change(s->x, s->params->domid, s->away, s->name, &err) == 0)
        return 0;
    xsr_log(&s->x->log, XSR_LOG_WARN,
            "domain %u is still called \"%s\": %s; give it its name again "
            "with xensr rename %u %s",
            s->params->domid, s->away, err.text, s->params->domid, s->name);
    return -1;
}

static int give_away(struct sending *s, struct xsr_err *err)
{
    if (await(s, XSR_HS_READY, READY_MS, err) < 0)
        return -1;
    if (s->name[0]) {
        if (xsr_names_change(s->x, s->params->domid, s->name, s->away, err) < 0)
            return xsr_err_prefix(err, "before handing the guest over");
        s->renamed = true;
    }
    s->peer.wait_ms = s->params->answer_ms ? s->params->answer_ms : REPORT_MS;
    xsr_log(&s->x->log, XSR_LOG_INFO,
            "domain %u is given to the receiver; from here on it is the "
            "receiver's word that counts (awaited up to %u s)",
            s->params->domid, s->peer.wait_ms / 1000);
    return xsr_hs_send(&s->peer, XSR_HS_GO, err) < 0 ? blame(err) : 0;
}

/* Nobody can tell who has it: everything that the operator needs. */
static enum xensr_verdict unknown(struct sending *s, const char *what,
                                  char *text, unsigned text_len)
{
    uint32_t domid = s->params->domid;
    const char *name = s->name[0] ? s->name : "the guest";
    char names[3 * XSR_NAME_MAX] = "", back[XSR_NAME_MAX + 40] = "";

    if (s->name[0]) {
        snprintf(names, sizeof(names), " as \"%s\"", s->away);
        snprintf(back, sizeof(back), "xensr rename %u %s && ", domid, s->name);
    }
    snprintf(s->look, sizeof(s->look),
             "domain %u was handed over to the receiver, but %s. It stays "
             "suspended here%s; the receiver may run it or not. Look there "
             "(xl list): if \"%s\" runs, destroy it here with: xensr destroy "
             "%u; if it does not, destroy what is left of it there (\"%s"
             "%s\"), then let it run on here with: %sxensr resume %u",
             domid, what, names, name, domid, name,
             s->name[0] ? XSR_NAME_INCOMING : "", back, domid);
    snprintf(text, text_len, "%s", s->look);
    return XENSR_UNKNOWN;
}

static enum xensr_verdict given_back(struct sending *s, unsigned char code,
                                     char *text, unsigned text_len)
{
    struct xsr_err err = XSR_ERR_INIT;
    char what[XSR_ERR_TEXT + 160];

    if (await(s, XSR_HS_GO, REPORT_MS, &err) < 0) {
        snprintf(what, sizeof(what),
                 "it could not be started there (result %u), and whether it is "
                 "destroyed there is not known: %s",
                 code, err.text);
        return unknown(s, what, text, text_len);
    }
    rename_back(s);
    if (code == XSR_HS_NO_GO)
        snprintf(text, text_len,
                 "the receiver did not understand the order to start the "
                 "guest, and has destroyed its copy");
    else
        snprintf(text, text_len,
                 "the receiver could not start the guest (its result: libxl "
                 "error -%u), and has destroyed its copy; its own messages say "
                 "why",
                 code);
    return XENSR_REFUSED;
}

/* From here on a request to stop comes too late. */
static enum xensr_verdict settle(struct sending *s, char *text,
                                 unsigned text_len)
{
    struct xsr_err err = XSR_ERR_INIT;
    unsigned char code = XSR_HS_NO_GO;

    s->peer.stop_fd = -1;
    if (await(s, XSR_HS_REPORT, REPORT_MS, &err) < 0 ||
        (xsr_hs_get_code(&s->peer, &code, &err) < 0 && blame(&err) < 0))
        return unknown(s, err.text, text, text_len);
    if (code != XSR_HS_RUNNING)
        return given_back(s, code, text, text_len);
    return XENSR_SAFE;
}

static enum xensr_verdict hand_over(void *ctx,
                                    const struct xensr_save_stats *stats,
                                    char *text, unsigned text_len)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct sending *s = ctx;

    (void)stats;
    if (give_away(s, &err) == 0)
        return settle(s, text, text_len);
    rename_back(s);
    snprintf(text, text_len, "%s", err.text);
    return XENSR_REFUSED;
}

/* ---- all of it ------------------------------------------------------------
 */

static int send_domain(struct sending *s, struct xensr_saved *saved_out)
{
    const struct xensr_save_params save = {
        .domid = s->params->domid,
        .fd = s->params->out_fd,
        .live = s->params->live,
        .verify = s->params->verify,
        .config_json = s->params->config_json,
        .suspend_ms = s->params->suspend_ms,
        .keep = XENSR_KEEP_NOTHING,
        .on_suspend = on_suspend,
        .on_written = hand_over,
        .ctx = s,
    };
    struct xensr *x = s->x;
    int rc;

    xsr_parts_begin(x);
    rc = xensr_save(x, &save, saved_out);
    xsr_parts_end(x);
    if (s->look[0])
        memcpy(x->text, s->look, sizeof(x->text));
    return rc;
}

int xensr_migrate(struct xensr *x, const struct xensr_migrate_params *params,
                  struct xensr_saved *saved_out)
{
    struct sending s = {
        .x = x,
        .params = params,
        .peer = {params->in_fd, params->out_fd, x->stop_fd, 0, "receiver"},
    };
    struct xsr_err err = XSR_ERR_INIT;
    char text[sizeof(x->text)];
    uint64_t offset;
    int rc = xsr_context_begin(x);

    if (rc != XENSR_OK)
        return rc;
    if (read_names(&s, &err) < 0 ||
        await(&s, XSR_HS_BANNER, BANNER_MS, &err) < 0)
        return xsr_context_end(x, &err);
    rc = send_domain(&s, saved_out);
    /* end() sets the text anew; the part's own is the better one */
    memcpy(text, x->text, sizeof(text));
    offset = x->error_offset;
    xsr_context_end(x, &err);
    memcpy(x->text, text, sizeof(text));
    x->error_offset = offset;
    return rc;
}
