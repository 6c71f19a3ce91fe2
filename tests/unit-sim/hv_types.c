/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page tables of a PV domain: only sound ones are pinned or loaded. */
#include "tests/unit-sim/hv_domain.h"

#define RW (PROT_READ | PROT_WRITE)
#define N  16

static uint64_t mfn[N];

static uint32_t domain_with_space(uint64_t l1_flags)
{
    uint32_t domid = new_domain(PV, 64);

    give_pages(domid, mfn, N);
    fill_space(domid, mfn, l1_flags);
    return domid;
}

static void types_are(uint32_t domid, const char *expected)
{
    static const char name[] = "-1234";
    char found[P_SPACE + 1] = "";
    int i;

    for (i = 0; i < P_SPACE; i++)
        found[i] = name[page_type(domid, mfn[i]) >> 28 & 7];
    assert_string_equal(found, expected);
    host_is_sound();
}

static void a_sound_tree_is_pinned_and_typed(void **state)
{
    uint32_t domid = domain_with_space(7);

    (void)state;
    types_are(domid, "------");
    assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), 0);
    types_are(domid, "4321--");
    assert_int_equal(page_type(domid, mfn[P_L4]),
                     XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB);
    assert_int_equal(page_type(domid, mfn[P_L3]), XEN_DOMCTL_PFINFO_L3TAB);
    assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), -EINVAL);
    assert_int_equal(pin(domid, MMUEXT_UNPIN_TABLE, mfn[P_L3]), -EINVAL);
    types_are(domid, "4321--");
    assert_int_equal(pin(domid, MMUEXT_UNPIN_TABLE, mfn[P_L4]), 0);
    types_are(domid, "------");
}

/* Each fault is refused, leaves nothing behind, and does not stop a retry. */
static void each_unsound_entry_is_refused(void **state)
{
    static const struct {
        const char *what;
        int table;
        int to; /* page, or -1: value alone */
        uint64_t value;
        long rc;
    } rows[] = {
        {"superpage in L2", P_L2, P_L1, 0x87, -EINVAL},
        {"superpage in L3", P_L3, P_L2, 0x87, -EINVAL},
        {"global bit in L4", P_L4, P_L3, 0x107, -EINVAL},
        {"cache bits in L1", P_L1, P_DATA, 0x1f, -EINVAL},
        {"grant bit in L1", P_L1, P_DATA, 1ull << 62 | 7, -EINVAL},
        {"L4 to an L2", P_L4, P_L2, 7, -EINVAL},
        {"L3 to itself", P_L3, P_L3, 7, -EINVAL},
        {"writable L1 entry to the L1", P_L1, P_L1, 7, -EBUSY},
        {"writable L1 entry to the L4", P_L1, P_L4, 7, -EBUSY},
        {"no memory", P_L1, -1, 0xffffffffff000 | 7, -EPERM},
        {"frame 0", P_L1, -1, 7, -EBUSY},
        {"frame of another", P_L1, N, 7, -EBUSY},
        {"table of another", P_L2, N, 7, -EINVAL},
    };
    static const int good[] = {P_L3, P_L2, P_L1, P_DATA};
    uint32_t domid = domain_with_space(7), other = new_domain(PV, 4);
    uint64_t theirs[1] = {0}, target, table[512];
    size_t i;

    (void)state;
    assert_int_equal(populate(other, theirs, 1, 0), 1);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        target = rows[i].to < 0    ? 0
                 : rows[i].to == N ? theirs[0] << 12
                                   : mfn[rows[i].to] << 12;
        memset(table, 0, sizeof(table));
        table[0] = mfn[good[rows[i].table]] << 12 | 7;
        table[3] = target | rows[i].value;
        fill_page(domid, mfn[rows[i].table], table);
        if (pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]) != rows[i].rc)
            fail_msg("%s: not refused with %ld", rows[i].what, rows[i].rc);
        types_are(domid, "------");
        table[3] = 0;
        fill_page(domid, mfn[rows[i].table], table);
        assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), 0);
        assert_int_equal(pin(domid, MMUEXT_UNPIN_TABLE, mfn[P_L4]), 0);
    }
}

static void read_only_mappings_of_tables_are_sound(void **state)
{
    uint32_t domid = domain_with_space(7);
    uint64_t l1[512] = {0};
    int i;

    (void)state;
    for (i = 0; i < P_SPACE; i++)
        l1[i] = mfn[i] << 12 | 5;
    fill_page(domid, mfn[P_L1], l1);
    assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), 0);
    types_are(domid, "4321--");
}

static void other_levels_are_pinned_alone(void **state)
{
    uint32_t domid = domain_with_space(7);

    (void)state;
    assert_int_equal(pin(domid, MMUEXT_PIN_L1_TABLE, mfn[P_L1]), 0);
    assert_int_equal(pin(domid, MMUEXT_PIN_L3_TABLE, mfn[P_L3]), 0);
    types_are(domid, "-321--");
    assert_int_equal(pin(domid, MMUEXT_PIN_L2_TABLE, mfn[P_L3]), -EINVAL);
    assert_int_equal(pin(domid, MMUEXT_UNPIN_TABLE, mfn[P_L3]), 0);
    types_are(domid, "---1--");
}

/* With a PV domain 0 a toolstack mapping is a reference like any other. */
static void a_writable_mapping_and_a_table_exclude_each_other(void **state)
{
    uint32_t domid = domain_with_space(7);
    int err = 0;
    void *p, *ro;

    (void)state;
    p = xsr_hv_map(domid, RW, 1, &mfn[P_L2], NULL, NULL);
    assert_non_null(p);
    assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), -EINVAL);
    types_are(domid, "------");
    assert_int_equal(xsr_hv_unmap(p, 1), 0);
    assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), 0);
    p = xsr_hv_map(domid, RW, 1, &mfn[P_L1], &err, NULL);
    assert_non_null(p);
    assert_int_equal(err, -EBUSY);
    assert_int_equal(xsr_hv_unmap(p, 1), 0);
    ro = xsr_hv_map(domid, PROT_READ, 1, &mfn[P_L1], NULL, NULL);
    assert_non_null(ro);
    assert_int_equal(xsr_hv_unmap(ro, 1), 0);
    p = xsr_hv_map(domid, RW, 1, &mfn[P_DATA], NULL, NULL);
    assert_non_null(p);
    host_is_sound();
    assert_int_equal(xsr_hv_unmap(p, 1), 0);
}

static int map_l1_and_die(void *arg)
{
    raise(xsr_hv_map(*(uint32_t *)arg, RW, 1, &mfn[P_L1], NULL, NULL)
              ? SIGKILL
              : SIGABRT);
    return 1;
}

static void a_dead_process_stands_in_nobodys_way(void **state)
{
    uint32_t domid = domain_with_space(7);
    int status = in_child(map_l1_and_die, &domid);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), 0);
    types_are(domid, "4321--");
}

static void xens_slots_are_not_looked_at_and_hidden(void **state)
{
    uint32_t domid = domain_with_space(7);
    uint64_t l4[512] = {0};
    struct xsr_hv_page page;
    xsr_hv_pages *pages;
    int i;

    (void)state;
    l4[0] = mfn[P_L3] << 12 | 7;
    for (i = 256; i < 272; i++)
        l4[i] = 0xffffffffff000 | 0x1ff;
    fill_page(domid, mfn[P_L4], l4);
    assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), 0);
    pages = xsr_hv_pages_new(domid);
    assert_non_null(pages);
    assert_true(xsr_hv_pages_next(pages, &page));
    assert_int_equal(page.pfn, P_L4);
    assert_int_equal(page.level, 4);
    assert_int_equal(xsr_hv_page_read(pages, &page, true, l4), 0);
    assert_int_equal(l4[0], P_L3 << 12 | 7);
    for (i = 256; i < 272; i++)
        assert_int_equal(l4[i], 0);
    xsr_hv_pages_free(pages);
}

static void the_last_entries_are_checked_too(void **state)
{
    uint32_t domid = domain_with_space(7);

    (void)state;
    fill_table(domid, mfn[P_L1], 511, mfn[P_L1] << 12 | 7);
    assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), -EBUSY);
    fill_table(domid, mfn[P_L1], 511, mfn[P_DATA] << 12 | 7);
    fill_table(domid, mfn[P_L4], 511, mfn[P_L4] << 12 | 7);
    assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), -EINVAL);
    types_are(domid, "------");
}

/* ---- vCPU contexts ------------------------------------------------------- */

static long set_context(uint32_t domid, uint32_t vcpu,
                        struct vcpu_guest_context *c)
{
    struct xen_domctl op = {.u.vcpucontext = {vcpu, {c}}};

    return domctl(&op, XEN_DOMCTL_setvcpucontext, domid);
}

static struct vcpu_guest_context good_context(void)
{
    struct vcpu_guest_context c = {
        .flags = VGCF_in_kernel | VGCF_online,
        .gdt_frames = {mfn[P_GDT]},
        .gdt_ents = 16,
    };

    c.ctrlreg[3] = mfn[P_L4] << 12;
    return c;
}

static void a_context_loads_checked_tables(void **state)
{
    uint32_t domid = domain_with_space(7);
    struct vcpu_guest_context c = good_context(), got;
    struct xen_domctl op = {.u.vcpucontext = {0, {&got}}};

    (void)state;
    assert_int_equal(domctl(&op, XEN_DOMCTL_getvcpucontext, domid), -ENODATA);
    assert_int_equal(set_context(domid, 0, &c), 0);
    types_are(domid, "4321--");
    assert_int_equal(domctl(&op, XEN_DOMCTL_getvcpucontext, domid), 0);
    assert_int_equal(got.ctrlreg[3], c.ctrlreg[3]);
    assert_int_equal(got.flags, c.flags);
    /* again, but not with other tables */
    assert_int_equal(set_context(domid, 0, &c), 0);
    c.ctrlreg[3] = mfn[P_L3] << 12;
    assert_int_equal(set_context(domid, 0, &c), -EOPNOTSUPP);
    /* pinning the table that a vCPU uses is one more reference */
    assert_int_equal(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]), 0);
    host_is_sound();
    assert_int_equal(set_context(domid, 0, NULL), 0);
    types_are(domid, "4321--");
    assert_int_equal(pin(domid, MMUEXT_UNPIN_TABLE, mfn[P_L4]), 0);
    types_are(domid, "------");
}

static void refuses(uint32_t domid, struct vcpu_guest_context *c)
{
    assert_int_equal(set_context(domid, 1, c), -EINVAL);
    types_are(domid, "------");
}

static void each_unsound_context_is_refused(void **state)
{
    uint32_t domid = domain_with_space(7);
    struct vcpu_guest_context c;
    uint64_t gdt[512] = {0};

    (void)state;
    c = good_context(), c.ctrlreg[3] = 1ull << 45, refuses(domid, &c);
    c = good_context(), c.ctrlreg[1] = 1ull << 45, refuses(domid, &c);
    c = good_context(), c.flags = VGCF_online, refuses(domid, &c);
    c = good_context(), c.gdt_frames[0] = 0, refuses(domid, &c);
    c = good_context(), c.gdt_ents = 7169, refuses(domid, &c);
    c = good_context(), c.ldt_base = 0x1001, refuses(domid, &c);
    c = good_context(), c.ldt_ents = 8193, refuses(domid, &c);
    c = good_context(), c.ldt_base = 0xffff800000000000, refuses(domid, &c);
    c = good_context(), c.ldt_base = 0xffff87fffffff000, refuses(domid, &c);
    c = good_context(), c.user_regs.rip = 1ull << 47, refuses(domid, &c);
    c = good_context(), c.trap_ctxt[255].address = 1ull << 63;
    refuses(domid, &c);
    c = good_context();
    assert_int_equal(set_context(domid, 2, &c), -EINVAL);
    /* a task gate in the GDT */
    gdt[3] = 0x0000850000000000;
    fill_page(domid, mfn[P_GDT], gdt);
    refuses(domid, &c);
    gdt[3] = 0x00008c0000000000; /* a call gate */
    fill_page(domid, mfn[P_GDT], gdt);
    assert_int_equal(set_context(domid, 1, &c), 0);
    types_are(domid, "4321--");
}

/* A table in use as one thing is not loaded as another. */
static void roots_and_gdt_keep_to_types(void **state)
{
    uint32_t domid = domain_with_space(7);
    struct vcpu_guest_context c;

    (void)state;
    assert_int_equal(pin(domid, MMUEXT_PIN_L3_TABLE, mfn[P_L3]), 0);
    c = good_context(), c.ctrlreg[3] = mfn[P_L3] << 12;
    assert_int_equal(set_context(domid, 0, &c), -EINVAL);
    c = good_context(), c.ctrlreg[1] = mfn[P_L1] << 12;
    assert_int_equal(set_context(domid, 0, &c), -EINVAL);
    c = good_context(), c.gdt_frames[0] = mfn[P_L2];
    assert_int_equal(set_context(domid, 0, &c), -EINVAL);
    types_are(domid, "-321--");
    c = good_context();
    assert_int_equal(set_context(domid, 0, &c), 0);
    types_are(domid, "4321--");
    /* and the page of descriptors cannot be written from outside */
    assert_null(xsr_hv_map(domid, RW, 1, &mfn[P_GDT], NULL, NULL));
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, host_is_empty)
    const struct CMUnitTest tests[] = {
        T(a_sound_tree_is_pinned_and_typed),
        T(each_unsound_entry_is_refused),
        T(read_only_mappings_of_tables_are_sound),
        T(other_levels_are_pinned_alone),
        T(a_writable_mapping_and_a_table_exclude_each_other),
        T(a_dead_process_stands_in_nobodys_way),
        T(xens_slots_are_not_looked_at_and_hidden),
        T(the_last_entries_are_checked_too),
        T(a_context_loads_checked_tables),
        T(each_unsound_context_is_refused),
        T(roots_and_gdt_keep_to_types),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
