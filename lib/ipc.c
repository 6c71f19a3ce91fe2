/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The helper protocol as a table (what exists, which way, who waits) and a
 * codec over it. Used by both ends: the helper puts, the parent gets. Numbers
 * are positions that move between releases of Xen, so a message is an enum
 * here and becomes a number only through the generation's column.
 */
#include "lib/ipc.h"

/* Integers are native endian on the wire and little-endian in bytes.h. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the pipe protocol is native endian");

#define ON_SAVE       (1u << XSR_IPC_SAVE)
#define ON_RESTORE    (1u << XSR_IPC_RESTORE)
#define ON_BOTH       (ON_SAVE | ON_RESTORE)
#define CONTEXT_MAX   255u
#define EXTENSION     0x8000u
/* A body less its number, the domain and the length. */
#define TOOLSTACK_MAX (XSR_IPC_BODY_MAX - 10)

/* Sets of messages: helper-ipc.md, "Numbers". Some generations share one. */
enum set { MA, MB, MC, MD, ME, MS, N_SET };

static const struct {
    const char *name;
    enum set set;
} gens[XSR_N_IPC_GEN] = {
    [XSR_IPC_G1] = {"Xen 4.2 and 4.3", MA},
    [XSR_IPC_G2] = {"Xen 4.4", MA},
    [XSR_IPC_G3] = {"Xen 4.5", MB},
    [XSR_IPC_G4] = {"Xen 4.6", MC},
    [XSR_IPC_G5] = {"Xen 4.7 to 4.9", MD},
    [XSR_IPC_G6] = {"Xen 4.10 to 4.13", MD},
    [XSR_IPC_G7] = {"Xen 4.14 to 4.22", ME},
    [XSR_IPC_S7] = {"SUSE's Xen 4.14 and later", MS},
};

struct row {
    const char *name;
    uint16_t number[N_SET]; /* 0: not in that set */
    uint8_t sides[N_SET];   /* where it may be sent */
    bool reply, once;
    uint8_t bits; /* sets, as 1 << set, in which a parent offers it by a bit */
};

#define ALL_SETS ((1u << N_SET) - 1)
#define SINCE(s) (ALL_SETS & ~((1u << (s)) - 1))

/* clang-format off */
static const struct row rows[XSR_N_MSG] = {
    /* name, {number in MA, MB, MC, MD, ME, MS}, {sides ...} */
    [XSR_MSG_LOG] = {
        "log", {1, 1, 1, 1, 1, 1},
        {ON_BOTH, ON_BOTH, ON_BOTH, ON_BOTH, ON_BOTH, ON_BOTH},
        false, false, 0},
    [XSR_MSG_PROGRESS] = {
        "progress", {2, 2, 2, 2, 2, 2},
        {ON_BOTH, ON_BOTH, ON_BOTH, ON_BOTH, ON_BOTH, ON_BOTH},
        false, false, 0},
    [XSR_MSG_SUSPEND] = {
        "suspend", {3, 3, 3, 3, 3, 4},
        {ON_SAVE, ON_SAVE, ON_SAVE, ON_BOTH, ON_BOTH, ON_BOTH},
        true, false, ALL_SETS},
    [XSR_MSG_POSTCOPY] = {
        "postcopy", {4, 4, 4, 4, 4, 5},
        {ON_SAVE, ON_SAVE, ON_SAVE, ON_BOTH, ON_BOTH, ON_BOTH},
        true, false, ALL_SETS},
    [XSR_MSG_CHECKPOINT] = {
        "checkpoint", {5, 5, 5, 5, 5, 6},
        {ON_SAVE, ON_SAVE, ON_BOTH, ON_BOTH, ON_BOTH, ON_BOTH},
        true, false, ALL_SETS},
    [XSR_MSG_WAIT_CHECKPOINT] = {
        "wait_checkpoint", {0, 0, 0, 6, 6, 7},
        {0, 0, 0, ON_BOTH, ON_BOTH, ON_BOTH},
        true, false, SINCE(MD)},
    [XSR_MSG_SWITCH_LOGDIRTY] = {
        "switch_qemu_logdirty", {6, 6, 6, 7, 7, 8},
        {ON_SAVE, ON_SAVE, ON_SAVE, ON_SAVE, ON_SAVE, ON_SAVE},
        true, false, ALL_SETS},
    [XSR_MSG_TOOLSTACK_RESTORE] = {
        "toolstack_restore", {7, 7, 0, 0, 0, 0},
        {ON_RESTORE, ON_RESTORE, 0, 0, 0, 0},
        true, true, 1u << MA | 1u << MB},
    [XSR_MSG_STATIC_DATA_DONE] = {
        "static_data_done", {0, 0, 0, 0, 8, 9},
        {0, 0, 0, 0, ON_RESTORE, ON_RESTORE},
        true, true, SINCE(ME)},
    [XSR_MSG_RESTORE_RESULTS] = {
        "restore_results", {8, 8, 7, 8, 9, 10},
        {ON_RESTORE, ON_RESTORE, ON_RESTORE, ON_RESTORE, ON_RESTORE,
         ON_RESTORE},
        false, true, SINCE(MD)},
    [XSR_MSG_PRECOPY_POLICY] = {
        "precopy_policy", {0, 0, 0, 0, 0, 3},
        {0, 0, 0, 0, 0, ON_SAVE},
        true, false, 1u << MS},
    [XSR_MSG_COMPLETE] = {
        "complete", {9, 9, 8, 9, 10, 11},
        {ON_BOTH, ON_BOTH, ON_BOTH, ON_BOTH, ON_BOTH, ON_BOTH},
        true, true, 0},
};
/* clang-format on */

const char *xsr_msg_name(enum xsr_msg msg)
{
    return (unsigned)msg < XSR_N_MSG ? rows[msg].name : "unknown message";
}

const char *xsr_ipc_gen_name(enum xsr_ipc_gen gen)
{
    return (unsigned)gen < XSR_N_IPC_GEN ? gens[gen].name : "unknown";
}

uint16_t xsr_msg_number(enum xsr_ipc_gen gen, enum xsr_msg msg)
{
    if ((unsigned)msg >= XSR_N_MSG || (unsigned)gen >= XSR_N_IPC_GEN)
        return 0;
    return rows[msg].number[gens[gen].set];
}

bool xsr_msg_permitted(enum xsr_ipc_gen gen, enum xsr_ipc_side side,
                       enum xsr_msg msg)
{
    return xsr_msg_number(gen, msg) &&
           (rows[msg].sides[gens[gen].set] & 1u << side);
}

bool xsr_msg_wants_reply(enum xsr_msg msg)
{
    return (unsigned)msg < XSR_N_MSG && rows[msg].reply;
}

bool xsr_msg_once(enum xsr_msg msg)
{
    return (unsigned)msg < XSR_N_MSG && rows[msg].once;
}

uint32_t xsr_msg_bit(enum xsr_ipc_gen gen, enum xsr_msg msg)
{
    uint16_t number = xsr_msg_number(gen, msg);

    return number && (rows[msg].bits & 1u << gens[gen].set) ? 1u << number : 0;
}

uint32_t xsr_msg_bits(enum xsr_ipc_gen gen, enum xsr_ipc_side side)
{
    uint32_t bits = 0;
    int msg;

    for (msg = 0; msg < XSR_N_MSG; msg++)
        if (xsr_msg_permitted(gen, side, msg))
            bits |= xsr_msg_bit(gen, msg);
    return bits;
}

/* Do restore_results have a third number? */
static bool has_genid(enum xsr_ipc_gen gen)
{
    return gens[gen].set == MA;
}

/* ---- values -> bytes ---------------------------------------------------- */

static int put_string(struct xsr_buf *out, const char *s, size_t max,
                      struct xsr_err *err)
{
    size_t len = strnlen(s, max);

    if (xsr_buf_put_u32(out, (uint32_t)len + 1, err) < 0 ||
        xsr_buf_put(out, s, len, err) < 0)
        return -1;
    return xsr_buf_put_zero(out, 1, err);
}

/* The text of a log line, without the newlines at its end. */
static int put_line(struct xsr_buf *out, const char *text, struct xsr_err *err)
{
    size_t len = strnlen(text, XSR_IPC_LOG_TEXT_MAX);

    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    return put_string(out, text, len, err);
}

static const char *or_else(const char *s, const char *other)
{
    return s ? s : other;
}

static int put_log(struct xsr_buf *out, const struct xsr_ipc_msg *m,
                   struct xsr_err *err)
{
    uint32_t level = m->u.log.level;

    /* a level outside the range kills a stock parent */
    if (level < XSR_XTL_DEBUG)
        level = XSR_XTL_DEBUG;
    if (level > XSR_XTL_CRITICAL)
        level = XSR_XTL_CRITICAL;
    if (xsr_buf_put_u32(out, level, err) < 0 ||
        xsr_buf_put_u32(out, (uint32_t)m->u.log.errnoval, err) < 0 ||
        put_string(out, or_else(m->u.log.context, "xc"), CONTEXT_MAX, err) < 0)
        return -1;
    return put_line(out, or_else(m->u.log.text, ""), err);
}

static int put_progress(struct xsr_buf *out, const struct xsr_ipc_msg *m,
                        struct xsr_err *err)
{
    if (put_string(out, or_else(m->u.progress.context, "xc"), CONTEXT_MAX,
                   err) < 0 ||
        put_line(out, or_else(m->u.progress.what, ""), err) < 0 ||
        xsr_buf_put_u64(out, m->u.progress.done, err) < 0)
        return -1;
    return xsr_buf_put_u64(out, m->u.progress.total, err);
}

static int put_results(struct xsr_buf *out, enum xsr_ipc_gen gen,
                       const struct xsr_ipc_msg *m, struct xsr_err *err)
{
    if (xsr_buf_put_u64(out, m->u.results.store_gfn, err) < 0 ||
        xsr_buf_put_u64(out, m->u.results.console_gfn, err) < 0)
        return -1;
    if (!has_genid(gen))
        return 0;
    return xsr_buf_put_u64(out, m->u.results.genid_addr, err);
}

static int put_toolstack(struct xsr_buf *out, const struct xsr_ipc_msg *m,
                         struct xsr_err *err)
{
    if (m->u.toolstack.len > TOOLSTACK_MAX)
        return xsr_fail(err, XSR_E_LIMIT,
                        "toolstack data has %u bytes, a message holds %u",
                        m->u.toolstack.len, TOOLSTACK_MAX);
    if (xsr_buf_put_u32(out, m->u.toolstack.domid, err) < 0 ||
        xsr_buf_put_u32(out, m->u.toolstack.len, err) < 0)
        return -1;
    return xsr_buf_put(out, m->u.toolstack.bytes, m->u.toolstack.len, err);
}

/* libxenguest's struct precopy_stats as it lies in memory since 4.15. */
static int put_precopy(struct xsr_buf *out, const struct xsr_ipc_msg *m,
                       struct xsr_err *err)
{
    if (xsr_buf_put_u32(out, m->u.precopy.iteration, err) < 0 ||
        xsr_buf_put_u32(out, 0, err) < 0 ||
        xsr_buf_put_u64(out, m->u.precopy.total_written, err) < 0)
        return -1;
    return xsr_buf_put_u64(out, (uint64_t)m->u.precopy.dirty_count, err);
}

static int put_args(struct xsr_buf *out, enum xsr_ipc_gen gen,
                    const struct xsr_ipc_msg *m, struct xsr_err *err)
{
    switch (m->msg) {
    case XSR_MSG_LOG:
        return put_log(out, m, err);
    case XSR_MSG_PROGRESS:
        return put_progress(out, m, err);
    case XSR_MSG_SWITCH_LOGDIRTY:
        if (xsr_buf_put_u32(out, m->u.logdirty.domid, err) < 0)
            return -1;
        return xsr_buf_put_u32(out, m->u.logdirty.enable, err);
    case XSR_MSG_STATIC_DATA_DONE:
        return xsr_buf_put_u32(out, m->u.static_data.missing, err);
    case XSR_MSG_RESTORE_RESULTS:
        return put_results(out, gen, m, err);
    case XSR_MSG_TOOLSTACK_RESTORE:
        return put_toolstack(out, m, err);
    case XSR_MSG_PRECOPY_POLICY:
        return put_precopy(out, m, err);
    case XSR_MSG_COMPLETE:
        if (xsr_buf_put_u32(out, (uint32_t)m->u.complete.retval, err) < 0)
            return -1;
        return xsr_buf_put_u32(out, (uint32_t)m->u.complete.errnoval, err);
    default:
        return 0; /* the rest has no arguments */
    }
}

int xsr_ipc_put(struct xsr_buf *out, enum xsr_ipc_gen gen,
                const struct xsr_ipc_msg *m, struct xsr_err *err)
{
    uint16_t number = xsr_msg_number(gen, m->msg);
    size_t start = out->len;

    if (!number)
        return xsr_fail(err, XSR_E_BUG, "message %s has no number in %s",
                        xsr_msg_name(m->msg), xsr_ipc_gen_name(gen));
    if (xsr_buf_put_u16(out, 0, err) < 0 ||
        xsr_buf_put_u16(out, number, err) < 0 ||
        put_args(out, gen, m, err) < 0) {
        out->len = start;
        return -1;
    }
    xsr_st_le16(out->p + start, (uint16_t)(out->len - start - 2));
    return 0;
}

/* ---- bytes -> values ---------------------------------------------------- */

static int get_string(struct xsr_cur *cur, const char **out, const char *field,
                      struct xsr_err *err)
{
    const uint8_t *p;
    uint32_t n;

    if (xsr_get_u32(cur, &n, field, err) < 0)
        return -1;
    if (n == 0)
        return xsr_fail(err, XSR_E_PEER,
                        "%s is a string of 0 bytes, at least the NUL is due",
                        field);
    if (xsr_get_view(cur, n, &p, field, err) < 0)
        return -1;
    if (p[n - 1] != '\0')
        return xsr_fail(err, XSR_E_PEER, "%s does not end with NUL", field);
    *out = (const char *)p;
    return 0;
}

static int get_log(struct xsr_cur *cur, struct xsr_ipc_msg *m,
                   struct xsr_err *err)
{
    uint32_t errnoval;

    if (xsr_get_u32(cur, &m->u.log.level, "level", err) < 0)
        return -1;
    if (m->u.log.level < XSR_XTL_DEBUG || m->u.log.level > XSR_XTL_CRITICAL)
        return xsr_fail(err, XSR_E_PEER, "level is %u, allowed are %d to %d",
                        m->u.log.level, XSR_XTL_DEBUG, XSR_XTL_CRITICAL);
    if (xsr_get_u32(cur, &errnoval, "errnoval", err) < 0)
        return -1;
    m->u.log.errnoval = (int32_t)errnoval;
    if (get_string(cur, &m->u.log.context, "context", err) < 0)
        return -1;
    return get_string(cur, &m->u.log.text, "text", err);
}

static int get_progress(struct xsr_cur *cur, struct xsr_ipc_msg *m,
                        struct xsr_err *err)
{
    if (get_string(cur, &m->u.progress.context, "context", err) < 0 ||
        get_string(cur, &m->u.progress.what, "phase", err) < 0 ||
        xsr_get_u64(cur, &m->u.progress.done, "done", err) < 0)
        return -1;
    return xsr_get_u64(cur, &m->u.progress.total, "total", err);
}

static int get_complete(struct xsr_cur *cur, struct xsr_ipc_msg *m,
                        struct xsr_err *err)
{
    uint32_t retval, errnoval;

    if (xsr_get_u32(cur, &retval, "retval", err) < 0 ||
        xsr_get_u32(cur, &errnoval, "errnoval", err) < 0)
        return -1;
    m->u.complete.retval = (int32_t)retval;
    m->u.complete.errnoval = (int32_t)errnoval;
    return 0;
}

static int get_results(struct xsr_cur *cur, enum xsr_ipc_gen gen,
                       struct xsr_ipc_msg *m, struct xsr_err *err)
{
    if (xsr_get_u64(cur, &m->u.results.store_gfn, "store", err) < 0 ||
        xsr_get_u64(cur, &m->u.results.console_gfn, "console", err) < 0)
        return -1;
    if (!has_genid(gen))
        return 0;
    return xsr_get_u64(cur, &m->u.results.genid_addr, "generation id", err);
}

static int get_toolstack(struct xsr_cur *cur, struct xsr_ipc_msg *m,
                         struct xsr_err *err)
{
    if (xsr_get_u32(cur, &m->u.toolstack.domid, "domid", err) < 0 ||
        xsr_get_u32(cur, &m->u.toolstack.len, "length", err) < 0)
        return -1;
    return xsr_get_view(cur, m->u.toolstack.len, &m->u.toolstack.bytes,
                        "toolstack data", err);
}

static int get_precopy(struct xsr_cur *cur, struct xsr_ipc_msg *m,
                       struct xsr_err *err)
{
    uint32_t padding;
    uint64_t dirty;

    if (xsr_get_u32(cur, &m->u.precopy.iteration, "iteration", err) < 0 ||
        xsr_get_u32(cur, &padding, "padding", err) < 0 ||
        xsr_get_u64(cur, &m->u.precopy.total_written, "written", err) < 0 ||
        xsr_get_u64(cur, &dirty, "dirty count", err) < 0)
        return -1;
    m->u.precopy.dirty_count = (int64_t)dirty;
    return 0;
}

static int get_args(struct xsr_cur *cur, enum xsr_ipc_gen gen,
                    struct xsr_ipc_msg *m, struct xsr_err *err)
{
    switch (m->msg) {
    case XSR_MSG_LOG:
        return get_log(cur, m, err);
    case XSR_MSG_PROGRESS:
        return get_progress(cur, m, err);
    case XSR_MSG_SWITCH_LOGDIRTY:
        if (xsr_get_u32(cur, &m->u.logdirty.domid, "domid", err) < 0)
            return -1;
        return xsr_get_u32(cur, &m->u.logdirty.enable, "enable", err);
    case XSR_MSG_STATIC_DATA_DONE:
        return xsr_get_u32(cur, &m->u.static_data.missing, "missing", err);
    case XSR_MSG_RESTORE_RESULTS:
        return get_results(cur, gen, m, err);
    case XSR_MSG_TOOLSTACK_RESTORE:
        return get_toolstack(cur, m, err);
    case XSR_MSG_PRECOPY_POLICY:
        return get_precopy(cur, m, err);
    case XSR_MSG_COMPLETE:
        return get_complete(cur, m, err);
    default:
        return 0;
    }
}

/* Which message a number is; 1 found, 0 to be ignored, -1 refused. */
static int find_msg(uint16_t number, enum xsr_ipc_gen gen,
                    enum xsr_ipc_side side, enum xsr_msg *msg_out,
                    struct xsr_err *err)
{
    unsigned i;

    for (i = 0; i < XSR_N_MSG; i++) {
        if (!number || xsr_msg_number(gen, i) != number)
            continue;
        if (!xsr_msg_permitted(gen, side, i))
            return xsr_fail(err, XSR_E_PEER,
                            "message %s is not allowed in a %s", rows[i].name,
                            side == XSR_IPC_SAVE ? "save" : "restore");
        *msg_out = i;
        return 1;
    }
    if (number >= EXTENSION)
        return 0;
    return xsr_fail(err, XSR_E_PEER, "message number %u is unknown", number);
}

int xsr_ipc_get(const uint8_t *body, size_t len, enum xsr_ipc_gen gen,
                enum xsr_ipc_side side, struct xsr_ipc_msg *m_out,
                struct xsr_err *err)
{
    struct xsr_cur cur;
    uint16_t number;
    int rc;

    memset(m_out, 0, sizeof(*m_out));
    xsr_cur_init(&cur, body, len, 0);
    rc = xsr_get_u16(&cur, &number, "message number", err);
    if (rc == 0)
        rc = find_msg(number, gen, side, &m_out->msg, err);
    if (rc > 0 && (get_args(&cur, gen, m_out, err) < 0 ||
                   xsr_cur_end(&cur, "it", err) < 0))
        rc = xsr_err_prefix(err, "message %s", xsr_msg_name(m_out->msg));
    if (rc < 0) {
        /* whatever is wrong, it is the peer; offsets mean the stream */
        err->kind = XSR_E_PEER;
        err->offset = XSR_NO_OFFSET;
    }
    return rc;
}
