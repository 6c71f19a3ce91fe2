/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a restore of a PV guest keeps between records. restore_pv.c fills it
 * as records arrive, restore_pv_end.c completes the domain from it.
 */
#ifndef XSR_ENGINE_RESTORE_PV_H
#define XSR_ENGINE_RESTORE_PV_H

#include "engine/restore/restore.h"

/* Offsets in what a restore changes; 8 octets unless noted. 5.1, 5.2 */
/* vcpu_guest_context, 5168 octets */
#define XSR_VC_FLAGS         512u
#define XSR_VC_FLAG_ONLINE   (1ull << 5)
#define XSR_VC_RDX           616u  /* vCPU 0: start_info */
#define XSR_VC_GDT_FRAMES    4832u /* 16 of them */
#define XSR_VC_GDT_ENTS      4960u
#define XSR_VC_GDT_PER_FRAME 512u
#define XSR_VC_CR1           (4984u + 1 * 8) /* user root table, bit 0: valid */
#define XSR_VC_CR3           (4984u + 3 * 8)

/* start_info */
#define XSR_ST_NR_PAGES       32u
#define XSR_ST_SHARED_INFO    40u /* machine address */
#define XSR_ST_FLAGS          48u /* 4 octets */
#define XSR_ST_STORE_MFN      56u
#define XSR_ST_STORE_EVTCHN   64u /* 4 octets */
#define XSR_ST_CONSOLE_MFN    72u
#define XSR_ST_CONSOLE_EVTCHN 80u /* 4 octets */

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
