/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sockets on which the device model is spoken to. Each serves one client
 * at a time, the next waits in the queue, as with QEMU. A client is greeted,
 * its JSON values are taken one after the other however they arrive, and
 * command.c's answers go back in their order. Descriptors that come with a
 * message belong to the next command that asks for one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "stubs/dm/command.h"

#define MAX_MESSAGE (1u << 20)
#define MAX_FDS     16

struct xsr_dm_conn {
    struct xsr_dm_conn *next;
    struct xsr_dm *dm;
    struct xsr_dm_socket *socket;
    struct xsr_loop_fd *watch_listen, *watch;
    int fd; /* -1: nobody is connected */
    bool negotiated;
    struct xsr_buf in, out;
    int fds[MAX_FDS];
    unsigned n_fds;
};

static void on_client(void *ctx, int fd, short revents);
static void on_connect(void *ctx, int fd, short revents);

/* ---- one client ---------------------------------------------------------- */

static void drop_fds(struct xsr_dm_conn *c)
{
    while (c->n_fds)
        close(c->fds[--c->n_fds]);
}

int xsr_dm_take_fd(struct xsr_dm_conn *conn)
{
    int fd;

    if (!conn->n_fds)
        return -1;
    fd = conn->fds[0];
    conn->n_fds--;
    memmove(conn->fds, conn->fds + 1, conn->n_fds * sizeof(conn->fds[0]));
    return fd;
}

/* Nobody can name a descriptor set any more once the last client is gone. */
static void client_gone(struct xsr_dm_conn *c)
{
    struct xsr_err err = XSR_ERR_INIT;
    const struct xsr_dm_conn *i;
    bool others = false;

    xsr_loop_del_fd(c->dm->loop, &c->watch);
    xsr_close(&c->fd);
    drop_fds(c);
    xsr_buf_clear(&c->in);
    xsr_buf_clear(&c->out);
    c->negotiated = false;
    for (i = c->dm->conns; i; i = i->next)
        others |= i->fd >= 0;
    if (!others)
        xsr_dm_fdsets_clear(c->dm);
    if (!c->watch_listen &&
        xsr_loop_add_fd(c->dm->loop, c->socket->fd, POLLIN, on_connect, c,
                        &c->watch_listen, &err) < 0)
        xsr_loop_quit(c->dm->loop);
}

static void flush(struct xsr_dm_conn *c)
{
    struct xsr_err err = XSR_ERR_INIT;
    ssize_t n = 0;

    while (c->fd >= 0 && c->out.len && n >= 0) {
        n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            xsr_buf_drop(&c->out, (size_t)n);
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        xsr_buf_clear(&c->out);
        shutdown(c->fd, SHUT_RDWR); /* on_client sees its end */
    }
    xsr_loop_del_fd(c->dm->loop, &c->watch);
    if (c->fd >= 0 &&
        xsr_loop_add_fd(c->dm->loop, c->fd,
                        (short)(POLLIN | (c->out.len ? POLLOUT : 0)), on_client,
                        c, &c->watch, &err) < 0)
        xsr_loop_quit(c->dm->loop);
}

static void say(struct xsr_dm_conn *c, json_t *take)
{
    struct xsr_err err = XSR_ERR_INIT;
    char *text = json_dumps(take, JSON_COMPACT);

    if (text && c->out.len < MAX_MESSAGE)
        xsr_buf_printf(&c->out, &err, "%s\r\n", text);
    free(text);
    json_decref(take);
}

static void answer(struct xsr_dm_conn *c, const json_t *message)
{
    json_t *reply = xsr_dm_command(c->dm, c, message, &c->negotiated);
    json_t *id = json_object_get(message, "id");

    if (id)
        json_object_set(reply, "id", id);
    say(c, reply);
    /* as QEMU: a descriptor is for the message that it came with */
    drop_fds(c);
}

/* Blanks between values are none of JSON's parser's business. */
static size_t skip_blanks(const struct xsr_buf *in)
{
    size_t n = 0;

    while (n < in->len && strchr(" \t\r\n", in->p[n]) && in->p[n])
        n++;
    return n;
}

/* Take what is whole; false when the rest has still to come. */
static bool take_message(struct xsr_dm_conn *c)
{
    json_error_t error;
    json_t *message;

    xsr_buf_drop(&c->in, skip_blanks(&c->in));
    if (!c->in.len)
        return false;
    message = json_loadb((const char *)c->in.p, c->in.len,
                         JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &error);
    if (!message &&
        json_error_code(&error) == json_error_premature_end_of_input &&
        c->in.len < MAX_MESSAGE)
        return false;
    if (!message) {
        say(c,
            xsr_dm_error("GenericError", "JSON parse error, %s", error.text));
        xsr_buf_clear(&c->in);
        return false;
    }
    xsr_buf_drop(&c->in, (size_t)error.position);
    answer(c, message);
    json_decref(message);
    return true;
}

static void keep_fds(struct xsr_dm_conn *c, struct msghdr *msg)
{
    struct cmsghdr *h;

    for (h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
        size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
            if (c->n_fds < MAX_FDS)
                c->fds[c->n_fds++] = fd;
            else
                close(fd);
        }
    }
}

static ssize_t receive(struct xsr_dm_conn *c)
{
    char bytes[4096], control[CMSG_SPACE(MAX_FDS * sizeof(int))];
    struct xsr_err err = XSR_ERR_INIT;
    struct iovec iov = {bytes, sizeof(bytes)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 1 : -1;
    keep_fds(c, &msg);
    if (n > 0 && xsr_buf_put(&c->in, bytes, (size_t)n, &err) < 0)
        return -1;
    return n;
}

static void on_client(void *ctx, int fd, short revents)
{
    struct xsr_dm_conn *c = ctx;

    (void)fd;
    if (revents & (POLLIN | POLLHUP | POLLERR)) {
        if (receive(c) <= 0) {
            client_gone(c);
            return;
        }
        while (take_message(c) && !c->dm->quit)
            ;
    }
    flush(c);
    if (c->dm->quit)
        xsr_loop_quit(c->dm->loop);
}

/* ---- listening ----------------------------------------------------------- */

static json_t *greeting(void)
{
    return json_pack("{s:{s:{s:{s:i,s:i,s:i},s:s},s:[s]}}", "QMP", "version",
                     "qemu", "micro", 22, "minor", 2, "major", 7, "package",
                     "xensr-sim-dm", "capabilities", "oob");
}

static void on_connect(void *ctx, int fd, short revents)
{
    struct xsr_dm_conn *c = ctx;

    (void)revents;
    c->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (c->fd < 0)
        return;
    xsr_loop_del_fd(c->dm->loop, &c->watch_listen);
    say(c, greeting());
    flush(c);
}

/* A path may be longer than a socket's address: by way of its folder then. */
static int bind_path(int fd, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const char *base = strrchr(path, '/');
    xsr_auto_close int dir = -1;
    char folder[PATH_MAX];
    int n;

    unlink(path);
    if (strlen(path) < sizeof(a.sun_path)) {
        memcpy(a.sun_path, path, strlen(path));
    } else {
        snprintf(folder, sizeof(folder), "%.*s", base ? (int)(base - path) : 1,
                 base ? path : ".");
        dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            return -1;
        n = snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", dir,
                     base ? base + 1 : path);
        if (n >= (int)sizeof(a.sun_path)) {
            errno = ENAMETOOLONG;
            return -1;
        }
    }
    return bind(fd, (const struct sockaddr *)&a, sizeof(a));
}

static int open_socket(struct xsr_dm *dm, struct xsr_dm_socket *s,
                       struct xsr_err *err)
{
    struct xsr_dm_conn *c = calloc(1, sizeof(*c));

    if (!c)
        return xsr_fail(err, XSR_E_NOMEM, "no memory");
    c->dm = dm;
    c->socket = s;
    c->fd = -1;
    c->next = dm->conns;
    dm->conns = c;
    if (s->fd < 0) {
        s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (s->fd < 0 || bind_path(s->fd, s->path) < 0 || listen(s->fd, 8) < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno,
                                "Failed to bind socket to %.150s", s->path);
    }
    return xsr_loop_add_fd(dm->loop, s->fd, POLLIN, on_connect, c,
                           &c->watch_listen, err);
}

int xsr_dm_listen(struct xsr_dm *dm, struct xsr_err *err)
{
    for (unsigned i = 0; i < dm->options.n_sockets; i++)
        if (dm->options.socket[i].monitor &&
            open_socket(dm, &dm->options.socket[i], err) < 0)
            return -1;
    return 0;
}

void xsr_dm_qmp_stop(struct xsr_dm *dm)
{
    struct xsr_dm_conn *c;

    while ((c = dm->conns) != NULL) {
        dm->conns = c->next;
        flush(c);
        xsr_loop_del_fd(dm->loop, &c->watch);
        xsr_loop_del_fd(dm->loop, &c->watch_listen);
        xsr_close(&c->fd);
        drop_fds(c);
        if (c->socket->path[0] && c->socket->fd >= 0)
            unlink(c->socket->path);
        xsr_close(&c->socket->fd);
        xsr_buf_fini(&c->in);
        xsr_buf_fini(&c->out);
        free(c);
    }
}

/* ---- events -------------------------------------------------------------- */

void xsr_dm_event(struct xsr_dm *dm, const char *name, json_t *details)
{
    struct xsr_dm_conn *c;
    struct timeval now;
    json_t *event;

    gettimeofday(&now, NULL);
    for (c = dm->conns; c; c = c->next) {
        if (c->fd < 0 || !c->negotiated)
            continue;
        event = json_pack("{s:{s:I,s:I},s:s}", "timestamp", "seconds",
                          (json_int_t)now.tv_sec, "microseconds",
                          (json_int_t)now.tv_usec, "event", name);
        if (details)
            json_object_set(event, "data", details);
        say(c, event);
        flush(c);
    }
    json_decref(details);
}
