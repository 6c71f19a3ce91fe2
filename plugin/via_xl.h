/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work on domains of libxl's that is left to the installed `xl`. */
#ifndef XSR_PLUGIN_VIA_XL_H
#define XSR_PLUGIN_VIA_XL_H

#include <stdint.h>

struct xensr;
struct xsr_xs;

/* A domain with devices: let xl destroy it. Nothing to do for others; whatever
   comes of it is logged, and the caller removes what is left. */
void xsr_via_xl_destroy(struct xensr *x, struct xsr_xs *xs, uint32_t domid);

#endif
