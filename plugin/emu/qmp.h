/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One conversation with the device model of a domain over QMP: connect to its
 * socket, take the greeting, negotiate, then one command at a time, each with
 * its answer or a time limit. A QEMU serves one client at a time on that
 * socket: whoever is done closes it.
 */
#ifndef XSR_PLUGIN_QMP_H
#define XSR_PLUGIN_QMP_H

#include <jansson.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/loop.h"

/* err NULL: done, result is the answer's "return" (borrowed). */
typedef void xsr_qmp_done(void *ctx, const struct xsr_err *err, json_t *result);

enum xsr_qmp_phase {
    XSR_QMP_CLOSED,
    XSR_QMP_GREETING,  /* connected, it has said nothing yet */
    XSR_QMP_NEGOTIATE, /* qmp_capabilities was sent */
    XSR_QMP_IDLE,
    XSR_QMP_ASKED
};

struct xsr_qmp {
    /* filled by the caller */
    struct xsr_loop *loop;
    const struct xsr_log *log;
    const char *run_dir; /* folder of the sockets */
    uint32_t domid;
    /* known from the first answer on */
    unsigned major, minor; /* QEMU's version */
    /* private */
    enum xsr_qmp_phase phase;
    int fd;
    struct xsr_loop_fd *watch;
    struct xsr_loop_timer *deadline;
    struct xsr_buf in;
    unsigned id, ms;
    const char *command; /* being asked */
    char *text;          /* owned; sent when it may be */
    int pass_fd;
    xsr_qmp_done *on_done;
    void *ctx;
};

void xsr_qmp_init(struct xsr_qmp *q);
/*
 * Ask; on_done follows, once, never before this returns; or -1, and it does
 * not. ms: patience for the
 * answer, and for a greeting before it. command must outlive the call;
 * take_args: NULL or an object; pass_fd: borrowed until on_done, -1: none. An
 * error the device model answers keeps the connection, any other closes it.
 */
int xsr_qmp_ask(struct xsr_qmp *q, const char *command, json_t *take_args,
                int pass_fd, unsigned ms, xsr_qmp_done *on_done, void *ctx,
                struct xsr_err *err);
static inline bool xsr_qmp_busy(const struct xsr_qmp *q)
{
    return q->on_done != NULL;
}
/* Close; what was asked gets no answer any more. Idempotent. */
void xsr_qmp_close(struct xsr_qmp *q);

/*
 * The same for one command without a loop of one's own. *result_out, unless
 * NULL, is the caller's to json_decref(). 0, or -1 with *err.
 */
int xsr_qmp_call(const struct xsr_log *log, const char *run_dir, uint32_t domid,
                 const char *command, json_t *take_args, unsigned ms,
                 json_t **result_out, struct xsr_err *err);

/* How long libxl waits for one answer, and for "cont". */
#define XSR_QMP_MS      10000u
#define XSR_QMP_LONG_MS 60000u

#endif
