/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing the image. The fd is the caller's and in blocking mode, and stays
 * so. If it is a pipe it is made as large as the system allows: a batch of
 * pages is 4 MiB, and the default of 64 KiB means 65 turns of writer and
 * reader for it.
 */
#include "engine/save/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stream/limits.h"
#include "stream/xc3.h"

#define PIPE_DEFAULT (1u << 20)

static size_t largest_pipe(void)
{
    FILE *f = fopen("/proc/sys/fs/pipe-max-size", "re");
    unsigned n = 0;

    if (f && fscanf(f, "%u", &n) != 1)
        n = 0;
    if (f)
        fclose(f);
    return n ? n : PIPE_DEFAULT;
}

/* A user without privilege may have used up his share: then less is tried. */
static void grow_pipe(int fd)
{
    int now = fcntl(fd, F_GETPIPE_SZ);

    if (now <= 0)
        return;
    for (size_t n = largest_pipe(); n > (size_t)now; n /= 2) {
        xsr_grow_pipe(fd, n);
        if (fcntl(fd, F_GETPIPE_SZ) > now)
            return;
    }
}

void xsr_writer_init(struct xsr_writer *w, int fd)
{
    memset(w, 0, sizeof(*w));
    w->fd = fd;
    xsr_buf_init(&w->buf);
    grow_pipe(fd);
}

void xsr_writer_fini(struct xsr_writer *w)
{
    xsr_buf_fini(&w->buf);
}

int xsr_writer_put(struct xsr_writer *w, uint32_t type, const void *body,
                   size_t len, struct xsr_err *err)
{
    if (len > XSR_MAX_XC_RECORD - 8)
        return xsr_fail(err, XSR_E_LIMIT,
                        "libxc record %s: %zu octets, an image may have %u",
                        xsr_xc3_type_name(type), len, XSR_MAX_XC_RECORD - 8);
    return xsr_xc3_put_rec(&w->buf, type, body, (uint32_t)len, err);
}

int xsr_writer_pages(struct xsr_writer *w, struct iovec *iov, size_t n_iov,
                     struct xsr_err *err)
{
    size_t n = w->buf.len;

    iov[0] = (struct iovec){w->buf.p, w->buf.len};
    for (size_t i = 1; i < n_iov; i++)
        n += iov[i].iov_len;
    if (xsr_writev_all(w->fd, iov, n_iov, "the image", err) < 0)
        return xsr_err_at(err, w->pos);
    w->pos += n;
    xsr_buf_clear(&w->buf);
    return 0;
}

int xsr_writer_flush(struct xsr_writer *w, struct xsr_err *err)
{
    struct iovec iov[1];

    return w->buf.len ? xsr_writer_pages(w, iov, 1, err) : 0;
}
