/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The restore in order: "starting restore", hypervisor, engine, results,
 * "complete r=N", complete. Every way through it ends with complete, since a
 * parent that gets none can only say that the helper died; and every failure
 * has one sentence at error level in front of it that names the cause.
 */
#include "helper/restore.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/guest.h"
#include "helper/stop.h"
#include "lib/fd.h"

#define CONTEXT "xensr-helper"

/* Descriptors nobody meant to give us; a leak in the toolstack, worth a line.
 */
static void log_strangers(const struct xsr_args *args, struct xsr_answer *a)
{
    DIR *dir = opendir("/proc/self/fd");
    char line[64 + 256], link[256];
    const struct dirent *e;
    ssize_t r;
    int fd;

    while (dir && (e = readdir(dir)) != NULL) {
        fd = (int)strtol(e->d_name, NULL, 10);
        if (fd < 3 || fd == args->stream_fd || fd == args->back_fd ||
            fd == dirfd(dir) || xsr_stop_owns(fd))
            continue;
        r = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);
        link[r < 0 ? 0 : r] = '\0';
        snprintf(line, sizeof(line), "fd %d was inherited without need: %s", fd,
                 link);
        xsr_answer_log(a, XSR_XTL_DEBUG, -1, CONTEXT, line);
    }
    if (dir)
        closedir(dir);
}

/* One sentence: which domain, why, where. */
static void log_failure(const struct xsr_args *args, struct xsr_answer *a,
                        const struct xsr_err *err)
{
    char line[XSR_ERR_TEXT + 128], where[48] = "";

    if (err->offset != XSR_NO_OFFSET)
        snprintf(where, sizeof(where), " at image offset %" PRIu64,
                 err->offset);
    snprintf(line, sizeof(line), "domain %u was not restored: %s%s",
             args->domid, err->text, where);
    xsr_answer_log(a, XSR_XTL_ERROR, -1, CONTEXT, line);
}

/* Causes outside the engine, which saw only their consequences. */
static void find_root_cause(const struct xsr_answer *a, struct xsr_err *err)
{
    int sig = xsr_stop_signal();

    if (sig)
        xsr_fail(err, XSR_E_STOPPED, "stopped by signal %d (%s)", sig,
                 strsignal(sig));
    else if (a->parent_gone)
        xsr_fail(err, XSR_E_PEER, "the toolstack has gone away");
    else if (a->refused[0])
        xsr_fail(err, XSR_E_PEER, "the toolstack refused %s", a->refused);
    else
        return;
    err->sys = ECANCELED;
}

/* restore_results comes always, also after a failure: the stock helper does. */
static void report(struct xsr_answer *a, uint64_t store_gfn,
                   uint64_t console_gfn, int retval, int errnoval)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_RESTORE_RESULTS};
    char line[32];

    m.u.results.store_gfn = store_gfn;
    m.u.results.console_gfn = console_gfn;
    xsr_answer_tell(a, &m);
    snprintf(line, sizeof(line), "complete r=%d", retval);
    xsr_answer_log(a, XSR_XTL_DEBUG, errnoval, CONTEXT, line);
    xsr_answer_complete(a, retval, errnoval);
}

static void report_failure(const struct xsr_args *args, struct xsr_answer *a,
                           const struct xsr_err *err)
{
    log_failure(args, a, err);
    report(a, 0, 0, -1, xsr_err_errno(err));
}

static int restore(const struct xsr_args *args, struct xsr_answer *a,
                   uint64_t *store_gfn, uint64_t *console_gfn,
                   struct xsr_err *err)
{
    struct xsr_guest *g = NULL;
    int rc;

    rc = xsr_guest_open(&g, args, a, err);
    if (rc == 0) {
        rc = xsr_guest_restore(g, store_gfn, console_gfn, err);
        if (rc < 0)
            find_root_cause(a, err);
    }
    /* before the results: afterwards nobody would hear it hang */
    xsr_guest_close(g);
    return rc;
}

void xsr_restore_run(const struct xsr_args *given, struct xsr_answer *a)
{
    uint64_t store_gfn = 0, console_gfn = 0;
    struct xsr_args args = *given;
    struct xsr_err err;
    int rc;

    /* not ours in a plain restore, and it may be a terminal */
    if (args.stream_type != XSR_STREAM_COLO)
        xsr_close(&args.back_fd);
    rc = xsr_stop_init(args.stream_fd, args.back_fd, &err);
    xsr_answer_log(a, XSR_XTL_DEBUG, 0, CONTEXT, "starting restore");
    if (rc == 0) {
        log_strangers(&args, a);
        rc = restore(&args, a, &store_gfn, &console_gfn, &err);
    }
    xsr_stop_end();
    if (rc < 0)
        report_failure(&args, a, &err);
    else
        report(a, store_gfn, console_gfn, 0, 0);
}

void xsr_restore_refuse(const struct xsr_args *args, struct xsr_answer *a,
                        const struct xsr_err *why)
{
    /* EBADMSG would say that the image is damaged; nobody has looked at it */
    int errnoval = why->kind == XSR_E_FORMAT ? EINVAL : xsr_err_errno(why);
    char line[XSR_ERR_TEXT + 64];

    snprintf(line, sizeof(line), "nothing was %s: %s",
             args->side == XSR_IPC_SAVE ? "saved" : "restored", why->text);
    xsr_answer_log(a, XSR_XTL_ERROR, -1, CONTEXT, line);
    if (args->side == XSR_IPC_RESTORE)
        report(a, 0, 0, -1, errnoval);
    else
        xsr_answer_complete(a, -1, errnoval);
}
