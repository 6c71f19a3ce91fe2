/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared by the tests of stream/: what a proper refusal looks like (kind,
 * offset, a text that names what is wrong), and a body under construction.
 */
#ifndef XSR_TESTS_UNIT_STREAM_UTIL_H
#define XSR_TESTS_UNIT_STREAM_UTIL_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdbool.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/bytes.h"
#include "lib/util.h"

#define BASE 1000u /* stream offset of every test's first byte */

static inline void check_refused(int rc, const struct xsr_err *err,
                                 enum xsr_kind kind, uint64_t offset,
                                 const char *word, const char *where)
{
    if (rc != -1 || err->kind != kind || err->offset != offset ||
        !strstr(err->text, word))
        fail_msg("%s: rc %d, %s, offset %llu, \"%s\"; wanted %s, %llu, \"%s\"",
                 where, rc, xsr_kind_name(err->kind),
                 (unsigned long long)err->offset, err->text,
                 xsr_kind_name(kind), (unsigned long long)offset, word);
}

#define REFUSED_STR_(x) #x
#define REFUSED_STR(x)  REFUSED_STR_(x)
/* The call fails with this kind, at BASE + at, and its text has the word. */
#define refused(call, kind, at, word)                      \
    do {                                                   \
        struct xsr_err err = XSR_ERR_INIT;                 \
        int rc_ = (call);                                  \
        check_refused(rc_, &err, kind, BASE + (at), word,  \
                      __FILE__ ":" REFUSED_STR(__LINE__)); \
    } while (0)

/* The call succeeds; says why if it does not. */
#define accepted(call)                                           \
    do {                                                         \
        struct xsr_err err = XSR_ERR_INIT;                       \
        if ((call) < 0)                                          \
            fail_msg("%s:%d: %s", __FILE__, __LINE__, err.text); \
    } while (0)

static inline struct xsr_cur cursor(const void *p, size_t len)
{
    struct xsr_cur cur;

    xsr_cur_init(&cur, p, len, BASE);
    return cur;
}

#endif
