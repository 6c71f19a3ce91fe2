/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading for `xensr check`: one buffer that stays in the processor's cache,
 * refilled by large reads. Contents of pages that need no judgement are read
 * over each other in it; nothing else touches them.
 */
#include "tools/check/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/util.h"

#define CHUNK   (256u << 10)
#define TELL_AT (16u << 20)

int chk_src_open(struct chk_src *src, const char *path, struct xsr_err *err)
{
    *src = (struct chk_src){.in = XSR_INPUT_INIT, .err = XSR_ERR_INIT};
    if (xsr_input_open(&src->in, path, err))
        return -1;
    src->mem = malloc(CHUNK);
    if (!src->mem)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to read the input");
    memcpy(src->mem, src->in.head, src->in.n_head);
    src->len = src->in.n_head;
    if (src->in.seekable)
        posix_fadvise(src->in.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    else
        xsr_grow_pipe(src->in.fd, 1u << 20);
    return 0;
}

void chk_src_fini(struct chk_src *src)
{
    struct xsr_err unused = XSR_ERR_INIT;

    free(src->mem);
    src->mem = NULL;
    xsr_input_close(&src->in, false, &unused);
}

/* One read behind what is there; false at the end. */
static bool refill(struct chk_src *src)
{
    ssize_t r;

    if (src->err.kind != XSR_E_OK)
        return false;
    if (src->pos) {
        memmove(src->mem, src->mem + src->pos, src->len - src->pos);
        src->len -= src->pos;
        src->pos = 0;
    }
    do
        r = read(src->in.fd, src->mem + src->len, CHUNK - src->len);
    while (r < 0 && errno == EINTR);
    if (r < 0) {
        xsr_fail_sys(&src->err, XSR_E_IO, errno, "reading %s", src->in.name);
        xsr_err_at(&src->err, src->offset + src->len);
        return false;
    }
    src->len += (size_t)r;
    if (src->on_progress && src->offset - src->told >= TELL_AT) {
        src->told = src->offset;
        src->on_progress(src->offset);
    }
    return r > 0;
}

const uint8_t *chk_src_look(struct chk_src *src, size_t n, size_t *got_out)
{
    while (src->len - src->pos < n && refill(src))
        ;
    *got_out = xsr_min(n, src->len - src->pos);
    return src->mem + src->pos;
}

const uint8_t *chk_src_take(struct chk_src *src, size_t n)
{
    size_t got;
    const uint8_t *p = chk_src_look(src, n, &got);

    if (got < n)
        src->ended = true; /* what is there is passed, so offset is the end */
    src->pos += got;
    src->offset += got;
    return got < n ? NULL : p;
}

bool chk_src_skip(struct chk_src *src, uint64_t n)
{
    while (n) {
        size_t have = (size_t)xsr_min(n, src->len - src->pos);

        src->pos += have;
        src->offset += have;
        n -= have;
        if (n && !refill(src)) {
            src->ended = true;
            return false;
        }
    }
    return true;
}
