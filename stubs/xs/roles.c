/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nodes that other programs of a host would write: what is there after boot
 * (xenstored, xen-init-dom0), and the terminal's name that xenconsoled puts
 * below a console once its domain is introduced. Nobody runs here, so the
 * process whose change made it due appends it to the same record: it can
 * neither be seen missing nor get lost when that process dies.
 */
#include "stubs/xs/state.h"

#include <stdio.h>

#include "lib/util.h"
#include "stubs/xs/path.h"

static const struct {
    const char *path, *value;
} fresh[] = {
    {"/tool", ""},
    {"/tool/xenstored", ""},
    {"/local", ""},
    {"/local/domain", ""},
    {"/local/domain/0", ""},
    {"/local/domain/0/control", ""},
    {"/local/domain/0/control/feature-poweroff", "1"},
    {"/local/domain/0/control/feature-reboot", "1"},
    {"/local/domain/0/control/feature-suspend", "1"},
    {"/local/domain/0/domid", "0"},
    {"/local/domain/0/name", "Domain-0"},
    {"/local/pool", ""},
    {"/local/pool/0", ""},
    {"/local/pool/0/name", "Pool-0"},
    {"/vm", ""},
    {"/libxl", ""},
};

int xsr_store_seed(struct xsr_buf *ops)
{
    for (size_t i = 0; i < XSR_ARRAY_LEN(fresh); i++)
        if (xsr_store_op_put(ops, XSR_STORE_OP_WRITE, fresh[i].path,
                             fresh[i].value, strlen(fresh[i].value)))
            return -1;
    return 0;
}

static const struct xsr_store_node *below(const struct xsr_store_state *st,
                                          uint32_t domid, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "/local/domain/%u/console/%s", domid, name);
    return xsr_store_tree_find(st->root, path);
}

static bool is(const struct xsr_store_node *node, const char *value)
{
    return node->len == strlen(value) && !memcmp(node->value, value, node->len);
}

/* Would xenconsoled open a terminal for this domain, and has it none yet? */
static bool tty_due(const struct xsr_store_state *st, uint32_t domid)
{
    const struct xsr_store_node *ring = below(st, domid, "ring-ref");
    const struct xsr_store_node *port = below(st, domid, "port");
    const struct xsr_store_node *type = below(st, domid, "type");
    const struct xsr_store_node *output = below(st, domid, "output");
    const struct xsr_store_node *tty = below(st, domid, "tty");

    if (!xsr_store_state_dom(st, domid) || (tty && tty->len))
        return false;
    if (!ring || !ring->len || !port || !port->len)
        return false;
    return (!type || is(type, "xenconsoled")) && (!output || is(output, "pty"));
}

/* The domain whose console op may have completed; 0 if none. */
static uint32_t console_of(const struct xsr_store_op *op)
{
    uint32_t domid = 0;
    int used = 0;

    if (op->kind == XSR_STORE_OP_INTRODUCE)
        return xsr_le32(op->data);
    if (sscanf(op->path, "/local/domain/%5u/console/%n", &domid, &used) == 1 &&
        used)
        return domid;
    return 0;
}

int xsr_store_console(const struct xsr_store_state *st,
                      const struct xsr_buf *ops, struct xsr_buf *more)
{
    uint32_t done = 0;
    struct xsr_store_op op;
    struct xsr_cur cur;
    int rc;

    xsr_cur_init(&cur, ops->p, ops->len, 0);
    while ((rc = xsr_store_op_get(&cur, &op)) > 0) {
        uint32_t domid = console_of(&op);
        char path[64], tty[32];

        if (!domid || domid == done || !tty_due(st, domid))
            continue;
        done = domid;
        snprintf(path, sizeof(path), "/local/domain/%u/console/tty", domid);
        snprintf(tty, sizeof(tty), "sim:console/%u", domid);
        if (xsr_store_op_put(more, XSR_STORE_OP_WRITE, path, tty, strlen(tty)))
            return -1;
    }
    return rc;
}
