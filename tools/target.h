/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The output of a save: a file that appears under its name only when all of it
 * is on disk, or "-" (standard output), or a pipe or block device that is there
 * already.
 *
 *   open -> write to fd -> keep, or close, which leaves nothing
 */
#ifndef XSR_TOOLS_TARGET_H
#define XSR_TOOLS_TARGET_H

#include <stdbool.h>

#include "lib/err.h"

struct xsr_target {
    int fd;         /* write here; closed by xsr_target_close() */
    bool discards;  /* what is written is gone: /dev/null */
    char shown[80]; /* for messages: quoted and shortened path */
    /* private */
    bool replaces; /* a file that is not yet under its name */
    int folder;    /* where it will be, open; -1 unless it replaces */
    char *name;    /* in that folder */
    char *part;    /* its name until then; NULL: it has none */
};
#define XSR_TARGET_INIT                      \
    {                                        \
        -1, false, "", false, -1, NULL, NULL \
    }

/* New files are readable by their owner alone. */
int xsr_target_open(struct xsr_target *t, const char *path,
                    struct xsr_err *err);

/* Refuse if so many bytes more do not fit on the disk or under the limits. */
int xsr_target_check_space(const struct xsr_target *t, uint64_t n_bytes,
                           struct xsr_err *err);

/*
 * All is written: to the disk with it, then under its name, and that to the
 * disk; of a pipe, into the hands of its reader. On failure nothing is under
 * the name that was not there before.
 */
int xsr_target_keep(struct xsr_target *t, struct xsr_err *err);

/* Idempotent; what was not kept is gone. */
void xsr_target_close(struct xsr_target *t);

#endif
