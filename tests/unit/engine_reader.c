/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine/reader: records from a descriptor that belongs to somebody else
 * behind END, with every kind of early end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "engine/restore/reader.h"

static struct xsr_reader rd;
static struct xsr_err err;
static int fds[2];

static int begin(void **state)
{
    (void)state;
    xsr_err_clear(&err);
    assert_int_equal(pipe(fds), 0);
    xsr_reader_init(&rd, fds[0]);
    return 0;
}

static int end(void **state)
{
    (void)state;
    xsr_reader_fini(&rd);
    close(fds[0]);
    if (fds[1] >= 0)
        close(fds[1]);
    return 0;
}

/* Write the first n octets of the bytes, and close unless open. */
static void give(const void *p, size_t n, int open)
{
    assert_int_equal(write(fds[1], p, n), (ssize_t)n);
    if (!open) {
        close(fds[1]);
        fds[1] = -1;
    }
}

static struct xsr_xc3_rec next(void)
{
    struct xsr_xc3_rec rec;
    struct xsr_cur cur;

    assert_int_equal(xsr_reader_next(&rd, &cur, &err), 0);
    assert_int_equal(xsr_get_u32(&cur, &rec.type, "type", &err), 0);
    assert_int_equal(xsr_get_u32(&cur, &rec.len, "length", &err), 0);
    xsr_reader_begin(&rd, &rec);
    return rec;
}

static const uint8_t two[] = {
    9, 0, 0, 0, 5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o', 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0,   0,   'r', 'e', 's', 't',
};

static void nothing_behind_a_record_is_read(void **state)
{
    struct xsr_cur cur;
    char rest[8];

    (void)state;
    give(two, sizeof(two), 1);
    assert_int_equal(next().len, 5);
    assert_int_equal(xsr_reader_body(&rd, &cur, &err), 0);
    assert_int_equal(cur.len, 5);
    assert_true(cur.base == 8);
    assert_memory_equal(cur.p, "hello", 5);
    assert_true(rd.pos == 16);
    assert_int_equal(next().type, XSR_XC3_END);
    assert_true(rd.rec_offset == 16 && rd.pos == 24 && rd.n_rec == 2);
    assert_int_equal(read(fds[0], rest, sizeof(rest)), 4);
    assert_memory_equal(rest, "rest", 4);
}

static void padding_must_be_zero(void **state)
{
    uint8_t bad[sizeof(two)];
    struct xsr_cur cur;

    (void)state;
    memcpy(bad, two, sizeof(bad));
    bad[15] = 1;
    give(bad, sizeof(bad), 1);
    next();
    assert_int_equal(xsr_reader_body(&rd, &cur, &err), -1);
    assert_int_equal(err.kind, XSR_E_FORMAT);
    assert_true(err.offset == 13);
}

static void end_at_a_record_boundary_is_named(void **state)
{
    struct xsr_cur cur;

    (void)state;
    give(two, 16, 0);
    next();
    assert_int_equal(xsr_reader_body(&rd, &cur, &err), 0);
    assert_int_equal(xsr_reader_next(&rd, &cur, &err), -1);
    assert_int_equal(err.kind, XSR_E_EOF);
    assert_true(err.offset == 16);
    assert_non_null(strstr(err.text, "after record 1"));
}

static void end_inside_a_header_is_named(void **state)
{
    struct xsr_cur cur;

    (void)state;
    give(two, 3, 0);
    assert_int_equal(xsr_reader_next(&rd, &cur, &err), -1);
    assert_int_equal(err.kind, XSR_E_EOF);
    assert_non_null(strstr(err.text, "3 of 8"));
}

static void end_inside_body_or_padding_is_an_error(void **state)
{
    struct xsr_cur cur;

    for (size_t n = 8; n < 16; n++) {
        if (n > 8)
            begin(state);
        give(two, n, 0);
        next();
        assert_int_equal(xsr_reader_body(&rd, &cur, &err), -1);
        assert_int_equal(err.kind, XSR_E_EOF);
        assert_true(err.offset == 8);
        assert_non_null(strstr(err.text, "HVM_CONTEXT"));
        if (n < 15)
            end(state);
    }
}

static void body_can_be_taken_in_parts(void **state)
{
    struct iovec iov[2 + XSR_READER_TAIL];
    char a[2], b[1], c[2];

    (void)state;
    give(two, sizeof(two), 1);
    next();
    assert_int_equal(xsr_reader_read(&rd, a, 2, &err), 0);
    iov[0] = (struct iovec){b, 1};
    iov[1] = (struct iovec){c, 2};
    assert_int_equal(xsr_reader_readv(&rd, iov, 2, &err), 0);
    assert_memory_equal(a, "he", 2);
    assert_memory_equal(b, "l", 1);
    assert_memory_equal(c, "lo", 2);
    assert_true(rd.left == 0 && rd.pos == 16);
    assert_int_equal(xsr_reader_read(&rd, a, 1, &err), -1);
    assert_int_equal(err.kind, XSR_E_BUG);
}

static void large_body_arrives_whole_and_is_skipped_whole(void **state)
{
    static uint8_t stream[2][8 + 30000];
    struct xsr_cur cur;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        stream[i][0] = 9;
        xsr_st_le32(stream[i] + 4, 30000);
        memset(stream[i] + 8, 'a' + (int)i, 30000);
    }
    give(stream, sizeof(stream), 0);
    next();
    assert_int_equal(xsr_reader_skip(&rd, &err), 0);
    next();
    assert_int_equal(xsr_reader_body(&rd, &cur, &err), 0);
    assert_int_equal(cur.len, 30000);
    assert_memory_equal(cur.p, stream[1] + 8, 30000);
}

static void announced_length_alone_takes_no_memory(void **state)
{
    static const uint8_t claim[] = {3, 0, 0, 0, 0, 0, 0, 8, 1, 2, 3, 4};
    struct xsr_cur cur;

    (void)state;
    give(claim, sizeof(claim), 0);
    assert_int_equal(next().len, 128u << 20);
    assert_int_equal(xsr_reader_body(&rd, &cur, &err), -1);
    assert_int_equal(err.kind, XSR_E_EOF);
    assert_true(rd.body.cap <= 256u << 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_behind_a_record_is_read),
        TEST(padding_must_be_zero),
        TEST(end_at_a_record_boundary_is_named),
        TEST(end_inside_a_header_is_named),
        TEST(end_inside_body_or_padding_is_an_error),
        TEST(body_can_be_taken_in_parts),
        TEST(large_body_arrives_whole_and_is_skipped_whole),
        TEST(announced_length_alone_takes_no_memory),
    };

    return cmocka_run_group_tests_name("engine_reader", tests, NULL, NULL);
}
