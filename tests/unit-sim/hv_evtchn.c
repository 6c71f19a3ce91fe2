/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Event channels: two ends that agree, and ports that are given once. */
#include "stubs/world/world.h"
#include "tests/unit-sim/hv_domain.h"

static struct evtchn_status status_of(uint32_t domid, uint32_t port)
{
    struct evtchn_status s = {.dom = (domid_t)domid, .port = port};

    assert_int_equal(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status,
                               (uintptr_t)&s, 0, 0),
                     0);
    return s;
}

static void a_channel_lives_from_unbound_to_closed(void **state)
{
    uint32_t domid = new_domain(PV, 16);
    int port = xsr_hv_evtchn_alloc(domid, 0), mine;

    (void)state;
    assert_int_equal(port, 1);
    assert_int_equal(xsr_hv_evtchn_alloc(domid, 0), 2);
    assert_true(xsr_hv_port_valid(domid, 1));
    assert_false(xsr_hv_port_valid(domid, 3));
    assert_int_equal(status_of(domid, 1).status, EVTCHNSTAT_unbound);
    mine = xsr_hv_evtchn_bind(domid, 1);
    assert_true(mine > 0);
    assert_int_equal(status_of(domid, 1).status, EVTCHNSTAT_interdomain);
    assert_int_equal(status_of(domid, 1).u.interdomain.port, mine);
    assert_int_equal(status_of(0, (uint32_t)mine).u.interdomain.dom, domid);
    assert_int_equal(xsr_hv_evtchn_bind(domid, 1), -EINVAL);
    /* binding raises one event; then each one sent */
    assert_int_equal(xsr_hv_evtchn_take(0, (uint32_t)mine), 1);
    assert_int_equal(xsr_hv_evtchn_take(0, (uint32_t)mine), 0);
    assert_int_equal(xsr_hv_evtchn_send(domid, 1), 0);
    assert_int_equal(xsr_hv_evtchn_take(0, (uint32_t)mine), 1);
    assert_int_equal(xsr_hv_evtchn_send(0, (uint32_t)mine), 0);
    assert_int_equal(xsr_hv_evtchn_take(domid, 1), 1);
    assert_int_equal(xsr_hv_evtchn_close((uint32_t)mine), 0);
    assert_int_equal(status_of(domid, 1).status, EVTCHNSTAT_unbound);
    assert_int_equal(xsr_hv_evtchn_close((uint32_t)mine), -EINVAL);
    assert_int_equal(xsr_hv_evtchn_send(0, (uint32_t)mine), -EINVAL);
}

static void only_the_named_domain_may_bind(void **state)
{
    uint32_t a = new_domain(PV, 16), b = new_domain(PV, 16);
    int port = xsr_hv_evtchn_alloc(a, b);

    (void)state;
    assert_int_equal(xsr_hv_evtchn_bind(a, (uint32_t)port), -EINVAL);
    assert_int_equal(xsr_hv_evtchn_bind(a, 0), -EINVAL);
    assert_int_equal(xsr_hv_evtchn_bind(a, 5000), -EINVAL);
    assert_int_equal(xsr_hv_evtchn_bind(999, 1), -ESRCH);
    assert_int_equal(xsr_hv_evtchn_alloc(999, 0), -ESRCH);
}

static void ports_end_at_the_limit(void **state)
{
    struct xen_domctl_createdomain c = config_of(PV);
    uint32_t domid, i;

    (void)state;
    c.max_evtchn_port = 5;
    domid = (uint32_t)create(0, &c);
    for (i = 1; i <= 5; i++)
        assert_int_equal(xsr_hv_evtchn_alloc(domid, 0), i);
    assert_int_equal(xsr_hv_evtchn_alloc(domid, 0), -ENOSPC);
}

static void a_dead_domains_channel_is_open_at_this_end(void **state)
{
    uint32_t domid = new_domain(PV, 16);
    int port = xsr_hv_evtchn_alloc(domid, 0);
    int mine = xsr_hv_evtchn_bind(domid, (uint32_t)port);

    (void)state;
    assert_int_equal(xsr_hv_destroy(domid), 0);
    assert_int_equal(status_of(0, (uint32_t)mine).status, EVTCHNSTAT_unbound);
    assert_false(xsr_hv_port_valid(domid, (uint32_t)port));
    assert_int_equal(xsr_hv_evtchn_close((uint32_t)mine), 0);
}

static void a_suspend_is_told_to_its_subscriber(void **state)
{
    uint32_t domid = new_domain(PV, 16);
    int port = xsr_hv_evtchn_alloc(domid, 0);
    int mine = xsr_hv_evtchn_bind(domid, (uint32_t)port);
    struct sched_remote_shutdown s = {(domid_t)domid, SHUTDOWN_suspend};
    struct xen_domctl op = {.u.subscribe.port = (uint32_t)port};

    (void)state;
    assert_int_equal(xsr_hv_evtchn_take(0, (uint32_t)mine), 1);
    assert_int_equal(domctl(&op, XEN_DOMCTL_subscribe, domid), 0);
    assert_int_equal(hypercall(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
                               (uintptr_t)&s, 0, 0),
                     0);
    assert_int_equal(xsr_hv_evtchn_take(0, (uint32_t)mine), 1);
    assert_int_equal(xsr_hv_evtchn_close((uint32_t)mine), 0);
}

static void a_virq_is_bound_once(void **state)
{
    int port = xsr_hv_evtchn_bind_virq(VIRQ_DOM_EXC, 0);

    (void)state;
    assert_true(port > 0);
    assert_int_equal(xsr_hv_evtchn_bind_virq(VIRQ_DOM_EXC, 0), -EEXIST);
    assert_int_equal(xsr_hv_evtchn_bind_virq(NR_VIRQS, 0), -EINVAL);
    assert_int_equal(xsr_hv_evtchn_close((uint32_t)port), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, host_is_empty)
    const struct CMUnitTest tests[] = {
        T(a_channel_lives_from_unbound_to_closed),
        T(only_the_named_domain_may_bind),
        T(ports_end_at_the_limit),
        T(a_dead_domains_channel_is_open_at_this_end),
        T(a_suspend_is_told_to_its_subscriber),
        T(a_virq_is_bound_once),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
