/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/bytes: values come out in the right byte order, and no get passes the
 * end of its bytes; each is tried with every number of bytes too few.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"

static const uint8_t seq[16] = {0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88,
                                0x09, 0x8a, 0x0b, 0x8c, 0x0d, 0x8e, 0x0f, 0x90};

static void values_and_order(void **state)
{
    struct xsr_cur cur;
    struct xsr_err err;
    uint64_t v64;
    uint32_t v32;
    uint16_t v16;
    uint8_t v8;

    (void)state;
    xsr_cur_init(&cur, seq, sizeof(seq), 100);
    assert_int_equal(xsr_get_u8(&cur, &v8, "a", &err), 0);
    assert_int_equal(v8, 0x01);
    assert_int_equal(xsr_get_u16(&cur, &v16, "b", &err), 0);
    assert_int_equal(v16, 0x0382);
    assert_int_equal(xsr_get_u32(&cur, &v32, "c", &err), 0);
    assert_true(v32 == 0x07860584u);
    assert_int_equal(xsr_get_u64(&cur, &v64, "d", &err), 0);
    assert_true(v64 == 0x0f8e0d8c0b8a0988ull);
    assert_true(xsr_cur_offset(&cur) == 115);
    assert_int_equal(xsr_cur_left(&cur), 1);

    xsr_cur_init(&cur, seq, sizeof(seq), 0);
    assert_int_equal(xsr_get_be16(&cur, &v16, "a", &err), 0);
    assert_int_equal(v16, 0x0182);
    assert_int_equal(xsr_get_be32(&cur, &v32, "b", &err), 0);
    assert_true(v32 == 0x03840586u);
    assert_int_equal(xsr_get_be64(&cur, &v64, "c", &err), 0);
    assert_true(v64 == 0x0788098a0b8c0d8eull);
}

static int get_width(struct xsr_cur *cur, size_t width, struct xsr_err *err)
{
    const uint8_t *view;
    uint64_t v64;
    uint32_t v32;
    uint16_t v16;
    uint8_t v8;

    switch (width) {
    case 1:
        return xsr_get_u8(cur, &v8, "field", err);
    case 2:
        return xsr_get_u16(cur, &v16, "field", err);
    case 4:
        return xsr_get_u32(cur, &v32, "field", err);
    case 8:
        return xsr_get_u64(cur, &v64, "field", err);
    default:
        return xsr_get_view(cur, width, &view, "field", err);
    }
}

/* The bytes lie at the end of an allocation, so that ASan sees one too many. */
static void never_past_the_end(void **state)
{
    static const size_t widths[] = {1, 2, 4, 8, 13};
    struct xsr_cur cur;
    struct xsr_err err;
    uint8_t *heap;
    size_t i, len;

    (void)state;
    for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        for (len = 0; len <= widths[i]; len++) {
            heap = calloc(1, len ? len : 1);
            assert_non_null(heap);
            xsr_cur_init(&cur, heap, len, 1000);
            xsr_err_clear(&err);
            if (len == widths[i]) {
                assert_int_equal(get_width(&cur, widths[i], &err), 0);
                assert_int_equal(xsr_cur_left(&cur), 0);
            } else {
                assert_int_equal(get_width(&cur, widths[i], &err), -1);
                assert_int_equal(err.kind, XSR_E_FORMAT);
                assert_true(err.offset == 1000);
                assert_non_null(strstr(err.text, "field"));
                assert_int_equal(cur.pos, 0);
            }
            free(heap);
        }
    }
}

static void huge_view_is_refused(void **state)
{
    const uint8_t *view = NULL;
    struct xsr_cur cur;
    struct xsr_err err;

    (void)state;
    xsr_cur_init(&cur, seq, sizeof(seq), 0);
    cur.pos = 4;
    assert_int_equal(xsr_get_view(&cur, SIZE_MAX, &view, "x", &err), -1);
    assert_int_equal(xsr_get_view(&cur, SIZE_MAX - 3, &view, "x", &err), -1);
    assert_null(view);
    assert_int_equal(cur.pos, 4);
}

static void empty_cursor_gives_empty_view(void **state)
{
    const uint8_t *view = NULL;
    struct xsr_cur cur;
    struct xsr_err err;

    (void)state;
    xsr_cur_init(&cur, NULL, 0, 0);
    assert_int_equal(xsr_get_view(&cur, 0, &view, "x", &err), 0);
    assert_non_null(view);
    assert_int_equal(xsr_cur_end(&cur, "x", &err), 0);
}

static void zero_names_the_byte(void **state)
{
    uint8_t b[12] = {0};
    struct xsr_cur cur;
    struct xsr_err err;

    (void)state;
    xsr_cur_init(&cur, b, sizeof(b), 50);
    assert_int_equal(xsr_get_zero(&cur, 12, "padding", &err), 0);
    b[9] = 0x20;
    xsr_cur_init(&cur, b, sizeof(b), 50);
    cur.pos = 2;
    assert_int_equal(xsr_get_zero(&cur, 10, "padding", &err), -1);
    assert_true(err.offset == 59);
    assert_non_null(strstr(err.text, "0x20"));
    assert_int_equal(cur.pos, 2);
}

static void leftovers_are_found(void **state)
{
    struct xsr_cur cur;
    struct xsr_err err;

    (void)state;
    xsr_cur_init(&cur, seq, 5, 8);
    cur.pos = 3;
    assert_int_equal(xsr_cur_end(&cur, "the body", &err), -1);
    assert_true(err.offset == 11);
    assert_non_null(strstr(err.text, "2 bytes"));
}

static void all_zero_sees_every_byte(void **state)
{
    uint8_t b[200];
    size_t start, len, i;

    (void)state;
    memset(b, 0, sizeof(b));
    for (start = 0; start < 9; start++) {
        for (len = 0; len < 150; len += 7) {
            assert_true(xsr_all_zero(b + start, len));
            /* just outside does not matter */
            b[start + len] = 1;
            assert_true(xsr_all_zero(b + start, len));
            b[start + len] = 0;
            for (i = 0; i < len; i++) {
                b[start + i] = 0x80;
                assert_false(xsr_all_zero(b + start, len));
                b[start + i] = 0;
            }
        }
    }
}

static void stores_and_loads_agree(void **state)
{
    uint8_t b[8];

    (void)state;
    xsr_st_le64(b, 0x1122334455667788ull);
    assert_int_equal(b[0], 0x88);
    assert_int_equal(b[7], 0x11);
    assert_true(xsr_le64(b) == 0x1122334455667788ull);
    xsr_st_le32(b, 0xfedcba98u);
    assert_true(xsr_le32(b) == 0xfedcba98u);
    xsr_st_le16(b, 0xff01);
    assert_int_equal(xsr_le16(b), 0xff01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_order),
        cmocka_unit_test(never_past_the_end),
        cmocka_unit_test(huge_view_is_refused),
        cmocka_unit_test(empty_cursor_gives_empty_view),
        cmocka_unit_test(zero_names_the_byte),
        cmocka_unit_test(leftovers_are_found),
        cmocka_unit_test(all_zero_sees_every_byte),
        cmocka_unit_test(stores_and_loads_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
