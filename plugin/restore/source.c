/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes of the input, on request. records.c and restore.c ask for a header, a
 * body, a run of padding; each request ends in one call of on_done. Between
 * requests nothing watches the fd: that is when the helper owns it.
 */
#include "plugin/restore/source.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/util.h"

/* One read: what a pipe can hold, times four for files. */
#define PIECE (256u << 10)

enum { EXPECT_END = 1 }; /* value of left when no byte may come */

void xsr_source_init(struct xsr_source *s, struct xsr_loop *loop, int fd,
                     const void *head, size_t n_head)
{
    memset(s, 0, sizeof(*s));
    s->loop = loop;
    s->fd = fd;
    s->head = head;
    s->n_head = n_head;
    s->pos_known = true;
    xsr_buf_init(&s->buf);
}

int xsr_source_stream_fd(const struct xsr_source *s)
{
    assert(s->v2);
    return s->fd;
}

void xsr_source_stop(struct xsr_source *s)
{
    if (s->loop)
        xsr_loop_del_fd(s->loop, &s->watch);
    s->on_done = NULL;
    s->on_piece = NULL;
}

void xsr_source_fini(struct xsr_source *s)
{
    xsr_source_stop(s);
    xsr_buf_fini(&s->buf);
    free(s->piece);
    s->piece = NULL;
}

static void end_request(struct xsr_source *s, const struct xsr_err *err)
{
    xsr_source_done *on_done = s->on_done;

    xsr_source_stop(s);
    if (on_done)
        on_done(s->ctx, err);
}

/* n bytes lie at p: keep or hand on. Returns -1 with *err. */
static int accept_bytes(struct xsr_source *s, const uint8_t *p, size_t n,
                        struct xsr_err *err)
{
    s->pos += n;
    s->left -= n;
    if (s->keep)
        return xsr_buf_put(&s->buf, p, n, err);
    return s->on_piece ? s->on_piece(s->ctx, p, n, err) : 0;
}

static int read_once(struct xsr_source *s, struct xsr_err *err)
{
    size_t n = xsr_min(s->left, PIECE);
    ssize_t r;

    r = read(s->fd, s->piece, n);
    if (r < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (r < 0) {
        xsr_fail_sys(err, XSR_E_IO, errno, "cannot read %s", s->what);
        return xsr_err_at(err, s->pos);
    }
    if (r == 0) {
        xsr_fail(err, XSR_E_EOF,
                 "the input ended in the middle of %s: %" PRIu64 " of %" PRIu64
                 " bytes are there",
                 s->what, s->want - s->left, s->want);
        if (s->left == s->want)
            xsr_fail(err, XSR_E_EOF,
                     "the input ended where %s is due (%" PRIu64 " bytes)",
                     s->what, s->want);
        return xsr_err_at(err, s->pos);
    }
    return accept_bytes(s, s->piece, (size_t)r, err);
}

static void on_readable(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_source *s = ctx;

    (void)fd;
    (void)revents; /* whatever it is, read() tells */
    if (read_once(s, &err) < 0)
        end_request(s, &err);
    else if (s->left == 0)
        end_request(s, NULL);
}

static void on_end_readable(void *ctx, int fd, short revents)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_source *s = ctx;
    uint8_t byte;
    ssize_t r;

    (void)revents;
    r = read(fd, &byte, 1);
    if (r < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (r == 0) {
        end_request(s, NULL);
        return;
    }
    if (r < 0)
        xsr_fail_sys(&err, XSR_E_IO, errno, "cannot read the end of the input");
    else
        xsr_fail(&err, XSR_E_FORMAT,
                 "the input goes on behind the END record, "
                 "where the file should end");
    xsr_err_at(&err, s->pos);
    end_request(s, &err);
}

/* Take what the head has; the rest will come from the fd. */
static int use_head(struct xsr_source *s, struct xsr_err *err)
{
    size_t n = xsr_min(s->n_head, s->left);

    if (n == 0)
        return 0;
    s->head += n;
    s->n_head -= n;
    return accept_bytes(s, s->head - n, n, err);
}

static void start(struct xsr_source *s, uint64_t n, const char *what,
                  xsr_source_piece *on_piece, xsr_source_done *on_done,
                  void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;

    s->left = s->want = n;
    s->what = what;
    s->on_piece = on_piece;
    s->on_done = on_done;
    s->ctx = ctx;
    if (!s->piece)
        s->piece = malloc(PIECE);
    if (!s->piece)
        xsr_fail(&err, XSR_E_NOMEM, "no memory to read %s", what);
    else if (use_head(s, &err) == 0 && s->left)
        xsr_loop_add_fd(s->loop, s->fd, POLLIN, on_readable, s, &s->watch,
                        &err);
    if (err.kind != XSR_E_OK)
        end_request(s, &err);
    else if (s->left == 0)
        end_request(s, NULL);
}

void xsr_source_pass(struct xsr_source *s, uint64_t n, const char *what,
                     xsr_source_piece *on_piece, xsr_source_done *on_done,
                     void *ctx)
{
    s->keep = false;
    start(s, n, what, on_piece, on_done, ctx);
}

void xsr_source_collect(struct xsr_source *s, size_t n, const char *what,
                        xsr_source_done *on_done, void *ctx)
{
    xsr_buf_clear(&s->buf);
    xsr_source_collect_more(s, n, what, on_done, ctx);
}

void xsr_source_collect_more(struct xsr_source *s, size_t n, const char *what,
                             xsr_source_done *on_done, void *ctx)
{
    s->keep = true;
    start(s, n, what, NULL, on_done, ctx);
}

void xsr_source_expect_end(struct xsr_source *s, xsr_source_done *on_done,
                           void *ctx)
{
    struct xsr_err err = XSR_ERR_INIT;

    s->left = s->want = EXPECT_END;
    s->what = "the end";
    s->on_done = on_done;
    s->on_piece = NULL;
    s->keep = false;
    s->ctx = ctx;
    if (xsr_loop_add_fd(s->loop, s->fd, POLLIN, on_end_readable, s, &s->watch,
                        &err) < 0)
        end_request(s, &err);
}
