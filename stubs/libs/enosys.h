/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Symbols that exist, so that programs bound at start find them, and fail
 * with ENOSYS when somebody calls them; the host's log then has their name.
 * The arguments do not matter; in C the function has another name, so that
 * the real prototype may be declared beside it.
 */
#ifndef XSR_STUBS_ENOSYS_H
#define XSR_STUBS_ENOSYS_H

#include <stddef.h>

#include "stubs/world/world.h"

#define XSR_EXPORT __attribute__((visibility("default")))

#define XSR_ENOSYS_AS(type, name, value)                \
    XSR_EXPORT type xsr_no_##name(void) __asm__(#name); \
    type xsr_no_##name(void)                            \
    {                                                   \
        xsr_sim_enosys(#name);                          \
        return value;                                   \
    }

#define XSR_ENOSYS(name)      XSR_ENOSYS_AS(int, name, -1)
#define XSR_ENOSYS_PTR(name)  XSR_ENOSYS_AS(void *, name, NULL)
/* Nothing, 0 or false is all that it can say. */
#define XSR_ENOSYS_ZERO(name) XSR_ENOSYS_AS(long, name, 0)

#endif
