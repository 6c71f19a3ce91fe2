/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains come to life only as Xen allows, and are gone when destroyed. */
#include "tests/unit-sim/hv_domain.h"

static void each_wrong_configuration_is_refused(void **state)
{
    static const struct {
        const char *what;
        size_t at;
        uint32_t value;
        enum kind kind;
        long rc;
    } rows[] = {
#define AT(field) offsetof(struct xen_domctl_createdomain, field)
        {"unknown flag", AT(flags), 0x100, PV, -EINVAL},
        {"HAP for PV", AT(flags), XEN_DOMCTL_CDF_hap, PV, -EINVAL},
        {"IOMMU", AT(flags), XEN_DOMCTL_CDF_iommu, PV, -EINVAL},
        {"IOMMU options alone", AT(iommu_opts), 1, PV, -EINVAL},
        {"nested without HAP", AT(flags),
         XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_nested_virt, HVM, -EINVAL},
        {"no vCPU", AT(max_vcpus), 0, PV, -EINVAL},
        {"129 vCPUs", AT(max_vcpus), 129, HVM, -EINVAL},
        {"8193 vCPUs", AT(max_vcpus), 8193, PV, -EINVAL},
        {"grant version 0", AT(grant_opts), 0, PV, -EINVAL},
        {"grant version 3", AT(grant_opts), 3, PV, -EINVAL},
        {"grant option", AT(grant_opts), 0x12, PV, -EINVAL},
        {"no grant frames", AT(max_grant_frames), 0, PV, -EINVAL},
        {"65 grant frames", AT(max_grant_frames), 65, PV, -EINVAL},
        {"1025 maptrack", AT(max_maptrack_frames), 1025, PV, -EINVAL},
        {"vmtrace", AT(vmtrace_size), 4096, HVM, -EINVAL},
        {"CPU pool 1", AT(cpupool_id), 1, PV, -ESRCH},
        {"devices for PV", AT(arch.emulation_flags), 1, PV, -EOPNOTSUPP},
        {"half the devices", AT(arch.emulation_flags), 3, HVM, -EOPNOTSUPP},
        {"all the devices", AT(arch.emulation_flags), 0x7ff, HVM, -EOPNOTSUPP},
        {"unknown device", AT(arch.emulation_flags), 0x800, HVM, -EINVAL},
        {"misc flag", AT(arch.misc_flags), 2, PV, -EINVAL},
#undef AT
    };
    struct xen_domctl_createdomain c;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        c = config_of(rows[i].kind);
        memcpy((uint8_t *)&c + rows[i].at, &rows[i].value, 4);
        if (create(0, &c) != rows[i].rc)
            fail_msg("%s: not refused with %ld", rows[i].what, rows[i].rc);
    }
    assert_int_equal(free_pages(), host_free);
}

static void the_extremes_are_allowed(void **state)
{
    struct xen_domctl_createdomain c = config_of(HVM);

    (void)state;
    c.max_vcpus = 128;
    assert_true(create(0, &c) > 0);
    c = config_of(PV);
    c.max_vcpus = 8192;
    c.max_grant_frames = -1;
    c.grant_opts = 1;
    assert_true(create(0, &c) > 0);
}

static void a_wanted_number_is_given_once(void **state)
{
    struct xen_domctl_createdomain c = config_of(PV);

    (void)state;
    assert_int_equal(create(77, &c), 77);
    assert_int_equal(create(77, &c), -EEXIST);
    assert_int_equal(xsr_hv_destroy(77), 0);
    assert_int_equal(create(77, &c), 77);
    assert_int_equal(create(0x7fef, &c), 0x7fef);
    /* 0 and reserved numbers mean: choose */
    assert_in_range(create(0x7ff0, &c), 1, 76);
}

static void a_chosen_number_is_not_used_again_at_once(void **state)
{
    struct xen_domctl_createdomain c = config_of(PV);
    long first = create(0, &c);

    (void)state;
    assert_true(first > 0);
    assert_int_equal(xsr_hv_destroy((uint32_t)first), 0);
    assert_int_equal(create(0, &c), first + 1);
}

static void another_interface_version_is_refused(void **state)
{
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_pausedomain, .domain = 0, .interface_version = 0x14};

    (void)state;
    assert_int_equal(hypercall(__HYPERVISOR_domctl, (uintptr_t)&op, 0, 0, 0),
                     -EACCES);
}

static void calls_need_a_domain_that_exists(void **state)
{
    struct xen_domctl op = {0};

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_pausedomain, 500), -ESRCH);
    assert_int_equal(domctl(&op, XEN_DOMCTL_destroydomain, 0), -EINVAL);
    assert_int_equal(domctl(&op, XEN_DOMCTL_pausedomain, 0), -EINVAL);
    assert_int_equal(domctl(&op, 999, 0), -ENOSYS);
}

static void pauses_are_counted(void **state)
{
    uint32_t domid = new_domain(PV, 16);
    struct xen_domctl op = {0};
    int i;

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_unpausedomain, domid), 0);
    assert_int_equal(domctl(&op, XEN_DOMCTL_unpausedomain, domid), -EINVAL);
    for (i = 0; i < 255; i++)
        assert_int_equal(domctl(&op, XEN_DOMCTL_pausedomain, domid), 0);
    assert_int_equal(domctl(&op, XEN_DOMCTL_pausedomain, domid), -EOVERFLOW);
}

static void vcpus_are_as_many_as_created(void **state)
{
    struct xen_domctl_createdomain c = config_of(PV);
    struct xen_domctl op = {.u.max_vcpus.max = 3};
    uint32_t domid = (uint32_t)create(0, &c);

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_max_vcpus, domid), -EINVAL);
    op.u.getvcpuinfo.vcpu = 0;
    assert_int_equal(domctl(&op, XEN_DOMCTL_getvcpuinfo, domid), -ESRCH);
    op.u.max_vcpus.max = 2;
    assert_int_equal(domctl(&op, XEN_DOMCTL_max_vcpus, domid), 0);
    op.u.getvcpuinfo.vcpu = 2;
    assert_int_equal(domctl(&op, XEN_DOMCTL_getvcpuinfo, domid), -EINVAL);
    op.u.getvcpuinfo.vcpu = 1;
    assert_int_equal(domctl(&op, XEN_DOMCTL_getvcpuinfo, domid), 0);
    assert_int_equal(op.u.getvcpuinfo.online, 0);
}

static void info_answers_for_the_next_domain(void **state)
{
    struct xen_domctl_createdomain c = config_of(PVH);
    struct xen_domctl op = {0};

    (void)state;
    assert_int_equal(create(300, &c), 300);
    assert_int_equal(domctl(&op, XEN_DOMCTL_getdomaininfo, 290), 0);
    assert_int_equal(op.domain, 300);
    assert_true(op.u.getdomaininfo.flags & XEN_DOMINF_hvm_guest);
    assert_true(op.u.getdomaininfo.flags & XEN_DOMINF_paused);
    assert_int_equal(domctl(&op, XEN_DOMCTL_getdomaininfo, 301), -ESRCH);
    assert_int_equal(domctl(&op, XEN_DOMCTL_getdomaininfo, 0x7ff0), -EINVAL);
}

static void a_shutdown_is_seen_and_taken_back(void **state)
{
    struct sched_remote_shutdown s = {.reason = SHUTDOWN_suspend};
    struct xen_domctl op = {0};

    (void)state;
    s.domain_id = (domid_t)new_domain(PV, 16);
    assert_int_equal(hypercall(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown,
                               (uintptr_t)&s, 0, 0),
                     0);
    assert_int_equal(domctl(&op, XEN_DOMCTL_getdomaininfo, s.domain_id), 0);
    assert_true(op.u.getdomaininfo.flags & XEN_DOMINF_shutdown);
    assert_int_equal(op.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift &
                         XEN_DOMINF_shutdownmask,
                     SHUTDOWN_suspend);
    assert_int_equal(domctl(&op, XEN_DOMCTL_resumedomain, s.domain_id), 0);
    assert_int_equal(domctl(&op, XEN_DOMCTL_getdomaininfo, s.domain_id), 0);
    assert_false(op.u.getdomaininfo.flags & XEN_DOMINF_shutdown);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, host_is_empty)
    const struct CMUnitTest tests[] = {
        T(each_wrong_configuration_is_refused),
        T(the_extremes_are_allowed),
        T(a_wanted_number_is_given_once),
        T(a_chosen_number_is_not_used_again_at_once),
        T(another_interface_version_is_refused),
        T(calls_need_a_domain_that_exists),
        T(pauses_are_counted),
        T(vcpus_are_as_many_as_created),
        T(info_answers_for_the_next_domain),
        T(a_shutdown_is_seen_and_taken_back),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
