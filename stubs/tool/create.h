/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim create`: what was asked for, and the files that a toolstack has
 * for a domain: its configuration as libxl and as xensr keep it, and for HVM
 * the device model that serves it.
 */
#ifndef XSR_STUBS_CREATE_H
#define XSR_STUBS_CREATE_H

#include <limits.h>

#include "stubs/guest/guest.h"
#include "stubs/tool/tool.h"

struct xsr_create {
    struct xsr_guest_spec spec;
    uint64_t rate, hot; /* what comes after the phases */
    bool have_type, have_uuid, paused, as_json, no_dm;
};

/* 0 or exit code, printed. */
int xsr_create_files(const struct xsr_create *c, uint32_t domid);
/* A folder: what the variable says, or its place in the host's. */
int xsr_create_folder(const char *variable, const char *below,
                      char out[PATH_MAX]);
/* HVM: start its device model. */
int xsr_create_dm(const struct xsr_create *c, uint32_t domid);

/* The process of a domain's device model (a pidfd), or -1; end it. */
int xsr_dm_of(uint32_t domid);
void xsr_dm_end(int fd_take);

#endif
