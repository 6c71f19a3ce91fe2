/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The context behind struct xensr: options with their defaults filled in, the
 * log, the stop request, the undo list and the way from an error value to a
 * result code. Operations (restore.c, save.c) borrow it.
 */
#ifndef XSR_PLUGIN_CONTEXT_H
#define XSR_PLUGIN_CONTEXT_H

#include <signal.h>

#include "lib/err.h"
#include "lib/log.h"
#include "plugin/xensr.h"

#define XSR_MAX_UNDO 16

/* Take back one step. Failing means that somebody has to look. */
typedef int xsr_undo_fn(void *ctx, struct xsr_err *err);

struct xsr_undo {
    char what[64]; /* "domain 7", for the message */
    xsr_undo_fn *undo;
    void *ctx;
};

struct xensr {
    /* options, all filled in */
    char *helper, *converter, *dm_dir, *state_dir, *run_dir;
    char *device_model; /* "": none is started */
    unsigned helper_ack_ms, helper_term_ms, stall_ms, hang_ms;
    void (*on_log)(void *ctx, enum xensr_level level, const char *text);
    void (*on_progress)(void *ctx, const char *what, uint64_t done,
                        uint64_t total);
    void *ctx;
    struct xsr_log log; /* sends to on_log and on_progress */

    int stop_fd; /* eventfd: readable once a stop is wanted */
    volatile sig_atomic_t stop_wanted;
    bool busy;  /* an operation is running */
    bool part;  /* of a longer one: a stop request outlives it */
    bool usage; /* its failure is the caller's mistake */
    bool look;  /* its failure is one that somebody must look at */

    char *config_file; /* of the domain being made; NULL: none yet */
    bool made_state_dir;

    struct xsr_undo undo[XSR_MAX_UNDO];
    unsigned n_undo;

    char text[1024]; /* the last error, for xensr_error() */
    uint64_t error_offset;
};

/* Begin an operation: one at a time. 0 or XENSR_USAGE. */
int xsr_context_begin(struct xensr *x);
/*
 * Between begin and end: the public operations called until xsr_parts_end()
 * are parts of this one, which sees their errors and their stop requests.
 */
void xsr_parts_begin(struct xensr *x);
void xsr_parts_end(struct xensr *x);

/*
 * End it. err->kind XSR_E_OK: forget the undo list, XENSR_OK. Otherwise run it
 * backwards and return the result code for the error; XENSR_LOOK when a step
 * could not be taken back.
 */
int xsr_context_end(struct xensr *x, const struct xsr_err *err);

/* The step just taken has to be taken back if the operation fails. */
void xsr_undo_push(struct xensr *x, xsr_undo_fn *undo, void *ctx,
                   const char *what, ...) __attribute__((format(printf, 4, 5)));

/*
 * Keep the configuration of a domain in our own state folder, for whoever
 * looks after it later (libxl's userdata is not ours). Has its own undo step.
 */
int xsr_context_save_config(struct xensr *x, uint32_t domid, const char *text,
                            struct xsr_err *err);

/* ---- destroy.c ----------------------------------------------------------- */

struct xsr_xen;
struct xsr_xs;

/* A domain and all that is its own, in Xen, xenstore and on disk. Every step
   is tried; *err is the first that failed. */
int xsr_destroy_all(struct xensr *x, struct xsr_xen *xen, struct xsr_xs *xs,
                    uint32_t domid, struct xsr_err *err);

#endif
