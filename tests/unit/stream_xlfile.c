/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream/xlfile: header and configuration of an xl save file. */
#include "tests/unit/stream_util.h"

#include <stdlib.h>

#include "stream/limits.h"
#include "stream/xlfile.h"

static const char json[] = "{\"c_info\": {}}";

static struct xsr_buf make(void)
{
    struct xsr_buf buf = XSR_BUF_INIT;

    accepted(xsr_xlfile_put(&buf, json, &err));
    return buf;
}

static int get_hdr(const struct xsr_buf *buf, struct xsr_xlfile_hdr *hdr,
                   struct xsr_err *err)
{
    struct xsr_cur cur = cursor(buf->p, buf->len);

    return xsr_xlfile_get_hdr(&cur, hdr, err);
}

static void what_was_put_is_got(void **state)
{
    struct xsr_buf buf = make();
    struct xsr_cur cur = cursor(buf.p, buf.len);
    struct xsr_xlfile_config config;
    struct xsr_xlfile_hdr hdr;

    (void)state;
    assert_true(xsr_xlfile_probe(buf.p, 8));
    assert_true(xsr_xlfile_probe(buf.p, buf.len));
    accepted(xsr_xlfile_get_hdr(&cur, &hdr, &err));
    assert_int_equal(hdr.mandatory_flags, 3);
    assert_int_equal(hdr.optional_len, buf.len - XSR_XLFILE_HDR_LEN);
    accepted(xsr_xlfile_get_config(&cur, &hdr, &config, &err));
    assert_int_equal(config.len, strlen(json));
    assert_string_equal(config.text, json);
    assert_int_equal(xsr_cur_left(&cur), 0);
    xsr_buf_fini(&buf);
}

/* Put value (width bytes, little-endian) at an offset, expect a refusal. */
static void header_with(size_t at, uint32_t value, enum xsr_kind kind,
                        size_t where, const char *word)
{
    struct xsr_buf buf = make();
    struct xsr_xlfile_hdr hdr;

    xsr_st_le32(buf.p + at, value);
    refused(get_hdr(&buf, &hdr, &err), kind, where, word);
    xsr_buf_fini(&buf);
}

static void every_header_field_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < XSR_XLFILE_MAGIC_LEN; i += 4)
        header_with(i, 0x21212121, XSR_E_FORMAT, 0, "magic");
    header_with(32, 0x04030201, XSR_E_UNSUPPORTED, 32, "big-endian");
    header_with(32, 0, XSR_E_FORMAT, 32, "byte order");
    header_with(36, 7, XSR_E_UNSUPPORTED, 32, "mandatory flags 0x7");
    header_with(40, 1, XSR_E_FORMAT, 32, "optional flags 0x1");
    header_with(44, XSR_MAX_XL_OPTIONAL + 1, XSR_E_LIMIT, 32, "16777217");
    header_with(44, 0xffffffff, XSR_E_LIMIT, 32, "4294967295");
    header_with(44, 3, XSR_E_FORMAT, 32, "3 bytes");
}

static void a_short_header_is_refused(void **state)
{
    struct xsr_buf buf = make();
    struct xsr_xlfile_hdr hdr;

    (void)state;
    for (buf.len = 0; buf.len < XSR_XLFILE_HDR_LEN; buf.len++) {
        struct xsr_err err = XSR_ERR_INIT;

        assert_int_equal(get_hdr(&buf, &hdr, &err), -1);
        assert_int_equal(err.kind, XSR_E_FORMAT);
    }
    xsr_buf_fini(&buf);
}

static void config_with(uint32_t len, const char *text, size_t n, size_t where,
                        const char *word)
{
    struct xsr_xlfile_hdr hdr = {3, 0, (uint32_t)n + 4};
    struct xsr_xlfile_config config;
    uint8_t mem[64] = {0};
    struct xsr_cur cur = cursor(mem, n + 4);

    xsr_st_le32(mem, len);
    memcpy(mem + 4, text, n);
    refused(xsr_xlfile_get_config(&cur, &hdr, &config, &err), XSR_E_FORMAT,
            where, word);
}

static void the_configuration_is_judged(void **state)
{
    struct xsr_xlfile_hdr none = {3, 0, 0}, text = {2, 0, 7};
    struct xsr_xlfile_config config;
    struct xsr_cur cur = cursor(json, 0);

    (void)state;
    config_with(4, "abc", 3, 0, "length 4");
    config_with(0xffffffff, "abc", 3, 0, "4294967295");
    config_with(3, "abc", 3, 7, "no NUL");
    config_with(4, "a\0c", 4, 5, "inside");
    accepted(xsr_xlfile_get_config(&cur, &none, &config, &err));
    assert_null(config.text);
    /* a text configuration has no NUL; bytes behind it are ignored */
    cur = cursor("\2\0\0\0ab!", 7);
    accepted(xsr_xlfile_get_config(&cur, &text, &config, &err));
    assert_int_equal(config.len, 2);
}

static void other_beginnings_are_not_probed(void **state)
{
    (void)state;
    assert_false(xsr_xlfile_probe((const uint8_t *)"Xen save", 7));
    assert_false(xsr_xlfile_probe((const uint8_t *)"Xen Save", 8));
    assert_false(xsr_xlfile_probe((const uint8_t *)"LibxlFmt", 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_got),
        cmocka_unit_test(every_header_field_is_judged),
        cmocka_unit_test(a_short_header_is_refused),
        cmocka_unit_test(the_configuration_is_judged),
        cmocka_unit_test(other_beginnings_are_not_probed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
