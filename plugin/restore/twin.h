/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Other domains that are the guest which comes here, by UUID or by name: none
 * is allowed, but for one that is its sender's.
 */
#ifndef XSR_PLUGIN_TWIN_H
#define XSR_PLUGIN_TWIN_H

#include "plugin/restore/restore.h"

/* Before the domain is made; fills in bare.twin and bare.vm_path. */
int xsr_restore_check_twin(struct xsr_restore *r, struct xsr_err *err);
/* Before the domain runs: others with its UUID are suspended. */
int xsr_twin_check(struct xensr *x, uint32_t domid, struct xsr_err *err);

#endif
