/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Simulated guests: domains whose memory is made from a seed, that dirty pages
 * as time goes by, suspend when asked and go on when resumed. What a guest is
 * lies in its own memory (and only there), so that it stays the same guest
 * after a save and a restore, on this host or another.
 * docs/simulated-guests.md
 */
#ifndef XSR_STUBS_GUEST_H
#define XSR_STUBS_GUEST_H

#include "stubs/hv/hv.h"

#pragma GCC visibility push(default)

enum xsr_guest_suspend {
    XSR_GUEST_BY_XENSTORE, /* control/shutdown */
    XSR_GUEST_BY_EVTCHN,   /* the suspend event channel, as Linux PV offers */
    XSR_GUEST_BY_CALL,     /* HVM without drivers: the toolstack's hypercall */
    XSR_GUEST_NEVER,       /* never answers */
    XSR_GUEST_REFUSES      /* acknowledges, then goes on running */
};

#define XSR_GUEST_PHASES 8

struct xsr_guest_phase {
    uint32_t seconds; /* of running time; 0: from here on for ever */
    uint64_t rate;    /* pages dirtied a second */
    uint32_t hot_pct; /* part of the memory that is dirtied */
};

struct xsr_guest_spec {
    enum xsr_hv_type type;
    char name[64];
    uint8_t uuid[16];
    uint64_t memory_mib;
    uint32_t n_vcpus;
    uint64_t seed;
    uint32_t zero_pct; /* pages that stay zero */
    enum xsr_guest_suspend suspend;
    struct xsr_guest_phase phase[XSR_GUEST_PHASES];
    unsigned n_phases;
    bool churn_tables; /* PV: rewrites page tables of its own as it runs */
    bool p2m_tree;     /* PV: offers its p2m as a tree, as old kernels do */
};

/* Make it, paused; with the xenstore nodes a domain of libxl's has. */
int xsr_guest_create(const struct xsr_guest_spec *spec, uint32_t *domid_out,
                     struct xsr_err *err);

struct xsr_guest_state {
    uint64_t seed, running_ns, n_dirtied;
    uint64_t n_churned; /* page table entries rewritten */
    /* restores: found itself in a new domain; forced: suspended by hypercall
       although it has drivers */
    uint32_t n_suspends, n_resumes, n_restores, n_forced;
    uint64_t n_pages, n_zero, n_bad; /* checked; not what they should be */
    uint64_t first_bad_pfn;
    bool suspended;
    uint32_t n_troubles; /* whatever else is wrong, ever */
    char trouble[160];   /* the first */
};

/* Is domid a simulated guest, and what has it done? Its memory is not read. */
bool xsr_guest_peek(uint32_t domid, struct xsr_guest_state *out);
/* Is domid a simulated guest, and is its whole memory what it should be? */
int xsr_guest_verify(uint32_t domid, struct xsr_guest_state *out,
                     struct xsr_err *err);

/*
 * A device of the guest's writes n pages of its memory, chosen like the
 * guest's own. tell: the hypervisor is told, as QEMU does it while its dirty
 * log is on; untold writes are not in the log-dirty bitmap. How many were done.
 */
int xsr_guest_device_write(uint32_t domid, unsigned n, bool tell);

/* Hashes over what a save carries, by part; of any domain. */
struct xsr_guest_digest {
    enum xsr_hv_type type;
    uint8_t uuid[16];
    uint32_t n_vcpus; /* online */
    uint64_t n_pages, n_nonzero, n_tables;
    uint64_t memory; /* page numbers and contents */
    uint64_t types;  /* PV: levels and pins */
    uint64_t vcpus;  /* PV: all of their state; HVM: the HVM context */
    uint64_t params; /* HVM: parameters that travel; PV: shared_info */
    uint64_t policy, tsc;
};
int xsr_guest_digest(uint32_t domid, struct xsr_guest_digest *out,
                     struct xsr_err *err);
/* One JSON object with a newline; its length. */
int xsr_guest_digest_json(const struct xsr_guest_digest *g, char *out,
                          size_t len);

/*
 * A host with this folder keeps the digest of each guest that suspends, in
 * UUID.json; its device model leaves a copy of the state that it saves beside.
 */
#define XSR_RECORDS "suspended"

#pragma GCC visibility pop

#endif
