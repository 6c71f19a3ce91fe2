/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A library to preload under a save helper, ours or the stock one: it stands
 * in for opening the hypervisor, for xc_domain_restore() and for
 * xc_domain_save(), and does what the script in $FAKE_SCRIPT says, statement
 * by statement (";" between them):
 *
 *   log LEVEL ERRNO CONTEXT TEXT...   CONTEXT "-" is NULL
 *   progress WHAT DONE TOTAL
 *   static N | checkpoint | suspend | postcopy | wait   the callback; a
 *                       failing answer ends the restore with errno 0
 *   results STORE CONSOLE             the callback (COLO)
 *   logdirty N | policy ITERATION WRITTEN DIRTY      callbacks of a save; what
 *                       the policy decides is logged, abort ends the save
 *   read N | write N   N bytes of the stream; errors end the operation
 *   sleep MS           undisturbed by signals
 *   signal N           until the helper has handled signal N (30 s at most)
 *   chatter N          N long log lines when the handle is closed
 *   ok STORE CONSOLE | ok 0 0 | fail ERRNO     the end
 *
 * $FAKE_OPEN_ERRNO makes opening fail; $FAKE_SHADOW holds the errors of
 * switching log-dirty mode (each use takes the next, "0,95", then none).
 */
#include <errno.h>
#include <signal.h>
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
    struct restore_callbacks *cb; /* NULL in a save */
    struct save_callbacks *save;
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

/* The helper's own handler of each signal, and whether it has run. */
static void (*handlers[NSIG])(int);
static volatile sig_atomic_t handled[NSIG];

static void on_signal(int sig)
{
    handlers[sig](sig);
    handled[sig] = 1;
}

/* Puts itself in front of the helper's handler, if there is one. */
static void watch_signal(int sig)
{
    struct sigaction sa;

    if (sig <= 0 || sig >= NSIG || handlers[sig] ||
        sigaction(sig, NULL, &sa) < 0 || sa.sa_handler == SIG_IGN ||
        sa.sa_handler == SIG_DFL)
        return;
    handlers[sig] = sa.sa_handler;
    sa.sa_handler = on_signal;
    sigaction(sig, &sa, NULL);
}

static int wait_signal(int sig)
{
    int ms;

    for (ms = 0; ms < 30000 && !handled[sig]; ms += 5)
        nap_ms(5);
    return handled[sig] ? 1 : -1;
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

static int write_exact(int fd, long n)
{
    static const char zeros[65536];
    ssize_t r;

    while (n > 0) {
        r = write(fd, zeros, n < 65536 ? (size_t)n : sizeof(zeros));
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return -1;
        n -= r;
    }
    return 0;
}

static int save_callback(const struct call *c, const char *verb, unsigned arg)
{
    struct save_callbacks *cb = c->save;
    int ok;

    if (strcmp(verb, "logdirty") == 0)
        ok = cb->switch_qemu_logdirty(5, arg, cb->data) == 0;
    else if (strcmp(verb, "checkpoint") == 0)
        ok = cb->checkpoint(cb->data) > 0;
    else if (strcmp(verb, "suspend") == 0)
        ok = cb->suspend(cb->data) != 0;
    else if (strcmp(verb, "postcopy") == 0)
        ok = cb->postcopy(cb->data) > 0;
    else if (strcmp(verb, "wait") == 0)
        ok = cb->wait_checkpoint(cb->data) > 0;
    else
        return -2;
    errno = 0;
    return ok ? 0 : -1;
}

static int policy(const struct call *c, unsigned iteration, unsigned long n,
                  long dirty)
{
    struct precopy_stats st = {iteration, n, dirty};
    int decision = c->save->precopy_policy
                       ? c->save->precopy_policy(st, c->save->data)
                       : 0;

    xtl_log(c->fake->logger, XTL_DETAIL, -1, "xc", "policy says %d", decision);
    errno = 0;
    return decision < 0 ? -1 : 1;
}

static int callback(const struct call *c, const char *verb, unsigned arg)
{
    struct restore_callbacks *cb = c->cb;
    int ok;

    if (c->save)
        return save_callback(c, verb, arg);

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
        if (c->cb) {
            *c->store = a;
            *c->console = b;
        }
        return 0;
    }
    if (sscanf(s, " policy %d %lu %d", &level, &a, &num) == 3)
        return policy(c, (unsigned)level, a, num);
    sscanf(s, " %*s %lu", &a);
    if (strcmp(verb, "read") == 0)
        return read_exact(c->fd, (long)a) < 0 ? -1 : 1;
    if (strcmp(verb, "write") == 0)
        return write_exact(c->fd, (long)a) < 0 ? -1 : 1;
    if (strcmp(verb, "sleep") == 0) {
        nap_ms((long)a);
        return 1;
    }
    if (strcmp(verb, "signal") == 0)
        return wait_signal((int)(a % NSIG));
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

static int run(const struct call *c)
{
    const char *script = getenv("FAKE_SCRIPT");
    char *copy = strdup(script ? script : ""), *s, *save = NULL;
    int rc = 1, sys;

    for (s = strstr(copy, "signal "); s; s = strstr(s + 1, "signal "))
        watch_signal((int)strtol(s + 7, NULL, 10));
    for (s = strtok_r(copy, ";", &save); s && rc > 0;
         s = strtok_r(NULL, ";", &save))
        rc = statement(c, s);
    sys = errno;
    free(copy);
    errno = sys;
    return rc > 0 ? 0 : rc;
}

int xc_domain_restore(xc_interface *xch, int io_fd, uint32_t dom,
                      unsigned int store_evtchn, unsigned long *store_mfn,
                      uint32_t store_domid, unsigned int console_evtchn,
                      unsigned long *console_mfn, uint32_t console_domid,
                      xc_stream_type_t stream_type,
                      struct restore_callbacks *callbacks, int send_back_fd)
{
    struct call c = {(struct fake *)xch, io_fd,     store_mfn,
                     console_mfn,        callbacks, NULL};

    /* a line that shows what arrived; the last field tells COLO's fd */
    xtl_log(c.fake->logger, XTL_DETAIL, -1, "xc",
            "dom %u, store %u/%u, console %u/%u, type %d, back %d, "
            "callbacks %d%d%d%d%d%d",
            dom, store_evtchn, store_domid, console_evtchn, console_domid,
            (int)stream_type, send_back_fd >= 0, !!callbacks->static_data_done,
            !!callbacks->suspend, !!callbacks->postcopy,
            !!callbacks->checkpoint, !!callbacks->wait_checkpoint,
            !!callbacks->restore_results);
    return run(&c);
}

int xc_domain_save(xc_interface *xch, int io_fd, uint32_t dom, uint32_t flags,
                   struct save_callbacks *callbacks,
                   xc_stream_type_t stream_type, int recv_fd)
{
    struct call c = {(struct fake *)xch, io_fd, NULL, NULL, NULL, callbacks};

    xtl_log(c.fake->logger, XTL_DETAIL, -1, "xc",
            "dom %u, flags %u, type %d, back %d, callbacks %d%d%d%d%d", dom,
            flags, (int)stream_type, recv_fd >= 0, !!callbacks->suspend,
            !!callbacks->postcopy, !!callbacks->checkpoint,
            !!callbacks->wait_checkpoint, !!callbacks->switch_qemu_logdirty);
    return run(&c);
}

/* Each use says so. */
int xc_shadow_control(xc_interface *xch, uint32_t domid, unsigned int sop,
                      unsigned int *mb, unsigned int mode)
{
    static const char *errors;
    static int begun;
    struct fake *f = (struct fake *)xch;
    char *end;

    (void)domid, (void)mb, (void)mode;
    if (!begun)
        errors = getenv("FAKE_SHADOW");
    begun = 1;
    errno = errors && *errors ? (int)strtol(errors, &end, 10) : 0;
    if (errors && *errors)
        errors = end + (*end == ',');
    xtl_log(f->logger, XTL_DETAIL, -1, "xc", "log-dirty %s: error %d",
            sop == XEN_DOMCTL_SHADOW_OP_OFF ? "off" : "on", errno);
    return errno ? -1 : 0;
}
