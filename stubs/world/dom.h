/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A simulated domain, as it lies in its file "dom.N" and is mapped by every
 * process. The file is as long as the struct and full of holes: of the tables
 * at its end only what a domain uses takes space.
 */
#ifndef XSR_STUBS_DOM_H
#define XSR_STUBS_DOM_H

#define __XEN_TOOLS__ 1
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/domctl.h>

#define XSR_MAX_GFN          (1ull << 28)
#define XSR_MAX_VCPUS        8192u /* PV; HVM has 128 */
#define XSR_MAX_EVTCHN       131072u
#define XSR_2L_EVTCHN        4096u /* more only when a guest asks */
#define XSR_MAX_GRANT_FRAMES 64u
#define XSR_MAX_MAPTRACK     1024u
#define XSR_HVMCTX_MAX       (1u << 20)
#define XSR_XSAVE_MAX        8192u
#define XSR_MAX_LEAVES       120u
#define XSR_MAX_POLICY_MSRS  2u
#define XSR_MAX_E820         1024u

struct xsr_evtchn {
    uint8_t state; /* EVTCHNSTAT_* */
    uint8_t pending, masked, spare;
    uint16_t remote_dom, spare2;
    uint32_t remote_port; /* or virq */
    uint32_t vcpu;
};

struct xsr_vcpu {
    uint8_t exists, initialised, online, spare;
    uint32_t n_msrs;
    uint64_t table, user_table; /* frame + 1 of the root tables */
    struct vcpu_guest_context ctx;
    uint64_t syscall32_eip, sysenter_eip;
    uint16_t syscall32_cs, sysenter_cs;
    uint8_t syscall32_off, sysenter_off;
    struct hvm_vmce_vcpu vmce;
    struct {
        uint64_t index, value;
    } msrs[16];
    uint8_t hard[32], soft[32]; /* affinity, 256 CPUs */
    uint64_t xcr0, xcr0_accum;
    uint32_t xsave_len;
    uint8_t xsave[XSR_XSAVE_MAX];
};

struct xsr_dom {
    uint64_t serial;
    uint32_t domid;
    uint8_t hvm, hap, created, dying; /* dying: 1 in work, 2 dead */
    uint8_t shutdown, debugger, xs_domain, iomem_caps;
    uint8_t vnuma, logdirty, target_set, spare;
    uint32_t shutdown_code, pause_count;
    uint32_t flags, emulation, misc_flags, ssidref;
    uint8_t handle[16];
    uint32_t max_vcpus, n_vcpus;
    uint32_t max_evtchn, suspend_port, target;
    uint32_t max_grants, max_maptrack, max_grant_version, n_grants;
    uint64_t tot_pages; /* derived */
    uint64_t max_pages, outstanding;
    uint64_t max_gfn; /* HVM: no entry above; derived */
    uint64_t shinfo_mfn;
    uint64_t grant_mfn[XSR_MAX_GRANT_FRAMES];
    uint64_t params[39];
    uint32_t tsc_mode, tsc_khz, tsc_incarnation, spare2;
    int64_t tsc_offset; /* host ns at guest time zero */
    int64_t time_offset;
    uint64_t mempool;
    uint32_t weight, cap;
    uint64_t vm_assist, node_affinity;
    uint64_t dirty_count, fault_count;
    uint64_t guest;    /* simulated guest: its description's frame + 1 */
    int64_t guest_ns;  /* up to when time has gone by for it; 0: stopped */
    int32_t fault[16]; /* by enum xsr_fault */
    uint32_t hvmctx_len, n_leaves, n_msrs, n_e820;
    xen_cpuid_leaf_t leaves[XSR_MAX_LEAVES];
    xen_msr_entry_t msrs[XSR_MAX_POLICY_MSRS];
    uint8_t e820[XSR_MAX_E820 * 20];
    uint8_t hvmctx[XSR_HVMCTX_MAX];
    struct xsr_evtchn evtchn[XSR_MAX_EVTCHN];
    struct xsr_vcpu vcpu[XSR_MAX_VCPUS];
    uint64_t dirty[XSR_MAX_GFN / 64];
    uint32_t p2m[XSR_MAX_GFN]; /* HVM: mfn + 1 */
};

#endif
