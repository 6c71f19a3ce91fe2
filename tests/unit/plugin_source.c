/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/restore/source.c: exactly the bytes that were asked for, from head and
 * fd; positions; the end of the input in every place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/fd.h"
#include "plugin/restore/source.h"

static struct xsr_loop *loop;
static struct xsr_source src;
static struct xsr_err err;
static int fds[2], n_done;
static char pieces[64];

static void on_done(void *ctx, const struct xsr_err *why)
{
    (void)ctx;
    n_done++;
    if (why)
        err = *why;
    xsr_loop_quit(loop);
}

static int on_piece(void *ctx, const uint8_t *p, size_t n, struct xsr_err *e)
{
    size_t len = strlen(pieces);

    (void)ctx;
    if (memchr(p, '!', n))
        return xsr_fail(e, XSR_E_LIMIT, "no exclamation");
    memcpy(pieces + len, p, n);
    pieces[len + n] = '\0';
    return 0;
}

static int setup(void **state)
{
    (void)state;
    xsr_err_clear(&err);
    n_done = 0;
    pieces[0] = '\0';
    if (xsr_loop_new(&loop, &err) < 0 || xsr_pipe(fds, &err) < 0)
        return -1;
    xsr_source_init(&src, loop, fds[0], "HEAD", 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    xsr_source_fini(&src);
    xsr_loop_free(loop);
    xsr_close(&fds[0]);
    xsr_close(&fds[1]);
    return 0;
}

static void feed(const char *text)
{
    assert_int_equal(xsr_write_all(fds[1], text, strlen(text), "pipe", &err),
                     0);
}

static void wait_for(int n)
{
    struct xsr_err loop_err = XSR_ERR_INIT;
    int rounds;

    /* a request that the head satisfied asked the next run to quit */
    for (rounds = 0; rounds < 2 && n_done < n; rounds++)
        assert_int_equal(xsr_loop_run(loop, &loop_err), 0);
    assert_int_equal(n_done, n);
}

static void collect(size_t n, const char *want)
{
    int before = n_done;

    xsr_source_collect(&src, n, "some bytes", on_done, NULL);
    wait_for(before + 1);
    assert_int_equal(err.kind, XSR_E_OK);
    assert_int_equal(src.buf.len, n);
    assert_memory_equal(src.buf.p, want, n);
}

static void must_fail(enum xsr_kind kind, const char *word, uint64_t offset)
{
    if (err.kind != kind || !strstr(err.text, word))
        fail_msg("%s: %s", xsr_kind_name(err.kind), err.text);
    assert_int_equal(err.offset, offset);
}

static void test_takes_head_then_fd_and_no_more(void **state)
{
    char left[16] = "";

    (void)state;
    feed("abcdefrest");
    collect(3, "HEA");
    collect(4, "Dabc");
    assert_int_equal(src.pos, 7);
    xsr_source_collect_more(&src, 2, "more", on_done, NULL);
    wait_for(3);
    assert_int_equal(src.buf.len, 6);
    assert_memory_equal(src.buf.p, "Dabcde", 6);
    assert_int_equal(read(fds[0], left, sizeof(left)), 5);
    assert_string_equal(left, "frest");
}

static void test_passes_pieces(void **state)
{
    (void)state;
    feed("abcdef");
    xsr_source_pass(&src, 9, "a body", on_piece, on_done, NULL);
    wait_for(1);
    assert_int_equal(err.kind, XSR_E_OK);
    assert_string_equal(pieces, "HEADabcde");
    xsr_source_pass(&src, 0, "nothing", on_piece, on_done, NULL);
    wait_for(2);
    collect(1, "f");
}

static void test_a_refused_piece_ends_the_request(void **state)
{
    (void)state;
    feed("ab!d");
    xsr_source_pass(&src, 8, "a body", on_piece, on_done, NULL);
    wait_for(1);
    must_fail(XSR_E_LIMIT, "exclamation", XSR_NO_OFFSET);
}

static void test_end_in_the_middle(void **state)
{
    (void)state;
    feed("abc");
    xsr_close(&fds[1]);
    xsr_source_collect(&src, 9, "a header", on_done, NULL);
    wait_for(1);
    must_fail(XSR_E_EOF, "middle of a header: 7 of 9", 7);
}

static void test_end_where_something_is_due(void **state)
{
    (void)state;
    collect(4, "HEAD");
    xsr_close(&fds[1]);
    xsr_source_collect(&src, 9, "a header", on_done, NULL);
    wait_for(2);
    must_fail(XSR_E_EOF, "where a header is due", 4);
}

static void test_expects_the_end(void **state)
{
    (void)state;
    collect(4, "HEAD");
    xsr_close(&fds[1]);
    xsr_source_expect_end(&src, on_done, NULL);
    wait_for(2);
    assert_int_equal(err.kind, XSR_E_OK);
}

static void test_refuses_bytes_behind_the_end(void **state)
{
    (void)state;
    feed("x");
    collect(4, "HEAD");
    xsr_source_expect_end(&src, on_done, NULL);
    wait_for(2);
    must_fail(XSR_E_FORMAT, "behind the END", 4);
}

static void test_a_stopped_request_is_silent(void **state)
{
    struct xsr_err loop_err = XSR_ERR_INIT;

    (void)state;
    xsr_source_collect(&src, 9, "a header", on_done, NULL);
    xsr_source_stop(&src);
    feed("abcdefghi");
    assert_int_equal(xsr_loop_run(loop, &loop_err), 0); /* nothing waits */
    assert_int_equal(n_done, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_takes_head_then_fd_and_no_more),
        TEST(test_passes_pieces),
        TEST(test_a_refused_piece_ends_the_request),
        TEST(test_end_in_the_middle),
        TEST(test_end_where_something_is_due),
        TEST(test_expects_the_end),
        TEST(test_refuses_bytes_behind_the_end),
        TEST(test_a_stopped_request_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
