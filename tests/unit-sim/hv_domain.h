/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests of the simulated hypervisor: domains of the three kinds, their
 * pages, and the smallest PV address space.
 */
#ifndef XSR_TESTS_HV_DOMAIN_H
#define XSR_TESTS_HV_DOMAIN_H

#include "tests/unit-sim/hv_host.h"

enum kind { PV, PVH, HVM };

static inline struct xen_domctl_createdomain config_of(enum kind kind)
{
    struct xen_domctl_createdomain c = {
        .flags = kind == PV ? 0 : XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = 2,
        .max_evtchn_port = 1023,
        .max_grant_frames = 64,
        .max_maptrack_frames = 1024,
        .grant_opts = 2,
        .arch.emulation_flags = kind == PV    ? 0
                                : kind == PVH ? 1
                                              : 0x3ff,
        .arch.misc_flags = 1,
    };

    return c;
}

/* The new domain's number, or a negative errno. */
static inline long create(uint32_t wanted,
                          const struct xen_domctl_createdomain *c)
{
    struct xen_domctl op = {.u.createdomain = *c};
    long rc = domctl(&op, XEN_DOMCTL_createdomain, wanted);

    return rc < 0 ? rc : op.domain;
}

static inline long set_max_mem(uint32_t domid, uint64_t pages)
{
    struct xen_domctl op = {.u.max_mem.max_memkb = pages * 4};

    return domctl(&op, XEN_DOMCTL_max_mem, domid);
}

/* A domain with vCPUs and a limit of so many pages. */
static inline uint32_t new_domain(enum kind kind, uint64_t pages)
{
    struct xen_domctl_createdomain c = config_of(kind);
    struct xen_domctl op = {.u.max_vcpus.max = 2};
    long domid = create(0, &c);

    assert_true(domid > 0);
    assert_int_equal(domctl(&op, XEN_DOMCTL_max_vcpus, (uint32_t)domid), 0);
    assert_int_equal(set_max_mem((uint32_t)domid, pages), 0);
    return (uint32_t)domid;
}

/* list: gfns in, for PV mfns out. How many were done. */
static inline long populate(uint32_t domid, uint64_t *list, size_t n,
                            unsigned order)
{
    struct xen_memory_reservation r = {
        .extent_start = {list},
        .nr_extents = n,
        .extent_order = order,
        .domid = (domid_t)domid,
    };

    return memory_op(XENMEM_populate_physmap, &r);
}

/* n pages from gfn 0; for PV their mfns in list. */
static inline void give_pages(uint32_t domid, uint64_t *list, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        list[i] = i;
    assert_int_equal(populate(domid, list, n, 0), n);
}

static inline long page_type(uint32_t domid, uint64_t frame)
{
    struct xen_domctl op = {.u.getpageframeinfo3 = {1, {&frame}}};
    long rc = domctl(&op, XEN_DOMCTL_getpageframeinfo3, domid);

    return rc < 0 ? rc : (long)frame;
}

/* Write one page of a domain and unmap it. */
static inline void fill_page(uint32_t domid, uint64_t frame, const void *bytes)
{
    void *p = xsr_hv_map(domid, PROT_READ | PROT_WRITE, 1, &frame, NULL, NULL);

    assert_non_null(p);
    memcpy(p, bytes, PAGE);
    assert_int_equal(xsr_hv_unmap(p, 1), 0);
}

static inline long pin(uint32_t domid, unsigned cmd, uint64_t mfn)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn};

    return hypercall(__HYPERVISOR_mmuext_op, (uintptr_t)&op, 1, 0, domid);
}

/*
 * The smallest PV address space in pages 0-5: L4, L3, L2, L1, a data page
 * mapped writable, a page for descriptors. flags go into the L1's entry.
 */
enum { P_L4, P_L3, P_L2, P_L1, P_DATA, P_GDT, P_SPACE };

static inline void fill_table(uint32_t domid, uint64_t table, unsigned slot,
                              uint64_t entry)
{
    uint64_t words[512] = {0};

    words[slot] = entry;
    fill_page(domid, table, words);
}

static inline void fill_space(uint32_t domid, const uint64_t *mfn,
                              uint64_t flags)
{
    fill_table(domid, mfn[P_L4], 0, mfn[P_L3] << 12 | 7);
    fill_table(domid, mfn[P_L3], 0, mfn[P_L2] << 12 | 7);
    fill_table(domid, mfn[P_L2], 0, mfn[P_L1] << 12 | 7);
    fill_table(domid, mfn[P_L1], 0, mfn[P_DATA] << 12 | flags);
}

#endif
