/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input of the legacy conversion. From a pipe or socket a read asks for what
 * is needed and what must follow it in any whole stream (sure), so it cannot
 * take a byte of whoever reads after us; from a file it may ask for more, as
 * the position is ours to put right (xsr_lg_settle).
 */
#include "convert/legacy_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/util.h"

/* Below that a copy costs less than the calls which avoid it. */
#define SPLICE_FROM (96u << 10)
#define SPLICE_MAX  (1u << 30)

int xsr_lg_in_init(struct xsr_lg_in *in, int fd, const void *head,
                   size_t n_head, struct xsr_lg_out *out, struct xsr_err *err)
{
    struct stat st;

    in->fd = fd;
    in->out = out;
    in->no_splice = false;
    in->sure = 0;
    in->fill = XSR_LG_BUF;
    in->pos = 0;
    in->start = 0;
    in->end = n_head;
    if (n_head)
        memcpy(in->buf, head, n_head);
    if (fstat(fd, &st) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "fd %d of the input", fd);
    in->at = lseek(fd, 0, SEEK_CUR);
    in->file = in->at >= 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
    return 0;
}

static int ended(uint64_t at, const char *what, uint64_t want, uint64_t got,
                 struct xsr_err *err)
{
    xsr_fail(err, XSR_E_EOF,
             "the legacy stream ended in %s: %llu of %llu bytes are there",
             what, (unsigned long long)got, (unsigned long long)want);
    return xsr_err_at(err, at);
}

/* The buffer's bytes go to its beginning; nobody looks at them meanwhile. */
static int make_room(struct xsr_lg_in *in, struct xsr_err *err)
{
    if (in->out->views && xsr_lg_flush(in->out, err) < 0)
        return -1;
    memmove(in->buf, in->buf + in->start, in->end - in->start);
    in->end -= in->start;
    in->start = 0;
    return in->file ? xsr_lg_settle(in, err) : 0;
}

/* One read of at most n bytes; *got_out 0: the end. */
static int read_some(struct xsr_lg_in *in, size_t n, size_t *got_out,
                     const char *what, struct xsr_err *err)
{
    struct pollfd pfd = {.fd = in->fd, .events = POLLIN};
    ssize_t r;

    do {
        if (xsr_fd_check_stop(what, err) < 0)
            return -1;
        r = in->file ? pread(in->fd, in->buf + in->end, n, in->at)
                     : read(in->fd, in->buf + in->end, n);
        if (r < 0 && errno == EAGAIN && poll(&pfd, 1, -1) >= 0)
            errno = EINTR;
    } while (r < 0 && errno == EINTR);
    if (r < 0) {
        xsr_fail_sys(err, XSR_E_IO, errno, "reading %s", what);
        return xsr_err_at(err, in->pos);
    }
    in->end += (size_t)r;
    in->at += in->file ? r : 0;
    *got_out = (size_t)r;
    return 0;
}

int xsr_lg_need(struct xsr_lg_in *in, size_t n, const char *what,
                const uint8_t **out, struct xsr_err *err)
{
    size_t have = in->end - in->start, want, got;

    if (n > XSR_LG_BUF)
        return xsr_fail(err, XSR_E_BUG, "a view of %zu bytes", n);
    while (have < n) {
        want = in->file ? xsr_max(in->fill, n - have) : n - have + in->sure;
        /* room for what must come is enough; a file is read in one go */
        if ((in->file || XSR_LG_BUF - in->end < n - have) && in->start &&
            make_room(in, err) < 0)
            return -1;
        want = xsr_min(want, XSR_LG_BUF - in->end);
        if (read_some(in, want, &got, what, err) < 0)
            return -1;
        if (!got)
            return ended(in->pos + have, what, n, have, err);
        have += got;
    }
    *out = in->buf + in->start;
    return 0;
}

static void use(struct xsr_lg_in *in, size_t n)
{
    in->start += n;
    in->pos += n;
    /* from the start again, unless views are there */
    if (in->start == in->end && !in->out->views)
        in->start = in->end = 0;
}

int xsr_lg_take(struct xsr_lg_in *in, size_t n, const char *what,
                const uint8_t **out, struct xsr_err *err)
{
    if (xsr_lg_need(in, n, what, out, err) < 0)
        return -1;
    use(in, n);
    return 0;
}

/* What the buffer holds of the next n bytes. */
static int copy_buffered(struct xsr_lg_in *in, struct xsr_lg_out *out,
                         uint64_t n, struct xsr_err *err)
{
    size_t now = xsr_min(n, in->end - in->start);

    if (out && now && xsr_lg_put_view(out, in->buf + in->start, now, err) < 0)
        return -1;
    use(in, now);
    return 0;
}

static ssize_t splice_once(struct xsr_lg_in *in, int out, size_t n)
{
    struct stat st;
    bool to_pipe = fstat(out, &st) == 0 && S_ISFIFO(st.st_mode);

    if (in->file && !to_pipe)
        return sendfile(out, in->fd, &in->at, n);
    return splice(in->fd, in->file ? &in->at : NULL, out, NULL, n,
                  SPLICE_F_MORE);
}

/* Bytes that nobody here has to see. Leaves *left_io when it does not work. */
static int copy_spliced(struct xsr_lg_in *in, struct xsr_lg_out *out,
                        uint64_t *left_io, const char *what,
                        struct xsr_err *err)
{
    uint64_t want = *left_io;

    if (xsr_lg_flush(out, err) < 0)
        return -1;
    while (*left_io) {
        ssize_t r;

        if (xsr_fd_check_stop(what, err) < 0)
            return -1;
        r = splice_once(in, out->fd, xsr_min(*left_io, SPLICE_MAX));
        if (r == 0)
            return ended(in->pos, what, want, want - *left_io, err);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 && (errno == EINVAL || errno == ENOSYS || errno == EAGAIN ||
                      errno == EOPNOTSUPP || errno == EPERM)) {
            in->no_splice = true;
            return 0;
        }
        if (r < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno, "copying %s", what);
        in->pos += (uint64_t)r;
        out->pos += (uint64_t)r;
        *left_io -= (uint64_t)r;
    }
    return 0;
}

int xsr_lg_copy(struct xsr_lg_in *in, struct xsr_lg_out *out, uint64_t n,
                const char *what, struct xsr_err *err)
{
    uint64_t want = n, left;
    const uint8_t *p;

    if (n <= XSR_LG_BUF / 2 && n < SPLICE_FROM) {
        if (xsr_lg_need(in, (size_t)n, what, &p, err) < 0)
            return -1;
        return copy_buffered(in, out, n, err);
    }
    left = n - xsr_min(n, in->end - in->start);
    if (copy_buffered(in, out, n, err) < 0)
        return -1;
    if (out && left >= SPLICE_FROM && !in->no_splice &&
        copy_spliced(in, out, &left, what, err) < 0)
        return -1;
    while (left) {
        size_t got;

        if (make_room(in, err) < 0 ||
            read_some(in, xsr_min(left, XSR_LG_BUF), &got, what, err) < 0)
            return -1;
        if (!got)
            return ended(in->pos, what, want, want - left, err);
        left -= got;
        if (copy_buffered(in, out, got, err) < 0)
            return -1;
    }
    return 0;
}

int xsr_lg_copy_to_end(struct xsr_lg_in *in, struct xsr_lg_out *out,
                       uint64_t max, const char *what, struct xsr_err *err)
{
    uint64_t done = 0;
    size_t got = in->end - in->start;

    do {
        done += got;
        if (done > max) {
            xsr_fail(err, XSR_E_LIMIT,
                     "%s has more than %llu bytes, which is the most allowed",
                     what, (unsigned long long)max);
            return xsr_err_at(err, in->pos);
        }
        if (copy_buffered(in, out, got, err) < 0 || make_room(in, err) < 0 ||
            read_some(in, XSR_LG_BUF, &got, what, err) < 0)
            return -1;
    } while (got);
    return 0;
}

int xsr_lg_more(struct xsr_lg_in *in, bool *more_out, struct xsr_err *err)
{
    size_t got = 1;

    if (in->start == in->end &&
        (make_room(in, err) < 0 ||
         read_some(in, 1, &got, "the next checkpoint", err) < 0))
        return -1;
    *more_out = got;
    return 0;
}

int xsr_lg_settle(struct xsr_lg_in *in, struct xsr_err *err)
{
    off_t next = in->at - (off_t)(in->end - in->start);

    if (in->file && lseek(in->fd, next, SEEK_SET) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "cannot put the input's position right");
    return 0;
}
