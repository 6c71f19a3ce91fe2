/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parameters and context of HVM and PVH domains. */
#include "lib/bytes.h"
#include "tests/unit-sim/hv_domain.h"

static long set_param(uint32_t domid, uint32_t index, uint64_t value)
{
    struct xen_hvm_param p = {
        .domid = (domid_t)domid, .index = index, .value = value};

    return hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, (uintptr_t)&p, 0, 0);
}

static void obsolete_and_unknown_parameters_are_refused(void **state)
{
    static const uint32_t bad[] = {4,  13, 20, 21, 22, 23,
                                   24, 25, 26, 30, 39, 1000};
    uint32_t domid = new_domain(HVM, 16);
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(set_param(domid, bad[i], 0), -EINVAL);
    assert_int_equal(set_param(new_domain(PV, 16), 1, 1), -EINVAL);
    assert_int_equal(set_param(999, 1, 1), -ESRCH);
}

static void some_parameters_are_set_once(void **state)
{
    static const struct {
        uint32_t index;
        uint64_t value;
    } once[] = {
        {9, 0x21}, {5, 0xfeffd}, {6, 0xfeffb}, {32, 0xfeff0}, {33, 8}, {35, 1},
    };
    uint32_t domid = new_domain(HVM, 16);
    uint64_t params[XSR_HV_N_PARAMS];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
        assert_int_equal(set_param(domid, once[i].index, once[i].value), 0);
        assert_int_equal(set_param(domid, once[i].index, once[i].value), 0);
        assert_int_equal(set_param(domid, once[i].index, once[i].value + 2),
                         -EEXIST);
    }
    assert_int_equal(set_param(domid, 1, 5), 0);
    assert_int_equal(set_param(domid, 1, 6), 0);
    assert_int_equal(xsr_hv_params(domid, params), 0);
    assert_int_equal(params[1], 6);
    assert_int_equal(params[9], 0x21);
}

static void values_have_limits(void **state)
{
    static const struct {
        uint32_t index;
        uint64_t value;
    } bad[] = {
        {10, 4}, {9, 2},           {9, 1ull << 40 | 1},
        {14, 1}, {19, 2},          {35, 4},
        {31, 6}, {33, 0},          {33, 65},
        {36, 2}, {15, 1ull << 32}, {37, 0xfc100280},
        {38, 2},
    };
    uint32_t domid = new_domain(HVM, 16);
    uint64_t params[XSR_HV_N_PARAMS];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (set_param(domid, bad[i].index, bad[i].value) != -EINVAL)
            fail_msg("parameter %u took %#lx", bad[i].index, bad[i].value);
    assert_int_equal(set_param(domid, 37, 0x180fc100280), 0);
    assert_int_equal(xsr_hv_params(domid, params), 0);
    assert_int_equal(params[37], 0x180fc100280);
    /* where the power management timer lies, if there is one */
    assert_int_equal(set_param(domid, 19, 1), 0);
    assert_int_equal(set_param(new_domain(PVH, 16), 19, 1), -ENODEV);
}

static void a_context_from_outside_asks_for_no_pv_assistance(void **state)
{
    struct vcpu_guest_context c = {.vm_assist = 1ull << 0};
    struct xen_domctl op = {.u.vcpucontext = {0, {&c}}};
    uint32_t domid = new_domain(PVH, 16);

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_setvcpucontext, domid), -EINVAL);
    c.vm_assist = 1ull << VMASST_TYPE_runstate_update_flag;
    op.u.vcpucontext.vcpu = 0;
    op.u.vcpucontext.ctxt.p = &c;
    assert_int_equal(domctl(&op, XEN_DOMCTL_setvcpucontext, domid), 0);
}

static void a_new_domain_has_a_small_paging_pool(void **state)
{
    struct xen_domctl op = {0};

    (void)state;
    assert_int_equal(
        domctl(&op, XEN_DOMCTL_get_paging_mempool_size, new_domain(PVH, 16)),
        0);
    assert_int_equal(op.u.paging_mempool.size, 1 << 20);
    assert_int_equal(
        domctl(&op, XEN_DOMCTL_get_paging_mempool_size, new_domain(PV, 16)),
        -EOPNOTSUPP);
}

/* ---- context ------------------------------------------------------------- */

static uint8_t ctx[65536];
static size_t ctx_len;

static void add(uint16_t code, uint16_t instance, uint32_t len)
{
    xsr_st_le16(ctx + ctx_len, code);
    xsr_st_le16(ctx + ctx_len + 2, instance);
    xsr_st_le32(ctx + ctx_len + 4, len);
    memset(ctx + ctx_len + 8, 0, len);
    ctx_len += 8 + len;
}

static void add_header(void)
{
    ctx_len = 0;
    add(1, 0, 24);
    xsr_st_le32(ctx + 8, 0x54381286);
    xsr_st_le32(ctx + 12, 1);
}

static struct hvm_hw_cpu *add_cpu(uint16_t vcpu)
{
    uint8_t *body = ctx + ctx_len + 8;

    add(2, vcpu, sizeof(struct hvm_hw_cpu));
    xsr_st_le64(body + offsetof(struct hvm_hw_cpu, cr0), 0x80000011);
    return (struct hvm_hw_cpu *)(void *)body;
}

static long load(uint32_t domid)
{
    struct xen_domctl op = {.u.hvmcontext = {(uint32_t)ctx_len, {ctx}}};

    return domctl(&op, XEN_DOMCTL_sethvmcontext, domid);
}

static void a_context_comes_back_unchanged(void **state)
{
    static uint8_t back[65536];
    struct xen_domctl op = {0};
    struct xsr_hv_vcpu v;
    uint32_t domid = new_domain(HVM, 16), room;
    size_t at;

    (void)state;
    add_header();
    add_cpu(1);
    add(3, 0, 8);
    add(3, 1, 8);
    at = ctx_len;
    add(5, 1, 20); /* an older, shorter one */
    add(18, 0, 32);
    add(0, 0, 0);
    assert_int_equal(load(domid), 0);
    assert_int_equal(domctl(&op, XEN_DOMCTL_gethvmcontext, domid), 0);
    /* room for all that there could be is asked for, and what is, is given */
    room = op.u.hvmcontext.size;
    assert_true(room > ctx_len && room <= sizeof(back));
    op.u.hvmcontext.buffer.p = back;
    op.u.hvmcontext.size = room - 1;
    assert_int_equal(domctl(&op, XEN_DOMCTL_gethvmcontext, domid), -ENOSPC);
    op.u.hvmcontext.size = room;
    assert_int_equal(domctl(&op, XEN_DOMCTL_gethvmcontext, domid), 0);
    /* the short entry has its whole length, the rest is as it came */
    assert_int_equal(op.u.hvmcontext.size, ctx_len + 4);
    assert_memory_equal(back, ctx, at);
    assert_int_equal(xsr_le32(back + at + 4), 24);
    assert_memory_equal(back + at + 8, ctx + at + 8, 20);
    assert_int_equal(xsr_le32(back + at + 28), 0);
    assert_memory_equal(back + at + 32, ctx + at + 28, ctx_len - at - 28);
    /* the vCPU with state is up, the other one down */
    assert_int_equal(xsr_hv_vcpu_state(domid, 0, &v), 0);
    assert_false(v.online);
    assert_int_equal(xsr_hv_vcpu_state(domid, 1, &v), 0);
    assert_true(v.online);
}

static void each_wrong_entry_is_refused(void **state)
{
    static const struct {
        uint16_t code, instance;
        uint32_t len;
        enum kind kind;
        long rc;
    } rows[] = {
        {2, 2, 1032, HVM, -EINVAL}, /* no such vCPU */
        {2, 0, 1040, HVM, -EINVAL}, /* too long */
        {3, 2, 8, HVM, -ENOENT},    /* a third PIC */
        {3, 0, 8, PVH, -ENODEV},       {4, 0, 400, PVH, -ENODEV},
        {10, 0, 56, PVH, -ENODEV},     {11, 0, 24, PVH, -ENODEV},
        {12, 0, 1048, PVH, -ENODEV},   {13, 0, 8, PVH, -ENODEV},
        {4, 0, 408, HVM, -ENODATA},    {5, 0, 32, HVM, -EINVAL},
        {6, 0, 1023, HVM, -EINVAL},    {7, 0, 8, HVM, -EINVAL},
        {8, 0, 16, HVM, -EINVAL},      {9, 0, 0, HVM, -EINVAL},
        {10, 0, 55, HVM, -ENODATA},    {11, 0, 25, HVM, -EINVAL},
        {12, 0, 1047, HVM, -EINVAL},   {13, 0, 9, HVM, -EINVAL},
        {14, 0, 239, HVM, -EINVAL},    {15, 0, 33, HVM, -EINVAL},
        {16, 0, 599, HVM, -EINVAL},    {16, 0, 600, HVM, -EINVAL},
        {17, 0, 217, HVM, -EINVAL},    {18, 0, 33, HVM, -EPERM},
        {19, 0, 0, HVM, -EINVAL},      {20, 0, 8, HVM, -EINVAL},
        {20, 0, 24, HVM, -EOPNOTSUPP}, /* count 0 in it */
        {21, 0, 8, HVM, -EINVAL},      {200, 0, 8, HVM, -EINVAL},
        {1, 0, 24, HVM, -EINVAL}, /* a second header */
    };
    uint32_t domid[2] = {new_domain(PVH, 16), new_domain(HVM, 16)};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        add_header();
        add_cpu(0);
        add(rows[i].code, rows[i].instance, rows[i].len);
        add(0, 0, 0);
        if (load(domid[rows[i].kind == HVM]) != rows[i].rc)
            fail_msg("entry %u/%u of %u octets: not %ld", rows[i].code,
                     rows[i].instance, rows[i].len, rows[i].rc);
    }
    /* without the wrong entry it loads */
    add_header();
    add_cpu(0);
    add(0, 0, 0);
    assert_int_equal(load(domid[0]), 0);
}

static void the_chain_has_both_ends(void **state)
{
    uint32_t domid = new_domain(HVM, 16);
    size_t whole;

    (void)state;
    ctx_len = 0;
    add_cpu(0);
    add(0, 0, 0);
    assert_int_equal(load(domid), -ENODATA); /* no header */
    add_header();
    add_cpu(0);
    add(0, 0, 0);
    for (whole = ctx_len--; ctx_len > 0; ctx_len--) {
        /* cut within an entry, or between two */
        bool within = ctx_len >= 40 && ctx_len < whole - 8;

        assert_int_equal(load(domid), within ? -EINVAL : -ENODATA);
    }
    assert_int_equal(load(domid), -ENODATA);
    ctx_len = whole;
    ctx[8] ^= 1;
    assert_int_equal(load(domid), -EINVAL); /* magic */
    ctx[8] ^= 1;
    ctx[12] = 2;
    assert_int_equal(load(domid), -EINVAL); /* version */
    ctx[12] = 1;
    assert_int_equal(load(domid), 0);
    assert_int_equal(load(new_domain(PV, 16)), -EINVAL);
}

static void registers_that_no_cpu_takes_are_refused(void **state)
{
    uint32_t domid = new_domain(HVM, 16);
    int i;

    (void)state;
    for (i = 0; i < 6; i++) {
        struct hvm_hw_cpu *cpu;

        add_header();
        cpu = add_cpu(0);
        cpu->cr0 = i == 0 ? 0x80000010 : i == 1 ? 0x1 : cpu->cr0;
        cpu->cr4 = i == 2 ? 1ull << 40 : 0;
        cpu->msr_efer = i == 3 ? 2 : 0;
        cpu->cr3 = i == 4 ? 1ull << 50 : 0;
        cpu->flags = i == 5 ? 2 : 1;
        add(0, 0, 0);
        assert_int_equal(load(domid), -EINVAL);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, host_is_empty)
    const struct CMUnitTest tests[] = {
        T(obsolete_and_unknown_parameters_are_refused),
        T(some_parameters_are_set_once),
        T(values_have_limits),
        T(a_context_from_outside_asks_for_no_pv_assistance),
        T(a_new_domain_has_a_small_paging_pool),
        T(a_context_comes_back_unchanged),
        T(each_wrong_entry_is_refused),
        T(the_chain_has_both_ends),
        T(registers_that_no_cpu_takes_are_refused),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
