/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What saves and restores say at their beginning and at their end. Every way
 * through the helper ends with complete, since a parent that gets none can
 * only say that the helper died; and every failure has one sentence at error
 * level in front of it that names the cause, since libxl's own line names
 * another one ("did not respond to suspend request", whatever it was).
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "helper/run.h"
#include "helper/stop.h"
#include "lib/fd.h"

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
        xsr_answer_log(a, XSR_XTL_DEBUG, -1, XSR_HELPER_CONTEXT, line);
    }
    if (dir)
        closedir(dir);
}

int xsr_report_begin(struct xsr_args *args, struct xsr_answer *a,
                     struct xsr_err *err)
{
    int rc;

    /* not ours, and it may be a terminal or a number that is not open */
    if (args->stream_type != XSR_STREAM_COLO) {
        if (args->back_fd > STDERR_FILENO)
            xsr_close(&args->back_fd);
        args->back_fd = -1;
    }
    rc = xsr_stop_init(args->stream_fd, args->back_fd, err);
    xsr_answer_log(a, XSR_XTL_DEBUG, 0, XSR_HELPER_CONTEXT,
                   args->side == XSR_IPC_SAVE ? "starting save"
                                              : "starting restore");
    if (rc < 0)
        return -1;
    xsr_stop_watch(STDIN_FILENO);
    xsr_stop_watch(STDOUT_FILENO);
    log_strangers(args, a);
    return 0;
}

/* ---- why ---------------------------------------------------------------- */

/* What an errno means for the one who runs a save. */
static const char *meaning(const struct xsr_args *args, int sys)
{
    if (args->side != XSR_IPC_SAVE)
        return NULL;
    switch (sys) {
    case EPIPE:
    case ECONNRESET:
        return "the receiver closed the stream";
    case ENOSPC:
    case EDQUOT:
        return "there is no space left for the image";
    case EFBIG:
        return "the image is larger than a file may be there";
    default:
        return NULL;
    }
}

void xsr_report_root_cause(const struct xsr_args *args,
                           const struct xsr_answer *a, struct xsr_err *err)
{
    const char *what = meaning(args, err->sys);
    int sig = xsr_stop_signal();

    if (sig)
        xsr_fail(err, XSR_E_STOPPED, "stopped by signal %d (%s)", sig,
                 strsignal(sig));
    else if (a->parent_gone || xsr_stop_is_orphan())
        xsr_fail(err, XSR_E_PEER, "the toolstack has gone away");
    else if (a->was_refused && a->refused == XSR_MSG_SUSPEND &&
             args->side == XSR_IPC_SAVE)
        xsr_fail(err, XSR_E_PEER,
                 "the toolstack could not suspend the guest (answer %d)",
                 a->refused_answer);
    else if (a->was_refused)
        xsr_fail(err, XSR_E_PEER, "the toolstack refused %s (answer %d)",
                 xsr_msg_name(a->refused), a->refused_answer);
    else {
        if (what)
            xsr_err_prefix(err, "%s", what);
        return;
    }
    err->sys = ECANCELED;
}

/* ---- the end ------------------------------------------------------------ */

void xsr_report_end(const struct xsr_args *args, struct xsr_answer *a,
                    uint64_t store_gfn, uint64_t console_gfn, int retval,
                    int errnoval)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_RESTORE_RESULTS};
    char line[32];

    if (args->side == XSR_IPC_RESTORE) {
        /* always, also after a failure: the stock helper does */
        m.u.results.store_gfn = store_gfn;
        m.u.results.console_gfn = console_gfn;
        xsr_answer_tell(a, &m);
    }
    snprintf(line, sizeof(line), "complete r=%d", retval);
    xsr_answer_log(a, XSR_XTL_DEBUG, errnoval, XSR_HELPER_CONTEXT, line);
    xsr_answer_complete(a, retval, errnoval);
}

/* One sentence: which domain, why, where. */
void xsr_report_failure(const struct xsr_args *args, struct xsr_answer *a,
                        const struct xsr_err *err)
{
    char line[XSR_ERR_TEXT + 128], where[48] = "";

    if (err->offset != XSR_NO_OFFSET)
        snprintf(where, sizeof(where), " at image offset %" PRIu64,
                 err->offset);
    snprintf(line, sizeof(line), "domain %u was not %s: %s%s", args->domid,
             args->side == XSR_IPC_SAVE ? "saved" : "restored", err->text,
             where);
    xsr_answer_log(a, XSR_XTL_ERROR, -1, XSR_HELPER_CONTEXT, line);
    xsr_report_end(args, a, 0, 0, -1, xsr_err_errno(err));
}

void xsr_refuse_run(const struct xsr_args *args, struct xsr_answer *a,
                    const struct xsr_err *why)
{
    /* EBADMSG would say that the image is damaged; nobody has looked at it */
    int errnoval = why->kind == XSR_E_FORMAT ? EINVAL : xsr_err_errno(why);
    char line[XSR_ERR_TEXT + 64];

    snprintf(line, sizeof(line), "nothing was %s: %s",
             args->side == XSR_IPC_SAVE ? "saved" : "restored", why->text);
    xsr_answer_log(a, XSR_XTL_ERROR, -1, XSR_HELPER_CONTEXT, line);
    xsr_report_end(args, a, 0, 0, -1, errnoval);
}
