/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walker over tables of fields (stream/fields): bytes and a layout become
 * a tree of names and values, which is printed, put into JSON or compared.
 * Integers that people read as hex are strings, since JSON's numbers end at
 * 2^63. Of arrays only what is not zero is kept: most of it always is. (A
 * comparison wants all of it.)
 */
#include <stdio.h>

#include "lib/util.h"
#include "tools/inspect/report.h"

#define MAX_RANGES 64u

static bool all_elements;

void insp_fields_all(bool all)
{
    all_elements = all;
}

json_t *insp_u64(uint64_t value)
{
    char hex[24];

    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(hex, sizeof hex, "0x%llx", (unsigned long long)value);
    return json_string(hex);
}

json_t *insp_hex_u64(uint64_t value)
{
    char hex[24];

    snprintf(hex, sizeof hex, "0x%llx", (unsigned long long)value);
    return json_string(hex);
}

json_t *insp_octets(const uint8_t *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * n + 1);
    json_t *value;

    if (!text)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[p[i] >> 4];
        text[2 * i + 1] = digits[p[i] & 15];
    }
    text[2 * n] = '\0';
    value = json_stringn_nocheck(text, 2 * n);
    free(text);
    return value;
}

static bool bit_is_set(const uint8_t *p, unsigned bit)
{
    return p[bit / 8] >> bit % 8 & 1;
}

/* "0-3,7", "none". */
static json_t *bitset(const uint8_t *p, unsigned width)
{
    char text[MAX_RANGES * 12 + 8];
    unsigned n = 0, n_bits = width * 8;
    size_t used = 0;

    for (unsigned i = 0; i < n_bits && n < MAX_RANGES; i++) {
        unsigned first = i;

        if (!bit_is_set(p, i))
            continue;
        while (i + 1 < n_bits && bit_is_set(p, i + 1))
            i++;
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 first == i ? "%s%u" : "%s%u-%u", n ? "," : "",
                                 first, i);
        n++;
    }
    if (n == MAX_RANGES)
        snprintf(text + used, sizeof text - used, ",...");
    return json_string(n ? text : "none");
}

static json_t *one_value(const struct xsr_field *f, const uint8_t *p)
{
    uint64_t v;

    switch (f->fmt) {
    case XSR_F_BYTES:
        return insp_octets(p, f->width);
    case XSR_F_BITSET:
        return bitset(p, f->width);
    case XSR_F_NEST:
        return insp_fields(f->nest, p, f->nest->len);
    case XSR_F_SIGNED:
        v = xsr_field_value(f, p);
        return json_integer(f->width == 1   ? (int8_t)v
                            : f->width == 2 ? (int16_t)v
                            : f->width == 4 ? (int32_t)v
                                            : (int64_t)v);
    case XSR_F_DEC:
        return insp_u64(xsr_field_value(f, p));
    default:
        return insp_hex_u64(xsr_field_value(f, p));
    }
}

static void one_field(json_t *tree, const struct xsr_field *f, const uint8_t *p,
                      size_t len)
{
    size_t width = f->fmt == XSR_F_NEST ? f->nest->len : f->width;
    unsigned n = f->n ? f->n : 1;
    char name[64];

    for (unsigned i = 0; i < n; i++) {
        size_t at = f->at + (size_t)i * f->stride;

        if (at + width > len)
            return;
        if (!f->n) {
            json_object_set_new(tree, f->name, one_value(f, p + at));
        } else if (all_elements || !xsr_all_zero(p + at, width)) {
            snprintf(name, sizeof name, "%s[%u]", f->name, i);
            json_object_set_new(tree, name, one_value(f, p + at));
        }
    }
}

json_t *insp_fields(const struct xsr_layout *layout, const uint8_t *p,
                    size_t len)
{
    json_t *tree = json_object();

    for (size_t i = 0; i < layout->n_fields; i++)
        one_field(tree, &layout->field[i], p, len);
    return tree;
}
