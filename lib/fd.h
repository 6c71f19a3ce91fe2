/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exact, restartable I/O on borrowed file descriptors. EINTR is retried unless
 * a stop flag says otherwise; end of file is an error (XSR_E_EOF) wherever a
 * byte is due. No stdio, no read-ahead, O_NONBLOCK is never touched.
 */
#ifndef XSR_LIB_FD_H
#define XSR_LIB_FD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/err.h"

/* Read exactly n bytes. At EOF: XSR_E_EOF "... ended after N of M bytes". */
int xsr_read_exact(int fd, void *p, size_t n, const char *what,
                   struct xsr_err *err);
/* The same into an iovec, whose elements are changed while it works. */
int xsr_readv_exact(int fd, struct iovec *iov, size_t n_iov, const char *what,
                    struct xsr_err *err);
/* Read up to n bytes; *got_out < n only at EOF. */
int xsr_read_upto(int fd, void *p, size_t n, size_t *got_out, const char *what,
                  struct xsr_err *err);
int xsr_write_all(int fd, const void *p, size_t n, const char *what,
                  struct xsr_err *err);
int xsr_writev_all(int fd, struct iovec *iov, size_t n_iov, const char *what,
                   struct xsr_err *err);

/*
 * When not NULL and *flag becomes non-zero, every function above stops before
 * its next system call (or when EINTR comes back) with XSR_E_STOPPED.
 */
void xsr_fd_set_stop_flag(const volatile sig_atomic_t *flag);
/* XSR_E_STOPPED if that flag is set. */
int xsr_fd_check_stop(const char *what, struct xsr_err *err);

int xsr_pipe(int fds_out[2], struct xsr_err *err); /* close-on-exec */
int xsr_set_cloexec(int fd, bool on, struct xsr_err *err);
/* Try to make the pipe behind fd n bytes large; ignores failure. */
void xsr_grow_pipe(int fd, size_t n);
/* Close and set to -1; keeps errno; -1 is fine. */
void xsr_close(int *fd);
/*
 * Close first..last, or mark them close-on-exec, whether they are open or not.
 * Cannot fail; async-signal-safe, so also between fork and exec.
 */
void xsr_close_fds(unsigned first, unsigned last);
void xsr_mark_fds(unsigned first, unsigned last);
/*
 * A file without a name in the folder of TMPDIR, else in /var/tmp: on a disk,
 * since it may become as large as a guest. Yours to close.
 */
int xsr_open_temporary(int *fd_out, struct xsr_err *err);
/* fsync a folder, for a rename to last. */
int xsr_sync_dir(const char *path, struct xsr_err *err);

static inline void xsr_close_cleanup(int *fd)
{
    xsr_close(fd);
}
#define xsr_auto_close __attribute__((cleanup(xsr_close_cleanup)))

#endif
