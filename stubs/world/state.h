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

#include "lib/err.h"
#include "stubs/world/dom.h"

#define XSR_HOST_MAGIC   0x7473686e65782d31ull
#define XSR_HOST_VERSION 2u
#define XSR_SLOTS        1024u   /* domains at the same time */
#define XSR_PROCS        1024u   /* processes with foreign mappings */
#define XSR_MAPS         262144u /* mapped runs of frames on the host */
#define XSR_CHUNK        512u    /* frames the allocator counts together */
#define XSR_INVALID_M2P  (~0ull)

enum xsr_slot_state {
    XSR_SLOT_FREE,
    XSR_SLOT_CREATING,
    XSR_SLOT_LIVE,
    XSR_SLOT_DYING
};

struct xsr_slot {
    uint64_t serial; /* names the file; never used again */
    uint32_t domid;
    uint32_t state; /* enum xsr_slot_state, last store */
};

/* A run of frames that a process has mapped. Free while proc is 0. */
struct xsr_map {
    uint32_t mfn, n;
    uint16_t domid, writable;
    uint32_t proc; /* process slot + 1, stored last */
};

#define XSR_OWNER_XEN 0xffffu
enum xsr_ftype { /* values of the levels count */
                 XSR_F_NONE,
                 XSR_F_L1,
                 XSR_F_L2,
                 XSR_F_L3,
                 XSR_F_L4,
                 XSR_F_SEG,
                 XSR_F_WRITABLE
};
#define XSR_FF_PINNED   1u
#define XSR_FF_REPLACED 4u /* the domain's still, behind no gfn */
#define XSR_FF_SPECIAL  2u /* Xen's own page, given to the domain */

struct xsr_frame {
    uint16_t owner; /* 0 free, domid + 1, XSR_OWNER_XEN */
    uint8_t type;   /* enum xsr_ftype; derived */
    uint8_t flags;
    uint32_t tcount;   /* references as that type; derived */
    uint32_t maps;     /* foreign mappings; derived */
    uint8_t pinned_as; /* type while XSR_FF_PINNED; primary */
    uint8_t spare[3];
};

struct xsr_host {
    uint64_t magic;
    uint32_t version;
    uint32_t busy; /* somebody is (or died) changing it */
    uint64_t total_pages;
    uint64_t dom0_pages;         /* frames 0 ... are domain 0's */
    uint64_t m2p_mfn, m2p_pages; /* where the M2P lies, and its size */
    uint64_t compat_mfn;         /* first 2 MiB of the 32-bit M2P */
    uint32_t n_cpus, shadow, hap, rover;
    uint64_t next_serial;
    uint64_t free_pages; /* derived */
    uint64_t claimed;    /* derived */
    int64_t boot_ns;     /* CLOCK_REALTIME at power on */
    uint32_t guests;     /* 0: no simulated guest is known */
    int32_t fault[16];   /* by enum xsr_fault, for every domain */
    uint32_t map_hint;   /* no free map below */
    uint32_t map_end;    /* none used from here; never too low */
    uint32_t resident;   /* all of "ram" is storage; free frames are zero */
    struct xsr_slot slots[XSR_SLOTS];
    struct {
        uint32_t used, pid;
    } procs[XSR_PROCS];
    struct xsr_map maps[XSR_MAPS];
    uint16_t chunk_used[]; /* derived, never below the truth */
    /* struct xsr_frame frames[total_pages] behind it */
};

/* The mapped state; valid between xsr_host_enter and xsr_host_leave. */
extern struct xsr_host *xsr_host;
extern struct xsr_frame *xsr_frames; /* [total_pages] */
extern uint64_t *xsr_m2p;            /* [total_pages] */

struct xsr_host_options {
    uint64_t memory_mib; /* 0 = 16384 */
    uint32_t n_cpus;     /* 0 = 4 */
    bool no_shadow, no_hap;
    bool resident; /* storage for all memory now, kept until the host ends */
};
#endif
