/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tests/bin/helperbox.c is about, and its judgement of one run: how the
 * helper ended, what it said, and what it left.
 */
#ifndef XSR_TESTS_FAKE_BAD_JUDGE_H
#define XSR_TESTS_FAKE_BAD_JUDGE_H

#include "tests/fake/bad_run.h"

#define STREAM 9

static struct {
    struct world w;
    const char *helper, *preload, *op, *mark;
    bool save, live, show;
    unsigned limit_ms;
    uint64_t stride, step, dense;
    struct xsr_buf image; /* what restores get */
    uint64_t total;       /* octets of the operation undisturbed */
    unsigned n_runs;
} box = {.limit_ms = 15000, .stride = 3000017, .step = 1, .dense = 16};

/* Image header and domain header, then records. */
static uint64_t next_record(const struct xsr_buf *image, uint64_t at)
{
    if (at < 40)
        return at + (at ? 16 : 24);
    return at + 8 + xsr_round_up(xsr_le32(image->p + at + 4), 8);
}

/* ---- judgement ------------------------------------------------------------
 */

static bool exited(const struct run *r, int code)
{
    return !r->timeout && WIFEXITED(r->status) &&
           WEXITSTATUS(r->status) == code;
}

/* Success is only said of a whole image. */
static bool really_done(const struct run *r)
{
    static const uint8_t end[8];

    if (r->retval || !box.save)
        return r->retval == 0;
    /* what was in the pipe when its end was closed nobody can look at; live,
       there are more octets or fewer each time */
    if (r->m.act == CLOSE_STREAM && r->reached)
        return r->suspended &&
               r->octets + (box.live ? 4u << 20 : 65536u) >= box.total;
    return r->suspended && r->image.len > 24 &&
           memcmp(r->image.p + r->image.len - 8, end, 8) == 0;
}

/* What the parent hears, if it still listens. */
static int judge_words(const struct run *r, char why[256])
{
    static const char *const names[XSR_N_MSG] = {
        [XSR_MSG_SUSPEND] = "could not suspend the guest",
        [XSR_MSG_SWITCH_LOGDIRTY] = "switch_qemu_logdirty",
        [XSR_MSG_STATIC_DATA_DONE] = "static_data_done",
    };
    char stopped[32];
    const char *cause;
    int sys = ECANCELED;

    snprintf(stopped, sizeof(stopped), "stopped by signal %d", r->m.sig);
    cause = r->m.act == SIGNAL ? stopped : names[r->refused];
    if (r->m.act == CLOSE_STREAM) {
        cause = box.save ? "the receiver closed the stream" : "end";
        sys = box.save ? EPIPE : ENODATA;
    }
    if (!r->complete)
        return bad(why, "no complete; it said \"%s\"", r->said);
    if (r->retval == 0 && r->m.act == REFUSE && r->reached && !r->refused_end)
        return bad(why, "it was refused and reports success");
    if (really_done(r))
        return 0;
    if (r->retval == 0)
        return bad(why, "it reports success without a whole image");
    if (r->m.act == SIGNAL && r->m.sig == SIGPIPE)
        return bad(why, "SIGPIPE ended it: \"%s\"", r->said);
    if (!cause || !strstr(r->said, cause))
        return bad(why, "it said \"%s\", the cause is \"%s\"", r->said,
                   cause ? cause : "none");
    if (r->errnoval != sys && (sys != EPIPE || r->errnoval != ECONNRESET))
        return bad(why, "errno %d, expected %d", r->errnoval, sys);
    return 0;
}

static int judge(struct run *r, char why[256])
{
    bool parent_gone = r->m.act != SIGNAL && r->m.act != CLOSE_STREAM &&
                       r->m.act != REFUSE && r->reached;
    bool too_late = r->complete && r->m.after; /* it has its last answer */
    char status[80];

    if (r->timeout)
        return bad(why,
                   "it did not end within %u ms (complete %d, said "
                   "\"%s\")",
                   box.limit_ms, r->complete, r->said);
    if (!exited(r, parent_gone) && !(too_late && exited(r, 0)))
        return bad(why, "it %s", xsr_status_str(r->status, status, 80));
    if (r->dm_logdirty && !parent_gone && !r->refused_end)
        return bad(why, "the device model is left logging");
    if (!parent_gone && judge_words(r, why) < 0)
        return -1;
    return judge_guest(&box.w, why);
}

#endif
