/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One image in any format becomes one in another: xl save file, libxl stream,
 * bare libxc image of version 2 or 3, XenServer's. Older ones are read through
 * convert/legacy.h. In one pass, with memory that does not grow with the image.
 * What cannot be exact is refused with the reason. docs/formats/README.md
 */
#ifndef XSR_CONVERT_V2_CONVERT_H
#define XSR_CONVERT_V2_CONVERT_H

#include "convert/detect.h"
#include "convert/v2/parts.h"
#include "stream/xc3.h"

enum xsr_fix { XSR_FIX_OFF, XSR_FIX_AUTO, XSR_FIX_FORCE };

struct xsr_convert_params {
    int in, out; /* borrowed, blocking */
    const uint8_t *head;
    size_t n_head;          /* at most 16 bytes taken from in already */
    bool must_end;          /* the input is a whole file: nothing may follow */
    enum xsr_format from;   /* UNKNOWN: whatever it is; else one of XL, LIBXL,
                               LIBXC3 (both versions), XENSERVER, LEGACY */
    enum xsr_format to;     /* XL, LIBXL, LIBXC2 or 3 (see version), XENSERVER;
                               UNKNOWN: as it is, libxl for older ones */
    uint32_t version;       /* of the libxc image: 2, 3; 0: as it is */
    enum xsr_fix piix4acpi; /* put wrong version numbers right */
    bool drop_tmem;         /* of a legacy image; else it is refused */
    struct xsr_parts parts;
    /*
     * The configuration for an xl header: text (empty: there is none; json:
     * it is JSON) may be replaced; then *changed_out is set and it must be
     * JSON with a NUL behind it. ctx is that of parts.
     */
    int (*config)(void *ctx, struct xsr_buf *text, bool json, bool *changed_out,
                  struct xsr_err *err);
    /* Now and then: offset in the input. May be NULL. */
    void (*on_moved)(void *ctx, uint64_t in_at);
};

struct xsr_convert_report {
    enum xsr_format from, to;
    uint32_t version_in, version_out; /* of the libxc image */
    struct xsr_xc3_dhdr dhdr;
    uint64_t n_records, n_pages;
    uint32_t n_checkpoints;
    uint64_t emulator_len; /* device state; 0: none */
    uint32_t emulator_id;  /* as libxl counts: 1 traditional, 2 upstream */
    uint64_t in_bytes, out_bytes;
};

/*
 * err->offset counts in the input. XSR_E_UNSUPPORTED: valid, but the output
 * cannot hold it. After a failure the output has no END.
 */
int xsr_convert(const struct xsr_convert_params *params,
                struct xsr_convert_report *report_out, struct xsr_err *err);

#endif
