/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verdict over a helper run, once its process has ended (helper_run.c):
 * its last message, its errno, its exit status and the line that it logged as
 * the cause become one error, or none.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "plugin/helper/helper_run.h"

/*
 * What a failure's errno says about the reason. Ours uses the first ones
 * deliberately; libxenguest leaves 0 when the stream ended.
 */
static enum xsr_kind kind_of(const struct xsr_helper *h, int errnoval)
{
    bool restore = h->side == XSR_IPC_RESTORE;

    switch (errnoval) {
    case EBADMSG:
        return XSR_E_FORMAT;
    case 0:
        return restore ? XSR_E_EOF : XSR_E_PEER;
    case ENODATA:
        return XSR_E_EOF;
    case EOPNOTSUPP:
        return XSR_E_UNSUPPORTED;
    case ECANCELED:
        return XSR_E_STOPPED;
    case ENOMEM:
        return XSR_E_NOMEM;
    case EPIPE:
    case ECONNRESET:
    case ENOSPC:
    case EFBIG:
    case EDQUOT:
    case EIO:
        return restore ? XSR_E_XEN : XSR_E_IO;
    default:
        return XSR_E_XEN;
    }
}

/* Our helper names the domain first, which whoever reads this knows. */
static const char *skip_domain(const struct xsr_helper *h)
{
    const char *lead =
        h->side == XSR_IPC_RESTORE ? " was not restored: " : " was not saved: ";
    const char *at = h->said_by_us ? strstr(h->said, lead) : NULL;

    return at ? at + strlen(lead) : h->said;
}

/* Offsets in our helper's sentences count from the image's first byte. */
static void add_position(const struct xsr_helper *h, struct xsr_err *err)
{
    static const char mark[] = "image offset ";
    const char *at = strstr(err->text, mark);
    size_t len = strlen(err->text);
    char note[80], *end;
    uint64_t offset;

    if (!h->said_by_us || !at || !h->image_pos_known)
        return;
    offset = strtoull(at + sizeof(mark) - 1, &end, 0);
    if (end == at + sizeof(mark) - 1)
        return;
    snprintf(note, sizeof(note),
             " (image begins at byte %" PRIu64 " of the input)", h->image_pos);
    if (len + strlen(note) < sizeof(err->text))
        memcpy(err->text + len, note, strlen(note) + 1);
    xsr_err_at(err, h->image_pos + offset);
}

static int restore_failed(const struct xsr_helper *h, struct xsr_err *err)
{
    enum xsr_kind kind = kind_of(h, h->errnoval);

    if (h->said[0])
        xsr_fail(err, kind, "guest image: %s", skip_domain(h));
    else if (h->errnoval == 0)
        xsr_fail(err, kind, "guest image: it ended too early");
    else
        xsr_fail_sys(err, kind, h->errnoval,
                     "guest image: it could not be restored");
    err->sys = h->errnoval;
    add_position(h, err);
    return -1;
}

static bool stream_closed(int errnoval)
{
    return errnoval == EPIPE || errnoval == ECONNRESET;
}

static int save_failed(const struct xsr_helper *h, struct xsr_err *err)
{
    enum xsr_kind kind = kind_of(h, h->errnoval);

    if (stream_closed(h->errnoval) && !h->said_by_us)
        xsr_fail(err, kind, "the reader closed the stream");
    else if (h->said[0])
        xsr_fail(err, kind, "guest image: %s", skip_domain(h));
    else if (h->errnoval == 0)
        xsr_fail(err, kind,
                 "guest image: the save helper does not say why it "
                 "could not be written");
    else
        xsr_fail_sys(err, kind, h->errnoval,
                     "guest image: it could not be written");
    err->sys = h->errnoval;
    return -1;
}

/* It ended badly: how, and what it said last. */
static int died(const struct xsr_helper *h, int status, struct xsr_err *err)
{
    char how[80];

    xsr_status_str(status, how, sizeof(how));
    if (h->side == XSR_IPC_SAVE && WIFSIGNALED(status) &&
        WTERMSIG(status) == SIGPIPE)
        return xsr_fail(err, XSR_E_PEER,
                        "the reader closed the stream, and save helper %s "
                        "died of that",
                        h->path);
    if (h->said[0])
        return xsr_fail(err, XSR_E_PEER, "save helper %s %s; it said: %s",
                        h->path, how, h->said);
    return xsr_fail(err, XSR_E_PEER, "save helper %s %s%s", h->path, how,
                    xsr_helper_saw(h, XSR_MSG_COMPLETE)
                        ? " although it had sent complete"
                        : " without having sent complete");
}

int xsr_helper_judge(const struct xsr_helper *h, int status,
                     struct xsr_err *err)
{
    bool complete = xsr_helper_saw(h, XSR_MSG_COMPLETE);

    if (complete && h->retval != 0)
        return h->side == XSR_IPC_SAVE ? save_failed(h, err)
                                       : restore_failed(h, err);
    if (!complete && h->in.len)
        return xsr_fail(err, XSR_E_PEER,
                        "save helper %s ended in the middle "
                        "of a message (%zu bytes of it arrived)",
                        h->path, h->in.len);
    if (!complete || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return died(h, status, err);
    if (h->side == XSR_IPC_SAVE && !xsr_helper_saw(h, XSR_MSG_SUSPEND))
        return xsr_fail(err, XSR_E_PEER,
                        "save helper %s reported success but never had the "
                        "guest suspended: what it wrote is no image",
                        h->path);
    if (h->side == XSR_IPC_RESTORE &&
        !xsr_helper_saw(h, XSR_MSG_RESTORE_RESULTS))
        return xsr_fail(err, XSR_E_PEER,
                        "save helper %s reported success but sent no "
                        "restore_results (the frames of store and console)",
                        h->path);
    return 0;
}
