/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest pages filled by a child process. A PV guest's pages must not be mapped
 * writable any more when its page tables are pinned, and in a PV domain 0
 * unmapping costs twice what mapping does, but for a process that ends (see
 * keep.h). So a child maps, and reads the stream into, the pages that we tell
 * it, and its end takes the mappings down. One child a gigabyte, one after the
 * other; in the order of the stream, for us to go on when it has answered.
 *
 * Its mappings have no addresses here: a page of the window stands for the
 * page of that number in the child's last mapping, in iovecs and copies.
 */
#ifndef XSR_ENGINE_LOADER_H
#define XSR_ENGINE_LOADER_H

#include <sys/types.h>
#include <sys/uio.h>

#include "engine/xen.h"

#define XSR_LOADER_BOUNCE 64u /* pages that both sides see */
#define XSR_LOADER_IOV    (2 * XSR_LOADER_BOUNCE + 1)

struct xsr_loader {
    struct xsr_xen *xen;          /* borrowed; the child uses its fmem */
    int fd;                       /* the stream, borrowed */
    struct xsr_loader_call *call; /* shared; NULL: nothing is loaded that way */
    uint8_t *bounce, *window;
    pid_t pid; /* 0: there is none now */
    int sock;
    size_t n_mapped; /* by this child */
    bool off;        /* no child could be started */
};

/* As "nothing": there may be no use for one. */
void xsr_loader_init(struct xsr_loader *l);
/* Whether it is of use: n_pages are about to come. No failure. */
void xsr_loader_start(struct xsr_loader *l, struct xsr_xen *xen, int fd,
                      uint64_t n_pages);
static inline bool xsr_loader_is_on(const struct xsr_loader *l)
{
    return l->call && !l->off;
}
/*
 * The window is n frames from now on. It may find that there can be no child,
 * and that is no failure: then it is off.
 */
int xsr_loader_map(struct xsr_loader *l, const xen_pfn_t *frames, unsigned n,
                   struct xsr_err *err);
/* Read all that iov holds: pages of the window and of bounce. */
int xsr_loader_readv(struct xsr_loader *l, const struct iovec *iov,
                     size_t n_iov, struct xsr_err *err);
/* A page of bounce belongs to one of the window; done before what comes next.
 */
void xsr_loader_copy(struct xsr_loader *l, const uint8_t *from, uint8_t *to);
/* All is copied, and nothing mapped; the next map starts again. */
int xsr_loader_finish(struct xsr_loader *l, struct xsr_err *err);
/* Whatever it is in the middle of. */
void xsr_loader_fini(struct xsr_loader *l);

#endif
