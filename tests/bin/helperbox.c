/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lets one save helper meet mishap after mishap, each at every place where it
 * can happen, and judges what it leaves behind: the helper itself with real
 * pipes, on a simulated host; the parent is this program.
 *
 *   helperbox OPTION... DOMID AXIS...
 *     --helper FILE
 *     --preload FILE           at_call.so; --mark FILE: for its mark
 *     --op save|live|restore   a restore is of DOMID's own image
 *     --stride N               every N-th octet besides
 *     --dense N --step N       of places in the stream the first N, then
 *                              every N-th
 *     --limit MS               for one run
 *   AXIS: signals, octets, parent, refusals, or one mishap (bad_show.h)
 *
 * One line per kind of mishap: "pass TEXT" or "fail TEXT", or "show TEXT".
 */
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>

#include "lib/util.h"
#include "tests/fake/bad_show.h"
#include "tests/fake/bad_stream.h"

/* ---- the conversation -----------------------------------------------------
 */

static void give_answer(struct run *r, const struct xsr_ipc_msg *m, bool now)
{
    bool refuse = now && r->m.act == REFUSE, half = r->m.act == HALF_ANSWER;
    int answer = refuse ? failure_of(m->msg) : answer_of(r, m);
    ssize_t n = sizeof(answer);

    if (refuse) {
        r->reached = true;
        r->refused = m->msg;
        r->refused_end =
            m->msg == XSR_MSG_COMPLETE ||
            (m->msg == XSR_MSG_SWITCH_LOGDIRTY && !m->u.logdirty.enable);
    }
    if (now && half)
        n = 2;
    if (r->to >= 0 && write(r->to, &answer, (size_t)n) != n)
        xsr_close(&r->to);
}

static void on_message(struct run *r, const struct xsr_ipc_msg *m)
{
    bool asks = xsr_msg_wants_reply(m->msg), now, later;

    r->n_messages++;
    r->n_requests += asks;
    now = is_moment(r, m->msg);
    later = r->m.after || r->m.act == HALF_ANSWER;
    if (m->msg == XSR_MSG_LOG && m->u.log.level >= XSR_XTL_ERROR)
        snprintf(r->said, sizeof(r->said), "%s", m->u.log.text);
    if (m->msg == XSR_MSG_COMPLETE) {
        r->complete = true;
        r->retval = m->u.complete.retval;
        r->errnoval = m->u.complete.errnoval;
    }
    if (now && !later && r->m.act != REFUSE)
        strike(r);
    if (asks)
        give_answer(r, m, now);
    if (now && later)
        strike(r);
    /* as libxl: behind this nobody listens */
    r->deaf = r->complete;
}

static void take_messages(struct run *r)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_ipc_msg m;
    uint8_t bytes[4096];
    ssize_t n = read(r->from, bytes, sizeof(bytes));
    size_t len, pos = 0;

    if (n <= 0) {
        r->deaf = true;
        return;
    }
    xsr_buf_put(&r->in, bytes, (size_t)n, &err);
    while (!r->deaf && r->in.len - pos >= 2) {
        len = xsr_le16(r->in.p + pos);
        if (r->in.len - pos - 2 < len)
            break;
        if (xsr_ipc_get(r->in.p + pos + 2, len, XSR_IPC_G7,
                        box.save ? XSR_IPC_SAVE : XSR_IPC_RESTORE, &m,
                        &err) <= 0)
            die(err.text);
        on_message(r, &m);
        pos += 2 + len;
    }
    xsr_buf_drop(&r->in, pos);
}

/* Both ends of the conversation are served until the helper has gone. */
static void converse(struct run *r)
{
    bool due, stalled = false;
    struct pollfd p[3];
    uint64_t now;

    for (;;) {
        due = r->m.when == AT_OCTET && !r->reached && r->n_messages &&
              r->octets >= r->m.n;
        if (due) {
            nap_ms(1); /* it gets as far as it can */
            strike(r);
            stalled = true;
        }
        p[0] = (struct pollfd){r->deaf ? -1 : r->from, POLLIN, 0};
        p[1] = (struct pollfd){stalled || !stream_room(r, 1) ? -1 : r->stream,
                               box.save ? POLLIN : POLLOUT, 0};
        p[2] = (struct pollfd){r->child.watch_fd, POLLIN, 0};
        now = xsr_now_ms();
        if (now >= r->end_ms || poll(p, 3, (int)(r->end_ms - now)) <= 0) {
            r->timeout = true;
            return;
        }
        if (p[1].revents)
            move_stream(r);
        if (p[0].revents && r->from >= 0 && !r->deaf)
            take_messages(r);
        else if (p[2].revents && !p[1].revents)
            return;
    }
}

/* ---- a run ----------------------------------------------------------------
 */

static void spawn(struct run *r, const struct xsr_spawn_fd fds[3])
{
    char n[4][24], at[64], preload[512], mark[512];
    const char *save[] = {box.helper, "--save-domain",      "9",   "-1",
                          n[0],       box.live ? "1" : "0", "136", "0",
                          NULL};
    const char *restore[] = {box.helper, "--restore-domain",
                             "9",        "-1",
                             n[0],       n[1],
                             "0",        n[2],
                             "0",        "768",
                             "0",        NULL};
    const char *env[] = {at, mark, preload, NULL};
    struct xsr_spawn sp = {
        .path = box.helper,
        .argv = box.save ? save : restore,
        .env_add = r->m.when == AT_CALL ? env : NULL,
        .fds = fds,
        .n_fds = 3,
    };
    struct xsr_err err = XSR_ERR_INIT;

    snprintf(n[0], sizeof(n[0]), "%u",
             box.save ? box.w.domid : r->target.domid);
    snprintf(n[1], sizeof(n[1]), "%u", r->target.store_port);
    snprintf(n[2], sizeof(n[2]), "%u", r->target.console_port);
    snprintf(at, sizeof(at), "AT_CALL=%d:%lu:%s:%d:self", r->m.call_fd,
             (unsigned long)r->m.n, r->m.after ? "after" : "before", r->m.sig);
    snprintf(mark, sizeof(mark), "AT_CALL_SEEN=%s", box.mark);
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", box.preload);
    if (xsr_spawn(&sp, &r->child, &err) < 0)
        die(err.text);
}

static void run_start(struct run *r, const struct mishap *m)
{
    int in[2], out[2], st[2];

    memset(r, 0, sizeof(*r));
    r->m = *m;
    r->child = (struct xsr_child)XSR_CHILD_INIT;
    r->end_ms = xsr_now_ms() + box.limit_ms;
    r->input = box.image.p;
    r->input_len = box.image.len;
    stream_open(r, st);
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        die("pipe");
    if (!box.save)
        target_create(&box.w, &r->target);
    spawn(r, (struct xsr_spawn_fd[]){
                 {in[0], 0}, {out[1], 1}, {st[box.save], STREAM}});
    close(in[0]);
    close(out[1]);
    close(st[box.save]);
    r->to = in[1];
    r->from = out[0];
    r->stream = st[!box.save];
}

/* Then what a toolstack does: a guest that is suspended runs on. */
static void run_whole(struct run *r, const struct mishap *m)
{
    struct xsr_err err = XSR_ERR_INIT;

    box.n_runs++;
    run_start(r, m);
    converse(r);
    if (r->timeout)
        r->status = 0;
    else if (xsr_child_wait(&r->child, &r->status, &err) < 0)
        die(err.text);
    /* what was on its way belongs to the image */
    xsr_close(&r->peer);
    while (box.save && !r->timeout && r->stream >= 0)
        move_stream(r);
    if (!box.save) {
        if (box.show)
            show_run(r, false);
        target_destroy(&box.w, &r->target);
        return;
    }
    if (box.show) {
        show_run(r, guest_logdirty(&box.w));
        xc_shadow_control(box.w.xch, box.w.domid, XEN_DOMCTL_SHADOW_OP_OFF,
                          NULL, 0);
    }
    if (guest_suspended(&box.w) && xc_domain_resume(box.w.xch, box.w.domid, 1))
        die("resuming the guest");
}

/* ---- axes -----------------------------------------------------------------
 */

struct axis {
    const char *text;
    struct mishap m;
    unsigned n_cases;
    char failure[400];
};

/* false: the place was not reached, there are no more. */
static bool try_one(struct axis *a, uint64_t n, bool after)
{
    static const struct mishap none = {.when = NEVER};
    struct mishap m = a->m;
    char why[256] = "";
    struct run r, again;
    bool reached;

    m.n = n;
    m.after = after;
    run_whole(&r, &m);
    reached = m.when == AT_CALL ? unlink(box.mark) == 0 : r.reached;
    if (judge(&r, why) < 0 && !a->failure[0])
        snprintf(a->failure, sizeof(a->failure), "%s it at place %lu: %s",
                 after ? "after" : "before", (unsigned long)n, why);
    run_close(&r);
    a->n_cases += reached;
    if (a->n_cases % 8)
        return reached;
    run_whole(&again, &none);
    if ((judge(&again, why) < 0 || again.retval) && !a->failure[0])
        snprintf(a->failure, sizeof(a->failure),
                 "behind place %lu the same operation fails: %s",
                 (unsigned long)n, why);
    run_close(&again);
    return reached;
}

static void report(const struct axis *a)
{
    printf("%s %s %s%s%s (%u cases)\n", a->failure[0] ? "fail" : "pass", box.op,
           a->text, a->failure[0] ? ": " : "", a->failure, a->n_cases);
    fflush(stdout);
}

/* At every place; before and after it, or by turns. */
static void everywhere(const char *text, struct mishap m, bool both)
{
    bool many = m.when == AT_CALL && m.call_fd == STREAM;
    struct axis a = {.text = text, .m = m};
    uint64_t n;

    for (n = 1;; n += n < box.dense || !many ? 1 : box.step) {
        if (!try_one(&a, n, !both && a.m.when == AT_CALL && n % 2) ||
            (both && !try_one(&a, n, true)))
            break;
    }
    report(&a);
}

static const struct {
    int sig;
    const char *name;
} signals[] = {
    {SIGTERM, "SIGTERM"},
    {SIGINT, "SIGINT"},
    {SIGHUP, "SIGHUP"},
    {SIGPIPE, "SIGPIPE"},
};

static void try_signals(void)
{
    static const struct {
        const char *where;
        enum when when;
        int fd;
    } places[] = {
        {"every message", AT_CALL, 1},
        {"every answer it reads", AT_CALL, 0},
        {"every call on the stream", AT_CALL, STREAM},
        {"every request, while the answer is due", AT_REQUEST, 0},
    };
    char text[120];
    size_t i, k;

    for (i = 0; i < XSR_ARRAY_LEN(signals); i++)
        for (k = 0; k < XSR_ARRAY_LEN(places); k++) {
            snprintf(text, sizeof(text), "%s at %s", signals[i].name,
                     places[k].where);
            everywhere(text,
                       (struct mishap){.when = places[k].when,
                                       .call_fd = places[k].fd,
                                       .sig = signals[i].sig},
                       signals[i].sig == SIGTERM);
        }
}

static void try_octet(struct axis *stop, struct axis *shut, uint64_t at)
{
    if (at >= box.total)
        return;
    stop->m.sig = signals[stop->n_cases % 3].sig;
    try_one(stop, at, false);
    try_one(shut, at, false);
}

/* Where records of the image begin, on both sides of it, and a few in the
   middle. Of many records the first, the last and every step-th. */
static void try_octets(const struct xsr_buf *image)
{
    struct axis stop = {.text = "signals while the stream stands still",
                        .m = {.when = AT_OCTET}};
    struct axis shut = {.text = "the stream's other end is closed",
                        .m = {.when = AT_OCTET, .act = CLOSE_STREAM}};
    uint64_t at, n = 0, i;

    for (at = 0; at + 8 <= image->len; at = next_record(image, at))
        n++;
    for (at = 0, i = 0; i < n; at = next_record(image, at), i++) {
        if (i > box.dense / 2 && i + box.dense / 2 < n && i % box.step)
            continue;
        if (at)
            try_octet(&stop, &shut, at - 1);
        try_octet(&stop, &shut, at);
        try_octet(&stop, &shut, at + 1);
    }
    for (at = box.stride; at < image->len; at += box.stride)
        try_octet(&stop, &shut, at);
    report(&stop);
    report(&shut);
}

static void try_parent(void)
{
    everywhere("the parent goes away at every message",
               (struct mishap){.when = AT_MESSAGE, .act = CLOSE_ALL}, true);
    everywhere("end of its answers at every request",
               (struct mishap){.when = AT_REQUEST, .act = CLOSE_IN}, true);
    everywhere("half an answer at every request",
               (struct mishap){.when = AT_REQUEST, .act = HALF_ANSWER}, false);
}

static void try_refusals(void)
{
    everywhere("a refusal of every request",
               (struct mishap){.when = AT_REQUEST, .act = REFUSE}, false);
}

static void show_one(const char *text)
{
    struct mishap m;
    struct run r;

    show_parse(text, &m);
    box.show = true;
    run_whole(&r, &m);
    box.show = false;
    run_close(&r);
}

/* ---- all of it ------------------------------------------------------------
 */

/* Undisturbed: what the octets are counted against; a restore needs it. */
static void take_image(bool save, struct xsr_buf *out)
{
    static const struct mishap none = {.when = NEVER};
    bool wanted = box.save;
    char why[256] = "";
    struct run r;

    box.save = save;
    run_whole(&r, &none);
    if (judge(&r, why) < 0 || !r.complete || r.retval) {
        printf("fail %s undisturbed: %s (%s)\n", box.op, why, r.said);
        exit(1);
    }
    *out = r.image;
    r.image = (struct xsr_buf)XSR_BUF_INIT;
    run_close(&r);
    box.save = wanted;
    box.total = out->len;
}

static int get_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"helper", 1, NULL, 'h'}, {"preload", 1, NULL, 'p'},
        {"mark", 1, NULL, 'm'},   {"op", 1, NULL, 'o'},
        {"stride", 1, NULL, 's'}, {"limit", 1, NULL, 'l'},
        {"step", 1, NULL, 'n'},   {"dense", 1, NULL, 'd'},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == '?')
            exit(2);
        if (c == 'h')
            box.helper = optarg;
        if (c == 'p')
            box.preload = optarg;
        if (c == 'm')
            box.mark = optarg;
        if (c == 'o')
            box.op = optarg;
        if (c == 's')
            box.stride = strtoull(optarg, NULL, 10);
        if (c == 'n')
            box.step = strtoull(optarg, NULL, 10);
        if (c == 'd')
            box.dense = strtoull(optarg, NULL, 10);
        if (c == 'l')
            box.limit_ms = (unsigned)strtoul(optarg, NULL, 10);
    }
    if (!box.helper || !box.op || !box.preload || !box.mark ||
        optind + 2 > argc)
        exit(2);
    box.live = strcmp(box.op, "live") == 0;
    box.save = box.live || strcmp(box.op, "save") == 0;
    return optind;
}

int main(int argc, char **argv)
{
    int i = get_options(argc, argv);
    struct xsr_buf own = XSR_BUF_INIT;

    /* what a shell ignores for its background jobs, helpers would, too */
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    world_open(&box.w, (uint32_t)strtoul(argv[i], NULL, 10));
    take_image(true, &box.image);
    if (box.save)
        take_image(true, &own);
    while (++i < argc) {
        if (strcmp(argv[i], "signals") == 0)
            try_signals();
        else if (strcmp(argv[i], "octets") == 0)
            try_octets(box.save ? &own : &box.image);
        else if (strcmp(argv[i], "parent") == 0)
            try_parent();
        else if (strcmp(argv[i], "refusals") == 0)
            try_refusals();
        else
            show_one(argv[i]);
    }
    printf("# %s: %u runs of the helper\n", box.op, box.n_runs);
    xsr_buf_fini(&own);
    xsr_buf_fini(&box.image);
    xc_interface_close(box.w.xch);
    return 0;
}
