/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/fd: a range of descriptors is closed, or marked close-on-exec, and none
 * beside it; also on a kernel that has no call for it. Such a one is made of
 * this one by a filter, in a child, because a filter cannot be taken off.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/fd.h"
#include "lib/util.h"

#define CLOSE_RANGE 436 /* the call's number, the same on all machines */
#define FIRST       20
#define N           12

enum { NO_FILTER = 40, NOT_REFUSED, WRONG };

static bool forget_the_call(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLOSE_RANGE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {XSR_ARRAY_LEN(code), code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* What became of descriptor fd: 'o'pen, 'm'arked, 'c'losed. */
static char state_of(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0)
        return 'c';
    return flags & FD_CLOEXEC ? 'm' : 'o';
}

static void open_all(void)
{
    int fd, null = open("/dev/null", O_RDONLY);

    /* Every third one is missing: ranges have holes. */
    for (fd = FIRST; fd < FIRST + N; fd++)
        if (null < 0 || (fd % 3 ? dup2(null, fd) != fd : close(fd) > 0))
            _exit(WRONG);
}

static bool all_are(int first, int last, char want)
{
    for (int fd = first; fd <= last; fd++)
        if (state_of(fd) != (fd % 3 ? want : 'c'))
            return false;
    return true;
}

static void __attribute__((noreturn)) run_child(bool old_kernel)
{
    if (old_kernel) {
        if (!forget_the_call())
            _exit(NO_FILTER);
        if (syscall(CLOSE_RANGE, 900, 900, 0) == 0 || errno != ENOSYS)
            _exit(NOT_REFUSED);
    }
    open_all();
    xsr_mark_fds(FIRST + 2, FIRST + 5);
    if (!all_are(FIRST, FIRST + 1, 'o') ||
        !all_are(FIRST + 2, FIRST + 5, 'm') ||
        !all_are(FIRST + 6, FIRST + N - 1, 'o'))
        _exit(WRONG);
    xsr_close_fds(FIRST + 4, FIRST + 7);
    xsr_close_fds(FIRST + 9, FIRST + 8); /* an empty one */
    if (!all_are(FIRST + 2, FIRST + 3, 'm') ||
        !all_are(FIRST + 4, FIRST + 7, 'c') ||
        !all_are(FIRST + 8, FIRST + N - 1, 'o'))
        _exit(WRONG);
    xsr_mark_fds(FIRST + 8, ~0u);
    if (!all_are(FIRST + 8, FIRST + N - 1, 'm'))
        _exit(WRONG);
    xsr_close_fds(FIRST, ~0u);
    _exit(all_are(FIRST, FIRST + N - 1, 'c') && state_of(0) != 'c' ? 0 : WRONG);
}

static int result_of(bool old_kernel)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0)
        run_child(old_kernel);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void ranges_are_closed_and_marked(void **state)
{
    (void)state;
    assert_int_equal(result_of(false), 0);
}

static void also_where_the_kernel_has_no_call_for_it(void **state)
{
    int result = result_of(true);

    (void)state;
    if (result == NO_FILTER)
        skip();
    assert_int_equal(result, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_closed_and_marked),
        cmocka_unit_test(also_where_the_kernel_has_no_call_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
