/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds traditional QEMU's piix4acpi record in a whole blob. What it declares
 * and what it is are told apart by where it ends: at the end byte or at the
 * header of the next section. Only its version number is ever changed, so no
 * length around it is.
 */
#include "stream/qemu/piix4acpi.h"

#include <string.h>

#include "lib/util.h"

#define NAME     "piix4acpi"
#define NAME_LEN 9u
#define HDR_LEN  (14u + NAME_LEN)
#define T_FULL   0x04
#define T_EOF    0x00

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

/* Header, instance 0, version 1..3, and the beginning of a PCI device 7113. */
static bool is_record(const uint8_t *p, size_t n)
{
    static const uint8_t pci[] = {0, 0, 0, 2, 0x86, 0x80, 0x13, 0x71};
    uint32_t version;

    if (n < HDR_LEN + XSR_PIIX4_SHORT || p[0] != T_FULL || p[5] != NAME_LEN ||
        memcmp(p + 6, NAME, NAME_LEN) != 0 || be32(p + 6 + NAME_LEN) != 0)
        return false;
    version = be32(p + 10 + NAME_LEN);
    return version >= 1 && version <= 3 && !memcmp(p + HDR_LEN, pci, 8);
}

static bool is_printable(const uint8_t *p, size_t n)
{
    while (n--)
        if (p[n] <= ' ' || p[n] > '~')
            return false;
    return true;
}

/* The end byte as the last one, or another section's header. */
static bool ends_at(const uint8_t *blob, size_t len, size_t at)
{
    size_t name_len;

    if (at >= len)
        return false;
    if (blob[at] == T_EOF)
        return at + 1 == len;
    if (blob[at] != T_FULL || len - at < 15)
        return false;
    name_len = blob[at + 5];
    return name_len && len - at >= 14 + name_len &&
           is_printable(blob + at + 6, name_len);
}

/* Version of the gpe record in front of it; 0: there is none. */
static uint32_t gpe_version(const uint8_t *blob, size_t before)
{
    for (size_t i = 8; i + 17 <= before; i++)
        if (blob[i] == T_FULL && !memcmp(blob + i + 5, "\3gpe\0\0\0", 8))
            return be32(blob + i + 13);
    return 0;
}

static void judge(const uint8_t *blob, size_t len, struct xsr_piix4acpi *out)
{
    size_t body = (size_t)out->at + HDR_LEN;
    bool is_short = ends_at(blob, len, body + XSR_PIIX4_SHORT);
    bool is_long = ends_at(blob, len, body + XSR_PIIX4_LONG);
    uint32_t gpe = gpe_version(blob, (size_t)out->at), hint = 0;

    if (is_short != is_long)
        out->len = is_short ? XSR_PIIX4_SHORT : XSR_PIIX4_LONG;
    if (gpe == 1 || gpe == 2)
        hint = gpe == 1 ? XSR_PIIX4_SHORT : XSR_PIIX4_LONG;
    out->hint_agrees = hint && hint == out->len;
    out->hint_contradicts = hint && hint != out->len;
    if (out->version == 2 && out->len == XSR_PIIX4_SHORT)
        out->origin = "XenServer 6.0 to 6.2";
    else if (out->version == 1 && out->len == XSR_PIIX4_SHORT)
        out->origin = "qemu-traditional before November 2010";
    else if (out->version == 2 && out->len == XSR_PIIX4_LONG)
        out->origin = "qemu-traditional";
    else if (out->version == 3 && out->len == XSR_PIIX4_LONG)
        out->origin = "XenServer 6.5";
}

void xsr_piix4acpi_find(const uint8_t *blob, size_t len,
                        struct xsr_piix4acpi *out)
{
    unsigned hits = 0;

    *out = (struct xsr_piix4acpi){.origin = "an unknown program"};
    for (size_t i = 8; i < len; i++) {
        if (blob[i] != T_FULL || !is_record(blob + i, len - i))
            continue;
        out->at = i;
        hits++;
    }
    out->found = hits == 1;
    if (!out->found)
        return;
    out->version_at = (size_t)out->at + 10 + NAME_LEN;
    out->version = be32(blob + out->version_at);
    judge(blob, len, out);
}

uint32_t xsr_piix4acpi_fixed(const struct xsr_piix4acpi *p,
                             enum xsr_piix4acpi_target target, bool force)
{
    if (!p->found || !p->len || p->hint_contradicts ||
        (!p->hint_agrees && !force))
        return 0;
    if (p->len == XSR_PIIX4_SHORT && p->version <= 2)
        return target == XSR_PIIX4_FOR_TRADITIONAL ? 1 : p->version;
    if (p->len == XSR_PIIX4_LONG && p->version >= 2)
        return target == XSR_PIIX4_FOR_TRADITIONAL ? 2 : 3;
    return 0;
}
