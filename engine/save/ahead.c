/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking for types and mapping take a save's time on a real host, and writing
 * takes the rest: so a second thread can prepare the next batches while this
 * one is in its writev. The batches are a ring of XSR_AHEAD, filled by pass.c,
 * and leave it in the order in which they came.
 *
 * Only the second thread speaks with Xen then, and only the first one with the
 * stream, the log and the toolstack, whose signals it also gets: a blocked
 * write is interrupted as ever. At the end of each pass the ring is empty, the
 * second thread waits, and nothing is mapped.
 *
 * Help has its price: a wake-up, cold caches, and with two processors in one
 * address space each mapping interrupts the other one. It can save the shorter
 * of preparing and writing at most. So now and then some batches are timed
 * without it; if there is enough to gain, some with it, and the faster way is
 * kept for a while. Where no thread can be had, the first one does both.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "engine/save/save.h"
#include "lib/util.h"

#define ENOUGH (XSR_AHEAD / 2) /* batches for which to wake somebody */
#define SETTLE XSR_AHEAD       /* batches after a change of way */
#define TIMED  24u             /* batches to judge a way by */
#define KEPT   256u            /* batches until both are tried again */
#define WORTH  8u              /* the gain should be an 8th of the time */

enum way { TRY_ALONE, TRY_HELPED, KEEP };

struct room {
    struct xsr_save_batch batch;
    struct xsr_err err; /* why it could not be prepared */
    int rc;
};

/* Numbers count batches since the start; number % XSR_AHEAD is the room. */
struct xsr_save_ahead {
    struct room room[XSR_AHEAD];
    /* first thread only */
    enum way way;
    bool alone;           /* without help, if threaded */
    unsigned left;        /* batches until the next judgement */
    uint64_t since;       /* ns, when the last TIMED of them began */
    uint64_t alone_time;  /* ns, of TIMED batches without help... */
    uint64_t writing;     /* ...and of that, in their writes */
    bool threaded, tried; /* there is a second thread; it was asked for */
    pthread_t thread;
    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    uint64_t n_submitted, n_prepared, n_written;
    bool quit;
    uint64_t n_released; /* of whoever prepares */
};

static struct room *room_of(struct xsr_save_ahead *a, uint64_t number)
{
    return &a->room[number % XSR_AHEAD];
}

static void prepare(struct xsr_save *sv, struct room *r)
{
    r->rc = xsr_save_batch_prepare(sv, &r->batch, &r->err);
}

/* What is written is unmapped soon, while its page tables are in the cache. */
static void release(struct xsr_save *sv, uint64_t n_written)
{
    struct xsr_save_ahead *a = sv->ahead;

    for (; a->n_released < n_written; a->n_released++)
        xsr_save_batch_release(sv, &room_of(a, a->n_released)->batch);
}

/* ---- the second thread --------------------------------------------------- */

static void *prepare_all(void *arg)
{
    struct xsr_save *sv = arg;
    struct xsr_save_ahead *a = sv->ahead;
    uint64_t n_written;

    pthread_mutex_lock(&a->lock);
    for (;;) {
        while (!a->quit && a->n_prepared == a->n_submitted)
            pthread_cond_wait(&a->changed, &a->lock);
        if (a->quit)
            break;
        n_written = a->n_written;
        pthread_mutex_unlock(&a->lock);
        release(sv, n_written);
        prepare(sv, room_of(a, a->n_prepared));
        pthread_mutex_lock(&a->lock);
        a->n_prepared++;
        pthread_cond_signal(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* Signals are for the first thread, which may be blocked in the stream. */
static void start_thread(struct xsr_save *sv)
{
    struct xsr_save_ahead *a = sv->ahead;
    sigset_t all, before;

    sigfillset(&all);
    a->tried = true;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    a->threaded = pthread_create(&a->thread, NULL, prepare_all, sv) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the first thread ---------------------------------------------------- */

static void go(struct xsr_save_ahead *a, enum way way, bool alone)
{
    a->writing = 0;
    a->way = way;
    a->alone = alone;
    a->left = way == KEEP ? KEPT : SETTLE + TIMED;
}

int xsr_save_ahead_start(struct xsr_save *sv, struct xsr_err *err)
{
    struct xsr_save_ahead *a = calloc(1, sizeof(*a));

    if (!a)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for batches of pages");
    for (unsigned i = 0; sv->copies && i < XSR_AHEAD; i++)
        a->room[i].batch.copies = sv->copies + i * XSR_COPIES_LEN;
    for (unsigned i = 0; i < XSR_AHEAD; i++)
        xsr_err_clear(&a->room[i].err);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    go(a, TRY_ALONE, true);
    sv->ahead = a;
    return 0;
}

/* Also in the middle of a pass that failed. */
void xsr_save_ahead_stop(struct xsr_save *sv)
{
    struct xsr_save_ahead *a = sv->ahead;

    if (!a)
        return;
    if (a->threaded) {
        pthread_mutex_lock(&a->lock);
        a->quit = true;
        pthread_cond_signal(&a->changed);
        pthread_mutex_unlock(&a->lock);
        pthread_join(a->thread, NULL);
    }
    for (unsigned i = 0; i < XSR_AHEAD; i++)
        xsr_save_batch_release(sv, &a->room[i].batch);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
    sv->ahead = NULL;
}

struct xsr_save_batch *xsr_save_ahead_batch(struct xsr_save *sv)
{
    return &room_of(sv->ahead, sv->ahead->n_submitted)->batch;
}

static void await(struct xsr_save_ahead *a, uint64_t number)
{
    if (!a->threaded)
        return;
    pthread_mutex_lock(&a->lock);
    if (a->n_prepared <= number)
        pthread_cond_signal(&a->changed);
    while (a->n_prepared <= number)
        pthread_cond_wait(&a->changed, &a->lock);
    pthread_mutex_unlock(&a->lock);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* TIMED batches are done without help: how much could it gain? */
static void judge_alone(struct xsr_save *sv, uint64_t time)
{
    struct xsr_save_ahead *a = sv->ahead;
    uint64_t gain = xsr_min(a->writing, time - xsr_min(a->writing, time));

    a->alone_time = time;
    if (gain < time / WORTH) {
        go(a, KEEP, true);
        return;
    }
    if (!a->tried)
        start_thread(sv);
    if (a->threaded)
        go(a, TRY_HELPED, false);
    else
        go(a, KEEP, true);
}

/* Behind each batch, whose write took that long. */
static void judge(struct xsr_save *sv, uint64_t write_began)
{
    struct xsr_save_ahead *a = sv->ahead;
    uint64_t now;

    if (a->way == KEEP && --a->left)
        return;
    if (a->way == KEEP) {
        go(a, TRY_ALONE, true);
        return;
    }
    now = now_ns();
    if (--a->left < TIMED)
        a->writing += now - write_began;
    if (a->left == TIMED)
        a->since = now;
    if (a->left)
        return;
    if (a->way == TRY_ALONE)
        judge_alone(sv, now - a->since);
    else
        go(a, KEEP, now - a->since >= a->alone_time);
}

int xsr_save_ahead_write(struct xsr_save *sv, const struct xsr_pass *pass,
                         unsigned *done_out, struct xsr_err *err)
{
    struct xsr_save_ahead *a = sv->ahead;
    struct room *r = room_of(a, a->n_written);
    uint64_t began;

    *done_out = 0;
    /* Nothing is left, so the second thread has nothing to do. */
    if (a->n_written == a->n_submitted) {
        release(sv, a->n_written);
        /* What happens between passes says nothing. */
        if (a->way != KEEP)
            go(a, a->way, a->alone);
        return 0;
    }
    await(a, a->n_written);
    if (r->rc < 0) {
        *err = r->err;
        return -1;
    }
    began = a->way == KEEP ? 0 : now_ns();
    if (xsr_save_batch_write(sv, &r->batch, pass, err) < 0)
        return -1;
    judge(sv, began);
    *done_out = r->batch.n;
    r->batch.n = 0;
    pthread_mutex_lock(&a->lock);
    a->n_written++;
    pthread_mutex_unlock(&a->lock);
    return 0;
}

static int send_alone(struct xsr_save *sv, const struct xsr_pass *pass,
                      unsigned *done_out, struct xsr_err *err)
{
    struct xsr_save_ahead *a = sv->ahead;

    prepare(sv, room_of(a, a->n_submitted));
    pthread_mutex_lock(&a->lock);
    a->n_submitted++;
    a->n_prepared++;
    pthread_mutex_unlock(&a->lock);
    if (xsr_save_ahead_write(sv, pass, done_out, err) < 0)
        return -1;
    release(sv, a->n_written);
    return 0;
}

/* Room for another batch, or, on the way to being alone, for all of them. */
static int write_due(struct xsr_save *sv, const struct xsr_pass *pass,
                     unsigned *done_out, struct xsr_err *err)
{
    struct xsr_save_ahead *a = sv->ahead;
    unsigned done;

    while (a->n_submitted - a->n_written >= (a->alone ? 1 : XSR_AHEAD)) {
        if (xsr_save_ahead_write(sv, pass, &done, err) < 0)
            return -1;
        *done_out += done;
    }
    return 0;
}

int xsr_save_ahead_submit(struct xsr_save *sv, const struct xsr_pass *pass,
                          unsigned *done_out, struct xsr_err *err)
{
    struct xsr_save_ahead *a = sv->ahead;

    *done_out = 0;
    /* The second thread is at rest when all it got is written. */
    if (!a->threaded || (a->alone && a->n_submitted == a->n_written))
        return send_alone(sv, pass, done_out, err);
    pthread_mutex_lock(&a->lock);
    a->n_submitted++;
    if (a->n_submitted - a->n_prepared >= ENOUGH)
        pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    return write_due(sv, pass, done_out, err);
}
