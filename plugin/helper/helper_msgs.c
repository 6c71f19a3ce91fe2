/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The conversation with a save helper, without its process: bytes from its
 * stdout become messages, each is permitted now or not (a table), some want an
 * answer, at once or when the owner of the run has it. helper_run.c feeds the
 * bytes and owns pipes, timers and the exit; helper_judge.c has the verdict.
 */
#include "plugin/helper/helper_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/util.h"
#include "plugin/quiet.h"

#define OWN_CONTEXT "xensr-helper"

/* ---- answers ------------------------------------------------------------ */

/*
 * One int to a helper that may be gone: EPIPE, but no SIGPIPE for the program
 * we are part of. The pipe is empty (a helper waits after each request), so
 * four bytes never block.
 */
static int answer(struct xsr_helper *h, int32_t value, struct xsr_err *err)
{
    ssize_t r = xsr_quiet_write(h->to_fd, &value, sizeof(value));

    if (r < 0)
        return xsr_fail_sys(err, XSR_E_PEER, errno,
                            "save helper does not take an answer");
    if ((size_t)r < sizeof(value))
        return xsr_fail(err, XSR_E_PEER,
                        "save helper took only a part of an answer");
    return 0;
}

void xsr_helper_answer(struct xsr_helper *h, int32_t value)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (!h->asked)
        return;
    h->asked = false;
    h->last_life_ms = xsr_now_ms(); /* it is its turn again */
    if (h->to_fd >= 0 && answer(h, value, &err) < 0)
        xsr_log(h->log, XSR_LOG_DEBUG, "%s", err.text);
}

/* ---- messages ----------------------------------------------------------- */

static enum xsr_level level_of(uint32_t xtl)
{
    if (xtl >= XSR_XTL_ERROR)
        return XSR_LOG_ERROR;
    if (xtl >= XSR_XTL_WARN)
        return XSR_LOG_WARN;
    return xtl >= XSR_XTL_INFO ? XSR_LOG_INFO : XSR_LOG_DEBUG;
}

void xsr_helper_log_said(struct xsr_helper *h)
{
    if (h->said[0])
        xsr_log(h->log, XSR_LOG_ERROR, "%s", h->said);
    h->said[0] = '\0';
}

/*
 * An error line is probably the reason of a failure that follows, and then it
 * is told once, as that. Our own helper says one sentence, the last one; of
 * libxenguest's several lines the first is nearest to the cause.
 */
static void on_error_line(struct xsr_helper *h, const char *context,
                          const char *text)
{
    bool ours = strcmp(context, OWN_CONTEXT) == 0;

    if (!h->said[0] || ours) {
        xsr_helper_log_said(h);
        snprintf(h->said, sizeof(h->said), "%s", text);
        h->said_by_us = ours;
    } else {
        xsr_log(h->log, XSR_LOG_ERROR, "%s: %s", context, text);
    }
}

/* Text of another process: printable, and one line. */
static void clean(const char *in, char *out, size_t out_len)
{
    size_t i;

    for (i = 0; in[i] && i + 1 < out_len; i++)
        out[i] = in[i] >= ' ' && in[i] != 0x7f ? in[i] : ' ';
    out[i] = '\0';
}

static int on_log(struct xsr_helper *h, const struct xsr_ipc_msg *m,
                  struct xsr_err *err)
{
    enum xsr_level level = level_of(m->u.log.level);
    char context[64], text[1024];
    size_t len;

    (void)err;
    if (xsr_helper_saw(h, XSR_MSG_COMPLETE))
        return 0; /* nothing that could still matter */
    clean(m->u.log.context, context, sizeof(context));
    clean(m->u.log.text, text, sizeof(text));
    len = strlen(text);
    if (m->u.log.errnoval > 0)
        snprintf(text + len, sizeof(text) - len, ": %s",
                 strerror(m->u.log.errnoval));
    if (level == XSR_LOG_ERROR)
        on_error_line(h, context, text);
    else if (strcmp(context, "xensr") == 0)
        xsr_log(h->log, level, "%s", text); /* our engine's: no stranger */
    else
        xsr_log(h->log, level, "%s: %s", context, text);
    return 0;
}

/* What a save's progress tells about rounds and pages. A first round runs over
   all numbers that a page can have, and over holes, too. */
static uint64_t pages_of(const struct xsr_helper *h, uint64_t frames)
{
    return h->most_pages ? xsr_min(frames, h->most_pages) : frames;
}

static void count_pages(struct xsr_helper *h, const char *what, uint64_t done,
                        uint64_t total)
{
    if (strncmp(what, "Frames", 6) != 0)
        return;
    if (strcmp(what, h->phase) != 0) {
        snprintf(h->phase, sizeof(h->phase), "%s", what);
        h->phase_done = 0;
        if (strncmp(what, "Frames iteration", 16) == 0 &&
            !xsr_helper_saw(h, XSR_MSG_SUSPEND)) {
            h->results.n_rounds++;
            h->results.round_pages = total;
        }
    }
    if (done > h->phase_done) {
        h->results.n_pages += done - h->phase_done;
        h->phase_done = done;
    }
}

static int on_progress(struct xsr_helper *h, const struct xsr_ipc_msg *m,
                       struct xsr_err *err)
{
    uint64_t done, total;
    char what[64];

    (void)err;
    clean(m->u.progress.what, what, sizeof(what));
    done = pages_of(h, m->u.progress.done);
    total = pages_of(h, m->u.progress.total);
    if (h->side == XSR_IPC_SAVE)
        count_pages(h, what, done, total);
    if (!h->quiet_progress)
        xsr_progress(h->log, what, done, total);
    return 0;
}

static int on_static_data(struct xsr_helper *h, const struct xsr_ipc_msg *m,
                          struct xsr_err *err)
{
    h->results.missing = m->u.static_data.missing;
    if (h->results.missing & 1)
        xsr_log(h->log, XSR_LOG_WARN,
                "the image (of a Xen before 4.14) brings "
                "no CPUID policy: the domain gets this host's default one, "
                "which may show the guest other CPU features than before");
    return answer(h, 0, err);
}

static int on_results(struct xsr_helper *h, const struct xsr_ipc_msg *m,
                      struct xsr_err *err)
{
    (void)err;
    h->results.store_gfn = m->u.results.store_gfn;
    h->results.console_gfn = m->u.results.console_gfn;
    return 0;
}

static int on_request(struct xsr_helper *h, const struct xsr_ipc_msg *m,
                      struct xsr_err *err)
{
    (void)err;
    h->asked = true;
    h->on_request(h->ctx, m);
    return 0;
}

static int on_logdirty(struct xsr_helper *h, const struct xsr_ipc_msg *m,
                       struct xsr_err *err)
{
    if (m->u.logdirty.domid != h->domid)
        return xsr_fail(err, XSR_E_PEER,
                        "save helper broke the protocol: it asks for "
                        "log-dirty mode of domain %u, but is saving %u",
                        m->u.logdirty.domid, h->domid);
    return on_request(h, m, err);
}

static int on_complete(struct xsr_helper *h, const struct xsr_ipc_msg *m,
                       struct xsr_err *err)
{
    h->retval = m->u.complete.retval;
    h->errnoval = m->u.complete.errnoval;
    return answer(h, 0, err);
}

#define BIT(msg) (1u << XSR_MSG_##msg)

#define DONE (BIT(COMPLETE))

/*
 * What is permitted now: rows of what was offered, each with the messages
 * behind which it comes too late. Log lines behind complete are a library's
 * last words: the stock helper has eight of them.
 */
enum { SAVE = 1 << XSR_IPC_SAVE, RESTORE = 1 << XSR_IPC_RESTORE };

static const struct {
    int sides; /* where it is offered; the protocol would allow more (COLO) */
    uint32_t not_after;
    int (*act)(struct xsr_helper *h, const struct xsr_ipc_msg *m,
               struct xsr_err *err);
} table[XSR_N_MSG] = {
    [XSR_MSG_LOG] = {SAVE | RESTORE, 0, on_log},
    [XSR_MSG_PROGRESS] = {SAVE | RESTORE, 0, on_progress},
    [XSR_MSG_STATIC_DATA_DONE] = {RESTORE,
                                  BIT(STATIC_DATA_DONE) | BIT(RESTORE_RESULTS) |
                                      DONE,
                                  on_static_data},
    [XSR_MSG_RESTORE_RESULTS] = {RESTORE, BIT(RESTORE_RESULTS) | DONE,
                                 on_results},
    [XSR_MSG_SUSPEND] = {SAVE, BIT(SUSPEND) | DONE, on_request},
    [XSR_MSG_SWITCH_LOGDIRTY] = {SAVE, DONE, on_logdirty},
    [XSR_MSG_COMPLETE] = {SAVE | RESTORE, DONE, on_complete},
};

static int take_message(struct xsr_helper *h, const uint8_t *body, size_t len,
                        struct xsr_err *err)
{
    struct xsr_ipc_msg m;
    int rc;

    rc = xsr_ipc_get(body, len, XSR_IPC_G7, h->side, &m, err);
    if (rc < 0)
        return xsr_err_prefix(err, "save helper broke the protocol");
    if (rc == 0)
        return 0; /* extension space */
    if (h->asked && m.msg != XSR_MSG_LOG && m.msg != XSR_MSG_PROGRESS)
        return xsr_fail(err, XSR_E_PEER,
                        "save helper broke the protocol: it sends %s before "
                        "it has the answer to its question",
                        xsr_msg_name(m.msg));
    if (!(table[m.msg].sides & 1 << h->side))
        return xsr_fail(err, XSR_E_PEER,
                        "save helper broke the protocol: it "
                        "asks for %s, which was not offered",
                        xsr_msg_name(m.msg));
    if (h->seen & table[m.msg].not_after)
        return xsr_fail(err, XSR_E_PEER,
                        "save helper broke the protocol: it "
                        "sends %s %s",
                        xsr_msg_name(m.msg),
                        xsr_helper_saw(h, m.msg) ? "a second time"
                                                 : "too late");
    h->seen |= 1u << m.msg;
    return table[m.msg].act(h, &m, err);
}

int xsr_helper_take_bytes(struct xsr_helper *h, const uint8_t *p, size_t n,
                          struct xsr_err *err)
{
    size_t pos = 0, len;

    h->n_received += n;
    if (xsr_buf_put(&h->in, p, n, err) < 0)
        return -1;
    while (h->in.len - pos >= 2) {
        len = xsr_le16(h->in.p + pos);
        if (h->in.len - pos - 2 < len)
            break;
        if (take_message(h, h->in.p + pos + 2, len, err) < 0)
            return -1;
        pos += 2 + len;
    }
    xsr_buf_drop(&h->in, pos);
    return 0;
}
