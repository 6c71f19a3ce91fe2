/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host without a hypervisor for the tests of plugin/migrate: one domain that
 * has a name and a state, saved and restored by a few lines, so that the tests
 * see who owns the guest after every way in which the handshake can go. The
 * peer is a thread at the other end of a socket pair, with a script.
 */
#ifndef XSR_TESTS_MIGRATE_WORLD_H
#define XSR_TESTS_MIGRATE_WORLD_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/fd.h"
#include "plugin/context.h"
#include "plugin/host/host.h"
#include "plugin/migrate/handshake.h"
#include "plugin/migrate/names.h"
#include "plugin/migrate/unpause.h"
#include "plugin/xensr.h"

static struct {
    char name[XSR_NAME_MAX];
    bool exists, runs; /* the domain on this host */
    bool rename_fails, unpause_fails, destroy_fails, restore_fails;
    bool suspend_refused; /* on_suspend said no */
    unsigned n_saves;
    int close_at_unpause; /* a descriptor; 0: none */
} world;

/* ---- the host ------------------------------------------------------------ */

int xsr_xen_open(const struct xsr_log *log, struct xsr_xen **xen_out,
                 struct xsr_err *err)
{
    (void)log, (void)err;
    *xen_out = NULL;
    return 0;
}
void xsr_xen_close(struct xsr_xen *xen)
{
    (void)xen;
}
int xsr_xs_open(struct xsr_xs **xs_out, struct xsr_err *err)
{
    (void)err;
    *xs_out = NULL;
    return 0;
}
void xsr_xs_close(struct xsr_xs *xs)
{
    (void)xs;
}
int xsr_domain_check_exists(struct xsr_xen *xen, uint32_t domid,
                            struct xsr_err *err)
{
    (void)xen, (void)domid;
    return world.exists ? 0 : xsr_fail(err, XSR_E_XEN, "no domain");
}
int xsr_names_read(struct xsr_xs *xs, uint32_t domid, char *out, size_t out_len,
                   struct xsr_err *err)
{
    (void)xs, (void)domid, (void)err;
    snprintf(out, out_len, "%s", world.name);
    return 0;
}
int xsr_names_change(struct xensr *x, uint32_t domid, const char *from,
                     const char *to, struct xsr_err *err)
{
    (void)x, (void)domid;
    if (world.rename_fails)
        return xsr_fail(err, XSR_E_XEN, "the name is in use");
    if (from)
        assert_string_equal(world.name, from);
    snprintf(world.name, sizeof(world.name), "%s", to);
    return 0;
}
int xsr_unpause(struct xensr *x, uint32_t domid, struct xsr_err *err)
{
    (void)x, (void)domid;
    if (world.unpause_fails)
        return xsr_fail(err, XSR_E_XEN, "does not unpause");
    world.runs = true;
    if (world.close_at_unpause)
        close(world.close_at_unpause);
    return 0;
}

/* ---- the peer ------------------------------------------------------------ */

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

static inline struct xensr *open_context(void)
{
    struct xensr *x;

    assert_int_equal(xensr_open(NULL, &x), XENSR_OK);
    return x;
}

#endif
