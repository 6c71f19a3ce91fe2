/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copy-on-write tree. A node is written only by whoever holds the only
 * reference to it and to everything above it; own() makes that so, one step
 * at a time on the way down. The store (store.c) holds one root, every open
 * transaction another, and they share all nodes that are equal.
 */
#include "stubs/xs/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/xs/path.h"

static void *copy_of(const void *p, size_t n)
{
    void *c = malloc(n ? n : 1);

    if (c && n)
        memcpy(c, p, n);
    return c;
}

static struct xsr_store_node *node_new(const char *name, size_t name_len,
                                       const struct xsr_store_perm *perms,
                                       uint32_t n_perms, uint64_t gen)
{
    struct xsr_store_node *node = calloc(1, sizeof(*node));

    if (!node)
        return NULL;
    node->refs = 1;
    node->gen = gen;
    node->name = strndup(name, name_len);
    node->value = copy_of("", 0);
    node->perms = copy_of(perms, n_perms * sizeof(*perms));
    node->n_perms = n_perms;
    if (!node->name || !node->value || !node->perms) {
        xsr_store_tree_unref(node);
        return NULL;
    }
    return node;
}

struct xsr_store_node *xsr_store_tree_new(uint64_t gen)
{
    static const struct xsr_store_perm dom0 = {0, 0};

    return node_new("", 0, &dom0, 1, gen);
}

struct xsr_store_node *xsr_store_tree_ref(struct xsr_store_node *node)
{
    node->refs++;
    return node;
}

void xsr_store_tree_unref(struct xsr_store_node *node)
{
    if (!node || --node->refs)
        return;
    for (uint32_t i = 0; i < node->n_kids; i++)
        xsr_store_tree_unref(node->kids[i]);
    free(node->kids);
    free(node->perms);
    free(node->value);
    free(node->name);
    free(node);
}

/* *slot becomes a node that nobody else refers to. */
static struct xsr_store_node *own(struct xsr_store_node **slot)
{
    struct xsr_store_node *old = *slot, *node;

    if (old->refs == 1)
        return old;
    node = node_new(old->name, strlen(old->name), old->perms, old->n_perms,
                    old->gen);
    if (!node)
        return NULL;
    free(node->value);
    node->value = copy_of(old->value, old->len);
    node->len = old->len;
    node->kids = copy_of(old->kids, old->n_kids * sizeof(*old->kids));
    if (!node->value || !node->kids) {
        xsr_store_tree_unref(node);
        return NULL;
    }
    node->n_kids = node->cap_kids = old->n_kids;
    for (uint32_t i = 0; i < node->n_kids; i++)
        xsr_store_tree_ref(node->kids[i]);
    old->refs--;
    *slot = node;
    return node;
}

/* The next part of a path: 0 at its end. */
static size_t next_part(const char **path)
{
    while (**path == '/')
        ++*path;
    return strcspn(*path, "/");
}

static struct xsr_store_node **kid_slot(const struct xsr_store_node *node,
                                        const char *name, size_t len)
{
    for (uint32_t i = 0; i < node->n_kids; i++) {
        const char *kid = node->kids[i]->name;

        if (!strncmp(kid, name, len) && !kid[len])
            return &node->kids[i];
    }
    return NULL;
}

const struct xsr_store_node *xsr_store_tree_nearest(
    const struct xsr_store_node *root, const char *path, size_t *len_out)
{
    const char *at = path;
    size_t n;

    *len_out = 1;
    while ((n = next_part(&at)) > 0) {
        struct xsr_store_node **slot = kid_slot(root, at, n);

        if (!slot)
            break;
        root = *slot;
        at += n;
        *len_out = (size_t)(at - path);
    }
    return root;
}

const struct xsr_store_node *xsr_store_tree_find(
    const struct xsr_store_node *root, const char *path)
{
    size_t len;
    const struct xsr_store_node *node =
        xsr_store_tree_nearest(root, path, &len);

    return len == strlen(path) ? node : NULL;
}

static struct xsr_store_node **add_kid(struct xsr_store_node *node,
                                       const char *name, size_t len,
                                       uint64_t gen)
{
    struct xsr_store_node *kid;

    if (node->n_kids == node->cap_kids) {
        uint32_t cap = node->cap_kids ? 2 * node->cap_kids : 4;
        void *p = realloc(node->kids, cap * sizeof(*node->kids));

        if (!p)
            return NULL;
        node->kids = p;
        node->cap_kids = cap;
    }
    kid = node_new(name, len, node->perms, node->n_perms, gen);
    if (!kid)
        return NULL;
    node->kids[node->n_kids++] = kid;
    node->gen = gen;
    return &node->kids[node->n_kids - 1];
}

/* Owned node at path, made with everything above it if need be. */
static struct xsr_store_node *reach(struct xsr_store_node **root,
                                    const char *path, uint64_t gen)
{
    struct xsr_store_node *node = own(root);
    size_t n;

    while (node && (n = next_part(&path)) > 0) {
        struct xsr_store_node **slot = kid_slot(node, path, n);

        if (!slot)
            slot = add_kid(node, path, n, gen);
        node = slot ? own(slot) : NULL;
        path += n;
    }
    return node;
}

static int no_memory(void)
{
    errno = ENOMEM;
    return -1;
}

int xsr_store_tree_write(struct xsr_store_node **root, const char *path,
                         const void *value, uint32_t len, uint64_t gen)
{
    struct xsr_store_node *node = reach(root, path, gen);
    uint8_t *copy;

    if (!node)
        return no_memory();
    if (!value)
        return 0;
    copy = copy_of(value, len);
    if (!copy)
        return no_memory();
    free(node->value);
    node->value = copy;
    node->len = len;
    node->gen = gen;
    return 0;
}

int xsr_store_tree_set_perms(struct xsr_store_node **root, const char *path,
                             const struct xsr_store_perm *perms, uint32_t n,
                             uint64_t gen)
{
    struct xsr_store_node *node = reach(root, path, gen);
    struct xsr_store_perm *copy = copy_of(perms, n * sizeof(*perms));

    if (!node || !copy) {
        free(copy);
        return no_memory();
    }
    free(node->perms);
    node->perms = copy;
    node->n_perms = n;
    node->gen = gen;
    return 0;
}

int xsr_store_tree_rm(struct xsr_store_node **root, const char *path,
                      uint64_t gen)
{
    const char *name = strrchr(path, '/') + 1;
    char *parent_path;
    struct xsr_store_node *parent, **slot;

    if (!xsr_store_tree_find(*root, path) || !*name)
        return 0;
    parent_path = strndup(path, (size_t)(name - 1 - path));
    parent = parent_path ? reach(root, parent_path, gen) : NULL;
    free(parent_path);
    if (!parent)
        return no_memory();
    slot = kid_slot(parent, name, strlen(name));
    xsr_store_tree_unref(*slot);
    parent->n_kids--;
    memmove(slot, slot + 1,
            (size_t)(&parent->kids[parent->n_kids] - slot) * sizeof(*slot));
    parent->gen = gen;
    return 0;
}

struct walk {
    enum xsr_store_walk order;
    xsr_store_on_node *on_node;
    void *ctx;
    char path[XSR_STORE_PATH_BUF]; /* grows and shrinks with the walk */
};

static int walk(struct walk *w, const struct xsr_store_node *node, size_t len)
{
    size_t base = len == 1 ? 0 : len; /* the root's name is one slash */
    int rc = 0;

    if (w->order == XSR_STORE_PARENTS_FIRST)
        rc = w->on_node(w->ctx, w->path, node);
    for (uint32_t i = 0; !rc && i < node->n_kids; i++) {
        size_t n = strlen(node->kids[i]->name);

        if (base + 1 + n >= sizeof(w->path))
            continue; /* cannot be: path.c bounds them */
        w->path[base] = '/';
        memcpy(w->path + base + 1, node->kids[i]->name, n + 1);
        rc = walk(w, node->kids[i], base + 1 + n);
    }
    w->path[len] = '\0';
    if (!rc && w->order == XSR_STORE_CHILDREN_FIRST)
        rc = w->on_node(w->ctx, w->path, node);
    return rc;
}

int xsr_store_tree_walk(const struct xsr_store_node *root, const char *path,
                        enum xsr_store_walk order, xsr_store_on_node *on_node,
                        void *ctx)
{
    const struct xsr_store_node *node = xsr_store_tree_find(root, path);
    struct walk w = {.order = order, .on_node = on_node, .ctx = ctx};

    if (!node)
        return 0;
    memcpy(w.path, path, strlen(path) + 1);
    return walk(&w, node, strlen(path));
}
