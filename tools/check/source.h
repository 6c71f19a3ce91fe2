/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of the input for `xensr check`, with their absolute position: read
 * once, in order, in big pieces, never kept. The end of input is no error here
 * but an answer; who judges decides what it means. All of the input is read,
 * also what needs no look, so that a bad disk is found now and not by the
 * restore.
 */
#ifndef XSR_TOOLS_CHECK_SOURCE_H
#define XSR_TOOLS_CHECK_SOURCE_H

#include "tools/input.h"

#define CHK_LOOK_MAX (64u << 10) /* as much can be seen at once */

struct chk_src {
    struct xsr_input in;
    uint8_t *mem;
    size_t pos, len;
    uint64_t offset; /* of mem[pos] in the (unpacked) input */
    bool ended;      /* something was due behind the end */
    void (*on_progress)(uint64_t octets); /* now and then, if not NULL */
    uint64_t told;
    struct xsr_err err; /* not XSR_E_OK: reading failed; taken for the end */
};

int chk_src_open(struct chk_src *src, const char *path, struct xsr_err *err);
void chk_src_fini(struct chk_src *src);
/*
 * A view of the next n (<= CHK_LOOK_MAX) bytes, not consumed; less only at the
 * end. Valid until the next call.
 */
const uint8_t *chk_src_look(struct chk_src *src, size_t n, size_t *got_out);
/* The next n bytes, consumed, or NULL (and ended) if there are less. */
const uint8_t *chk_src_take(struct chk_src *src, size_t n);
/* Consume n bytes without looking at them; false (and ended) if less. */
bool chk_src_skip(struct chk_src *src, uint64_t n);

#endif
