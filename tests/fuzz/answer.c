/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: a save helper and what its toolstack answers. Input: generation,
 * side, what the library says and asks (8 octets), then every octet that the
 * toolstack ever writes. What goes out is messages of that generation, each
 * whole, in that order; a question takes four octets, no more and no less, and
 * gives them to the library as they are; where they end, nothing is said or
 * asked any more, and the library hears of failure.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "helper/answer.c"
#include "lib/util.h"
#include "tests/fuzz/support/fuzz.h"

#define N_STEPS 8u

/* ---- what helper/stop.c is to it; nobody asks for a stop here ------------ */

static bool orphan;

void xsr_stop_orphan(void)
{
    orphan = true;
}
bool xsr_stop_wanted(void)
{
    return orphan;
}
void xsr_stop_obey(bool obey)
{
    (void)obey;
}

/* ---- fds 0 and 1 --------------------------------------------------------- */

static struct {
    int in, out; /* whose they are otherwise */
    int heard;   /* what the helper says */
} fds = {-1, -1, -1};

static void turn_to(int from, int to)
{
    need(dup2(from, to) == to, "dup2 to %d", to);
}

static void connect_to(const uint8_t *p, size_t n)
{
    int answers = fuzz_pipe(p, n);

    if (fds.heard < 0) {
        /* Whoever feeds this may have closed them. */
        fds.in = fcntl(0, F_DUPFD_CLOEXEC, 10);
        fds.out = fcntl(1, F_DUPFD_CLOEXEC, 10);
        fds.heard = memfd_create("said", MFD_CLOEXEC);
        need(fds.heard >= 0, "memfd");
    }
    need(ftruncate(fds.heard, 0) == 0 && lseek(fds.heard, 0, SEEK_SET) == 0,
         "memfd");
    turn_to(answers, 0);
    turn_to(fds.heard, 1);
    close(answers);
}

/* How many octets of the answers are left. */
static size_t disconnect(void)
{
    uint8_t rest[4096];
    size_t left = 0;
    ssize_t n;

    while ((n = read(0, rest, sizeof rest)) > 0)
        left += (size_t)n;
    need(n == 0, "the answers' pipe");
    if (fds.in >= 0)
        turn_to(fds.in, 0);
    if (fds.out >= 0)
        turn_to(fds.out, 1);
    return left;
}

/* ---- the conversation ---------------------------------------------------- */

struct talk {
    struct xsr_answer a;
    enum xsr_ipc_gen gen;
    enum xsr_ipc_side side;
    const uint8_t *p; /* the answers */
    size_t n, used;
    enum xsr_msg said[N_STEPS + 1];
    unsigned n_said;
    bool over; /* an answer did not come */
};

/* The answer that is due, if it is there. */
static bool due(struct talk *t, int *out)
{
    if (t->n - t->used < sizeof *out) {
        t->used = t->n; /* what there is of it is taken */
        t->over = true;
        return false;
    }
    memcpy(out, t->p + t->used, sizeof *out);
    t->used += sizeof *out;
    return true;
}

static void ask(struct talk *t, enum xsr_msg msg)
{
    struct xsr_ipc_msg m = {.msg = msg};
    bool was_over = t->over, was_refused = t->a.was_refused;
    int want = failure_of(msg), got;

    if (!was_over) {
        t->said[t->n_said++] = msg;
        due(t, &want);
    }
    errno = 77;
    got = xsr_answer_ask(&t->a, &m);
    need(got == want, "%s: answered %d, not %d", xsr_msg_name(msg), got, want);
    need(errno == 77, "the library's errno is %d", errno);
    need(t->a.parent_gone == t->over, "the parent is %s",
         t->over ? "still there" : "gone");
    if (!was_over && !was_refused)
        need(t->a.was_refused == (!t->over && is_failure(msg, want)) &&
                 (!t->a.was_refused ||
                  (t->a.refused == msg && t->a.refused_answer == want)),
             "refusal of %s", xsr_msg_name(msg));
}

static void step(struct talk *t, uint8_t what)
{
    enum xsr_msg msg = (enum xsr_msg)(what % XSR_N_MSG);
    struct xsr_ipc_msg m = {.msg = XSR_MSG_RESTORE_RESULTS};

    if (msg == XSR_MSG_LOG && !t->over) {
        t->said[t->n_said++] = msg;
        xsr_answer_log(&t->a, what >> 4, what, NULL, "a line");
    }
    if (!xsr_msg_permitted(t->gen, t->side, msg) ||
        !xsr_msg_number(t->gen, msg))
        return;
    if (msg == XSR_MSG_RESTORE_RESULTS) {
        if (!t->over)
            t->said[t->n_said++] = msg;
        xsr_answer_tell(&t->a, &m);
    } else if (xsr_msg_wants_reply(msg) && msg != XSR_MSG_COMPLETE &&
               msg != XSR_MSG_TOOLSTACK_RESTORE) {
        ask(t, msg);
    }
}

static void complete(struct talk *t)
{
    int ack;

    if (!t->over) {
        t->said[t->n_said++] = XSR_MSG_COMPLETE;
        due(t, &ack);
    }
    xsr_answer_complete(&t->a, 0, 0);
    need(t->a.parent_gone == t->over, "its acknowledgement");
}

/* What came out, decoded by the other half of lib/ipc. */
static void check_said(const struct talk *t)
{
    struct xsr_buf heard = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_ipc_msg m;
    size_t at = 0, len;

    fuzz_read_back(fds.heard, &heard);
    need(heard.len == t->a.n_sent, "%zu octets, said to be %llu", heard.len,
         (unsigned long long)t->a.n_sent);
    for (unsigned i = 0; i < t->n_said; i++) {
        need(heard.len - at >= 2, "message %u is missing", i);
        len = xsr_le16(heard.p + at);
        need(heard.len - at >= 2 + len, "message %u is cut off", i);
        need(xsr_ipc_get(heard.p + at + 2, len, t->gen, t->side, &m, &err) == 1,
             "message %u is refused: %s", i, err.text);
        need(m.msg == t->said[i], "message %u is %s, not %s", i,
             xsr_msg_name(m.msg), xsr_msg_name(t->said[i]));
        at += 2 + len;
    }
    need(at == heard.len, "%zu octets behind the last message", heard.len - at);
    xsr_buf_fini(&heard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct talk t = {.gen = XSR_IPC_G1};
    const uint8_t *steps;
    size_t n_steps, left;

    t.gen = fuzz_u8(&in) % XSR_N_IPC_GEN;
    t.side = fuzz_u8(&in) & 1;
    n_steps = fuzz_take(&in, N_STEPS, &steps);
    t.p = in.p;
    t.n = xsr_min(in.len, 4096u);
    orphan = false;
    xsr_answer_init(&t.a, t.gen);
    connect_to(t.p, t.n);
    for (size_t i = 0; i < n_steps; i++)
        step(&t, steps[i]);
    complete(&t);
    left = disconnect();
    need(left == t.n - t.used, "%zu octets of %zu are left, not %zu", left, t.n,
         t.n - t.used);
    check_said(&t);
    xsr_answer_fini(&t.a);
    return 0;
}
