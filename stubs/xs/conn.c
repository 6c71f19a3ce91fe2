/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of a connection that read and change nodes. Each one takes the
 * locks (store.h), looks at the newest state or at its transaction's own, and
 * hands its change either to the store or to the transaction (txn.c). The
 * connection is domain 0's: permissions are kept, but do not hold it back.
 */
#include "stubs/xs/conn.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/util.h"
#include "stubs/world/world.h"
#include "stubs/xs/xs.h"

/* A call in progress. */
struct call {
    bool change;
    char path[XSR_STORE_PATH_BUF];
    struct xsr_store_txn *txn;           /* NULL: none */
    const struct xsr_store_state *state; /* that it sees */
};

static int begin(struct call *c, struct xsr_store *xs, uint32_t txn,
                 const char *path, bool change)
{
    *c = (struct call){.change = change && !txn};
    if (xsr_store_path(path, false, c->path) || xsr_store_enter(c->change))
        return -1;
    c->state = xsr_store_state();
    if (txn) {
        if (xsr_store_txn_find(xs, txn, &c->txn) ||
            xsr_store_txn_access(c->txn, c->path, change)) {
            xsr_store_leave(c->change);
            return -1;
        }
        c->state = &c->txn->own;
    }
    return 0;
}

/* Leave, keeping errno. rc < 0 with sys: that is the errno. */
static int end(struct call *c, int rc, int sys)
{
    int keep = sys ? sys : errno;

    xsr_store_leave(c->change);
    if (rc)
        errno = keep;
    return rc;
}

static const struct xsr_store_node *look(const struct call *c)
{
    return xsr_store_tree_find(c->state->root, c->path);
}

static int apply(struct call *c, struct xsr_buf *ops)
{
    int rc = c->txn ? xsr_store_txn_change(c->txn, ops) : xsr_store_commit(ops);

    xsr_buf_fini(ops);
    return end(c, rc, 0);
}

int xsr_store_open(struct xsr_store **xs_out)
{
    struct xsr_store *xs = calloc(1, sizeof(*xs));

    if (!xs)
        return -1;
    xs->poll_fd = xs->file_fd = xs->event_fd = -1;
    if (xsr_store_enter(false)) {
        free(xs);
        return -1;
    }
    xsr_store_conn_add(xs);
    xsr_store_leave(false);
    *xs_out = xs;
    return 0;
}

void xsr_store_close(struct xsr_store *xs)
{
    int keep = errno;

    if (!xs)
        return;
    xsr_store_conn_remove(xs);
    xsr_store_txns_free(xs);
    free(xs);
    errno = keep;
}

int xsr_store_read(struct xsr_store *xs, uint32_t txn, const char *path,
                   char **value_out, unsigned *len_out)
{
    const struct xsr_store_node *node;
    struct call c;
    char *value;

    if (begin(&c, xs, txn, path, false))
        return -1;
    node = look(&c);
    if (!node)
        return end(&c, -1, ENOENT);
    value = malloc(node->len + 1u);
    if (!value)
        return end(&c, -1, ENOMEM);
    memcpy(value, node->value, node->len);
    value[node->len] = '\0';
    *value_out = value;
    if (len_out)
        *len_out = node->len;
    return end(&c, 0, 0);
}

int xsr_store_directory(struct xsr_store *xs, uint32_t txn, const char *path,
                        char ***names_out, unsigned *n_out)
{
    const struct xsr_store_node *node;
    size_t bytes = 0;
    struct call c;
    char **names, *p;

    if (begin(&c, xs, txn, path, false))
        return -1;
    node = look(&c);
    if (!node)
        return end(&c, -1, ENOENT);
    for (uint32_t i = 0; i < node->n_kids; i++)
        bytes += strlen(node->kids[i]->name) + 1;
    names = malloc((node->n_kids + 1u) * sizeof(*names) + bytes);
    if (!names)
        return end(&c, -1, ENOMEM);
    p = (char *)(names + node->n_kids + 1);
    for (uint32_t i = 0; i < node->n_kids; i++) {
        size_t n = strlen(node->kids[i]->name) + 1;

        names[i] = memcpy(p, node->kids[i]->name, n);
        p += n;
    }
    names[node->n_kids] = NULL;
    *names_out = names;
    *n_out = node->n_kids;
    return end(&c, 0, 0);
}

int xsr_store_write(struct xsr_store *xs, uint32_t txn, const char *path,
                    const void *value, size_t len)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    struct call c;

    if (path && strlen(path) + 1 + len > XSR_STORE_PAYLOAD_MAX) {
        errno = E2BIG;
        return -1;
    }
    if (begin(&c, xs, txn, path, true))
        return -1;
    if (xsr_store_op_put(&ops, XSR_STORE_OP_WRITE, c.path, value, len)) {
        xsr_buf_fini(&ops);
        return end(&c, -1, ENOMEM);
    }
    return apply(&c, &ops);
}

int xsr_store_mkdir(struct xsr_store *xs, uint32_t txn, const char *path)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    struct call c;

    if (begin(&c, xs, txn, path, true))
        return -1;
    if (look(&c))
        return end(&c, 0, 0);
    if (xsr_store_op_put(&ops, XSR_STORE_OP_MKDIR, c.path, NULL, 0)) {
        xsr_buf_fini(&ops);
        return end(&c, -1, ENOMEM);
    }
    return apply(&c, &ops);
}

/* A node that is not there counts as removed if its parent is. */
static int rm_missing(struct call *c)
{
    char parent[XSR_STORE_PATH_BUF];

    xsr_store_parent(c->path, parent);
    return end(c, xsr_store_tree_find(c->state->root, parent) ? 0 : -1, ENOENT);
}

int xsr_store_rm(struct xsr_store *xs, uint32_t txn, const char *path)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    struct call c;

    if (begin(&c, xs, txn, path, true))
        return -1;
    if (!strcmp(c.path, "/"))
        return end(&c, -1, EINVAL);
    if (!look(&c))
        return rm_missing(&c);
    if (c.txn && xsr_store_txn_access_tree(c.txn, c.path))
        return end(&c, -1, ENOMEM);
    if (xsr_store_op_put(&ops, XSR_STORE_OP_RM, c.path, NULL, 0)) {
        xsr_buf_fini(&ops);
        return end(&c, -1, ENOMEM);
    }
    return apply(&c, &ops);
}

int xsr_store_get_perms(struct xsr_store *xs, uint32_t txn, const char *path,
                        struct xsr_store_perm **perms_out, unsigned *n_out)
{
    const struct xsr_store_node *node;
    struct xsr_store_perm *perms;
    struct call c;

    if (begin(&c, xs, txn, path, false))
        return -1;
    node = look(&c);
    if (!node)
        return end(&c, -1, ENOENT);
    perms = calloc(node->n_perms, sizeof(*perms));
    if (!perms)
        return end(&c, -1, ENOMEM);
    memcpy(perms, node->perms, node->n_perms * sizeof(*perms));
    *perms_out = perms;
    *n_out = node->n_perms;
    return end(&c, 0, 0);
}

int xsr_store_set_perms(struct xsr_store *xs, uint32_t txn, const char *path,
                        const struct xsr_store_perm *perms, unsigned n)
{
    struct xsr_buf ops = XSR_BUF_INIT;
    struct call c;

    for (unsigned i = 0; i < n; i++)
        if (perms[i].bits & ~(uint32_t)(XSR_STORE_READ | XSR_STORE_WRITE))
            n = 0;
    if (!n || n > XSR_STORE_PAYLOAD_MAX / 4) {
        errno = EINVAL;
        return -1;
    }
    /* the first one says whose the node is: a domain that there is */
    if (perms[0].id != 0 && !xsr_hv_domain_exists(perms[0].id)) {
        errno = ENOENT;
        return -1;
    }
    if (begin(&c, xs, txn, path, true))
        return -1;
    if (!look(&c))
        return end(&c, -1, ENOENT);
    if (xsr_store_op_put_perms(&ops, c.path, perms, n)) {
        xsr_buf_fini(&ops);
        return end(&c, -1, ENOMEM);
    }
    return apply(&c, &ops);
}
