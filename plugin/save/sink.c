/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes to the output, on request of save.c and tail.c: headers and records
 * from a buffer, the device model's state from its file. Between requests
 * nothing here touches the fd: that is when the helper owns it.
 */
#include "plugin/save/sink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/util.h"
#include "plugin/quiet.h"

/* A file takes all at once. Of a pipe that is ready only one page is certain
   to find room; a socket is asked not to block. */
#define FILE_PIECE  (256u << 10)
#define OTHER_PIECE 4096u

int xsr_sink_init(struct xsr_sink *s, struct xsr_loop *loop, int fd,
                  struct xsr_err *err)
{
    struct stat st;

    memset(s, 0, sizeof(*s));
    xsr_buf_init(&s->buf);
    s->loop = loop;
    s->fd = fd;
    s->from_fd = -1;
    if (fstat(fd, &st) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "fd %d of the output", fd);
    if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
        s->kind = XSR_SINK_FILE;
    else
        s->kind = S_ISSOCK(st.st_mode) ? XSR_SINK_SOCKET : XSR_SINK_OTHER;
    return 0;
}

void xsr_sink_stop(struct xsr_sink *s)
{
    if (s->loop)
        xsr_loop_del_fd(s->loop, &s->watch);
    s->on_done = NULL;
    s->from_fd = -1;
    s->from_left = 0;
}

void xsr_sink_fini(struct xsr_sink *s)
{
    xsr_sink_stop(s);
    xsr_buf_fini(&s->buf);
}

static void end_request(struct xsr_sink *s, const struct xsr_err *err)
{
    xsr_sink_done *on_done = s->on_done;

    xsr_sink_stop(s);
    if (on_done)
        on_done(s->ctx, err);
}

static size_t piece_of(const struct xsr_sink *s)
{
    return s->kind == XSR_SINK_OTHER ? OTHER_PIECE : FILE_PIECE;
}

/* The next bytes of the file behind what the buffer had. */
static int refill(struct xsr_sink *s, struct xsr_err *err)
{
    size_t want = xsr_min(s->from_left, FILE_PIECE);
    ssize_t r;

    xsr_buf_clear(&s->buf);
    s->sent = 0;
    if (xsr_buf_put_zero(&s->buf, want, err) < 0)
        return -1;
    do
        r = read(s->from_fd, s->buf.p, want);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot read %s",
                            s->from_what);
    if (r == 0)
        return xsr_fail(err, XSR_E_IO, "%s became shorter while it was read",
                        s->from_what);
    s->buf.len = (size_t)r;
    s->from_left -= (uint64_t)r;
    return 0;
}

static int write_once(struct xsr_sink *s, struct xsr_err *err)
{
    size_t n = xsr_min(s->buf.len - s->sent, piece_of(s));
    ssize_t r;

    if (s->kind == XSR_SINK_SOCKET)
        r = send(s->fd, s->buf.p + s->sent, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    else
        r = xsr_quiet_write(s->fd, s->buf.p + s->sent, n);
    if (r < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (r < 0 && (errno == EPIPE || errno == ECONNRESET))
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "the reader closed the stream");
    if (r < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "cannot write to the output");
    s->sent += (size_t)r;
    s->written += (uint64_t)r;
    return 0;
}

static void on_writable(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_sink *s = ctx;

    (void)fd;
    (void)revents; /* whatever it is, write() tells */
    if (write_once(s, &err) < 0 ||
        (s->sent == s->buf.len && s->from_left && refill(s, &err) < 0)) {
        end_request(s, &err);
        return;
    }
    if (s->sent < s->buf.len)
        return;
    xsr_buf_clear(&s->buf);
    s->sent = 0;
    end_request(s, NULL);
}

static void start(struct xsr_sink *s, xsr_sink_done *on_done, void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;

    s->sent = 0;
    s->on_done = on_done;
    s->ctx = ctx;
    if (s->buf.len == 0 && s->from_left && refill(s, &err) < 0)
        end_request(s, &err);
    else if (s->buf.len == 0)
        end_request(s, NULL);
    else if (xsr_loop_add_fd(s->loop, s->fd, POLLOUT, on_writable, s, &s->watch,
                             &err) < 0)
        end_request(s, &err);
}

void xsr_sink_send(struct xsr_sink *s, xsr_sink_done *on_done, void *ctx)
{
    start(s, on_done, ctx);
}

void xsr_sink_copy(struct xsr_sink *s, int from_fd, uint64_t n,
                   const char *what, xsr_sink_done *on_done, void *ctx)
{
    s->from_fd = from_fd;
    s->from_left = n;
    s->from_what = what;
    start(s, on_done, ctx);
}
