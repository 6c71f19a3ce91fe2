/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of domains in xenstore. A migration changes them twice on each side,
 * so that no two domains of one name are ever startable: "web" becomes
 * "web--migratedaway" here before "web--incoming" becomes "web" there.
 */
#ifndef XSR_PLUGIN_NAMES_H
#define XSR_PLUGIN_NAMES_H

#include "lib/err.h"
#include "plugin/xensr.h"

#define XSR_NAME_MAX      128 /* as struct xensr_saved has room for */
#define XSR_NAME_INCOMING "--incoming"
#define XSR_NAME_AWAY     "--migratedaway"

struct xsr_xs;

/* Name of a domain; "" if it has none. */
int xsr_names_read(struct xsr_xs *xs, uint32_t domid, char *out, size_t out_len,
                   struct xsr_err *err);

/*
 * Give a domain another name, in xenstore and in our own stored configuration.
 * from: the name it must have until now; NULL: any. Refuses a name in use.
 */
int xsr_names_change(struct xensr *x, uint32_t domid, const char *from,
                     const char *to, struct xsr_err *err);

#endif
