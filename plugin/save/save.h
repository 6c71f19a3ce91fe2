/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One save: the state that its chain of steps shares. save.c goes from the
 * domain to the helper and from END to what becomes of the guest, answers.c
 * does what the helper asks for meanwhile, tail.c writes the records behind
 * the guest image, resume.c lets the guest run on.
 */
#ifndef XSR_PLUGIN_SAVE_H
#define XSR_PLUGIN_SAVE_H

#include <limits.h>

#include "plugin/context.h"
#include "plugin/emu/qmp.h"
#include "plugin/helper/helper_run.h"
#include "plugin/host/running.h"
#include "plugin/save/sink.h"
#include "plugin/save/subject.h"
#include "plugin/save/suspend.h"

/* What has to be put right before a guest runs as it did before. */
struct xsr_halt {
    bool dm_logdirty; /* its device model may be tracking writes */
    bool dm_stopped;  /* we may have stopped its device model */
    bool logdirty;    /* log-dirty mode may be on in Xen */
};

struct xsr_save {
    /* filled by the caller */
    struct xensr *x;
    const struct xensr_save_params *params;
    /* shared results */
    struct xensr_saved out;
    struct xsr_err err; /* first error */
    /* private: the output */
    struct xsr_loop *loop;
    struct xsr_loop_fd *watch_stop;
    struct xsr_sink sink;
    int fd_flags;       /* to put back; -1: nothing to do */
    int64_t file_start; /* offset where the image begins; -1: no file */
    bool finished;
    bool handed_over; /* on_written was asked: its words count */
    /* private: the domain */
    struct xsr_xen *xen;
    struct xsr_xs *xs;
    int lock_fd;
    struct xsr_subject subject;
    struct xsr_suspend suspend;
    struct xsr_halt halt;
    bool was_suspended;  /* before we came: it stays so */
    bool keep_suspended; /* nobody knows who owns it */
    uint64_t start_ms, suspended_ms;
    /* private: the helper and what it asks for (answers.c) */
    struct xsr_helper helper;
    struct xsr_qmp qmp;
    bool dm_running;   /* it was, when we came */
    bool state_wanted; /* the device model's state is being saved */
    char state_path[PATH_MAX];
    int state_fd;
    bool has_state_file;
};

/* Give up: stops what is active, then everything is undone. First call wins. */
void xsr_save_fail(struct xsr_save *s, const struct xsr_err *err);
/* Something that was active has ended: is it time to finish? */
void xsr_save_check_end(struct xsr_save *s);
static inline bool xsr_save_failing(const struct xsr_save *s)
{
    return s->err.kind != XSR_E_OK;
}

/* ---- answers.c ----------------------------------------------------------- */

/* HVM: is there a device model, and does it run? Then after_dm_found(). */
void xsr_answers_find_dm(struct xsr_save *s);
/* save.c: it is there, or the guest needs none. */
void xsr_save_after_dm_found(struct xsr_save *s);
/* on_request of the helper. */
void xsr_answers_request(void *ctx, const struct xsr_ipc_msg *m);
/* The save has failed: what is being done for the helper ends. */
void xsr_answers_stop(struct xsr_save *s);
bool xsr_answers_active(const struct xsr_save *s);

/* ---- tail.c -------------------------------------------------------------- */

/* Write the records behind the image up to END, then after_end(). */
void xsr_tail_start(struct xsr_save *s);
/* save.c: END was written. */
void xsr_save_after_end(struct xsr_save *s);

/* ---- resume.c ------------------------------------------------------------ */

struct xsr_resume {
    const struct xensr *x;
    struct xsr_xen *xen;
    struct xsr_xs *xs;
    uint32_t domid;
    struct xsr_halt halt;
    bool stay_suspended; /* as it was found */
};

/* Everything is tried; *err is the first thing that failed. */
int xsr_resume_guest(const struct xsr_resume *r, struct xsr_err *err);

#endif
