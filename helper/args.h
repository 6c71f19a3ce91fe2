/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The argument vector that a toolstack gives its save helper, judged before
 * anything else happens. There is no version number in it: the generation is
 * recognised by the count of arguments and the callback bits.
 * docs/formats/helper-ipc.md
 */
#ifndef XSR_HELPER_ARGS_H
#define XSR_HELPER_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/ipc.h"

enum xsr_args_verdict {
    XSR_ARGS_RUN, /* all values are valid; side says what */
    XSR_ARGS_HELP,
    XSR_ARGS_VERSION,
    XSR_ARGS_REFUSE,  /* understood, not ours: log, complete(-1) */
    XSR_ARGS_UNKNOWN, /* a toolstack's, but of no known protocol: log */
    XSR_ARGS_USAGE    /* not a toolstack's: stderr */
};

enum { XSR_STREAM_PLAIN, XSR_STREAM_REMUS, XSR_STREAM_COLO, XSR_N_STREAM };

/* flags of a save: XCFLAGS_... of all releases */
enum {
    XSR_SAVE_LIVE = 1,
    XSR_SAVE_DEBUG = 2,        /* verify pass */
    XSR_SAVE_CHECKPOINTED = 32 /* Xen 4.6 alone: a Remus stream */
};

struct xsr_args {
    enum xsr_ipc_gen gen;
    enum xsr_ipc_side side;
    int stream_fd;
    int back_fd; /* -1: none; valid in COLO streams only */
    uint32_t domid;
    uint32_t cbflags;     /* xsr_msg_bit() of what the parent answers */
    uint32_t stream_type; /* XSR_STREAM_... */
    /* save */
    uint32_t flags; /* XSR_SAVE_... and others */
    /* restore */
    uint32_t store_evtchn, store_domid;
    uint32_t console_evtchn, console_domid;
};

/*
 * *err explains every verdict from XSR_ARGS_REFUSE on; XSR_E_UNSUPPORTED means
 * that the same call is valid for other helpers.
 */
enum xsr_args_verdict xsr_args_get(int argc, char **argv,
                                   struct xsr_args *args_out,
                                   struct xsr_err *err);
/*
 * Which generation calls, by the vector alone (argv[1] is the mode). -1: none;
 * *err says what was expected.
 */
int xsr_args_find_gen(int argc, char **argv, enum xsr_ipc_side side,
                      enum xsr_ipc_gen *gen_out, struct xsr_err *err);

/* Does the parent answer that message? */
bool xsr_args_offer(const struct xsr_args *args, enum xsr_msg msg);

/* "0" to "4294967295" and nothing else; -1 and *err otherwise. */
int xsr_args_number(const char *name, const char *s, uint64_t max,
                    uint64_t *out, struct xsr_err *err);

/* Text for --help. */
const char *xsr_args_help(void);

#endif
