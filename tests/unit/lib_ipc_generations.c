/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The message numbers of every generation of toolstacks against a second,
 * independent table; the callback bits against what each libxl passes; and
 * every message of every generation through encoder and decoder, whole, short
 * and long.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ipc.h"

/* Rows as in helper-ipc.md; G1 G2 G3 G4 G5 G6 G7 S7. */
static const struct {
    enum xsr_msg msg;
    uint16_t number[XSR_N_IPC_GEN];
    size_t save_len[XSR_N_IPC_GEN]; /* body; 0: not in a save */
    size_t restore_len[XSR_N_IPC_GEN];
} want[] = {
    {XSR_MSG_SUSPEND,
     {3, 3, 3, 3, 3, 3, 3, 4},
     {2, 2, 2, 2, 2, 2, 2, 2},
     {0, 0, 0, 0, 2, 2, 2, 2}},
    {XSR_MSG_POSTCOPY,
     {4, 4, 4, 4, 4, 4, 4, 5},
     {2, 2, 2, 2, 2, 2, 2, 2},
     {0, 0, 0, 0, 2, 2, 2, 2}},
    {XSR_MSG_CHECKPOINT,
     {5, 5, 5, 5, 5, 5, 5, 6},
     {2, 2, 2, 2, 2, 2, 2, 2},
     {0, 0, 0, 2, 2, 2, 2, 2}},
    {XSR_MSG_WAIT_CHECKPOINT,
     {0, 0, 0, 0, 6, 6, 6, 7},
     {0, 0, 0, 0, 2, 2, 2, 2},
     {0, 0, 0, 0, 2, 2, 2, 2}},
    {XSR_MSG_SWITCH_LOGDIRTY,
     {6, 6, 6, 6, 7, 7, 7, 8},
     {10, 10, 10, 10, 10, 10, 10, 10},
     {0, 0, 0, 0, 0, 0, 0, 0}},
    {XSR_MSG_TOOLSTACK_RESTORE,
     {7, 7, 7, 0, 0, 0, 0, 0},
     {0, 0, 0, 0, 0, 0, 0, 0},
     {15, 15, 15, 0, 0, 0, 0, 0}},
    {XSR_MSG_STATIC_DATA_DONE,
     {0, 0, 0, 0, 0, 0, 8, 9},
     {0, 0, 0, 0, 0, 0, 0, 0},
     {0, 0, 0, 0, 0, 0, 6, 6}},
    {XSR_MSG_RESTORE_RESULTS,
     {8, 8, 8, 7, 8, 8, 9, 10},
     {0, 0, 0, 0, 0, 0, 0, 0},
     {26, 26, 18, 18, 18, 18, 18, 18}},
    {XSR_MSG_PRECOPY_POLICY,
     {0, 0, 0, 0, 0, 0, 0, 3},
     {0, 0, 0, 0, 0, 0, 0, 26},
     {0, 0, 0, 0, 0, 0, 0, 0}},
    {XSR_MSG_COMPLETE,
     {9, 9, 9, 8, 9, 9, 10, 11},
     {10, 10, 10, 10, 10, 10, 10, 10},
     {10, 10, 10, 10, 10, 10, 10, 10}},
};
#define N_WANT (sizeof(want) / sizeof(want[0]))

static void numbers_move_between_releases(void **state)
{
    size_t i;
    int gen;

    (void)state;
    for (gen = 0; gen < XSR_N_IPC_GEN; gen++) {
        assert_int_equal(xsr_msg_number(gen, XSR_MSG_LOG), 1);
        assert_int_equal(xsr_msg_number(gen, XSR_MSG_PROGRESS), 2);
        for (i = 0; i < N_WANT; i++) {
            assert_int_equal(xsr_msg_number(gen, want[i].msg),
                             want[i].number[gen]);
            assert_int_equal(xsr_msg_permitted(gen, XSR_IPC_SAVE, want[i].msg),
                             want[i].save_len[gen] != 0);
            assert_int_equal(
                xsr_msg_permitted(gen, XSR_IPC_RESTORE, want[i].msg),
                want[i].restore_len[gen] != 0);
        }
    }
    assert_int_equal(N_WANT + 2, XSR_N_MSG);
}

static struct xsr_ipc_msg sample(enum xsr_msg msg)
{
    struct xsr_ipc_msg m = {.msg = msg};

    switch (msg) {
    case XSR_MSG_TOOLSTACK_RESTORE:
        m.u.toolstack.domid = 9;
        m.u.toolstack.len = 5;
        m.u.toolstack.bytes = (const uint8_t *)"\0blob";
        break;
    case XSR_MSG_PRECOPY_POLICY:
        m.u.precopy.iteration = 4;
        m.u.precopy.total_written = 1ull << 40;
        m.u.precopy.dirty_count = -1;
        break;
    case XSR_MSG_RESTORE_RESULTS:
        m.u.results.store_gfn = 1;
        m.u.results.console_gfn = 2;
        m.u.results.genid_addr = 3;
        break;
    default:
        break;
    }
    return m;
}

static int get(const uint8_t *body, size_t len, enum xsr_ipc_gen gen,
               enum xsr_ipc_side side, struct xsr_ipc_msg *m)
{
    /* at the end of an allocation, for the sanitizer */
    uint8_t *heap = malloc(len ? len : 1);
    struct xsr_err err;
    int rc;

    assert_non_null(heap);
    memcpy(heap, body, len);
    rc = xsr_ipc_get(heap, len, gen, side, m, &err);
    if (rc > 0 && m->msg == XSR_MSG_TOOLSTACK_RESTORE) {
        assert_int_equal(m->u.toolstack.len, 5);
        assert_memory_equal(m->u.toolstack.bytes, "\0blob", 5);
    }
    free(heap);
    return rc;
}

static void one_way(enum xsr_ipc_gen gen, enum xsr_ipc_side side, size_t i,
                    size_t len)
{
    struct xsr_ipc_msg m = sample(want[i].msg), got;
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_err err;

    if (!want[i].number[gen]) {
        assert_int_equal(xsr_ipc_put(&buf, gen, &m, &err), -1);
        return;
    }
    assert_int_equal(xsr_ipc_put(&buf, gen, &m, &err), 0);
    assert_int_equal(xsr_le16(buf.p + 2), want[i].number[gen]);
    if (!len) {
        assert_int_equal(get(buf.p + 2, buf.len - 2, gen, side, &got), -1);
    } else {
        assert_int_equal(buf.len, len + 2);
        assert_int_equal(get(buf.p + 2, len, gen, side, &got), 1);
        assert_int_equal(got.msg, want[i].msg);
        if (want[i].msg == XSR_MSG_PRECOPY_POLICY) {
            assert_int_equal(got.u.precopy.iteration, 4);
            assert_true(got.u.precopy.total_written == 1ull << 40);
            assert_int_equal(got.u.precopy.dirty_count, -1);
        }
        if (want[i].msg == XSR_MSG_RESTORE_RESULTS)
            assert_int_equal(got.u.results.genid_addr, len == 26 ? 3 : 0);
        while (len-- > 0)
            assert_int_equal(get(buf.p + 2, len, gen, side, &got), -1);
        assert_int_equal(xsr_buf_put_zero(&buf, 1, &err), 0);
        assert_int_equal(get(buf.p + 2, buf.len - 2, gen, side, &got), -1);
    }
    xsr_buf_fini(&buf);
}

static void every_message_of_every_generation(void **state)
{
    size_t i;
    int gen;

    (void)state;
    for (gen = 0; gen < XSR_N_IPC_GEN; gen++)
        for (i = 0; i < N_WANT; i++) {
            one_way(gen, XSR_IPC_SAVE, i, want[i].save_len[gen]);
            one_way(gen, XSR_IPC_RESTORE, i, want[i].restore_len[gen]);
        }
}

/* The largest values that each libxl passes are all bits that there are. */
static void bits_are_those_of_each_libxl(void **state)
{
    static const uint32_t save[] = {120, 120, 120, 120, 248, 248, 248, 504};
    static const uint32_t restore[] = {128, 128, 128, 32, 376, 376, 888, 1776};
    int gen;

    (void)state;
    for (gen = 0; gen < XSR_N_IPC_GEN; gen++) {
        assert_int_equal(xsr_msg_bits(gen, XSR_IPC_SAVE), save[gen]);
        assert_int_equal(xsr_msg_bits(gen, XSR_IPC_RESTORE), restore[gen]);
        assert_int_equal(xsr_msg_bit(gen, XSR_MSG_COMPLETE), 0);
        assert_int_equal(xsr_msg_bit(gen, XSR_MSG_LOG), 0);
    }
}

/* struct precopy_stats of libxenguest 4.15 and later, octet by octet. */
static void precopy_is_the_struct_in_memory(void **state)
{
    struct xsr_ipc_msg m = sample(XSR_MSG_PRECOPY_POLICY);
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_err err;

    (void)state;
    assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_S7, &m, &err), 0);
    assert_int_equal(buf.len, 28);
    assert_memory_equal(buf.p,
                        "\x1a\0\x03\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0"
                        "\xff\xff\xff\xff\xff\xff\xff\xff",
                        28);
    xsr_buf_fini(&buf);
}

static void a_blob_longer_than_a_message_is_refused(void **state)
{
    struct xsr_ipc_msg m = sample(XSR_MSG_TOOLSTACK_RESTORE);
    struct xsr_buf buf = XSR_BUF_INIT;
    static uint8_t blob[65526];
    struct xsr_err err;

    (void)state;
    m.u.toolstack.bytes = blob;
    m.u.toolstack.len = 65525;
    assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_G3, &m, &err), 0);
    assert_int_equal(buf.len, 65537);
    assert_int_equal(xsr_le16(buf.p), 65535);
    xsr_buf_clear(&buf);
    m.u.toolstack.len = 65526;
    assert_int_equal(xsr_ipc_put(&buf, XSR_IPC_G3, &m, &err), -1);
    assert_int_equal(err.kind, XSR_E_LIMIT);
    assert_int_equal(buf.len, 0);
    xsr_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_move_between_releases),
        cmocka_unit_test(every_message_of_every_generation),
        cmocka_unit_test(bits_are_those_of_each_libxl),
        cmocka_unit_test(precopy_is_the_struct_in_memory),
        cmocka_unit_test(a_blob_longer_than_a_message_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
