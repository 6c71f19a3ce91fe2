/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hypervisor, and what the engines say while they work. guest_save.c and
 * guest_restore.c call either the libxenguest that is installed or, when
 * XENSR_ENGINE=native, the engine linked in here; log lines and progress of
 * both come here and go to helper/answer. The simulated host's libxenguest
 * looks for xensr_helper_log() in this program to send its own the same way.
 */
#include "helper/guest_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/util.h"

/* For xensr_helper_log(), which has no argument. */
static struct xsr_guest *current;

__attribute__((visibility("default"))) const struct xsr_log *xensr_helper_log(
    void);

const struct xsr_log *xensr_helper_log(void)
{
    return current ? &current->log : NULL;
}

/* ---- what libraries say ------------------------------------------------- */

/* What libxc adds to a line and tells nobody anything. */
static void cut_suffixes(char *text)
{
    static const char *const suffixes[] = {": Internal error",
                                           " (0 = Success)"};
    size_t i, len, n;

    for (i = 0; i < XSR_ARRAY_LEN(suffixes); i++) {
        len = strlen(text);
        n = strlen(suffixes[i]);
        if (len > n && strcmp(text + len - n, suffixes[i]) == 0)
            text[len - n] = '\0';
    }
}

static void keep_cause(struct xsr_guest *g, const char *text, bool sent)
{
    if (g->cause[0] || !text[0])
        return;
    snprintf(g->cause, sizeof(g->cause), "%.*s", (int)sizeof(g->cause) - 1,
             text);
    cut_suffixes(g->cause);
    g->cause_sent = sent;
}

static void on_vmessage(xentoollog_logger *logger, xentoollog_level level,
                        int errnoval, const char *context, const char *format,
                        va_list al) __attribute__((format(printf, 5, 0)));

static void on_vmessage(xentoollog_logger *logger, xentoollog_level level,
                        int errnoval, const char *context, const char *format,
                        va_list al)
{
    struct xsr_guest *g = (struct xsr_guest *)logger;
    char text[XSR_IPC_LOG_TEXT_MAX + 1];
    int saved = errno;

    vsnprintf(text, sizeof(text), format, al);
    if (level >= XTL_ERROR && !g->answer->muted)
        keep_cause(g, text, true);
    xsr_answer_log(g->answer, (int)level, errnoval, context, text);
    errno = saved;
}

static void on_xtl_progress(xentoollog_logger *logger, const char *context,
                            const char *doing_what, int percent,
                            unsigned long done, unsigned long total)
{
    struct xsr_guest *g = (struct xsr_guest *)logger;

    (void)percent;
    if (g->stats)
        xsr_stats_progress(g->stats, doing_what, done, total);
    xsr_answer_progress(g->answer, context, doing_what, done, total);
}

static void on_destroy(xentoollog_logger *logger)
{
    (void)logger; /* part of struct xsr_guest */
}

/*
 * Lines of our engine. Its first error is not sent at once: it becomes the
 * sentence with which the helper reports the failure, and would come twice.
 */
static void on_line(void *ctx, enum xsr_level level, const char *text)
{
    static const int xtl[] = {
        [XSR_LOG_ERROR] = XSR_XTL_ERROR,
        [XSR_LOG_WARN] = XSR_XTL_WARN,
        [XSR_LOG_INFO] = XSR_XTL_INFO,
        [XSR_LOG_DEBUG] = XSR_XTL_DEBUG,
    };
    struct xsr_guest *g = ctx;

    if (level == XSR_LOG_ERROR && !g->cause[0]) {
        keep_cause(g, text, false);
        return;
    }
    xsr_answer_log(g->answer, xtl[level], -1, XSR_ENGINE_CONTEXT, text);
}

static void on_progress(void *ctx, const char *what, uint64_t done,
                        uint64_t total)
{
    struct xsr_guest *g = ctx;

    if (g->stats)
        xsr_stats_progress(g->stats, what, done, total);
    xsr_answer_progress(g->answer, "xc", what, done, total);
}

int xsr_guest_ask(struct xsr_guest *g, enum xsr_msg msg)
{
    struct xsr_ipc_msg m = {.msg = msg};

    return xsr_answer_ask(g->answer, &m);
}

/*
 * libxenguest leaves errno and log lines. errno 0 is its way to say that the
 * stream it reads ended; but it is also 0 when a callback was refused.
 */
int xsr_guest_explain(const struct xsr_guest *g, int sys, struct xsr_err *err)
{
    bool reads = g->args->side == XSR_IPC_RESTORE ||
                 g->args->stream_type == XSR_STREAM_COLO;

    if (sys == 0 && reads)
        return xsr_fail(err, XSR_E_EOF, "the %s ended too early%s%s",
                        g->args->side == XSR_IPC_RESTORE ? "stream"
                                                         : "back channel",
                        g->cause[0] ? ": " : "", g->cause);
    if (sys == 0)
        sys = EIO;
    if (!g->cause[0])
        return xsr_fail_sys(err, XSR_E_XEN, sys, "libxenguest failed");
    xsr_fail(err, XSR_E_XEN, "%s", g->cause);
    err->sys = sys;
    return -1;
}

bool xsr_guest_is_native(void)
{
    const char *name = getenv("XENSR_ENGINE");

    return name && strcmp(name, "native") == 0;
}

int xsr_guest_check_engine(struct xsr_err *err)
{
    const char *name = getenv("XENSR_ENGINE");
    char quoted[40];

    if (xsr_guest_is_native() || !name || !*name ||
        strcmp(name, "libxenguest") == 0)
        return 0;
    return xsr_fail(err, XSR_E_UNSUPPORTED,
                    "XENSR_ENGINE is \"%s\", allowed are native and "
                    "libxenguest",
                    xsr_err_quote(name, strlen(name), quoted, sizeof(quoted)));
}

/*
 * A line for each record is a thousand messages for a small guest, and most
 * parents drop them; so they are sent to those who ask.
 */
static bool wants_records(void)
{
    const char *s = getenv("XENSR_HELPER_LOG");

    return s && strcmp(s, "debug") == 0;
}

int xsr_guest_open(struct xsr_guest **g_out, const struct xsr_args *args,
                   struct xsr_answer *a, struct xsr_err *err)
{
    struct xsr_guest *g = calloc(1, sizeof(*g));

    *g_out = g;
    if (!g)
        return xsr_fail(err, XSR_E_NOMEM, "no memory");
    g->logger.vmessage = on_vmessage;
    g->logger.progress = on_xtl_progress;
    g->logger.destroy = on_destroy;
    g->log.on_line = on_line;
    g->log.on_progress = on_progress;
    g->log.ctx = g;
    g->log.max_level = wants_records() ? XSR_LOG_DEBUG : XSR_LOG_INFO;
    g->args = args;
    g->answer = a;
    current = g;
    g->xch = xc_interface_open(&g->logger, &g->logger, 0);
    if (!g->xch)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "the hypervisor interface cannot be opened (is "
                            "this a Xen host, and are you root?)");
    return 0;
}

void xsr_guest_close(struct xsr_guest *g)
{
    bool muted;

    if (!g)
        return;
    /* libraries print statistics when closed, which nobody asked for */
    muted = g->answer->muted;
    g->answer->muted = true;
    if (g->xch)
        xc_interface_close(g->xch);
    g->answer->muted = muted;
    if (current == g)
        current = NULL;
    free(g);
}
