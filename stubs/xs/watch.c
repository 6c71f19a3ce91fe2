/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches. The store calls fire() for every changed name, its own process's
 * changes and others' alike; matching watches of all connections of this
 * process get an event. What makes a connection's fd readable: inotify on the
 * xenstore file (somebody wrote), and an eventfd (an event is queued here).
 */
#include "stubs/xs/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/fd.h"
#include "stubs/world/world.h"
#include "stubs/xs/file.h"

/* Without inotify: how long others' changes may stay unseen, in ms. */
#define LOOK_EVERY_MS 20

static struct xsr_store *conns;

bool xsr_store_any_conn(void)
{
    return conns != NULL;
}

bool xsr_store_any_watch(void)
{
    for (struct xsr_store *xs = conns; xs; xs = xs->next)
        if (xs->watches)
            return true;
    return false;
}

/* One block: two pointers, then the two strings. */
static char **pair(const char *path, const char *token)
{
    size_t a = strlen(path) + 1, b = strlen(token) + 1;
    char **p = malloc(2 * sizeof(*p) + a + b);

    if (!p)
        return NULL;
    p[0] = memcpy(p + 2, path, a);
    p[1] = memcpy(p[0] + a, token, b);
    return p;
}

static bool queued(const struct xsr_store *xs, const struct xsr_store_watch *w,
                   const char *path)
{
    for (struct xsr_store_event *e = xs->first_event; e; e = e->next)
        if (e->watch == w && !strcmp(e->strings[0], path))
            return true;
    return false;
}

/* An event that has not been read yet is not queued twice. */
static int queue_event(struct xsr_store *xs, const struct xsr_store_watch *w,
                       const char *path)
{
    struct xsr_store_event *e;
    uint64_t one = 1;

    if (queued(xs, w, path))
        return 0;
    e = calloc(1, sizeof(*e));
    if (e)
        e->strings = pair(path, w->token);
    if (!e || !e->strings) {
        free(e);
        errno = ENOMEM;
        return -1;
    }
    e->watch = w;
    if (xs->last_event)
        xs->last_event->next = e;
    else
        xs->first_event = e;
    xs->last_event = e;
    if (xs->event_fd >= 0 && write(xs->event_fd, &one, sizeof(one)) < 0)
        return errno == EAGAIN ? 0 : -1; /* it is readable anyway */
    return 0;
}

static bool matches(const struct xsr_store_watch *w, const char *name,
                    bool exact)
{
    return exact ? !strcmp(w->path, name)
                 : xsr_store_path_covers(w->path, name);
}

void xsr_store_fire(const char *name, bool exact)
{
    for (struct xsr_store *xs = conns; xs; xs = xs->next)
        for (struct xsr_store_watch *w = xs->watches; w; w = w->next) {
            const char *path = name;

            if (!matches(w, name, exact))
                continue;
            if (w->relative)
                path += strlen(XSR_STORE_HOME) + 1;
            if (queue_event(xs, w, path))
                xsr_sim_log("xenstore: a watch event was lost: no memory");
        }
}

static void follow_file(struct xsr_store *xs)
{
    struct xsr_err err = XSR_ERR_INIT;
    const char *dir = xsr_sim_dir(&err);
    char path[4096];

    if (!dir || xs->file_fd < 0 || xs->file_is_timer)
        return;
    snprintf(path, sizeof(path), "%s/" XSR_STORE_FILE, dir);
    /* A replaced file says so by IN_ATTRIB: its last name goes away. */
    inotify_add_watch(xs->file_fd, path,
                      IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF);
}

void xsr_store_follow_file(void)
{
    for (struct xsr_store *xs = conns; xs; xs = xs->next)
        follow_file(xs);
}

/* inotify, of which a user has few; else a clock that ticks. */
static int open_file_fd(struct xsr_store *xs)
{
    struct itimerspec t = {{0, LOOK_EVERY_MS * 1000000L},
                           {0, LOOK_EVERY_MS * 1000000L}};

    xs->file_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (xs->file_fd >= 0)
        return 0;
    xs->file_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    xs->file_is_timer = true;
    if (xs->file_fd < 0)
        return -1;
    return timerfd_settime(xs->file_fd, 0, &t, NULL);
}

static void close_fds(struct xsr_store *xs)
{
    xsr_close(&xs->poll_fd);
    xsr_close(&xs->file_fd);
    xsr_close(&xs->event_fd);
}

/* The fds are made when they are first needed. */
static int need_fds(struct xsr_store *xs)
{
    struct epoll_event in = {.events = EPOLLIN};

    if (xs->poll_fd >= 0)
        return 0;
    xs->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    xs->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (xs->poll_fd < 0 || xs->event_fd < 0 || open_file_fd(xs) ||
        epoll_ctl(xs->poll_fd, EPOLL_CTL_ADD, xs->event_fd, &in) ||
        epoll_ctl(xs->poll_fd, EPOLL_CTL_ADD, xs->file_fd, &in)) {
        int keep = errno;

        close_fds(xs);
        errno = keep;
        return -1;
    }
    follow_file(xs);
    return 0;
}

static void drop_events(struct xsr_store *xs, const struct xsr_store_watch *w)
{
    struct xsr_store_event **p = &xs->first_event, *last = NULL;

    while (*p) {
        struct xsr_store_event *e = *p;

        if (w && e->watch != w) {
            last = e;
            p = &e->next;
            continue;
        }
        *p = e->next;
        free(e->strings);
        free(e);
    }
    xs->last_event = last;
}

static void watch_free(struct xsr_store_watch *w)
{
    if (w) {
        free(w->path);
        free(w->token);
        free(w->given);
    }
    free(w);
}

void xsr_store_conn_add(struct xsr_store *xs)
{
    xs->next = conns;
    conns = xs;
}

void xsr_store_conn_remove(struct xsr_store *xs)
{
    bool locked = !xsr_store_enter(false); /* a host that went away: no */
    struct xsr_store **p = &conns;

    while (*p && *p != xs)
        p = &(*p)->next;
    if (*p)
        *p = xs->next;
    drop_events(xs, NULL);
    while (xs->watches) {
        struct xsr_store_watch *w = xs->watches;

        xs->watches = w->next;
        watch_free(w);
    }
    close_fds(xs);
    if (locked)
        xsr_store_leave(false);
}

static struct xsr_store_watch **find_watch(struct xsr_store *xs,
                                           const char *given, const char *token)
{
    struct xsr_store_watch **p = &xs->watches;

    while (*p && (strcmp((*p)->given, given) || strcmp((*p)->token, token)))
        p = &(*p)->next;
    return p;
}

static struct xsr_store_watch *watch_new(const char *path, const char *given,
                                         const char *token)
{
    struct xsr_store_watch *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    w->path = strdup(path);
    w->given = strdup(given);
    w->token = strdup(token);
    w->relative = given[0] != '/' && given[0] != '@';
    if (w->path && w->given && w->token)
        return w;
    watch_free(w);
    return NULL;
}

/* Locked. The new watch fires at once, so that its owner looks once. */
static int add_watch(struct xsr_store *xs, const char *path, const char *given,
                     const char *token)
{
    struct xsr_store_watch **p = find_watch(xs, given, token), *w;

    if (*p) {
        errno = EEXIST;
        return -1;
    }
    w = watch_new(path, given, token);
    if (!w || need_fds(xs) || queue_event(xs, w, given)) {
        watch_free(w);
        return -1;
    }
    *p = w;
    return 0;
}

static int leave(int rc)
{
    int keep = errno;

    xsr_store_leave(false);
    errno = keep;
    return rc;
}

int xsr_store_watch(struct xsr_store *xs, const char *path, const char *token)
{
    char abs[XSR_STORE_PATH_BUF];

    if (xsr_store_path(path, true, abs))
        return -1;
    if (strlen(path) + strlen(token) + 2 > XSR_STORE_PAYLOAD_MAX) {
        errno = E2BIG;
        return -1;
    }
    if (xsr_store_enter(false))
        return -1;
    return leave(add_watch(xs, abs, path, token));
}

int xsr_store_unwatch(struct xsr_store *xs, const char *path, const char *token)
{
    struct xsr_store_watch **p, *w;

    if (xsr_store_enter(false))
        return -1;
    p = find_watch(xs, path, token);
    w = *p;
    if (!w) {
        errno = ENOENT;
        return leave(-1);
    }
    *p = w->next;
    drop_events(xs, w);
    watch_free(w);
    return leave(0);
}

int xsr_store_fileno(struct xsr_store *xs)
{
    int rc;

    if (xsr_store_enter(false))
        return -1;
    rc = need_fds(xs);
    return leave(rc ? -1 : xs->poll_fd);
}

/* Make the fds quiet, before looking: what comes later wakes them again. */
static void quiet(struct xsr_store *xs)
{
    uint64_t n[64];

    while (read(xs->file_fd, n, sizeof(n)) > 0)
        ;
    if (!xs->first_event && read(xs->event_fd, n, sizeof(n[0])) < 0)
        return;
}

/* 1: *event_out; 0: none; -1 errno. */
static int take_event(struct xsr_store *xs, char ***event_out)
{
    struct xsr_store_event *e;
    int rc = 0;

    if (xsr_store_enter(false))
        return -1;
    if (need_fds(xs))
        return leave(-1);
    quiet(xs);
    xsr_store_leave(false);
    if (xsr_store_enter(false)) /* sees what was there before quiet() */
        return -1;
    e = xs->first_event;
    if (e) {
        xs->first_event = e->next;
        if (!e->next)
            xs->last_event = NULL;
        *event_out = e->strings;
        free(e);
        rc = 1;
    }
    return leave(rc);
}

int xsr_store_next_event(struct xsr_store *xs, bool wait, char ***event_out)
{
    struct pollfd p = {.events = POLLIN};
    int rc, before = errno;

    while (!(rc = take_event(xs, event_out))) {
        if (!wait) {
            errno = EAGAIN;
            return -1;
        }
        p.fd = xs->poll_fd;
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return -1;
    }
    if (rc < 0)
        return -1;
    errno = before;
    return 0;
}
