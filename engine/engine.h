/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest image engine: one libxc image <-> one domain, over libxenctrl and
 * libxenforeignmemory alone. Blocking, straight-line; no global state.
 */
#ifndef XSR_ENGINE_ENGINE_H
#define XSR_ENGINE_ENGINE_H

#include <stdint.h>
#include <xenctrl.h>

#include "lib/err.h"
#include "lib/log.h"

struct xsr_engine_restore_ops {
    /*
     * Static data is complete. missing: bit 0 no CPUID policy, bit 1 no MSR
     * policy in the image. Non-zero return refuses the restore. May be NULL.
     */
    int (*on_static_data_done)(void *ctx, unsigned missing);
};

struct xsr_engine_restore {
    /* filled by the caller */
    xc_interface *xch;
    int fd; /* stream, borrowed; ends behind END */
    uint32_t domid;
    uint32_t store_evtchn, store_domid;
    uint32_t console_evtchn, console_domid;
    const struct xsr_log *log; /* one DEBUG line per record applied */
    const struct xsr_engine_restore_ops *ops;
    void *ops_ctx;
    /* results, valid after success */
    uint64_t store_gfn, console_gfn; /* PV: mfn; HVM: gfn */
    uint64_t n_pages;                /* pages with content */
};

/*
 * Restore a plain (not checkpointed) image of version 2 or 3 into an empty,
 * paused domain. The fd ends exactly behind END. On failure the domain is left
 * half built (the caller destroys it), nothing is mapped any more, and *err
 * has kind, errno and stream offset (counted from the image header).
 * docs/formats/libxc-image.md
 */
int xsr_engine_restore(struct xsr_engine_restore *r, struct xsr_err *err);

#endif
