/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/buf: contents survive growth, growth is geometric, room that was only
 * reserved is zero, and sizes that cannot be are errors, not wrap-arounds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/bytes.h"

static void contents_survive_growth(void **state)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_err err;
    unsigned grown = 0;
    size_t cap = 0;
    uint32_t i;

    (void)state;
    for (i = 0; i < 50000; i++) {
        assert_int_equal(xsr_buf_put_u32(&buf, i * 2654435761u, &err), 0);
        if (buf.cap != cap)
            grown++;
        cap = buf.cap;
    }
    assert_int_equal(buf.len, 200000);
    assert_true(grown < 20);
    for (i = 0; i < 50000; i++)
        assert_true(xsr_le32(buf.p + 4 * i) == i * 2654435761u);
    xsr_buf_fini(&buf);
    assert_null(buf.p);
    xsr_buf_fini(&buf);
}

static void reserved_room_is_zero(void **state)
{
    struct xsr_buf buf;
    struct xsr_err err;
    size_t i;

    (void)state;
    xsr_buf_init(&buf);
    assert_int_equal(xsr_buf_put(&buf, "abc", 3, &err), 0);
    assert_int_equal(xsr_buf_reserve(&buf, 5000, &err), 0);
    assert_int_equal(buf.len, 3);
    assert_true(buf.cap >= 5003);
    for (i = 3; i < buf.cap; i++)
        assert_int_equal(buf.p[i], 0);
    xsr_buf_fini(&buf);
}

static void put_zero_clears_what_was_there(void **state)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_err err;

    (void)state;
    assert_int_equal(xsr_buf_put(&buf, "secret", 6, &err), 0);
    xsr_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(xsr_buf_put_zero(&buf, 6, &err), 0);
    assert_memory_equal(buf.p, "\0\0\0\0\0\0", 6);
    xsr_buf_fini(&buf);
}

static void impossible_sizes_are_errors(void **state)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_err err;

    (void)state;
    assert_int_equal(xsr_buf_put(&buf, "abc", 3, &err), 0);
    assert_int_equal(xsr_buf_reserve(&buf, SIZE_MAX, &err), -1);
    assert_int_equal(err.kind, XSR_E_NOMEM);
    assert_int_equal(xsr_buf_reserve(&buf, SIZE_MAX / 2, &err), -1);
    assert_int_equal(err.kind, XSR_E_NOMEM);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.p, "abc", 3);
    xsr_buf_fini(&buf);
}

static void numbers_are_little_endian(void **state)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_err err;

    (void)state;
    assert_int_equal(xsr_buf_put_u16(&buf, 0x0102, &err), 0);
    assert_int_equal(xsr_buf_put_u32(&buf, 0x03040506, &err), 0);
    assert_int_equal(xsr_buf_put_u64(&buf, 0x0708090a0b0c0d0eull, &err), 0);
    assert_memory_equal(buf.p, "\2\1\6\5\4\3\x0e\x0d\x0c\x0b\x0a\x09\x08\x07",
                        14);
    xsr_buf_fini(&buf);
}

static void printf_appends(void **state)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_err err;
    char big[1000];

    (void)state;
    memset(big, 'y', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_int_equal(xsr_buf_printf(&buf, &err, "%d-%s", 5, "x"), 0);
    assert_int_equal(xsr_buf_printf(&buf, &err, "%s", big), 0);
    assert_int_equal(buf.len, 3 + 999);
    assert_memory_equal(buf.p, "5-xyyy", 6);
    assert_int_equal(buf.p[buf.len], 0);
    xsr_buf_fini(&buf);
}

static void drop_moves_the_rest(void **state)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_err err;

    (void)state;
    assert_int_equal(xsr_buf_put(&buf, "0123456789", 10, &err), 0);
    xsr_buf_drop(&buf, 0);
    assert_int_equal(buf.len, 10);
    xsr_buf_drop(&buf, 7);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.p, "789", 3);
    xsr_buf_drop(&buf, 100);
    assert_int_equal(buf.len, 0);
    xsr_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_survive_growth),
        cmocka_unit_test(reserved_room_is_zero),
        cmocka_unit_test(put_zero_clears_what_was_there),
        cmocka_unit_test(impossible_sizes_are_errors),
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(printf_appends),
        cmocka_unit_test(drop_moves_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
