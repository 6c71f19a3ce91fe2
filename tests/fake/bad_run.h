/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run of a save helper under a parent that lets one mishap happen to it:
 * what the mishap is, and what came of it. For tests/bin/helperbox.c.
 */
#ifndef XSR_TESTS_FAKE_BAD_RUN_H
#define XSR_TESTS_FAKE_BAD_RUN_H

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/ipc.h"
#include "lib/loop.h"
#include "lib/proc.h"
#include "tests/fake/bad_target.h"

enum when {
    NEVER,
    AT_MESSAGE, /* the n-th that it sends */
    AT_REQUEST, /* the n-th that wants an answer */
    AT_OCTET,   /* n octets of the stream have passed */
    AT_CALL     /* its n-th call on descriptor call_fd (at_call.c) */
};
enum act {
    SIGNAL,
    CLOSE_IN,     /* no answer will come */
    HALF_ANSWER,  /* two octets of it, then the end */
    CLOSE_ALL,    /* as when the parent is killed */
    CLOSE_STREAM, /* the peer is gone */
    REFUSE        /* the answer is failure */
};

struct mishap {
    enum when when;
    enum act act;
    uint64_t n;
    int sig, call_fd;
    bool after; /* the answer, or the call */
};

struct run {
    struct mishap m;
    struct xsr_child child;
    int to, from, stream; /* our ends */
    int peer;             /* its end of the stream, or -1 */
    struct target target; /* of a restore */
    const uint8_t *input; /* its image */
    size_t input_len;
    struct xsr_buf image, in; /* of a save; half a message */
    uint64_t octets, end_ms;
    unsigned n_messages, n_requests;
    bool reached, deaf, timeout;
    /* what it said */
    bool complete, suspended, dm_logdirty;
    int retval, errnoval, status;
    enum xsr_msg refused;
    bool refused_end; /* of what has to end anyway */
    char said[512];   /* the last error */
};

/* Does the process wait for something? */
static bool sleeps(int pid)
{
    char path[40], state = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    f = fopen(path, "re");
    if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    if (f)
        fclose(f);
    return state == 'S';
}

static void strike(struct run *r)
{
    int i;

    r->reached = true;
    switch (r->m.act) {
    case SIGNAL:
        for (i = 0; i < 50 && !sleeps(r->child.pid); i++)
            nap_ms(1);
        xsr_child_signal(&r->child, r->m.sig);
        nap_ms(2);
        break;
    case CLOSE_ALL:
        xsr_close(&r->from);
        xsr_close(&r->to);
        xsr_close(&r->stream);
        break;
    case CLOSE_STREAM:
        xsr_close(&r->stream);
        break;
    default:
        xsr_close(&r->to);
    }
}

/* Is this message the moment? */
static bool is_moment(const struct run *r, enum xsr_msg msg)
{
    if (r->m.when == AT_MESSAGE)
        return r->n_messages == r->m.n;
    return r->m.when == AT_REQUEST && xsr_msg_wants_reply(msg) &&
           r->n_requests == r->m.n;
}

static int failure_of(enum xsr_msg msg)
{
    return msg == XSR_MSG_SUSPEND ? 0 : -1;
}

static void run_close(struct run *r)
{
    xsr_child_fini(&r->child);
    xsr_close(&r->to);
    xsr_close(&r->from);
    xsr_close(&r->stream);
    xsr_close(&r->peer);
    xsr_buf_fini(&r->image);
    xsr_buf_fini(&r->in);
}

#endif
