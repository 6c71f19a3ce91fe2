/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/ipc against what a stock helper of Xen 4.17 writes, byte by byte, and
 * against everything that is not a message. Every body that is accepted is
 * also tried with each byte missing and with bytes too many.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ipc.h"

static struct xsr_ipc_msg log_msg(uint32_t level, int32_t errnoval,
                                  const char *context, const char *text)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_LOG};

    m.u.log.level = level;
    m.u.log.errnoval = errnoval;
    m.u.log.context = context;
    m.u.log.text = text;
    return m;
}

static void put_is(const struct xsr_ipc_msg *m, const char *bytes, size_t len)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_err err;

    assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_G7, m, &err), 0);
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.p, bytes, len);
    xsr_buf_fini(&buf);
}
#define PUT_IS(m, s) put_is(&(m), s, sizeof(s) - 1)

static void log_bytes(void **state)
{
    struct xsr_ipc_msg m;

    (void)state;
    m = log_msg(XSR_XTL_DEBUG, 0, "libxl-save-helper", "starting save");
    PUT_IS(m, "\x32\0\x01\0\x01\0\0\0\0\0\0\0\x12\0\0\0libxl-save-helper\0"
              "\x0e\0\0\0starting save\0");
    m = log_msg(XSR_XTL_ERROR, 2, "xencall",
                "Could not obtain handle on privileged command interface");
    PUT_IS(m, "\x52\0\x01\0\x08\0\0\0\x02\0\0\0\x08\0\0\0xencall\0\x38\0\0\0"
              "Could not obtain handle on privileged command interface\0");
    m = log_msg(XSR_XTL_ERROR, 2, "libxl-save-helper",
                "xc_interface_open failed");
    PUT_IS(m, "\x3d\0\x01\0\x08\0\0\0\x02\0\0\0\x12\0\0\0libxl-save-helper\0"
              "\x19\0\0\0xc_interface_open failed\0");
    m = log_msg(XSR_XTL_INFO, -1, NULL, "x");
    PUT_IS(m, "\x17\0\x01\0\x05\0\0\0\xff\xff\xff\xff\x03\0\0\0xc\0"
              "\x02\0\0\0x\0");
}

static void other_bytes(void **state)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_PROGRESS};

    (void)state;
    m.u.progress.context = "xc";
    m.u.progress.what = "Frames";
    m.u.progress.done = 3;
    m.u.progress.total = 0x1122334455667788ull;
    PUT_IS(m, "\x24\0\x02\0\x03\0\0\0xc\0\x07\0\0\0Frames\0\x03\0\0\0\0\0\0\0"
              "\x88\x77\x66\x55\x44\x33\x22\x11");
    m.msg = XSR_MSG_SUSPEND;
    PUT_IS(m, "\x02\0\x03\0");
    m.msg = XSR_MSG_POSTCOPY;
    PUT_IS(m, "\x02\0\x04\0");
    m.msg = XSR_MSG_CHECKPOINT;
    PUT_IS(m, "\x02\0\x05\0");
    m.msg = XSR_MSG_WAIT_CHECKPOINT;
    PUT_IS(m, "\x02\0\x06\0");
    m.msg = XSR_MSG_SWITCH_LOGDIRTY;
    m.u.logdirty.domid = 5;
    m.u.logdirty.enable = 1;
    PUT_IS(m, "\x0a\0\x07\0\x05\0\0\0\x01\0\0\0");
    m.msg = XSR_MSG_STATIC_DATA_DONE;
    m.u.static_data.missing = 3;
    PUT_IS(m, "\x06\0\x08\0\x03\0\0\0");
    m.msg = XSR_MSG_RESTORE_RESULTS;
    m.u.results.store_gfn = 0xfeffc;
    m.u.results.console_gfn = 0xfefff;
    PUT_IS(m, "\x12\0\x09\0\xfc\xef\x0f\0\0\0\0\0\xff\xef\x0f\0\0\0\0\0");
    m.msg = XSR_MSG_COMPLETE;
    m.u.complete.retval = -1;
    m.u.complete.errnoval = 5;
    PUT_IS(m, "\x0a\0\x0a\0\xff\xff\xff\xff\x05\0\0\0");
}

static void put_clamps_what_would_hurt(void **state)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_ipc_msg m, got;
    struct xsr_err err;
    char *big = malloc(100001);

    (void)state;
    assert_non_null(big);
    memset(big, 'w', 100000);
    big[100000] = '\0';
    m = log_msg(0, 0, big, big);
    assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_G7, &m, &err), 0);
    assert_true(buf.len <= 4096);
    assert_int_equal(xsr_le16(buf.p), buf.len - 2);
    assert_int_equal(xsr_ipc_get(buf.p + 2, buf.len - 2, XSR_IPC_G7,
                                 XSR_IPC_RESTORE, &got, &err),
                     1);
    assert_int_equal(got.u.log.level, XSR_XTL_DEBUG);
    assert_int_equal(strlen(got.u.log.text), XSR_IPC_LOG_TEXT_MAX);

    xsr_buf_clear(&buf);
    m = log_msg(10, 0, "c", "two\nlines\r\n\n");
    assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_G7, &m, &err), 0);
    assert_int_equal(xsr_ipc_get(buf.p + 2, buf.len - 2, XSR_IPC_G7,
                                 XSR_IPC_SAVE, &got, &err),
                     1);
    assert_int_equal(got.u.log.level, XSR_XTL_CRITICAL);
    assert_string_equal(got.u.log.text, "two\nlines");
    xsr_buf_fini(&buf);
    free(big);
}

static void put_appends(void **state)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_SUSPEND};
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_err err;

    (void)state;
    assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_G7, &m, &err), 0);
    m.msg = XSR_MSG_CHECKPOINT;
    assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_G7, &m, &err), 0);
    assert_int_equal(buf.len, 8);
    assert_memory_equal(buf.p, "\2\0\3\0\2\0\5\0", 8);
    m.msg = XSR_N_MSG;
    assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_G7, &m, &err), -1);
    assert_int_equal(err.kind, XSR_E_BUG);
    assert_int_equal(buf.len, 8);
    xsr_buf_fini(&buf);
}

/* Body at the end of its allocation; result of the decoder. */
static int get(const void *body, size_t len, enum xsr_ipc_side side,
               struct xsr_ipc_msg *m, struct xsr_err *err)
{
    uint8_t *heap = malloc(len ? len : 1);
    int rc;

    assert_non_null(heap);
    memcpy(heap, body, len);
    xsr_err_clear(err);
    rc = xsr_ipc_get(heap, len, XSR_IPC_G7, side, m, err);
    if (rc > 0 && m->msg == XSR_MSG_LOG)
        assert_true(m->u.log.text >= (char *)heap &&
                    m->u.log.text < (char *)heap + len);
    free(heap);
    return rc;
}

static void refused(const void *body, size_t len, enum xsr_ipc_side side)
{
    struct xsr_ipc_msg m;
    struct xsr_err err;

    assert_int_equal(get(body, len, side, &m, &err), -1);
    assert_int_equal(err.kind, XSR_E_PEER);
    assert_true(err.offset == XSR_NO_OFFSET);
    assert_true(err.text[0]);
}
#define REFUSED(s, side) refused(s, sizeof(s) - 1, side)

static struct xsr_ipc_msg sample(enum xsr_msg msg)
{
    struct xsr_ipc_msg m = {.msg = msg};

    if (msg == XSR_MSG_LOG)
        return log_msg(XSR_XTL_INFO, -1, "ctx", "text");
    if (msg == XSR_MSG_PROGRESS) {
        m.u.progress.context = "ctx";
        m.u.progress.what = "Pages";
        m.u.progress.total = 7;
    }
    return m;
}

/* Everything that is put can be got again; nothing shorter or longer can. */
static void round_trip_and_every_length(void **state)
{
    static const enum xsr_ipc_side sides[] = {XSR_IPC_SAVE, XSR_IPC_RESTORE};
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_ipc_msg m, got;
    struct xsr_err err;
    size_t i, len;
    int msg;

    (void)state;
    for (msg = 0; msg < XSR_N_MSG; msg++) {
        for (i = 0; i < 2; i++) {
            m = sample(msg);
            xsr_buf_clear(&buf);
            if (!xsr_msg_number(XSR_IPC_G7, msg)) {
                assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_G7, &m, &err), -1);
                continue;
            }
            assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_G7, &m, &err), 0);
            len = buf.len - 2;
            if (!xsr_msg_permitted(XSR_IPC_G7, sides[i], msg)) {
                refused(buf.p + 2, len, sides[i]);
                continue;
            }
            assert_int_equal(get(buf.p + 2, len, sides[i], &got, &err), 1);
            assert_int_equal(got.msg, msg);
            while (len-- > 0)
                refused(buf.p + 2, len, sides[i]);
            assert_int_equal(xsr_buf_put_zero(&buf, 1, &err), 0);
            refused(buf.p + 2, buf.len - 2, sides[i]);
        }
    }
    xsr_buf_fini(&buf);
}

static void malformed_is_refused(void **state)
{
    (void)state;
    REFUSED("", XSR_IPC_RESTORE);
    REFUSED("\x01", XSR_IPC_RESTORE);
    REFUSED("\x00\x00", XSR_IPC_RESTORE);
    REFUSED("\x0b\x00", XSR_IPC_RESTORE);
    REFUSED("\xff\x7f", XSR_IPC_RESTORE);
    /* right number, wrong side */
    REFUSED("\x08\0\0\0\0\0", XSR_IPC_SAVE);
    REFUSED("\x07\0\x05\0\0\0\x01\0\0\0", XSR_IPC_RESTORE);
    /* levels that kill a stock parent */
    REFUSED("\x01\0\0\0\0\0\0\0\0\0\x02\0\0\0c\0\x02\0\0\0t\0",
            XSR_IPC_RESTORE);
    REFUSED("\x01\0\x0a\0\0\0\0\0\0\0\x02\0\0\0c\0\x02\0\0\0t\0",
            XSR_IPC_RESTORE);
    /* strings: no bytes, no NUL, longer than the message */
    REFUSED("\x01\0\x01\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0t\0", XSR_IPC_RESTORE);
    REFUSED("\x01\0\x01\0\0\0\0\0\0\0\x02\0\0\0cc\x02\0\0\0t\0",
            XSR_IPC_RESTORE);
    REFUSED("\x01\0\x01\0\0\0\0\0\0\0\x02\0\0\0c\0\xff\xff\xff\xfft\0",
            XSR_IPC_RESTORE);
    /* two trailing bytes */
    REFUSED("\x01\0\x01\0\0\0\0\0\0\0\x02\0\0\0c\0\x02\0\0\0t\0zz",
            XSR_IPC_RESTORE);
}

static void extension_space_is_ignored(void **state)
{
    struct xsr_ipc_msg m;
    struct xsr_err err;

    (void)state;
    assert_int_equal(get("\x00\x80", 2, XSR_IPC_SAVE, &m, &err), 0);
    assert_int_equal(get("\x01\x80whatever", 10, XSR_IPC_RESTORE, &m, &err), 0);
    assert_int_equal(get("\xff\xff", 2, XSR_IPC_RESTORE, &m, &err), 0);
}

/* What a toolstack passes as callback flags is the sum of the bits. */
static void bits_are_those_of_libxl(void **state)
{
    uint32_t plain = xsr_msg_bit(XSR_IPC_G7, XSR_MSG_STATIC_DATA_DONE) |
                     xsr_msg_bit(XSR_IPC_G7, XSR_MSG_RESTORE_RESULTS);
    uint32_t save = xsr_msg_bit(XSR_IPC_G7, XSR_MSG_SUSPEND) |
                    xsr_msg_bit(XSR_IPC_G7, XSR_MSG_SWITCH_LOGDIRTY);
    uint32_t cp = xsr_msg_bit(XSR_IPC_G7, XSR_MSG_CHECKPOINT);

    (void)state;
    assert_int_equal(plain, 768);
    assert_int_equal(plain | cp, 800);
    assert_int_equal(save, 136);
    assert_int_equal(xsr_msg_bit(XSR_IPC_G7, XSR_N_MSG), 0);
    assert_int_equal(xsr_msg_bit(XSR_IPC_G7, XSR_MSG_COMPLETE), 0);
}

static void who_waits_and_how_often(void **state)
{
    int msg, waiting = 0, once = 0;

    (void)state;
    for (msg = 0; msg < XSR_N_MSG; msg++) {
        waiting += xsr_msg_wants_reply(msg);
        once += xsr_msg_once(msg);
    }
    assert_int_equal(waiting, 9);
    assert_false(xsr_msg_wants_reply(XSR_MSG_LOG));
    assert_false(xsr_msg_wants_reply(XSR_MSG_PROGRESS));
    assert_false(xsr_msg_wants_reply(XSR_MSG_RESTORE_RESULTS));
    assert_int_equal(once, 4);
    assert_true(xsr_msg_once(XSR_MSG_COMPLETE));
    assert_string_equal(xsr_msg_name(XSR_MSG_SWITCH_LOGDIRTY),
                        "switch_qemu_logdirty");
    assert_string_equal(xsr_msg_name(XSR_N_MSG), "unknown message");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_bytes),
        cmocka_unit_test(other_bytes),
        cmocka_unit_test(put_clamps_what_would_hurt),
        cmocka_unit_test(put_appends),
        cmocka_unit_test(round_trip_and_every_length),
        cmocka_unit_test(malformed_is_refused),
        cmocka_unit_test(extension_space_is_ignored),
        cmocka_unit_test(bits_are_those_of_libxl),
        cmocka_unit_test(who_waits_and_how_often),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
