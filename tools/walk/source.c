/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of the input with their absolute position. `inspect` is the only
 * reader of its input, so unlike a restore it may read ahead. Files are
 * skipped over with lseek(), pipes are drained. End of file inside what is due
 * is always an error.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "tools/walk/walk.h"

#define CHUNK_BIG   (1u << 20)  /* everything is going to be read */
#define CHUNK_SMALL (32u << 10) /* most of a file is going to be skipped */

int insp_src_open(struct insp_src *src, const char *path, bool big,
                  struct xsr_err *err)
{
    *src = (struct insp_src){.in = XSR_INPUT_INIT};
    if (xsr_input_open(&src->in, path, err))
        return -1;
    src->chunk = big || !src->in.seekable ? CHUNK_BIG : CHUNK_SMALL;
    src->mem = malloc(src->chunk);
    if (!src->mem)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to read the input");
    memcpy(src->mem, src->in.head, src->in.n_head);
    src->len = src->in.n_head;
    return 0;
}

void insp_src_fini(struct insp_src *src)
{
    struct xsr_err unused = XSR_ERR_INIT;

    free(src->mem);
    src->mem = NULL;
    xsr_input_close(&src->in, false, &unused);
}

/* One read behind what is there already; *got_out 0 at the end of input. */
static int refill(struct insp_src *src, size_t *got_out, struct xsr_err *err)
{
    ssize_t r;

    if (src->pos) {
        memmove(src->mem, src->mem + src->pos, src->len - src->pos);
        src->len -= src->pos;
        src->pos = 0;
    }
    do {
        if (xsr_fd_check_stop("reading the input", err))
            return -1;
        r = read(src->in.fd, src->mem + src->len, src->chunk - src->len);
    } while (r < 0 && errno == EINTR);
    if (r < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "reading %s", src->in.name);
    src->len += (size_t)r;
    *got_out = (size_t)r;
    return 0;
}

static int fail_at_end(const struct insp_src *src, const char *what,
                       uint64_t missing, struct xsr_err *err)
{
    xsr_fail(err, XSR_E_EOF,
             "the input ends inside %s, at least %llu more byte%s needed", what,
             (unsigned long long)missing, missing == 1 ? " is" : "s are");
    return xsr_err_at(err, src->offset + (src->len - src->pos));
}

int insp_src_peek(struct insp_src *src, size_t n, const uint8_t **out,
                  size_t *got_out, struct xsr_err *err)
{
    size_t got = 1;

    while (src->len - src->pos < n && got)
        if (refill(src, &got, err))
            return -1;
    *out = src->mem + src->pos;
    *got_out = (size_t)xsr_min(n, src->len - src->pos);
    return 0;
}

static void consume(struct insp_src *src, size_t n)
{
    src->pos += n;
    src->offset += n;
}

int insp_src_some(struct insp_src *src, size_t n, const uint8_t **out,
                  size_t *got_out, const char *what, struct xsr_err *err)
{
    size_t got;

    if (src->pos == src->len) {
        if (refill(src, &got, err))
            return -1;
        if (!got)
            return fail_at_end(src, what, n, err);
    }
    *out = src->mem + src->pos;
    *got_out = (size_t)xsr_min(n, src->len - src->pos);
    consume(src, *got_out);
    return 0;
}

int insp_src_take(struct insp_src *src, struct xsr_buf *buf, uint64_t n,
                  const char *what, struct xsr_err *err)
{
    const uint8_t *p;
    size_t got;

    for (; n; n -= got)
        if (insp_src_some(src, (size_t)xsr_min(n, SIZE_MAX), &p, &got, what,
                          err) ||
            xsr_buf_put(buf, p, got, err))
            return -1;
    return 0;
}

/* Jump in a file, but never behind its end. Returns how far it went. */
static uint64_t jump(struct insp_src *src, uint64_t n)
{
    off_t here = lseek(src->in.fd, 0, SEEK_CUR);
    uint64_t left;

    if (here < 0 || (uint64_t)here >= src->in.start + src->in.size)
        return 0;
    left = src->in.start + src->in.size - (uint64_t)here;
    n = xsr_min(n, left);
    if (lseek(src->in.fd, (off_t)n, SEEK_CUR) < 0)
        return 0;
    return n;
}

int insp_src_skip(struct insp_src *src, uint64_t n, const char *what,
                  struct xsr_err *err)
{
    uint64_t ahead = xsr_min(n, src->len - src->pos);
    const uint8_t *p;
    size_t got;

    consume(src, (size_t)ahead);
    n -= ahead;
    if (n && src->in.seekable) {
        uint64_t jumped = jump(src, n);

        src->offset += jumped;
        n -= jumped;
    }
    for (; n; n -= got)
        if (insp_src_some(src, (size_t)xsr_min(n, SIZE_MAX), &p, &got, what,
                          err))
            return -1;
    return 0;
}

int insp_src_drain(struct insp_src *src, uint64_t *n_out, struct xsr_err *err)
{
    size_t got = 1;

    *n_out = 0;
    while (got) {
        *n_out += src->len - src->pos;
        consume(src, src->len - src->pos);
        if (refill(src, &got, err))
            return -1;
    }
    return 0;
}
