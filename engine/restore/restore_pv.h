/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a restore of a PV guest keeps between records. restore_pv.c fills it
 * as records arrive, restore_pv_end.c completes the domain from it.
 */
#ifndef XSR_ENGINE_RESTORE_PV_H
#define XSR_ENGINE_RESTORE_PV_H

#include "engine/pv_layout.h"
#include "engine/restore/restore.h"

struct xsr_pv_blob {
    bool seen;       /* a record came, even an empty one */
    uint64_t offset; /* of that record */
    struct xsr_buf octets;
};

struct xsr_pv_vcpu {
    struct xsr_pv_blob basic, extended, xsave, msrs;
};

struct xsr_pv_guest {
    struct xsr_p2m p2m; /* n is end_pfn + 1 of P2M_FRAMES */
    uint64_t *list;     /* pfns of the guest's own p2m pages */
    uint32_t n_list;
    uint64_t list_offset; /* of the last P2M_FRAMES record */
    struct xsr_pv_vcpu *vcpu;
    uint32_t n_vcpus;
    bool slots_reported; /* one warning about Xen's slots is enough */
};

/* The judgements that need the whole image; rules 75-79. */
int xsr_pv_check_end(struct xsr_restore *rs, struct xsr_err *err);
/* vCPUs, pins, p2m pages, grants. */
int xsr_pv_complete(struct xsr_restore *rs, struct xsr_err *err);

#endif
