/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Output of the legacy conversion: headers are copied into an arena, page
 * contents stay where they were read, and one writev() takes them all.
 */
#include "convert/legacy_priv.h"

#include <errno.h>
#include <unistd.h>

#include "lib/bytes.h"
#include "lib/fd.h"
#include "lib/util.h"

#define WRITE_AT (1u << 20) /* more does not make it faster */

static const char what_out[] = "the converted stream";

void xsr_lg_out_init(struct xsr_lg_out *out, int fd)
{
    out->fd = fd;
    out->pos = 0;
    out->n_iov = out->pending = out->used = 0;
    out->views = false;
}

int xsr_lg_flush(struct xsr_lg_out *out, struct xsr_err *err)
{
    size_t n = out->n_iov;

    out->n_iov = out->pending = out->used = 0;
    out->views = false;
    return n ? xsr_writev_all(out->fd, out->iov, n, what_out, err) : 0;
}

/* p stays where it is until the next flush. */
static int add(struct xsr_lg_out *out, const uint8_t *p, size_t n,
               struct xsr_err *err)
{
    struct iovec *last = out->n_iov ? &out->iov[out->n_iov - 1] : NULL;

    if (last && (uint8_t *)last->iov_base + last->iov_len == p)
        last->iov_len += n;
    else
        out->iov[out->n_iov++] = (struct iovec){(void *)(uintptr_t)p, n};
    out->pos += n;
    out->pending += n;
    if (out->n_iov == XSR_LG_IOVS || out->pending >= WRITE_AT)
        return xsr_lg_flush(out, err);
    return 0;
}

int xsr_lg_put_view(struct xsr_lg_out *out, const uint8_t *p, size_t n,
                    struct xsr_err *err)
{
    if (n == 0)
        return 0;
    out->views = true;
    return add(out, p, n, err);
}

int xsr_lg_put(struct xsr_lg_out *out, const void *p, size_t n,
               struct xsr_err *err)
{
    const uint8_t *from = p;

    while (n) {
        size_t now = xsr_min(n, XSR_LG_ARENA - out->used);
        uint8_t *to = out->arena + out->used;

        if (!now) {
            if (xsr_lg_flush(out, err) < 0)
                return -1;
            continue;
        }
        memcpy(to, from, now);
        out->used += now;
        from += now;
        n -= now;
        if (add(out, to, now, err) < 0)
            return -1;
    }
    return 0;
}

int xsr_lg_put_u32(struct xsr_lg_out *out, uint32_t v, struct xsr_err *err)
{
    uint8_t p[4];

    xsr_st_le32(p, v);
    return xsr_lg_put(out, p, sizeof p, err);
}

int xsr_lg_put_u64(struct xsr_lg_out *out, uint64_t v, struct xsr_err *err)
{
    uint8_t p[8];

    xsr_st_le64(p, v);
    return xsr_lg_put(out, p, sizeof p, err);
}

int xsr_lg_put_zero(struct xsr_lg_out *out, size_t n, struct xsr_err *err)
{
    static const uint8_t zeros[8];

    return xsr_lg_put(out, zeros, n & 7, err);
}

int xsr_lg_put_file(struct xsr_lg_out *out, int fd, uint64_t len,
                    struct xsr_err *err)
{
    uint8_t buf[8192];
    uint64_t done = 0;

    while (done < len) {
        size_t now = xsr_min(len - done, sizeof buf);
        ssize_t r = pread(fd, buf, now, (off_t)done);

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return xsr_fail_sys(err, XSR_E_IO, r ? errno : EIO,
                                "reading a temporary file");
        if (xsr_lg_put(out, buf, (size_t)r, err) < 0)
            return -1;
        done += (size_t)r;
    }
    return 0;
}
