/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests/bin/helperbox.c: the answers of a toolstack; and one mishap, named
 * on the command line, and what it left in one line, not judged but shown; then
 * it is put right by hand.
 *
 *   WHEN:N:before|after:ACT   message:3:after:close-all
 *   WHEN  message, request, octet, out (its calls on the messages), in (on the
 *         answers), stream      ACT  a signal's number, close-in,
 *         half-answer, close-all, close-stream, refuse
 */
#ifndef XSR_TESTS_FAKE_BAD_SHOW_H
#define XSR_TESTS_FAKE_BAD_SHOW_H

#include "lib/util.h"
#include "tests/fake/bad_judge.h"

static int word_of(const char *word, const char *const *words, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (words[i] && strcmp(word, words[i]) == 0)
            return (int)i;
    return -1;
}

static void show_parse(const char *text, struct mishap *m)
{
    static const char *const whens[] = {"never", "message", "request", "octet",
                                        "out",   "in",      "stream"};
    static const char *const acts[] = {
        [CLOSE_IN] = "close-in",   [HALF_ANSWER] = "half-answer",
        [CLOSE_ALL] = "close-all", [CLOSE_STREAM] = "close-stream",
        [REFUSE] = "refuse",
    };
    static const int fds[] = {1, 0, STREAM};
    char when[16], moment[16], act[16];
    unsigned long n;
    int i, k;

    if (sscanf(text, "%15[a-z]:%lu:%15[a-z]:%15[-a-z0-9]", when, &n, moment,
               act) != 4)
        exit(2);
    i = word_of(when, whens, XSR_ARRAY_LEN(whens));
    k = word_of(act, acts, XSR_ARRAY_LEN(acts));
    if (i < 0)
        exit(2);
    *m = (struct mishap){
        .when = i < AT_CALL ? (enum when)i : AT_CALL,
        .act = k < 0 ? SIGNAL : (enum act)k,
        .sig = k < 0 ? (int)strtol(act, NULL, 10) : 0,
        .n = n,
        .call_fd = i < AT_CALL ? 0 : fds[i - AT_CALL],
        .after = strcmp(moment, "after") == 0,
    };
}

/* What a toolstack finds when the helper has gone. */
static void show_run(const struct run *r, bool logdirty)
{
    char status[80] = "does not end", words[48] = "no complete";

    if (!r->timeout)
        xsr_status_str(r->status, status, sizeof(status));
    if (r->complete)
        snprintf(words, sizeof(words), "complete %d %d", r->retval,
                 r->errnoval);
    printf("show %s; %s; log-dirty Xen %s, device model %s; said \"%s\"\n",
           status, words, logdirty ? "on" : "off",
           r->dm_logdirty ? "on" : "off", r->said);
}

/* A toolstack that does what it is asked for. */
static int answer_of(struct run *r, const struct xsr_ipc_msg *m)
{
    if (m->msg == XSR_MSG_SUSPEND) {
        if (xc_domain_shutdown(box.w.xch, box.w.domid, SHUTDOWN_suspend) < 0)
            die("suspending the guest");
        r->suspended = true;
        return 1;
    }
    if (m->msg == XSR_MSG_SWITCH_LOGDIRTY)
        r->dm_logdirty = m->u.logdirty.enable;
    return 0;
}

#endif
