/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/helper/helper_run and helper_msgs against helpers of every kind. The
 * helper is this program again: what it does is named in FAKE_HELPER. (What a
 * shell can do badly is in tests/run/misbehaving-helper-*.sh.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/fd.h"
#include "plugin/helper/helper_run.h"
#include "tests/fake/save_helper.h"

#define BEHIND "behind it"

/* ---- the parent --------------------------------------------------------- */

static struct xsr_loop *loop;
static struct xsr_helper h;
static struct xsr_err err;
static struct xsr_helper_results results;
static int n_done, stream[2];
static char log_text[4096];
static bool log_everything;

static void on_line(void *ctx, enum xsr_level level, const char *text)
{
    size_t len = strlen(log_text);

    (void)ctx;
    if (level == XSR_LOG_DEBUG && !log_everything)
        return;
    snprintf(log_text + len, sizeof(log_text) - len, "%s: %s\n",
             xsr_level_name(level), text);
}
static const struct xsr_log log_here = {
    .on_line = on_line,
    .max_level = XSR_LOG_DEBUG,
};

static void on_done(void *ctx, const struct xsr_err *why,
                    const struct xsr_helper_results *r)
{
    (void)ctx;
    n_done++;
    if (why)
        err = *why;
    results = *r;
    xsr_loop_quit(loop);
}

static int setup(void **state)
{
    (void)state;
    xsr_err_clear(&err);
    n_done = 0;
    log_text[0] = '\0';
    memset(&results, 0, sizeof(results));
    if (xsr_loop_new(&loop, &err) < 0 || xsr_pipe(stream, &err) < 0)
        return -1;
    xsr_helper_init(&h);
    h.loop = loop;
    h.log = &log_here;
    h.path = "/proc/self/exe";
    h.stream_fd = stream[0];
    h.domid = 7;
    h.store_port = 11;
    h.console_port = 12;
    h.console_domid = 3;
    h.image_pos = 1000;
    h.image_pos_known = true;
    h.ack_ms = h.term_ms = h.stall_ms = h.hang_ms = 20000;
    h.on_done = on_done;
    return 0;
}

/* Nothing may be left: no child, no descriptor of the run. */
static int teardown(void **state)
{
    int rc;

    (void)state;
    rc = waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : -1;
    if (h.to_fd != -1 || h.from_fd != -1 || h.child.watch_fd != -1)
        rc = -1;
    xsr_helper_fini(&h);
    xsr_loop_free(loop);
    xsr_close(&stream[0]);
    xsr_close(&stream[1]);
    return rc;
}

static void feed(const char *text)
{
    assert_int_equal(
        xsr_write_all(stream[1], text, strlen(text), "stream", &err), 0);
}

static void run(const char *way)
{
    struct xsr_err loop_err = XSR_ERR_INIT;

    setenv("FAKE_HELPER", way, 1);
    assert_int_equal(xsr_helper_start(&h, &err), 0);
    assert_int_equal(xsr_loop_run(loop, &loop_err), 0);
    assert_int_equal(n_done, 1);
    assert_false(xsr_helper_running(&h));
}

static void must_fail(enum xsr_kind kind, const char *word)
{
    if (err.kind != kind || !strstr(err.text, word))
        fail_msg("%s: \"%s\" (wanted %s: \"%s\")", xsr_kind_name(err.kind),
                 err.text, xsr_kind_name(kind), word);
}

static void must_succeed(void)
{
    if (err.kind != XSR_E_OK)
        fail_msg("%s", err.text);
    assert_int_equal(results.store_gfn, STORE);
    assert_int_equal(results.console_gfn, CONSOLE);
}

static void test_good(void **state)
{
    char left[32] = "";

    (void)state;
    feed(IMAGE BEHIND);
    run("good");
    must_succeed();
    assert_string_equal(log_text, "info: xc: Found x86 PV domain\n");
    /* the helper took its bytes and nobody took more */
    assert_int_equal(read(stream[0], left, sizeof(left)), strlen(BEHIND));
    assert_string_equal(left, BEHIND);
}

static void test_stream_as_standard_input(void **state)
{
    int saved = dup(0);

    (void)state;
    feed(IMAGE);
    dup2(stream[0], 0);
    h.stream_fd = 0;
    run("good");
    dup2(saved, 0);
    close(saved);
    must_succeed();
}

static void test_messages_may_come_in_bytes(void **state)
{
    (void)state;
    feed(IMAGE);
    h.stall_ms = 400;
    run("slowly");
    must_succeed();
}

static void test_floods_of_words_block_nobody(void **state)
{
    (void)state;
    feed(IMAGE);
    run("floods");
    must_succeed();
    assert_int_equal(results.missing, 1);
    assert_non_null(strstr(log_text, "CPUID"));
}

static void test_extension_messages_are_ignored(void **state)
{
    (void)state;
    feed(IMAGE);
    run("extends");
    must_succeed();
}

static void test_refusal_names_the_cause_and_place(void **state)
{
    (void)state;
    run("refuses");
    must_fail(XSR_E_FORMAT, "found count 0");
    must_fail(XSR_E_FORMAT, "image begins at byte 1000");
    assert_int_equal(err.offset, 1040);
    /* the other line is logged, the cause is not logged twice */
    assert_string_equal(log_text,
                        "error: some library line: Input/output error\n");
}

static void test_stock_helper_at_end_of_file(void **state)
{
    (void)state;
    run("stock-eof");
    must_fail(XSR_E_EOF, "Failed to read Record Header");
    assert_int_equal(err.offset, XSR_NO_OFFSET);
}

static void test_errno_decides_the_kind(void **state)
{
    static const struct {
        const char *way;
        enum xsr_kind kind;
    } cases[] = {
        {"errno-74", XSR_E_FORMAT}, {"errno-61", XSR_E_EOF},
        {"errno-0", XSR_E_EOF},     {"errno-95", XSR_E_UNSUPPORTED},
        {"errno-12", XSR_E_NOMEM},  {"errno-125", XSR_E_STOPPED},
        {"errno-22", XSR_E_XEN},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run(cases[i].way);
        must_fail(cases[i].kind, "guest image");
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

static void test_death_is_told_with_its_last_words(void **state)
{
    (void)state;
    run("says-and-dies");
    must_fail(XSR_E_PEER, "signal 9");
    must_fail(XSR_E_PEER, "the reason");
}

static void test_what_was_not_offered_is_refused(void **state)
{
    run("asks");
    must_fail(XSR_E_PEER, "checkpoint, which was not offered");
    assert_int_equal(teardown(state), 0);
    assert_int_equal(setup(state), 0);
    run("asks-suspend");
    must_fail(XSR_E_PEER, "suspend, which was not offered");
}

static void test_too_late_is_refused(void **state)
{
    (void)state;
    feed(IMAGE);
    run("late-static");
    must_fail(XSR_E_PEER, "static_data_done too late");
}

static void on_stop_time(void *ctx)
{
    struct xsr_err why = XSR_ERR_INIT;

    (void)ctx;
    xsr_fail(&why, XSR_E_STOPPED, "somebody said so");
    xsr_helper_stop(&h, &why);
    xsr_helper_stop(&h, &why);
}

static void test_ignoring_sigterm_does_not_help(void **state)
{
    struct xsr_loop_timer *t;

    (void)state;
    h.term_ms = 200;
    xsr_loop_add_timer(loop, 300, on_stop_time, NULL, &t, &err);
    run("stubborn");
    must_fail(XSR_E_STOPPED, "somebody");
    assert_non_null(strstr(log_text, "SIGTERM"));
}

static void test_half_a_message_has_a_limit(void **state)
{
    (void)state;
    h.stall_ms = 300;
    run("half");
    must_fail(XSR_E_TIMEOUT, "middle of a message");
}

static void test_ignored_input_has_a_limit(void **state)
{
    (void)state;
    feed(IMAGE);
    h.hang_ms = 300;
    run("does-nothing");
    must_fail(XSR_E_TIMEOUT, "no sign of life");
}

static void on_feed_time(void *ctx)
{
    (void)ctx;
    feed(IMAGE);
}

static void test_a_slow_stream_has_none(void **state)
{
    struct xsr_loop_timer *t;

    (void)state;
    h.hang_ms = h.stall_ms = 200;
    xsr_loop_add_timer(loop, 1800, on_feed_time, NULL, &t, &err);
    run("good");
    must_succeed();
}

static void test_exit_after_complete_has_a_limit(void **state)
{
    (void)state;
    feed(IMAGE);
    h.ack_ms = 200;
    run("stays");
    must_fail(XSR_E_TIMEOUT, "after completion");
}

static void test_a_missing_program_is_named(void **state)
{
    (void)state;
    h.path = "/nonexistent/helper";
    assert_int_equal(xsr_helper_start(&h, &err), -1);
    must_fail(XSR_E_IO, "/nonexistent/helper");
    assert_int_equal(n_done, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good),
        TEST(test_stream_as_standard_input),
        TEST(test_messages_may_come_in_bytes),
        TEST(test_floods_of_words_block_nobody),
        TEST(test_extension_messages_are_ignored),
        TEST(test_refusal_names_the_cause_and_place),
        TEST(test_stock_helper_at_end_of_file),
        TEST(test_errno_decides_the_kind),
        TEST(test_death_is_told_with_its_last_words),
        TEST(test_what_was_not_offered_is_refused),
        TEST(test_too_late_is_refused),
        TEST(test_ignoring_sigterm_does_not_help),
        TEST(test_half_a_message_has_a_limit),
        TEST(test_ignored_input_has_a_limit),
        TEST(test_a_slow_stream_has_none),
        TEST(test_exit_after_complete_has_a_limit),
        TEST(test_a_missing_program_is_named),
    };

    if (argc > 1)
        return helper_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
