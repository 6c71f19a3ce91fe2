/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * restore/batch.c gives away the mapping of a record and reads the next one
 * meanwhile. One mapping at a time: whoever comes with another waits for the
 * first. Before anything looks at how the guest's pages are referenced
 * (pinning page tables, letting the guest run) restore.c waits for all.
 *
 * The thread exists from the first large mapping on, gets no signals, and does
 * nothing but unmapping. Few pages are not worth its wake-up, and where it
 * cannot be had the caller does it all.
 */
#include "engine/unmapper.h"

#include <signal.h>
#include <string.h>

#define FEW_PAGES 64u

static void *unmap_all(void *arg)
{
    struct xsr_unmapper *u = arg;

    pthread_mutex_lock(&u->lock);
    for (;;) {
        while (!u->p && !u->quit)
            pthread_cond_wait(&u->changed, &u->lock);
        if (!u->p)
            break;
        pthread_mutex_unlock(&u->lock);
        xsr_xen_unmap(u->xen, u->p, u->n);
        pthread_mutex_lock(&u->lock);
        u->p = NULL;
        pthread_cond_signal(&u->changed);
    }
    pthread_mutex_unlock(&u->lock);
    return NULL;
}

static bool start(struct xsr_unmapper *u)
{
    sigset_t all, before;
    int r;

    if (u->mode != XSR_UNMAPPER_IDLE)
        return u->mode == XSR_UNMAPPER_RUNS;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&u->thread, NULL, unmap_all, u);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    u->mode = r ? XSR_UNMAPPER_ALONE : XSR_UNMAPPER_RUNS;
    return !r;
}

void xsr_unmapper_init(struct xsr_unmapper *u, struct xsr_xen *xen)
{
    memset(u, 0, sizeof(*u));
    u->xen = xen;
    pthread_mutex_init(&u->lock, NULL);
    pthread_cond_init(&u->changed, NULL);
}

void xsr_unmapper_fini(struct xsr_unmapper *u)
{
    if (!u->xen)
        return;
    if (u->mode == XSR_UNMAPPER_RUNS) {
        pthread_mutex_lock(&u->lock);
        u->quit = true;
        pthread_cond_signal(&u->changed);
        pthread_mutex_unlock(&u->lock);
        pthread_join(u->thread, NULL);
    }
    pthread_cond_destroy(&u->changed);
    pthread_mutex_destroy(&u->lock);
    u->xen = NULL;
}

void xsr_unmapper_wait(struct xsr_unmapper *u)
{
    if (u->mode != XSR_UNMAPPER_RUNS)
        return;
    pthread_mutex_lock(&u->lock);
    while (u->p)
        pthread_cond_wait(&u->changed, &u->lock);
    pthread_mutex_unlock(&u->lock);
}

void xsr_unmapper_take(struct xsr_unmapper *u, void *p, size_t n)
{
    if (!p)
        return;
    if (n < FEW_PAGES || !start(u)) {
        xsr_xen_unmap(u->xen, p, n);
        return;
    }
    pthread_mutex_lock(&u->lock);
    while (u->p)
        pthread_cond_wait(&u->changed, &u->lock);
    u->p = p;
    u->n = n;
    pthread_cond_signal(&u->changed);
    pthread_mutex_unlock(&u->lock);
}
