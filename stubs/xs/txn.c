/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Transactions: a private version of the tree, a list of the operations that
 * made it, and for every node looked at the record that had changed it last.
 * At the end all of those numbers must still be true; then the operations
 * become one record. Otherwise EAGAIN, and the caller starts again.
 */
#include "stubs/xs/conn.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t gen_of(const struct xsr_store_state *st, const char *path)
{
    const struct xsr_store_node *node = xsr_store_tree_find(st->root, path);

    return node ? node->gen : 0;
}

static struct xsr_store_txn *txn_of(struct xsr_store *xs, uint32_t id)
{
    struct xsr_store_txn *t = xs->txns;

    while (t && t->id != id)
        t = t->next;
    return t;
}

int xsr_store_txn_find(struct xsr_store *xs, uint32_t id,
                       struct xsr_store_txn **out)
{
    *out = txn_of(xs, id);
    if (*out)
        return 0;
    errno = ENOENT;
    return -1;
}

static int access_one(struct xsr_store_txn *txn, const char *path)
{
    for (size_t i = txn->n_access; i > 0; i--)
        if (!strcmp(txn->access[i - 1].path, path))
            return 0;
    if (txn->n_access == txn->cap_access) {
        size_t cap = txn->cap_access ? 2 * txn->cap_access : 32;
        void *p = realloc(txn->access, cap * sizeof(*txn->access));

        if (!p)
            return -1;
        txn->access = p;
        txn->cap_access = cap;
    }
    txn->access[txn->n_access].path = strdup(path);
    if (!txn->access[txn->n_access].path)
        return -1;
    txn->access[txn->n_access++].gen = gen_of(&txn->base, path);
    return 0;
}

int xsr_store_txn_access(struct xsr_store_txn *txn, const char *path,
                         bool change)
{
    char near[XSR_STORE_PATH_BUF];
    size_t len;

    if (access_one(txn, path))
        return -1;
    if (!change)
        return 0;
    xsr_store_tree_nearest(txn->own.root, path, &len);
    if (path[len] == '\0')
        return 0;
    memcpy(near, path, len);
    near[len] = '\0';
    return access_one(txn, near);
}

static int access_node(void *ctx, const char *path,
                       const struct xsr_store_node *node)
{
    (void)node;
    return access_one(ctx, path);
}

int xsr_store_txn_access_tree(struct xsr_store_txn *txn, const char *path)
{
    char parent[XSR_STORE_PATH_BUF];

    xsr_store_parent(path, parent);
    if (access_one(txn, parent))
        return -1;
    return xsr_store_tree_walk(txn->own.root, path, XSR_STORE_PARENTS_FIRST,
                               access_node, txn);
}

int xsr_store_txn_change(struct xsr_store_txn *txn, const struct xsr_buf *ops)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_store_state next;

    if (xsr_store_state_copy(&next, &txn->own))
        return -1;
    if (xsr_store_state_apply(&next, ops->p, ops->len, txn->base.seq + 1, NULL))
        goto fail;
    if (xsr_buf_put(&txn->ops, ops->p, ops->len, &err)) {
        errno = ENOMEM;
        goto fail;
    }
    xsr_store_state_fini(&txn->own);
    txn->own = next;
    return 0;
fail:
    xsr_store_state_fini(&next);
    return -1;
}

static void txn_free(struct xsr_store_txn *txn)
{
    for (size_t i = 0; i < txn->n_access; i++)
        free(txn->access[i].path);
    free(txn->access);
    xsr_buf_fini(&txn->ops);
    xsr_store_state_fini(&txn->own);
    xsr_store_state_fini(&txn->base);
    free(txn);
}

static void unlink_txn(struct xsr_store *xs, struct xsr_store_txn *txn)
{
    struct xsr_store_txn **p = &xs->txns;

    while (*p != txn)
        p = &(*p)->next;
    *p = txn->next;
}

void xsr_store_txns_free(struct xsr_store *xs)
{
    while (xs->txns) {
        struct xsr_store_txn *txn = xs->txns;

        unlink_txn(xs, txn);
        txn_free(txn);
    }
}

/* An identifier that is not 0 and not in use. */
static uint32_t fresh_id(struct xsr_store *xs)
{
    do {
        xs->last_txn++;
    } while (!xs->last_txn || txn_of(xs, xs->last_txn));
    return xs->last_txn;
}

int xsr_store_txn_start(struct xsr_store *xs, uint32_t *txn_out)
{
    struct xsr_store_txn *txn = calloc(1, sizeof(*txn));

    if (!txn)
        return -1;
    if (xsr_store_enter(false)) {
        free(txn);
        return -1;
    }
    if (xsr_store_state_copy(&txn->base, xsr_store_state()) ||
        xsr_store_state_copy(&txn->own, xsr_store_state())) {
        txn_free(txn);
        xsr_store_leave(false);
        errno = ENOMEM;
        return -1;
    }
    txn->id = fresh_id(xs);
    txn->next = xs->txns;
    xs->txns = txn;
    *txn_out = txn->id;
    xsr_store_leave(false);
    return 0;
}

static int commit(const struct xsr_store_txn *txn)
{
    for (size_t i = 0; i < txn->n_access; i++)
        if (gen_of(xsr_store_state(), txn->access[i].path) !=
            txn->access[i].gen) {
            errno = EAGAIN;
            return -1;
        }
    return txn->ops.len ? xsr_store_commit(&txn->ops) : 0;
}

int xsr_store_txn_end(struct xsr_store *xs, uint32_t id, bool abandon)
{
    struct xsr_store_txn *txn;
    int rc, keep;

    if (xsr_store_enter(!abandon))
        return -1;
    rc = xsr_store_txn_find(xs, id, &txn);
    if (!rc) {
        unlink_txn(xs, txn);
        if (!abandon)
            rc = commit(txn);
        keep = errno;
        txn_free(txn);
        errno = keep;
    }
    keep = errno;
    xsr_store_leave(!abandon);
    errno = keep;
    return rc;
}
