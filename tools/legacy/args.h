/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command line of `xensr-convert-legacy`: what libxl, xenopsd and people give
 * to Xen's convert-legacy-stream, read as that program reads it.
 */
#ifndef XSR_TOOLS_LEGACY_ARGS_H
#define XSR_TOOLS_LEGACY_ARGS_H

#include "convert/legacy.h"

struct xsr_legacy_args {
    const char *in, *out; /* number of a descriptor, or a path */
    struct xsr_legacy_params params;
    bool verbose, syslog;
};

/* Says what is wrong. -1: go on; else the exit status. */
int xsr_legacy_args(int argc, char **argv, struct xsr_legacy_args *out);

#endif
