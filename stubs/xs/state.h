/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One state of the store: the tree and the introduced domains. Operations
 * turn one state into the next, in every process in the same way; that is
 * what keeps them equal.
 */
#ifndef XSR_STUBS_XS_STATE_H
#define XSR_STUBS_XS_STATE_H

#include "stubs/xs/record.h"
#include "stubs/xs/tree.h"

struct xsr_store_dom { /* introduced, not yet released */
    uint32_t domid, port, target;
    uint32_t local; /* domain 0's end of the channel */
    uint64_t gfn;
};

struct xsr_store_state {
    struct xsr_store_node *root;
    struct xsr_store_dom *doms;
    uint32_t n_doms;
    uint64_t seq; /* number of the last record in it */
};

/* All -1 results have errno; out is then as it was. */
int xsr_store_state_new(struct xsr_store_state *out);
int xsr_store_state_copy(struct xsr_store_state *out,
                         const struct xsr_store_state *from);
void xsr_store_state_fini(struct xsr_store_state *st);

const struct xsr_store_dom *xsr_store_state_dom(
    const struct xsr_store_state *st, uint32_t domid);

/*
 * Apply all operations as record number seq. Changed names are appended to
 * events (may be NULL): one byte, 1 = only watches of exactly that name, then
 * the name and its NUL. On -1 the state is half changed: throw it away.
 */
int xsr_store_state_apply(struct xsr_store_state *st, const void *ops,
                          size_t len, uint64_t seq, struct xsr_buf *events);

/* The whole state as operations for a snapshot record. */
int xsr_store_state_dump(const struct xsr_store_state *st, struct xsr_buf *ops);

/* roles.c: what a fresh host holds, and what xenconsoled would write. */
int xsr_store_seed(struct xsr_buf *ops);
/* Further operations that follow from ops, which st has in it already. */
int xsr_store_console(const struct xsr_store_state *st,
                      const struct xsr_buf *ops, struct xsr_buf *more);

#endif
