/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/proc with real children. The child is this program again: with "fds" it
 * prints the descriptors it has, with "signals" how signals stand, with
 * "env NAME" a variable; so what is seen is what exec left.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/proc.h"

static char self[4096];

/* ---- the child ---------------------------------------------------------- */

static int child_fds(void)
{
    int fd;

    for (fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("%d ", fd);
    return 0;
}

static int child_signals(void)
{
    struct sigaction sa;
    sigset_t set;
    int sig, n_blocked = 0;

    sigprocmask(SIG_SETMASK, NULL, &set);
    for (sig = 1; sig < 32; sig++)
        n_blocked += sigismember(&set, sig) == 1;
    sigaction(SIGPIPE, NULL, &sa);
    printf("blocked %d, SIGPIPE %s", n_blocked,
           sa.sa_handler == SIG_DFL ? "default" : "other");
    sigaction(SIGUSR2, NULL, &sa);
    printf(", SIGUSR2 %s", sa.sa_handler == SIG_IGN ? "ignored" : "other");
    return 0;
}

static int child_main(int argc, char **argv)
{
    if (strcmp(argv[1], "fds") == 0)
        return child_fds();
    if (strcmp(argv[1], "signals") == 0)
        return child_signals();
    if (strcmp(argv[1], "env") == 0 && argc == 3)
        return printf("%s", getenv(argv[2]) ? getenv(argv[2]) : "(none)") < 0;
    if (strcmp(argv[1], "cat") == 0 && argc == 3) {
        char c;

        while (read((int)strtol(argv[2], NULL, 10), &c, 1) == 1)
            putchar(c);
        return 0;
    }
    if (strcmp(argv[1], "exit") == 0 && argc == 3)
        return (int)strtol(argv[2], NULL, 10);
    if (strcmp(argv[1], "sleep") == 0) {
        pause();
        return 0;
    }
    return 99;
}

/* ---- the parent --------------------------------------------------------- */

/* Run it with stdout into text; its wait status. */
static int run(struct xsr_spawn *sp, char *text, size_t text_len)
{
    struct xsr_spawn_fd list[8];
    struct xsr_child child = XSR_CHILD_INIT;
    struct xsr_err err;
    int fds[2], status = -1;
    size_t n;

    assert_int_equal(xsr_pipe(fds, &err), 0);
    assert_true(sp->n_fds < 8);
    if (sp->n_fds)
        memcpy(list, sp->fds, sp->n_fds * sizeof(list[0]));
    list[sp->n_fds] = (struct xsr_spawn_fd){fds[1], 1};
    sp->fds = list;
    sp->n_fds++;
    if (xsr_spawn(sp, &child, &err) < 0)
        fail_msg("%s", err.text);
    close(fds[1]);
    assert_int_equal(xsr_read_upto(fds[0], text, text_len - 1, &n, "x", &err),
                     0);
    text[n] = '\0';
    close(fds[0]);
    assert_int_equal(xsr_child_wait(&child, &status, &err), 0);
    assert_int_equal(child.pid, -1);
    assert_int_equal(child.watch_fd, -1);
    return status;
}

static void exactly_the_named_fds(void **state)
{
    const char *argv[] = {self, "fds", NULL};
    int null = open("/dev/null", O_RDONLY), leaks[20];
    struct xsr_spawn_fd fds[] = {{null, 10}, {null, 100}, {null, -1}};
    struct xsr_spawn sp = {.path = self, .argv = argv, .fds = fds, .n_fds = 3};
    char text[256], want[64];
    size_t i;

    (void)state;
    /* the parent is full of descriptors without close-on-exec */
    for (i = 0; i < 20; i++)
        leaks[i] = dup(null);
    assert_int_equal(run(&sp, text, sizeof(text)), 0);
    snprintf(want, sizeof(want), "0 1 2 %d 10 100 ", null);
    assert_string_equal(text, want);
    for (i = 0; i < 20; i++)
        close(leaks[i]);
    close(null);
}

/* Sources and targets are permuted: 20<-21, 21<-22, 22<-20. */
static void renumbering_in_a_circle(void **state)
{
    static const char *const words[] = {"zero", "one", "two"};
    const char *argv[] = {self, "cat", NULL, NULL};
    struct xsr_spawn_fd fds[3];
    struct xsr_err err;
    char text[64], number[8];
    int pipes[3][2], i, j;

    (void)state;
    for (j = 0; j < 3; j++) {
        for (i = 0; i < 3; i++) {
            assert_int_equal(xsr_pipe(pipes[i], &err), 0);
            assert_int_equal(dup2(pipes[i][0], 20 + i), 20 + i);
            assert_true(write(pipes[i][1], words[i], strlen(words[i])) > 0);
            close(pipes[i][0]);
            close(pipes[i][1]);
            fds[i] = (struct xsr_spawn_fd){20 + i, 20 + (i + 2) % 3};
        }
        snprintf(number, sizeof(number), "%d", 20 + j);
        argv[2] = number;
        assert_int_equal(run(&(struct xsr_spawn){.path = self,
                                                 .argv = argv,
                                                 .fds = fds,
                                                 .n_fds = 3},
                             text, sizeof(text)),
                         0);
        assert_string_equal(text, words[(j + 1) % 3]);
        for (i = 0; i < 3; i++)
            close(20 + i);
    }
}

static void two_for_one_number_is_refused(void **state)
{
    const char *argv[] = {self, "fds", NULL};
    struct xsr_spawn_fd fds[] = {{0, 7}, {1, 7}};
    struct xsr_spawn sp = {.path = self, .argv = argv, .fds = fds, .n_fds = 2};
    struct xsr_child child;
    struct xsr_err err;

    (void)state;
    assert_int_equal(xsr_spawn(&sp, &child, &err), -1);
    assert_int_equal(err.kind, XSR_E_BUG);
    assert_int_equal(child.pid, -1);
}

static void closed_source_is_reported(void **state)
{
    const char *argv[] = {self, "fds", NULL};
    struct xsr_spawn_fd fds[] = {{900, 7}};
    struct xsr_spawn sp = {.path = self, .argv = argv, .fds = fds, .n_fds = 1};
    struct xsr_child child;
    struct xsr_err err;

    (void)state;
    assert_int_equal(xsr_spawn(&sp, &child, &err), -1);
    assert_int_equal(err.sys, EBADF);
    assert_non_null(strstr(err.text, "900"));
    assert_int_equal(child.pid, -1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void exec_failure_is_an_error(void **state)
{
    static const struct {
        const char *path;
        int sys;
    } cases[] = {
        {"/nonexistent/helper", ENOENT},
        {"no-such-program-anywhere", ENOENT},
        {"/etc/passwd", EACCES},
        {"", ENOENT},
    };
    const char *argv[] = {"x", NULL};
    struct xsr_child child;
    struct xsr_err err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct xsr_spawn sp = {.path = cases[i].path, .argv = argv};

        assert_int_equal(xsr_spawn(&sp, &child, &err), -1);
        assert_int_equal(err.kind, XSR_E_IO);
        assert_int_equal(err.sys, cases[i].sys);
        assert_non_null(strstr(err.text, cases[i].path));
        assert_int_equal(child.pid, -1);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void name_without_slash_is_searched(void **state)
{
    const char *argv[] = {"sh", "-c", "echo found", NULL};
    struct xsr_spawn sp = {.path = "sh", .argv = argv};
    char text[32];

    (void)state;
    assert_int_equal(run(&sp, text, sizeof(text)), 0);
    assert_string_equal(text, "found\n");
}

static void on_usr1(int sig)
{
    (void)sig;
}

static void signals_are_clean(void **state)
{
    const char *argv[] = {self, "signals", NULL};
    struct xsr_spawn sp = {.path = self, .argv = argv};
    sigset_t set, old;
    char text[64];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, on_usr1);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, &old);
    assert_int_equal(run(&sp, text, sizeof(text)), 0);
    assert_string_equal(text, "blocked 0, SIGPIPE default, SIGUSR2 ignored");
    /* and ours are as they were */
    sigprocmask(SIG_SETMASK, &old, &set);
    assert_true(sigismember(&set, SIGTERM) && !sigismember(&set, SIGUSR1));
    signal(SIGPIPE, SIG_DFL);
}

static void environment_is_added_and_replaced(void **state)
{
    const char *const add[] = {"XSR_T_NEW=new", "XSR_T_OLD=replaced", NULL};
    const char *argv[] = {self, "env", NULL, NULL};
    struct xsr_spawn sp = {.path = self, .argv = argv, .env_add = add};
    char text[32];

    (void)state;
    setenv("XSR_T_OLD", "old", 1);
    setenv("XSR_T_OLDER", "kept", 1);
    argv[2] = "XSR_T_NEW";
    assert_int_equal(run(&sp, text, sizeof(text)), 0);
    assert_string_equal(text, "new");
    sp.n_fds = 0;
    argv[2] = "XSR_T_OLD";
    assert_int_equal(run(&sp, text, sizeof(text)), 0);
    assert_string_equal(text, "replaced");
    sp.n_fds = 0;
    argv[2] = "XSR_T_OLDER";
    assert_int_equal(run(&sp, text, sizeof(text)), 0);
    assert_string_equal(text, "kept");
    assert_string_equal(getenv("XSR_T_OLD"), "old");
}

static void watch_fd_tells_the_end(void **state)
{
    const char *argv[] = {self, "sleep", NULL};
    struct xsr_spawn sp = {.path = self, .argv = argv};
    struct xsr_child child;
    struct pollfd pfd = {.events = POLLIN};
    struct xsr_err err;
    char text[64];
    int status;

    (void)state;
    assert_int_equal(xsr_spawn(&sp, &child, &err), 0);
    pfd.fd = child.watch_fd;
    assert_int_equal(poll(&pfd, 1, 20), 0);
    xsr_child_signal(&child, SIGTERM);
    assert_int_equal(poll(&pfd, 1, 10000), 1);
    assert_int_equal(xsr_child_wait(&child, &status, &err), 0);
    assert_string_equal(xsr_status_str(status, text, sizeof(text)),
                        "was killed by signal 15 (Terminated)");
    xsr_child_signal(&child, SIGTERM);
    assert_int_equal(xsr_child_wait(&child, &status, &err), -1);
}

/* Where there is no pidfd a thread does it; also if reaping comes first. */
static void a_thread_tells_the_end(void **state)
{
    const char *argv[] = {self, "sleep", NULL};
    struct xsr_spawn sp = {.path = self, .argv = argv};
    struct pollfd pfd = {.events = POLLIN};
    struct xsr_child child;
    struct xsr_err err;
    int status;

    (void)state;
    for (int reap_first = 0; reap_first < 2; reap_first++) {
        assert_int_equal(xsr_spawn(&sp, &child, &err), 0);
        assert_int_equal(xsr_proc_watch_thread(child.pid, &pfd.fd, &err), 0);
        assert_int_equal(poll(&pfd, 1, 20), 0);
        xsr_child_signal(&child, SIGKILL);
        if (reap_first)
            assert_int_equal(xsr_child_wait(&child, &status, &err), 0);
        assert_int_equal(poll(&pfd, 1, 10000), 1);
        assert_true(pfd.revents & (POLLIN | POLLHUP));
        xsr_child_fini(&child);
        xsr_close(&pfd.fd);
    }
}

static void status_and_fini(void **state)
{
    const char *argv[] = {self, "exit", "3", NULL};
    const char *sleeper[] = {self, "sleep", NULL};
    struct xsr_spawn sp = {.path = self, .argv = argv};
    struct xsr_child child = XSR_CHILD_INIT;
    struct xsr_err err;
    char text[64];
    int status;

    (void)state;
    xsr_child_fini(&child);
    assert_int_equal(xsr_spawn(&sp, &child, &err), 0);
    assert_int_equal(xsr_child_wait(&child, &status, &err), 0);
    assert_string_equal(xsr_status_str(status, text, sizeof(text)),
                        "exited with status 3");
    sp.argv = sleeper;
    assert_int_equal(xsr_spawn(&sp, &child, &err), 0);
    xsr_child_fini(&child);
    xsr_child_fini(&child);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* grandchild's death is seen through a pipe that only it holds */
static void dies_with_its_parent(void **state)
{
    const char *argv[] = {self, "sleep", NULL};
    struct xsr_spawn sp = {.path = self, .argv = argv, .die_with_parent = true};
    struct xsr_child child;
    struct xsr_err err;
    int fds[2], status;
    char c;
    pid_t pid;

    (void)state;
    assert_int_equal(xsr_pipe(fds, &err), 0);
    pid = fork();
    if (pid == 0) {
        struct xsr_spawn_fd pass[] = {{fds[1], 5}};

        sp.fds = pass;
        sp.n_fds = 1;
        _exit(xsr_spawn(&sp, &child, &err) < 0 ? 1 : 0);
    }
    close(fds[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(read(fds[0], &c, 1), 0);
    close(fds[0]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_named_fds),
        cmocka_unit_test(renumbering_in_a_circle),
        cmocka_unit_test(two_for_one_number_is_refused),
        cmocka_unit_test(closed_source_is_reported),
        cmocka_unit_test(exec_failure_is_an_error),
        cmocka_unit_test(name_without_slash_is_searched),
        cmocka_unit_test(signals_are_clean),
        cmocka_unit_test(environment_is_added_and_replaced),
        cmocka_unit_test(watch_fd_tells_the_end),
        cmocka_unit_test(a_thread_tells_the_end),
        cmocka_unit_test(status_and_fini),
        cmocka_unit_test(dies_with_its_parent),
    };
    ssize_t r = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (r < 0)
        return 98;
    self[r] = '\0';
    if (argc > 1)
        return child_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
