/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the blobs inside records are made of: tables of fields, one layout for
 * each structure. Nothing here reads or prints; a walker (tools/inspect) goes
 * over bytes with a layout and makes of them what it wants. Offsets are those
 * of Xen's public headers, the same in 4.6 to 4.22 unless a second layout is
 * there (docs/formats/libxc-image.md); of QEMU's devices, see qemu.c.
 */
#ifndef XSR_STREAM_FIELDS_FIELDS_H
#define XSR_STREAM_FIELDS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum xsr_field_fmt {
    XSR_F_HEX,    /* integer of 1, 2, 4 or 8 octets */
    XSR_F_DEC,    /* the same, unsigned */
    XSR_F_SIGNED, /* the same, signed */
    XSR_F_BYTES,  /* width octets, as they are */
    XSR_F_BITSET, /* width octets: the numbers of the bits that are set */
    XSR_F_NEST    /* a structure: .nest */
};

struct xsr_layout;
struct xsr_field {
    const char *name;
    uint16_t at, width; /* of the first element; NEST: width is 0 */
    uint8_t fmt;        /* enum xsr_field_fmt */
    uint8_t lsb, bits;  /* a part of an integer; bits 0: all of it */
    uint16_t n, stride; /* an array; n 0: a single one */
    const struct xsr_layout *nest;
    bool big; /* big-endian, as all of QEMU's integers */
};

struct xsr_layout {
    const char *name;
    uint32_t len; /* octets that its fields need; a shorter blob shows less */
    const struct xsr_field *field;
    size_t n_fields;
};

/*
 * The layout of an HVM context entry; NULL when the type is unknown. len
 * decides between old and new ones (CPU of Xen before 3.4, LAPIC since 4.21).
 * What is longer than .len has a tail: XSAVE components, MSRs.
 */
const struct xsr_layout *xsr_layout_hvm(uint16_t typecode, uint32_t len);

/* PV; width is that of the guest, 4 or 8. */
const struct xsr_layout *xsr_layout_vcpu(uint8_t width);
const struct xsr_layout *xsr_layout_shared_info(uint8_t width);
extern const struct xsr_layout xsr_layout_vcpu_extended;
extern const struct xsr_layout xsr_layout_vcpu_xsave;
/* Used by HVM and PV. */
extern const struct xsr_layout xsr_layout_fxsave;
extern const struct xsr_layout xsr_layout_tsc_info;

/* One element of a policy or of a list of MSRs. */
extern const struct xsr_layout xsr_layout_cpuid_leaf;
/* "ARCH_CAPABILITIES", or NULL. */
const char *xsr_msr_name(uint32_t index);

/*
 * A section of a device model's state by its name behind the device path and
 * its version; len: of its body without the subsections at the end. NULL when
 * nothing is known of it. on_pci: it is a device on a PCI bus, of which at
 * least that part is known. docs/formats/qemu-state.md
 */
const struct xsr_layout *xsr_layout_qemu(const char *name, uint32_t version,
                                         uint64_t len, bool on_pci);

/* The integer at p (width 1, 2, 4 or 8), its part only if the field says so. */
uint64_t xsr_field_value(const struct xsr_field *f, const uint8_t *p);

#endif
