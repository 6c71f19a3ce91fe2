/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One restore, or its refusal, from the first message to the last. */
#ifndef XSR_HELPER_RESTORE_H
#define XSR_HELPER_RESTORE_H

#include "helper/answer.h"
#include "helper/args.h"

/* Restore and report. After it, a->parent_gone says whether anybody heard. */
void xsr_restore_run(const struct xsr_args *args, struct xsr_answer *a);
/* Report why it is not even tried. */
void xsr_restore_refuse(const struct xsr_args *args, struct xsr_answer *a,
                        const struct xsr_err *why);

#endif
