/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the simulated hypervisor offers inside the process: hypercalls and
 * foreign mappings for the front-end libraries, and a plain view of hosts and
 * domains for tools and tests. Every function takes the host lock itself.
 * Results below zero are negative errno values, with the reason in the host's
 * log.
 */
#ifndef XSR_STUBS_HV_H
#define XSR_STUBS_HV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#pragma GCC visibility push(default)

/* ---- front ends ---------------------------------------------------------- */

/* Is there a host (made on first use)? -1 with *err. */
int xsr_hv_open(struct xsr_err *err);
/* One hypercall of domain 0; arguments as in Xen's C interface. */
long xsr_hv_call(unsigned op, const uint64_t arg[5]);

/*
 * Map n guest frames (HVM: gfn, PV: mfn) into one range. prot as for mmap.
 * errs[i], if errs is not NULL, gets 0 or a negative errno per frame; without
 * it one bad frame fails the whole call. NULL and errno on failure.
 */
void *xsr_hv_map(uint32_t domid, int prot, size_t n, const uint64_t *frames,
                 int *errs, void *at);
/* The same for n frames of a resource (grant table). */
void *xsr_hv_map_resource(uint32_t domid, unsigned type, unsigned id,
                          uint64_t first, size_t n, int prot, void *at);
int xsr_hv_unmap(void *p, size_t n);

/* Event channels of domain 0, for libxenevtchn; ports are positive. */
int xsr_hv_evtchn_alloc(uint32_t domid, uint32_t remote);
int xsr_hv_evtchn_bind(uint32_t remote, uint32_t remote_port);
int xsr_hv_evtchn_bind_virq(uint32_t virq, uint32_t vcpu);
int xsr_hv_evtchn_close(uint32_t port);
int xsr_hv_evtchn_send(uint32_t domid, uint32_t port);
/* 1 if an event was pending at port of domid; it is not any more. */
int xsr_hv_evtchn_take(uint32_t domid, uint32_t port);

/* ---- tools --------------------------------------------------------------- */

struct xsr_hv_host_options {
    uint64_t memory_mib; /* 0 = default */
    uint32_t n_cpus;     /* 0 = default */
    bool no_shadow, no_hap;
    bool resident; /* memory takes its storage now, not when used */
};
/* Make a host with these options; refused while one has domains. */
int xsr_hv_host_init(const struct xsr_hv_host_options *options,
                     struct xsr_err *err);

struct xsr_hv_host_info {
    uint64_t total_pages, free_pages;
    uint32_t n_cpus;
    bool shadow, hap;
};
int xsr_hv_host_info(struct xsr_hv_host_info *out);

enum xsr_hv_type { XSR_HV_PV, XSR_HV_PVH, XSR_HV_HVM };

struct xsr_hv_domain {
    uint32_t domid;
    enum xsr_hv_type type;
    uint8_t uuid[16];
    uint64_t tot_pages, max_pages;
    uint32_t max_vcpus, n_vcpus, n_online;
    bool paused, shutdown, dying, created, logdirty;
    uint32_t pause_count, shutdown_reason; /* valid if shutdown */
    uint64_t shared_info_mfn, max_gfn;
    uint32_t n_evtchns, n_grant_frames;
    uint32_t tsc_mode, tsc_khz, tsc_incarnation;
    uint32_t hvm_context_len, n_cpuid_leaves, n_msrs;
    uint64_t paging_bytes;
};
/* The first domain with a number >= first. 0, or -ESRCH: no more. */
int xsr_hv_next_domain(uint32_t first, struct xsr_hv_domain *out);

struct xsr_hv_vcpu {
    bool initialised, online;
    bool has_context; /* PV: 5168 octets as getvcpucontext gives */
    uint8_t context[5168];
    uint64_t root_mfn, user_root_mfn; /* 0: none */
    uint32_t xsave_len, n_msrs;
};
int xsr_hv_vcpu_state(uint32_t domid, uint32_t id, struct xsr_hv_vcpu *out);

#define XSR_HV_N_PARAMS 39
int xsr_hv_params(uint32_t domid, uint64_t out[XSR_HV_N_PARAMS]);

struct xsr_hv_port {
    uint32_t port, status; /* EVTCHNSTAT_*: 1 unbound, 2 interdomain */
    uint32_t remote_dom, remote_port;
    bool pending;
};
/* The first port in use >= first. 0, or -ENOENT: no more. */
int xsr_hv_next_port(uint32_t domid, uint32_t first, struct xsr_hv_port *out);

struct xsr_hv_grant {
    uint16_t flags, domid;
    uint32_t frame;
};
/* Entry idx of the (version 1) grant table; -ENOENT behind its end. */
int xsr_hv_grant_entry(uint32_t domid, uint32_t idx, struct xsr_hv_grant *out);

struct xsr_hv_page {
    uint64_t pfn, mfn;
    unsigned level; /* PV page table: 1-4, else 0 */
    bool pinned;
    bool p2m; /* PV: holds part of the guest's p2m list */
};
typedef struct xsr_hv_pages xsr_hv_pages;
/*
 * All ordinary pages of a domain in ascending pfn order, as of now (Xen's own
 * pages, such as grant frames and shared info, are left out). NULL and errno.
 */
xsr_hv_pages *xsr_hv_pages_new(uint32_t domid);
/* The next page; false at the end. */
bool xsr_hv_pages_next(xsr_hv_pages *pages, struct xsr_hv_page *out);
/*
 * Copy a page's 4096 octets. as_saved: page tables as a saver sends them,
 * frame numbers as pfns and Xen's own entries zero.
 */
int xsr_hv_page_read(xsr_hv_pages *pages, const struct xsr_hv_page *page,
                     bool as_saved, void *out);
void xsr_hv_pages_free(xsr_hv_pages *pages);
/* mfn -> pfn of the domain's page; -EINVAL if it is not the domain's. */
int64_t xsr_hv_pfn_of(uint32_t domid, uint64_t mfn);

int xsr_hv_destroy(uint32_t domid);
int xsr_hv_unpause(uint32_t domid);

/* ---- tests --------------------------------------------------------------- */

/* Count everything that the state also keeps counted. -1 with what differs. */
int xsr_hv_check(struct xsr_err *err);
/* Called at the points inside where death would hurt; NULL: not. */
extern void (*xsr_host_on_edge)(void);

#pragma GCC visibility pop

#endif
