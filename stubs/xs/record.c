/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations <-> bytes. conn.c, txn.c and domain.c put operations together,
 * file.c wraps them into checked records, state.c takes them apart again, in
 * this process and in all others.
 */
#include "stubs/xs/record.h"

#include <errno.h>
#include <stdlib.h>

#include "stubs/xs/path.h"

static int no_memory(void)
{
    errno = ENOMEM;
    return -1;
}

int xsr_store_op_put(struct xsr_buf *ops, enum xsr_store_op_kind kind,
                     const char *path, const void *data, size_t len)
{
    struct xsr_err err = XSR_ERR_INIT;
    size_t path_len = strlen(path) + 1;
    uint8_t head[8] = {(uint8_t)kind};

    xsr_st_le16(head + 2, (uint16_t)path_len);
    xsr_st_le32(head + 4, (uint32_t)len);
    if (xsr_buf_put(ops, head, sizeof(head), &err) ||
        xsr_buf_put(ops, path, path_len, &err) ||
        (len && xsr_buf_put(ops, data, len, &err)))
        return no_memory();
    return 0;
}

int xsr_store_op_put_perms(struct xsr_buf *ops, const char *path,
                           const struct xsr_store_perm *perms, uint32_t n)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_buf data = XSR_BUF_INIT;
    int rc = 0;

    for (uint32_t i = 0; i < n; i++)
        if (xsr_buf_put_u32(&data, perms[i].id, &err) ||
            xsr_buf_put_u32(&data, perms[i].bits, &err))
            rc = no_memory();
    if (!rc)
        rc = xsr_store_op_put(ops, XSR_STORE_OP_PERMS, path, data.p, data.len);
    xsr_buf_fini(&data);
    return rc;
}

int xsr_store_op_put_introduce(struct xsr_buf *ops, uint32_t domid,
                               uint32_t port, uint64_t gfn, uint32_t local)
{
    uint8_t data[20];

    xsr_st_le32(data, domid);
    xsr_st_le32(data + 4, port);
    xsr_st_le64(data + 8, gfn);
    xsr_st_le32(data + 16, local);
    return xsr_store_op_put(ops, XSR_STORE_OP_INTRODUCE, "", data,
                            sizeof(data));
}

int xsr_store_op_put_dom(struct xsr_buf *ops, enum xsr_store_op_kind kind,
                         uint32_t domid, uint32_t target)
{
    uint8_t data[8];

    xsr_st_le32(data, domid);
    xsr_st_le32(data + 4, target);
    return xsr_store_op_put(ops, kind, "", data,
                            kind == XSR_STORE_OP_TARGET ? 8 : 4);
}

/* Does kind name a node, and is path one? */
static int path_fits(uint8_t kind, const char *path)
{
    char buf[XSR_STORE_PATH_BUF];

    switch (kind) {
    case XSR_STORE_OP_INTRODUCE:
    case XSR_STORE_OP_RELEASE:
    case XSR_STORE_OP_GONE:
    case XSR_STORE_OP_TARGET:
        return !*path;
    case XSR_STORE_OP_SPECIAL:
        return path[0] == '@';
    default:
        return path[0] == '/' && !xsr_store_path(path, false, buf);
    }
}

int xsr_store_op_get(struct xsr_cur *cur, struct xsr_store_op *op_out)
{
    struct xsr_err err = XSR_ERR_INIT;
    uint8_t kind, zero;
    uint16_t path_len;
    const uint8_t *path;

    if (!xsr_cur_left(cur))
        return 0;
    if (xsr_get_u8(cur, &kind, "kind", &err) ||
        xsr_get_u8(cur, &zero, "reserved", &err) ||
        xsr_get_u16(cur, &path_len, "path length", &err) ||
        xsr_get_u32(cur, &op_out->len, "data length", &err) ||
        xsr_get_view(cur, path_len, &path, "path", &err) ||
        xsr_get_view(cur, op_out->len, &op_out->data, "data", &err) || !kind ||
        kind >= XSR_STORE_N_OP || zero || !path_len ||
        memchr(path, 0, path_len) != path + path_len - 1 ||
        !path_fits(kind, (const char *)path)) {
        errno = EIO;
        return -1;
    }
    op_out->kind = kind;
    op_out->path = (const char *)path;
    return 1;
}

struct xsr_store_perm *xsr_store_op_perms(struct xsr_cur *cur, uint32_t n)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_store_perm *perms;

    if (!n || n > xsr_cur_left(cur) / 8) {
        errno = EIO;
        return NULL;
    }
    perms = calloc(n, sizeof(*perms));
    for (uint32_t i = 0; perms && i < n; i++)
        if (xsr_get_u32(cur, &perms[i].id, "id", &err) ||
            xsr_get_u32(cur, &perms[i].bits, "bits", &err))
            break; /* cannot be: the length was checked */
    return perms;
}

/* FNV-1a, with the usual constants. */
uint64_t xsr_store_sum(uint64_t sum, const void *p, size_t n)
{
    const uint8_t *b = p;

    if (!sum)
        sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ b[i]) * 0x100000001b3u;
    return sum;
}
