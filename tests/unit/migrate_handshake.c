/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin/migrate/handshake: the octets, their order, and every way to fail. */
#include "plugin/migrate/handshake.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/fd.h"
#include "lib/util.h"

struct wire {
    int theirs; /* what the peer reads and writes */
    struct xsr_hs_peer p;
};

static struct wire connect_peer(void)
{
    struct wire w = {.p = {.stop_fd = -1, .wait_ms = 5000, .who = "sender"}};
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    w.theirs = fds[0];
    w.p.in_fd = w.p.out_fd = fds[1];
    return w;
}

static void disconnect(struct wire *w)
{
    close(w->theirs);
    close(w->p.in_fd);
}

static void say(struct wire *w, const void *p, size_t n)
{
    assert_int_equal(write(w->theirs, p, n), (int)n);
}

static const enum xsr_hs_msg all[] = {XSR_HS_BANNER, XSR_HS_READY, XSR_HS_GO,
                                      XSR_HS_REPORT};

static void the_octets_are_xl_s(void **state)
{
    static const struct {
        size_t len;
        const char *text;
        char last;
    } want[] = {
        {54, "xl migration receiver ready, send binary domain data.\n", '\n'},
        {34, "domain received, ready to unpause", '\0'},
        {44, "domain is yours, you are cleared to unpause", '\0'},
        {39, "my copy unpause results are as follows", '\0'},
    };
    const char *text;
    size_t i, len;

    (void)state;
    for (i = 0; i < XSR_ARRAY_LEN(all); i++) {
        text = xsr_hs_text(all[i], &len);
        assert_int_equal(len, want[i].len);
        assert_memory_equal(text, want[i].text, len);
        assert_int_equal(text[len - 1], want[i].last);
    }
}

static void what_is_sent_is_what_is_expected(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    char got[64];
    size_t i, len;

    (void)state;
    for (i = 0; i < XSR_ARRAY_LEN(all); i++) {
        struct wire w = connect_peer();
        const char *text = xsr_hs_text(all[i], &len);

        assert_int_equal(xsr_hs_send(&w.p, all[i], &err), 0);
        assert_int_equal(read(w.theirs, got, sizeof(got)), (int)len);
        assert_memory_equal(got, text, len);
        say(&w, got, len);
        assert_int_equal(xsr_hs_expect(&w.p, all[i], &err), 0);
        disconnect(&w);
    }
}

static void nothing_behind_a_message_is_taken(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct wire w = connect_peer();
    unsigned char code = 1;
    const char *text;
    char next = 0;
    size_t len;

    (void)state;
    text = xsr_hs_text(XSR_HS_REPORT, &len);
    say(&w, text, len);
    say(&w, "\x03x", 2);
    assert_int_equal(xsr_hs_expect(&w.p, XSR_HS_REPORT, &err), 0);
    assert_int_equal(xsr_hs_get_code(&w.p, &code, &err), 0);
    assert_int_equal(code, 3);
    assert_int_equal(read(w.p.in_fd, &next, 1), 1);
    assert_int_equal(next, 'x');
    disconnect(&w);
}

static void the_end_at_every_octet_is_told(void **state)
{
    size_t i, n, len;

    (void)state;
    for (i = 0; i < XSR_ARRAY_LEN(all); i++) {
        const char *text = xsr_hs_text(all[i], &len);

        for (n = 0; n < len; n++) {
            struct xsr_err err = XSR_ERR_INIT;
            struct wire w = connect_peer();

            say(&w, text, n);
            shutdown(w.theirs, SHUT_WR);
            assert_int_equal(xsr_hs_expect(&w.p, all[i], &err), -1);
            assert_int_equal(err.kind, XSR_E_EOF);
            assert_non_null(strstr(err.text, "sender closed"));
            disconnect(&w);
        }
    }
}

/* Wrong at any octet: refused, with what came in the message. */
static void other_octets_are_shown(void **state)
{
    size_t n, len;
    const char *text = xsr_hs_text(XSR_HS_READY, &len);

    (void)state;
    for (n = 0; n < len; n++) {
        struct xsr_err err = XSR_ERR_INIT;
        struct wire w = connect_peer();
        char wrong[64];

        memcpy(wrong, text, len);
        wrong[n] ^= 0x80;
        say(&w, wrong, len);
        assert_int_equal(xsr_hs_expect(&w.p, XSR_HS_READY, &err), -1);
        assert_int_equal(err.kind, XSR_E_FORMAT);
        assert_non_null(strstr(err.text, "\\x"));
        disconnect(&w);
    }
}

static void a_login_script_s_words_are_shown_and_explained(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct wire w = connect_peer();

    (void)state;
    say(&w, "Welcome!\n\x1b[1mtoday\x1b[0m", 22);
    assert_int_equal(xsr_hs_expect(&w.p, XSR_HS_BANNER, &err), -1);
    assert_non_null(strstr(err.text, "Welcome!"));
    assert_null(strchr(err.text, '\x1b'));
    assert_non_null(strstr(err.text, "login script"));
    disconnect(&w);
}

static void silence_ends_after_the_deadline(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct wire w = connect_peer();
    unsigned char code;

    (void)state;
    w.p.wait_ms = 20;
    say(&w, "domain", 6); /* half a message is silence too */
    assert_int_equal(xsr_hs_expect(&w.p, XSR_HS_READY, &err), -1);
    assert_int_equal(err.kind, XSR_E_TIMEOUT);
    xsr_err_clear(&err);
    assert_int_equal(xsr_hs_get_code(&w.p, &code, &err), -1);
    assert_int_equal(err.kind, XSR_E_TIMEOUT);
    disconnect(&w);
}

static void a_request_to_stop_ends_a_wait(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct wire w = connect_peer();

    (void)state;
    w.p.stop_fd = eventfd(1, 0);
    assert_int_equal(xsr_hs_expect(&w.p, XSR_HS_READY, &err), -1);
    assert_int_equal(err.kind, XSR_E_STOPPED);
    close(w.p.stop_fd);
    disconnect(&w);
}

static void a_closed_peer_is_an_error_and_no_signal(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct wire w = connect_peer();
    int pipe_fds[2];

    (void)state;
    signal(SIGPIPE, SIG_DFL);
    close(w.theirs);
    assert_int_equal(xsr_hs_send(&w.p, XSR_HS_GO, &err), -1);
    assert_int_equal(err.kind, XSR_E_PEER);
    close(w.p.in_fd);

    assert_int_equal(pipe(pipe_fds), 0);
    close(pipe_fds[0]);
    w.p.out_fd = pipe_fds[1];
    xsr_err_clear(&err);
    assert_int_equal(xsr_hs_send(&w.p, XSR_HS_GO, &err), -1);
    assert_int_equal(err.kind, XSR_E_PEER);
    assert_int_equal(err.sys, EPIPE);
    close(pipe_fds[1]);
}

/* A peer that does not read: the write does not block beyond the deadline. */
static void a_full_pipe_is_waited_for_with_a_deadline(void **state)
{
    static const char page[4096];
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_hs_peer p = {-1, -1, -1, 20, "receiver"};
    int pipe_fds[2];

    (void)state;
    assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
    while (write(pipe_fds[1], page, sizeof(page)) > 0)
        continue;
    fcntl(pipe_fds[1], F_SETFL, 0); /* blocking, as a stream is */
    p.out_fd = pipe_fds[1];
    assert_int_equal(xsr_hs_send(&p, XSR_HS_GO, &err), -1);
    assert_int_equal(err.kind, XSR_E_TIMEOUT);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_octets_are_xl_s),
        cmocka_unit_test(what_is_sent_is_what_is_expected),
        cmocka_unit_test(nothing_behind_a_message_is_taken),
        cmocka_unit_test(the_end_at_every_octet_is_told),
        cmocka_unit_test(other_octets_are_shown),
        cmocka_unit_test(a_login_script_s_words_are_shown_and_explained),
        cmocka_unit_test(silence_ends_after_the_deadline),
        cmocka_unit_test(a_request_to_stop_ends_a_wait),
        cmocka_unit_test(a_closed_peer_is_an_error_and_no_signal),
        cmocka_unit_test(a_full_pipe_is_waited_for_with_a_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
