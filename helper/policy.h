/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When a live save stops sending memory beside the running guest and asks for
 * its suspension. As libxenguest does by itself, unless the environment sets
 * other limits (docs/formats/helper-ipc.md). Pure: time comes in as a number.
 */
#ifndef XSR_HELPER_POLICY_H
#define XSR_HELPER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/* As libxenguest's XGS_POLICY_... */
enum { XSR_POLICY_ABORT = -1, XSR_POLICY_CONTINUE = 0, XSR_POLICY_STOP = 1 };

struct xsr_precopy {
    /* limits */
    unsigned max_rounds;
    uint64_t min_remaining; /* pages */
    uint64_t target_ms;     /* of pause; 0: no target */
    bool abort_if_busy;
    /* private: the round that is under way */
    uint64_t round_ms, round_pages;
    double pages_per_ms; /* sent, in the last round; 0: not known */
    int64_t last_dirty;
    char why[160]; /* of an abort */
};

/* Limits from XENSR_MAX_ROUNDS and so on; a bad value is an error. */
int xsr_precopy_init(struct xsr_precopy *p, struct xsr_err *err);
/*
 * Asked before and after each round. iteration: rounds sent; dirty: pages of
 * the next one, -1 when they are not counted yet.
 */
int xsr_precopy_ask(struct xsr_precopy *p, unsigned iteration, int64_t dirty,
                    uint64_t now_ms);
/* After an abort: the reason as a sentence. */
int xsr_precopy_fail(const struct xsr_precopy *p, struct xsr_err *err);

#endif
