/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small helpers without a home: sizes, rounding, cleanup attributes. */
#ifndef XSR_LIB_UTIL_H
#define XSR_LIB_UTIL_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define XSR_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define XSR_PAGE_SIZE    4096u
#define XSR_PAGE_SHIFT   12

static inline uint64_t xsr_round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

static inline uint64_t xsr_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}
static inline uint64_t xsr_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline void xsr_free_cleanup(void *p)
{
    free(*(void **)p);
}
#define xsr_auto_free __attribute__((cleanup(xsr_free_cleanup)))

/* Hand a resource out of a scope: returns *p and leaves NULL. */
static inline void *xsr_steal_ptr(void *p)
{
    void **pp = p, *v = *pp;
    *pp = NULL;
    return v;
}

#endif
