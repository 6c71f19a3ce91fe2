/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stream of a run of tests/bin/helperbox.c: moved fast up to the octet at
 * which something is to happen; there a save has little room to write ahead,
 * and a restore has got not one octet more.
 */
#ifndef XSR_TESTS_FAKE_BAD_STREAM_H
#define XSR_TESTS_FAKE_BAD_STREAM_H

#include <fcntl.h>
#include <sys/socket.h>

#include "lib/util.h"
#include "tests/fake/bad_judge.h"

#define NEAR (1u << 20)

static void stream_open(struct run *r, int ends[2])
{
    r->peer = -1;
    if (box.save && r->m.when != AT_OCTET) {
        if (pipe2(ends, O_CLOEXEC) < 0)
            die("pipe");
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        die("socketpair");
    if (box.save)
        r->peer = fcntl(ends[1], F_DUPFD_CLOEXEC, 3);
}

/* From here on it cannot write much more than we read. */
static void stream_narrow(struct run *r)
{
    int size = 4096;

    if (r->peer < 0 || r->octets + NEAR < r->m.n)
        return;
    if (setsockopt(r->peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
        die("SO_SNDBUF");
    xsr_close(&r->peer);
}

/* How many octets may pass before the moment. */
static size_t stream_room(const struct run *r, size_t most)
{
    if (r->m.when == AT_OCTET && !r->reached && r->m.n - r->octets < most)
        return (size_t)(r->m.n - r->octets);
    return most;
}

static void move_stream(struct run *r)
{
    static uint8_t bytes[1 << 20];
    struct xsr_err err = XSR_ERR_INIT;
    size_t room = stream_room(r, sizeof(bytes));
    ssize_t n;

    stream_narrow(r);
    if (box.save) {
        n = read(r->stream, bytes, room);
        if (n > 0)
            xsr_buf_put(&r->image, bytes, (size_t)n, &err);
    } else {
        room = xsr_min(room, r->input_len - r->octets);
        n = room ? send(r->stream, r->input + r->octets, room,
                        MSG_DONTWAIT | MSG_NOSIGNAL)
                 : 0;
        if (n < 0 && errno == EAGAIN)
            return;
    }
    if (n <= 0)
        xsr_close(&r->stream);
    else
        r->octets += (uint64_t)n;
}

#endif
