/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which image format do the first bytes of an input belong to? Pure: the
 * caller has read the bytes and gives them to whoever reads on.
 * docs/formats/README.md lists the formats.
 */
#ifndef XSR_CONVERT_DETECT_H
#define XSR_CONVERT_DETECT_H

#include "lib/err.h"

/* All that detection can need. Fewer are enough when the input ends there. */
#define XSR_DETECT_LEN 48u

enum xsr_format {
    XSR_FORMAT_UNKNOWN,
    XSR_FORMAT_XL,        /* xl save file: header, configuration, libxl */
    XSR_FORMAT_XL_LEGACY, /* the same in front of a legacy image */
    XSR_FORMAT_LIBXL,
    XSR_FORMAT_LIBXC2,
    XSR_FORMAT_LIBXC3,
    XSR_FORMAT_XENSERVER,     /* 6.5 and later, XCP-ng: typed records */
    XSR_FORMAT_XENSERVER_OLD, /* up to 6.2: a legacy image behind a line */
    XSR_FORMAT_XEND,          /* xend's: S-expression, legacy image */
    XSR_FORMAT_LEGACY,        /* libxc image of Xen 4.5 and older */
    XSR_N_FORMATS
};

/* The word for it on the command line and in reports. */
const char *xsr_format_name(enum xsr_format format);
/*
 * Never fails: UNKNOWN is an answer. A legacy image has no magic; it is
 * recognised by its first words (docs/formats/legacy-stream.md).
 */
enum xsr_format xsr_format_detect(const uint8_t *p, size_t n);

#endif
