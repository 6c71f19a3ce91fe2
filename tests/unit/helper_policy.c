/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in policy against libxenguest's loop as the specification tells
 * it, then the limits of the environment over simulated rounds: a guest that
 * comes down, one that never does, one that gets worse.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "helper/policy.c"

static void clear_env(void)
{
    unsetenv("XENSR_MAX_ROUNDS");
    unsetenv("XENSR_MIN_REMAINING");
    unsetenv("XENSR_TARGET_DOWNTIME_MS");
    unsetenv("XENSR_ABORT_IF_BUSY");
}

static struct xsr_precopy with(const char *name, const char *value,
                               const char *name2, const char *value2)
{
    struct xsr_precopy p;
    struct xsr_err err;

    clear_env();
    if (name)
        setenv(name, value, 1);
    if (name2)
        setenv(name2, value2, 1);
    assert_int_equal(xsr_precopy_init(&p, &err), 0);
    return p;
}

/*
 * libxenguest's loop. Sends pages_per_ms; dirty[i] pages are found before
 * round i. Rounds sent live; *decision_out the last decision.
 */
static unsigned live_rounds(struct xsr_precopy *p, unsigned pages_per_ms,
                            const int64_t *dirty, size_t n, int *decision_out)
{
    unsigned x = 0, sent = 0, iteration = 0;
    uint64_t now = 1000;
    int d;

    for (;;) {
        int64_t count = dirty[x < n ? x : n - 1];

        d = xsr_precopy_ask(p, iteration, count, now);
        x++;
        if (d != XSR_POLICY_ABORT && count) {
            now += (uint64_t)count / pages_per_ms;
            sent++;
        }
        if (d != XSR_POLICY_CONTINUE)
            break;
        iteration = x;
        d = xsr_precopy_ask(p, iteration, -1, now);
        if (d != XSR_POLICY_CONTINUE)
            break;
        assert_true(sent < 2000);
    }
    *decision_out = d;
    return sent;
}
#define ROUNDS(p, rate, dirty, d) \
    live_rounds(p, rate, dirty, sizeof(dirty) / sizeof(dirty[0]), d)

static void built_in_is_libxenguests(void **state)
{
    static const int64_t busy[] = {262144, 9000}, falls[] = {262144, 700, 49},
                         edge[] = {262144, 50, 49}, tiny[] = {49},
                         none[] = {262144, 0};
    struct xsr_precopy p;
    int d;

    (void)state;
    p = with(NULL, NULL, NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, busy, &d), 5);
    assert_int_equal(d, XSR_POLICY_STOP);
    p = with(NULL, NULL, NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, falls, &d), 3);
    p = with(NULL, NULL, NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, edge, &d), 3);
    p = with(NULL, NULL, NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, tiny, &d), 1);
    p = with(NULL, NULL, NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, none, &d), 1);
    assert_int_equal(d, XSR_POLICY_STOP);
}

static void rounds_and_remainder_can_be_set(void **state)
{
    static const int64_t busy[] = {262144, 9000};
    struct xsr_precopy p;
    int d;

    (void)state;
    p = with("XENSR_MAX_ROUNDS", "1", NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, busy, &d), 1);
    p = with("XENSR_MAX_ROUNDS", "12", NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, busy, &d), 12);
    p = with("XENSR_MIN_REMAINING", "9001", NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, busy, &d), 2);
    assert_int_equal(d, XSR_POLICY_STOP);
}

/* 100 pages a millisecond: 30 ms are 3000 pages. */
static void a_target_is_measured(void **state)
{
    static const int64_t falls[] = {262144, 80000, 29000, 9000, 2900, 2000};
    static const int64_t rises[] = {262144, 80000, 79000, 79500, 79900};
    struct xsr_precopy p;
    int d;

    (void)state;
    p = with("XENSR_TARGET_DOWNTIME_MS", "30", NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, falls, &d), 5);
    assert_int_equal(d, XSR_POLICY_STOP);
    /* the same guest over a faster line needs less rounds */
    p = with("XENSR_TARGET_DOWNTIME_MS", "30", NULL, NULL);
    assert_int_equal(ROUNDS(&p, 1000, falls, &d), 3);
    /* no gain any more: the rest of the rounds would only cost time */
    p = with("XENSR_TARGET_DOWNTIME_MS", "30", NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, rises, &d), 3);
    assert_int_equal(d, XSR_POLICY_STOP);
}

static void a_busy_guest_can_be_left_alone(void **state)
{
    static const int64_t busy[] = {262144, 9000}, falls[] = {262144, 700, 49};
    static const int64_t late[] = {262144, 900, 800, 700, 600, 40};
    struct xsr_precopy p;
    struct xsr_err err;
    int d;

    (void)state;
    p = with("XENSR_ABORT_IF_BUSY", "yes", NULL, NULL);
    assert_int_equal(ROUNDS(&p, 100, busy, &d), 5);
    assert_int_equal(d, XSR_POLICY_ABORT);
    assert_int_equal(xsr_precopy_fail(&p, &err), -1);
    assert_int_equal(xsr_err_errno(&err), EBUSY);
    assert_non_null(strstr(err.text, "after 5 rounds 9000 pages are left"));
    assert_non_null(strstr(err.text, "the limit is 50 pages"));
    p = with("XENSR_ABORT_IF_BUSY", "yes", NULL, NULL);
    ROUNDS(&p, 100, falls, &d);
    assert_int_equal(d, XSR_POLICY_STOP);
    /* small at the very last look: good enough */
    p = with("XENSR_ABORT_IF_BUSY", "yes", NULL, NULL);
    ROUNDS(&p, 100, late, &d);
    assert_int_equal(d, XSR_POLICY_STOP);
    p = with("XENSR_ABORT_IF_BUSY", "yes", "XENSR_TARGET_DOWNTIME_MS", "30");
    assert_int_equal(ROUNDS(&p, 100, busy, &d), 2);
    assert_int_equal(d, XSR_POLICY_ABORT);
    assert_int_equal(xsr_precopy_fail(&p, &err), -1);
    assert_non_null(strstr(err.text, "(91 ms), the limit is 30 ms of pause"));
}

static void bad_values_are_refused(void **state)
{
    static const char *const bad[][2] = {
        {"XENSR_MAX_ROUNDS", "0"},
        {"XENSR_MAX_ROUNDS", "many"},
        {"XENSR_MAX_ROUNDS", "5 "},
        {"XENSR_MAX_ROUNDS", "1001"},
        {"XENSR_MIN_REMAINING", "-1"},
        {"XENSR_MIN_REMAINING", "4294967296"},
        {"XENSR_TARGET_DOWNTIME_MS", "0"},
        {"XENSR_TARGET_DOWNTIME_MS", "99999999999999999999"},
        {"XENSR_TARGET_DOWNTIME_MS", "1.5"},
        {"XENSR_ABORT_IF_BUSY", "1"},
    };
    struct xsr_precopy p;
    struct xsr_err err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        clear_env();
        setenv(bad[i][0], bad[i][1], 1);
        assert_int_equal(xsr_precopy_init(&p, &err), -1);
        assert_int_equal(err.kind, XSR_E_UNSUPPORTED);
        assert_non_null(strstr(err.text, bad[i][0]));
        assert_non_null(strstr(err.text, bad[i][1]));
    }
    p = with("XENSR_MAX_ROUNDS", "", "XENSR_ABORT_IF_BUSY", "no");
    assert_int_equal(p.max_rounds, 5);
    assert_false(p.abort_if_busy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_is_libxenguests),
        cmocka_unit_test(rounds_and_remainder_can_be_set),
        cmocka_unit_test(a_target_is_measured),
        cmocka_unit_test(a_busy_guest_can_be_left_alone),
        cmocka_unit_test(bad_values_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
