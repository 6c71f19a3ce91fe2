/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/helper on the side of a save: what it tells the helper to do, answers
 * that come later, what the helper reports, supervision of one that writes,
 * and stopping one that needs answers to clean up. The helper is this program
 * again; what it does is named in FAKE_HELPER.
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

#define IMAGE "the guest image"

/* ---- the helper ---------------------------------------------------------- */

static struct xsr_err cerr;
static int stream_fd;
static volatile sig_atomic_t got_term;

static void tell(const struct xsr_ipc_msg *m)
{
    struct xsr_buf buf = XSR_BUF_INIT;

    if (xsr_ipc_put(&buf, XSR_IPC_G7, m, &cerr) < 0 ||
        xsr_write_all(1, buf.p, buf.len, "message", &cerr) < 0)
        _exit(90);
    xsr_buf_fini(&buf);
}

static int32_t answer_of(void)
{
    int32_t value = 4711;

    if (xsr_read_exact(0, &value, sizeof(value), "answer", &cerr) < 0)
        _exit(91);
    return value;
}

static int32_t ask_suspend(void)
{
    tell(&(struct xsr_ipc_msg){.msg = XSR_MSG_SUSPEND});
    return answer_of();
}

static int32_t ask_logdirty(uint32_t enable)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_SWITCH_LOGDIRTY};

    m.u.logdirty.domid = 7;
    m.u.logdirty.enable = enable;
    tell(&m);
    return answer_of();
}

static void progress(const char *what, uint64_t done, uint64_t total)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_PROGRESS};

    m.u.progress.context = "xc";
    m.u.progress.what = what;
    m.u.progress.done = done;
    m.u.progress.total = total;
    tell(&m);
}

static void end(int32_t retval, int32_t errnoval)
{
    struct xsr_ipc_msg m = {.msg = XSR_MSG_COMPLETE};

    m.u.complete.retval = retval;
    m.u.complete.errnoval = errnoval;
    tell(&m);
    answer_of();
}

static void write_image(void)
{
    if (xsr_write_all(stream_fd, IMAGE, sizeof(IMAGE) - 1, "image", &cerr) < 0)
        _exit(92);
}

static void be_good(void)
{
    if (ask_logdirty(1) != 0 || ask_suspend() != 1 || ask_logdirty(0) != 0)
        _exit(93);
    write_image();
    end(0, 0);
}

static void be_live(void)
{
    progress("Frames iteration 0", 0, 1000);
    progress("Frames iteration 0", 1000, 1000);
    progress("Frames iteration 1", 0, 10);
    progress("Frames iteration 1", 10, 10);
    if (ask_suspend() != 1)
        _exit(94);
    progress("Frames iteration 2", 0, 3);
    progress("Frames iteration 2", 3, 3);
    write_image();
    end(0, 0);
}

static void be_refused(void)
{
    if (ask_suspend() != 0)
        _exit(95);
    end(-1, 0);
}

static void on_term(int sig)
{
    (void)sig;
    got_term = 1;
}

/* As ours does: after SIGTERM it cleans up with its parent's help. */
static void clean_up_when_stopped(void)
{
    struct sigaction sa = {.sa_handler = on_term};

    sigaction(SIGTERM, &sa, NULL);
    if (ask_logdirty(1) != 0)
        _exit(96);
    while (!got_term)
        usleep(1000);
    if (ask_logdirty(0) != 0)
        _exit(97);
    end(-1, ECANCELED);
}

static void block_in_write(void)
{
    static char page[65536];

    while (write(stream_fd, page, sizeof(page)) > 0)
        ;
    end(-1, errno);
}

static void do_nothing(void)
{
    while (true)
        pause();
}

static void ask_and_die(void)
{
    tell(&(struct xsr_ipc_msg){.msg = XSR_MSG_SUSPEND});
    raise(SIGKILL);
}

static int helper_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = {
        {"good", be_good},
        {"live", be_live},
        {"refused", be_refused},
        {"cleans-up", clean_up_when_stopped},
        {"blocks", block_in_write},
        {"does-nothing", do_nothing},
        {"asks-and-dies", ask_and_die},
    };
    const char *way = getenv("FAKE_HELPER"), *flags = getenv("FAKE_FLAGS");
    size_t i;

    if (argc != 8 || strcmp(argv[1], "--save-domain") != 0 ||
        strcmp(argv[3], "-1") != 0 || strcmp(argv[4], "7") != 0 ||
        strcmp(argv[5], flags) != 0 || strcmp(argv[6], "136") != 0 ||
        strcmp(argv[7], "0") != 0)
        return 80;
    signal(SIGPIPE, SIG_IGN);
    stream_fd = (int)strtol(argv[2], NULL, 10);
    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(way, ways[i].name) == 0)
            ways[i].run();
    return 0;
}

/* ---- the parent ---------------------------------------------------------- */

static struct xsr_loop *loop;
static struct xsr_helper h;
static struct xsr_err err;
static struct xsr_helper_results results;
static int n_done, stream[2], n_requests, last_answer;
static struct xsr_loop_timer *later;
static unsigned answer_after_ms;
static int32_t suspend_answer;

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

static void give_answer(void *ctx)
{
    (void)ctx;
    xsr_helper_answer(&h, last_answer);
    xsr_helper_answer(&h, 12345); /* nobody waits for it */
}

static void on_request(void *ctx, const struct xsr_ipc_msg *m)
{
    (void)ctx;
    n_requests++;
    last_answer = m->msg == XSR_MSG_SUSPEND ? suspend_answer : 0;
    if (answer_after_ms)
        xsr_loop_add_timer(loop, answer_after_ms, give_answer, NULL, &later,
                           &err);
    else
        give_answer(NULL);
}

static int setup(void **state)
{
    (void)state;
    xsr_err_clear(&err);
    n_done = n_requests = 0;
    answer_after_ms = 0;
    suspend_answer = 1;
    if (xsr_loop_new(&loop, &err) < 0 || xsr_pipe(stream, &err) < 0)
        return -1;
    xsr_helper_init(&h);
    h.loop = loop;
    h.path = "/proc/self/exe";
    h.side = XSR_IPC_SAVE;
    h.stream_fd = stream[1];
    h.domid = 7;
    h.ack_ms = h.term_ms = h.stall_ms = h.hang_ms = 20000;
    h.on_request = on_request;
    h.on_done = on_done;
    setenv("FAKE_FLAGS", "0", 1);
    return 0;
}

static int teardown(void **state)
{
    int rc;

    (void)state;
    rc = waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : -1;
    if (h.to_fd != -1 || h.from_fd != -1 || h.child.watch_fd != -1)
        rc = -1;
    xsr_helper_fini(&h);
    xsr_loop_del_timer(loop, &later);
    xsr_loop_free(loop);
    xsr_close(&stream[0]);
    xsr_close(&stream[1]);
    return rc;
}

static void run(const char *way)
{
    struct xsr_err loop_err = XSR_ERR_INIT;

    setenv("FAKE_HELPER", way, 1);
    assert_int_equal(xsr_helper_start(&h, &err), 0);
    assert_int_equal(xsr_loop_run(loop, &loop_err), 0);
    assert_int_equal(n_done, 1);
}

static void must_succeed(void)
{
    if (err.kind != XSR_E_OK)
        fail_msg("%s", err.text);
}

static void must_fail(enum xsr_kind kind, const char *word)
{
    if (err.kind != kind || !strstr(err.text, word))
        fail_msg("%s: \"%s\" (wanted %s: \"%s\")", xsr_kind_name(err.kind),
                 err.text, xsr_kind_name(kind), word);
}

static void stop_now(void *ctx)
{
    struct xsr_err why = XSR_ERR_INIT;

    (void)ctx;
    xsr_fail(&why, XSR_E_STOPPED, "somebody said so");
    xsr_helper_stop(&h, &why);
}

/* ---- tests --------------------------------------------------------------- */

static void test_questions_are_answered(void **state)
{
    (void)state;
    run("good");
    must_succeed();
    assert_int_equal(n_requests, 3);
    assert_int_equal(results.written, sizeof(IMAGE) - 1);
}

static void test_answers_may_come_later(void **state)
{
    (void)state;
    answer_after_ms = 300;
    h.hang_ms = h.stall_ms = h.ack_ms = h.term_ms = 100; /* not its fault */
    run("good");
    must_succeed();
}

static void test_flags(void **state)
{
    (void)state;
    h.live = h.verify = true;
    setenv("FAKE_FLAGS", "3", 1);
    run("good");
    must_succeed();
}

static void test_rounds_and_pages_are_counted(void **state)
{
    (void)state;
    h.live = true;
    h.most_pages = 600;
    setenv("FAKE_FLAGS", "1", 1);
    run("live");
    must_succeed();
    assert_int_equal(results.n_rounds, 2); /* before the suspend */
    assert_int_equal(results.n_pages, 600 + 10 + 3);
    assert_int_equal(results.round_pages, 10);
}

static void test_a_refused_suspend_is_a_failure(void **state)
{
    (void)state;
    suspend_answer = 0;
    run("refused");
    must_fail(XSR_E_PEER, "does not say why");
}

static void test_a_stopped_one_cleans_up(void **state)
{
    struct xsr_loop_timer *t;

    (void)state;
    answer_after_ms = 50;
    xsr_loop_add_timer(loop, 200, stop_now, NULL, &t, &err);
    run("cleans-up");
    must_fail(XSR_E_STOPPED, "somebody");
    assert_int_equal(n_requests, 2);
    assert_int_equal(h.n_kills, 1); /* SIGKILL was not needed */
}

static void test_a_slow_reader_is_no_hang(void **state)
{
    struct xsr_loop_timer *t;

    (void)state;
    h.hang_ms = 200;
    h.term_ms = 200;
    xsr_loop_add_timer(loop, 1800, stop_now, NULL, &t, &err);
    run("blocks");
    must_fail(XSR_E_STOPPED, "somebody");
}

static void test_silence_although_it_could_write_is_one(void **state)
{
    (void)state;
    h.hang_ms = 300;
    run("does-nothing");
    must_fail(XSR_E_TIMEOUT, "although it could write");
}

static void test_a_reader_that_goes_is_named(void **state)
{
    (void)state;
    xsr_close(&stream[0]);
    run("blocks");
    must_fail(XSR_E_IO, "the reader closed the stream");
}

static void test_death_before_the_answer(void **state)
{
    (void)state;
    answer_after_ms = 5000;
    run("asks-and-dies");
    must_fail(XSR_E_PEER, "signal 9");
    xsr_helper_answer(&h, 1); /* too late, and harmless */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_questions_are_answered),
        TEST(test_answers_may_come_later),
        TEST(test_flags),
        TEST(test_rounds_and_pages_are_counted),
        TEST(test_a_refused_suspend_is_a_failure),
        TEST(test_a_stopped_one_cleans_up),
        TEST(test_a_slow_reader_is_no_hang),
        TEST(test_silence_although_it_could_write_is_one),
        TEST(test_a_reader_that_goes_is_named),
        TEST(test_death_before_the_answer),
    };

    if (argc > 1)
        return helper_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
