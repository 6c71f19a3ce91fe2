/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libxc records other than PAGE_DATA, field by field. Every get takes a
 * cursor over exactly the body, judges all of it (docs/formats/libxc-image.md)
 * and returns views into it; nothing is copied or allocated.
 */
#ifndef XSR_STREAM_BLOBS_H
#define XSR_STREAM_BLOBS_H

#include <stdbool.h>

#include "lib/bytes.h"

struct xsr_pv_info {
    uint8_t guest_width, pt_levels;
};
struct xsr_p2m_frames {
    uint32_t start_pfn, end_pfn;
    const uint8_t *frames; /* n_frames little-endian u64, unaligned */
    uint32_t n_frames;
};
struct xsr_vcpu_blob {
    uint32_t vcpu_id;
    const uint8_t *blob; /* NULL when len is 0 (tolerated, old) */
    size_t len;
};
struct xsr_tsc_info {
    uint32_t mode, khz, incarnation;
    uint64_t nsec;
};
struct xsr_hvm_param {
    uint64_t index, value;
};

#define XSR_VCPU64_LEN     5168u
#define XSR_VCPU32_LEN     2800u
#define XSR_CPUID_LEAF_LEN 24u
#define XSR_MSR_ENTRY_LEN  16u
#define XSR_N_HVM_PARAM    39u

int xsr_blob_get_pv_info(struct xsr_cur *cur, struct xsr_pv_info *out,
                         struct xsr_err *err);
/* width: guest_width from PV_INFO (4 or 8). first: start must be 0, end > 0. */
int xsr_blob_get_p2m_frames(struct xsr_cur *cur, uint8_t width, bool first,
                            struct xsr_p2m_frames *out, struct xsr_err *err);
/* type: one of the four VCPU record types (enum xsr_xc3_type). */
int xsr_blob_get_vcpu(struct xsr_cur *cur, uint32_t type, uint8_t width,
                      struct xsr_vcpu_blob *out, struct xsr_err *err);
int xsr_blob_get_shared_info(struct xsr_cur *cur, const uint8_t **page_out,
                             struct xsr_err *err);
int xsr_blob_get_tsc_info(struct xsr_cur *cur, struct xsr_tsc_info *out,
                          struct xsr_err *err);
/* params: caller's array of XSR_MAX_HVM_PARAMS. */
int xsr_blob_get_hvm_params(struct xsr_cur *cur, struct xsr_hvm_param *params,
                            uint32_t *n_out, struct xsr_err *err);
/* NULL when unknown. */
const char *xsr_hvm_param_name(uint64_t index);
/* Obsolete: refused by Xen (PAE_ENABLED is dropped instead of refused). */
bool xsr_hvm_param_obsolete(uint64_t index);
int xsr_blob_check_cpuid_policy(struct xsr_cur *cur, uint32_t *n_out,
                                struct xsr_err *err);
int xsr_blob_check_msr_policy(struct xsr_cur *cur, uint32_t *n_out,
                              struct xsr_err *err);

#endif
