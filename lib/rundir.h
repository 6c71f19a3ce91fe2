/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user's folder for files of running programs. */
#ifndef XSR_LIB_RUNDIR_H
#define XSR_LIB_RUNDIR_H

#include <stddef.h>

/*
 * Path of the entry name in it; nothing is made. $XDG_RUNTIME_DIR, else
 * /run/user/UID, else for root /run, else /tmp/NAME-UID (whose owner the
 * caller has to check).
 */
void xsr_run_dir(const char *name, char *out, size_t out_len);

#endif
