/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests of the simulated hypervisor: a host of its own per test program,
 * and hypercalls as libxenctrl would make them. Results are Xen's: 0 or more,
 * or a negative errno.
 */
#ifndef XSR_TESTS_HV_HOST_H
#define XSR_TESTS_HV_HOST_H

#define __XEN_TOOLS__ 1
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>

#include "stubs/hv/hv.h"

#define HOST_MIB 2048u
#define PAGE 4096u

static char host_dir[256];
static uint64_t host_free;      /* pages of the empty host */

static inline uint64_t free_pages(void)
{
    struct xsr_hv_host_info info;

    assert_int_equal(xsr_hv_host_info(&info), 0);
    return info.free_pages;
}

static inline int host_setup(void **state)
{
    struct xsr_hv_host_options o = { .memory_mib = HOST_MIB };
    struct xsr_err err = XSR_ERR_INIT;
    const char *tmp = getenv("TMPDIR");

    (void)state;
    snprintf(host_dir, sizeof(host_dir), "%s/xensr-hv.XXXXXX",
             tmp ? tmp : "/tmp");
    if (!mkdtemp(host_dir) || setenv("XENSR_SIM_DIR", host_dir, 1) ||
        xsr_hv_host_init(&o, &err))
        return -1;
    host_free = free_pages();
    return 0;
}

static inline int host_teardown(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", host_dir);
    return system(command) ? -1 : 0;
}

static inline void host_is_sound(void)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_hv_check(&err) < 0)
        fail_msg("%s", err.text);
}

/* After each test: nothing may be left, and every page is free again. */
static inline int host_is_empty(void **state)
{
    struct xsr_hv_domain d;
    struct xsr_err err = XSR_ERR_INIT;
    uint32_t first;

    (void)state;
    for (first = 1; xsr_hv_next_domain(first, &d) == 0; first = d.domid + 1)
        xsr_hv_destroy(d.domid);
    if (xsr_hv_check(&err) < 0)
        fprintf(stderr, "%s\n", err.text);
    return err.text[0] || xsr_hv_next_domain(1, &d) == 0 ||
           free_pages() != host_free ? -1 : 0;
}

static inline long hypercall(unsigned op, uint64_t a, uint64_t b, uint64_t c,
                             uint64_t d)
{
    const uint64_t arg[5] = { a, b, c, d, 0 };

    return xsr_hv_call(op, arg);
}

static inline long domctl(struct xen_domctl *op, uint32_t cmd, uint32_t domid)
{
    op->cmd = cmd;
    op->domain = (domid_t)domid;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    return hypercall(__HYPERVISOR_domctl, (uintptr_t)op, 0, 0, 0);
}

static inline long memory_op(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_memory_op, cmd, (uintptr_t)arg, 0, 0);
}

enum kind { PV, PVH, HVM };

static inline struct xen_domctl_createdomain config_of(enum kind kind)
{
    struct xen_domctl_createdomain c = {
        .flags = kind == PV ? 0 : XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = 2, .max_evtchn_port = 1023, .max_grant_frames = 64,
        .max_maptrack_frames = 1024, .grant_opts = 2,
        .arch.emulation_flags = kind == PV ? 0 : kind == PVH ? 1 : 0x3ff,
        .arch.misc_flags = 1,
    };

    return c;
}

/* The new domain's number, or a negative errno. */
static inline long create(uint32_t wanted,
                          const struct xen_domctl_createdomain *c)
{
    struct xen_domctl op = { .u.createdomain = *c };
    long rc = domctl(&op, XEN_DOMCTL_createdomain, wanted);

    return rc < 0 ? rc : op.domain;
}

static inline long set_max_mem(uint32_t domid, uint64_t pages)
{
    struct xen_domctl op = { .u.max_mem.max_memkb = pages * 4 };

    return domctl(&op, XEN_DOMCTL_max_mem, domid);
}

/* A domain with vCPUs and a limit of so many pages. */
static inline uint32_t new_domain(enum kind kind, uint64_t pages)
{
    struct xen_domctl_createdomain c = config_of(kind);
    struct xen_domctl op = { .u.max_vcpus.max = 2 };
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
        .extent_start = { list }, .nr_extents = n, .extent_order = order,
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
    struct xen_domctl op = { .u.getpageframeinfo3 = { 1, { &frame } } };
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
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

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
    uint64_t words[512] = { 0 };

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

/* Run fn in a child that ends with its result; the wait status. */
static inline int in_child(int (*fn)(void *arg), void *arg)
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        /* cmocka would let a crashed child go on with the next test */
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        _exit(fn(arg));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#endif
