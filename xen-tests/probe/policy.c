/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions about CPU policies and time: how many leaves and MSRs there are,
 * lists that are too short, leaves and bits that a policy may not have, when it
 * may still be changed; TSC modes. What the CPU decides is not part of an
 * answer.
 */
#include "probe.h"

static struct xen_domctl op;
static xen_cpuid_leaf_t *leaves;
static xen_msr_entry_t *msrs;

static long get(uint32_t domid, uint32_t n_leaves, uint32_t n_msrs, bool lists)
{
    memset(&op, 0, sizeof(op));
    op.u.cpu_policy.nr_leaves = n_leaves;
    op.u.cpu_policy.nr_msrs = n_msrs;
    if (lists) {
        op.u.cpu_policy.leaves.p = leaves;
        op.u.cpu_policy.msrs.p = msrs;
    }
    return domctl(XEN_DOMCTL_get_cpu_policy, domid, &op);
}

static void try_set(const char *what, uint32_t domid, uint32_t n_leaves,
                    uint32_t n_msrs)
{
    long rc;

    memset(&op, 0, sizeof(op));
    op.u.cpu_policy.nr_leaves = n_leaves;
    op.u.cpu_policy.nr_msrs = n_msrs;
    op.u.cpu_policy.leaves.p = leaves;
    op.u.cpu_policy.msrs.p = msrs;
    rc = domctl(XEN_DOMCTL_set_cpu_policy, domid, &op);
    if (rc < 0)
        said(what, "%s at leaf %#x/%#x, MSR %#x", errno_name(errno),
             op.u.cpu_policy.err_leaf, op.u.cpu_policy.err_subleaf,
             op.u.cpu_policy.err_msr);
    else
        gave(what, rc);
}

static void try_leaf(uint32_t domid, uint32_t leaf, uint32_t subleaf,
                     uint32_t a)
{
    char what[64];

    leaves[0] = (xen_cpuid_leaf_t){.leaf = leaf, .subleaf = subleaf, .a = a};
    snprintf(what, sizeof(what), "leaf %#x/%#x with %#x", leaf, subleaf, a);
    try_set(what, domid, 1, 0);
}

static void ask_leaves(uint32_t domid)
{
    static const uint32_t where[][3] = {
        {0, XEN_CPUID_NO_SUBLEAF, 0xff},
        {0, XEN_CPUID_NO_SUBLEAF, 1},
        {0, 0, 1},
        {0xe, XEN_CPUID_NO_SUBLEAF, 0},
        {0x14, XEN_CPUID_NO_SUBLEAF, 0},
        {7, 0, 99},
        {7, 0, 0},
        {7, 9, 0},
        {4, 0, 0},
        {4, 9, 0},
        {0xb, 0, 0},
        {0xb, 4, 0},
        {0xd, 62, 0},
        {0xd, 63, 0},
        {0xd, 64, 0},
        {0x40000000, XEN_CPUID_NO_SUBLEAF, 0},
        {0x40000100, XEN_CPUID_NO_SUBLEAF, 0},
        {0x40000001, XEN_CPUID_NO_SUBLEAF, 0},
        {0x80000000, XEN_CPUID_NO_SUBLEAF, 0x800000ff},
        {0x80000000, XEN_CPUID_NO_SUBLEAF, 0x80000001},
        {0x80000030, XEN_CPUID_NO_SUBLEAF, 0},
        {0x12345678, XEN_CPUID_NO_SUBLEAF, 0},
    };
    size_t i;

    for (i = 0; i < COUNT_OF(where); i++)
        try_leaf(domid, where[i][0], where[i][1], where[i][2]);
}

static void try_msr(uint32_t domid, uint32_t index, uint64_t value,
                    uint32_t flags)
{
    char what[80];

    msrs[0] = (xen_msr_entry_t){.idx = index, .val = value, .flags = flags};
    snprintf(what, sizeof(what), "MSR %#x with %#lx, flags %#x", index,
             (unsigned long)value, flags);
    try_set(what, domid, 0, 1);
}

static void ask_whole(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64), n_leaves, n_msrs;

    leaves = scratch(512 * sizeof(*leaves));
    msrs = scratch(32 * sizeof(*msrs));
    gave("sizes", get(domid, 0, 0, false));
    n_leaves = op.u.cpu_policy.nr_leaves;
    n_msrs = op.u.cpu_policy.nr_msrs;
    said("MSRs at most", "%u", n_msrs);
    gave("all", get(domid, n_leaves, n_msrs, true));
    said("MSRs", "%u", op.u.cpu_policy.nr_msrs);
    said("the first and the second MSR", "%#x %#x", msrs[0].idx, msrs[1].idx);
    gave("with a list of 3 leaves", get(domid, 3, n_msrs, true));
    gave("with no room for an MSR", get(domid, n_leaves, 0, true));
    gave("all again", get(domid, n_leaves, n_msrs, true));
    n_leaves = op.u.cpu_policy.nr_leaves;
    try_set("what was fetched", domid, n_leaves, op.u.cpu_policy.nr_msrs);
    try_set("nothing", domid, 0, 0);
    ask_leaves(domid);
    try_msr(domid, 0xce, 0, 0);
    try_msr(domid, 0xce, 1, 0);
    try_msr(domid, 0xce, 1ull << 63, 0);
    try_msr(domid, 0xce, 0, 1);
    try_msr(domid, 0x10a, 0, 0);
    try_msr(domid, 0x10a, 1ull << 63, 0);
    try_msr(domid, 0x10, 0, 0);
    try_set("513 leaves", domid, 513, 0);
    xc_domain_unpause(xch, domid);
    gave("all of one that has run", get(domid, 512, 32, true));
    leaves[0] =
        (xen_cpuid_leaf_t){.leaf = 0x40000000, .subleaf = XEN_CPUID_NO_SUBLEAF};
    try_set("a leaf of one that has run", domid, 1, 0);
    destroy(domid);
}

static void ask_tsc(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64), mode, khz, incarnation, i;
    uint64_t elapsed;
    char what[64];

    for (i = 0; i < 5; i++) {
        snprintf(what, sizeof(what), "TSC mode %u", i);
        gave(what,
             xc_domain_set_tsc_info(xch, domid, i, 1000000000ull, 2000000, 5));
        if (xc_domain_get_tsc_info(xch, domid, &mode, &elapsed, &khz,
                                   &incarnation) < 0) {
            gave("it reads as", -1);
            continue;
        }
        snprintf(what, sizeof(what), "after TSC mode %u", i);
        said(what, "mode %u, kHz %s, incarnation %u, elapsed %s", mode,
             khz == 2000000 ? "as set"
             : khz          ? "others"
                            : "0",
             incarnation,
             elapsed >= 1000000000ull && elapsed < 60000000000ull ? "as set"
             : elapsed                                            ? "others"
                                                                  : "0");
    }
    destroy(domid);
}

void ask_policy(void)
{
    int kind;

    for (kind = 0; kind < N_KINDS; kind++) {
        about("policy", kind);
        ask_whole((enum kind)kind);
        ask_tsc((enum kind)kind);
    }
}
