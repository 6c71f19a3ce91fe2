/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches: what fires them, across processes, and the pollable fd. */
#include <poll.h>

#include "stubs/world/world.h"
#include "tests/unit-sim/xs_host.h"

/* The next event as "path token", "(none)" if there is none. Static memory. */
static const char *event(struct xsr_store *xs)
{
    static char out[5000];
    char **e;

    if (xsr_store_next_event(xs, false, &e))
        return errno == EAGAIN ? "(none)" : strerror(errno);
    snprintf(out, sizeof(out), "%s %s", e[0], e[1]);
    free(e);
    return out;
}

/* A watch with its first event read. */
static void watch(struct xsr_store *xs, const char *path, const char *token)
{
    char want[200];

    snprintf(want, sizeof(want), "%s %s", path, token);
    assert_int_equal(xsr_store_watch(xs, path, token), 0);
    assert_string_equal(event(xs), want);
    assert_string_equal(event(xs), "(none)");
}

static void unwatch(struct xsr_store *xs, const char *path, const char *token)
{
    assert_int_equal(xsr_store_unwatch(xs, path, token), 0);
}

static bool readable(struct xsr_store *xs, int ms)
{
    struct pollfd p = {.fd = xsr_store_fileno(xs), .events = POLLIN};

    return poll(&p, 1, ms) == 1;
}

static void changes_at_and_below_fire(void **state)
{
    watch(*state, "/w", "tok");
    put(*state, 0, "/w", "1");
    assert_string_equal(event(*state), "/w tok");
    put(*state, 0, "/w/a/b", "1");
    assert_string_equal(event(*state), "/w/a/b tok");
    assert_int_equal(xsr_store_mkdir(*state, 0, "/w/d"), 0);
    assert_string_equal(event(*state), "/w/d tok");
    put(*state, 0, "/w2", "1");
    put(*state, 0, "/", "1");
    assert_string_equal(event(*state), "(none)");
    unwatch(*state, "/w", "tok");
}

static void permissions_fire(void **state)
{
    static const struct xsr_store_perm p[] = {{0, 0}, {3, XSR_STORE_READ}};

    put(*state, 0, "/p/a", "1");
    watch(*state, "/p", "t");
    assert_int_equal(xsr_store_set_perms(*state, 0, "/p/a", p, 2), 0);
    assert_string_equal(event(*state), "/p/a t");
    unwatch(*state, "/p", "t");
}

static void removal_fires_above_and_exactly_below(void **state)
{
    put(*state, 0, "/r/a/b/c", "1");
    watch(*state, "/r", "above");
    watch(*state, "/r/a/b", "below");
    assert_int_equal(xsr_store_rm(*state, 0, "/r/a"), 0);
    assert_string_equal(event(*state), "/r/a/b below");
    assert_string_equal(event(*state), "/r/a above");
    assert_string_equal(event(*state), "(none)");
    unwatch(*state, "/r", "above");
    unwatch(*state, "/r/a/b", "below");
}

static void relative_watches_stay_relative(void **state)
{
    watch(*state, "rel", "t");
    put(*state, 0, "/local/domain/0/rel/x", "1");
    assert_string_equal(event(*state), "rel/x t");
    unwatch(*state, "rel", "t");
}

static void same_watch_twice_is_refused(void **state)
{
    watch(*state, "/s", "t");
    assert_int_equal(xsr_store_watch(*state, "/s", "t"), -1);
    assert_int_equal(errno, EEXIST);
    watch(*state, "/s", "t2");
    put(*state, 0, "/s", "1");
    unwatch(*state, "/s", "t");
    /* the removed one's event went with it */
    assert_string_equal(event(*state), "/s t2");
    assert_string_equal(event(*state), "(none)");
    unwatch(*state, "/s", "t2");
    assert_int_equal(xsr_store_unwatch(*state, "/s", "t2"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(xsr_store_watch(*state, "/s/", "t"), -1);
    assert_int_equal(errno, EINVAL);
}

static void transactions_fire_at_their_end(void **state)
{
    uint32_t t;

    watch(*state, "/t", "k");
    t = start(*state);
    put(*state, t, "/t/a", "1");
    put(*state, t, "/t/b", "1");
    put(*state, t, "/t/a", "2");
    assert_string_equal(event(*state), "(none)");
    assert_int_equal(xsr_store_txn_end(*state, t, false), 0);
    assert_string_equal(event(*state), "/t/a k");
    assert_string_equal(event(*state), "/t/b k");
    assert_string_equal(event(*state), "(none)");
    unwatch(*state, "/t", "k");
}

static void write_far(struct xsr_store *xs)
{
    if (xsr_store_write(xs, 0, "/far/x", "1", 1))
        _exit(2);
}

static void the_fd_wakes_for_other_processes(void **state)
{
    watch(*state, "/far", "k");
    while (readable(*state, 0))
        assert_string_equal(event(*state), "(none)");
    elsewhere(write_far);
    assert_true(readable(*state, 5000));
    assert_string_equal(event(*state), "/far/x k");
    while (readable(*state, 0))
        assert_string_equal(event(*state), "(none)");
    unwatch(*state, "/far", "k");
}

static void the_fd_wakes_for_this_process(void **state)
{
    struct xsr_store *other;

    assert_int_equal(xsr_store_open(&other), 0);
    watch(*state, "/near", "k");
    while (readable(*state, 0))
        assert_string_equal(event(*state), "(none)");
    put(other, 0, "/near/x", "1");
    put(other, 0, "/near/y", "1");
    assert_true(readable(*state, 0));
    assert_string_equal(event(*state), "/near/x k");
    assert_true(readable(*state, 0));
    assert_string_equal(event(*state), "/near/y k");
    xsr_store_close(other);
    unwatch(*state, "/near", "k");
}

static void blocking_read_waits_for_another_process(void **state)
{
    char **e;

    watch(*state, "/late", "k");
    if (fork() == 0) {
        struct xsr_store *xs;

        /* until the parent sleeps in poll is as good as any moment */
        usleep(50000);
        _exit(xsr_store_open(&xs) || xsr_store_write(xs, 0, "/late", "1", 1));
    }
    alarm(20);
    assert_int_equal(xsr_store_next_event(*state, true, &e), 0);
    alarm(0);
    assert_string_equal(e[0], "/late");
    free(e);
    assert_true(wait(NULL) > 0);
    unwatch(*state, "/late", "k");
}

static void fire_release(struct xsr_store *xs)
{
    (void)xs;
    xsr_xs_fire_special("@releaseDomain");
}

static void special_watches_fire_only_by_name(void **state)
{
    watch(*state, "@releaseDomain", "r");
    watch(*state, "@introduceDomain", "i");
    watch(*state, "/", "root");
    elsewhere(fire_release);
    assert_string_equal(event(*state), "@releaseDomain r");
    assert_string_equal(event(*state), "(none)");
    xsr_xs_fire_special("@introduceDomain");
    assert_string_equal(event(*state), "@introduceDomain i");
    assert_string_equal(event(*state), "(none)");
    unwatch(*state, "@releaseDomain", "r");
    unwatch(*state, "@introduceDomain", "i");
    unwatch(*state, "/", "root");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_at_and_below_fire),
        cmocka_unit_test(permissions_fire),
        cmocka_unit_test(removal_fires_above_and_exactly_below),
        cmocka_unit_test(relative_watches_stay_relative),
        cmocka_unit_test(same_watch_twice_is_refused),
        cmocka_unit_test(transactions_fire_at_their_end),
        cmocka_unit_test(the_fd_wakes_for_other_processes),
        cmocka_unit_test(the_fd_wakes_for_this_process),
        cmocka_unit_test(blocking_read_waits_for_another_process),
        cmocka_unit_test(special_watches_fire_only_by_name),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
