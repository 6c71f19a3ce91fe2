/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the tables of this folder are written: a line a field, with its name, its
 * place and its width in octets. B...: the integers of a device model, which
 * are big-endian. For the files here alone.
 */
#ifndef XSR_STREAM_FIELDS_MACROS_H
#define XSR_STREAM_FIELDS_MACROS_H

#include "lib/util.h"
#include "stream/fields/fields.h"

#define ONE(name, at, width, fmt, big)              \
    {                                               \
        name, at, width, fmt, 0, 0, 0, 0, NULL, big \
    }
#define MANY(name, at, width, fmt, n, stride, big)       \
    {                                                    \
        name, at, width, fmt, 0, 0, n, stride, NULL, big \
    }

#define HEX(name, at, width)    ONE(name, at, width, XSR_F_HEX, false)
#define DEC(name, at, width)    ONE(name, at, width, XSR_F_DEC, false)
#define SIGNED(name, at, width) ONE(name, at, width, XSR_F_SIGNED, false)
#define BITSET(name, at, width) ONE(name, at, width, XSR_F_BITSET, false)
#define PART(name, at, lsb, bits)                            \
    {                                                        \
        name, at, 1, XSR_F_DEC, lsb, bits, 0, 0, NULL, false \
    }
#define BYTESN(name, at, width, n, stride) \
    MANY(name, at, width, XSR_F_BYTES, n, stride, false)
#define DECS(name, at, width, n, stride) \
    MANY(name, at, width, XSR_F_DEC, n, stride, false)
#define HEXES(name, at, width, n, stride) \
    MANY(name, at, width, XSR_F_HEX, n, stride, false)
#define NESTS(name, at, n, stride, layout)                      \
    {                                                           \
        name, at, 0, XSR_F_NEST, 0, 0, n, stride, layout, false \
    }
#define NEST(name, at, layout) NESTS(name, at, 0, 0, layout)
#define LAYOUT(name, len, fields)                \
    {                                            \
        name, len, fields, XSR_ARRAY_LEN(fields) \
    }
#define BHEX(name, at, width)    ONE(name, at, width, XSR_F_HEX, true)
#define BDEC(name, at, width)    ONE(name, at, width, XSR_F_DEC, true)
#define BSIGNED(name, at, width) ONE(name, at, width, XSR_F_SIGNED, true)
#define BSIGNEDS(name, at, width, n, stride) \
    MANY(name, at, width, XSR_F_SIGNED, n, stride, true)

#endif
