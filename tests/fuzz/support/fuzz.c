/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every fuzz target needs of support/fuzz.h: how a finding ends the
 * process, what a refusal must look like, and input read as steering values.
 */
#include "tests/fuzz/support/fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/fd.h"
#include "lib/util.h"

void fuzz_broken(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    fflush(stderr);
    abort();
}

void fuzz_refused_anywhere(const struct xsr_err *err)
{
    size_t len = strnlen(err->text, sizeof err->text);

    need(err->kind != XSR_E_OK && err->kind <= XSR_E_BUG, "kind %d",
         (int)err->kind);
    need(err->kind != XSR_E_BUG && err->kind != XSR_E_NOMEM &&
             err->kind != XSR_E_XEN && err->kind != XSR_E_STOPPED,
         "input causes \"%s\": %s", xsr_kind_name(err->kind), err->text);
    need(len > 0 && len < sizeof err->text, "text of %zu bytes", len);
    for (size_t i = 0; i < len; i++)
        need(err->text[i] >= 0x20 && err->text[i] < 0x7f,
             "byte 0x%02x in the text \"%s\"", (unsigned char)err->text[i],
             err->text);
}

void fuzz_refused(const struct xsr_err *err, uint64_t base, size_t size)
{
    fuzz_refused_anywhere(err);
    need(err->offset >= base && err->offset <= base + size,
         "offset %lld of %zu bytes: %s", (long long)(err->offset - base), size,
         err->text);
}

void fuzz_cursor(const struct xsr_cur *cur, size_t from)
{
    need(cur->pos <= cur->len && cur->pos >= from,
         "cursor at %zu of %zu, was at %zu", cur->pos, cur->len, from);
}

void fuzz_good(int rc, const struct xsr_err *err)
{
    need(rc == 0, "%s", err->text);
}

uint8_t *fuzz_copy(const uint8_t *p, size_t n)
{
    /* malloc(0) may be one byte: then the byte in front of it is poisoned */
    uint8_t *copy = malloc(n ? n : 1);

    need(copy, "no memory for %zu bytes", n);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

int fuzz_file(const void *p, size_t n)
{
    struct xsr_err err = XSR_ERR_INIT;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    need(fd >= 0, "no file in memory");
    fuzz_good(xsr_write_all(fd, p, n, "a file in memory", &err), &err);
    need(lseek(fd, 0, SEEK_SET) == 0, "lseek");
    return fd;
}

void fuzz_read_back(int fd, struct xsr_buf *out)
{
    struct xsr_err err = XSR_ERR_INIT;
    uint8_t piece[4096];
    ssize_t n;

    need(lseek(fd, 0, SEEK_SET) == 0, "lseek");
    while ((n = read(fd, piece, sizeof piece)) > 0)
        fuzz_good(xsr_buf_put(out, piece, (size_t)n, &err), &err);
    need(n == 0, "read");
}

int fuzz_pipe(const void *p, size_t n)
{
    struct xsr_err err = XSR_ERR_INIT;
    int fds[2];

    need(n <= FUZZ_PIPE_MAX, "%zu bytes for a pipe", n);
    fuzz_good(xsr_pipe(fds, &err), &err);
    if (n >= 65536)
        xsr_grow_pipe(fds[1], 1u << 20);
    fuzz_good(xsr_write_all(fds[1], p, n, "a pipe", &err), &err);
    xsr_close(&fds[1]);
    return fds[0];
}

size_t fuzz_take(struct fuzz_in *in, size_t n, const uint8_t **out)
{
    n = xsr_min(n, in->len);
    *out = in->p;
    in->p += n;
    in->len -= n;
    return n;
}

static uint64_t take_le(struct fuzz_in *in, size_t n)
{
    uint8_t raw[8] = {0};
    const uint8_t *p;

    n = fuzz_take(in, n, &p);
    if (n)
        memcpy(raw, p, n);
    return xsr_le64(raw);
}

uint8_t fuzz_u8(struct fuzz_in *in)
{
    return (uint8_t)take_le(in, 1);
}

uint32_t fuzz_u32(struct fuzz_in *in)
{
    return (uint32_t)take_le(in, 4);
}

uint64_t fuzz_u64(struct fuzz_in *in)
{
    return take_le(in, 8);
}
