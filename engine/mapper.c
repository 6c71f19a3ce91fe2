/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The thread exists from the first large mapping on, gets no signals, and maps
 * before it unmaps: somebody may wait for the former. Few pages are not worth
 * its wake-up, and where it cannot be had the caller does it all.
 *
 * Both threads may map at once. libxenforeignmemory keeps nothing in its handle
 * that a mapping changes; hypercalls through xch are the first thread's alone.
 * Before anything looks at how the guest's pages are referenced (pinning page
 * tables, letting the guest run) restore.c waits until all is taken down.
 */
#include "engine/mapper.h"

#include <signal.h>
#include <string.h>

#define FEW_PAGES 64u

static void map(struct xsr_mapper *m)
{
    m->map.rc = xsr_xen_map(m->xen, m->map.frames, m->map.n, m->map.prot,
                            "guest memory", &m->map.p, &m->map.err);
}

/* ---- the second thread --------------------------------------------------- */

/* Lock held, and dropped meanwhile. */
static void map_one(struct xsr_mapper *m)
{
    pthread_mutex_unlock(&m->lock);
    map(m);
    pthread_mutex_lock(&m->lock);
    m->map.frames = NULL;
    pthread_cond_signal(&m->changed);
}

static void unmap_one(struct xsr_mapper *m)
{
    void *p = m->old[0].p;
    size_t n = m->old[0].n;

    pthread_mutex_unlock(&m->lock);
    xsr_xen_unmap(m->xen, p, n);
    pthread_mutex_lock(&m->lock);
    m->n_old--;
    memmove(m->old, m->old + 1, m->n_old * sizeof(m->old[0]));
    pthread_cond_signal(&m->changed);
}

static void *work(void *arg)
{
    struct xsr_mapper *m = arg;

    pthread_mutex_lock(&m->lock);
    for (;;) {
        if (m->map.frames)
            map_one(m);
        else if (m->n_old)
            unmap_one(m);
        else if (m->quit)
            break;
        else
            pthread_cond_wait(&m->changed, &m->lock);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

static bool start(struct xsr_mapper *m)
{
    sigset_t all, before;
    int r;

    if (m->mode != XSR_MAPPER_IDLE)
        return m->mode == XSR_MAPPER_RUNS;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&m->thread, NULL, work, m);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    m->mode = r ? XSR_MAPPER_ALONE : XSR_MAPPER_RUNS;
    return !r;
}

/* ---- the first thread ---------------------------------------------------- */

void xsr_mapper_init(struct xsr_mapper *m, struct xsr_xen *xen)
{
    memset(m, 0, sizeof(*m));
    m->xen = xen;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->changed, NULL);
}

void xsr_mapper_fini(struct xsr_mapper *m)
{
    if (!m->xen)
        return;
    if (m->mode == XSR_MAPPER_RUNS) {
        pthread_mutex_lock(&m->lock);
        m->quit = true;
        pthread_cond_signal(&m->changed);
        pthread_mutex_unlock(&m->lock);
        pthread_join(m->thread, NULL);
    }
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
    m->xen = NULL;
}

void xsr_mapper_begin(struct xsr_mapper *m, const xen_pfn_t *frames, unsigned n,
                      int prot)
{
    bool threaded = start(m);

    pthread_mutex_lock(&m->lock);
    m->map.frames = frames;
    m->map.n = n;
    m->map.prot = prot;
    m->map.p = NULL;
    xsr_err_clear(&m->map.err);
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
    if (threaded)
        return;
    map(m);
    m->map.frames = NULL;
}

int xsr_mapper_end(struct xsr_mapper *m, void **out, struct xsr_err *err)
{
    pthread_mutex_lock(&m->lock);
    while (m->map.frames)
        pthread_cond_wait(&m->changed, &m->lock);
    pthread_mutex_unlock(&m->lock);
    *out = m->map.p;
    if (m->map.rc < 0)
        *err = m->map.err;
    return m->map.rc;
}

void xsr_mapper_wait(struct xsr_mapper *m)
{
    if (m->mode != XSR_MAPPER_RUNS)
        return;
    pthread_mutex_lock(&m->lock);
    while (m->n_old)
        pthread_cond_wait(&m->changed, &m->lock);
    pthread_mutex_unlock(&m->lock);
}

void xsr_mapper_take(struct xsr_mapper *m, void *p, size_t n)
{
    if (!p)
        return;
    if (n < FEW_PAGES || !start(m)) {
        xsr_xen_unmap(m->xen, p, n);
        return;
    }
    pthread_mutex_lock(&m->lock);
    while (m->n_old == XSR_MAPPER_ROOM)
        pthread_cond_wait(&m->changed, &m->lock);
    m->old[m->n_old].p = p;
    m->old[m->n_old].n = n;
    m->n_old++;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
}
