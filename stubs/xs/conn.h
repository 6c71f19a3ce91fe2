/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of a connection; for conn.c, txn.c, watch.c. The mutex is held. */
#ifndef XSR_STUBS_XS_CONN_H
#define XSR_STUBS_XS_CONN_H

#include "stubs/xs/path.h"
#include "stubs/xs/store.h"

struct xsr_store_watch {
    struct xsr_store_watch *next;
    bool relative; /* events lose the home prefix again */
    char *path;    /* absolute, or special */
    char *token;
    char *given; /* the path as the caller wrote it */
};

struct xsr_store_event {
    struct xsr_store_event *next;
    const struct xsr_store_watch *watch;
    char **strings; /* what the caller gets: path, token */
};

/* What a transaction has looked at, and which record had changed it last. */
struct xsr_store_access {
    char *path;
    uint64_t gen; /* 0: it was not there */
};

struct xsr_store_txn {
    struct xsr_store_txn *next;
    uint32_t id;
    struct xsr_store_state base; /* as it was at the start */
    struct xsr_store_state own;  /* with the transaction's changes */
    struct xsr_buf ops;
    struct xsr_store_access *access;
    size_t n_access, cap_access;
};

struct xsr_store {
    struct xsr_store *next;
    struct xsr_store_watch *watches;
    struct xsr_store_event *first_event, *last_event;
    /* epoll over: "the file changed" and "an event is queued" */
    int poll_fd, file_fd, event_fd;
    bool file_is_timer; /* no inotify to be had: look regularly */
    struct xsr_store_txn *txns;
    uint32_t last_txn;
};

/* txn.c: -1 with errno ENOENT when there is no such transaction. */
int xsr_store_txn_find(struct xsr_store *xs, uint32_t id,
                       struct xsr_store_txn **out);
/* Note that path was looked at; to change it: also who gets it as a child. */
int xsr_store_txn_access(struct xsr_store_txn *txn, const char *path,
                         bool change);
/* path is removed: its parent and all that is below it count as well. */
int xsr_store_txn_access_tree(struct xsr_store_txn *txn, const char *path);
/* ops go into the transaction. */
int xsr_store_txn_change(struct xsr_store_txn *txn, const struct xsr_buf *ops);
void xsr_store_txns_free(struct xsr_store *xs);

/* watch.c */
void xsr_store_conn_add(struct xsr_store *xs);
void xsr_store_conn_remove(struct xsr_store *xs); /* watches and fds too */

#endif
