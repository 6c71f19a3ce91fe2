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

#define HOST_MIB 1024u /* the smallest */
#define PAGE     4096u

static char host_dir[256];
static uint64_t host_free; /* pages of the empty host */

static inline uint64_t free_pages(void)
{
    struct xsr_hv_host_info info;

    assert_int_equal(xsr_hv_host_info(&info), 0);
    return info.free_pages;
}

static inline int host_setup(void **state)
{
    struct xsr_hv_host_options o = {.memory_mib = HOST_MIB};
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
                   free_pages() != host_free
               ? -1
               : 0;
}

static inline long hypercall(unsigned op, uint64_t a, uint64_t b, uint64_t c,
                             uint64_t d)
{
    const uint64_t arg[5] = {a, b, c, d, 0};

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

/* A child that a crash ends; cmocka would have it go on, perhaps locked. */
static inline pid_t fork_plain(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
    }
    return pid;
}

/* Run fn in a child that ends with its result; the wait status. */
static inline int in_child(int (*fn)(void *arg), void *arg)
{
    int status = -1;
    pid_t pid = fork_plain();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fn(arg));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#endif
