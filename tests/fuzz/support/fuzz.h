/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the fuzz targets share. A target is one file of tests/fuzz with one
 * entry point for arbitrary bytes; it states what must hold for any input with
 * need(), so that a parser which merely survives nonsense does not pass. The
 * same source is linked with libFuzzer (VARIANT=fuzz) or with support/replay.c,
 * which feeds it files.
 */
#ifndef XSR_TESTS_FUZZ_H
#define XSR_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/bytes.h"
#include "lib/err.h"

/* libFuzzer's name for it; returns 0 always. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where every input begins: an offset that nothing computes by accident. */
#define FUZZ_BASE 100000u

/* Ends the process with the reason, as a finding. */
void fuzz_broken(const char *file, int line, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
#define need(cond, ...)                                   \
    do {                                                  \
        if (!(cond))                                      \
            fuzz_broken(__FILE__, __LINE__, __VA_ARGS__); \
    } while (0)

/*
 * A proper refusal: a kind that input can cause, one printable sentence, and an
 * offset inside the size bytes from base (or right behind them).
 */
void fuzz_refused(const struct xsr_err *err, uint64_t base, size_t size);
/* The same for what has no place in a stream. */
void fuzz_refused_anywhere(const struct xsr_err *err);
/* The cursor is inside its bytes and did not move back. */
void fuzz_cursor(const struct xsr_cur *cur, size_t from);
/* rc 0 of a call that cannot fail but for want of memory. */
void fuzz_good(int rc, const struct xsr_err *err);

/*
 * A copy that ends where the bytes end, so that a read behind them is seen; of
 * no bytes, too. free() it.
 */
uint8_t *fuzz_copy(const uint8_t *p, size_t n);

/* A file without name that holds n bytes, at its beginning; what a file holds.
 */
int fuzz_file(const void *p, size_t n);
void fuzz_read_back(int fd, struct xsr_buf *out);
/* The read end of a pipe that holds n bytes, no more than fit. */
#define FUZZ_PIPE_MAX (120u << 10)
int fuzz_pipe(const void *p, size_t n);

/* The first bytes of an input steer a target: values, 0 behind the end. */
struct fuzz_in {
    const uint8_t *p;
    size_t len;
};
uint8_t fuzz_u8(struct fuzz_in *in);
uint32_t fuzz_u32(struct fuzz_in *in);
uint64_t fuzz_u64(struct fuzz_in *in);
/* At most n bytes: how many there were, and where. */
size_t fuzz_take(struct fuzz_in *in, size_t n, const uint8_t **out);

#endif
