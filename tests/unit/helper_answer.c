/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engine has two threads, and the libraries under it log in the thread in
 * which they fail: what the parent gets are whole messages all the same.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "helper/answer.c"
#include "helper/stop.c"

#define N_EACH 3000u

static struct xsr_answer answer;

static void *log_lines(void *arg)
{
    char text[200];

    memset(text, 'x', sizeof(text));
    for (unsigned i = 0; i < N_EACH; i++) {
        text[i % (sizeof(text) - 1)] = '\0';
        xsr_answer_log(&answer, XSR_XTL_ERROR, -1, arg, text);
        text[i % (sizeof(text) - 1)] = 'x';
    }
    return NULL;
}

struct parent {
    int fd;
    unsigned n_progress, n_log;
    bool bad;
};

static void *listen_all(void *arg)
{
    static uint8_t body[XSR_IPC_BODY_MAX];
    struct parent *p = arg;
    struct xsr_ipc_msg m;
    struct xsr_err err;
    uint8_t len[2];

    while (xsr_read_exact(p->fd, len, 2, "a length", &err) == 0) {
        if (xsr_read_exact(p->fd, body, xsr_le16(len), "a message", &err) < 0 ||
            xsr_ipc_get(body, xsr_le16(len), XSR_IPC_G7, XSR_IPC_SAVE, &m,
                        &err) < 0) {
            p->bad = true;
            continue;
        }
        p->n_log += m.msg == XSR_MSG_LOG;
        p->n_progress += m.msg == XSR_MSG_PROGRESS;
    }
    return NULL;
}

static void test_threads_send_whole_messages(void **state)
{
    int out = dup(STDOUT_FILENO), fds[2];
    struct parent parent = {0};
    pthread_t other, listener;
    char what[] = "phase ?";

    (void)state;
    assert_int_equal(pipe(fds), 0);
    parent.fd = fds[0];
    xsr_answer_init(&answer, XSR_IPC_G7);
    fflush(stdout);
    dup2(fds[1], STDOUT_FILENO);
    close(fds[1]);
    pthread_create(&listener, NULL, listen_all, &parent);
    pthread_create(&other, NULL, log_lines, "xenforeignmemory");
    for (unsigned i = 0; i < N_EACH; i++) {
        what[6] = "ab"[i % 2]; /* a new phase is sent at once */
        xsr_answer_progress(&answer, "xc", what, 0, 100);
    }
    pthread_join(other, NULL);
    dup2(out, STDOUT_FILENO);
    close(out);
    pthread_join(listener, NULL);
    close(fds[0]);
    xsr_answer_fini(&answer);
    assert_false(parent.bad);
    assert_int_equal(parent.n_log, N_EACH);
    assert_int_equal(parent.n_progress, N_EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_send_whole_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
