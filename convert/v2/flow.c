/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A window of one MiB slides over the input. Kept bytes stay where they are
 * until the window has to move or something else is written; then one write
 * takes all of them. A long run that is not in the window yet is moved by
 * splice() or sendfile(), and the window stays small as long as runs are long.
 */
#include "convert/v2/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"

#define WINDOW    (1u << 20)
#define SMALL     (64u << 10)
#define LONG_RUN  (256u << 10)
#define MOVE_ONCE (1u << 30)
#define PIECE     (64u << 10)

int xsr_flow_init(struct xsr_flow *f, int in, int out, const void *head,
                  size_t n_head, struct xsr_err *err)
{
    *f = (struct xsr_flow){.in = in, .out = out, .chunk = SMALL};
    f->mem = malloc(WINDOW);
    if (!f->mem)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for the conversion");
    if (n_head)
        memcpy(f->mem, head, n_head);
    f->len = n_head;
    return 0;
}

void xsr_flow_fini(struct xsr_flow *f)
{
    free(f->mem);
    f->mem = NULL;
}

/* ---- output -------------------------------------------------------------- */

static int write_out(struct xsr_flow *f, const void *p, size_t n,
                     struct xsr_err *err)
{
    return xsr_write_all(f->out, p, n, "the output", err);
}

int xsr_flow_flush(struct xsr_flow *f, struct xsr_err *err)
{
    size_t n = f->pos - f->span;

    if (n && write_out(f, f->mem + f->span, n, err))
        return -1;
    f->span = f->pos;
    return 0;
}

int xsr_flow_put(struct xsr_flow *f, const void *p, size_t n,
                 struct xsr_err *err)
{
    if (!n)
        return 0;
    if (xsr_flow_flush(f, err) || write_out(f, p, n, err))
        return -1;
    f->out_at += n;
    return 0;
}

int xsr_flow_put_from(struct xsr_flow *f, int fd, uint64_t n, const char *what,
                      struct xsr_err *err)
{
    xsr_auto_free uint8_t *piece = malloc(PIECE);
    size_t now;

    if (!piece)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for the conversion");
    for (; n; n -= now) {
        now = (size_t)xsr_min(n, PIECE);
        if (xsr_read_exact(fd, piece, now, what, err) ||
            xsr_flow_put(f, piece, now, err))
            return -1;
    }
    return 0;
}

/* ---- input --------------------------------------------------------------- */

/* Room for `need` bytes from pos on. */
static int make_room(struct xsr_flow *f, size_t need, struct xsr_err *err)
{
    if (f->pos + need <= WINDOW && f->pos < f->len)
        return 0;
    if (xsr_flow_flush(f, err))
        return -1;
    memmove(f->mem, f->mem + f->pos, f->len - f->pos);
    f->len -= f->pos;
    f->span = f->pos = 0;
    return 0;
}

int xsr_flow_peek(struct xsr_flow *f, size_t n, size_t *got_out,
                  struct xsr_err *err)
{
    while (f->len - f->pos < n) {
        size_t want;
        ssize_t r;

        if (make_room(f, n, err))
            return -1;
        want = f->exact
                   ? n - (f->len - f->pos)
                   : (size_t)xsr_min(xsr_max(f->chunk, n), WINDOW - f->len);
        if (xsr_fd_check_stop("reading the input", err))
            return -1;
        r = read(f->in, f->mem + f->len, want);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno, "reading the input");
        if (r == 0)
            break;
        f->len += (size_t)r;
        /* short records: the more at once, the fewer calls */
        f->chunk = (size_t)xsr_min(f->chunk * 2, WINDOW);
        if (f->on_moved)
            f->on_moved(f->ctx, f->in_at);
    }
    *got_out = (size_t)xsr_min(n, f->len - f->pos);
    return 0;
}

static int ended(const struct xsr_flow *f, uint64_t missing, const char *what,
                 struct xsr_err *err)
{
    xsr_fail(err, XSR_E_EOF,
             "the input ends inside %s, at least %llu more byte%s needed: it "
             "was cut off",
             what, (unsigned long long)missing, missing == 1 ? " is" : "s are");
    return xsr_err_at(err, f->in_at + (f->len - f->pos));
}

int xsr_flow_need(struct xsr_flow *f, size_t n, const char *what,
                  struct xsr_err *err)
{
    size_t got;

    if (f->len - f->pos >= n)
        return 0;
    if (xsr_flow_peek(f, n, &got, err))
        return -1;
    return got < n ? ended(f, n - got, what, err) : 0;
}

int xsr_flow_switch(struct xsr_flow *f, int in)
{
    int before = f->in;

    f->in = in;
    f->span = f->pos = f->len = 0;
    f->no_splice = f->no_sendfile = false;
    return before;
}

/* ---- through ------------------------------------------------------------- */

/* Some of n bytes inside the kernel: how many; 0: it cannot, or the end. */
static ssize_t move_some(struct xsr_flow *f, uint64_t n)
{
    size_t now = (size_t)xsr_min(n, MOVE_ONCE);
    ssize_t r = -1;

    if (!f->no_splice) {
        r = splice(f->in, NULL, f->out, NULL, now, SPLICE_F_MOVE);
        f->no_splice = r < 0 && errno == EINVAL; /* neither is a pipe */
        if (!f->no_splice)
            return r;
    }
    if (!f->no_sendfile) {
        r = sendfile(f->out, f->in, NULL, now);
        f->no_sendfile = r < 0 && (errno == EINVAL || errno == ENOSYS ||
                                   errno == EOPNOTSUPP);
        if (!f->no_sendfile)
            return r;
    }
    return 0;
}

/* *n is what is left for others to do. */
static int move(struct xsr_flow *f, uint64_t *n, const char *what,
                struct xsr_err *err)
{
    f->chunk = SMALL;
    while (*n) {
        ssize_t r;

        if (xsr_fd_check_stop("copying the image", err))
            return -1;
        r = move_some(f, *n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno, "writing the output");
        if (r == 0 && f->no_splice && f->no_sendfile)
            return 0;
        if (r == 0)
            return ended(f, *n, what, err);
        *n -= (uint64_t)r;
        f->in_at += (uint64_t)r;
        f->out_at += (uint64_t)r;
        if (f->on_moved)
            f->on_moved(f->ctx, f->in_at);
    }
    return 0;
}

/* At least one byte in sight; how many of n. */
static int some(struct xsr_flow *f, uint64_t n, const char *what, size_t *out,
                struct xsr_err *err)
{
    size_t want = (size_t)xsr_min(n, f->exact ? XSR_FLOW_NEED : 1);

    if (xsr_flow_need(f, want, what, err))
        return -1;
    *out = (size_t)xsr_min(n, f->len - f->pos);
    return 0;
}

int xsr_flow_keep(struct xsr_flow *f, uint64_t n, const char *what,
                  struct xsr_err *err)
{
    size_t now;

    while (n) {
        if (f->pos == f->len && n >= LONG_RUN &&
            !(f->no_splice && f->no_sendfile)) {
            if (xsr_flow_flush(f, err) || move(f, &n, what, err))
                return -1;
            continue;
        }
        if (some(f, n, what, &now, err))
            return -1;
        f->pos += now;
        f->in_at += now;
        f->out_at += now;
        n -= now;
    }
    return 0;
}

/* Out of the window without being written; what was kept before goes first. */
static int leave_out(struct xsr_flow *f, size_t n, struct xsr_err *err)
{
    if (f->span != f->pos && xsr_flow_flush(f, err))
        return -1;
    f->pos += n;
    f->span = f->pos;
    f->in_at += n;
    return 0;
}

int xsr_flow_drop(struct xsr_flow *f, uint64_t n, const char *what,
                  struct xsr_err *err)
{
    size_t now;

    for (; n; n -= now)
        if (some(f, n, what, &now, err) || leave_out(f, now, err))
            return -1;
    return 0;
}

int xsr_flow_take(struct xsr_flow *f, uint64_t n, struct xsr_buf *buf,
                  const char *what, struct xsr_err *err)
{
    size_t now;

    for (; n; n -= now)
        if (some(f, n, what, &now, err) ||
            xsr_buf_put(buf, xsr_flow_p(f), now, err) || leave_out(f, now, err))
            return -1;
    return 0;
}

int xsr_flow_divert(struct xsr_flow *f, uint64_t n, int fd, const char *what,
                    struct xsr_err *err)
{
    size_t now;

    for (; n; n -= now)
        if (some(f, n, what, &now, err) ||
            xsr_write_all(fd, xsr_flow_p(f), now, "a part", err) ||
            leave_out(f, now, err))
            return -1;
    return 0;
}
