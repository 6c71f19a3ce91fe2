/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A library to preload: when the program moves bytes through one descriptor
 * for the n-th time, a signal is sent, before or after that call, to itself or
 * to its parent. So "at every message" and "at every stream write" are counted
 * in system calls, and each is hit exactly.
 *
 *   AT_CALL=FD:N:before|after:SIGNAL:self|parent
 *
 * The first call on FD is number 1, in either direction. $AT_CALL_SEEN names a
 * file that is there when the moment has come.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
    int fd, sig;
    unsigned n, seen;
    char when[8], who[8];
} at = {.fd = -1};

__attribute__((constructor)) static void read_variable(void)
{
    const char *s = getenv("AT_CALL");

    if (s && sscanf(s, "%d:%u:%7[a-z]:%d:%7[a-z]", &at.fd, &at.n, at.when,
                    &at.sig, at.who) != 5) {
        fprintf(stderr, "at_call: AT_CALL=%s is not understood\n", s);
        _exit(97);
    }
}

static void strike(const char *moment)
{
    const char *mark = getenv("AT_CALL_SEEN");

    if (at.seen != at.n || strcmp(at.when, moment))
        return;
    if (mark)
        close(open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    kill(strcmp(at.who, "self") ? getppid() : getpid(), at.sig);
}

static void before(int fd)
{
    if (fd != at.fd)
        return;
    at.seen++;
    strike("before");
}

static void after(int fd)
{
    if (fd == at.fd)
        strike("after");
}

#define STAND_IN(name, params, ...)                      \
    ssize_t name params;                                 \
    ssize_t name params                                  \
    {                                                    \
        static ssize_t(*real) params;                    \
        ssize_t r;                                       \
                                                         \
        if (!real)                                       \
            *(void **)(&real) = dlsym(RTLD_NEXT, #name); \
        before(fd);                                      \
        r = real(__VA_ARGS__);                           \
        after(fd);                                       \
        return r;                                        \
    }

STAND_IN(read, (int fd, void *p, size_t n), fd, p, n)
STAND_IN(write, (int fd, const void *p, size_t n), fd, p, n)
STAND_IN(readv, (int fd, const struct iovec *v, int n), fd, v, n)
STAND_IN(writev, (int fd, const struct iovec *v, int n), fd, v, n)
