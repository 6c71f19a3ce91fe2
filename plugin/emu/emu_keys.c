/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * EMULATOR_XENSTORE_DATA -> xenstore. The whole list is parsed and judged by
 * stream/xskeys before the first node is written, and all nodes are written in
 * one transaction. Called by records.c; undone with the domain's other nodes.
 */
#include "plugin/emu/emu.h"

#include <stdio.h>

#include "plugin/host/host.h"
#include "stream/xskeys.h"

struct job {
    const struct xsr_xskeys *keys;
    uint32_t domid;
};

static int write_keys(struct xsr_xs *xs, void *ctx, struct xsr_err *err)
{
    const struct job *job = ctx;
    char path[1024];
    size_t i;

    for (i = 0; i < job->keys->n; i++) {
        snprintf(path, sizeof(path), "/local/domain/0/device-model/%u/%s",
                 job->domid, job->keys->pair[i].key);
        if (xsr_xs_write(xs, path, job->keys->pair[i].value, err) < 0)
            return -1;
    }
    return 0;
}

int xsr_emu_keys_write(struct xsr_xs *xs, uint32_t domid, struct xsr_cur *cur,
                       size_t *n_out, struct xsr_err *err)
{
    struct xsr_xskeys keys = {NULL, 0};
    struct job job = {&keys, domid};
    int rc;

    rc = xsr_xskeys_get(cur, &keys, err);
    if (rc == 0 && keys.n)
        rc = xsr_xs_transact(xs, "keys of the device model", write_keys, &job,
                             err);
    *n_out = keys.n;
    xsr_xskeys_fini(&keys);
    return rc;
}
