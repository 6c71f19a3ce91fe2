/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim xenstore`: the nodes below a path with values and permissions,
 * in the order of their creation:
 *
 *     /local/domain/5/name = "pv"   (n0,r5)
 *
 * All is read in one transaction, so it is one moment of the store.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "stubs/tool/tool.h"

struct dump {
    struct xsr_store *xs;
    uint32_t txn;
    json_t *nodes; /* NULL: as text */
};

static char letter(uint32_t bits)
{
    return "nrwb"[bits & (XSR_STORE_READ | XSR_STORE_WRITE)];
}

static int perms_text(struct dump *dump, const char *path, struct xsr_buf *out)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_store_perm *perms;
    unsigned n;
    int rc = 0;

    if (xsr_store_get_perms(dump->xs, dump->txn, path, &perms, &n))
        return -1;
    for (unsigned i = 0; !rc && i < n; i++)
        rc = xsr_buf_printf(out, &err, "%s%c%" PRIu32, i ? "," : "",
                            letter(perms[i].bits), perms[i].id);
    free(perms);
    return rc || xsr_buf_put(out, "", 1, &err) ? -1 : 0;
}

/* A value may hold any octet; what is not text is written as \xNN. */
static char *printable(const char *value, unsigned len)
{
    char *out = malloc(4 * (size_t)len + 1), *p = out;

    for (unsigned i = 0; out && i < len; i++) {
        unsigned char c = (unsigned char)value[i];

        if (c == '"' || c == '\\')
            *p++ = '\\', *p++ = (char)c;
        else if (c >= ' ' && c < 0x7f)
            *p++ = (char)c;
        else
            p += snprintf(p, 5, "\\x%02x", c);
    }
    if (out)
        *p = '\0';
    return out;
}

static int print_node(struct dump *dump, const char *path)
{
    struct xsr_buf perms = XSR_BUF_INIT;
    char *value, *text = NULL;
    unsigned len;
    int rc = -1;

    if (xsr_store_read(dump->xs, dump->txn, path, &value, &len))
        return -1;
    text = printable(value, len);
    if (text && !perms_text(dump, path, &perms)) {
        const char *list = (const char *)perms.p;

        rc = 0;
        if (dump->nodes)
            rc = json_array_append_new(
                dump->nodes, json_pack("{s:s, s:s, s:s}", "path", path, "value",
                                       text, "perms", list));
        else
            printf("%s = \"%s\"   (%s)\n", path, text, list);
    }
    xsr_buf_fini(&perms);
    free(text);
    free(value);
    return rc;
}

static int print_tree(struct dump *dump, const char *path)
{
    char **names, child[8192];
    unsigned n;
    int rc = strcmp(path, "/") ? print_node(dump, path) : 0;

    if (rc || xsr_store_directory(dump->xs, dump->txn, path, &names, &n))
        return -1;
    for (unsigned i = 0; !rc && i < n; i++) {
        snprintf(child, sizeof(child), "%s/%s", strcmp(path, "/") ? path : "",
                 names[i]);
        rc = print_tree(dump, child);
    }
    free(names);
    return rc;
}

int xsr_sim_cmd_xenstore(int argc, char **argv)
{
    struct dump dump = {NULL, 0, NULL};
    const char *path = "/";
    bool as_json;
    int rc;

    xsr_sim_flag(&argc, argv, "--json", &as_json);
    rc = xsr_sim_words(argc, argv, 0, 1);
    if (rc)
        return rc;
    if (argc == 2)
        path = argv[1];
    if (xsr_store_open(&dump.xs) || xsr_store_txn_start(dump.xs, &dump.txn))
        rc = xsr_sim_fail("the host's xenstore cannot be opened: %s",
                          strerror(errno));
    if (as_json)
        dump.nodes = json_array();
    if (!rc && print_tree(&dump, path))
        rc = xsr_sim_fail("xenstore %s: %s", path, strerror(errno));
    xsr_store_close(dump.xs);
    if (as_json && !rc)
        return xsr_sim_print_json(json_pack("{s:o}", "nodes", dump.nodes));
    json_decref(dump.nodes);
    if (!rc && fflush(stdout))
        rc = xsr_sim_fail("cannot write to standard output");
    return rc;
}
