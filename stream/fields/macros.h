/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the tables of hvm.c and pv.c are written: a line a field, with its name,
 * its place and its width in octets. For these two files alone.
 */
#ifndef XSR_STREAM_FIELDS_MACROS_H
#define XSR_STREAM_FIELDS_MACROS_H

#include "lib/util.h"
#include "stream/fields/fields.h"

#define HEX(name, at, width)                         \
    {                                                \
        name, at, width, XSR_F_HEX, 0, 0, 0, 0, NULL \
    }
#define DEC(name, at, width)                         \
    {                                                \
        name, at, width, XSR_F_DEC, 0, 0, 0, 0, NULL \
    }
#define SIGNED(name, at, width)                         \
    {                                                   \
        name, at, width, XSR_F_SIGNED, 0, 0, 0, 0, NULL \
    }
#define BITSET(name, at, width)                         \
    {                                                   \
        name, at, width, XSR_F_BITSET, 0, 0, 0, 0, NULL \
    }
#define PART(name, at, lsb, bits)                     \
    {                                                 \
        name, at, 1, XSR_F_DEC, lsb, bits, 0, 0, NULL \
    }
#define BYTESN(name, at, width, n, stride)                  \
    {                                                       \
        name, at, width, XSR_F_BYTES, 0, 0, n, stride, NULL \
    }
#define HEXES(name, at, width, n, stride)                 \
    {                                                     \
        name, at, width, XSR_F_HEX, 0, 0, n, stride, NULL \
    }
#define NEST(name, at, layout)                      \
    {                                               \
        name, at, 0, XSR_F_NEST, 0, 0, 0, 0, layout \
    }
#define NESTS(name, at, n, stride, layout)               \
    {                                                    \
        name, at, 0, XSR_F_NEST, 0, 0, n, stride, layout \
    }
#define LAYOUT(name, len, fields)                \
    {                                            \
        name, len, fields, XSR_ARRAY_LEN(fields) \
    }

#endif
