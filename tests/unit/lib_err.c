/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/err: texts are complete, positions are set once, and nothing that is
 * put into the fixed text can pass its end.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/err.h"

static void fail_fills_everything(void **state)
{
    struct xsr_err err;

    (void)state;
    memset(&err, 0xa5, sizeof(err));
    assert_int_equal(xsr_fail(&err, XSR_E_LIMIT, "length %u", 7u), -1);
    assert_int_equal(err.kind, XSR_E_LIMIT);
    assert_int_equal(err.sys, 0);
    assert_true(err.offset == XSR_NO_OFFSET);
    assert_string_equal(err.text, "length 7");
}

static void fail_sys_adds_the_reason(void **state)
{
    struct xsr_err err;

    (void)state;
    assert_int_equal(xsr_fail_sys(&err, XSR_E_IO, ENOENT, "opening %s", "x"),
                     -1);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.text, "opening x: No such file or directory");
}

static void long_texts_are_cut(void **state)
{
    char big[4 * XSR_ERR_TEXT];
    struct {
        struct xsr_err err;
        char guard[8];
    } s;

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    memset(s.guard, 0x5a, sizeof(s.guard));
    xsr_fail(&s.err, XSR_E_FORMAT, "%s", big);
    assert_int_equal(strlen(s.err.text), XSR_ERR_TEXT - 1);
    xsr_fail_sys(&s.err, XSR_E_IO, EIO, "%s", big);
    assert_int_equal(strlen(s.err.text), XSR_ERR_TEXT - 1);
    xsr_err_prefix(&s.err, "%s", big);
    assert_int_equal(strlen(s.err.text), XSR_ERR_TEXT - 1);
    xsr_fail(&s.err, XSR_E_FORMAT, "%s", "tail");
    xsr_err_prefix(&s.err, "%.*s", XSR_ERR_TEXT - 4, big);
    assert_int_equal(strlen(s.err.text), XSR_ERR_TEXT - 1);
    assert_string_equal(s.err.text + XSR_ERR_TEXT - 4, ": t");
    for (size_t i = 0; i < sizeof(s.guard); i++)
        assert_int_equal(s.guard[i], 0x5a);
}

static void text_may_be_its_own_argument(void **state)
{
    struct xsr_err err;

    (void)state;
    xsr_fail(&err, XSR_E_FORMAT, "inner");
    xsr_fail(&err, XSR_E_FORMAT, "outer(%s)", err.text);
    assert_string_equal(err.text, "outer(inner)");
    xsr_err_prefix(&err, "seen %s", err.text);
    assert_string_equal(err.text, "seen outer(inner): outer(inner)");
}

static void first_offset_stays(void **state)
{
    struct xsr_err err;
    char out[64];

    (void)state;
    xsr_fail(&err, XSR_E_FORMAT, "bad");
    assert_string_equal(xsr_err_str(&err, out, sizeof(out)), "bad");
    assert_int_equal(xsr_err_at(&err, 24), -1);
    assert_int_equal(xsr_err_at(&err, 99), -1);
    assert_true(err.offset == 24);
    assert_string_equal(xsr_err_str(&err, out, sizeof(out)),
                        "bad (at offset 24)");
    xsr_err_clear(&err);
    assert_int_equal(err.kind, XSR_E_OK);
    assert_true(err.offset == XSR_NO_OFFSET);
}

static void quote_escapes(void **state)
{
    char out[64];

    (void)state;
    assert_string_equal(xsr_err_quote("a\n\"\\\x01\xff", 6, out, sizeof(out)),
                        "a\\n\\\"\\\\\\x01\\xff");
    assert_string_equal(xsr_err_quote("a\0b", 3, out, sizeof(out)), "a\\x00b");
    assert_string_equal(xsr_err_quote(NULL, 0, out, sizeof(out)), "");
}

/* Every output size: never past the end, "..." exactly when shortened. */
static void quote_fits_every_size(void **state)
{
    static const char in[] = "ab\ncd\x80"
                             "efgh";
    static const char whole[] = "ab\\ncd\\x80efgh";
    char out[32];
    size_t n, len;

    (void)state;
    for (n = 1; n < sizeof(out); n++) {
        memset(out, 0x5a, sizeof(out));
        xsr_err_quote(in, sizeof(in) - 1, out, n);
        len = strlen(out);
        assert_true(len < n);
        if (n < sizeof(out))
            assert_int_equal(out[n], 0x5a);
        if (n >= sizeof(whole)) {
            assert_string_equal(out, whole);
        } else if (n >= 4) {
            assert_string_equal(out + len - 3, "...");
            assert_memory_equal(out, whole, len - 3);
        }
    }
}

static void errno_tells_the_kind(void **state)
{
    struct xsr_err err;

    (void)state;
    xsr_err_clear(&err);
    assert_int_equal(xsr_err_errno(&err), 0);
    xsr_fail_sys(&err, XSR_E_FORMAT, EPERM, "x");
    assert_int_equal(xsr_err_errno(&err), EBADMSG);
    xsr_fail(&err, XSR_E_ORDER, "x");
    assert_int_equal(xsr_err_errno(&err), EBADMSG);
    xsr_fail(&err, XSR_E_LIMIT, "x");
    assert_int_equal(xsr_err_errno(&err), EBADMSG);
    xsr_fail(&err, XSR_E_EOF, "x");
    assert_int_equal(xsr_err_errno(&err), ENODATA);
    xsr_fail(&err, XSR_E_UNSUPPORTED, "x");
    assert_int_equal(xsr_err_errno(&err), ENOTSUP);
    xsr_fail(&err, XSR_E_STOPPED, "x");
    assert_int_equal(xsr_err_errno(&err), ECANCELED);
    xsr_fail_sys(&err, XSR_E_XEN, EPERM, "x");
    assert_int_equal(xsr_err_errno(&err), EPERM);
    xsr_fail(&err, XSR_E_XEN, "x");
    assert_int_equal(xsr_err_errno(&err), EIO);
}

static void kinds_have_names(void **state)
{
    int i, j;

    (void)state;
    for (i = XSR_E_OK; i <= XSR_E_BUG; i++)
        for (j = XSR_E_OK; j < i; j++)
            assert_string_not_equal(xsr_kind_name(i), xsr_kind_name(j));
    assert_string_equal(xsr_kind_name(XSR_E_BUG + 1), "unknown");
}

static void text_is_printable_whatever_was_quoted(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;

    (void)state;
    xsr_fail(&err, XSR_E_FORMAT, "near '%s'", "\033[2J\n\t\x80~ ");
    assert_string_equal(err.text, "near '?[2J???~ '");
    xsr_err_prefix(&err, "a\r%s", "b");
    assert_string_equal(err.text, "a?b: near '?[2J???~ '");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fills_everything),
        cmocka_unit_test(fail_sys_adds_the_reason),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(text_may_be_its_own_argument),
        cmocka_unit_test(first_offset_stays),
        cmocka_unit_test(quote_escapes),
        cmocka_unit_test(quote_fits_every_size),
        cmocka_unit_test(errno_tells_the_kind),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(text_is_printable_whatever_was_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
