/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run of a save helper, for a restore or for a save: start it with exactly
 * the descriptors it needs (helper_run.c), answer its messages (helper_msgs.c),
 * collect its exit and judge the whole (helper_judge.c).
 * docs/formats/helper-ipc.md
 */
#ifndef XSR_PLUGIN_HELPER_RUN_H
#define XSR_PLUGIN_HELPER_RUN_H

#include <stdbool.h>

#include "lib/ipc.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/proc.h"

struct xsr_helper_results {
    /* restore */
    uint64_t store_gfn, console_gfn;
    unsigned missing; /* static data: bit 0 CPUID, bit 1 MSR */
    /* save, as far as the helper tells */
    uint64_t n_pages;     /* sent, repeats counted */
    unsigned n_rounds;    /* of pre-copy */
    uint64_t round_pages; /* in the last one */
    /* what the kernel counts as written; UINT64_MAX: it does not say */
    uint64_t written;
};

/* err NULL: restored, or saved. Called once, when the process is gone. */
typedef void xsr_helper_done(void *ctx, const struct xsr_err *err,
                             const struct xsr_helper_results *results);

struct xsr_helper {
    /* filled by the caller */
    struct xsr_loop *loop;
    const struct xsr_log *log;
    const char *path;
    enum xsr_ipc_side side;
    int stream_fd; /* borrowed; the helper reads or writes it */
    uint32_t domid;
    uint32_t store_port, store_domid, console_port, console_domid;
    uint64_t image_pos; /* where the image begins in the input */
    bool image_pos_known;
    bool quiet_progress; /* somebody else reports it */
    unsigned ack_ms, term_ms, stall_ms, hang_ms;
    bool live, verify;   /* save */
    uint64_t most_pages; /* save: the guest has no more; 0: not known */
    /*
     * Save: it asks to suspend the guest or to switch the device model's
     * log-dirty mode, and waits for xsr_helper_answer(). It may ask while it is
     * being stopped, too, and is not killed before it has its answer.
     */
    void (*on_request)(void *ctx, const struct xsr_ipc_msg *m);
    xsr_helper_done *on_done;
    void *ctx;

    /* private: process and pipes */
    struct xsr_child child;
    int to_fd, from_fd; /* our ends: its stdin, its stdout */
    struct xsr_loop_fd *watch_from, *watch_exit;
    struct xsr_loop_timer *deadline, *pulse;
    /* private: conversation (helper_msgs.c) */
    struct xsr_buf in; /* bytes that are not yet a whole message */
    uint32_t seen;     /* bit per enum xsr_msg received */
    struct xsr_helper_results results;
    int32_t retval, errnoval; /* of complete */
    char said[XSR_ERR_TEXT];  /* the error line that names the cause */
    bool said_by_us;          /* it is our own helper's sentence */
    bool asked;               /* it waits for our answer */
    bool deaf;                /* its messages are not understood any more */
    char phase[64];           /* whose progress was reported last */
    uint64_t phase_done;
    uint64_t n_received; /* bytes of messages */
    /* private: supervision */
    uint64_t last_life_ms; /* last sign of life */
    uint64_t last_look_ms; /* when somebody looked for one */
    uint64_t moved_bytes;  /* what it has read, or written, by the kernel */
    bool ended_output;     /* EOF on its stdout */
    unsigned n_kills;      /* 1: SIGTERM sent, 2: SIGKILL */
    struct xsr_err err;    /* first error */
};

/* Before filling: everything to its "nothing" value. */
void xsr_helper_init(struct xsr_helper *h);
/* Start. On failure nothing runs and on_done is not called. */
int xsr_helper_start(struct xsr_helper *h, struct xsr_err *err);
bool xsr_helper_running(const struct xsr_helper *h);
/* The answer to on_request; one that is gone is fine, its exit tells. */
void xsr_helper_answer(struct xsr_helper *h, int32_t value);
/*
 * End it: SIGTERM, later SIGKILL. on_done follows, with *why unless it had
 * failed before. Idempotent.
 */
void xsr_helper_stop(struct xsr_helper *h, const struct xsr_err *why);
/* Kill what is left and close everything; idempotent. */
void xsr_helper_fini(struct xsr_helper *h);

/* ---- helper_msgs.c ------------------------------------------------------ */

/* Bytes from the helper: decode and answer the whole messages among them. */
int xsr_helper_take_bytes(struct xsr_helper *h, const uint8_t *p, size_t n,
                          struct xsr_err *err);
/* Log the error line that was held back as the likely cause. */
void xsr_helper_log_said(struct xsr_helper *h);
static inline bool xsr_helper_saw(const struct xsr_helper *h, enum xsr_msg msg)
{
    return h->seen & 1u << msg;
}

/* ---- helper_judge.c ----------------------------------------------------- */

/* The process has ended with this wait status: what does it all mean? */
int xsr_helper_judge(const struct xsr_helper *h, int status,
                     struct xsr_err *err);

#endif
