/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * EMULATOR_XENSTORE_DATA <-> xenstore. The whole list is parsed and judged by
 * stream/xskeys before the first node is written, and all nodes are written in
 * one transaction (called by records.c; undone with the domain's other nodes);
 * one that is read is judged the same way before it is sent (tail.c).
 */
#include "plugin/emu/emu.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/util.h"
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

/* ---- reading ------------------------------------------------------------- */

/* The three subkeys of one entry, all of which a device model writes. */
static int read_entry(struct xsr_xs *xs, const char *top, const char *entry,
                      struct xsr_buf *out, struct xsr_err *err)
{
    static const char *const subkeys[] = {"start_addr", "size", "name"};
    char path[XSR_XS_PATH], key[64];
    size_t i;

    for (i = 0; i < XSR_ARRAY_LEN(subkeys); i++) {
        xsr_auto_free char *value = NULL;

        snprintf(path, sizeof(path), "%s/%.40s/%s", top, entry, subkeys[i]);
        snprintf(key, sizeof(key), "physmap/%.40s/%s", entry, subkeys[i]);
        if (xsr_xs_read(xs, path, &value, err) < 0)
            return -1;
        if (!value)
            return xsr_fail(err, XSR_E_XEN,
                            "device model: xenstore has no %s, which belongs "
                            "to its physmap",
                            path);
        if (xsr_xskeys_put(out, key, value, err) < 0)
            return -1;
    }
    return 0;
}

int xsr_emu_keys_read(struct xsr_xs *xs, uint32_t domid, struct xsr_buf *out,
                      size_t *n_out, struct xsr_err *err)
{
    xsr_auto_free char **entries = NULL;
    struct xsr_xskeys keys = {NULL, 0};
    size_t start = out->len;
    struct xsr_cur cur;
    char top[64];
    unsigned i, n;
    int rc;

    *n_out = 0;
    snprintf(top, sizeof(top), "/local/domain/0/device-model/%u/physmap",
             domid);
    if (xsr_xs_list(xs, top, &entries, &n, err) < 0)
        return -1;
    for (i = 0; i < n; i++)
        if (read_entry(xs, top, entries[i], out, err) < 0)
            return -1;
    xsr_cur_init(&cur, out->p + start, out->len - start, 0);
    rc = n ? xsr_xskeys_get(&cur, &keys, err) : 0;
    err->offset = XSR_NO_OFFSET; /* there is no input */
    *n_out = keys.n;
    xsr_xskeys_fini(&keys);
    return rc < 0 ? xsr_err_prefix(err, "keys of the device model") : 0;
}
