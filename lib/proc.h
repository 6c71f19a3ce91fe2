/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Child processes: started with exactly the descriptors that were named, and
 * watched through a descriptor, so that a host application's SIGCHLD is not
 * ours.
 */
#ifndef XSR_LIB_PROC_H
#define XSR_LIB_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

struct xsr_spawn_fd {
    int fd; /* borrowed, in the parent */
    int as; /* its number in the child; -1 = same number (>= 3) */
};

struct xsr_spawn {
    const char *path;           /* searched in PATH if it has no slash */
    const char *const *argv;    /* argv[0] first, NULL-terminated */
    const char *const *env_add; /* "NAME=value" to add or replace, or NULL */
    const struct xsr_spawn_fd *fds;
    size_t n_fds;         /* all other descriptors >= 3 are closed;
                             0, 1, 2 stay unless replaced */
    bool die_with_parent; /* PR_SET_PDEATHSIG ... */
    int death_signal;     /* ... with this signal; 0: SIGKILL */
};

struct xsr_child {
    pid_t pid;    /* -1 when there is none */
    int watch_fd; /* readable when it has ended; -1 likewise */
};
#define XSR_CHILD_INIT \
    {                  \
        -1, -1         \
    }

/*
 * Start it. SIGPIPE is reset to its default, no signal is blocked. A failing
 * exec is reported here (XSR_E_IO with errno, text names path), not as an exit.
 */
int xsr_spawn(const struct xsr_spawn *sp, struct xsr_child *child_out,
              struct xsr_err *err);
/* Send a signal; no child is fine. */
void xsr_child_signal(const struct xsr_child *child, int sig);
/* Wait (blocking) and reap; *status_out as from waitpid. */
int xsr_child_wait(struct xsr_child *child, int *status_out,
                   struct xsr_err *err);
/* SIGKILL and reap, if there is one. Idempotent. */
void xsr_child_fini(struct xsr_child *child);
/*
 * A descriptor that becomes readable or hangs up when pid, a child not yet
 * reaped, has ended: what xsr_spawn() takes where the system has no pidfd (old
 * kernels, valgrind, strict sandboxes). Public for its test.
 */
int xsr_proc_watch_thread(pid_t pid, int *fd_out, struct xsr_err *err);
/* "exited with status 3", "was killed by signal 9 (Killed)" */
const char *xsr_status_str(int status, char *out, size_t out_len);

#endif
