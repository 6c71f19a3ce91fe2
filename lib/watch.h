/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A descriptor that becomes readable (POLLIN or POLLHUP) when a child of ours
 * has ended: a pidfd, or where the system has none (old kernels, valgrind,
 * strict sandboxes) a pipe whose writing end a waiting thread closes.
 */
#ifndef XSR_LIB_WATCH_H
#define XSR_LIB_WATCH_H

#include <sys/types.h>

#include "lib/err.h"

/* The child must not have been reaped. The caller owns the descriptor. */
int xsr_watch_open(pid_t pid, int *fd_out, struct xsr_err *err);
/* The second way alone; for tests. */
int xsr_watch_open_thread(pid_t pid, int *fd_out, struct xsr_err *err);

#endif
