/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tree of nodes, shared by reference and copied on write: a transaction
 * takes the current root for nothing and changes its own version of it.
 * Nothing here locks, logs or knows about files.
 */
#ifndef XSR_STUBS_XS_TREE_H
#define XSR_STUBS_XS_TREE_H

#include <stdint.h>

#include "stubs/xs/xs.h"

struct xsr_store_node {
    unsigned refs;
    /*
     * Number of the record that last changed value, permissions or list of
     * children; 0 stands for "no such node" and is never stored.
     */
    uint64_t gen;
    char *name; /* last part of the path; "" at the root */
    uint8_t *value;
    uint32_t len;
    struct xsr_store_perm *perms; /* the first one names the owner */
    uint32_t n_perms;
    struct xsr_store_node **kids; /* in the order of their creation */
    uint32_t n_kids, cap_kids;
};

/* A root owned by domain 0, readable by nobody else. NULL: no memory. */
struct xsr_store_node *xsr_store_tree_new(uint64_t gen);
struct xsr_store_node *xsr_store_tree_ref(struct xsr_store_node *node);
void xsr_store_tree_unref(struct xsr_store_node *node); /* NULL is fine */

/* Paths are absolute and valid (path.h). */
const struct xsr_store_node *xsr_store_tree_find(
    const struct xsr_store_node *root, const char *path);
/* The deepest node on the way to path that exists; its path length too. */
const struct xsr_store_node *xsr_store_tree_nearest(
    const struct xsr_store_node *root, const char *path, size_t *len_out);

/*
 * Changes; *root is replaced by a changed copy where it is shared. -1 is
 * always ENOMEM. Missing nodes on the way get the permissions of the nearest
 * one above. value NULL: only make sure that the node exists.
 */
int xsr_store_tree_write(struct xsr_store_node **root, const char *path,
                         const void *value, uint32_t len, uint64_t gen);
int xsr_store_tree_set_perms(struct xsr_store_node **root, const char *path,
                             const struct xsr_store_perm *perms, uint32_t n,
                             uint64_t gen);
/* A missing node is fine. */
int xsr_store_tree_rm(struct xsr_store_node **root, const char *path,
                      uint64_t gen);

/*
 * Call on_node for path and everything below. Non-zero stops the walk and is
 * returned.
 */
enum xsr_store_walk { XSR_STORE_PARENTS_FIRST, XSR_STORE_CHILDREN_FIRST };
typedef int xsr_store_on_node(void *ctx, const char *path,
                              const struct xsr_store_node *node);
int xsr_store_tree_walk(const struct xsr_store_node *root, const char *path,
                        enum xsr_store_walk order, xsr_store_on_node *on_node,
                        void *ctx);

#endif
