/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the simulated hypervisor: what its files offer each other. All
 * functions run between xsr_host_enter and xsr_host_leave and return, like
 * Xen's own, 0 or a positive result, or a negative errno. dispatch.c turns
 * that into the caller's -1 and errno. The offers to the rest are in hv.h.
 */
#ifndef XSR_STUBS_HVI_H
#define XSR_STUBS_HVI_H

#include "stubs/world/fault.h"
#include "stubs/world/host.h"

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>

/* domain.c: life of a domain */
struct xsr_dom *xsr_hv_dom(uint32_t domid);            /* dying ones too */
struct xsr_dom *xsr_hv_dom_any(uint32_t domid);        /* DOMID_SELF too */
struct xsr_dom *xsr_hv_dom_from(uint32_t first_domid); /* next or equal */
struct xsr_slot *xsr_hv_slot(uint32_t domid);
int xsr_hv_create(uint32_t *domid, const struct xen_domctl_createdomain *c);
int xsr_hv_kill(struct xsr_dom *d);
void xsr_hv_reap(struct xsr_dom *d); /* free what a dead one still has */
int xsr_hv_shutdown(struct xsr_dom *d, uint32_t reason);
void xsr_hv_resume(struct xsr_dom *d);
void xsr_hv_getinfo(struct xsr_dom *d, struct xen_domctl_getdomaininfo *out);
void xsr_hv_make_dom0(void);
struct xsr_vcpu *xsr_hv_vcpu(struct xsr_dom *d, uint32_t id);
int64_t xsr_hv_now(void); /* ns since the host was made */
/* Watches to fire when the host lock is free again; see dispatch.c. */
void xsr_hv_note_release(uint32_t domid, bool gone);
void xsr_hv_fire_notes(void);

/* fault.c: shall this call on d fail? */
bool xsr_hv_fault(struct xsr_dom *d, enum xsr_fault kind);

/* p2m.c: guest frame numbers */
/* Frame behind gfn (HVM) or mfn (PV) of d. Negative: not there. */
int64_t xsr_hv_gfn_to_mfn(struct xsr_dom *d, uint64_t gfn);
void xsr_hv_p2m_set(struct xsr_dom *d, uint64_t gfn, uint64_t mfn);
void xsr_hv_p2m_clear(struct xsr_dom *d, uint64_t gfn);
int xsr_hv_remove_page(struct xsr_dom *d, uint64_t gfn);
void xsr_hv_mark_dirty(struct xsr_dom *d, uint64_t gfn);

/* types.c: page types of PV domains */
int xsr_hv_get_type(struct xsr_dom *d, uint64_t mfn, enum xsr_ftype type);
void xsr_hv_put_type(struct xsr_dom *d, uint64_t mfn);
int xsr_hv_set_entry(struct xsr_dom *d, uint64_t mfn, unsigned i, uint64_t e);
int xsr_hv_pin(struct xsr_dom *d, uint64_t mfn, enum xsr_ftype type);
int xsr_hv_unpin(struct xsr_dom *d, uint64_t mfn);
void xsr_hv_retype(struct xsr_dom *d); /* all references again (repair) */

/* foreign.c: mappings of other processes */
bool xsr_hv_purge_dead_maps(void); /* true if there were any */
void xsr_hv_recount_maps(void);    /* repair */

/* domctl*.c */
long xsr_hv_domctl(struct xen_domctl *op);
long xsr_hv_domctl_vcpu(struct xsr_dom *d, struct xen_domctl *op);
long xsr_hv_domctl_mem(struct xsr_dom *d, struct xen_domctl *op);
long xsr_hv_domctl_other(struct xsr_dom *d, struct xen_domctl *op);
long xsr_hv_policy_domctl(struct xsr_dom *d, struct xen_domctl *op);
void xsr_hv_policy_init(struct xsr_dom *d);
uint64_t xsr_hv_policy_xcr0(const struct xsr_dom *d);
long xsr_hv_policy_sysctl(struct xen_sysctl *op);
/* Copy a CPU or node bitmap out of or into the caller's. */
int xsr_hv_bitmap_in(uint8_t *to, size_t to_bits,
                     const struct xenctl_bitmap *from);
int xsr_hv_bitmap_out(struct xenctl_bitmap *to, const uint8_t *from,
                      size_t bits);

/* xstate.c: XSAVE areas */
#define XSR_XFEATURES 0x2e7ull /* x87, SSE, AVX, AVX-512, PKRU */
size_t xsr_hv_xstate_size(uint64_t xcr0);
int xsr_hv_check_xstate(const struct xsr_dom *d, uint64_t xcr0,
                        uint64_t xcr0_accum, const uint8_t *area);

/* hvm.c, hvmctx.c */
long xsr_hv_hvm_op(unsigned long cmd, void *arg);
/* Body of an entry of the loaded context; NULL: it is not there. */
uint8_t *xsr_hv_hvmctx_body(struct xsr_dom *d, unsigned code,
                            unsigned instance);
long xsr_hv_hvmctx_domctl(struct xsr_dom *d, struct xen_domctl *op);

/* the other hypercalls, one file each */
long xsr_hv_memory_op(unsigned long cmd, void *arg);
long xsr_hv_add_to_physmap(struct xsr_dom *d, unsigned space, uint64_t idx,
                           uint64_t gfn);
long xsr_hv_mmuext_op(void *ops, unsigned long n, unsigned *done,
                      unsigned long fd);
long xsr_hv_mmu_update(void *reqs, unsigned long n, unsigned *done,
                       unsigned long fd);
long xsr_hv_evtchn_op(unsigned long cmd, void *arg);
void xsr_hv_evtchn_close_all(struct xsr_dom *d);
void xsr_hv_evtchn_repair(struct xsr_dom *d);
void xsr_hv_evtchn_raise(struct xsr_dom *d, uint32_t port);
long xsr_hv_grant_op(unsigned long cmd, void *arg, unsigned long count);
int xsr_hv_grant_frame(struct xsr_dom *d, uint64_t idx, uint64_t *mfn_out);
long xsr_hv_sysctl(struct xen_sysctl *op);
long xsr_hv_version(unsigned long cmd, void *arg);
long xsr_hv_sched_op(unsigned long cmd, void *arg);

#endif
