/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Key/value list of EMULATOR_XENSTORE_DATA (behind the emulator sub-header):
 * key NUL value NUL ... All of it is parsed and judged before anything is
 * used. docs/formats/libxl-stream.md
 */
#ifndef XSR_STREAM_XSKEYS_H
#define XSR_STREAM_XSKEYS_H

#include "lib/bytes.h"

struct xsr_xskey {
    const char *key, *value;
}; /* views, NUL-terminated */

/* At most 3 * XSR_MAX_PHYSMAP_ENTRIES. The list owns only the array. */
struct xsr_xskeys {
    struct xsr_xskey *pair;
    size_t n;
};

int xsr_xskeys_get(struct xsr_cur *cur, struct xsr_xskeys *out,
                   struct xsr_err *err);
/* One pair behind what out holds; the whole list is judged by
   xsr_xskeys_get(), as the reader will. */
struct xsr_buf;
int xsr_xskeys_put(struct xsr_buf *out, const char *key, const char *value,
                   struct xsr_err *err);
void xsr_xskeys_fini(struct xsr_xskeys *keys);

#endif
