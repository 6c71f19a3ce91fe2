/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SIGTERM, SIGINT, SIGHUP, or a parent that is gone: an orderly stop. The
 * library is not told; the stream under it is replaced by something that
 * fails, so that it runs into its own error path and cleans up.
 * docs/formats/helper-ipc.md
 */
#ifndef XSR_HELPER_STOP_H
#define XSR_HELPER_STOP_H

#include <stdbool.h>

#include "lib/err.h"

/* Install the handlers; fds as in struct xsr_args, -1 = none. */
int xsr_stop_init(int stream_fd, int back_fd, struct xsr_err *err);
/* Work is over: signals only set the flag from now on. */
void xsr_stop_end(void);
/* Is fd one that this module has opened? */
bool xsr_stop_owns(int fd);
/* Number of the first signal that asked to stop; 0: none. */
int xsr_stop_signal(void);
/* From now on the end of fd, a pipe of the parent, is a reason to stop. */
void xsr_stop_watch(int fd);
/* The parent is gone: the same as a signal. */
void xsr_stop_orphan(void);
bool xsr_stop_is_orphan(void);
/* Has anything asked to stop? */
bool xsr_stop_wanted(void);
/* lib/fd obeys the stop flag (true) or not (false: talking to the parent). */
void xsr_stop_obey(bool obey);

#endif
