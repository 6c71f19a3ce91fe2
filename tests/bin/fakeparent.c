/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The toolstack's side of the pipe protocol, scripted: starts a save helper,
 * prints each message as one line, answers, and misbehaves on request.
 *
 *   fakeparent [OPTION...] -- HELPER ARG...
 *     --gen G1..G7|S7    whose message numbers (default G7)
 *     --fd N             pass descriptor N on (others are closed)
 *     --stream N=FILE    descriptor N is a pipe to us: what a save writes goes
 *                        to FILE, what a restore reads comes from it
 *     --reply MSG=INT,.. answers to the first, second... MSG, the last one
 *                        stays (default: what means success)
 *     --do MSG=COMMAND   shell command before each answer to MSG; if it fails,
 *                        the answer is failure
 *     --on WHEN:ACT,...  WHEN: MSG, MSG#N, #N (N-th message of any kind),
 *                        =TEXT (a log line that contains TEXT); before the
 *                        answer
 *     --at N:ACT,...     when N octets of --stream have passed
 *     --count FILE       "messages N" and "octets N" at the end
 *     --raw FILE         the helper's bytes as they came
 *     --limit MS         kill a helper that takes longer (default 20000)
 *   ACT: sig=N, term, kill, delay=MS, closein (its fd 0), closeout (its fd 1),
 *        close (both), noreply, closestream, stall (the stream), eof (restore)
 *
 * After "complete" it stops reading, as libxl does, so that a helper that
 * goes on talking gets stuck. Last line: "exit N", "signal N" or "timeout".
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/fd.h"
#include "lib/loop.h"
#include "lib/proc.h"
#include "tests/fake/parent_script.h"

#define MAX_FDS 16

struct parent {
    struct xsr_child child;
    int to, from; /* its stdin and stdout */
    enum xsr_ipc_side side;
    enum xsr_ipc_gen gen;
    struct script script;
    struct xsr_spawn_fd fds[MAX_FDS];
    size_t n_fds;
    int stream, stream_child; /* our end, its end */
    int stream_target;        /* number in the child; -1: none */
    FILE *stream_file;
    bool stalled, silent; /* silent: current hook said noreply */
    uint64_t octets;
    uint8_t body[2 + XSR_IPC_BODY_MAX];
    size_t have, need;
    const char *count_file;
    FILE *raw;
    uint64_t end_ms;
};

/* ---- options ------------------------------------------------------------ */

static enum xsr_ipc_gen gen_by_name(const char *name)
{
    static const char *const names[] = {"G1", "G2", "G3", "G4",
                                        "G5", "G6", "G7", "S7"};
    int i;

    for (i = 0; i < XSR_N_IPC_GEN; i++)
        if (strcmp(names[i], name) == 0)
            return (enum xsr_ipc_gen)i;
    die("unknown generation");
    return XSR_IPC_G7;
}

static void add_fd(struct parent *p, int fd, int target)
{
    if (p->n_fds >= MAX_FDS)
        die("too many descriptors");
    p->fds[p->n_fds++] = (struct xsr_spawn_fd){fd, target};
}

static void set_stream(struct parent *p, const char *value)
{
    const char *sep = strchr(value, '=');

    if (!sep)
        die("--stream N=FILE");
    p->stream_target = (int)strtol(value, NULL, 10);
    if (!sep[1])
        return;
    p->stream_file = fopen(sep + 1, p->side == XSR_IPC_SAVE ? "we" : "re");
    if (!p->stream_file)
        die("the stream's file cannot be opened");
}

static void option(struct parent *p, const char *name, const char *value)
{
    const char *sep = strchr(value, '=');

    if (strcmp(name, "--gen") == 0)
        p->gen = gen_by_name(value);
    else if (strcmp(name, "--fd") == 0)
        add_fd(p, (int)strtol(value, NULL, 10), -1);
    else if (strcmp(name, "--stream") == 0)
        set_stream(p, value);
    else if (strcmp(name, "--reply") == 0)
        script_reply(&p->script, value);
    else if (strcmp(name, "--do") == 0 && sep)
        p->script.command[msg_by_name(value, (size_t)(sep - value))] = sep + 1;
    else if (strcmp(name, "--on") == 0)
        script_on(&p->script, value);
    else if (strcmp(name, "--at") == 0)
        script_at(&p->script, value);
    else if (strcmp(name, "--count") == 0)
        p->count_file = value;
    else if (strcmp(name, "--raw") == 0)
        p->raw = fopen(value, "we");
    else if (strcmp(name, "--limit") == 0)
        p->end_ms = xsr_now_ms() + strtoull(value, NULL, 10);
    else
        die("unknown option");
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
    case XSR_MSG_SWITCH_LOGDIRTY:
        printf(" %" PRIu32 " %" PRIu32, m->u.logdirty.domid,
               m->u.logdirty.enable);
        break;
    case XSR_MSG_PRECOPY_POLICY:
        printf(" %" PRIu32 " %" PRIu64 " %" PRId64, m->u.precopy.iteration,
               m->u.precopy.total_written, m->u.precopy.dirty_count);
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

static void act_once(struct parent *p, const char *one)
{
    int n;

    if (sscanf(one, "sig=%d", &n) == 1) {
        xsr_child_signal(&p->child, n);
    } else if (strcmp(one, "term") == 0) {
        xsr_child_signal(&p->child, SIGTERM);
    } else if (strcmp(one, "kill") == 0) {
        xsr_child_signal(&p->child, SIGKILL);
    } else if (sscanf(one, "delay=%d", &n) == 1) {
        struct timespec ts = {n / 1000, n % 1000 * 1000000L};

        nanosleep(&ts, NULL);
    } else if (strcmp(one, "closein") == 0) {
        xsr_close(&p->to);
    } else if (strcmp(one, "closeout") == 0) {
        xsr_close(&p->from);
    } else if (strcmp(one, "close") == 0) {
        xsr_close(&p->to);
        xsr_close(&p->from);
    } else if (strcmp(one, "closestream") == 0 || strcmp(one, "eof") == 0) {
        xsr_close(&p->stream);
    } else if (strcmp(one, "stall") == 0) {
        p->stalled = true;
    } else if (strcmp(one, "noreply") == 0) {
        p->silent = true;
    } else {
        die("unknown action");
    }
}

static void act(struct parent *p, struct hook *h)
{
    const char *acts = h->acts;
    char one[32];
    int used;

    h->done = true;
    fflush(stdout);
    while (sscanf(acts, "%31[^,]%n", one, &used) == 1) {
        act_once(p, one);
        acts += used + (acts[used] == ',');
    }
}

/* What means failure as an answer. */
static int failure_of(enum xsr_msg msg)
{
    return msg == XSR_MSG_SWITCH_LOGDIRTY || msg == XSR_MSG_STATIC_DATA_DONE
               ? -1
               : 0;
}

static void reply(struct parent *p, enum xsr_msg msg)
{
    int answer = script_answer(&p->script, msg);
    const char *command = p->script.command[msg];
    struct xsr_err err;

    fflush(stdout);
    if (command && system(command) != 0)
        answer = failure_of(msg);
    if (p->silent || p->to < 0) {
        printf(" -> none");
        return;
    }
    printf(" -> %d", answer);
    if (xsr_write_all(p->to, &answer, sizeof(answer), "answer", &err) < 0)
        printf(" (%s)", err.text);
}

/* False: no more messages. */
static bool on_message(struct parent *p, const uint8_t *body, size_t len)
{
    struct xsr_ipc_msg m;
    struct xsr_err err;
    size_t i;
    int rc = xsr_ipc_get(body, len, p->gen, p->side, &m, &err);

    if (rc <= 0) {
        printf("refused: %s\n", rc < 0 ? err.text : "extension");
        return true;
    }
    p->script.n_seen++;
    p->script.seen[m.msg]++;
    print_msg(&m);
    for (i = 0; i < p->script.n_hooks; i++)
        if (hook_matches(&p->script, &p->script.hook[i], &m))
            act(p, &p->script.hook[i]);
    if (xsr_msg_wants_reply(m.msg))
        reply(p, m.msg);
    p->silent = false;
    putchar('\n');
    return m.msg != XSR_MSG_COMPLETE;
}

/* Some more bytes of a message, never one of the next. False: the end. */
static bool take_message(struct parent *p)
{
    ssize_t r = read(p->from, p->body + p->have, p->need - p->have);
    bool go_on = true;

    if (r <= 0) {
        if (p->have > 2)
            printf("half a message of %zu bytes\n", p->need - 2);
        return false;
    }
    if (p->raw)
        fwrite(p->body + p->have, 1, (size_t)r, p->raw);
    p->have += (size_t)r;
    if (p->have == 2)
        p->need = 2 + (size_t)xsr_le16(p->body);
    if (p->have == p->need && p->have >= 2) {
        go_on = on_message(p, p->body + 2, p->need - 2);
        p->have = 0;
        p->need = 2;
    }
    return go_on;
}

/* ---- the stream --------------------------------------------------------- */

/* How far it may go before a hook is due. */
static size_t stream_room(const struct parent *p)
{
    size_t room = 65536, i;

    for (i = 0; i < p->script.n_hooks; i++) {
        const struct hook *h = &p->script.hook[i];

        if (h->at_octet && !h->done && h->octet > p->octets &&
            h->octet - p->octets < room)
            room = (size_t)(h->octet - p->octets);
    }
    return room;
}

static void stream_hooks(struct parent *p)
{
    size_t i;

    for (i = 0; i < p->script.n_hooks; i++) {
        struct hook *h = &p->script.hook[i];

        if (h->at_octet && !h->done && h->octet <= p->octets)
            act(p, h);
    }
}

static void move_stream(struct parent *p)
{
    static uint8_t buf[65536];
    size_t room = stream_room(p), n;
    ssize_t r;

    if (p->side == XSR_IPC_SAVE) {
        r = read(p->stream, buf, room);
        if (r > 0 && p->stream_file)
            fwrite(buf, 1, (size_t)r, p->stream_file);
    } else {
        /* a pipe that is ready takes PIPE_BUF without blocking */
        n = room < 4096 ? room : 4096;
        n = p->stream_file ? fread(buf, 1, n, p->stream_file) : 0;
        r = n ? write(p->stream, buf, n) : 0;
    }
    if (r <= 0) {
        xsr_close(&p->stream);
        return;
    }
    p->octets += (uint64_t)r;
    stream_hooks(p);
}

/* ---- the conversation --------------------------------------------------- */

static void converse(struct parent *p)
{
    struct pollfd pfd[2];
    uint64_t now;

    stream_hooks(p);
    p->need = 2;
    for (;;) {
        pfd[0] = (struct pollfd){.fd = p->from, .events = POLLIN};
        pfd[1].fd = p->stalled ? -1 : p->stream;
        pfd[1].events = p->side == XSR_IPC_SAVE ? POLLIN : POLLOUT;
        pfd[1].revents = 0;
        now = xsr_now_ms();
        if (p->from < 0 || now >= p->end_ms ||
            poll(pfd, 2, (int)(p->end_ms - now)) <= 0)
            return;
        if (pfd[1].revents)
            move_stream(p);
        if (pfd[0].revents && p->from >= 0 && !take_message(p))
            break;
    }
    /* what is on its way in the pipe belongs to the image */
    while (p->side == XSR_IPC_SAVE && !p->stalled && p->stream >= 0 &&
           poll(&(struct pollfd){.fd = p->stream, .events = POLLIN}, 1, 100) >
               0)
        move_stream(p);
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

static void start(struct parent *p, char **argv)
{
    struct xsr_spawn sp = {0};
    struct xsr_err err;
    int in[2], out[2], st[2];
    bool save = p->side == XSR_IPC_SAVE;

    if (xsr_pipe(in, &err) < 0 || xsr_pipe(out, &err) < 0 ||
        xsr_pipe(st, &err) < 0)
        die(err.text);
    add_fd(p, in[0], 0);
    add_fd(p, out[1], 1);
    if (p->stream_target >= 0)
        add_fd(p, st[save], p->stream_target);
    sp.path = argv[0];
    sp.argv = (const char *const *)argv;
    sp.fds = p->fds;
    sp.n_fds = p->n_fds;
    if (xsr_spawn(&sp, &p->child, &err) < 0)
        die(err.text);
    xsr_close(&in[0]);
    xsr_close(&out[1]);
    xsr_close(&st[save]);
    p->to = in[1];
    p->from = out[0];
    p->stream = st[!save];
    if (p->stream_target < 0)
        xsr_close(&p->stream);
}

static void write_counts(const struct parent *p)
{
    FILE *f = p->count_file ? fopen(p->count_file, "we") : NULL;

    if (!f)
        return;
    fprintf(f, "messages %u\noctets %" PRIu64 "\n", p->script.n_seen,
            p->octets);
    fclose(f);
}

int main(int argc, char **argv)
{
    static struct parent p = {.child = XSR_CHILD_INIT};
    static const enum xsr_msg yes[] = {XSR_MSG_SUSPEND, XSR_MSG_POSTCOPY,
                                       XSR_MSG_CHECKPOINT,
                                       XSR_MSG_WAIT_CHECKPOINT};
    size_t k;
    int i;

    p.end_ms = xsr_now_ms() + 20000;
    p.gen = XSR_IPC_G7;
    p.stream_target = -1;
    for (k = 0; k < sizeof(yes) / sizeof(yes[0]); k++) {
        p.script.answer[yes[k]][0] = 1;
        p.script.n_answers[yes[k]] = 1;
    }
    /* "env NAME=VALUE helper --save-domain ..." is fine, too */
    p.side = XSR_IPC_RESTORE;
    for (i = 1; i < argc; i++)
        if (strcmp(argv[i], "--save-domain") == 0)
            p.side = XSR_IPC_SAVE;
    for (i = 1; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2)
        option(&p, argv[i], argv[i + 1]);
    if (i + 1 >= argc)
        die("no helper given");
    signal(SIGPIPE, SIG_IGN);
    start(&p, &argv[i + 1]);
    converse(&p);
    fflush(stdout);
    collect(&p);
    write_counts(&p);
    if (p.raw)
        fclose(p.raw);
    if (p.stream_file)
        fclose(p.stream_file);
    return 0;
}
