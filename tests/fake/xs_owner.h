/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests of the simulated xenstore: domains that own nodes. They have a
 * number and nothing else; the host and the connection are xs_host.h's.
 */
#ifndef XSR_TESTS_XS_OWNER_H
#define XSR_TESTS_XS_OWNER_H

#define __XEN_TOOLS__ 1
#include "tests/unit-sim/xs_host.h"

#include <xen/xen.h>
#include <xen/domctl.h>

#include "stubs/hv/hv.h"

static inline void domctl(struct xen_domctl *op)
{
    uint64_t arg[5] = {(uint64_t)(uintptr_t)op};

    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    assert_int_equal(xsr_hv_call(__HYPERVISOR_domctl, arg), 0);
}

/* A domain that owns nodes; it has nothing else. */
static inline uint32_t bare_domain(void)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_createdomain};

    op.u.createdomain.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    op.u.createdomain.max_vcpus = 1;
    op.u.createdomain.max_evtchn_port = 1023;
    op.u.createdomain.max_grant_frames = 64;
    op.u.createdomain.max_maptrack_frames = 1024;
    op.u.createdomain.grant_opts = 1;
    op.u.createdomain.arch.emulation_flags = XEN_X86_EMU_LAPIC;
    domctl(&op);
    return op.domain;
}

#endif
