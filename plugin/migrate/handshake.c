/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages of the migration handshake (libxl stream formats, "xl migrate"): a
 * table of them, awaiting one, sending one. Comes before and behind the stream
 * on the same descriptors, which the save helper shares: they stay blocking as
 * they are, there is one read() for each readiness report, and never a byte is
 * taken beyond the message. Called by migrate.c and receive.c.
 *
 * Every wait has an end: the peer's message, its end of file, the deadline, or
 * a request to stop.
 */
#include "plugin/migrate/handshake.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/loop.h"
#include "lib/util.h"

/* The banner is a line; the others include their terminating NUL. */
static const char banner[] =
    "xl migration receiver ready, send binary domain data.\n";
static const char ready[] = "domain received, ready to unpause";
static const char go[] = "domain is yours, you are cleared to unpause";
static const char report[] = "my copy unpause results are as follows";

#define LONGEST sizeof(banner)

static const struct message {
    const char *text;
    size_t len;
    const char *name;
} messages[] = {
    [XSR_HS_BANNER] = {banner, sizeof(banner) - 1, "banner"},
    [XSR_HS_READY] = {ready, sizeof(ready), "READY message"},
    [XSR_HS_GO] = {go, sizeof(go), "GO message"},
    [XSR_HS_REPORT] = {report, sizeof(report), "REPORT message"},
};

_Static_assert(sizeof(banner) - 1 == 54 && sizeof(ready) == 34 &&
                   sizeof(go) == 44 && sizeof(report) == 39,
               "lengths of the messages on the wire");

const char *xsr_hs_text(enum xsr_hs_msg msg, size_t *len_out)
{
    *len_out = messages[msg].len;
    return messages[msg].text;
}

/* ---- waiting ------------------------------------------------------------ */

/* Until fd is ready for events: 0, or why not. what: "READY message". */
static int wait_for(const struct xsr_hs_peer *p, int fd, short events,
                    uint64_t deadline, const char *what, struct xsr_err *err)
{
    struct pollfd pfd[2] = {{fd, events, 0}, {p->stop_fd, POLLIN, 0}};
    uint64_t now;
    int r;

    for (;;) {
        now = xsr_now_ms();
        r = now >= deadline ? 0 : poll(pfd, 2, (int)(deadline - now));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno, "waiting for the %s",
                                p->who);
        if (r == 0)
            return xsr_fail(
                err, XSR_E_TIMEOUT, "the %s %s within %u s (%s)", p->who,
                events == POLLIN ? "did not answer" : "took nothing",
                p->wait_ms / 1000, what);
        if (pfd[1].revents)
            return xsr_fail(err, XSR_E_STOPPED, "interrupted");
        if (pfd[0].revents)
            return 0;
    }
}

/* One read. Octets taken, 0: try again, -1. */
static ssize_t read_some(const struct xsr_hs_peer *p, char *to, size_t n,
                         size_t had, const char *what, struct xsr_err *err)
{
    ssize_t r = read(p->in_fd, to, n);

    if (r > 0)
        return r;
    if (r == 0 && had == 0)
        return xsr_fail(err, XSR_E_EOF,
                        "the %s closed the connection instead of sending its "
                        "%s",
                        p->who, what);
    if (r == 0)
        return xsr_fail(err, XSR_E_EOF,
                        "the %s closed the connection after %zu of %zu octets "
                        "of its %s",
                        p->who, had, had + n, what);
    if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    return xsr_fail_sys(err, XSR_E_IO, errno, "reading the %s of the %s", what,
                        p->who);
}

/* ---- awaiting a message -------------------------------------------------- */

/* What else lies there tells the reader more than the first wrong octet. */
static size_t read_rest(const struct xsr_hs_peer *p, char *to, size_t room)
{
    struct pollfd pfd = {p->in_fd, POLLIN, 0};
    ssize_t r;

    if (room == 0 || poll(&pfd, 1, 200) != 1 || !(pfd.revents & POLLIN))
        return 0;
    r = read(p->in_fd, to, room);
    return r < 0 ? 0 : (size_t)r;
}

static int refuse(const struct xsr_hs_peer *p, enum xsr_hs_msg msg,
                  const char *got, size_t n, struct xsr_err *err)
{
    char shown[80];

    return xsr_fail(
        err, XSR_E_FORMAT, "the %s sent \"%s\" instead of its %s%s", p->who,
        xsr_err_quote(got, n, shown, sizeof(shown)), messages[msg].name,
        msg == XSR_HS_BANNER ? "; does something on the way print, such as a "
                               "login script?"
                             : "");
}

int xsr_hs_expect(const struct xsr_hs_peer *p, enum xsr_hs_msg msg,
                  struct xsr_err *err)
{
    const struct message *m = &messages[msg];
    uint64_t deadline = xsr_now_ms() + p->wait_ms;
    char got[LONGEST + 64];
    size_t n = 0;
    ssize_t r;

    while (n < m->len) {
        if (wait_for(p, p->in_fd, POLLIN, deadline, m->name, err) < 0)
            return -1;
        r = read_some(p, got + n, m->len - n, n, m->name, err);
        if (r < 0)
            return -1;
        n += (size_t)r;
        if (memcmp(got, m->text, n) != 0) {
            n += read_rest(p, got + n, sizeof(got) - n);
            return refuse(p, msg, got, n, err);
        }
    }
    return 0;
}

int xsr_hs_get_code(const struct xsr_hs_peer *p, unsigned char *code_out,
                    struct xsr_err *err)
{
    uint64_t deadline = xsr_now_ms() + p->wait_ms;
    ssize_t r = 0;
    char octet;

    while (r == 0) {
        if (wait_for(p, p->in_fd, POLLIN, deadline, "result code", err) < 0)
            return -1;
        r = read_some(p, &octet, 1, 0, "result code", err);
    }
    if (r < 0)
        return -1;
    *code_out = (unsigned char)octet;
    return 0;
}

/* ---- sending a message --------------------------------------------------- */

/*
 * One write that cannot block: a socket is told so, and a pipe that is ready
 * has room for more than any message.
 */
static ssize_t write_ready(int fd, const char *from, size_t n)
{
    ssize_t r = send(fd, from, n, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (r < 0 && errno == ENOTSOCK)
        r = write(fd, from, n);
    return r;
}

static int write_message(const struct xsr_hs_peer *p, const char *from,
                         size_t len, const char *what, struct xsr_err *err)
{
    uint64_t deadline = xsr_now_ms() + p->wait_ms;
    size_t done = 0;
    ssize_t r;

    while (done < len) {
        if (wait_for(p, p->out_fd, POLLOUT, deadline, what, err) < 0)
            return -1;
        r = write_ready(p->out_fd, from + done, len - done);
        if (r >= 0)
            done += (size_t)r;
        else if (errno == EPIPE || errno == ECONNRESET)
            return xsr_fail_sys(err, XSR_E_PEER, errno,
                                "the %s has closed the connection (%s)", p->who,
                                what);
        else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
            return xsr_fail_sys(err, XSR_E_IO, errno, "sending the %s", what);
    }
    return 0;
}

/* A library does not end its caller: SIGPIPE of a write is taken back. */
static int write_quietly(const struct xsr_hs_peer *p, const char *from,
                         size_t len, const char *what, struct xsr_err *err)
{
    static const struct timespec now;
    sigset_t pipe_only, before, pending;
    bool was_pending;
    int rc;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    rc = write_message(p, from, len, what, err);
    if (rc < 0 && !was_pending)
        while (sigtimedwait(&pipe_only, NULL, &now) < 0 && errno == EINTR)
            continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int xsr_hs_send(const struct xsr_hs_peer *p, enum xsr_hs_msg msg,
                struct xsr_err *err)
{
    return write_quietly(p, messages[msg].text, messages[msg].len,
                         messages[msg].name, err);
}

int xsr_hs_send_code(const struct xsr_hs_peer *p, unsigned char code,
                     struct xsr_err *err)
{
    char octet = (char)code;

    return write_quietly(p, &octet, 1, "result code", err);
}
