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

#define HEX(name, at, width)                                \
    {                                                       \
        name, at, width, XSR_F_HEX, 0, 0, 0, 0, NULL, false \
    }
#define DEC(name, at, width)                                \
    {                                                       \
        name, at, width, XSR_F_DEC, 0, 0, 0, 0, NULL, false \
    }
#define SIGNED(name, at, width)                                \
    {                                                          \
        name, at, width, XSR_F_SIGNED, 0, 0, 0, 0, NULL, false \
    }
#define BITSET(name, at, width)                                \
    {                                                          \
        name, at, width, XSR_F_BITSET, 0, 0, 0, 0, NULL, false \
    }
#define PART(name, at, lsb, bits)                            \
    {                                                        \
        name, at, 1, XSR_F_DEC, lsb, bits, 0, 0, NULL, false \
    }
#define BYTESN(name, at, width, n, stride)                         \
    {                                                              \
        name, at, width, XSR_F_BYTES, 0, 0, n, stride, NULL, false \
    }
#define DECS(name, at, width, n, stride)                         \
    {                                                            \
        name, at, width, XSR_F_DEC, 0, 0, n, stride, NULL, false \
    }
#define HEXES(name, at, width, n, stride)                        \
    {                                                            \
        name, at, width, XSR_F_HEX, 0, 0, n, stride, NULL, false \
    }
#define NEST(name, at, layout)                             \
    {                                                      \
        name, at, 0, XSR_F_NEST, 0, 0, 0, 0, layout, false \
    }
#define NESTS(name, at, n, stride, layout)                      \
    {                                                           \
        name, at, 0, XSR_F_NEST, 0, 0, n, stride, layout, false \
    }
#define LAYOUT(name, len, fields)                \
    {                                            \
        name, len, fields, XSR_ARRAY_LEN(fields) \
    }
#define BHEX(name, at, width)                              \
    {                                                      \
        name, at, width, XSR_F_HEX, 0, 0, 0, 0, NULL, true \
    }
#define BDEC(name, at, width)                              \
    {                                                      \
        name, at, width, XSR_F_DEC, 0, 0, 0, 0, NULL, true \
    }
#define BSIGNED(name, at, width)                              \
    {                                                         \
        name, at, width, XSR_F_SIGNED, 0, 0, 0, 0, NULL, true \
    }
#define BSIGNEDS(name, at, width, n, stride)                       \
    {                                                              \
        name, at, width, XSR_F_SIGNED, 0, 0, n, stride, NULL, true \
    }
#define BHEXES(name, at, width, n, stride)                      \
    {                                                           \
        name, at, width, XSR_F_HEX, 0, 0, n, stride, NULL, true \
    }

#endif
