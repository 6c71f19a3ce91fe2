/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Most of the address space of a small HVM or PVH guest is a hole: its last
 * pages lie just below 4 GiB, whatever its size, and Xen has to be asked about
 * each frame below them. That takes longer than sending 512 MiB. So, while
 * pass.c walks up, a second thread asks from the other end down, and where it
 * found nothing pass.c has nothing to do. Where the two meet it is at its end.
 *
 * A page that comes into such a hole afterwards was written to since tracking
 * began: a later round sends it, as it does with a page that comes behind
 * pass.c's back. A guest that stands still gets none.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/save/save.h"
#include "engine/xen_get.h"
#include "lib/util.h"

#define PIECE  XSR_MAX_PAGE_BATCH
/* Frames a call: others wait for Xen's lock as long as one takes. */
#define ASKED  256u
/* With fewer pieces there is not much to find. */
#define ENOUGH 64u

struct xsr_save_holes {
    xc_interface *xch; /* a thread's own */
    uint32_t domid;
    uint64_t n_frames, n_pieces;
    _Atomic uint64_t reached; /* pieces below it are pass.c's */
    pthread_t thread;
    atomic_bool is_hole[]; /* n_pieces of them */
};

/* ---- the second thread --------------------------------------------------- */

static bool find_nothing(struct xsr_save_holes *h, struct xsr_xen *xen,
                         uint64_t piece)
{
    uint64_t first = piece * PIECE;
    uint64_t end = xsr_min(first + PIECE, h->n_frames);
    struct xsr_err ignored = XSR_ERR_INIT;
    xen_pfn_t frame[ASKED];

    while (first < end) {
        unsigned n = (unsigned)xsr_min(end - first, ASKED);

        for (unsigned i = 0; i < n; i++)
            frame[i] = first + i;
        if (xsr_xen_get_types(xen, frame, n, &ignored) < 0)
            return false;
        for (unsigned i = 0; i < n; i++)
            if ((frame[i] & XEN_DOMCTL_PFINFO_LTAB_MASK) !=
                XEN_DOMCTL_PFINFO_XTAB)
                return false;
        first += n;
    }
    return true;
}

/* An error is pass.c's to meet: here it means only that nothing is known. */
static void *look_down(void *arg)
{
    struct xsr_save_holes *h = arg;
    struct xsr_err ignored = XSR_ERR_INIT;
    struct xsr_xen xen;

    if (xsr_xen_init(&xen, h->xch, h->domid, &ignored) < 0)
        return NULL;
    for (uint64_t i = h->n_pieces; i > 0 && i > h->reached; i--)
        if (find_nothing(h, &xen, i - 1))
            h->is_hole[i - 1] = true;
    xsr_xen_fini(&xen);
    return NULL;
}

/* ---- the first thread ---------------------------------------------------- */

static bool start_thread(struct xsr_save_holes *h)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&h->thread, NULL, look_down, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r == 0;
}

/* It can be done without: no failure is reported. */
void xsr_save_holes_start(struct xsr_save *sv, uint64_t n_frames)
{
    uint64_t n_pieces = (n_frames + PIECE - 1) / PIECE;
    struct xsr_save_holes *h;

    if (sv->ops->guest != XSR_XC3_HVM || n_pieces < ENOUGH ||
        sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return;
    h = calloc(1, sizeof(*h) + n_pieces * sizeof(h->is_hole[0]));
    if (!h)
        return;
    h->domid = sv->xen.domid;
    h->n_frames = n_frames;
    h->n_pieces = n_pieces;
    h->xch = xc_interface_open(NULL, NULL, 0);
    if (h->xch && start_thread(h)) {
        sv->holes = h;
        return;
    }
    if (h->xch)
        xc_interface_close(h->xch);
    free(h);
}

bool xsr_save_holes_has(struct xsr_save *sv, uint64_t pfn)
{
    struct xsr_save_holes *h = sv->holes;

    if (!h || pfn % PIECE || pfn >= h->n_frames)
        return false;
    h->reached = pfn / PIECE + 1;
    return h->is_hole[pfn / PIECE];
}

void xsr_save_holes_stop(struct xsr_save *sv)
{
    struct xsr_save_holes *h = sv->holes;

    if (!h)
        return;
    h->reached = h->n_pieces;
    pthread_join(h->thread, NULL);
    xc_interface_close(h->xch);
    free(h);
    sv->holes = NULL;
}
