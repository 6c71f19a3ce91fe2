/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/loop: what is ready is reported, timers fire in order and once, and
 * callbacks may remove anything, themselves and each other included, without
 * a late call or freed memory being touched (ASan and valgrind watch).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/loop.h"

struct world {
    struct xsr_loop *loop;
    struct xsr_loop_fd *w[2];
    struct xsr_loop_timer *t[4];
    int fds[2][2];
    unsigned n_fd[2], n_timer;
    char order[8];
    short revents;
};

static int set_up(void **state)
{
    static struct world wd;
    struct xsr_err err;
    int i;

    memset(&wd, 0, sizeof(wd));
    for (i = 0; i < 2; i++)
        if (pipe(wd.fds[i]) < 0)
            return -1;
    *state = &wd;
    return xsr_loop_new(&wd.loop, &err);
}

static int tear_down(void **state)
{
    struct world *wd = *state;
    int i;

    xsr_loop_free(wd->loop);
    for (i = 0; i < 2; i++) {
        close(wd->fds[i][0]);
        if (wd->fds[i][1] >= 0)
            close(wd->fds[i][1]);
    }
    return 0;
}

static void nothing_to_wait_for_ends(void **state)
{
    struct world *wd = *state;
    struct xsr_err err;

    assert_int_equal(xsr_loop_run(wd->loop, &err), 0);
}

static void on_read_one(void *ctx, int fd, short revents)
{
    struct world *wd = ctx;
    char c;

    wd->revents = revents;
    wd->n_fd[0]++;
    if (read(fd, &c, 1) <= 0)
        xsr_loop_del_fd(wd->loop, &wd->w[0]);
}

static void data_then_hangup(void **state)
{
    struct world *wd = *state;
    struct xsr_err err;

    assert_int_equal(xsr_loop_add_fd(wd->loop, wd->fds[0][0], POLLIN,
                                     on_read_one, wd, &wd->w[0], &err),
                     0);
    assert_int_equal(write(wd->fds[0][1], "abc", 3), 3);
    close(wd->fds[0][1]);
    wd->fds[0][1] = -1;
    assert_int_equal(xsr_loop_run(wd->loop, &err), 0);
    assert_int_equal(wd->n_fd[0], 4);
    assert_true(wd->revents & POLLHUP);
    assert_null(wd->w[0]);
}

static void on_ready_kill_both(void *ctx, int fd, short revents)
{
    struct world *wd = ctx;

    (void)revents;
    wd->n_fd[fd == wd->fds[1][0]]++;
    xsr_loop_del_fd(wd->loop, &wd->w[0]);
    xsr_loop_del_fd(wd->loop, &wd->w[1]);
    /* twice through the same pointer is nothing */
    xsr_loop_del_fd(wd->loop, &wd->w[0]);
}

static void removed_watch_is_not_called(void **state)
{
    struct world *wd = *state;
    struct xsr_err err;
    int i;

    for (i = 0; i < 2; i++) {
        assert_int_equal(xsr_loop_add_fd(wd->loop, wd->fds[i][0], POLLIN,
                                         on_ready_kill_both, wd, &wd->w[i],
                                         &err),
                         0);
        assert_int_equal(write(wd->fds[i][1], "x", 1), 1);
    }
    assert_int_equal(xsr_loop_run(wd->loop, &err), 0);
    assert_int_equal(wd->n_fd[0] + wd->n_fd[1], 1);
}

static void note(struct world *wd, char c)
{
    wd->order[wd->n_timer++] = c;
}

static void on_a(void *ctx)
{
    note(ctx, 'a');
}

static void on_b(void *ctx)
{
    note(ctx, 'b');
}

static void on_c_readds(void *ctx)
{
    struct world *wd = ctx;
    struct xsr_err err;

    note(wd, 'c');
    assert_int_equal(xsr_loop_add_timer(wd->loop, 1, on_a, wd, &wd->t[3], &err),
                     0);
}

static void timers_fire_in_order_once(void **state)
{
    struct world *wd = *state;
    uint64_t start = xsr_now_ms();
    struct xsr_err err;

    assert_int_equal(
        xsr_loop_add_timer(wd->loop, 40, on_b, wd, &wd->t[0], &err), 0);
    assert_int_equal(
        xsr_loop_add_timer(wd->loop, 10, on_a, wd, &wd->t[1], &err), 0);
    assert_int_equal(
        xsr_loop_add_timer(wd->loop, 25, on_c_readds, wd, &wd->t[2], &err), 0);
    assert_int_equal(xsr_loop_run(wd->loop, &err), 0);
    assert_string_equal(wd->order, "acab");
    assert_true(xsr_now_ms() - start >= 39);
    /* deleting what has fired is harmless */
    xsr_loop_del_timer(wd->loop, &wd->t[0]);
    assert_null(wd->t[0]);
    xsr_loop_del_timer(wd->loop, &wd->t[0]);
}

static void on_delete_next(void *ctx)
{
    struct world *wd = ctx;

    note(wd, 'd');
    xsr_loop_del_timer(wd->loop, &wd->t[0]); /* itself */
    xsr_loop_del_timer(wd->loop, &wd->t[1]); /* due in the same round */
}

static void deleted_timer_does_not_fire(void **state)
{
    struct world *wd = *state;
    struct xsr_err err;

    assert_int_equal(
        xsr_loop_add_timer(wd->loop, 0, on_delete_next, wd, &wd->t[0], &err),
        0);
    assert_int_equal(xsr_loop_add_timer(wd->loop, 1, on_a, wd, &wd->t[1], &err),
                     0);
    usleep(5000);
    assert_int_equal(xsr_loop_run(wd->loop, &err), 0);
    assert_string_equal(wd->order, "d");
}

static void on_quit(void *ctx)
{
    struct world *wd = ctx;

    xsr_loop_quit(wd->loop);
}

static void quit_leaves_the_rest(void **state)
{
    struct world *wd = *state;
    struct xsr_err err;

    assert_int_equal(xsr_loop_add_fd(wd->loop, wd->fds[0][0], POLLIN,
                                     on_read_one, wd, &wd->w[0], &err),
                     0);
    assert_int_equal(xsr_loop_add_timer(wd->loop, 5, on_quit, wd, NULL, &err),
                     0);
    assert_int_equal(xsr_loop_run(wd->loop, &err), 0);
    assert_int_equal(wd->n_fd[0], 0);
    /* the watch is still there when the loop runs again */
    assert_int_equal(write(wd->fds[0][1], "x", 1), 1);
    assert_int_equal(xsr_loop_add_timer(wd->loop, 20, on_quit, wd, NULL, &err),
                     0);
    assert_int_equal(xsr_loop_run(wd->loop, &err), 0);
    assert_int_equal(wd->n_fd[0], 1);
}

static void on_inner(void *ctx)
{
    struct world *wd = ctx;
    struct xsr_err err;

    note(wd, 'i');
    assert_int_equal(xsr_loop_add_timer(wd->loop, 1, on_quit, wd, NULL, &err),
                     0);
    assert_int_equal(xsr_loop_run(wd->loop, &err), 0);
    note(wd, 'o');
}

static void callback_may_run_the_loop(void **state)
{
    struct world *wd = *state;
    struct xsr_err err;

    assert_int_equal(xsr_loop_add_timer(wd->loop, 1, on_inner, wd, NULL, &err),
                     0);
    assert_int_equal(xsr_loop_add_timer(wd->loop, 30, on_b, wd, NULL, &err), 0);
    assert_int_equal(xsr_loop_run(wd->loop, &err), 0);
    assert_string_equal(wd->order, "iob");
}

static void on_alarm(int sig)
{
    (void)sig;
}

static void signals_only_make_rounds(void **state)
{
    static const struct itimerval every = {{0, 2000}, {0, 2000}}, never;
    struct world *wd = *state;
    uint64_t start = xsr_now_ms();
    struct sigaction sa;
    struct xsr_err err;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = on_alarm;
    sigaction(SIGALRM, &sa, NULL);
    assert_int_equal(xsr_loop_add_timer(wd->loop, 50, on_a, wd, NULL, &err), 0);
    setitimer(ITIMER_REAL, &every, NULL);
    assert_int_equal(xsr_loop_run(wd->loop, &err), 0);
    setitimer(ITIMER_REAL, &never, NULL);
    assert_string_equal(wd->order, "a");
    assert_true(xsr_now_ms() - start >= 50);
}

static void closed_fd_is_an_error_not_a_spin(void **state)
{
    struct world *wd = *state;
    struct xsr_err err;
    int fd = dup(wd->fds[0][0]);

    assert_int_equal(
        xsr_loop_add_fd(wd->loop, fd, POLLIN, on_read_one, wd, &wd->w[0], &err),
        0);
    close(fd);
    assert_int_equal(xsr_loop_run(wd->loop, &err), -1);
    assert_int_equal(err.kind, XSR_E_BUG);
    assert_int_equal(wd->n_fd[0], 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_to_wait_for_ends),         TEST(data_then_hangup),
        TEST(removed_watch_is_not_called),      TEST(timers_fire_in_order_once),
        TEST(deleted_timer_does_not_fire),      TEST(quit_leaves_the_rest),
        TEST(callback_may_run_the_loop),        TEST(signals_only_make_rounds),
        TEST(closed_fd_is_an_error_not_a_spin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
