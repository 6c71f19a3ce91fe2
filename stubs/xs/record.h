/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations as bytes: what one record of the xenstore file holds, one after
 * the other. Numbers are little-endian.
 *
 *   u8 kind, u8 0, u16 path length with its NUL, u32 data length, path, data
 */
#ifndef XSR_STUBS_XS_RECORD_H
#define XSR_STUBS_XS_RECORD_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/bytes.h"
#include "stubs/xs/xs.h"

enum xsr_store_op_kind {
    XSR_STORE_OP_WRITE = 1, /* data: value */
    XSR_STORE_OP_MKDIR,
    XSR_STORE_OP_RM,
    XSR_STORE_OP_PERMS,     /* data: u32 id, u32 bits each */
    XSR_STORE_OP_INTRODUCE, /* data: u32 domid, u32 port, u64 gfn,
                            u32 domain 0's port bound to port */
    XSR_STORE_OP_RELEASE,   /* data: u32 domid */
    XSR_STORE_OP_GONE,      /* data: u32 domid; its nodes go too */
    XSR_STORE_OP_TARGET,    /* data: u32 domid, u32 target */
    XSR_STORE_OP_SPECIAL,   /* path: the special watch's name */
    /* only in snapshots */
    XSR_STORE_OP_NODE, /* data: u64 gen, u32 n, n perms, value */
    XSR_STORE_N_OP
};

struct xsr_store_op {
    enum xsr_store_op_kind kind;
    const char *path; /* "" where there is none */
    const uint8_t *data;
    uint32_t len;
};

/* Append one operation. -1 with errno ENOMEM. */
int xsr_store_op_put(struct xsr_buf *ops, enum xsr_store_op_kind kind,
                     const char *path, const void *data, size_t len);
int xsr_store_op_put_perms(struct xsr_buf *ops, const char *path,
                           const struct xsr_store_perm *perms, uint32_t n);
int xsr_store_op_put_introduce(struct xsr_buf *ops, uint32_t domid,
                               uint32_t port, uint64_t gfn, uint32_t local);
/* target is for XSR_STORE_OP_TARGET only. */
int xsr_store_op_put_dom(struct xsr_buf *ops, enum xsr_store_op_kind kind,
                         uint32_t domid, uint32_t target);

/* 1: one operation taken from cur; 0: none left; -1: errno EIO, malformed. */
int xsr_store_op_get(struct xsr_cur *cur, struct xsr_store_op *op_out);
/* Permission list at the start of cur, n entries, malloc'ed; NULL: errno. */
struct xsr_store_perm *xsr_store_op_perms(struct xsr_cur *cur, uint32_t n);

/* 64 bits over bytes; start with 0, go on with the last result. */
uint64_t xsr_store_sum(uint64_t sum, const void *p, size_t n);

#endif
