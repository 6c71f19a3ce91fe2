/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hypercalls that the engine needs, each as one function with our error
 * value (XSR_E_XEN and the errno in .sys). Nothing here knows about images.
 * Fetching a guest's state: engine/xen_get.h.
 */
#ifndef XSR_ENGINE_XEN_H
#define XSR_ENGINE_XEN_H

#include <stdbool.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#include "lib/err.h"

/* Frames in one populate or map call: one batch of the image. */
#define XSR_XEN_BATCH 1024u

struct xsr_xen {
    xc_interface *xch;             /* borrowed */
    xenforeignmemory_handle *fmem; /* belongs to xch */
    uint32_t domid;
    /* Kept for the whole operation: libxenctrl's own bounce buffers of more
     * than a page cost an mmap and an munmap in every call. */
    xc_hypercall_buffer_t extents; /* XSR_XEN_BATCH frames */
};

struct xsr_xen_domain {
    bool hvm, paused;
    uint32_t emulation; /* XEN_X86_EMU_*; 0 with PV */
    uint32_t max_vcpu_id;
    bool shutdown;
    uint32_t shutdown_reason; /* SHUTDOWN_*, valid if shutdown */
    uint64_t max_pages, tot_pages, shared_info_frame;
};

int xsr_xen_init(struct xsr_xen *xen, xc_interface *xch, uint32_t domid,
                 struct xsr_err *err);
void xsr_xen_fini(struct xsr_xen *xen);
int xsr_xen_get_domain(const struct xsr_xen *xen, struct xsr_xen_domain *out,
                       struct xsr_err *err);
/* Is domain 0, where we are, a PV guest itself? */
bool xsr_xen_is_pv_host(const struct xsr_xen *xen);
int xsr_xen_get_width(const struct xsr_xen *xen, unsigned *out,
                      struct xsr_err *err);

/*
 * Put pages behind n extents of 2^order frames that begin at first[]. Fewer
 * than n is success here: *done_out says how many. frames_out (may be NULL)
 * gets the frame of each extent done: PV the mfn, HVM the gfn itself.
 */
int xsr_xen_populate(struct xsr_xen *xen, const xen_pfn_t *first, unsigned n,
                     unsigned order, xen_pfn_t *frames_out, unsigned *done_out,
                     struct xsr_err *err);
/* Map n frames (PV: mfns) in a row; what: for the message. */
int xsr_xen_map(struct xsr_xen *xen, const xen_pfn_t *frames, unsigned n,
                int prot, const char *what, void **out, struct xsr_err *err);
/*
 * The same, but a frame that cannot be mapped is no failure: errs[i] says so
 * (0 or an errno) and its place in the range must not be touched.
 */
int xsr_xen_map_some(struct xsr_xen *xen, const xen_pfn_t *frames, unsigned n,
                     int prot, const char *what, int *errs, void **out,
                     struct xsr_err *err);
/* Any number of frames of any domain, all of them or none. */
int xsr_xen_map_many(struct xsr_xen *xen, uint32_t domid,
                     const xen_pfn_t *frames, size_t n, int prot,
                     const char *what, void **out, struct xsr_err *err);
void xsr_xen_unmap(struct xsr_xen *xen, void *p, size_t n);

struct xsr_tsc_info;
int xsr_xen_set_tsc(const struct xsr_xen *xen, const struct xsr_tsc_info *tsc,
                    struct xsr_err *err);
int xsr_xen_set_hvm_param(const struct xsr_xen *xen, uint64_t index,
                          uint64_t value, struct xsr_err *err);
int xsr_xen_set_hvm_context(const struct xsr_xen *xen, const uint8_t *p,
                            uint32_t len, struct xsr_err *err);

/* vCPU state of PV guests; the blobs are in the record's layout. */
int xsr_xen_set_vcpu(const struct xsr_xen *xen, uint32_t vcpu,
                     const uint8_t *context, size_t len, struct xsr_err *err);
int xsr_xen_set_vcpu_extended(const struct xsr_xen *xen, uint32_t vcpu,
                              const uint8_t *p, size_t len,
                              struct xsr_err *err);
int xsr_xen_set_vcpu_xsave(const struct xsr_xen *xen, uint32_t vcpu,
                           const uint8_t *p, size_t len, struct xsr_err *err);
int xsr_xen_set_vcpu_msrs(const struct xsr_xen *xen, uint32_t vcpu,
                          const uint8_t *p, size_t len, struct xsr_err *err);

/* Pin n <= XSR_XEN_BATCH page tables; level 1-4 each. */
struct xsr_xen_pin {
    uint64_t mfn;
    uint8_t level;
};
int xsr_xen_pin(const struct xsr_xen *xen, const struct xsr_xen_pin *pins,
                unsigned n, struct xsr_err *err);

#endif
