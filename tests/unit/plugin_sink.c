/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/save/sink: all bytes arrive in order in files, pipes and sockets, a
 * slow reader blocks nobody else, and one that goes away is an error and no
 * signal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "plugin/save/sink.h"

#define BIG 300000u

static struct xsr_loop *loop;
static struct xsr_sink sink;
static struct xsr_err err;
static struct xsr_loop_fd *watch;
static struct xsr_loop_timer *timer;
static uint8_t got[2 * BIG];
static size_t n_got;
static int n_done, n_ticks;

static void on_done(void *ctx, const struct xsr_err *why)
{
    n_done++;
    if (why)
        err = *why;
    if (!ctx)
        xsr_loop_quit(loop);
}

static int setup(void **state)
{
    (void)state;
    xsr_err_clear(&err);
    n_got = 0;
    n_done = n_ticks = 0;
    return xsr_loop_new(&loop, &err);
}

static int teardown(void **state)
{
    (void)state;
    xsr_sink_fini(&sink);
    xsr_sink_fini(&sink);
    xsr_loop_del_fd(loop, &watch);
    xsr_loop_del_timer(loop, &timer);
    xsr_loop_free(loop);
    return 0;
}

static void fill(size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        uint8_t b = (uint8_t)(i * 7 + i / 251);

        assert_int_equal(xsr_buf_put(&sink.buf, &b, 1, &err), 0);
    }
}

static bool right(size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (got[i] != (uint8_t)(i * 7 + i / 251))
            return false;
    return n == n_got;
}

/* A slow reader in the same loop: a piece whenever the timer says so. */
static int slow_fd;
static void on_tick(void *ctx)
{
    ssize_t r;

    (void)ctx;
    n_ticks++;
    r = recv(slow_fd, got + n_got, 30000, MSG_DONTWAIT);
    if (r < 0)
        r = read(slow_fd, got + n_got, 30000);
    if (r > 0)
        n_got += (size_t)r;
    xsr_loop_del_timer(loop, &timer);
    xsr_loop_add_timer(loop, 2, on_tick, NULL, &timer, &err);
}

static void send_slowly(int to, int from)
{
    slow_fd = from;
    assert_int_equal(xsr_sink_init(&sink, loop, to, &err), 0);
    fill(BIG);
    xsr_loop_add_timer(loop, 2, on_tick, NULL, &timer, &err);
    xsr_sink_send(&sink, on_done, NULL);
    assert_int_equal(n_done, 0);
    assert_int_equal(xsr_loop_run(loop, &err), 0);
    assert_int_equal(n_done, 1);
    assert_string_equal(err.text, "");
    assert_int_equal(sink.written, BIG);
    while (n_got < BIG)
        on_tick(NULL);
    assert_true(right(BIG));
    assert_true(n_ticks > 5); /* the loop was never blocked */
}

static void test_pipe(void **state)
{
    int fds[2];

    (void)state;
    assert_return_code(pipe(fds), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    send_slowly(fds[1], fds[0]);
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    close(fds[0]);
    close(fds[1]);
}

static void test_socket(void **state)
{
    int fds[2];

    (void)state;
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    send_slowly(fds[1], fds[0]);
    close(fds[0]);
    close(fds[1]);
}

static void test_file_behind_a_buffer(void **state)
{
    char in_name[] = "/tmp/xensr-sink.XXXXXX",
         out_name[] = "/tmp/xensr-sink.XXXXXX";
    int in = mkstemp(in_name), to = mkstemp(out_name);

    (void)state;
    unlink(in_name);
    unlink(out_name);
    assert_int_equal(xsr_sink_init(&sink, loop, in, &err), 0);
    fill(BIG);
    assert_int_equal(write(in, sink.buf.p, BIG), BIG);
    xsr_sink_fini(&sink);
    lseek(in, 0, SEEK_SET);
    assert_int_equal(xsr_sink_init(&sink, loop, to, &err), 0);
    xsr_sink_copy(&sink, in, BIG, "the file", on_done, NULL);
    assert_int_equal(xsr_loop_run(loop, &err), 0);
    assert_int_equal(n_done, 1);
    n_got = (size_t)pread(to, got, sizeof(got), 0);
    assert_true(right(BIG));
    assert_int_equal(sink.written, BIG);
    /* one that is shorter than it was said to be */
    xsr_sink_copy(&sink, in, 1, "the file", on_done, NULL);
    if (n_done < 2)
        xsr_loop_run(loop, &err);
    assert_int_equal(n_done, 2);
    assert_non_null(strstr(err.text, "the file became shorter"));
    close(in);
    close(to);
}

static void test_nothing_is_done_at_once(void **state)
{
    (void)state;
    assert_int_equal(xsr_sink_init(&sink, loop, 1, &err), 0);
    xsr_sink_send(&sink, on_done, &loop);
    assert_int_equal(n_done, 1);
    assert_string_equal(err.text, "");
}

static void lose_reader(int fds[2])
{
    close(fds[0]);
    assert_int_equal(xsr_sink_init(&sink, loop, fds[1], &err), 0);
    fill(10);
    xsr_sink_send(&sink, on_done, NULL);
    assert_int_equal(xsr_loop_run(loop, &err), 0);
    assert_int_equal(n_done, 1);
    assert_int_equal(err.kind, XSR_E_IO);
    assert_non_null(strstr(err.text, "the reader closed the stream"));
    close(fds[1]);
}

static void test_a_reader_that_goes_is_no_signal(void **state)
{
    int fds[2];

    (void)state; /* SIGPIPE has its default action here */
    assert_return_code(pipe(fds), 0);
    lose_reader(fds);
    teardown(NULL);
    setup(NULL);
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    lose_reader(fds);
}

static void test_stopped_says_nothing(void **state)
{
    int fds[2];

    (void)state;
    assert_return_code(pipe(fds), 0);
    assert_int_equal(xsr_sink_init(&sink, loop, fds[1], &err), 0);
    fill(BIG);
    xsr_sink_send(&sink, on_done, NULL);
    xsr_sink_stop(&sink);
    assert_int_equal(xsr_loop_run(loop, &err), 0);
    assert_int_equal(n_done, 0);
    close(fds[0]);
    close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pipe),
        TEST(test_socket),
        TEST(test_file_behind_a_buffer),
        TEST(test_nothing_is_done_at_once),
        TEST(test_a_reader_that_goes_is_no_signal),
        TEST(test_stopped_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
