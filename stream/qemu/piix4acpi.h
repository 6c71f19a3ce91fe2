/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The power management record of traditional QEMU: its declared version and
 * the layout it really has, which XenServer 6.0 to 6.2 made two things.
 * docs/formats/qemu-state.md
 */
#ifndef XSR_STREAM_QEMU_PIIX4ACPI_H
#define XSR_STREAM_QEMU_PIIX4ACPI_H

#include <stdbool.h>

#include "lib/err.h"

#define XSR_PIIX4_SHORT 278u /* version 1: old ACPI ports */
#define XSR_PIIX4_LONG  282u /* version 2: the ports' address at the end */

struct xsr_piix4acpi {
    bool found;  /* exactly one such record */
    uint64_t at; /* of its header, from the blob's first byte */
    size_t version_at;
    uint32_t version; /* as declared */
    uint32_t len;     /* SHORT or LONG; 0: cannot be told */
    bool hint_agrees; /* a gpe record says the same */
    bool hint_contradicts;
    const char *origin; /* who writes such a record, for people */
};

void xsr_piix4acpi_find(const uint8_t *blob, size_t len,
                        struct xsr_piix4acpi *out);
/* A record that says version 2 and has the layout of version 1. */
static inline bool xsr_piix4acpi_broken(const struct xsr_piix4acpi *p)
{
    return p->found && p->version == 2 && p->len == XSR_PIIX4_SHORT;
}

enum xsr_piix4acpi_target {
    XSR_PIIX4_FOR_TRADITIONAL, /* xl's qemu-traditional: versions 1 and 2 */
    XSR_PIIX4_FOR_XENSERVER    /* 6.5 and later: 1, 2 (both short) and 3 */
};
/*
 * The version number that makes the target read the record as it is written:
 * the present one if nothing is to do, 0 if that cannot be told. force: also
 * when no other record confirms it (never when one contradicts).
 */
uint32_t xsr_piix4acpi_fixed(const struct xsr_piix4acpi *p,
                             enum xsr_piix4acpi_target target, bool force);

#endif
