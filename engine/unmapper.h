/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unmapping guest memory in a second thread: on a real host it costs as much
 * as reading the pages' contents does, and nobody waits for its result.
 */
#ifndef XSR_ENGINE_UNMAPPER_H
#define XSR_ENGINE_UNMAPPER_H

#include <pthread.h>

#include "engine/xen.h"

struct xsr_unmapper {
    struct xsr_xen *xen; /* borrowed */
    enum { XSR_UNMAPPER_IDLE, XSR_UNMAPPER_RUNS, XSR_UNMAPPER_ALONE } mode;
    pthread_t thread;
    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    void *p; /* what it has to unmap, or NULL */
    size_t n;
    bool quit;
};

void xsr_unmapper_init(struct xsr_unmapper *u, struct xsr_xen *xen);
/* Everything is unmapped afterwards. */
void xsr_unmapper_fini(struct xsr_unmapper *u);
/* n pages at p (may be NULL) are not needed any more. */
void xsr_unmapper_take(struct xsr_unmapper *u, void *p, size_t n);
/* Return when all that was taken is unmapped. */
void xsr_unmapper_wait(struct xsr_unmapper *u);

#endif
