/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which single bits of a good image make a bad one of it, whatever else the
 * image holds: written from the formats' documents, not from the parsers, which
 * it judges.
 */
#ifndef XSR_TESTS_FUZZ_MUST_H
#define XSR_TESTS_FUZZ_MUST_H

#include "tests/fuzz/support/walk.h"

/*
 * Must the image be refused with this bit turned? s: behind the good step that
 * read the bytes from p on; at: in them.
 */
bool must_refuse(const struct walk_state *s, enum walk_at step,
                 const uint8_t *p, size_t at, unsigned bit);
/* How many of the n bytes of such a step are structure. */
size_t must_structure(enum walk_at step, const struct walk_state *s, size_t n);

#endif
