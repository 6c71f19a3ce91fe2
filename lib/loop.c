/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The poll loop. Watches and timers are heap objects in two lists. What a
 * callback removes is only marked dead and freed when no round is going on,
 * so that the round in progress may still look at it. A timer that has fired
 * stays allocated until its owner deletes it (or the loop goes), so that a
 * late xsr_loop_del_timer() never meets freed memory.
 */
#include "lib/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

struct xsr_loop_fd {
    struct xsr_loop_fd *next;
    int fd;
    short events;
    bool dead;
    xsr_on_fd *on_fd;
    void *ctx;
};

struct xsr_loop_timer {
    struct xsr_loop_timer *next;
    uint64_t due_ms;
    bool fired, dead;
    xsr_on_timer *on_timer;
    void *ctx;
};

struct xsr_loop {
    struct xsr_loop_fd *fds;
    struct xsr_loop_timer *timers;
    unsigned depth; /* rounds in progress; a callback may run the loop */
    bool quit;
};

uint64_t xsr_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int xsr_loop_new(struct xsr_loop **loop_out, struct xsr_err *err)
{
    *loop_out = calloc(1, sizeof(**loop_out));
    if (!*loop_out)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for an event loop");
    return 0;
}

/* Free what is dead; everything when all is set. */
static void sweep(struct xsr_loop *loop, bool all)
{
    struct xsr_loop_fd **f = &loop->fds, *dead_fd;
    struct xsr_loop_timer **t = &loop->timers, *dead_timer;

    while (*f) {
        if (!all && !(*f)->dead) {
            f = &(*f)->next;
            continue;
        }
        dead_fd = *f;
        *f = dead_fd->next;
        free(dead_fd);
    }
    while (*t) {
        if (!all && !(*t)->dead) {
            t = &(*t)->next;
            continue;
        }
        dead_timer = *t;
        *t = dead_timer->next;
        free(dead_timer);
    }
}

void xsr_loop_free(struct xsr_loop *loop)
{
    if (!loop)
        return;
    sweep(loop, true);
    free(loop);
}

int xsr_loop_add_fd(struct xsr_loop *loop, int fd, short events,
                    xsr_on_fd *on_fd, void *ctx, struct xsr_loop_fd **out,
                    struct xsr_err *err)
{
    struct xsr_loop_fd *f = calloc(1, sizeof(*f));

    if (!f)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to watch fd %d", fd);
    f->fd = fd;
    f->events = events;
    f->on_fd = on_fd;
    f->ctx = ctx;
    f->next = loop->fds;
    loop->fds = f;
    if (out)
        *out = f;
    return 0;
}

void xsr_loop_del_fd(struct xsr_loop *loop, struct xsr_loop_fd **h)
{
    if (!*h)
        return;
    (*h)->dead = true;
    *h = NULL;
    if (loop->depth == 0)
        sweep(loop, false);
}

int xsr_loop_add_timer(struct xsr_loop *loop, unsigned ms,
                       xsr_on_timer *on_timer, void *ctx,
                       struct xsr_loop_timer **out, struct xsr_err *err)
{
    struct xsr_loop_timer *t = calloc(1, sizeof(*t));

    if (!t)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a timer");
    t->due_ms = xsr_now_ms() + ms;
    t->on_timer = on_timer;
    t->ctx = ctx;
    t->next = loop->timers;
    loop->timers = t;
    if (out)
        *out = t;
    return 0;
}

void xsr_loop_del_timer(struct xsr_loop *loop, struct xsr_loop_timer **h)
{
    if (!*h)
        return;
    (*h)->dead = true;
    *h = NULL;
    if (loop->depth == 0)
        sweep(loop, false);
}

/* The earliest timer that waits; NULL if there is none. */
static struct xsr_loop_timer *next_timer(const struct xsr_loop *loop)
{
    struct xsr_loop_timer *t, *first = NULL;

    for (t = loop->timers; t; t = t->next)
        if (!t->dead && !t->fired && (!first || t->due_ms < first->due_ms))
            first = t;
    return first;
}

static void fire_timers(struct xsr_loop *loop)
{
    uint64_t now = xsr_now_ms();
    struct xsr_loop_timer *t;

    /* timers added by a callback have due_ms >= now: ms 0 may fire too, but
       not for ever, because a later clock reading ends the round */
    while (!loop->quit && (t = next_timer(loop)) && t->due_ms <= now) {
        t->fired = true;
        t->on_timer(t->ctx);
    }
}

static int timeout_of(const struct xsr_loop *loop)
{
    const struct xsr_loop_timer *t = next_timer(loop);
    uint64_t now;

    if (!t)
        return -1;
    now = xsr_now_ms();
    if (t->due_ms <= now)
        return 0;
    return (int)(t->due_ms - now > INT_MAX ? INT_MAX : t->due_ms - now);
}

/* Living watches as an array, with the objects beside it. */
static int snapshot(const struct xsr_loop *loop, struct pollfd **pfds_out,
                    struct xsr_loop_fd ***watches_out, nfds_t *n_out,
                    struct xsr_err *err)
{
    struct xsr_loop_fd *f;
    nfds_t n = 0;

    for (f = loop->fds; f; f = f->next)
        n += !f->dead;
    *pfds_out = calloc(n + 1, sizeof(**pfds_out));
    *watches_out = calloc(n + 1, sizeof(**watches_out));
    *n_out = n;
    if (!*pfds_out || !*watches_out)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to watch %lu fds",
                        (unsigned long)n);
    n = 0;
    for (f = loop->fds; f; f = f->next) {
        if (f->dead)
            continue;
        (*pfds_out)[n].fd = f->fd;
        (*pfds_out)[n].events = f->events;
        (*watches_out)[n++] = f;
    }
    return 0;
}

static int dispatch(struct xsr_loop *loop, const struct pollfd *pfds,
                    struct xsr_loop_fd *const *watches, nfds_t n,
                    struct xsr_err *err)
{
    nfds_t i;

    for (i = 0; i < n && !loop->quit; i++) {
        if (!pfds[i].revents || watches[i]->dead)
            continue;
        if (pfds[i].revents & POLLNVAL)
            return xsr_fail(err, XSR_E_BUG,
                            "fd %d was closed while it was watched",
                            pfds[i].fd);
        watches[i]->on_fd(watches[i]->ctx, pfds[i].fd, pfds[i].revents);
    }
    return 0;
}

/* 1 = go on, 0 = nothing left to wait for, -1 = failed. */
static int run_round(struct xsr_loop *loop, struct xsr_err *err)
{
    struct xsr_loop_fd **watches = NULL;
    struct pollfd *pfds = NULL;
    int rc = 1, r;
    nfds_t n;

    if (snapshot(loop, &pfds, &watches, &n, err) < 0) {
        rc = -1;
    } else if (n == 0 && !next_timer(loop)) {
        rc = 0;
    } else {
        r = poll(pfds, n, timeout_of(loop));
        if (r < 0 && errno != EINTR) {
            rc = xsr_fail_sys(err, XSR_E_IO, errno, "poll failed");
        } else {
            fire_timers(loop);
            if (r > 0 && dispatch(loop, pfds, watches, n, err) < 0)
                rc = -1;
        }
    }
    free(watches);
    free(pfds);
    return rc;
}

int xsr_loop_run(struct xsr_loop *loop, struct xsr_err *err)
{
    int rc = 1;

    loop->depth++;
    while (rc > 0 && !loop->quit) {
        rc = run_round(loop, err);
        if (loop->depth == 1)
            sweep(loop, false);
    }
    loop->quit = false;
    loop->depth--;
    return rc < 0 ? -1 : 0;
}

void xsr_loop_quit(struct xsr_loop *loop)
{
    loop->quit = true;
}
