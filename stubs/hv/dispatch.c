/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The door to the simulated hypervisor: one hypercall of domain 0, under the
 * host lock. Below it every call is a plain function on the shared state.
 * Xenstore's part of a domain's death is done when the lock is free again,
 * because stubs/xs takes it itself.
 */
#include <errno.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/guest/hooks.h"
#include "stubs/hv/hv.h"
#include "stubs/hv/hvi.h"

/* Absent in programs that have the hypervisor only (unit tests). */
#pragma weak xsr_xs_fire_special
#pragma weak xsr_xs_domain_gone

#define MAX_NOTES 16u

static __thread struct {
    uint32_t domid;
    bool gone;
} notes[MAX_NOTES];
static __thread unsigned n_notes;

void xsr_hv_note_release(uint32_t domid, bool gone)
{
    if (n_notes < MAX_NOTES) {
        notes[n_notes].domid = domid;
        notes[n_notes++].gone = gone;
    }
}

void xsr_hv_fire_notes(void)
{
    unsigned i, n = n_notes;

    n_notes = 0;
    for (i = 0; i < n; i++)
        if (notes[i].gone && xsr_xs_domain_gone)
            xsr_xs_domain_gone(notes[i].domid);
    if (n && xsr_xs_fire_special)
        xsr_xs_fire_special("@releaseDomain");
}

static void *ptr(uint64_t arg)
{
    return (void *)(uintptr_t)arg;
}

static long multicall(void *list, uint64_t n);

static long dispatch(unsigned op, const uint64_t a[5])
{
    switch (op) {
    case __HYPERVISOR_multicall:
        return multicall(ptr(a[0]), a[1]);
    case __HYPERVISOR_domctl:
        return xsr_hv_domctl(ptr(a[0]));
    case __HYPERVISOR_sysctl:
        return xsr_hv_sysctl(ptr(a[0]));
    case __HYPERVISOR_memory_op:
        return xsr_hv_memory_op(a[0], ptr(a[1]));
    case __HYPERVISOR_mmuext_op:
        return xsr_hv_mmuext_op(ptr(a[0]), a[1], ptr(a[2]), a[3]);
    case __HYPERVISOR_mmu_update:
        return xsr_hv_mmu_update(ptr(a[0]), a[1], ptr(a[2]), a[3]);
    case __HYPERVISOR_hvm_op:
        return xsr_hv_hvm_op(a[0], ptr(a[1]));
    case __HYPERVISOR_event_channel_op:
        return xsr_hv_evtchn_op(a[0], ptr(a[1]));
    case __HYPERVISOR_grant_table_op:
        return xsr_hv_grant_op(a[0], ptr(a[1]), a[2]);
    case __HYPERVISOR_xen_version:
        return xsr_hv_version(a[0], ptr(a[1]));
    case __HYPERVISOR_sched_op:
        return xsr_hv_sched_op(a[0], ptr(a[1]));
    case __HYPERVISOR_xsm_op:
        return -ENOSYS; /* Xen without FLASK, as Debian's */
    default:
        xsr_sim_log("not simulated: hypercall %u", op);
        return -ENOSYS;
    }
}

/* libxenctrl wraps calls in it whose results do not fit an int. */
static long multicall(void *list, uint64_t n)
{
    struct multicall_entry e;
    uint64_t i;

    if (n && !list)
        return -EFAULT;
    for (i = 0; i < n; i++) {
        uint8_t *at = (uint8_t *)list + i * sizeof(e);
        uint64_t args[5], k;

        memcpy(&e, at, sizeof(e));
        for (k = 0; k < 5; k++)
            args[k] = e.args[k];
        e.result = e.op == __HYPERVISOR_multicall
                       ? (xen_ulong_t)-EINVAL
                       : (xen_ulong_t)dispatch((unsigned)e.op, args);
        memcpy(at, &e, sizeof(e));
    }
    return 0;
}

long xsr_hv_call(unsigned op, const uint64_t arg[5])
{
    long rc;

    if (xsr_host_enter() < 0)
        return -EIO;
    xsr_guest_advance();
    rc = dispatch(op, arg);
    xsr_host_leave();
    xsr_hv_fire_notes();
    return rc;
}

int xsr_hv_open(struct xsr_err *err)
{
    if (xsr_host_open(err) < 0)
        return -1;
    if (xsr_host_enter() < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "the folder %s has no room for a simulated host",
                            xsr_sim_dir(err));
    xsr_host_leave();
    return 0;
}

int xsr_hv_destroy(uint32_t domid)
{
    struct xsr_dom *d;
    int rc;

    if (xsr_host_enter() < 0)
        return -EIO;
    d = xsr_hv_dom(domid);
    rc = d ? xsr_hv_kill(d) : -ESRCH;
    xsr_host_leave();
    xsr_hv_fire_notes();
    return rc;
}

int xsr_hv_unpause(uint32_t domid)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_unpausedomain,
        .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
        .domain = (domid_t)domid,
    };
    const uint64_t arg[5] = {(uintptr_t)&op};

    return (int)xsr_hv_call(__HYPERVISOR_domctl, arg);
}

bool xsr_hv_domain_exists(uint32_t domid)
{
    struct xsr_dom *d;
    bool there;

    if (xsr_host_enter() < 0)
        return false;
    d = xsr_hv_dom(domid);
    there = d && !d->dying;
    xsr_host_leave();
    return there;
}
