/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Header and optional data (configuration) in front of an xl save file.
 * docs/formats/xl-save-file.md
 */
#ifndef XSR_STREAM_XLFILE_H
#define XSR_STREAM_XLFILE_H

#include <stdbool.h>

#include "lib/bytes.h"

#define XSR_XLFILE_HDR_LEN   48u
#define XSR_XLFILE_MAGIC_LEN 32u
#define XSR_XLFILE_JSON      1u /* mandatory flag: config is JSON */
#define XSR_XLFILE_STREAM_V2 2u /* mandatory flag: v2 stream follows */

struct xsr_xlfile_hdr {
    uint32_t mandatory_flags, optional_flags, optional_len;
};
struct xsr_xlfile_config { /* view into the optional data */
    const char *text;      /* NUL-terminated when JSON */
    size_t len;            /* without the NUL */
};

/* Do these first bytes (n >= 8 of them) begin an xl save file? */
bool xsr_xlfile_probe(const uint8_t *p, size_t n);
/* Magic, byte order, unknown mandatory flags, limit of optional_len. */
int xsr_xlfile_get_hdr(struct xsr_cur *cur, struct xsr_xlfile_hdr *out,
                       struct xsr_err *err);
/* The optional data, complete: length inside, NUL of a JSON config present. */
int xsr_xlfile_get_config(struct xsr_cur *cur, const struct xsr_xlfile_hdr *hdr,
                          struct xsr_xlfile_config *out, struct xsr_err *err);
/* Write header and optional data for a JSON config (flags 3). */
struct xsr_buf;
int xsr_xlfile_put(struct xsr_buf *out, const char *json, struct xsr_err *err);

#endif
