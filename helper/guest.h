/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which engine saves or restores the guest: the host's libxenguest or our own.
 * Only guest*.c know Xen's headers.
 */
#ifndef XSR_HELPER_GUEST_H
#define XSR_HELPER_GUEST_H

#include "helper/answer.h"
#include "helper/args.h"
#include "helper/stats.h"

struct xsr_guest;

/* Open the hypervisor. Everything it says goes to a, which is borrowed. */
int xsr_guest_open(struct xsr_guest **g_out, const struct xsr_args *args,
                   struct xsr_answer *a, struct xsr_err *err);
/* Restore; results are valid after success. *err tells the cause. */
int xsr_guest_restore(struct xsr_guest *g, uint64_t *store_gfn_out,
                      uint64_t *console_gfn_out, struct xsr_err *err);
/*
 * Save. After failure log-dirty mode is off: in Xen, and in the device model
 * if there is still a parent to tell it.
 */
int xsr_guest_save(struct xsr_guest *g, struct xsr_stats *stats,
                   struct xsr_err *err);
void xsr_guest_close(struct xsr_guest *g); /* NULL is fine */

#endif
