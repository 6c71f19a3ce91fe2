/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A library to preload under a save helper, ours or the stock one: it stands
 * in for opening the hypervisor and for xc_domain_restore(), and does what
 * the script in $FAKE_SCRIPT says, statement by statement (";" between them):
 *
 *   log LEVEL ERRNO CONTEXT TEXT...   CONTEXT "-" is NULL
 *   progress WHAT DONE TOTAL
 *   static N | checkpoint | suspend | postcopy | wait   the callback; a
 *                       failing answer ends the restore with errno 0
 *   results STORE CONSOLE             the callback (COLO)
 *   read N             N bytes of the stream; errors end the restore
 *   sleep MS           undisturbed by signals
 *   chatter N          N long log lines when the handle is closed
 *   ok STORE CONSOLE | fail ERRNO     the end
 *
 * $FAKE_OPEN_ERRNO makes opening fail.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenguest.h>

struct fake {
    xentoollog_logger *logger;
    int chatter;
};

struct call {
    struct fake *fake;
    int fd;
    unsigned long *store, *console;
    struct restore_callbacks *cb;
};

xc_interface *xc_interface_open(xentoollog_logger *logger,
                                xentoollog_logger *dombuild_logger,
                                unsigned open_flags)
{
    const char *fail = getenv("FAKE_OPEN_ERRNO");
    struct fake *f;

    (void)dombuild_logger;
    (void)open_flags;
    if (fail) {
        errno = (int)strtol(fail, NULL, 10);
        return NULL;
    }
    f = calloc(1, sizeof(*f));
    if (f)
        f->logger = logger;
    return (xc_interface *)f;
}

int xc_interface_close(xc_interface *xch)
{
    struct fake *f = (struct fake *)xch;
    char text[4000];
    int i;

    memset(text, 'c', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (i = 0; i < f->chatter; i++)
        xtl_log(f->logger, XTL_DEBUG, -1, "xc", "%s", text);
    free(f);
    return 0;
}

static void nap_ms(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* As libxenguest does it: EINTR again, end of file is errno 0. */
static int read_exact(int fd, long n)
{
    char buf[4096];
    ssize_t r;

    while (n > 0) {
        r = read(fd, buf, n < 4096 ? (size_t)n : sizeof(buf));
        if (r < 0 && errno == EINTR)
            continue;
        if (r == 0)
            errno = 0;
        if (r <= 0)
            return -1;
        n -= r;
    }
    return 0;
}

static int callback(const struct call *c, const char *verb, unsigned arg)
{
    struct restore_callbacks *cb = c->cb;
    int ok;

    if (strcmp(verb, "static") == 0)
        ok = !cb->static_data_done || cb->static_data_done(arg, cb->data) == 0;
    else if (strcmp(verb, "checkpoint") == 0)
        ok = cb->checkpoint && cb->checkpoint(cb->data) > 0;
    else if (strcmp(verb, "suspend") == 0)
        ok = cb->suspend && cb->suspend(cb->data) == 1;
    else if (strcmp(verb, "postcopy") == 0)
        ok = cb->postcopy && cb->postcopy(cb->data) == 1;
    else if (strcmp(verb, "wait") == 0)
        ok = cb->wait_checkpoint && cb->wait_checkpoint(cb->data) == 1;
    else
        return -2;
    errno = 0;
    return ok ? 0 : -1;
}

/* 1 = next statement, 0 or -1 = result. */
static int statement(const struct call *c, const char *s)
{
    char verb[32] = "", word[64] = "", text[4096] = "";
    unsigned long a = 0, b = 0;
    int level, num;

    if (sscanf(s, " %31s", verb) < 1)
        return 1;
    if (sscanf(s, " log %d %d %63s %4095[^;]", &level, &num, word, text) == 4) {
        xtl_log(c->fake->logger, (xentoollog_level)level, num,
                strcmp(word, "-") ? word : NULL, "%s", text);
        return 1;
    }
    if (sscanf(s, " progress %63s %lu %lu", word, &a, &b) == 3) {
        xtl_progress(c->fake->logger, "xc", word, a, b);
        return 1;
    }
    if (sscanf(s, " results %li %li", (long *)&a, (long *)&b) == 2) {
        c->cb->restore_results(a, b, c->cb->data);
        return 1;
    }
    if (sscanf(s, " ok %li %li", (long *)&a, (long *)&b) == 2) {
        *c->store = a;
        *c->console = b;
        return 0;
    }
    sscanf(s, " %*s %lu", &a);
    if (strcmp(verb, "read") == 0)
        return read_exact(c->fd, (long)a) < 0 ? -1 : 1;
    if (strcmp(verb, "sleep") == 0) {
        nap_ms((long)a);
        return 1;
    }
    if (strcmp(verb, "chatter") == 0) {
        c->fake->chatter = (int)a;
        return 1;
    }
    if (strcmp(verb, "fail") == 0) {
        errno = (int)a;
        return -1;
    }
    switch (callback(c, verb, (unsigned)a)) {
    case 0:
        return 1;
    case -1:
        return -1;
    }
    fprintf(stderr, "fake guest: unknown statement: %s\n", s);
    abort();
}

int xc_domain_restore(xc_interface *xch, int io_fd, uint32_t dom,
                      unsigned int store_evtchn, unsigned long *store_mfn,
                      uint32_t store_domid, unsigned int console_evtchn,
                      unsigned long *console_mfn, uint32_t console_domid,
                      xc_stream_type_t stream_type,
                      struct restore_callbacks *callbacks, int send_back_fd)
{
    struct call c = {(struct fake *)xch, io_fd, store_mfn, console_mfn,
                     callbacks};
    const char *script = getenv("FAKE_SCRIPT");
    char *copy = strdup(script ? script : ""), *s, *save = NULL;
    int rc = 1, sys;

    /* a line that shows what arrived; the last field tells COLO's fd */
    xtl_log(c.fake->logger, XTL_DETAIL, -1, "xc",
            "dom %u, store %u/%u, console %u/%u, type %d, back %d, "
            "callbacks %d%d%d%d%d%d",
            dom, store_evtchn, store_domid, console_evtchn, console_domid,
            (int)stream_type, send_back_fd >= 0, !!callbacks->static_data_done,
            !!callbacks->suspend, !!callbacks->postcopy,
            !!callbacks->checkpoint, !!callbacks->wait_checkpoint,
            !!callbacks->restore_results);
    for (s = strtok_r(copy, ";", &save); s && rc > 0;
         s = strtok_r(NULL, ";", &save))
        rc = statement(&c, s);
    sys = errno;
    free(copy);
    errno = sys;
    return rc > 0 ? 0 : rc;
}
