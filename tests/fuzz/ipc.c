/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: the messages of a save helper, of every generation of Xen and
 * both sides. Input: generation, side, the body of one message. What is decoded
 * is encoded and decoded again: the second time it must be the same values, and
 * encode to the same bytes (the first time a writer may cut a long line).
 */
#include "lib/ipc.h"
#include "lib/util.h"
#include "tests/fuzz/support/fuzz.h"

static void check_message(const struct xsr_ipc_msg *m, enum xsr_ipc_gen gen,
                          enum xsr_ipc_side side, const uint8_t *p, size_t n)
{
    need((unsigned)m->msg < XSR_N_MSG, "message %d", (int)m->msg);
    need(xsr_msg_permitted(gen, side, m->msg), "%s on the wrong side",
         xsr_msg_name(m->msg));
    need(n >= 2 && xsr_le16(p) == xsr_msg_number(gen, m->msg),
         "%s under another number", xsr_msg_name(m->msg));
    if (m->msg == XSR_MSG_LOG)
        need(m->u.log.level >= XSR_XTL_DEBUG &&
                 m->u.log.level <= XSR_XTL_CRITICAL,
             "level %u", m->u.log.level);
    if (m->msg == XSR_MSG_TOOLSTACK_RESTORE)
        need(m->u.toolstack.bytes >= p &&
                 m->u.toolstack.bytes + m->u.toolstack.len == p + n,
             "%u bytes of toolstack data", m->u.toolstack.len);
}

static bool same_strings(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool same_values(const struct xsr_ipc_msg *a,
                        const struct xsr_ipc_msg *b)
{
    if (a->msg != b->msg)
        return false;
    switch (a->msg) {
    case XSR_MSG_LOG:
        return a->u.log.level == b->u.log.level &&
               a->u.log.errnoval == b->u.log.errnoval &&
               same_strings(a->u.log.context, b->u.log.context) &&
               same_strings(a->u.log.text, b->u.log.text);
    case XSR_MSG_PROGRESS:
        return a->u.progress.done == b->u.progress.done &&
               a->u.progress.total == b->u.progress.total &&
               same_strings(a->u.progress.context, b->u.progress.context) &&
               same_strings(a->u.progress.what, b->u.progress.what);
    case XSR_MSG_TOOLSTACK_RESTORE:
        return a->u.toolstack.domid == b->u.toolstack.domid &&
               a->u.toolstack.len == b->u.toolstack.len &&
               !memcmp(a->u.toolstack.bytes, b->u.toolstack.bytes,
                       a->u.toolstack.len);
    default:
        return !memcmp(&a->u, &b->u, sizeof a->u);
    }
}

/* Longer strings are cut by the writer, newlines at the end dropped. */
static bool writer_keeps(const struct xsr_ipc_msg *m)
{
    const char *context, *text;
    size_t n;

    if (m->msg == XSR_MSG_LOG) {
        context = m->u.log.context;
        text = m->u.log.text;
    } else if (m->msg == XSR_MSG_PROGRESS) {
        context = m->u.progress.context;
        text = m->u.progress.what;
    } else {
        return true;
    }
    n = strlen(text);
    return strlen(context) <= 255 && n <= XSR_IPC_LOG_TEXT_MAX &&
           (!n || (text[n - 1] != '\n' && text[n - 1] != '\r'));
}

static void encode(struct xsr_buf *out, enum xsr_ipc_gen gen,
                   const struct xsr_ipc_msg *m)
{
    struct xsr_err err = XSR_ERR_INIT;

    xsr_buf_clear(out);
    fuzz_good(xsr_ipc_put(out, gen, m, &err), &err);
    need(out->len >= 4 && xsr_le16(out->p) == out->len - 2 &&
             xsr_le16(out->p + 2) == xsr_msg_number(gen, m->msg),
         "header of %s", xsr_msg_name(m->msg));
}

static void there_and_back(const struct xsr_ipc_msg *m, enum xsr_ipc_gen gen,
                           enum xsr_ipc_side side)
{
    struct xsr_buf one = XSR_BUF_INIT, two = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_ipc_msg again;

    encode(&one, gen, m);
    need(xsr_ipc_get(one.p + 2, one.len - 2, gen, side, &again, &err) == 1,
         "own message is refused: %s", err.text);
    need(!writer_keeps(m) || same_values(m, &again), "%s is another one",
         xsr_msg_name(m->msg));
    encode(&two, gen, &again);
    need(one.len == two.len && !memcmp(one.p, two.p, one.len),
         "%s is written in two ways", xsr_msg_name(m->msg));
    xsr_buf_fini(&one);
    xsr_buf_fini(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct xsr_err err = XSR_ERR_INIT;
    enum xsr_ipc_gen gen = fuzz_u8(&in) % XSR_N_IPC_GEN;
    enum xsr_ipc_side side = fuzz_u8(&in) & 1;
    struct xsr_ipc_msg m;
    int rc;

    if (in.len > XSR_IPC_BODY_MAX)
        return 0;
    rc = xsr_ipc_get(in.p, in.len, gen, side, &m, &err);
    if (rc < 0) {
        fuzz_refused_anywhere(&err);
        need(err.kind == XSR_E_PEER && err.offset == XSR_NO_OFFSET,
             "%s at %llu", xsr_kind_name(err.kind),
             (unsigned long long)err.offset);
    } else if (rc == 0) {
        need(in.len >= 2 && xsr_le16(in.p) >= 0x8000, "ignored, not refused");
    } else {
        check_message(&m, gen, side, in.p, in.len);
        there_and_back(&m, gen, side);
    }
    return 0;
}
