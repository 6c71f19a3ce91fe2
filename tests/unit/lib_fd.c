/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/fd over real pipes and threads: short transfers are continued, end of
 * file is an error that counts, interruption is survived, the stop flag
 * works, and a descriptor that is non-blocking stays so and still works.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/fd.h"

static void nap_ms(long ms)
{
    struct timespec ts = {0, ms * 1000000};

    nanosleep(&ts, NULL);
}

struct feeder {
    int fd;
    const uint8_t *p;
    size_t n, step;
};

/* Writes in small steps, with a pause now and then, and closes. */
static void *feed(void *arg)
{
    struct feeder *f = arg;
    size_t done, n;

    for (done = 0; done < f->n; done += n) {
        n = f->n - done < f->step ? f->n - done : f->step;
        if (write(f->fd, f->p + done, n) != (ssize_t)n)
            break;
        if (done % (f->step * 16) == 0)
            nap_ms(1);
    }
    close(f->fd);
    return NULL;
}

static uint8_t *pattern(size_t n)
{
    uint8_t *p = malloc(n);
    size_t i;

    assert_non_null(p);
    for (i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 31 + i / 251);
    return p;
}

static void short_reads_are_continued(void **state)
{
    enum { N = 40000 };
    struct iovec iov[40];
    uint8_t *p = pattern(N), *got = calloc(1, N);
    struct feeder f = {.p = p, .n = N, .step = 777};
    struct xsr_err err;
    pthread_t thread;
    size_t i, at = 0;
    int fds[2];

    (void)state;
    assert_int_equal(xsr_pipe(fds, &err), 0);
    f.fd = fds[1];
    assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
    /* uneven elements, some of them empty */
    for (i = 0; i < 39; i++) {
        iov[i] = (struct iovec){got + at, i % 3 ? i * 41 : 0};
        at += iov[i].iov_len;
    }
    iov[39] = (struct iovec){got + at, N - at};
    assert_int_equal(xsr_readv_exact(fds[0], iov, 40, "test", &err), 0);
    pthread_join(thread, NULL);
    assert_memory_equal(p, got, N);
    close(fds[0]);
    free(p);
    free(got);
}

static void eof_says_how_far(void **state)
{
    struct xsr_err err;
    char got[16];
    size_t n;
    int fds[2];

    (void)state;
    assert_int_equal(xsr_pipe(fds, &err), 0);
    assert_int_equal(write(fds[1], "hello", 5), 5);
    close(fds[1]);
    assert_int_equal(xsr_read_exact(fds[0], got, 16, "a record", &err), -1);
    assert_int_equal(err.kind, XSR_E_EOF);
    assert_string_equal(err.text, "a record ended after 5 of 16 bytes");
    /* at the very beginning as well: a byte is due */
    assert_int_equal(xsr_read_exact(fds[0], got, 1, "END", &err), -1);
    assert_int_equal(err.kind, XSR_E_EOF);
    assert_int_equal(xsr_read_upto(fds[0], got, 4, &n, "x", &err), 0);
    assert_int_equal(n, 0);
    /* but no byte is due for an empty read */
    assert_int_equal(xsr_read_exact(fds[0], got, 0, "nothing", &err), 0);
    close(fds[0]);
}

static void upto_stops_at_eof_only(void **state)
{
    uint8_t *p = pattern(5000), got[6000];
    struct feeder f = {.p = p, .n = 5000, .step = 100};
    struct xsr_err err;
    pthread_t thread;
    size_t n;
    int fds[2];

    (void)state;
    assert_int_equal(xsr_pipe(fds, &err), 0);
    f.fd = fds[1];
    assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
    assert_int_equal(xsr_read_upto(fds[0], got, 4000, &n, "x", &err), 0);
    assert_int_equal(n, 4000);
    assert_int_equal(xsr_read_upto(fds[0], got, 6000, &n, "x", &err), 0);
    assert_int_equal(n, 1000);
    assert_memory_equal(got, p + 4000, 1000);
    pthread_join(thread, NULL);
    close(fds[0]);
    free(p);
}

static volatile sig_atomic_t flag, n_signals;

static void on_signal(int sig)
{
    (void)sig;
    n_signals++;
}

static void on_signal_stop(int sig)
{
    (void)sig;
    flag = 1;
}

static void catch_signal(void (*handler)(int))
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = handler; /* without SA_RESTART */
    assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
}

struct nagger {
    pthread_t victim;
    int fd;
    unsigned n;
};

static void *nag(void *arg)
{
    struct nagger *g = arg;
    unsigned i;

    for (i = 0; i < g->n; i++) {
        nap_ms(2);
        pthread_kill(g->victim, SIGUSR1);
    }
    if (g->fd >= 0 && write(g->fd, "abcd", 4) != 4)
        abort();
    return NULL;
}

static void interruptions_are_survived(void **state)
{
    struct nagger g = {pthread_self(), -1, 20};
    struct xsr_err err;
    pthread_t thread;
    char got[4];
    int fds[2];

    (void)state;
    catch_signal(on_signal);
    n_signals = 0;
    assert_int_equal(xsr_pipe(fds, &err), 0);
    g.fd = fds[1];
    assert_int_equal(pthread_create(&thread, NULL, nag, &g), 0);
    assert_int_equal(xsr_read_exact(fds[0], got, 4, "x", &err), 0);
    pthread_join(thread, NULL);
    assert_memory_equal(got, "abcd", 4);
    assert_true(n_signals > 0);
    close(fds[0]);
    close(fds[1]);
}

static void stop_flag_ends_a_blocked_read(void **state)
{
    struct nagger g = {pthread_self(), -1, 1};
    struct xsr_err err;
    pthread_t thread;
    char got[4];
    int fds[2];

    (void)state;
    catch_signal(on_signal_stop);
    flag = 0;
    xsr_fd_set_stop_flag(&flag);
    assert_int_equal(xsr_pipe(fds, &err), 0);
    assert_int_equal(pthread_create(&thread, NULL, nag, &g), 0);
    assert_int_equal(xsr_read_exact(fds[0], got, 4, "the image", &err), -1);
    assert_int_equal(err.kind, XSR_E_STOPPED);
    assert_non_null(strstr(err.text, "the image"));
    pthread_join(thread, NULL);
    /* and before the next call, even if bytes are there */
    assert_int_equal(write(fds[1], "abcd", 4), 4);
    assert_int_equal(xsr_read_exact(fds[0], got, 4, "x", &err), -1);
    assert_int_equal(err.kind, XSR_E_STOPPED);
    assert_int_equal(xsr_write_all(fds[1], "x", 1, "x", &err), -1);
    assert_int_equal(err.kind, XSR_E_STOPPED);
    xsr_fd_set_stop_flag(NULL);
    assert_int_equal(xsr_read_exact(fds[0], got, 4, "x", &err), 0);
    assert_memory_equal(got, "abcd", 4);
    close(fds[0]);
    close(fds[1]);
}

static void nonblocking_is_waited_for_and_left(void **state)
{
    enum { N = 300000 };
    uint8_t *p = pattern(N), *got = calloc(1, N);
    struct feeder f = {.p = p, .n = N, .step = 4096};
    struct xsr_err err;
    pthread_t thread;
    int fds[2];

    (void)state;
    assert_int_equal(xsr_pipe(fds, &err), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    f.fd = fds[1];
    assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
    assert_int_equal(xsr_read_exact(fds[0], got, N, "x", &err), 0);
    pthread_join(thread, NULL);
    assert_memory_equal(p, got, N);
    assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    close(fds[0]);
    free(p);
    free(got);
}

static void *drain(void *arg)
{
    struct feeder *f = arg;
    uint8_t *at = (uint8_t *)(uintptr_t)f->p;
    size_t done = 0;
    ssize_t r;

    nap_ms(5);
    while (done < f->n &&
           (r = read(f->fd, at + done,
                     f->n - done < f->step ? f->n - done : f->step)) > 0)
        done += (size_t)r;
    return NULL;
}

static void more_elements_than_the_kernel_takes(void **state)
{
    enum { PER = 100, COUNT = 3000 };
    uint8_t *p = pattern(PER * COUNT), *got = calloc(1, PER * COUNT + 10);
    struct iovec *iov = calloc(COUNT, sizeof(*iov));
    struct feeder f = {.p = got, .n = PER * COUNT, .step = 1000};
    struct xsr_err err;
    pthread_t thread;
    int fds[2], i;

    (void)state;
    assert_true(COUNT > IOV_MAX);
    assert_int_equal(xsr_pipe(fds, &err), 0);
    f.fd = fds[0];
    for (i = 0; i < COUNT; i++)
        iov[i] = (struct iovec){p + i * PER, PER};
    assert_int_equal(pthread_create(&thread, NULL, drain, &f), 0);
    assert_int_equal(xsr_writev_all(fds[1], iov, COUNT, "x", &err), 0);
    pthread_join(thread, NULL);
    assert_memory_equal(p, got, PER * COUNT);
    close(fds[0]);
    close(fds[1]);
    free(p);
    free(got);
    free(iov);
}

static void errors_name_what_and_why(void **state)
{
    struct xsr_err err;
    int fds[2], fd;
    char c;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(xsr_pipe(fds, &err), 0);
    assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    close(fds[0]);
    assert_int_equal(xsr_write_all(fds[1], "x", 1, "message", &err), -1);
    assert_int_equal(err.sys, EPIPE);
    assert_non_null(strstr(err.text, "message"));
    close(fds[1]);
    fd = open("/dev/full", O_WRONLY);
    assert_int_equal(xsr_write_all(fd, "x", 1, "file", &err), -1);
    assert_int_equal(err.sys, ENOSPC);
    xsr_close(&fd);
    assert_int_equal(fd, -1);
    xsr_close(&fd);
    assert_int_equal(xsr_read_exact(-1, &c, 1, "file", &err), -1);
    assert_int_equal(err.sys, EBADF);
    assert_int_equal(err.kind, XSR_E_IO);
    assert_int_equal(xsr_sync_dir("/nonexistent-folder", &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(xsr_sync_dir("/tmp", &err), 0);
}

static void cloexec_both_ways(void **state)
{
    struct xsr_err err;
    int fds[2];

    (void)state;
    assert_int_equal(xsr_pipe(fds, &err), 0);
    assert_int_equal(xsr_set_cloexec(fds[0], false, &err), 0);
    assert_false(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    assert_int_equal(xsr_set_cloexec(fds[0], true, &err), 0);
    assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    errno = 0;
    xsr_grow_pipe(fds[0], 1 << 20);
    xsr_grow_pipe(-1, 1 << 20);
    assert_int_equal(errno, 0);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(xsr_set_cloexec(fds[0], true, &err), -1);
    assert_int_equal(err.sys, EBADF);
}

/* Nobody finds it, it is empty and takes what is written. */
static void temporary_files_have_no_name(void **state)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct stat st;
    char c = 'x';
    int fd = -1;

    (void)state;
    unsetenv("TMPDIR");
    assert_int_equal(xsr_open_temporary(&fd, &err), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(pwrite(fd, &c, 1, 0), 1);
    c = 0;
    assert_int_equal(pread(fd, &c, 1, 0), 1);
    assert_int_equal(c, 'x');
    close(fd);
    fd = -1;
    setenv("TMPDIR", "/nowhere/at all", 1);
    assert_int_equal(xsr_open_temporary(&fd, &err), -1);
    assert_int_equal(fd, -1);
    assert_int_equal(err.kind, XSR_E_IO);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.text, "cannot make a temporary file in /nowhere/at "
                                  "all (TMPDIR chooses the folder): "
                                  "No such file or directory");
    unsetenv("TMPDIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_reads_are_continued),
        cmocka_unit_test(eof_says_how_far),
        cmocka_unit_test(upto_stops_at_eof_only),
        cmocka_unit_test(interruptions_are_survived),
        cmocka_unit_test(stop_flag_ends_a_blocked_read),
        cmocka_unit_test(nonblocking_is_waited_for_and_left),
        cmocka_unit_test(more_elements_than_the_kernel_takes),
        cmocka_unit_test(errors_name_what_and_why),
        cmocka_unit_test(cloexec_both_ways),
        cmocka_unit_test(temporary_files_have_no_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
