/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device model of an HVM domain without a libxl: started from the state
 * that a stream brought, told to run, ended. What libxl does is kept where
 * others can see it: options, xenstore nodes, the time limits.
 *
 *   dm_args.c  the command line        dm_start.c  from there to "running"
 *   dm.c       of a domain that has one
 */
#ifndef XSR_PLUGIN_DM_H
#define XSR_PLUGIN_DM_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "plugin/host/config.h"

struct xsr_xs;

/* ---- dm_args.c ----------------------------------------------------------- */

#define XSR_DM_STATE_FD 4 /* where the program finds its state */

/*
 * The words behind the program's name, each with its NUL, in *out; argv_out
 * gets path and them, NULL-terminated, to be freed with free().
 */
int xsr_dm_args(const char *path, const char *run_dir, uint32_t domid,
                const struct xsr_config *config, struct xsr_buf *out,
                const char ***argv_out, struct xsr_err *err);

/* ---- dm_start.c ---------------------------------------------------------- */

struct xsr_dm_start {
    /* filled by the caller */
    struct xsr_loop *loop;
    const struct xsr_log *log;
    struct xsr_xs *xs;
    const char *path;       /* of the program */
    const char *run_dir;    /* folder of its sockets */
    const char *state_file; /* what it starts from */
    uint32_t domid;
    const struct xsr_config *config;
    unsigned patience_ms; /* until it runs */
    /* err NULL: it runs. Once, never before xsr_dm_start() returns. */
    void (*on_done)(void *ctx, const struct xsr_err *err);
    void *ctx;
    /* private */
    pid_t pid;    /* -1: there is none */
    int pid_fd;   /* readable when it has ended; -1: look at it */
    int words_fd; /* what it prints */
    struct xsr_loop_fd *watch_store, *watch_end, *watch_words;
    struct xsr_loop_timer *tick;
    uint64_t deadline;
    char node[64];
    char words[200]; /* the end of that */
    size_t words_len;
};

void xsr_dm_start_init(struct xsr_dm_start *s);
/* Whatever comes of it, xsr_dm_start_undo() takes it back. */
int xsr_dm_start(struct xsr_dm_start *s, struct xsr_err *err);
/* Nobody waits any more; the program stays. Idempotent. */
void xsr_dm_start_fini(struct xsr_dm_start *s);

/* End it, and take its sockets away. Idempotent. */
int xsr_dm_start_undo(struct xsr_dm_start *s, struct xsr_err *err);

/* How long libxl waits for one to run. */
#define XSR_DM_START_MS 60000u

/* ---- dm.c ---------------------------------------------------------------- */

/* Has this domain a device model, as far as xenstore tells? */
int xsr_dm_exists(struct xsr_xs *xs, uint32_t domid, bool *exists_out,
                  struct xsr_err *err);
/* Before its domain is unpaused. A domain that has none is fine. */
int xsr_dm_cont(const struct xsr_log *log, struct xsr_xs *xs,
                const char *run_dir, uint32_t domid, struct xsr_err *err);
/* End it and take its sockets away; to be called while its domain's nodes are
   there. A domain that has none is fine. */
int xsr_dm_stop(struct xsr_xs *xs, const char *run_dir, uint32_t domid,
                struct xsr_err *err);

#endif
