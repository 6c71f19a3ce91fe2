/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The shared state of the simulated hypervisor, as it lies in the files of the
 * host's folder and is mapped by every process: "host" (below), one "dom.N"
 * per domain, and "ram", whose page number mfn is machine frame mfn. All files
 * are sparse; zero means "nothing".
 *
 * Primary facts are single aligned stores: frame.owner, frame.flags, the m2p
 * entry, slot.state, p2m entries. Everything marked "derived" is recomputed by
 * repair.c when a process died inside a critical section (host.busy is set).
 */
#ifndef XSR_STUBS_STATE_H
#define XSR_STUBS_STATE_H

#define __XEN_TOOLS__ 1
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/domctl.h>

#include "lib/err.h"

#define XSR_HOST_MAGIC 0x7473686e65782d31ull
#define XSR_HOST_VERSION 1u
#define XSR_SLOTS 1024u             /* domains at the same time */
#define XSR_PROCS 1024u             /* processes with foreign mappings */
#define XSR_MAPS 262144u            /* mapped runs of frames on the host */
#define XSR_CHUNK 512u              /* frames the allocator counts together */
#define XSR_MAX_GFN (1ull << 28)
#define XSR_MAX_VCPUS 8192u         /* PV; HVM has 128 */
#define XSR_MAX_EVTCHN 131072u
#define XSR_MAX_GRANT_FRAMES 64u
#define XSR_MAX_MAPTRACK 1024u
#define XSR_HVMCTX_MAX (1u << 20)
#define XSR_XSAVE_MAX 8192u
#define XSR_MAX_LEAVES 120u
#define XSR_MAX_POLICY_MSRS 2u
#define XSR_MAX_E820 1024u
#define XSR_INVALID_M2P (~0ull)

enum xsr_slot_state {
    XSR_SLOT_FREE, XSR_SLOT_CREATING, XSR_SLOT_LIVE, XSR_SLOT_DYING
};

struct xsr_slot {
    uint64_t serial;                /* names the file; never used again */
    uint32_t domid;
    uint32_t state;                 /* enum xsr_slot_state, last store */
};

/* A run of frames that a process has mapped. Free while proc is 0. */
struct xsr_map {
    uint32_t mfn, n;
    uint16_t domid, writable;
    uint32_t proc;                  /* process slot + 1, stored last */
};

#define XSR_OWNER_XEN 0xffffu
enum xsr_ftype {                    /* values of the levels count */
    XSR_F_NONE, XSR_F_L1, XSR_F_L2, XSR_F_L3, XSR_F_L4, XSR_F_SEG,
    XSR_F_WRITABLE
};
#define XSR_FF_PINNED 1u
#define XSR_FF_SPECIAL 2u           /* Xen's own page, given to the domain */

struct xsr_frame {
    uint16_t owner;                 /* 0 free, domid + 1, XSR_OWNER_XEN */
    uint8_t type;                   /* enum xsr_ftype; derived */
    uint8_t flags;
    uint32_t tcount;                /* references as that type; derived */
    uint32_t maps;                  /* foreign mappings; derived */
    uint8_t pinned_as;              /* type while XSR_FF_PINNED; primary */
    uint8_t spare[3];
};

struct xsr_host {
    uint64_t magic;
    uint32_t version;
    uint32_t busy;                  /* somebody is (or died) changing it */
    uint64_t total_pages;
    uint64_t dom0_pages;            /* frames 0 ... are domain 0's */
    uint64_t m2p_mfn, m2p_pages;    /* where the M2P lies, and its size */
    uint64_t compat_mfn;            /* first 2 MiB of the 32-bit M2P */
    uint32_t n_cpus, shadow, hap, rover;
    uint64_t next_serial;
    uint64_t free_pages;            /* derived */
    uint64_t claimed;               /* derived */
    int64_t boot_ns;                /* CLOCK_REALTIME at power on */
    uint32_t map_hint;              /* no free map below */
    uint32_t map_end;               /* none used from here; never too low */
    struct xsr_slot slots[XSR_SLOTS];
    struct { uint32_t used, pid; } procs[XSR_PROCS];
    struct xsr_map maps[XSR_MAPS];
    uint16_t chunk_used[];          /* derived, never below the truth */
    /* struct xsr_frame frames[total_pages] behind it */
};

struct xsr_evtchn {
    uint8_t state;                  /* EVTCHNSTAT_* */
    uint8_t pending, masked, spare;
    uint16_t remote_dom, spare2;
    uint32_t remote_port;           /* or virq */
    uint32_t vcpu;
};

struct xsr_vcpu {
    uint8_t exists, initialised, online, spare;
    uint32_t n_msrs;
    uint64_t table, user_table;     /* frame + 1 of the root tables */
    struct vcpu_guest_context ctx;
    uint64_t syscall32_eip, sysenter_eip;
    uint16_t syscall32_cs, sysenter_cs;
    uint8_t syscall32_off, sysenter_off;
    struct hvm_vmce_vcpu vmce;
    struct { uint64_t index, value; } msrs[16];
    uint8_t hard[32], soft[32];     /* affinity, 256 CPUs */
    uint64_t xcr0, xcr0_accum;
    uint32_t xsave_len;
    uint8_t xsave[XSR_XSAVE_MAX];
};

struct xsr_dom {
    uint64_t serial;
    uint32_t domid;
    uint8_t hvm, hap, created, dying;   /* dying: 1 in work, 2 dead */
    uint8_t shutdown, debugger, xs_domain, iomem_caps;
    uint8_t vnuma, logdirty, target_set, spare;
    uint32_t shutdown_code, pause_count;
    uint32_t flags, emulation, misc_flags, ssidref;
    uint8_t handle[16];
    uint32_t max_vcpus, n_vcpus;
    uint32_t max_evtchn, suspend_port, target;
    uint32_t max_grants, max_maptrack, max_grant_version, n_grants;
    uint64_t tot_pages;             /* derived */
    uint64_t max_pages, outstanding;
    uint64_t max_gfn;               /* HVM: no entry above; derived */
    uint64_t shinfo_mfn;
    uint64_t grant_mfn[XSR_MAX_GRANT_FRAMES];
    uint64_t params[39];
    uint32_t tsc_mode, tsc_khz, tsc_incarnation, spare2;
    int64_t tsc_offset;             /* host ns at guest time zero */
    int64_t time_offset;
    uint64_t mempool;
    uint32_t weight, cap;
    uint64_t vm_assist, node_affinity;
    uint64_t dirty_count, fault_count;
    uint32_t hvmctx_len, n_leaves, n_msrs, n_e820;
    xen_cpuid_leaf_t leaves[XSR_MAX_LEAVES];
    xen_msr_entry_t msrs[XSR_MAX_POLICY_MSRS];
    uint8_t e820[XSR_MAX_E820 * 20];
    uint8_t hvmctx[XSR_HVMCTX_MAX];
    struct xsr_evtchn evtchn[XSR_MAX_EVTCHN];
    struct xsr_vcpu vcpu[XSR_MAX_VCPUS];
    uint64_t dirty[XSR_MAX_GFN / 64];
    uint32_t p2m[XSR_MAX_GFN];      /* HVM: mfn + 1 */
};

/* The mapped state; valid between xsr_host_enter and xsr_host_leave. */
extern struct xsr_host *xsr_host;
extern struct xsr_frame *xsr_frames;    /* [total_pages] */
extern uint64_t *xsr_m2p;               /* [total_pages] */

struct xsr_host_options {
    uint64_t memory_mib;            /* 0 = 16384 */
    uint32_t n_cpus;                /* 0 = 4 */
    bool no_shadow, no_hap;
};
#endif
