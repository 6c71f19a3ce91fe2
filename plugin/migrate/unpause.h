/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Letting a paused domain run: its device model first, if it has one. */
#ifndef XSR_PLUGIN_UNPAUSE_H
#define XSR_PLUGIN_UNPAUSE_H

#include "lib/err.h"
#include "plugin/xensr.h"

int xsr_unpause(struct xensr *x, uint32_t domid, struct xsr_err *err);

#endif
