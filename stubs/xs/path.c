/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Node names. Every call of a connection passes here first, so that nothing
 * behind it meets a path that a real xenstored would not store: a slash in
 * front, none at the end, none doubled, a small set of characters, and two
 * limits of length.
 */
#include "stubs/xs/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char allowed[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_@";

/* Length that counts: a domain's own prefix is not charged to it. */
static size_t counted_len(const char *path)
{
    unsigned domid;
    int skip = 0;

    if (sscanf(path, "/local/domain/%5u/%n", &domid, &skip) != 1)
        skip = 0;
    return strlen(path) - (size_t)skip;
}

static bool name_ok(const char *path, bool special)
{
    size_t len = strlen(path);

    if (path[0] != '/' && !(special && path[0] == '@'))
        return false;
    if (len >= XSR_STORE_ABS_MAX || counted_len(path) > XSR_STORE_REL_MAX)
        return false;
    if (len > 1 && path[len - 1] == '/')
        return false;
    return !strstr(path, "//") && strspn(path, allowed) == len;
}

int xsr_store_path(const char *path, bool special, char out[XSR_STORE_PATH_BUF])
{
    const char *home = "", *slash = "";

    if (!path || !*path) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) + 1 > XSR_STORE_PAYLOAD_MAX) {
        errno = E2BIG;
        return -1;
    }
    if (path[0] != '/' && path[0] != '@') {
        home = XSR_STORE_HOME;
        slash = "/";
    }
    snprintf(out, XSR_STORE_PATH_BUF, "%s%s%s", home, slash, path);
    if (!name_ok(out, special)) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

void xsr_store_parent(const char *path, char out[XSR_STORE_PATH_BUF])
{
    size_t n = (size_t)(strrchr(path, '/') - path);

    memcpy(out, path, n ? n : 1);
    out[n ? n : 1] = '\0';
}

bool xsr_store_path_covers(const char *path, const char *sub)
{
    size_t n = strlen(path);

    if (n == 1 && path[0] == '/')
        return sub[0] == '/';
    return strncmp(path, sub, n) == 0 && (sub[n] == '\0' || sub[n] == '/');
}
