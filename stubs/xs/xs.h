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

enum { XSR_STORE_READ = 1, XSR_STORE_WRITE = 2 };

struct xsr_store_perm {
    uint32_t id;
    uint32_t bits; /* XSR_STORE_READ | XSR_STORE_WRITE */
};

struct xsr_store; /* a connection */

int xsr_store_open(struct xsr_store **xs_out);
void xsr_store_close(struct xsr_store *xs); /* NULL is fine */

/*
 * txn 0 = outside of transactions. Paths without a leading slash are below
 * /local/domain/0. What is handed out is malloc'ed.
 */
int xsr_store_read(struct xsr_store *xs, uint32_t txn, const char *path,
                   char **value_out, unsigned *len_out); /* NUL-terminated */
/* Names of the children, one block; free() it. */
int xsr_store_directory(struct xsr_store *xs, uint32_t txn, const char *path,
                        char ***names_out, unsigned *n_out);
int xsr_store_write(struct xsr_store *xs, uint32_t txn, const char *path,
                    const void *value, size_t len);
int xsr_store_mkdir(struct xsr_store *xs, uint32_t txn, const char *path);
int xsr_store_rm(struct xsr_store *xs, uint32_t txn, const char *path);
int xsr_store_get_perms(struct xsr_store *xs, uint32_t txn, const char *path,
                        struct xsr_store_perm **perms_out, unsigned *n_out);
int xsr_store_set_perms(struct xsr_store *xs, uint32_t txn, const char *path,
                        const struct xsr_store_perm *perms, unsigned n);

int xsr_store_txn_start(struct xsr_store *xs, uint32_t *txn_out);
/* EAGAIN: something it read or wrote was changed by somebody else. */
int xsr_store_txn_end(struct xsr_store *xs, uint32_t txn, bool abandon);

int xsr_store_watch(struct xsr_store *xs, const char *path, const char *token);
int xsr_store_unwatch(struct xsr_store *xs, const char *path,
                      const char *token);
/* Readable when events may be there. Stays the connection's. */
int xsr_store_fileno(struct xsr_store *xs);
/* One block of two strings, path and token. wait: block, else EAGAIN. */
int xsr_store_next_event(struct xsr_store *xs, bool wait, char ***event_out);

int xsr_store_introduce(struct xsr_store *xs, uint32_t domid, uint64_t gfn,
                        uint32_t port);
int xsr_store_release(struct xsr_store *xs, uint32_t domid);
int xsr_store_resume(struct xsr_store *xs, uint32_t domid);
int xsr_store_set_target(struct xsr_store *xs, uint32_t domid, uint32_t target);
bool xsr_store_introduced(struct xsr_store *xs, uint32_t domid);

#pragma GCC visibility pop

#endif
