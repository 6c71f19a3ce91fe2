/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPU policies, XSAVE areas, MSRs, TSC, log-dirty: sizes and rules. */
#include "lib/bytes.h"
#include "tests/unit-sim/hv_domain.h"

#define NONE XEN_CPUID_NO_SUBLEAF

static xen_cpuid_leaf_t leaf[128];
static xen_msr_entry_t msr[4];

static long set_policy(uint32_t domid, uint32_t n_leaves, uint32_t n_msrs,
                       struct xen_domctl_cpu_policy *out)
{
    struct xen_domctl op = {
        .u.cpu_policy = {n_leaves, n_msrs, {leaf}, {msr}, 0, 0, 0}};
    long rc = domctl(&op, XEN_DOMCTL_set_cpu_policy, domid);

    if (out)
        *out = op.u.cpu_policy;
    return rc;
}

static void a_policy_is_merged_and_given_back(void **state)
{
    struct xen_domctl op = {0};
    uint32_t domid = new_domain(PVH, 16), n, i;

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_get_cpu_policy, domid), 0);
    assert_int_equal(op.u.cpu_policy.nr_leaves, 120);
    assert_int_equal(op.u.cpu_policy.nr_msrs, 2);
    leaf[0] = (xen_cpuid_leaf_t){1, NONE, 0x60fb1, 2, 3, 4};
    leaf[1] = (xen_cpuid_leaf_t){0xd, 40, 5, 6, 7, 8};
    assert_int_equal(set_policy(domid, 2, 0, NULL), 0);
    op.u.cpu_policy.leaves.p = leaf;
    op.u.cpu_policy.msrs.p = msr;
    assert_int_equal(domctl(&op, XEN_DOMCTL_get_cpu_policy, domid), 0);
    n = op.u.cpu_policy.nr_leaves;
    assert_in_range(n, 50, 120);
    for (i = 1; i < n; i++) /* ascending, none twice */
        assert_true(leaf[i - 1].leaf < leaf[i].leaf ||
                    (leaf[i - 1].leaf == leaf[i].leaf &&
                     leaf[i - 1].subleaf < leaf[i].subleaf));
    assert_int_equal(leaf[1].a, 0x60fb1);
    op.u.cpu_policy.nr_leaves = n - 1;
    assert_int_equal(domctl(&op, XEN_DOMCTL_get_cpu_policy, domid), -ENOBUFS);
    /* its own policy is one that it may have */
    assert_int_equal(set_policy(domid, n, 2, NULL), 0);
}

static void refused(uint32_t domid, xen_cpuid_leaf_t l, long rc)
{
    struct xen_domctl_cpu_policy out;

    leaf[0] = l;
    assert_int_equal(set_policy(domid, 1, 0, &out), rc);
    assert_int_equal(out.err_leaf, l.leaf);
    assert_int_equal(out.err_subleaf, l.subleaf);
}

static void each_wrong_policy_is_refused(void **state)
{
    struct xen_domctl_cpu_policy out;
    uint32_t domid = new_domain(PV, 16);
    struct xen_domctl op = {0};

    (void)state;
    assert_int_equal(set_policy(domid, 121, 0, NULL), -E2BIG);
    assert_int_equal(set_policy(domid, 0, 3, NULL), -E2BIG);
    refused(domid, (xen_cpuid_leaf_t){0xe, NONE, 0, 0, 0, 0}, -ERANGE);
    refused(domid, (xen_cpuid_leaf_t){1, 0, 0, 0, 0, 0}, -ERANGE);
    refused(domid, (xen_cpuid_leaf_t){7, 3, 0, 0, 0, 0}, -ERANGE);
    refused(domid, (xen_cpuid_leaf_t){0xd, 63, 0, 0, 0, 0}, -ERANGE);
    refused(domid, (xen_cpuid_leaf_t){0x80000022, NONE, 0, 0, 0, 0}, -ERANGE);
    refused(domid, (xen_cpuid_leaf_t){0, NONE, 0xe, 0, 0, 0}, -EINVAL);
    refused(domid, (xen_cpuid_leaf_t){0x80000000, NONE, 0x80000022, 0, 0, 0},
            -EINVAL);
    msr[0] = (xen_msr_entry_t){0x10, 0, 0};
    assert_int_equal(set_policy(domid, 0, 1, &out), -ERANGE);
    assert_int_equal(out.err_msr, 0x10);
    msr[0] = (xen_msr_entry_t){0xce, 1, 0};
    assert_int_equal(set_policy(domid, 0, 1, NULL), -EINVAL);
    msr[0] = (xen_msr_entry_t){0xce, 0, 1};
    assert_int_equal(set_policy(domid, 0, 1, NULL), -EINVAL);
    /* never again once it ran */
    assert_int_equal(set_policy(domid, 0, 0, NULL), 0);
    assert_int_equal(domctl(&op, XEN_DOMCTL_unpausedomain, domid), 0);
    assert_int_equal(set_policy(domid, 0, 0, NULL), -EEXIST);
}

static long set_xsave(uint32_t domid, const uint8_t *area, size_t size)
{
    struct xen_domctl op = {0};

    op.u.vcpuextstate.size = size;
    op.u.vcpuextstate.buffer.p = (uint64_t *)(uintptr_t)area;
    return domctl(&op, XEN_DOMCTL_setvcpuextstate, domid);
}

static void xsave_areas_have_the_size_of_their_parts(void **state)
{
    static uint8_t area[16 + 4096];
    uint32_t domid = new_domain(PV, 16);
    struct xen_domctl op = {0};

    (void)state;
    assert_int_equal(set_xsave(domid, area, 15), -EINVAL);
    assert_int_equal(set_xsave(domid, area, 16), 0);
    xsr_st_le64(area, 7);
    xsr_st_le64(area + 8, 7);
    assert_int_equal(set_xsave(domid, area, 16), -EINVAL);
    assert_int_equal(set_xsave(domid, area, 16 + 832), 0);
    assert_int_equal(set_xsave(domid, area, 16 + 824), -EINVAL);
    assert_int_equal(set_xsave(domid, area, 16 + 840), -EINVAL);
    xsr_st_le64(area + 8, 5); /* AVX without SSE */
    assert_int_equal(set_xsave(domid, area, 16 + 832), -EINVAL);
    xsr_st_le64(area + 8, 7 | 1ull << 40); /* not on this CPU */
    assert_int_equal(set_xsave(domid, area, 16 + 832), -EINVAL);
    xsr_st_le64(area + 8, 7);
    xsr_st_le64(area + 16 + 520, 1ull << 63); /* compacted */
    assert_int_equal(set_xsave(domid, area, 16 + 832), -EOPNOTSUPP);
    xsr_st_le64(area + 16 + 520, 0);
    area[16 + 540] = 1;
    assert_int_equal(set_xsave(domid, area, 16 + 832), -EIO);
    assert_int_equal(domctl(&op, XEN_DOMCTL_getvcpuextstate, domid), 0);
    op.u.vcpuextstate.buffer.p = (uint64_t *)(void *)area;
    assert_int_equal(domctl(&op, XEN_DOMCTL_getvcpuextstate, domid), 0);
    assert_int_equal(op.u.vcpuextstate.size, 848);
    /* a domain whose policy has no XSAVE takes none */
    leaf[0] = (xen_cpuid_leaf_t){0xd, 0, 0, 0, 0, 0};
    assert_int_equal(set_policy(domid, 1, 0, NULL), 0);
    assert_int_equal(set_xsave(domid, area, 848), -EINVAL);
}

static void only_known_msrs_are_set(void **state)
{
    xen_domctl_vcpu_msr_t m[8] = {{0x48, 0, 1}, {0xc0000103, 0, 2}};
    struct xen_domctl op = {.u.vcpu_msrs = {0, 2, {m}}};
    uint32_t domid = new_domain(PV, 16);

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_set_vcpu_msrs, domid), 0);
    m[1].index = 0x1234;
    assert_int_equal(domctl(&op, XEN_DOMCTL_set_vcpu_msrs, domid), -EINVAL);
    assert_int_equal(op.u.vcpu_msrs.msr_count, 1);
    m[0].reserved = 1;
    assert_int_equal(domctl(&op, XEN_DOMCTL_set_vcpu_msrs, domid), -EINVAL);
    op.u.vcpu_msrs.msr_count = 1;
    assert_int_equal(domctl(&op, XEN_DOMCTL_get_vcpu_msrs, domid), -ENOBUFS);
    assert_int_equal(op.u.vcpu_msrs.msr_count, 2);
    assert_int_equal(domctl(&op, XEN_DOMCTL_get_vcpu_msrs, domid), 0);
    assert_int_equal(m[1].value, 2);
    op.u.vcpu_msrs.vcpu = 2;
    assert_int_equal(domctl(&op, XEN_DOMCTL_get_vcpu_msrs, domid), -ESRCH);
    op.u.vcpu_msrs.vcpu = 0;
    assert_int_equal(domctl(&op, XEN_DOMCTL_get_vcpu_msrs, new_domain(HVM, 16)),
                     -EINVAL);
}

static void extended_contexts_have_a_vcpu_and_a_size(void **state)
{
    struct xen_domctl op = {.u.ext_vcpucontext = {.vcpu = 2, .size = 64}};
    uint32_t domid = new_domain(PV, 16);

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_set_ext_vcpucontext, domid),
                     -ESRCH);
    op.u.ext_vcpucontext.vcpu = 1;
    op.u.ext_vcpucontext.size = 31;
    assert_int_equal(domctl(&op, XEN_DOMCTL_set_ext_vcpucontext, domid),
                     -EINVAL);
    op.u.ext_vcpucontext.size = 64;
    op.u.ext_vcpucontext.sysenter_callback_eip = 1ull << 47;
    assert_int_equal(domctl(&op, XEN_DOMCTL_set_ext_vcpucontext, domid),
                     -EINVAL);
    op.u.ext_vcpucontext.sysenter_callback_eip = 4096;
    assert_int_equal(domctl(&op, XEN_DOMCTL_set_ext_vcpucontext, domid), 0);
    memset(&op.u, 0, sizeof(op.u));
    op.u.ext_vcpucontext.vcpu = 1;
    assert_int_equal(domctl(&op, XEN_DOMCTL_get_ext_vcpucontext, domid), 0);
    assert_int_equal(op.u.ext_vcpucontext.size, 64);
    assert_int_equal(op.u.ext_vcpucontext.sysenter_callback_eip, 4096);
}

static void tsc_modes_count_incarnations(void **state)
{
    struct xen_domctl op = {.u.tsc_info = {.tsc_mode = 3}};
    uint32_t domid = new_domain(PV, 16);

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_settscinfo, domid), -EINVAL);
    op.u.tsc_info.tsc_mode = 1;
    op.u.tsc_info.gtsc_khz = 1234567;
    op.u.tsc_info.incarnation = 4;
    assert_int_equal(domctl(&op, XEN_DOMCTL_settscinfo, domid), 0);
    assert_int_equal(domctl(&op, XEN_DOMCTL_gettscinfo, domid), 0);
    assert_int_equal(op.u.tsc_info.incarnation, 5);
    assert_int_equal(op.u.tsc_info.gtsc_khz, 1234567);
    assert_int_equal(domctl(&op, XEN_DOMCTL_settscinfo, 0), -EINVAL);
}

static long shadow(uint32_t domid, uint32_t op, uint8_t *bitmap, uint64_t pages,
                   uint32_t *dirty)
{
    struct xen_domctl c = {0};
    long rc;

    c.u.shadow_op.op = op;
    c.u.shadow_op.dirty_bitmap.p = bitmap;
    c.u.shadow_op.pages = pages;
    rc = domctl(&c, XEN_DOMCTL_shadow_op, domid);
    if (dirty)
        *dirty = c.u.shadow_op.stats.dirty_count;
    return rc;
}

static void log_dirty_of_a_translated_guest_is_its_own_writes(void **state)
{
    uint32_t domid = new_domain(PVH, 128), dirty;
    uint64_t list[100], bitmap[2];
    uint8_t bytes[PAGE] = {1};

    (void)state;
    give_pages(domid, list, 100);
    assert_int_equal(
        shadow(domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0, NULL), 0);
    assert_int_equal(
        shadow(domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0, NULL),
        -EINVAL);
    /* what somebody else writes is not noted, nor a new page */
    fill_page(domid, 70, bytes);
    list[0] = 110;
    assert_int_equal(populate(domid, list, 1, 0), 1);
    assert_int_equal(shadow(domid, XEN_DOMCTL_SHADOW_OP_PEEK, (uint8_t *)bitmap,
                            100, &dirty),
                     0);
    assert_int_equal(dirty, 0);
    assert_int_equal(bitmap[0] | bitmap[1], 0);
    assert_int_equal(shadow(domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0, NULL), 0);
}

/* Last: the host becomes another one. */
static void without_shadow_paging_pv_is_not_tracked(void **state)
{
    struct xsr_hv_host_options o = {.memory_mib = HOST_MIB, .no_shadow = true};
    struct xen_domctl_createdomain c = config_of(HVM);
    struct xsr_err err = XSR_ERR_INIT;
    uint32_t pv, pvh;

    (void)state;
    assert_int_equal(xsr_hv_host_init(&o, &err), 0);
    pv = new_domain(PV, 16);
    pvh = new_domain(PVH, 16);
    assert_int_equal(
        shadow(pv, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0, NULL),
        -EOPNOTSUPP);
    assert_int_equal(shadow(pv, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0, NULL),
                     -EINVAL);
    assert_int_equal(
        shadow(pvh, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0, NULL), 0);
    c.flags = XEN_DOMCTL_CDF_hvm; /* HVM on shadow page tables */
    assert_int_equal(create(0, &c), -EOPNOTSUPP);
    /* a host with domains is not replaced */
    assert_int_equal(xsr_hv_host_init(&o, &err), -1);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, host_is_empty)
    const struct CMUnitTest tests[] = {
        T(a_policy_is_merged_and_given_back),
        T(each_wrong_policy_is_refused),
        T(xsave_areas_have_the_size_of_their_parts),
        T(only_known_msrs_are_set),
        T(extended_contexts_have_a_vcpu_and_a_size),
        T(tsc_modes_count_incarnations),
        T(log_dirty_of_a_translated_guest_is_its_own_writes),
        T(without_shadow_paging_pv_is_not_tracked),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
