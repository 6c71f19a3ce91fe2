/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The folder below /vm of a domain: the one it gets when it is made, and the
 * one to take away with it. All inside a transaction of the caller's, or not.
 */
#ifndef XSR_PLUGIN_VM_PATH_H
#define XSR_PLUGIN_VM_PATH_H

#include "plugin/host/host.h"

/* What a domain, by its number as text, says; *vm_out NULL: nothing. */
int xsr_vm_path_read(struct xsr_xs *xs, const char *domain, char **vm_out,
                     struct xsr_err *err);
/* The one for a new domain, into b->vm_path; needs config and twin. */
int xsr_vm_path_choose(struct xsr_xs *xs, struct xsr_bare *b,
                       struct xsr_err *err);
/* The domain's; "" if it has none, another domain has the same, or it is not
   of a form that belongs to one domain. */
int xsr_vm_path_own(struct xsr_xs *xs, uint32_t domid, char out[XSR_VM_PATH],
                    struct xsr_err *err);

#endif
