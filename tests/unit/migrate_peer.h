/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The other side of a migration for the tests of plugin/migrate: a thread at
 * the far end of a socket pair, which says the first octets of a script, each
 * part when it has heard enough, and then nothing more.
 */
#ifndef XSR_TESTS_MIGRATE_PEER_H
#define XSR_TESTS_MIGRATE_PEER_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/migrate/handshake.h"

#define STREAM     "the stream"
#define STREAM_LEN (sizeof(STREAM) - 1)

struct octets {
    char p[512];
    size_t len;
};

static inline void add_octets(struct octets *s, const void *p, size_t n)
{
    assert_true(s->len + n <= sizeof(s->p));
    memcpy(s->p + s->len, p, n);
    s->len += n;
}
static inline void add_msg(struct octets *s, enum xsr_hs_msg msg)
{
    size_t len;
    const char *text = xsr_hs_text(msg, &len);

    add_octets(s, text, len);
}

/* What the other side says, each part when it has heard so many octets. */
struct script {
    struct {
        size_t from, heard;
    } part[4];
    size_t n_parts;
    struct octets says;
};

static inline void new_part(struct script *s, size_t heard)
{
    s->part[s->n_parts].from = s->says.len;
    s->part[s->n_parts++].heard = heard;
}

/* It says the first n octets of the script and then nothing more. */
struct peer {
    int ours, theirs;
    const struct script *script;
    size_t n;
    struct octets heard;
    pthread_t thread;
};

static inline size_t may_say(const struct peer *p)
{
    const struct script *s = p->script;
    size_t i;

    for (i = 0; i < s->n_parts; i++)
        if (p->heard.len < s->part[i].heard)
            return s->part[i].from < p->n ? s->part[i].from : p->n;
    return s->says.len < p->n ? s->says.len : p->n;
}

static inline void *be_peer(void *ctx)
{
    struct peer *p = ctx;
    size_t said = 0;
    ssize_t r = 1;

    while (r > 0) {
        for (; said < may_say(p); said++)
            if (send(p->theirs, p->script->says.p + said, 1, MSG_NOSIGNAL) != 1)
                break;
        if (said == p->n)
            shutdown(p->theirs, SHUT_WR);
        r = read(p->theirs, p->heard.p + p->heard.len,
                 sizeof(p->heard.p) - p->heard.len);
        if (r > 0)
            p->heard.len += (size_t)r;
    }
    return NULL;
}

static inline void start_peer(struct peer *p, const struct script *s, size_t n)
{
    int fds[2];

    memset(p, 0, sizeof(*p));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    p->ours = fds[0];
    p->theirs = fds[1];
    p->script = s;
    p->n = n;
    assert_int_equal(pthread_create(&p->thread, NULL, be_peer, p), 0);
}
/* Hang up; p->heard is complete then. */
static inline void end_peer(struct peer *p)
{
    close(p->ours);
    pthread_join(p->thread, NULL);
    close(p->theirs);
}

#endif
