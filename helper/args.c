/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * First step of the helper: argv -> struct xsr_args. Every value is checked
 * here, so that what follows never meets a number that cannot be. Strict
 * where the stock helper is lax (it takes "12abc" for 12), because a wrong
 * count or digit means that the other side speaks another generation.
 */
#include "helper/args.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/util.h"

/* Layout of the vectors of generation G7 (Xen 4.14 and later). */
enum {
    R_STREAM = 2,
    R_BACK,
    R_DOMID,
    R_STORE_EVTCHN,
    R_STORE_DOMID,
    R_CONSOLE_EVTCHN,
    R_CONSOLE_DOMID,
    R_CBFLAGS,
    R_TYPE,
    R_ARGC
};
enum { S_STREAM = 2, S_BACK, S_DOMID, S_FLAGS, S_CBFLAGS, S_TYPE, S_ARGC };

/* SUSE's messages (precopy_policy as number 3) shift every later bit by one. */
#define S7_RESTORE_BIT (1u << 10)
#define S7_SAVE_BIT    (1u << 8)

/* Decimal digits, and -1 where allowed; nothing else. */
static int get_number(const char *name, const char *s, int64_t min, int64_t max,
                      int64_t *out, struct xsr_err *err)
{
    const char *p = s;
    char quoted[40];
    int64_t v = 0;

    if (min < 0 && strcmp(s, "-1") == 0) {
        *out = -1;
        return 0;
    }
    while (*p >= '0' && *p <= '9' && v <= max)
        v = v * 10 + (*p++ - '0');
    if (p > s && !*p && v >= min && v <= max) {
        *out = v;
        return 0;
    }
    return xsr_fail(err, XSR_E_FORMAT,
                    "%s is \"%s\", expected is a number from %lld to %lld",
                    name, xsr_err_quote(s, strlen(s), quoted, sizeof(quoted)),
                    (long long)min, (long long)max);
}

static int get_u32(const char *name, const char *s, uint32_t *out,
                   struct xsr_err *err)
{
    int64_t v;

    if (get_number(name, s, 0, UINT32_MAX, &v, err) < 0)
        return -1;
    *out = (uint32_t)v;
    return 0;
}

/* 0 and 1 are the pipes of the protocol, 2 is for people. */
static int get_fd(const char *name, const char *s, bool optional, int *out,
                  struct xsr_err *err)
{
    int64_t v;

    if (get_number(name, s, optional ? -1 : 3, INT32_MAX, &v, err) < 0)
        return -1;
    *out = (int)v;
    if (v >= 0 && v < 3)
        return xsr_fail(err, XSR_E_FORMAT,
                        "%s is %d, but 0 to 2 have other uses", name, *out);
    if (v >= 0 && fcntl(*out, F_GETFD) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "%s %d cannot be used", name,
                            *out);
    return 0;
}

/* Bits of all messages that the library could call back with. */
static uint32_t known_bits(enum xsr_ipc_gen gen, enum xsr_ipc_side side)
{
    static const enum xsr_msg callbacks[] = {
        XSR_MSG_SUSPEND,         XSR_MSG_POSTCOPY,
        XSR_MSG_CHECKPOINT,      XSR_MSG_WAIT_CHECKPOINT,
        XSR_MSG_SWITCH_LOGDIRTY, XSR_MSG_STATIC_DATA_DONE,
        XSR_MSG_RESTORE_RESULTS,
    };
    uint32_t bits = 0;
    size_t i;

    for (i = 0; i < XSR_ARRAY_LEN(callbacks); i++)
        if (xsr_msg_permitted(gen, side, callbacks[i]))
            bits |= xsr_msg_bit(gen, callbacks[i]);
    return bits;
}

/* What each kind of stream cannot do without: libxc asserts on these. */
static int check_callbacks(const struct xsr_args *a, struct xsr_err *err)
{
    static const enum xsr_msg colo[] = {
        XSR_MSG_CHECKPOINT,      XSR_MSG_SUSPEND,         XSR_MSG_POSTCOPY,
        XSR_MSG_WAIT_CHECKPOINT, XSR_MSG_RESTORE_RESULTS,
    };
    size_t i, n = 0;

    if (a->stream_type == XSR_STREAM_REMUS)
        n = 1;
    else if (a->stream_type == XSR_STREAM_COLO)
        n = XSR_ARRAY_LEN(colo);
    for (i = 0; i < n; i++)
        if (!(a->cbflags & xsr_msg_bit(a->gen, colo[i])))
            return xsr_fail(err, XSR_E_FORMAT,
                            "stream type %u needs the callback %s, which "
                            "callback flags %u lack",
                            a->stream_type, xsr_msg_name(colo[i]), a->cbflags);
    return 0;
}

static int get_restore(char **argv, struct xsr_args *a, struct xsr_err *err)
{
    if (get_fd("stream fd", argv[R_STREAM], false, &a->stream_fd, err) < 0 ||
        get_fd("back channel fd", argv[R_BACK], true, &a->back_fd, err) < 0 ||
        get_u32("domain id", argv[R_DOMID], &a->domid, err) < 0 ||
        get_u32("xenstore event channel", argv[R_STORE_EVTCHN],
                &a->store_evtchn, err) < 0 ||
        get_u32("xenstore domain id", argv[R_STORE_DOMID], &a->store_domid,
                err) < 0 ||
        get_u32("console event channel", argv[R_CONSOLE_EVTCHN],
                &a->console_evtchn, err) < 0 ||
        get_u32("console domain id", argv[R_CONSOLE_DOMID], &a->console_domid,
                err) < 0 ||
        get_u32("stream type", argv[R_TYPE], &a->stream_type, err) < 0)
        return -1;
    if (a->back_fd == a->stream_fd)
        return xsr_fail(err, XSR_E_FORMAT,
                        "fd %d is named as stream and as back channel",
                        a->stream_fd);
    if (a->stream_type >= XSR_N_STREAM)
        return xsr_fail(err, XSR_E_FORMAT,
                        "stream type is %u, known are 0 (plain), 1 (Remus) "
                        "and 2 (COLO)",
                        a->stream_type);
    if (a->stream_type == XSR_STREAM_COLO && a->back_fd < 0)
        return xsr_fail(err, XSR_E_FORMAT,
                        "a COLO stream needs a back channel, the fd is -1");
    return check_callbacks(a, err);
}

/* Which release an argument count belongs to, if it is not G7's. */
static enum xsr_args_verdict other_count(enum xsr_ipc_side side, int argc,
                                         struct xsr_err *err)
{
    bool save = side == XSR_IPC_SAVE;
    bool older =
        save ? argc == 9 || argc == 11 || argc == 12 : argc == 13 || argc == 14;

    if (older)
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "%d arguments are those of a toolstack older than Xen 4.14, "
                 "this helper serves 4.14 and later (%d arguments)",
                 argc - 1, (save ? S_ARGC : R_ARGC) - 1);
    else
        xsr_fail(err, XSR_E_FORMAT, "%s takes %d more arguments, found are %d",
                 save ? "--save-domain" : "--restore-domain",
                 (save ? S_ARGC : R_ARGC) - 2, argc - 2);
    return XSR_ARGS_UNKNOWN;
}

static enum xsr_args_verdict get_mode(int argc, char **argv, struct xsr_args *a,
                                      struct xsr_err *err)
{
    bool save = a->side == XSR_IPC_SAVE;
    uint32_t strange;

    if (argc != (save ? (int)S_ARGC : (int)R_ARGC))
        return other_count(a->side, argc, err);
    if (get_u32("callback flags", argv[save ? (int)S_CBFLAGS : (int)R_CBFLAGS],
                &a->cbflags, err) < 0)
        return XSR_ARGS_UNKNOWN;
    strange = a->cbflags & ~known_bits(a->gen, a->side);
    if (strange) {
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "callback flags %u contain the unknown bits 0x%x%s; message "
                 "numbers cannot be trusted",
                 a->cbflags, strange,
                 strange & (save ? S7_SAVE_BIT : S7_RESTORE_BIT)
                     ? " (as SUSE's toolstack does)"
                     : "");
        return XSR_ARGS_UNKNOWN;
    }
    if (save) {
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "saving is not implemented in this release; unset "
                 "LIBXL_SAVE_HELPER to save with the stock helper");
        return XSR_ARGS_REFUSE;
    }
    return get_restore(argv, a, err) < 0 ? XSR_ARGS_REFUSE : XSR_ARGS_RESTORE;
}

enum xsr_args_verdict xsr_args_get(int argc, char **argv,
                                   struct xsr_args *args_out,
                                   struct xsr_err *err)
{
    const char *mode = argc > 1 ? argv[1] : "";
    char quoted[60];

    memset(args_out, 0, sizeof(*args_out));
    args_out->gen = XSR_IPC_G7;
    args_out->stream_fd = args_out->back_fd = -1;
    if (strcmp(mode, "--help") == 0 || strcmp(mode, "-h") == 0)
        return XSR_ARGS_HELP;
    if (strcmp(mode, "--version") == 0)
        return XSR_ARGS_VERSION;
    if (strcmp(mode, "--restore-domain") == 0) {
        args_out->side = XSR_IPC_RESTORE;
        return get_mode(argc, argv, args_out, err);
    }
    if (strcmp(mode, "--save-domain") == 0) {
        args_out->side = XSR_IPC_SAVE;
        return get_mode(argc, argv, args_out, err);
    }
    if (argc < 2)
        xsr_fail(err, XSR_E_FORMAT,
                 "no arguments; toolstacks start this "
                 "program, see --help");
    else
        xsr_fail(err, XSR_E_FORMAT,
                 "\"%s\" is not known, expected is "
                 "--restore-domain, --save-domain, --help or --version",
                 xsr_err_quote(mode, strlen(mode), quoted, sizeof(quoted)));
    return XSR_ARGS_USAGE;
}

const char *xsr_args_help(void)
{
    return "xensr-helper restores Xen domains for a toolstack (libxl, xensr).\n"
           "\n"
           "People do not start it. To make xl use it for one command:\n"
           "    LIBXL_SAVE_HELPER=/path/to/xensr-helper xl restore FILE\n"
           "\n"
           "Toolstacks of Xen 4.14 and later start it as\n"
           "    xensr-helper --restore-domain STREAM_FD BACK_FD DOMID "
           "STORE_EVTCHN\n"
           "                 STORE_DOMID CONSOLE_EVTCHN CONSOLE_DOMID CBFLAGS "
           "TYPE\n"
           "with the pipe protocol on its standard input and output.\n"
           "\n"
           "Environment:\n"
           "    XENSR_ENGINE=native   restore with the built-in engine, not "
           "libxenguest\n"
           "    XENSR_ACK_MS=N        wait N ms for the last answer (default "
           "30000)\n"
           "\n"
           "Exit status: 0 the result was reported to the toolstack (also a "
           "failure),\n"
           "1 the toolstack has gone away, 2 the arguments are wrong.\n";
}
