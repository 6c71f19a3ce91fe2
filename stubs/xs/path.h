/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of xenstore nodes: what is allowed, and how relative ones resolve. */
#ifndef XSR_STUBS_XS_PATH_H
#define XSR_STUBS_XS_PATH_H

#include <stdbool.h>

#define XSR_STORE_ABS_MAX     3072 /* whole path */
#define XSR_STORE_REL_MAX     2048 /* below /local/domain/N/ */
#define XSR_STORE_PAYLOAD_MAX 4096 /* path, its NUL and the value together */
#define XSR_STORE_HOME        "/local/domain/0"
/* Room for a home prefix in front of anything a payload can hold. */
#define XSR_STORE_PATH_BUF    (XSR_STORE_PAYLOAD_MAX + 32)

/*
 * Absolute form of path in out. special: "@..." is allowed and left alone.
 * -1 with errno EINVAL (bad name) or E2BIG (no message could carry it).
 */
int xsr_store_path(const char *path, bool special,
                   char out[XSR_STORE_PATH_BUF]);

/* The path of the node above; path is not the root's. */
void xsr_store_parent(const char *path, char out[XSR_STORE_PATH_BUF]);

/* Is path the node above or above-or-equal sub? Both absolute. */
bool xsr_store_path_covers(const char *path, const char *sub);

#endif
