/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The toolstack's side of the pipe protocol, scripted: starts a save helper,
 * prints each message as one line, answers, and misbehaves on request.
 *
 *   fakeparent [OPTION...] -- HELPER ARG...
 *     --fd N             pass descriptor N on (others are closed)
 *     --reply MSG=INT    answer to MSG (default: what means success)
 *     --on MSG:ACT,...   at the first MSG, before the answer; MSG may also be
 *                        =TEXT: the first log line that contains TEXT
 *     --raw FILE         the helper's bytes as they came
 *     --limit MS         kill a helper that takes longer (default 20000)
 *   ACT: sig=N, delay=MS, closein (its fd 0), closeout (its fd 1), noreply
 *
 * After "complete" it stops reading, as libxl does, so that a helper that
 * goes on talking gets stuck. Last line: "exit N", "signal N" or "timeout".
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/fd.h"
#include "lib/ipc.h"
#include "lib/loop.h"
#include "lib/proc.h"

#define MAX_OPTIONS 16

struct hook {
    const char *when; /* MSG or =TEXT */
    size_t when_len;
    const char *acts;
    bool done;
};

struct parent {
    struct xsr_child child;
    int to, from; /* its stdin and stdout */
    enum xsr_ipc_side side;
    struct xsr_spawn_fd fds[MAX_OPTIONS];
    size_t n_fds;
    struct hook hooks[MAX_OPTIONS];
    size_t n_hooks;
    int replies[XSR_N_MSG];
    FILE *raw;
    uint64_t end_ms;
    bool silent; /* current hook said noreply */
};

static void die(const char *what)
{
    fprintf(stderr, "fakeparent: %s\n", what);
    exit(97);
}

/* ---- options ------------------------------------------------------------ */

static int msg_by_name(const char *name, size_t len)
{
    int i;

    for (i = 0; i < XSR_N_MSG; i++)
        if (strlen(xsr_msg_name(i)) == len &&
            strncmp(xsr_msg_name(i), name, len) == 0)
            return i;
    die("unknown message name");
    return -1;
}

static void option(struct parent *p, const char *name, const char *value)
{
    const char *sep;

    if (strcmp(name, "--fd") == 0) {
        p->fds[p->n_fds++] =
            (struct xsr_spawn_fd){(int)strtol(value, NULL, 10), -1};
    } else if (strcmp(name, "--reply") == 0) {
        sep = strchr(value, '=');
        if (!sep)
            die("--reply MSG=INT");
        p->replies[msg_by_name(value, (size_t)(sep - value))] =
            (int)strtol(sep + 1, NULL, 10);
    } else if (strcmp(name, "--on") == 0) {
        sep = strchr(value, ':');
        if (!sep)
            die("--on MSG:ACT");
        p->hooks[p->n_hooks].when = value;
        p->hooks[p->n_hooks].when_len = (size_t)(sep - value);
        p->hooks[p->n_hooks++].acts = sep + 1;
    } else if (strcmp(name, "--raw") == 0) {
        p->raw = fopen(value, "w");
    } else if (strcmp(name, "--limit") == 0) {
        p->end_ms = xsr_now_ms() + strtoull(value, NULL, 10);
    } else {
        die("unknown option");
    }
    if (p->n_fds > MAX_OPTIONS - 3 || p->n_hooks > MAX_OPTIONS - 1)
        die("too many options");
}

/* ---- messages ----------------------------------------------------------- */

static void print_text(const char *s)
{
    char quoted[512];

    printf(" \"%s\"", xsr_err_quote(s, strlen(s), quoted, sizeof(quoted)));
}

static void print_msg(const struct xsr_ipc_msg *m)
{
    printf("%s", xsr_msg_name(m->msg));
    switch (m->msg) {
    case XSR_MSG_LOG:
        printf(" %" PRIu32 " %" PRId32, m->u.log.level, m->u.log.errnoval);
        print_text(m->u.log.context);
        print_text(m->u.log.text);
        break;
    case XSR_MSG_PROGRESS:
        print_text(m->u.progress.context);
        print_text(m->u.progress.what);
        printf(" %" PRIu64 " %" PRIu64, m->u.progress.done,
               m->u.progress.total);
        break;
    case XSR_MSG_STATIC_DATA_DONE:
        printf(" %" PRIu32, m->u.static_data.missing);
        break;
    case XSR_MSG_RESTORE_RESULTS:
        printf(" 0x%" PRIx64 " 0x%" PRIx64, m->u.results.store_gfn,
               m->u.results.console_gfn);
        break;
    case XSR_MSG_COMPLETE:
        printf(" %" PRId32 " %" PRId32, m->u.complete.retval,
               m->u.complete.errnoval);
        break;
    default:
        break;
    }
}

static void act(struct parent *p, const char *acts)
{
    char one[32];
    int n, used;

    while (sscanf(acts, "%31[^,]%n", one, &used) == 1) {
        if (sscanf(one, "sig=%d", &n) == 1) {
            xsr_child_signal(&p->child, n);
        } else if (sscanf(one, "delay=%d", &n) == 1) {
            struct timespec ts = {n / 1000, n % 1000 * 1000000L};

            nanosleep(&ts, NULL);
        } else if (strcmp(one, "closein") == 0) {
            xsr_close(&p->to);
        } else if (strcmp(one, "closeout") == 0) {
            xsr_close(&p->from);
        } else if (strcmp(one, "noreply") == 0) {
            p->silent = true;
        } else {
            die("unknown action");
        }
        acts += used + (acts[used] == ',');
    }
}

static bool matches(const struct hook *h, const struct xsr_ipc_msg *m)
{
    char text[256];

    if (h->done)
        return false;
    if (h->when[0] != '=')
        return m->msg == (enum xsr_msg)msg_by_name(h->when, h->when_len);
    snprintf(text, sizeof(text), "%.*s", (int)h->when_len - 1, h->when + 1);
    return m->msg == XSR_MSG_LOG && strstr(m->u.log.text, text);
}

static void reply(struct parent *p, enum xsr_msg msg)
{
    struct xsr_err err;

    if (p->silent || p->to < 0) {
        printf(" -> none");
        return;
    }
    printf(" -> %d", p->replies[msg]);
    if (xsr_write_all(p->to, &p->replies[msg], sizeof(int), "answer", &err) < 0)
        printf(" (%s)", err.text);
}

/* False: no more messages. */
static bool on_message(struct parent *p, const uint8_t *body, size_t len)
{
    struct xsr_ipc_msg m;
    struct xsr_err err;
    size_t i;
    int rc = xsr_ipc_get(body, len, XSR_IPC_G7, p->side, &m, &err);

    if (rc <= 0) {
        printf("refused: %s\n", rc < 0 ? err.text : "extension");
        return true;
    }
    print_msg(&m);
    for (i = 0; i < p->n_hooks; i++)
        if (matches(&p->hooks[i], &m)) {
            p->hooks[i].done = true;
            act(p, p->hooks[i].acts);
        }
    if (xsr_msg_wants_reply(m.msg))
        reply(p, m.msg);
    p->silent = false;
    putchar('\n');
    return m.msg != XSR_MSG_COMPLETE;
}

/* Exactly n bytes before the time is over. */
static bool take(struct parent *p, uint8_t *out, size_t n)
{
    struct pollfd pfd = {.events = POLLIN};
    uint64_t now;
    ssize_t r;

    while (n > 0 && p->from >= 0) {
        now = xsr_now_ms();
        pfd.fd = p->from;
        if (now >= p->end_ms || poll(&pfd, 1, (int)(p->end_ms - now)) <= 0)
            return false;
        r = read(p->from, out, n);
        if (r <= 0)
            return false;
        if (p->raw)
            fwrite(out, 1, (size_t)r, p->raw);
        out += r;
        n -= (size_t)r;
    }
    return n == 0;
}

static void converse(struct parent *p)
{
    static uint8_t body[XSR_IPC_BODY_MAX];
    uint8_t head[2];
    size_t len;

    while (take(p, head, 2)) {
        len = xsr_le16(head);
        if (!take(p, body, len)) {
            printf("half a message of %zu bytes\n", len);
            return;
        }
        if (!on_message(p, body, len))
            return;
    }
}

static void collect(struct parent *p)
{
    struct pollfd pfd = {.fd = p->child.watch_fd, .events = POLLIN};
    uint64_t now = xsr_now_ms();
    struct xsr_err err;
    int status;

    if (poll(&pfd, 1, now < p->end_ms ? (int)(p->end_ms - now) : 0) <= 0) {
        printf("timeout\n");
        xsr_child_fini(&p->child);
    } else if (xsr_child_wait(&p->child, &status, &err) < 0) {
        die(err.text);
    } else if (WIFEXITED(status)) {
        printf("exit %d\n", WEXITSTATUS(status));
    } else {
        printf("signal %d\n", WTERMSIG(status));
    }
}

int main(int argc, char **argv)
{
    struct parent p = {.child = XSR_CHILD_INIT};
    struct xsr_spawn sp = {0};
    struct xsr_err err;
    int in[2], out[2], i, j;

    p.end_ms = xsr_now_ms() + 20000;
    p.replies[XSR_MSG_SUSPEND] = p.replies[XSR_MSG_POSTCOPY] = 1;
    p.replies[XSR_MSG_CHECKPOINT] = p.replies[XSR_MSG_WAIT_CHECKPOINT] = 1;
    for (i = 1; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2)
        option(&p, argv[i], argv[i + 1]);
    if (i + 1 >= argc)
        die("no helper given");
    /* "env NAME=VALUE helper --save-domain ..." is fine, too */
    p.side = XSR_IPC_RESTORE;
    for (j = i; j < argc; j++)
        if (strcmp(argv[j], "--save-domain") == 0)
            p.side = XSR_IPC_SAVE;
    signal(SIGPIPE, SIG_IGN);
    if (xsr_pipe(in, &err) < 0 || xsr_pipe(out, &err) < 0)
        die(err.text);
    p.fds[p.n_fds++] = (struct xsr_spawn_fd){in[0], 0};
    p.fds[p.n_fds++] = (struct xsr_spawn_fd){out[1], 1};
    sp.path = argv[i + 1];
    sp.argv = (const char *const *)&argv[i + 1];
    sp.fds = p.fds;
    sp.n_fds = p.n_fds;
    if (xsr_spawn(&sp, &p.child, &err) < 0)
        die(err.text);
    xsr_close(&in[0]);
    xsr_close(&out[1]);
    p.to = in[1];
    p.from = out[0];
    converse(&p);
    fflush(stdout);
    collect(&p);
    if (p.raw)
        fclose(p.raw);
    return 0;
}
