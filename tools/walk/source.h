/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of the input with their position, for `inspect` and `diff`, which
 * are the only readers of it and may read ahead. Every failure to get what is
 * due is an error with that position.
 */
#ifndef XSR_TOOLS_INSPECT_SOURCE_H
#define XSR_TOOLS_INSPECT_SOURCE_H

#include "tools/input.h"

struct insp_src {
    struct xsr_input in;
    uint8_t *mem; /* bytes read ahead: mem[pos..len) */
    size_t pos, len, chunk;
    uint64_t offset; /* of mem[pos] in the (unpacked) input */
};

int insp_src_open(struct insp_src *src, const char *path, bool big,
                  struct xsr_err *err);
void insp_src_fini(struct insp_src *src);
/* Up to n bytes (n <= 16384) without consuming them; less only at the end. */
int insp_src_peek(struct insp_src *src, size_t n, const uint8_t **out,
                  size_t *got_out, struct xsr_err *err);
/* Append exactly n bytes to buf. what: for the message at the end of input. */
int insp_src_take(struct insp_src *src, struct xsr_buf *buf, uint64_t n,
                  const char *what, struct xsr_err *err);
/* The next bytes, at least 1 and at most n, as a view until the next call. */
int insp_src_some(struct insp_src *src, size_t n, const uint8_t **out,
                  size_t *got_out, const char *what, struct xsr_err *err);
int insp_src_skip(struct insp_src *src, uint64_t n, const char *what,
                  struct xsr_err *err);
/* Everything that is left: count and drop it. */
int insp_src_drain(struct insp_src *src, uint64_t *n_out, struct xsr_err *err);

#endif
