/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing to somebody who may be gone: EPIPE, but never SIGPIPE for the program
 * that we are part of, whatever it does with that signal.
 */
#ifndef XSR_PLUGIN_QUIET_H
#define XSR_PLUGIN_QUIET_H

#include <stddef.h>
#include <sys/types.h>

/* write(2) without the signal; errno as there. */
ssize_t xsr_quiet_write(int fd, const void *p, size_t n);

#endif
