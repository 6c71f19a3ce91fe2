/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations applied to a state, and the events that follow from them. A
 * write, a mkdir or new permissions wake the watches at the node and above;
 * a removal also those below it that name a removed node exactly. When a
 * domain dies, the nodes that it owns die with it, as in xenstored 4.17.
 */
#include "stubs/xs/state.h"

#include <errno.h>
#include <stdlib.h>

#include "stubs/xs/path.h"

int xsr_store_state_new(struct xsr_store_state *out)
{
    struct xsr_store_node *root = xsr_store_tree_new(1);

    if (!root) {
        errno = ENOMEM;
        return -1;
    }
    *out = (struct xsr_store_state){.root = root};
    return 0;
}

int xsr_store_state_copy(struct xsr_store_state *out,
                         const struct xsr_store_state *from)
{
    struct xsr_store_dom *doms = calloc(from->n_doms + 1u, sizeof(*doms));

    if (!doms)
        return -1;
    if (from->n_doms)
        memcpy(doms, from->doms, from->n_doms * sizeof(*doms));
    *out = *from;
    out->doms = doms;
    xsr_store_tree_ref(out->root);
    return 0;
}

void xsr_store_state_fini(struct xsr_store_state *st)
{
    xsr_store_tree_unref(st->root);
    free(st->doms);
    *st = (struct xsr_store_state){NULL, NULL, 0, 0};
}

static struct xsr_store_dom *find_dom(const struct xsr_store_state *st,
                                      uint32_t domid)
{
    for (uint32_t i = 0; i < st->n_doms; i++)
        if (st->doms[i].domid == domid)
            return &st->doms[i];
    return NULL;
}

const struct xsr_store_dom *xsr_store_state_dom(
    const struct xsr_store_state *st, uint32_t domid)
{
    return find_dom(st, domid);
}

static int event(struct xsr_buf *events, bool exact, const char *name)
{
    struct xsr_err err = XSR_ERR_INIT;
    uint8_t b = exact;

    if (!events)
        return 0;
    if (xsr_buf_put(events, &b, 1, &err) ||
        xsr_buf_put(events, name, strlen(name) + 1, &err)) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

struct removal {
    struct xsr_buf *events;
    const char *top;
};

static int removed(void *ctx, const char *path,
                   const struct xsr_store_node *node)
{
    struct removal *r = ctx;

    (void)node;
    return event(r->events, strcmp(path, r->top) != 0, path);
}

static int remove_tree(struct xsr_store_state *st, const char *path,
                       uint64_t seq, struct xsr_buf *events)
{
    struct removal r = {events, path};

    /* xenstored takes a tree down from its leaves, and says so in that order */
    if (xsr_store_tree_walk(st->root, path, XSR_STORE_CHILDREN_FIRST, removed,
                            &r))
        return -1;
    return xsr_store_tree_rm(&st->root, path, seq);
}

struct search {
    uint32_t owner;
    char path[XSR_STORE_PATH_BUF];
};

static int owned_by(void *ctx, const char *path,
                    const struct xsr_store_node *node)
{
    struct search *s = ctx;

    if (node->perms[0].id != s->owner || !strcmp(path, "/"))
        return 0;
    memcpy(s->path, path, strlen(path) + 1);
    return 1;
}

static void drop_dom(struct xsr_store_state *st, struct xsr_store_dom *dom)
{
    uint32_t domid = dom->domid;

    st->n_doms--;
    memmove(dom, dom + 1, (size_t)(&st->doms[st->n_doms] - dom) * sizeof(*dom));
    for (uint32_t i = 0; i < st->n_doms; i++)
        if (st->doms[i].target == domid)
            st->doms[i].target = 0;
}

static int release(struct xsr_store_state *st, uint32_t domid, bool gone,
                   uint64_t seq, struct xsr_buf *events)
{
    struct xsr_store_dom *dom = find_dom(st, domid);
    struct search s = {.owner = domid};

    if (dom)
        drop_dom(st, dom);
    while (gone && domid &&
           xsr_store_tree_walk(st->root, "/", XSR_STORE_PARENTS_FIRST, owned_by,
                               &s))
        if (remove_tree(st, s.path, seq, events))
            return -1;
    return dom ? event(events, true, "@releaseDomain") : 0;
}

static int introduce(struct xsr_store_state *st, const struct xsr_store_op *op,
                     struct xsr_buf *events)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_store_dom new = {0}, *dom;
    struct xsr_cur cur;

    xsr_cur_init(&cur, op->data, op->len, 0);
    if (xsr_get_u32(&cur, &new.domid, "domid", &err) ||
        xsr_get_u32(&cur, &new.port, "port", &err) ||
        xsr_get_u64(&cur, &new.gfn, "gfn", &err) ||
        xsr_get_u32(&cur, &new.local, "local port", &err)) {
        errno = EIO;
        return -1;
    }
    dom = find_dom(st, new.domid);
    if (dom) {
        dom->port = new.port;
        dom->local = new.local;
        return 0;
    }
    dom = realloc(st->doms, (st->n_doms + 1u) * sizeof(*dom));
    if (!dom)
        return -1;
    st->doms = dom;
    dom[st->n_doms++] = new;
    return event(events, true, "@introduceDomain");
}

static int apply_dom(struct xsr_store_state *st, const struct xsr_store_op *op,
                     uint64_t seq, struct xsr_buf *events)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_store_dom *dom;
    struct xsr_cur cur;
    uint32_t domid, target = 0;

    xsr_cur_init(&cur, op->data, op->len, 0);
    if (xsr_get_u32(&cur, &domid, "domid", &err) ||
        (op->kind == XSR_STORE_OP_TARGET &&
         xsr_get_u32(&cur, &target, "target", &err))) {
        errno = EIO;
        return -1;
    }
    if (op->kind != XSR_STORE_OP_TARGET)
        return release(st, domid, op->kind == XSR_STORE_OP_GONE, seq, events);
    dom = find_dom(st, domid);
    if (dom)
        dom->target = target;
    return 0;
}

static int apply_perms(struct xsr_store_state *st,
                       const struct xsr_store_op *op, uint64_t seq,
                       struct xsr_buf *events)
{
    struct xsr_cur cur;
    struct xsr_store_perm *perms;
    int rc;

    xsr_cur_init(&cur, op->data, op->len, 0);
    perms = xsr_store_op_perms(&cur, op->len / 8);
    if (!perms)
        return -1;
    rc = xsr_store_tree_set_perms(&st->root, op->path, perms, op->len / 8, seq);
    free(perms);
    return rc ? rc : event(events, false, op->path);
}

/* A node of a snapshot keeps the number that it had. */
static int apply_node(struct xsr_store_state *st, const struct xsr_store_op *op)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_store_perm *perms;
    struct xsr_cur cur;
    const uint8_t *value;
    uint64_t gen;
    uint32_t n, len;
    int rc;

    xsr_cur_init(&cur, op->data, op->len, 0);
    if (xsr_get_u64(&cur, &gen, "gen", &err) ||
        xsr_get_u32(&cur, &n, "count", &err) || !gen) {
        errno = EIO;
        return -1;
    }
    perms = xsr_store_op_perms(&cur, n);
    if (!perms)
        return -1;
    len = (uint32_t)xsr_cur_left(&cur);
    xsr_get_view(&cur, len, &value, "value", &err);
    rc = xsr_store_tree_write(&st->root, op->path, value, len, gen);
    if (!rc)
        rc = xsr_store_tree_set_perms(&st->root, op->path, perms, n, gen);
    free(perms);
    return rc;
}

static int apply_one(struct xsr_store_state *st, const struct xsr_store_op *op,
                     uint64_t seq, struct xsr_buf *events)
{
    const uint8_t *value = op->kind == XSR_STORE_OP_WRITE ? op->data : NULL;

    switch (op->kind) {
    case XSR_STORE_OP_WRITE:
    case XSR_STORE_OP_MKDIR:
        if (xsr_store_tree_write(&st->root, op->path, value, op->len, seq))
            return -1;
        return event(events, false, op->path);
    case XSR_STORE_OP_RM:
        return remove_tree(st, op->path, seq, events);
    case XSR_STORE_OP_PERMS:
        return apply_perms(st, op, seq, events);
    case XSR_STORE_OP_NODE:
        return apply_node(st, op);
    case XSR_STORE_OP_INTRODUCE:
        return introduce(st, op, events);
    case XSR_STORE_OP_SPECIAL:
        return event(events, true, op->path);
    default:
        return apply_dom(st, op, seq, events);
    }
}

int xsr_store_state_apply(struct xsr_store_state *st, const void *ops,
                          size_t len, uint64_t seq, struct xsr_buf *events)
{
    struct xsr_store_op op;
    struct xsr_cur cur;
    int rc;

    xsr_cur_init(&cur, ops, len, 0);
    while ((rc = xsr_store_op_get(&cur, &op)) > 0)
        if (apply_one(st, &op, seq, events))
            return -1;
    st->seq = seq;
    return rc;
}

/*
 * Children come before their parent: adding a child renumbers the parent, and
 * the parent's own entry then puts its number right.
 */
static int dump_node(void *ctx, const char *path,
                     const struct xsr_store_node *node)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_buf data = XSR_BUF_INIT;
    int rc = xsr_buf_put_u64(&data, node->gen, &err) ||
             xsr_buf_put_u32(&data, node->n_perms, &err);

    for (uint32_t i = 0; i < node->n_perms; i++)
        rc |= xsr_buf_put_u32(&data, node->perms[i].id, &err) ||
              xsr_buf_put_u32(&data, node->perms[i].bits, &err);
    rc |= xsr_buf_put(&data, node->value, node->len, &err);
    if (!rc)
        rc = xsr_store_op_put(ctx, XSR_STORE_OP_NODE, path, data.p, data.len);
    xsr_buf_fini(&data);
    if (rc)
        errno = ENOMEM;
    return rc;
}

int xsr_store_state_dump(const struct xsr_store_state *st, struct xsr_buf *ops)
{
    if (xsr_store_tree_walk(st->root, "/", XSR_STORE_CHILDREN_FIRST, dump_node,
                            ops))
        return -1;
    for (uint32_t i = 0; i < st->n_doms; i++) {
        const struct xsr_store_dom *d = &st->doms[i];

        if (xsr_store_op_put_introduce(ops, d->domid, d->port, d->gfn,
                                       d->local) ||
            (d->target && xsr_store_op_put_dom(ops, XSR_STORE_OP_TARGET,
                                               d->domid, d->target)))
            return -1;
    }
    return 0;
}
