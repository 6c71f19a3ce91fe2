/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: a toolstack that listens to a save helper. Input: side (odd: a
 * restore), a number for the sizes of the pieces, then everything that the
 * helper writes. It is fed whole and in pieces: verdict, results and number of
 * answers must be the same; each question has one answer, and none but a
 * question has.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "plugin/helper/helper_run.h"
#include "tests/fuzz/support/fuzz.h"

#define DOMID     7u
#define MAX_INPUT 16384u /* so that the answers fit into their pipe */

struct session {
    struct xsr_helper h;
    struct xsr_err err;
    int rc;
    bool answers_itself; /* the owner answers at once */
    unsigned n_questions, n_lines;
};

static void on_line(void *ctx, enum xsr_level level, const char *text)
{
    struct session *s = ctx;

    (void)level;
    s->n_lines++;
    need(*text || level != XSR_LOG_ERROR, "an empty line of log");
    need(!strpbrk(text, "\n\r\033"), "a line of log with control bytes");
}

static void on_request(void *ctx, const struct xsr_ipc_msg *m)
{
    struct session *s = ctx;

    need(s->h.side == XSR_IPC_SAVE, "asked for %s in a restore",
         xsr_msg_name(m->msg));
    s->n_questions++;
    if (s->answers_itself)
        xsr_helper_answer(&s->h, 0);
}

static void feed(struct session *s, const uint8_t *p, size_t n, uint32_t seed)
{
    while (n && !s->rc) {
        size_t piece = seed ? 1 + (seed >> 8) % 67 : n;
        uint8_t *copy;

        piece = xsr_min(piece, n);
        copy = fuzz_copy(p, piece);
        s->rc = xsr_helper_take_bytes(&s->h, copy, piece, &s->err);
        free(copy);
        p += piece;
        n -= piece;
        seed = seed ? seed * 1103515245u + 12345u : 0;
    }
}

/* How many answers lie in the pipe; it is empty then. */
static size_t count_answers(int fd)
{
    uint8_t answers[65536];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    ssize_t n = 0;

    if (poll(&ready, 1, 0) > 0 && ready.revents & POLLIN)
        n = read(fd, answers, sizeof answers);
    need(n >= 0 && n % 4 == 0, "%zd bytes of answers", n);
    for (ssize_t i = 0; i < n; i++)
        need(i % 4 || answers[i] <= 1, "answer of %u", answers[i]);
    return (size_t)n / 4;
}

static void run(struct session *s, enum xsr_ipc_side side, bool at_once,
                const uint8_t *p, size_t n, uint32_t seed)
{
    struct xsr_log log = {on_line, NULL, s, XSR_LOG_DEBUG};
    static int answers[2] = {-1, -1};
    size_t want;

    memset(s, 0, sizeof *s);
    xsr_err_clear(&s->err);
    if (answers[0] < 0)
        fuzz_good(xsr_pipe(answers, &s->err), &s->err);
    xsr_helper_init(&s->h);
    s->h.log = &log;
    s->h.side = side;
    s->h.domid = DOMID;
    s->h.path = "helper";
    s->h.to_fd = answers[1];
    s->h.on_request = on_request;
    s->h.ctx = s;
    s->answers_itself = at_once;
    feed(s, p, n, seed);
    if (s->rc)
        fuzz_refused_anywhere(&s->err);
    want = (at_once ? s->n_questions : 0) +
           xsr_helper_saw(&s->h, XSR_MSG_STATIC_DATA_DONE) +
           xsr_helper_saw(&s->h, XSR_MSG_COMPLETE);
    need(count_answers(answers[0]) == want, "not %zu answers", want);
    s->h.log = NULL;
    xsr_buf_fini(&s->h.in);
}

/* A good verdict only over a whole conversation. */
static void check_verdict(const struct session *s)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_helper_judge(&s->h, 0, &err)) {
        need(*err.text && err.kind != XSR_E_OK, "a verdict without words");
        return;
    }
    need(xsr_helper_saw(&s->h, XSR_MSG_COMPLETE) && !s->h.retval,
         "success without complete");
    need(xsr_helper_saw(&s->h, s->h.side == XSR_IPC_SAVE
                                   ? XSR_MSG_SUSPEND
                                   : XSR_MSG_RESTORE_RESULTS),
         "success without suspend or results");
}

static void same(const struct session *a, const struct session *b)
{
    need(a->rc == b->rc && a->err.kind == b->err.kind &&
             !strcmp(a->err.text, b->err.text),
         "whole: \"%s\", in pieces: \"%s\"", a->err.text, b->err.text);
    need(!memcmp(&a->h.results, &b->h.results, sizeof a->h.results) &&
             a->h.seen == b->h.seen && a->h.retval == b->h.retval &&
             a->h.errnoval == b->h.errnoval && !strcmp(a->h.said, b->h.said),
         "in pieces it means something else");
    need(a->n_questions == b->n_questions && a->n_lines == b->n_lines,
         "in pieces there are other questions or lines");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct session whole, pieces, waiting;
    struct fuzz_in in = {data, size};
    enum xsr_ipc_side side = fuzz_u8(&in) & 1;
    uint32_t seed = fuzz_u8(&in) * 2654435761u | 1;

    if (in.len > MAX_INPUT)
        return 0;
    run(&whole, side, true, in.p, in.len, 0);
    run(&pieces, side, true, in.p, in.len, seed);
    same(&whole, &pieces);
    check_verdict(&whole);
    /* An owner that never answers: the helper may not go on. */
    run(&waiting, side, false, in.p, in.len, 0);
    need(waiting.n_questions <= 1, "%u questions open at once",
         waiting.n_questions);
    return 0;
}
