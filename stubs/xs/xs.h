/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated host's xenstore, as a connection of domain 0 sees it. No
 * daemon: every process keeps the tree in memory and follows an append-only
 * file in the host's folder (store.h).
 *
 *   libs/libxenstore.c  the xs_* symbols, thin        tool/  `xensr-sim`
 *        \_______________________  _______________________/
 *                                 xs.h
 *   conn.c  one connection: its calls      txn.c    transactions
 *   watch.c watches, events, the fd        domain.c introduce, release, death
 *
 * Results follow the library that this stands in for: 0 or -1 with errno.
 * One connection may be used by several threads.
 */
#ifndef XSR_STUBS_XS_H
#define XSR_STUBS_XS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

enum { XSR_XS_READ = 1, XSR_XS_WRITE = 2 };

struct xsr_xs_perm {
    uint32_t id;
    uint32_t bits;              /* XSR_XS_READ | XSR_XS_WRITE */
};

struct xsr_xs;                  /* a connection */

int xsr_xs_open(struct xsr_xs **xs_out);
void xsr_xs_close(struct xsr_xs *xs);           /* NULL is fine */

/*
 * txn 0 = outside of transactions. Paths without a leading slash are below
 * /local/domain/0. What is handed out is malloc'ed.
 */
int xsr_xs_read(struct xsr_xs *xs, uint32_t txn, const char *path,
                char **value_out, unsigned *len_out);   /* NUL-terminated */
/* Names of the children, one block; free() it. */
int xsr_xs_directory(struct xsr_xs *xs, uint32_t txn, const char *path,
                     char ***names_out, unsigned *n_out);
int xsr_xs_write(struct xsr_xs *xs, uint32_t txn, const char *path,
                 const void *value, size_t len);
int xsr_xs_mkdir(struct xsr_xs *xs, uint32_t txn, const char *path);
int xsr_xs_rm(struct xsr_xs *xs, uint32_t txn, const char *path);
int xsr_xs_get_perms(struct xsr_xs *xs, uint32_t txn, const char *path,
                     struct xsr_xs_perm **perms_out, unsigned *n_out);
int xsr_xs_set_perms(struct xsr_xs *xs, uint32_t txn, const char *path,
                     const struct xsr_xs_perm *perms, unsigned n);

int xsr_xs_txn_start(struct xsr_xs *xs, uint32_t *txn_out);
/* EAGAIN: something it read or wrote was changed by somebody else. */
int xsr_xs_txn_end(struct xsr_xs *xs, uint32_t txn, bool abandon);

int xsr_xs_watch(struct xsr_xs *xs, const char *path, const char *token);
int xsr_xs_unwatch(struct xsr_xs *xs, const char *path, const char *token);
/* Readable when events may be there. Stays the connection's. */
int xsr_xs_fileno(struct xsr_xs *xs);
/* One block of two strings, path and token. wait: block, else EAGAIN. */
int xsr_xs_next_event(struct xsr_xs *xs, bool wait, char ***event_out);

int xsr_xs_introduce(struct xsr_xs *xs, uint32_t domid, uint64_t gfn,
                     uint32_t port);
int xsr_xs_release(struct xsr_xs *xs, uint32_t domid);
int xsr_xs_resume(struct xsr_xs *xs, uint32_t domid);
int xsr_xs_set_target(struct xsr_xs *xs, uint32_t domid, uint32_t target);
bool xsr_xs_introduced(struct xsr_xs *xs, uint32_t domid);

#pragma GCC visibility pop

#endif
