/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/emu/qmp against a scripted device model: a thread that listens where
 * QEMU would, and says and expects what a test tells it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "plugin/emu/qmp.h"

#define GREETING                                                        \
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, " \
    "\"major\": 7}, \"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n"
#define OK(id) "{\"return\": {}, \"id\": " #id "}\r\n"

/* One thing the device model does: say (and then nothing), or await a line. */
struct act {
    const char *say, *await;
};

static char dir[300];
static const struct act *script;
static pthread_t server;
static int listener = -1, passed = -1;
static char missed[300]; /* what was awaited, and what came */

static struct xsr_loop *loop;
static struct xsr_qmp q;
static struct xsr_err err;
static json_t *result;
static int n_done;

/* ---- the device model ---------------------------------------------------- */

static bool get_line(int fd, char *line, size_t size)
{
    char control[CMSG_SPACE(sizeof(int))];
    size_t n = 0;
    ssize_t r;

    while (n + 1 < size) {
        struct iovec iov = {line + n, 1};
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof(control)};

        r = recvmsg(fd, &m, 0);
        if (r <= 0)
            return false;
        if (m.msg_controllen)
            memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
        if (line[n] == '\n')
            break;
        n++;
    }
    line[n] = '\0';
    return true;
}

static void *serve(void *arg)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    const struct act *a;
    char line[1000];

    (void)arg;
    for (a = script; fd >= 0 && (a->say || a->await); a++) {
        if (a->say && send(fd, a->say, strlen(a->say), MSG_NOSIGNAL) < 0)
            break;
        if (!a->await)
            continue;
        if (!get_line(fd, line, sizeof(line)))
            snprintf(line, sizeof(line), "(closed)");
        if (!strstr(line, a->await))
            snprintf(missed, sizeof(missed), "%s: %.200s", a->await, line);
    }
    close(fd);
    return NULL;
}

static void listen_here(const struct act *acts)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char *name = NULL;
    int top = open(dir, O_PATH);

    script = acts;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/qmp-libxl-7",
             top);
    assert_return_code(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_return_code(listen(listener, 1), 0);
    close(top);
    free(name);
    assert_int_equal(pthread_create(&server, NULL, serve, NULL), 0);
}

/* ---- us ------------------------------------------------------------------ */

static void on_done(void *ctx, const struct xsr_err *why, json_t *answer)
{
    (void)ctx;
    n_done++;
    if (why)
        err = *why;
    result = json_incref(answer);
    xsr_loop_quit(loop);
}

static int setup(void **state)
{
    char base[] = "/tmp/xensr-qmp.XXXXXX";

    (void)state;
    xsr_err_clear(&err);
    missed[0] = '\0';
    result = NULL;
    passed = -1;
    n_done = 0;
    if (!mkdtemp(base))
        return -1;
    /* longer than the address of a socket may be */
    snprintf(dir, sizeof(dir), "%s/%0120d", base, 0);
    if (mkdir(dir, 0700) < 0 || xsr_loop_new(&loop, &err) < 0)
        return -1;
    xsr_qmp_init(&q);
    q.loop = loop;
    q.run_dir = dir;
    q.domid = 7;
    return 0;
}

static int teardown(void **state)
{
    char path[400];

    (void)state;
    xsr_qmp_close(&q);
    xsr_loop_free(loop);
    json_decref(result);
    if (listener >= 0) {
        close(listener);
        pthread_join(server, NULL);
    }
    listener = -1;
    if (passed >= 0)
        close(passed);
    snprintf(path, sizeof(path), "%s/qmp-libxl-7", dir);
    unlink(path);
    rmdir(dir);
    *strrchr(dir, '/') = '\0';
    return rmdir(dir);
}

static void ask(const char *command, json_t *args, int fd, unsigned ms)
{
    struct xsr_err mine = XSR_ERR_INIT;
    int before = n_done;

    assert_int_equal(
        xsr_qmp_ask(&q, command, args, fd, ms, on_done, NULL, &mine), 0);
    assert_int_equal(n_done, before);
    assert_true(xsr_qmp_busy(&q));
    assert_int_equal(xsr_loop_run(loop, &mine), 0);
    assert_int_equal(n_done, before + 1);
    assert_false(xsr_qmp_busy(&q));
}

static void must_fail(enum xsr_kind kind, const char *word)
{
    if (err.kind != kind || !strstr(err.text, word))
        fail_msg("%s: \"%s\" (wanted \"%s\")", xsr_kind_name(err.kind),
                 err.text, word);
    assert_non_null(strstr(err.text, "domain 7"));
}

static void must_succeed(void)
{
    assert_string_equal(err.text, "");
    assert_string_equal(missed, "");
    assert_true(json_is_object(result));
}

/* ---- tests --------------------------------------------------------------- */

static void test_two_commands_on_one_connection(void **state)
{
    static const struct act acts[] = {
        {GREETING, "\"qmp_capabilities\""},
        {OK(1), "{\"execute\":\"stop\",\"id\":2}"},
        {"{\"timestamp\": {\"seconds\": 1}, \"event\": \"STOP\"}\r\n", NULL},
        {OK(2), "\"arguments\":{\"enable\":true}"},
        {"{\"return\": {\"n\": 5}, \"id\": 3}\r\n", NULL},
        {NULL, NULL},
    };

    (void)state;
    listen_here(acts);
    ask("stop", NULL, -1, 5000);
    must_succeed();
    json_decref(result);
    ask("switch", json_pack("{s:b}", "enable", 1), -1, 5000);
    must_succeed();
    assert_int_equal(json_integer_value(json_object_get(result, "n")), 5);
    assert_int_equal(q.major, 7);
    assert_int_equal(q.minor, 2);
}

static void test_answers_may_come_in_pieces(void **state)
{
    static const struct act acts[] = {
        {"{\"QM", NULL},
        {"P\": {}}\r", NULL},
        {"\n", "qmp_capabilities"},
        {"{\"event\": \"X\"}\n{\"return\": 1, \"id\": 99}\n{\"retu", NULL},
        {"rn\": {}, \"id\": 1}\n", "stop"},
        {OK(2), NULL},
        {NULL, NULL},
    };

    (void)state;
    listen_here(acts);
    ask("stop", NULL, -1, 5000);
    must_succeed();
}

static void test_a_descriptor_is_passed(void **state)
{
    static const struct act acts[] = {
        {GREETING, "qmp_capabilities"},
        {OK(1), "add-fd"},
        {OK(2), NULL},
        {NULL, NULL},
    };
    int fds[2];
    char c = 0;

    (void)state;
    assert_return_code(pipe(fds), 0);
    listen_here(acts);
    ask("add-fd", NULL, fds[1], 5000);
    must_succeed();
    assert_true(passed >= 0);
    assert_int_equal(write(passed, "x", 1), 1);
    assert_int_equal(read(fds[0], &c, 1), 1);
    assert_int_equal(c, 'x');
    close(fds[0]);
    close(fds[1]);
}

static void test_a_refusal_is_told_and_survived(void **state)
{
    static const struct act acts[] = {
        {GREETING, "qmp_capabilities"},
        {OK(1), "stop"},
        {"{\"error\": {\"class\": \"GenericError\", \"desc\": \"not\\u0007 "
         "now\"}, \"id\": 2}\r\n",
         "cont"},
        {OK(3), NULL},
        {NULL, NULL},
    };

    (void)state;
    listen_here(acts);
    ask("stop", NULL, -1, 5000);
    must_fail(XSR_E_PEER, "refuses \"stop\": not\\x07 now");
    xsr_err_clear(&err);
    ask("cont", NULL, -1, 5000);
    must_succeed();
}

static void test_nobody_there(void **state)
{
    (void)state;
    ask("stop", NULL, -1, 5000);
    must_fail(XSR_E_PEER, "nobody listens");
    snprintf(dir + strlen(dir), 3, "x");
    ask("stop", NULL, -1, 5000);
    must_fail(XSR_E_PEER, "nobody listens");
    dir[strlen(dir) - 1] = '\0';
}

static void test_silence_has_a_limit(void **state)
{
    static const struct act acts[] = {
        {GREETING, "qmp_capabilities"},
        {OK(1), "stop"},
        {NULL, "never"},
        {NULL, NULL},
    };

    (void)state;
    listen_here(acts);
    ask("stop", NULL, -1, 200);
    must_fail(XSR_E_TIMEOUT, "no answer to \"stop\" within 200 ms");
}

static void test_no_greeting_has_a_limit(void **state)
{
    static const struct act acts[] = {{NULL, "never"}, {NULL, NULL}};

    (void)state;
    listen_here(acts);
    ask("stop", NULL, -1, 200);
    must_fail(XSR_E_TIMEOUT, "no greeting");
}

static void test_a_closed_socket(void **state)
{
    static const struct act acts[] = {
        {GREETING, "qmp_capabilities"}, {OK(1), "stop"}, {NULL, NULL}};

    (void)state;
    listen_here(acts);
    ask("stop", NULL, -1, 5000);
    must_fail(XSR_E_PEER, "closed its QMP socket before answering stop");
}

static void test_rubbish(void **state)
{
    static const struct act acts[] = {{"hello\r\n", NULL}, {NULL, NULL}};

    (void)state;
    listen_here(acts);
    ask("stop", NULL, -1, 5000);
    must_fail(XSR_E_PEER, "which is no QMP");
}

static void test_another_protocol(void **state)
{
    static const struct act acts[] = {{"{\"SSH\": 2}\r\n", NULL}, {NULL, NULL}};

    (void)state;
    listen_here(acts);
    ask("stop", NULL, -1, 5000);
    must_fail(XSR_E_PEER, "does not greet as QMP does");
}

static void test_an_endless_line(void **state)
{
    static char line[300000];
    static const struct act acts[] = {{line, NULL}, {NULL, NULL}};

    (void)state;
    memset(line, ' ', sizeof(line) - 1);
    listen_here(acts);
    ask("stop", NULL, -1, 5000);
    must_fail(XSR_E_LIMIT, "without an end of line");
}

static void test_without_a_loop(void **state)
{
    static const struct act acts[] = {
        {GREETING, "qmp_capabilities"},
        {OK(1), "query-status"},
        {"{\"return\": {\"running\": true}, \"id\": 2}\r\n", NULL},
        {NULL, NULL},
    };

    (void)state;
    listen_here(acts);
    assert_int_equal(
        xsr_qmp_call(NULL, dir, 7, "query-status", NULL, 5000, &result, &err),
        0);
    assert_true(json_is_true(json_object_get(result, "running")));
    must_succeed();
    assert_int_equal(
        xsr_qmp_call(NULL, dir, 8, "query-status", NULL, 5000, NULL, &err), -1);
    assert_non_null(strstr(err.text, "domain 8"));
}

static void test_closing_ends_without_a_word(void **state)
{
    static const struct act acts[] = {{GREETING, NULL}, {NULL, NULL}};

    (void)state;
    listen_here(acts);
    assert_int_equal(
        xsr_qmp_ask(&q, "stop", NULL, -1, 5000, on_done, NULL, &err), 0);
    xsr_qmp_close(&q);
    xsr_qmp_close(&q);
    assert_int_equal(xsr_loop_run(loop, &err), 0); /* nothing to wait for */
    assert_int_equal(n_done, 0);
    /* the server waits for a client */
    ask("stop", NULL, -1, 5000);
    assert_int_not_equal(err.kind, XSR_E_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_commands_on_one_connection),
        TEST(test_answers_may_come_in_pieces),
        TEST(test_a_descriptor_is_passed),
        TEST(test_a_refusal_is_told_and_survived),
        TEST(test_nobody_there),
        TEST(test_silence_has_a_limit),
        TEST(test_no_greeting_has_a_limit),
        TEST(test_a_closed_socket),
        TEST(test_rubbish),
        TEST(test_another_protocol),
        TEST(test_an_endless_line),
        TEST(test_without_a_loop),
        TEST(test_closing_ends_without_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
