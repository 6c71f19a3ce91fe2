/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hypercalls that fail because a test wants them to (`xensr sim fault`): per
 * domain or for all of them, always or at the n-th call of the kind.
 */
#ifndef XSR_STUBS_FAULT_H
#define XSR_STUBS_FAULT_H

#include <stdint.h>

#pragma GCC visibility push(default)

enum xsr_fault {
    XSR_FAULT_LOGDIRTY_REFUSED, /* as by a Xen without shadow paging */
    XSR_FAULT_LOGDIRTY_BUSY,    /* somebody has switched it on already */
    XSR_FAULT_LOGDIRTY_READ,    /* fetching the bitmap */
    XSR_FAULT_PAGE_TYPES,
    XSR_FAULT_MAP,     /* foreign mappings */
    XSR_FAULT_CONTEXT, /* fetching a vCPU's or the HVM context */
    XSR_FAULT_POPULATE,
    XSR_FAULT_SHUTDOWN, /* by a toolstack */
    XSR_FAULT_RESUME,
    XSR_N_FAULTS
};
#define XSR_FAULT_HOST   UINT32_MAX /* instead of a domid: all domains */
#define XSR_FAULT_ALWAYS (-1)

const char *xsr_fault_name(unsigned kind); /* NULL behind the last */
int xsr_fault_find(const char *name);      /* -1: there is none */
/* n: the n-th call from now fails; 0: none. XSR_N_FAULTS: all kinds. */
int xsr_fault_set(uint32_t domid, enum xsr_fault kind, int32_t n);
int xsr_fault_get(uint32_t domid, enum xsr_fault kind, int32_t *n_out);

#pragma GCC visibility pop

#endif
