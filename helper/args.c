/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * First step of the helper: argv -> struct xsr_args. The vectors of all
 * generations of toolstacks are data here (save, restore): one that is new
 * is a new row, and a column of numbers in lib/ipc.c. Every value is checked,
 * so that what follows never meets a number that cannot be. Strict where the
 * stock helper is lax (it takes "12abc" for 12), because a wrong count or
 * digit means that the other side speaks another generation.
 */
#include "helper/args.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/util.h"

enum field {
    NONE, /* behind the last one */
    STREAM,
    BACK,
    DOMID,
    ITERS,
    FACTOR,
    FLAGS,
    HVM,
    CBFLAGS,
    TYPE,
    ST_PORT,
    ST_DOM,
    CON_PORT,
    CON_DOM,
    PAE,
    SUPER,
    NO_INC,
    GENID,
    TS_FD,
    TS_LEN
};
#define N_FIELD 13
#define RINGS   ST_PORT, ST_DOM, CON_PORT, CON_DOM

/* argv[2], argv[3], ... */
/* clang-format off */
static const uint8_t save[XSR_N_IPC_GEN][N_FIELD] = {
    [XSR_IPC_G1] = {STREAM, DOMID, ITERS, FACTOR, FLAGS, HVM, GENID, TS_FD,
                    TS_LEN, CBFLAGS},
    [XSR_IPC_G2] = {STREAM, DOMID, ITERS, FACTOR, FLAGS, HVM, GENID, TS_FD,
                    TS_LEN, CBFLAGS},
    [XSR_IPC_G3] = {STREAM, DOMID, ITERS, FACTOR, FLAGS, HVM, TS_FD, TS_LEN,
                    CBFLAGS},
    [XSR_IPC_G4] = {STREAM, DOMID, ITERS, FACTOR, FLAGS, HVM, CBFLAGS},
    [XSR_IPC_G5] = {STREAM, BACK, DOMID, ITERS, FACTOR, FLAGS, HVM, CBFLAGS,
                    TYPE},
    [XSR_IPC_G6] = {STREAM, BACK, DOMID, FLAGS, HVM, CBFLAGS, TYPE},
    [XSR_IPC_G7] = {STREAM, BACK, DOMID, FLAGS, CBFLAGS, TYPE},
    [XSR_IPC_S7] = {STREAM, BACK, DOMID, FLAGS, CBFLAGS, TYPE},
};
static const uint8_t restore[XSR_N_IPC_GEN][N_FIELD] = {
    [XSR_IPC_G1] = {STREAM, DOMID, RINGS, HVM, PAE, SUPER, NO_INC, CBFLAGS},
    [XSR_IPC_G2] = {STREAM, DOMID, RINGS, HVM, PAE, SUPER, NO_INC, CBFLAGS,
                    TYPE},
    [XSR_IPC_G3] = {STREAM, DOMID, RINGS, HVM, PAE, SUPER, CBFLAGS, TYPE},
    [XSR_IPC_G4] = {STREAM, DOMID, RINGS, HVM, PAE, SUPER, CBFLAGS, TYPE},
    [XSR_IPC_G5] = {STREAM, BACK, DOMID, RINGS, HVM, PAE, SUPER, CBFLAGS,
                    TYPE},
    [XSR_IPC_G6] = {STREAM, BACK, DOMID, RINGS, HVM, PAE, CBFLAGS, TYPE},
    [XSR_IPC_G7] = {STREAM, BACK, DOMID, RINGS, CBFLAGS, TYPE},
    [XSR_IPC_S7] = {STREAM, BACK, DOMID, RINGS, CBFLAGS, TYPE},
};
/* clang-format on */

/* Bits of FLAGS that a toolstack of that generation can set. */
static const uint32_t known_flags[XSR_N_IPC_GEN] = {
    [XSR_IPC_G1] = 31, [XSR_IPC_G2] = 31, [XSR_IPC_G3] = 31, [XSR_IPC_G4] = 63,
    [XSR_IPC_G5] = 31, [XSR_IPC_G6] = 31, [XSR_IPC_G7] = 3,  [XSR_IPC_S7] = 3,
};

static const uint8_t *layout(enum xsr_ipc_gen gen, enum xsr_ipc_side side)
{
    return side == XSR_IPC_SAVE ? save[gen] : restore[gen];
}

/* Where in argv; 0: not in that generation. */
static int index_of(enum xsr_ipc_gen gen, enum xsr_ipc_side side,
                    enum field field)
{
    const uint8_t *row = layout(gen, side);
    int i;

    for (i = 0; row[i] != NONE; i++)
        if (row[i] == field)
            return i + 2;
    return 0;
}

/* ---- which generation --------------------------------------------------- */

/* A number as far as the recognition needs it; UINT32_MAX: none. */
static uint32_t peek(const char *s)
{
    struct xsr_err err;
    uint64_t v;

    return xsr_args_number("it", s, UINT32_MAX - 1, &v, &err) < 0 ? UINT32_MAX
                                                                  : (uint32_t)v;
}

/* What SUSE's toolstack offers at least; NONE_MORE ends it. */
#define NONE_MORE XSR_N_MSG
static const enum xsr_msg suse_save[] = {XSR_MSG_PRECOPY_POLICY,
                                         XSR_MSG_SUSPEND,
                                         XSR_MSG_SWITCH_LOGDIRTY, NONE_MORE},
                          suse_restore[] = {XSR_MSG_STATIC_DATA_DONE,
                                            XSR_MSG_RESTORE_RESULTS, NONE_MORE};

static bool has_all(uint32_t flags, enum xsr_ipc_gen gen,
                    const enum xsr_msg *msgs)
{
    for (; *msgs != NONE_MORE; msgs++)
        if (!(flags & xsr_msg_bit(gen, *msgs)))
            return false;
    return true;
}

/*
 * suspend is always among a save's callbacks, so callback flags are at least
 * 8 and stream types at most 2; and the bits of a restore move with every
 * change of the numbers.
 */
static int save_gen(int argc, char **argv)
{
    uint32_t last = peek(argv[argc - 1]);

    switch (argc) {
    case 12:
        return XSR_IPC_G1; /* and G2: messages and vector are the same */
    case 11:
        return last >= 8 ? XSR_IPC_G3 : XSR_IPC_G5;
    case 9:
        return last >= 8 ? XSR_IPC_G4 : XSR_IPC_G6;
    case 8:
        return has_all(peek(argv[6]), XSR_IPC_S7, suse_save) ? XSR_IPC_S7
                                                             : XSR_IPC_G7;
    default:
        return -1;
    }
}

static int restore_gen(int argc, char **argv)
{
    uint32_t flags;

    switch (argc) {
    case 14:
        return peek(argv[12]) >= 256 ? XSR_IPC_G5 : XSR_IPC_G2;
    case 13:
        flags = peek(argv[11]);
        if (flags == 1)
            return XSR_IPC_G1;
        if (flags == 0 || flags == 128)
            return XSR_IPC_G3;
        return flags >= 256 ? XSR_IPC_G6 : XSR_IPC_G4;
    case 11:
        return has_all(peek(argv[9]), XSR_IPC_S7, suse_restore) ? XSR_IPC_S7
                                                                : XSR_IPC_G7;
    default:
        return -1;
    }
}

int xsr_args_find_gen(int argc, char **argv, enum xsr_ipc_side side,
                      enum xsr_ipc_gen *gen_out, struct xsr_err *err)
{
    bool is_save = side == XSR_IPC_SAVE;
    int gen = is_save ? save_gen(argc, argv) : restore_gen(argc, argv);

    if (gen < 0)
        return xsr_fail(err, XSR_E_FORMAT,
                        "%s with %d more arguments is no toolstack's, known "
                        "are %s",
                        is_save ? "--save-domain" : "--restore-domain",
                        argc - 2, is_save ? "6, 7, 9 and 10" : "9, 11 and 12");
    *gen_out = (enum xsr_ipc_gen)gen;
    return 0;
}

/* ---- values ------------------------------------------------------------- */

int xsr_args_number(const char *name, const char *s, uint64_t max,
                    uint64_t *out, struct xsr_err *err)
{
    const char *p = s;
    char quoted[40];
    uint64_t v = 0;

    while (*p >= '0' && *p <= '9' && v <= max)
        v = v * 10 + (uint64_t)(*p++ - '0');
    if (p > s && !*p && v <= max) {
        *out = v;
        return 0;
    }
    return xsr_fail(err, XSR_E_FORMAT,
                    "%s is \"%s\", expected is a number from 0 to %llu", name,
                    xsr_err_quote(s, strlen(s), quoted, sizeof(quoted)),
                    (unsigned long long)max);
}

static int check_fd(const char *name, int fd, struct xsr_err *err)
{
    /* 0 and 1 are the pipes of the protocol, 2 is for people */
    if (fd < 3)
        return xsr_fail(err, XSR_E_FORMAT,
                        "%s is %d, but 0 to 2 have other uses", name, fd);
    if (fcntl(fd, F_GETFD) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "%s %d cannot be used", name,
                            fd);
    return 0;
}

/*
 * A back channel is meant in COLO streams only: for a plain save libxl passes
 * whatever its own fd 0 is, so there it is a number and nothing more.
 */
static int check_fds(const struct xsr_args *a, struct xsr_err *err)
{
    if (check_fd("stream fd", a->stream_fd, err) < 0)
        return -1;
    if (a->back_fd == a->stream_fd)
        return xsr_fail(err, XSR_E_FORMAT,
                        "fd %d is named as stream and as back channel",
                        a->stream_fd);
    if (a->stream_type != XSR_STREAM_COLO)
        return 0;
    if (a->back_fd < 0)
        return xsr_fail(err, XSR_E_FORMAT,
                        "a COLO stream needs a back channel, the fd is -1");
    return check_fd("back channel fd", a->back_fd, err);
}

static int get_field(enum field field, const char *s, struct xsr_args *a,
                     struct xsr_err *err)
{
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
        [STREAM] = {"stream fd", offsetof(struct xsr_args, stream_fd)},
        [BACK] = {"back channel fd", offsetof(struct xsr_args, back_fd)},
        [DOMID] = {"domain id", offsetof(struct xsr_args, domid)},
        [FLAGS] = {"flags", offsetof(struct xsr_args, flags)},
        [CBFLAGS] = {"callback flags", offsetof(struct xsr_args, cbflags)},
        [TYPE] = {"stream type", offsetof(struct xsr_args, stream_type)},
        [ST_PORT] = {"xenstore event channel",
                     offsetof(struct xsr_args, store_evtchn)},
        [ST_DOM] = {"xenstore domain id",
                    offsetof(struct xsr_args, store_domid)},
        [CON_PORT] = {"console event channel",
                      offsetof(struct xsr_args, console_evtchn)},
        [CON_DOM] = {"console domain id",
                     offsetof(struct xsr_args, console_domid)},
        [ITERS] = {"maximum of rounds", 0},
        [FACTOR] = {"maximum factor", 0},
        [HVM] = {"HVM flag", 0},
        [PAE] = {"PAE flag", 0},
        [SUPER] = {"superpages flag", 0},
        [NO_INC] = {"generation id flag", 0},
        [GENID] = {"generation id address", 0},
        [TS_FD] = {"toolstack data fd", 0},
        [TS_LEN] = {"toolstack data length", 0},
    };
    bool is_fd = field == STREAM || field == BACK;
    bool is_long = field == GENID || field == TS_FD || field == TS_LEN;
    uint64_t v = UINT64_MAX;
    uint32_t small;

    if (field != BACK || strcmp(s, "-1") != 0) {
        if (xsr_args_number(fields[field].name, s,
                            is_fd     ? INT32_MAX
                            : is_long ? UINT64_MAX / 16
                                      : UINT32_MAX,
                            &v, err) < 0)
            return -1;
    }
    small = (uint32_t)v;
    /* those without a place have no meaning to a library of today */
    if (fields[field].offset || field == STREAM)
        memcpy((char *)a + fields[field].offset, &small, sizeof(small));
    return 0;
}

/* ---- do they make sense together ---------------------------------------- */

bool xsr_args_offer(const struct xsr_args *args, enum xsr_msg msg)
{
    return (args->cbflags & xsr_msg_bit(args->gen, msg)) != 0;
}

/* What each kind of stream cannot do without: libxc asserts on these. */
static int check_callbacks(const struct xsr_args *a, struct xsr_err *err)
{
    static const enum xsr_msg save_needs[] = {XSR_MSG_SUSPEND,
                                              XSR_MSG_SWITCH_LOGDIRTY,
                                              XSR_MSG_CHECKPOINT,
                                              XSR_MSG_POSTCOPY,
                                              XSR_MSG_WAIT_CHECKPOINT},
                              restore_needs[] = {
                                  XSR_MSG_CHECKPOINT, XSR_MSG_SUSPEND,
                                  XSR_MSG_POSTCOPY, XSR_MSG_WAIT_CHECKPOINT,
                                  XSR_MSG_RESTORE_RESULTS};
    static const size_t save_count[XSR_N_STREAM] = {2, 4, 5},
                        restore_count[XSR_N_STREAM] = {0, 1, 5};
    bool is_save = a->side == XSR_IPC_SAVE;
    const enum xsr_msg *needs = is_save ? save_needs : restore_needs;
    size_t i, n = (is_save ? save_count : restore_count)[a->stream_type];

    for (i = 0; i < n; i++)
        if (!xsr_args_offer(a, needs[i]))
            return xsr_fail(err, XSR_E_FORMAT,
                            "stream type %u needs the callback %s, which "
                            "callback flags %u lack",
                            a->stream_type, xsr_msg_name(needs[i]), a->cbflags);
    return 0;
}

/* Xen 4.6 tells a save of Remus by a flag, later ones by a number. */
static int check_type(struct xsr_args *a, struct xsr_err *err)
{
    uint32_t top = a->gen < XSR_IPC_G5 ? XSR_STREAM_REMUS : XSR_STREAM_COLO;

    if (a->flags & ~known_flags[a->gen])
        return xsr_fail(err, XSR_E_FORMAT,
                        "flags are 0x%x, %s knows the bits 0x%x only", a->flags,
                        xsr_ipc_gen_name(a->gen), known_flags[a->gen]);
    if (a->gen == XSR_IPC_G4 && a->side == XSR_IPC_SAVE &&
        (a->flags & XSR_SAVE_CHECKPOINTED ||
         xsr_args_offer(a, XSR_MSG_CHECKPOINT)))
        a->stream_type = XSR_STREAM_REMUS;
    if (a->stream_type > top)
        return xsr_fail(err, XSR_E_FORMAT,
                        "stream type is %u, known are 0 (plain), 1 (Remus)%s",
                        a->stream_type,
                        top == XSR_STREAM_COLO ? " and 2 (COLO)" : "");
    return 0;
}

/*
 * Up to 4.5 the toolstack expects the legacy image format, and that the
 * library reads the emulator's state behind it as well; libraries of 4.6 and
 * later do neither. Whatever they wrote, that toolstack could not use.
 */
static int check_age(const struct xsr_args *a, struct xsr_err *err)
{
    if (a->gen >= XSR_IPC_G4)
        return 0;
    return xsr_fail(err, XSR_E_UNSUPPORTED,
                    "the toolstack is that of %s, whose images have the "
                    "legacy format; this helper %s those of Xen 4.6 and later "
                    "only, unset LIBXL_SAVE_HELPER",
                    xsr_ipc_gen_name(a->gen),
                    a->side == XSR_IPC_SAVE ? "writes" : "reads");
}

static enum xsr_args_verdict get_all(int argc, char **argv, struct xsr_args *a,
                                     struct xsr_err *err)
{
    uint32_t strange;
    int i;

    if (xsr_args_find_gen(argc, argv, a->side, &a->gen, err) < 0 ||
        get_field(CBFLAGS, argv[index_of(a->gen, a->side, CBFLAGS)], a, err) <
            0)
        return XSR_ARGS_UNKNOWN;
    strange = a->cbflags & ~xsr_msg_bits(a->gen, a->side);
    if (strange) {
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "callback flags %u contain the bits 0x%x, which %s does not "
                 "know; message numbers cannot be trusted",
                 a->cbflags, strange, xsr_ipc_gen_name(a->gen));
        return XSR_ARGS_UNKNOWN;
    }
    if (check_age(a, err) < 0)
        return XSR_ARGS_REFUSE;
    for (i = 2; i < argc; i++)
        if (get_field(layout(a->gen, a->side)[i - 2], argv[i], a, err) < 0)
            return XSR_ARGS_REFUSE;
    if (check_type(a, err) < 0 || check_fds(a, err) < 0 ||
        check_callbacks(a, err) < 0)
        return XSR_ARGS_REFUSE;
    return XSR_ARGS_RUN;
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
        return get_all(argc, argv, args_out, err);
    }
    if (strcmp(mode, "--save-domain") == 0) {
        args_out->side = XSR_IPC_SAVE;
        return get_all(argc, argv, args_out, err);
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
    return "xensr-helper saves and restores Xen domains for a toolstack "
           "(libxl, xensr).\n"
           "\n"
           "People do not start it. To make xl use it for one command:\n"
           "    LIBXL_SAVE_HELPER=/path/to/xensr-helper xl save DOMAIN FILE\n"
           "\n"
           "Toolstacks of Xen 4.6 and later start it with the pipe protocol "
           "on its\n"
           "standard input and output; those of Xen 4.14 and later as\n"
           "    xensr-helper --save-domain STREAM_FD BACK_FD DOMID FLAGS "
           "CBFLAGS TYPE\n"
           "    xensr-helper --restore-domain STREAM_FD BACK_FD DOMID "
           "STORE_EVTCHN\n"
           "                 STORE_DOMID CONSOLE_EVTCHN CONSOLE_DOMID CBFLAGS "
           "TYPE\n"
           "\n"
           "Environment:\n"
           "    XENSR_ENGINE=native   the built-in engine, not libxenguest\n"
           "    XENSR_LIVE_FALLBACK=no  a live save that the host cannot do "
           "is an error,\n"
           "                          not a save of the suspended guest\n"
           "    XENSR_MAX_ROUNDS=N    live rounds at most (default 5)\n"
           "    XENSR_MIN_REMAINING=N suspend below N pages to send (default "
           "50)\n"
           "    XENSR_TARGET_DOWNTIME_MS=N  suspend when the rest takes less "
           "than N ms\n"
           "    XENSR_ABORT_IF_BUSY=yes     give up instead of suspending a "
           "guest that\n"
           "                          does not come down to those limits\n"
           "    XENSR_HELPER_LOG=debug  own engine: a log line for each "
           "record\n"
           "    XENSR_ACK_MS=N        wait N ms for the last answer (default "
           "30000)\n"
           "\n"
           "Exit status: 0 the result was reported to the toolstack (also a "
           "failure),\n"
           "1 the toolstack has gone away, 2 the arguments are wrong.\n";
}
