/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What may come now in a libxc image: one static table per guest type and a
 * few counters (once per image, once per vCPU). docs/formats/libxc-image.md
 */
#ifndef XSR_STREAM_XC3_ORDER_H
#define XSR_STREAM_XC3_ORDER_H

#include "stream/xc3.h"

struct xsr_xc3_order {
    uint32_t version, guest;
    bool checkpointed; /* CHECKPOINT records are welcome */
    int state;
    uint32_t seen; /* bit per record type since the last checkpoint */
    uint32_t seen_ever;
    bool converted; /* xen_major 0: TSC_INFO may be missing */
};

void xsr_xc3_order_init(struct xsr_xc3_order *o, uint32_t version,
                        const struct xsr_xc3_dhdr *dhdr, bool checkpointed);
/*
 * Judge the next record by type alone (per-vCPU repetition is judged by whoever
 * decodes vCPU records). END and CHECKPOINT also check completeness: PV needs
 * SHARED_INFO and VCPU_BASIC, HVM needs HVM_CONTEXT, both need TSC_INFO unless
 * converted; v3 needs STATIC_DATA_END. offset: of the record header.
 */
int xsr_xc3_order_next(struct xsr_xc3_order *o, uint32_t type, uint64_t offset,
                       struct xsr_err *err);
/* True if static data must be taken as complete before this record (v2). */
bool xsr_xc3_order_infers_static_end(const struct xsr_xc3_order *o,
                                     uint32_t type);
/* VERIFY was seen: PAGE_DATA is to be compared from now on, not written. */
bool xsr_xc3_order_verifying(const struct xsr_xc3_order *o);
bool xsr_xc3_order_done(const struct xsr_xc3_order *o);
const char *xsr_xc3_order_state_name(const struct xsr_xc3_order *o);
const char *xsr_xc3_order_expected(const struct xsr_xc3_order *o);

#endif
