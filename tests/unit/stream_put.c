/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a save writes around the guest image is what the parsers accept: xl
 * header, libxl header, emulator records with their keys, END.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "stream/limits.h"
#include "stream/xl2.h"
#include "stream/xl2_order.h"
#include "stream/xlfile.h"
#include "stream/xskeys.h"

static struct xsr_err err;
static struct xsr_buf out;

static int setup(void **state)
{
    (void)state;
    xsr_err_clear(&err);
    xsr_buf_init(&out);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    xsr_buf_fini(&out);
    return 0;
}

static void good(int rc)
{
    if (rc != 0)
        fail_msg("%s", err.text);
}

static void put_keys(struct xsr_buf *keys)
{
    good(xsr_xskeys_put(keys, "physmap/f0000000/start_addr", "a0000", &err));
    good(xsr_xskeys_put(keys, "physmap/f0000000/size", "800000", &err));
    good(xsr_xskeys_put(keys, "physmap/f0000000/name", "vga.vram", &err));
}

static void put_emulator(uint32_t type, const void *p, size_t n)
{
    uint32_t len = XSR_XL2_EMU_HDR_LEN + (uint32_t)n;

    good(xsr_xl2_put_rec(&out, type, len, &err));
    good(xsr_xl2_put_emu(&out, 2, &err));
    good(xsr_buf_put(&out, p, n, &err));
    good(xsr_buf_put_zero(&out, xsr_xl2_pad(len), &err));
}

static void get_emulator(struct xsr_cur *cur, struct xsr_xl2_order *order,
                         uint32_t type, const void *p, size_t n)
{
    struct xsr_xl2_emu emu;
    struct xsr_xl2_rec rec;
    const uint8_t *body;

    good(xsr_xl2_get_rec(cur, &rec, &err));
    assert_int_equal(rec.type, type);
    assert_int_equal(rec.len, XSR_XL2_EMU_HDR_LEN + n);
    good(xsr_xl2_order_next(order, rec.type, 0, &err));
    good(xsr_xl2_get_emu(cur, &emu, &err));
    assert_int_equal(emu.id, 2);
    good(xsr_get_view(cur, n, &body, "body", &err));
    assert_memory_equal(body, p, n);
    good(xsr_get_zero(cur, xsr_xl2_pad(rec.len), "padding", &err));
}

static void test_a_whole_stream(void **state)
{
    static const char json[] = "{\"c_info\": {}}";
    struct xsr_buf keys = XSR_BUF_INIT;
    struct xsr_xlfile_config config;
    struct xsr_xlfile_hdr file;
    struct xsr_xl2_order order;
    struct xsr_xl2_rec rec;
    struct xsr_xl2_hdr hdr;
    struct xsr_cur cur;

    (void)state;
    put_keys(&keys);
    good(xsr_xlfile_put(&out, json, &err));
    good(xsr_xl2_put_hdr(&out, 0, &err));
    good(xsr_xl2_put_rec(&out, XSR_XL2_LIBXC_CONTEXT, 0, &err));
    put_emulator(XSR_XL2_EMULATOR_XENSTORE_DATA, keys.p, keys.len);
    put_emulator(XSR_XL2_EMULATOR_CONTEXT, "QEVM!", 5);
    good(xsr_xl2_put_rec(&out, XSR_XL2_END, 0, &err));

    xsr_cur_init(&cur, out.p, out.len, 0);
    xsr_xl2_order_init(&order, XSR_XL2_HVM);
    good(xsr_xlfile_get_hdr(&cur, &file, &err));
    good(xsr_xlfile_get_config(&cur, &file, &config, &err));
    assert_string_equal(config.text, json);
    good(xsr_xl2_get_hdr(&cur, &hdr, &err));
    assert_int_equal(hdr.options, 0);
    good(xsr_xl2_get_rec(&cur, &rec, &err));
    good(xsr_xl2_order_next(&order, rec.type, 0, &err));
    get_emulator(&cur, &order, XSR_XL2_EMULATOR_XENSTORE_DATA, keys.p,
                 keys.len);
    get_emulator(&cur, &order, XSR_XL2_EMULATOR_CONTEXT, "QEVM!", 5);
    good(xsr_xl2_get_rec(&cur, &rec, &err));
    good(xsr_xl2_order_next(&order, rec.type, 0, &err));
    assert_true(xsr_xl2_order_done(&order));
    good(xsr_cur_end(&cur, "stream", &err));
    xsr_buf_fini(&keys);
}

static void test_keys_round_trip(void **state)
{
    struct xsr_xskeys keys;
    struct xsr_cur cur;

    (void)state;
    put_keys(&out);
    xsr_cur_init(&cur, out.p, out.len, 0);
    good(xsr_xskeys_get(&cur, &keys, &err));
    assert_int_equal(keys.n, 3);
    assert_string_equal(keys.pair[0].key, "physmap/f0000000/start_addr");
    assert_string_equal(keys.pair[1].value, "800000");
    assert_string_equal(keys.pair[2].value, "vga.vram");
    xsr_xskeys_fini(&keys);
}

/* The bytes that upstream writes (docs/formats/libxl-stream.md). */
static void test_the_shortest_stream(void **state)
{
    static const uint8_t want[] = {
        0x4c, 0x69, 0x62, 0x78, 0x6c, 0x46, 0x6d, 0x74, 0, 0, 0, 2, 0, 0, 0, 0,
        1,    0,    0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0,
    };

    (void)state;
    good(xsr_xl2_put_hdr(&out, 0, &err));
    good(xsr_xl2_put_rec(&out, XSR_XL2_LIBXC_CONTEXT, 0, &err));
    good(xsr_xl2_put_rec(&out, XSR_XL2_END, 0, &err));
    assert_int_equal(out.len, sizeof(want));
    assert_memory_equal(out.p, want, sizeof(want));
}

static void test_a_configuration_has_a_limit(void **state)
{
    size_t n = XSR_MAX_XL_OPTIONAL;
    char *text = malloc(n + 1);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', n);
    text[n] = '\0';
    assert_int_equal(xsr_xlfile_put(&out, text, &err), -1);
    assert_int_equal(err.kind, XSR_E_LIMIT);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_whole_stream),
        TEST(test_keys_round_trip),
        TEST(test_the_shortest_stream),
        TEST(test_a_configuration_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
