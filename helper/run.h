/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One save or restore from the first message to the last, and what both have
 * in common in how they begin and report.
 */
#ifndef XSR_HELPER_RUN_H
#define XSR_HELPER_RUN_H

#include "helper/answer.h"
#include "helper/args.h"

#define XSR_HELPER_CONTEXT "xensr-helper"

/* Do it and report. After it, a->parent_gone says whether anybody heard. */
void xsr_save_run(const struct xsr_args *args, struct xsr_answer *a);
void xsr_restore_run(const struct xsr_args *args, struct xsr_answer *a);
/* Report why it is not even tried. */
void xsr_refuse_run(const struct xsr_args *args, struct xsr_answer *a,
                    const struct xsr_err *why);

/* Stop signals, first message, fds that are not ours. Changes args. */
int xsr_report_begin(struct xsr_args *args, struct xsr_answer *a,
                     struct xsr_err *err);
/* *err: what the engine saw -> what really happened (a stop, a refusal...). */
void xsr_report_root_cause(const struct xsr_args *args,
                           const struct xsr_answer *a, struct xsr_err *err);
/* The sentence for people; then the end as below. */
void xsr_report_failure(const struct xsr_args *args, struct xsr_answer *a,
                        const struct xsr_err *err);
/* In a restore the results (0: none); "complete r=N"; complete. */
void xsr_report_end(const struct xsr_args *args, struct xsr_answer *a,
                    uint64_t store_gfn, uint64_t console_gfn, int retval,
                    int errnoval);

#endif
