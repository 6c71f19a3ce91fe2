/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For tests of the simulated guests: some guests, and waiting for them. */
#ifndef XSR_TESTS_SIM_GUEST_H
#define XSR_TESTS_SIM_GUEST_H

#include "lib/util.h"
#include "stubs/guest/guest.h"
#include "stubs/xs/xs.h"
#include "tests/unit-sim/hv_host.h"

static inline struct xsr_guest_spec spec_of(enum xsr_hv_type type)
{
    return (struct xsr_guest_spec){
        .type = type,
        .name = "guest",
        .uuid = {1, 2, 3},
        .memory_mib = type == XSR_HV_HVM ? 16 : 8,
        .n_vcpus = 3,
        .seed = 42,
        .zero_pct = 40,
        .phase = {{0, 20000, 30}},
        .n_phases = 1,
    };
}

static inline uint32_t new_guest(const struct xsr_guest_spec *s)
{
    struct xsr_err err = XSR_ERR_INIT;
    uint32_t domid = 0;

    if (xsr_guest_create(s, &domid, &err) < 0)
        fail_msg("%s", err.text);
    return domid;
}

static inline uint32_t running_guest(const struct xsr_guest_spec *s)
{
    uint32_t domid = new_guest(s);

    assert_int_equal(xsr_hv_unpause(domid), 0);
    return domid;
}

static inline struct xsr_guest_state ask(uint32_t domid)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_guest_state s;

    if (xsr_guest_verify(domid, &s, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

static inline void is_good(uint32_t domid)
{
    struct xsr_guest_state s = ask(domid);

    if (s.n_bad || s.n_troubles)
        fail_msg("%llu pages are wrong, the first is %#llx; %s",
                 (unsigned long long)s.n_bad,
                 (unsigned long long)s.first_bad_pfn, s.trouble);
    host_is_sound();
}

static inline struct xsr_guest_state peek(uint32_t domid)
{
    struct xsr_guest_state s;

    assert_true(xsr_guest_peek(domid, &s));
    return s;
}

/* Until the guest has written n pages; time goes by while it is looked at. */
static inline void wait_writes(uint32_t domid, uint64_t n)
{
    for (unsigned tries = 0; peek(domid).n_dirtied < n; tries++) {
        if (tries > 5000)
            fail_msg("the guest does not write");
        usleep(1000);
    }
}

static inline struct xsr_hv_domain domain(uint32_t domid)
{
    struct xsr_hv_domain d;

    assert_int_equal(xsr_hv_next_domain(domid, &d), 0);
    assert_int_equal(d.domid, domid);
    return d;
}

static inline void write_shutdown(uint32_t domid, const char *value)
{
    struct xsr_store *xs;
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
    assert_int_equal(xsr_store_open(&xs), 0);
    assert_int_equal(xsr_store_write(xs, 0, path, value, strlen(value)), 0);
    xsr_store_close(xs);
}

/* The value of a node below the domain. */
static inline void node_is(uint32_t domid, const char *name, const char *want)
{
    char path[96], *value = NULL;
    struct xsr_store *xs;

    snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, name);
    assert_int_equal(xsr_store_open(&xs), 0);
    assert_int_equal(xsr_store_read(xs, 0, path, &value, NULL), 0);
    assert_string_equal(value, want);
    free(value);
    xsr_store_close(xs);
}

static inline long remote_shutdown(uint32_t domid, unsigned reason)
{
    struct sched_remote_shutdown s = {(domid_t)domid, reason};

    return hypercall(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
                     (uintptr_t)&s, 0, 0);
}

static inline long resume(uint32_t domid)
{
    return domctl(&(struct xen_domctl){0}, XEN_DOMCTL_resumedomain, domid);
}

static inline long pause_guest(uint32_t domid)
{
    return domctl(&(struct xen_domctl){0}, XEN_DOMCTL_pausedomain, domid);
}

/* The domain and its nodes. */
static inline void remove_guest(uint32_t domid)
{
    struct xsr_store *xs;
    char path[64];

    assert_int_equal(xsr_hv_destroy(domid), 0);
    assert_int_equal(xsr_store_open(&xs), 0);
    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    xsr_store_rm(xs, 0, path);
    xsr_store_rm(xs, 0, "/vm");
    xsr_store_close(xs);
}

#endif
