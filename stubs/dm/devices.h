/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the stand-in's machine consists of, as its state names it. */
#ifndef XSR_STUBS_DM_DEVICES_H
#define XSR_STUBS_DM_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xsr_dm_subsection {
    const char *name;
    size_t len; /* of its body */
};

#define XSR_DM_SUBSECTIONS 1

struct xsr_dm_device {
    const char *name;      /* without the path of its bus */
    uint32_t version, min; /* what it writes; the oldest it reads */
    size_t len;            /* of its fields */
    uint32_t n;            /* instances; 0: one per CPU */
    const char *slot;      /* on the PCI bus of a fresh machine, or NULL */
    uint32_t pci_id;       /* device << 16 | vendor */
    bool fresh;            /* a fresh machine has it */
    struct xsr_dm_subsection sub[XSR_DM_SUBSECTIONS];
};

extern const struct xsr_dm_device xsr_dm_devices[];
extern const size_t xsr_dm_n_devices;

#endif
