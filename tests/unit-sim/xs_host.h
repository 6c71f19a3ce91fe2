/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests of the simulated xenstore: one host of its own per test program,
 * a connection, and children that act as other processes.
 */
#ifndef XSR_TESTS_XS_HOST_H
#define XSR_TESTS_XS_HOST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stubs/xs/xs.h"

static char host_dir[256];

/* Group setup: a folder, but this process does not look into it. */
static inline int host_setup_unopened(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    snprintf(host_dir, sizeof(host_dir), "%s/xensr-xs.XXXXXX",
             tmp ? tmp : "/tmp");
    return mkdtemp(host_dir) ? setenv("XENSR_SIM_DIR", host_dir, 1) : -1;
}

/* Group setup: *state becomes the connection. */
static inline int host_setup(void **state)
{
    struct xsr_store *xs;

    if (host_setup_unopened(state) || xsr_store_open(&xs))
        return -1;
    *state = xs;
    return 0;
}

static inline int host_teardown(void **state)
{
    char command[300];

    xsr_store_close(*state);
    snprintf(command, sizeof(command), "rm -rf '%s'", host_dir);
    return system(command) ? -1 : 0;
}

static inline char *host_file(const char *name)
{
    static char path[300];

    snprintf(path, sizeof(path), "%s/%s", host_dir, name);
    return path;
}

static inline void put(struct xsr_store *xs, uint32_t txn, const char *path,
                       const char *value)
{
    assert_int_equal(xsr_store_write(xs, txn, path, value, strlen(value)), 0);
}

/* The value at path; "(none)" if the node is not there. Static memory. */
static inline const char *get(struct xsr_store *xs, uint32_t txn,
                              const char *path)
{
    static char out[5000];
    char *value;

    if (xsr_store_read(xs, txn, path, &value, NULL))
        return errno == ENOENT ? "(none)" : strerror(errno);
    snprintf(out, sizeof(out), "%s", value);
    free(value);
    return out;
}

/* Names below path, joined with spaces. Static memory. */
static inline const char *list(struct xsr_store *xs, uint32_t txn,
                               const char *path)
{
    static char out[20000];
    size_t at = 0;
    char **names;
    unsigned n;

    if (xsr_store_directory(xs, txn, path, &names, &n))
        return strerror(errno);
    out[0] = '\0';
    for (unsigned i = 0; i < n && at < sizeof(out); i++)
        at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s", i ? " " : "",
                               names[i]);
    free(names);
    return out;
}

static inline uint32_t start(struct xsr_store *xs)
{
    uint32_t txn;

    assert_int_equal(xsr_store_txn_start(xs, &txn), 0);
    return txn;
}

/* act in another process, over a connection of its own; waits for it. */
static inline void elsewhere(void (*act)(struct xsr_store *xs))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (!pid) {
        struct xsr_store *xs;

        /* a crash ends it: cmocka would have it go on, perhaps locked */
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        if (xsr_store_open(&xs))
            _exit(1);
        act(xs);
        xsr_store_close(xs);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#endif
