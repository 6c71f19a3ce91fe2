/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mapping and unmapping guest memory in a second thread: on a real host either
 * costs as much as moving the pages' contents does. restore/batch.c lets it
 * map the larger part of a record while the contents of the smaller one are
 * read, and take down what the record before needed.
 */
#ifndef XSR_ENGINE_MAPPER_H
#define XSR_ENGINE_MAPPER_H

#include <pthread.h>

#include "engine/xen.h"

#define XSR_MAPPER_ROOM 4u /* mappings that wait to be taken down */

struct xsr_mapper {
    struct xsr_xen *xen; /* borrowed */
    enum { XSR_MAPPER_IDLE, XSR_MAPPER_RUNS, XSR_MAPPER_ALONE } mode;
    pthread_t thread;
    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    struct {
        const xen_pfn_t *frames; /* NULL: nothing to map */
        unsigned n;
        int prot, rc;
        void *p;
        struct xsr_err err;
    } map;
    struct {
        void *p;
        size_t n;
    } old[XSR_MAPPER_ROOM];
    unsigned n_old;
    bool quit;
};

void xsr_mapper_init(struct xsr_mapper *m, struct xsr_xen *xen);
/* All that was taken is unmapped afterwards. */
void xsr_mapper_fini(struct xsr_mapper *m);
/*
 * Map n guest frames; they stay valid until the end, which must follow before
 * another begin.
 */
void xsr_mapper_begin(struct xsr_mapper *m, const xen_pfn_t *frames, unsigned n,
                      int prot);
int xsr_mapper_end(struct xsr_mapper *m, void **out, struct xsr_err *err);
/* n pages at p (may be NULL) are not needed any more. */
void xsr_mapper_take(struct xsr_mapper *m, void *p, size_t n);
/* Return when all that was taken is unmapped. */
void xsr_mapper_wait(struct xsr_mapper *m);

#endif
