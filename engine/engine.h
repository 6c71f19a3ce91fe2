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
    /* Remus and COLO only; results as in libxenguest's restore_callbacks. */
    int (*checkpoint)(void *ctx);
    int (*postcopy)(void *ctx);
    int (*wait_checkpoint)(void *ctx);
    int (*suspend)(void *ctx);
    void (*restore_results)(void *ctx, uint64_t store_gfn,
                            uint64_t console_gfn);
};

enum xsr_stream_type {
    XSR_STREAM_IS_PLAIN,
    XSR_STREAM_IS_REMUS,
    XSR_STREAM_IS_COLO
};

struct xsr_engine_restore {
    /* filled by the caller */
    xc_interface *xch;
    int fd; /* stream, borrowed; ends behind END */
    uint32_t domid;
    uint32_t store_evtchn, store_domid;
    uint32_t console_evtchn, console_domid;
    enum xsr_stream_type stream_type;
    int back_fd;               /* COLO: where dirty pfns are sent; else -1 */
    bool process_ends;         /* soon behind this call: the kernel may unmap */
    const struct xsr_log *log; /* one DEBUG line per record applied */
    const struct xsr_engine_restore_ops *ops;
    void *ops_ctx;
    /* results, valid after success */
    uint64_t store_gfn, console_gfn; /* PV: mfn; HVM: gfn */
    uint64_t n_pages;                /* pages with content */
};

/*
 * Restore an image of version 2 or 3 into an empty, paused domain. The fd ends
 * exactly behind END. On failure the domain is left
 * half built (the caller destroys it), and *err
 * has kind, errno and stream offset (counted from the image header).
 * Nothing is mapped any more, unless process_ends.
 * docs/formats/libxc-image.md
 */
int xsr_engine_restore(struct xsr_engine_restore *r, struct xsr_err *err);

/* ---- saving -------------------------------------------------------------- */

struct xsr_precopy_stats {
    unsigned iteration;     /* rounds sent */
    uint64_t total_written; /* pages in those */
    int64_t dirty_count;    /* pages of the next round; -1: not known yet */
};

enum {
    XSR_PRECOPY_ABORT = -1,
    XSR_PRECOPY_CONTINUE = 0,
    XSR_PRECOPY_STOP = 1 /* suspend the guest and send the rest */
};

struct xsr_engine_save_ops {
    /* Suspend the guest. 0: it would not. Required. */
    int (*suspend)(void *ctx);
    /* Asked twice a round (docs/formats/helper-ipc.md). NULL: at most 5 rounds,
       stop below 50 pages. */
    int (*precopy_policy)(void *ctx, const struct xsr_precopy_stats *stats);
    /* Remus and COLO only; above 0: go on. */
    int (*checkpoint)(void *ctx);
    int (*postcopy)(void *ctx);
    int (*wait_checkpoint)(void *ctx);
    /* The device model of an HVM container; 0: done. Required for those. */
    int (*switch_qemu_logdirty)(void *ctx, uint32_t domid, bool enable);
};

struct xsr_engine_save {
    /* filled by the caller */
    xc_interface *xch;
    int fd; /* stream, borrowed, blocking */
    uint32_t domid;
    bool live;   /* send memory while the guest runs */
    bool verify; /* send all of it again at the end, to be compared */
    enum xsr_stream_type stream_type;
    int back_fd;        /* COLO: where dirty pfns come from; else -1 */
    bool process_ends;  /* as in a restore */
    bool live_fallback; /* plain streams: a host that cannot track the guest's
                           writes gets a non-live copy and a warning */
    const struct xsr_log *log;
    const struct xsr_engine_save_ops *ops;
    void *ops_ctx;
    /* results */
    uint64_t n_pages; /* pages with content that were sent */
    unsigned n_rounds;
    bool fell_back; /* live was asked for and not possible */
    /* A checkpointed save goes on until a callback ends it: */
    const char *refused_by; /* its name; NULL: none did */
    int refused;            /* its value, 0 or negative */
};

/*
 * Write the image of a domain, header to END. Whether writes can be tracked is
 * known before the first octet is written. However it ends, log-dirty mode is
 * off in Xen and (through the callback) in the device model and nothing is
 * mapped any more (unless process_ends); the guest is left suspended if it had
 * been, which is the caller's to resume. EPIPE and EBADF of the fd are ordinary
 * failures. A checkpointed save never succeeds: it ends with XSR_E_STOPPED (a
 * callback returned 0), with XSR_E_PEER (it returned less), or by another
 * failure. docs/formats/libxc-image.md
 */
int xsr_engine_save(struct xsr_engine_save *s, struct xsr_err *err);

/*
 * Let a domain that is shut down with reason suspend run on. fast: as a
 * cancelled suspend (the guest's hypercall returns 1); otherwise as after a
 * restore (PV: start_info and vCPU context are put right as libxenguest does).
 */
int xsr_engine_resume(xc_interface *xch, uint32_t domid, bool fast,
                      struct xsr_err *err);

/* Why the domain is shut down, a SHUTDOWN_*; -1: it is not; -2: unknown. */
int xsr_engine_shutdown_reason(xc_interface *xch, uint32_t domid);

#endif
