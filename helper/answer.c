/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages out, answers in. One gathered write per message. A stop request
 * does not interrupt this: an answer that is due is always waited for, since
 * a helper that leaves during a callback crashes its parent. When the parent
 * is gone (EPIPE, end of file), messages are dropped and callbacks answered
 * with failure right here, so that the library ends by its own error path.
 */
#include "helper/answer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/stop.h"
#include "lib/fd.h"
#include "lib/loop.h"

#define PROGRESS_MS 250u
#define ACK_MS      30000
#define MAX_ACK_MS  86400000

void xsr_answer_init(struct xsr_answer *a, enum xsr_ipc_gen gen)
{
    memset(a, 0, sizeof(*a));
    a->gen = gen;
    pthread_mutex_init(&a->lock, NULL);
    xsr_buf_init(&a->out);
}

void xsr_answer_fini(struct xsr_answer *a)
{
    xsr_buf_fini(&a->out);
    pthread_mutex_destroy(&a->lock);
}

static void lose_parent(struct xsr_answer *a)
{
    a->parent_gone = true;
    xsr_stop_orphan();
}

/* The message is built whole, then written; a parent gone is remembered. */
static void send_msg(struct xsr_answer *a, const struct xsr_ipc_msg *m)
{
    struct xsr_err err;

    if (a->muted || a->parent_gone)
        return;
    pthread_mutex_lock(&a->lock);
    xsr_buf_clear(&a->out);
    xsr_stop_obey(false);
    if (xsr_ipc_put(&a->out, a->gen, m, &err) < 0 ||
        xsr_write_all(STDOUT_FILENO, a->out.p, a->out.len, "message", &err) < 0)
        lose_parent(a);
    else
        a->n_sent += a->out.len;
    xsr_stop_obey(true);
    pthread_mutex_unlock(&a->lock);
}

void xsr_answer_tell(struct xsr_answer *a, const struct xsr_ipc_msg *m)
{
    int saved = errno;

    send_msg(a, m);
    errno = saved;
}

void xsr_answer_log(struct xsr_answer *a, int level, int errnoval,
                    const char *context, const char *text)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_LOG};

    m.u.log.level = level < 0 ? 0 : (uint32_t)level;
    m.u.log.errnoval = errnoval;
    m.u.log.context = context;
    m.u.log.text = text;
    xsr_answer_tell(a, &m);
}

/* ---- progress ----------------------------------------------------------- */

static void send_progress(struct xsr_answer *a, uint64_t done)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_PROGRESS};

    m.u.progress.context = a->progress.context;
    m.u.progress.what = a->progress.what;
    m.u.progress.done = done;
    m.u.progress.total = a->progress.total;
    a->progress.sent = done;
    a->progress.sent_ms = xsr_now_ms();
    xsr_answer_tell(a, &m);
}

/* What a phase reported last must not be lost between two intervals. */
static void flush_progress(struct xsr_answer *a)
{
    if (a->progress.what[0] && a->progress.sent != a->progress.done)
        send_progress(a, a->progress.done);
}

void xsr_answer_progress(struct xsr_answer *a, const char *context,
                         const char *what, uint64_t done, uint64_t total)
{
    char name[sizeof(a->progress.what)];

    snprintf(name, sizeof(name), "%s", what ? what : "");
    if (strcmp(name, a->progress.what) != 0 || done < a->progress.done ||
        (done == 0 && total == 0)) {
        /* a new phase; parents rely on its first report being 0 */
        flush_progress(a);
        snprintf(a->progress.context, sizeof(a->progress.context), "%s",
                 context ? context : "xc");
        memcpy(a->progress.what, name, sizeof(name));
        a->progress.total = total;
        a->progress.done = done;
        send_progress(a, 0);
        if (done == 0)
            return;
    }
    a->progress.done = done;
    a->progress.total = total;
    if ((total && done >= total) ||
        xsr_now_ms() - a->progress.sent_ms >= PROGRESS_MS)
        flush_progress(a);
}

/* ---- callbacks ---------------------------------------------------------- */

/* What a callback returns when there is nobody to ask. */
static int failure_of(enum xsr_msg msg)
{
    switch (msg) {
    case XSR_MSG_STATIC_DATA_DONE:
    case XSR_MSG_SWITCH_LOGDIRTY:
    case XSR_MSG_PRECOPY_POLICY: /* abort */
        return -1;
    default:
        return 0; /* failure or "stop" */
    }
}

static bool is_failure(enum xsr_msg msg, int answer)
{
    if (msg == XSR_MSG_PRECOPY_POLICY)
        return answer < 0;
    return failure_of(msg) ? answer != 0 : answer <= 0;
}

/* Would asking only begin what has to be undone at once? */
static bool is_useless(const struct xsr_ipc_msg *m)
{
    return xsr_stop_wanted() &&
           !(m->msg == XSR_MSG_SWITCH_LOGDIRTY && !m->u.logdirty.enable);
}

/*
 * True when there is something to read (or its end) before the time is over;
 * -1: no limit, but a parent that does not listen any more has not heard the
 * question, so there will be no answer.
 */
static bool answer_comes(int ms)
{
    struct pollfd pfd[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = STDOUT_FILENO}};
    uint64_t end = xsr_now_ms() + (uint64_t)ms, now;
    int r, left = -1;

    do {
        now = xsr_now_ms();
        if (ms >= 0)
            left = now < end ? (int)(end - now) : 0;
        r = poll(pfd, ms < 0 ? 2 : 1, left);
    } while (r < 0 && errno == EINTR);
    return r > 0 && pfd[0].revents;
}

int xsr_answer_ask(struct xsr_answer *a, const struct xsr_ipc_msg *m)
{
    int answer = failure_of(m->msg), saved = errno;
    struct xsr_err err;

    if (is_useless(m))
        return answer;
    send_msg(a, m);
    errno = saved; /* the library's, which may report it */
    if (a->muted || a->parent_gone)
        return answer;
    xsr_stop_obey(false);
    if (!answer_comes(-1) ||
        xsr_read_exact(STDIN_FILENO, &answer, sizeof(answer), "answer", &err) <
            0) {
        lose_parent(a);
        answer = failure_of(m->msg);
    } else if (is_failure(m->msg, answer) && !a->was_refused) {
        a->was_refused = true;
        a->refused = m->msg;
        a->refused_answer = answer;
    }
    xsr_stop_obey(true);
    errno = saved;
    return answer;
}

static int ack_ms(void)
{
    const char *s = getenv("XENSR_ACK_MS");
    char *end;
    unsigned long v;

    if (!s || !*s)
        return ACK_MS;
    errno = 0;
    v = strtoul(s, &end, 10);
    if (errno || *end || *s == '-' || v > MAX_ACK_MS)
        return ACK_MS;
    return (int)v;
}

void xsr_answer_complete(struct xsr_answer *a, int retval, int errnoval)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_COMPLETE};
    struct xsr_err err;
    int ack = 0;

    flush_progress(a);
    m.u.complete.retval = retval;
    m.u.complete.errnoval = errnoval;
    send_msg(a, &m);
    a->muted = true;
    xsr_stop_obey(false);
    if (!a->parent_gone &&
        (!answer_comes(ack_ms()) ||
         xsr_read_exact(STDIN_FILENO, &ack, sizeof(ack), "answer", &err) < 0))
        a->parent_gone = true;
}
