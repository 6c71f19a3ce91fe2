/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU policies: which CPUID leaves and MSRs a domain sees. A new domain has
 * the host's; a restore replaces leaf by leaf before the domain first runs.
 * Kept as the sorted array that the hypercalls serialise. What Xen's audit
 * refuses is refused: entries that it has no place for (with their number),
 * and more leaves or MSR bits than the host has.
 */
#include <errno.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

#define NONE              XEN_CPUID_NO_SUBLEAF
#define BASIC_MAX         0xdu
#define EXTD_MAX          0x80000021u
#define FEAT_MAX          2u
#define MSR_PLATFORM_INFO 0xceu
#define MSR_ARCH_CAPS     0x10au
#define PLATFORM_INFO_OK  0x80000000ull /* CPUID faulting */
#define N_FEATURES        19u

/* The host's CPU, as far as it is not zero. */
static const xen_cpuid_leaf_t host_leaves[] = {
    {0, NONE, BASIC_MAX, 0x68747541, 0x444d4163, 0x69746e65},
    {1, NONE, 0x00830f10, 0x00040800, 0xfed8320b, 0x178bfbff},
    {4, 0, 0, 0, 0, 0},
    {7, 0, 0, 0xd13f07a9, 0x0000000c, 0},
    {0xb, 0, 0, 0, 0, 0},
    {0xd, 0, XSR_XFEATURES, 0x00000a88, 0x00000a88, 0},
    {0xd, 1, 0x00000001, 0, 0, 0},
    {0xd, 2, 0x00000100, 0x00000240, 0, 0},
    {0xd, 5, 0x00000040, 0x00000440, 0, 0},
    {0xd, 6, 0x00000200, 0x00000480, 0, 0},
    {0xd, 7, 0x00000400, 0x00000680, 0, 0},
    {0xd, 9, 0x00000008, 0x00000a80, 0, 0},
    {0x40000000, NONE, 0, 0, 0, 0},
    {0x40000100, NONE, 0, 0, 0, 0},
    {0x80000000, NONE, EXTD_MAX, 0x68747541, 0x444d4163, 0x69746e65},
    {0x80000001, NONE, 0x00830f10, 0, 0x000001f3, 0x2fd3fbff},
    {0x80000002, NONE, 0x756d6953, 0x6574616c, 0x38782064, 0x34362d36},
    {0x80000003, NONE, 0x6f727020, 0x73736563, 0x0000726f, 0},
    {0x80000008, NONE, 0x00003030, 0x00101000, 0x00002003, 0},
    {0x80000021, NONE, 0x00000004, 0, 0, 0},
};

static bool before(const xen_cpuid_leaf_t *a, const xen_cpuid_leaf_t *b)
{
    return a->leaf != b->leaf ? a->leaf < b->leaf : a->subleaf < b->subleaf;
}

/* Put one leaf into the sorted array; false if it is full. */
static bool put_leaf(xen_cpuid_leaf_t *leaves, uint32_t *n,
                     const xen_cpuid_leaf_t *leaf)
{
    uint32_t i = 0;

    while (i < *n && before(&leaves[i], leaf))
        i++;
    if (i < *n && !before(leaf, &leaves[i])) {
        leaves[i] = *leaf;
        return true;
    }
    if (*n == XSR_MAX_LEAVES)
        return false;
    memmove(&leaves[i + 1], &leaves[i], (*n - i) * sizeof(*leaf));
    leaves[i] = *leaf;
    ++*n;
    return true;
}

static void fill_host(xen_cpuid_leaf_t *leaves, uint32_t *n)
{
    xen_cpuid_leaf_t zero = {.subleaf = NONE};
    size_t i;

    *n = 0;
    for (zero.leaf = 0; zero.leaf <= BASIC_MAX; zero.leaf++)
        if (zero.leaf != 4 && zero.leaf != 7 && zero.leaf != 0xb &&
            zero.leaf != 0xd)
            put_leaf(leaves, n, &zero);
    for (zero.leaf = 0x80000000; zero.leaf <= EXTD_MAX; zero.leaf++)
        put_leaf(leaves, n, &zero);
    for (i = 0; i < XSR_ARRAY_LEN(host_leaves); i++)
        put_leaf(leaves, n, &host_leaves[i]);
}

void xsr_hv_policy_init(struct xsr_dom *d)
{
    fill_host(d->leaves, &d->n_leaves);
    d->n_msrs = XSR_MAX_POLICY_MSRS;
    d->msrs[0].idx = MSR_PLATFORM_INFO;
    d->msrs[0].val = d->hvm ? PLATFORM_INFO_OK : 0;
    d->msrs[1].idx = MSR_ARCH_CAPS;
}

static const xen_cpuid_leaf_t *find_leaf(const xen_cpuid_leaf_t *leaves,
                                         uint32_t n, uint32_t leaf,
                                         uint32_t subleaf)
{
    uint32_t i;

    for (i = 0; i < n; i++)
        if (leaves[i].leaf == leaf && leaves[i].subleaf == subleaf)
            return &leaves[i];
    return NULL;
}

/* Components of the XSAVE state that the domain may have. */
uint64_t xsr_hv_policy_xcr0(const struct xsr_dom *d)
{
    const xen_cpuid_leaf_t *l = find_leaf(d->leaves, d->n_leaves, 0xd, 0);

    return l ? l->a | (uint64_t)l->d << 32 : 0;
}

/* Does Xen have a place for this leaf? */
static bool has_place(const xen_cpuid_leaf_t *l)
{
    switch (l->leaf) {
    case 4:
        return l->subleaf <= 5;
    case 7:
        return l->subleaf <= FEAT_MAX;
    case 0xb:
        return l->subleaf <= 1;
    case 0xd:
        return l->subleaf <= 62;
    case 0x40000000:
    case 0x40000100:
        return l->subleaf == NONE;
    default:
        return l->subleaf == NONE &&
               (l->leaf <= BASIC_MAX ||
                (l->leaf >= 0x80000000 && l->leaf <= EXTD_MAX));
    }
}

static int refuse(struct xen_domctl_cpu_policy *p, uint32_t leaf,
                  uint32_t subleaf, uint32_t msr, int rc, const char *why)
{
    p->err_leaf = leaf;
    p->err_subleaf = subleaf;
    p->err_msr = msr;
    xsr_sim_log("CPU policy refused: leaf %#x subleaf %#x MSR %#x: %s", leaf,
                subleaf, msr, why);
    return rc;
}

static int merge_leaves(struct xen_domctl_cpu_policy *p,
                        xen_cpuid_leaf_t *leaves, uint32_t *n)
{
    xen_cpuid_leaf_t l;
    uint32_t i;

    for (i = 0; i < p->nr_leaves; i++) {
        memcpy(&l, &p->leaves.p[i], sizeof(l));
        if (!has_place(&l))
            return refuse(p, l.leaf, l.subleaf, UINT32_MAX, -ERANGE,
                          "no such leaf in a policy");
        if (!put_leaf(leaves, n, &l))
            return refuse(p, l.leaf, l.subleaf, UINT32_MAX, -E2BIG,
                          "too many leaves");
    }
    return 0;
}

static int merge_msrs(struct xen_domctl_cpu_policy *p, xen_msr_entry_t *msrs)
{
    xen_msr_entry_t m;
    uint32_t i, k;

    for (i = 0; i < p->nr_msrs; i++) {
        memcpy(&m, &p->msrs.p[i], sizeof(m));
        if (m.flags)
            return refuse(p, NONE, NONE, m.idx, -EINVAL, "flags not zero");
        for (k = 0; k < XSR_MAX_POLICY_MSRS; k++)
            if (msrs[k].idx == m.idx)
                break;
        if (k == XSR_MAX_POLICY_MSRS)
            return refuse(p, NONE, NONE, m.idx, -ERANGE,
                          "no such MSR in a policy");
        if (m.idx == MSR_PLATFORM_INFO && m.val >> 32)
            return refuse(p, NONE, NONE, m.idx, -EOVERFLOW,
                          "more than 32 bits");
        msrs[k].val = m.val;
    }
    return 0;
}

/* A maximum that the policy claims may not pass the host's. */
static int audit_max(struct xen_domctl_cpu_policy *p,
                     const xen_cpuid_leaf_t *leaves, uint32_t n, uint32_t leaf,
                     uint32_t subleaf, uint32_t max)
{
    const xen_cpuid_leaf_t *l = find_leaf(leaves, n, leaf, subleaf);

    if (l && l->a > max)
        return refuse(p, leaf, subleaf, UINT32_MAX, -EINVAL,
                      "more leaves than the host has");
    return 0;
}

static int audit(struct xen_domctl_cpu_policy *p,
                 const xen_cpuid_leaf_t *leaves, uint32_t n,
                 const xen_msr_entry_t *msrs)
{
    if (audit_max(p, leaves, n, 0, NONE, BASIC_MAX) < 0 ||
        audit_max(p, leaves, n, 0x80000000, NONE, EXTD_MAX) < 0)
        return -EINVAL;
    if (msrs[0].val & ~PLATFORM_INFO_OK)
        return refuse(p, NONE, NONE, MSR_PLATFORM_INFO, -EINVAL,
                      "bits that the host does not have");
    return 0;
}

static long set_policy(struct xsr_dom *d, struct xen_domctl_cpu_policy *p)
{
    xen_cpuid_leaf_t leaves[XSR_MAX_LEAVES];
    xen_msr_entry_t msrs[XSR_MAX_POLICY_MSRS];
    uint32_t n = d->n_leaves;
    int rc;

    if (d->domid == 0)
        return -EINVAL;
    if (d->created)
        return -EEXIST;
    p->err_leaf = p->err_subleaf = p->err_msr = UINT32_MAX;
    if (p->nr_leaves > XSR_MAX_LEAVES || p->nr_msrs > XSR_MAX_POLICY_MSRS)
        return -E2BIG;
    if ((p->nr_leaves && !p->leaves.p) || (p->nr_msrs && !p->msrs.p))
        return -EFAULT;
    memcpy(leaves, d->leaves, sizeof(leaves));
    memcpy(msrs, d->msrs, sizeof(msrs));
    rc = merge_leaves(p, leaves, &n);
    if (rc == 0)
        rc = merge_msrs(p, msrs);
    if (rc == 0)
        rc = audit(p, leaves, n, msrs);
    if (rc < 0)
        return rc;
    memcpy(d->leaves, leaves, sizeof(leaves));
    memcpy(d->msrs, msrs, sizeof(msrs));
    d->n_leaves = n;
    return 0;
}

static long copy_out(const xen_cpuid_leaf_t *leaves, uint32_t n,
                     const xen_msr_entry_t *msrs, void *to_leaves,
                     uint32_t *n_leaves, void *to_msrs, uint32_t *n_msrs)
{
    if (!to_leaves) {
        *n_leaves = XSR_MAX_LEAVES;
    } else {
        if (*n_leaves < n)
            return -ENOBUFS;
        memcpy(to_leaves, leaves, n * sizeof(*leaves));
        *n_leaves = n;
    }
    if (!to_msrs) {
        *n_msrs = XSR_MAX_POLICY_MSRS;
    } else {
        if (*n_msrs < XSR_MAX_POLICY_MSRS)
            return -ENOBUFS;
        memcpy(to_msrs, msrs, XSR_MAX_POLICY_MSRS * sizeof(*msrs));
        *n_msrs = XSR_MAX_POLICY_MSRS;
    }
    return 0;
}

long xsr_hv_policy_domctl(struct xsr_dom *d, struct xen_domctl *op)
{
    struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;

    if (op->cmd == XEN_DOMCTL_set_cpu_policy)
        return set_policy(d, p);
    return copy_out(d->leaves, d->n_leaves, d->msrs, p->leaves.p, &p->nr_leaves,
                    p->msrs.p, &p->nr_msrs);
}

/* ---- the host's own ------------------------------------------------------ */

static uint32_t feature_word(unsigned word)
{
    static const struct {
        uint32_t leaf, subleaf;
        char reg;
    } where[] = {
        {1, NONE, 'd'},
        {1, NONE, 'c'},
        {0x80000001, NONE, 'd'},
        {0x80000001, NONE, 'c'},
        {0xd, 1, 'a'},
        {7, 0, 'b'},
        {7, 0, 'c'},
        {0x80000007, NONE, 'd'},
        {0x80000008, NONE, 'b'},
        {7, 0, 'd'},
        {7, 1, 'a'},
        {0x80000021, NONE, 'a'},
        {7, 1, 'b'},
        {7, 2, 'd'},
        {7, 1, 'c'},
        {7, 1, 'd'},
    };
    const xen_cpuid_leaf_t *l;

    if (word >= XSR_ARRAY_LEN(where))
        return 0;
    l = find_leaf(host_leaves, XSR_ARRAY_LEN(host_leaves), where[word].leaf,
                  where[word].subleaf);
    if (!l)
        return 0;
    switch (where[word].reg) {
    case 'a':
        return l->a;
    case 'b':
        return l->b;
    case 'c':
        return l->c;
    default:
        return l->d;
    }
}

static long get_featureset(struct xen_sysctl_cpu_featureset *f)
{
    uint32_t i, n = (uint32_t)xsr_min(f->nr_features, N_FEATURES);

    if (!f->features.p) {
        f->nr_features = N_FEATURES;
        return 0;
    }
    if (f->index > XEN_SYSCTL_cpu_featureset_hvm_max)
        return -EINVAL;
    for (i = 0; i < n; i++)
        f->features.p[i] = feature_word(i);
    f->nr_features = n;
    return n < N_FEATURES ? -ENOBUFS : 0;
}

long xsr_hv_policy_sysctl(struct xen_sysctl *op)
{
    static const xen_msr_entry_t msrs[XSR_MAX_POLICY_MSRS] = {
        {.idx = MSR_PLATFORM_INFO, .val = PLATFORM_INFO_OK},
        {.idx = MSR_ARCH_CAPS}};
    struct xen_sysctl_cpu_policy *p = &op->u.cpu_policy;
    xen_cpuid_leaf_t leaves[XSR_MAX_LEAVES];
    uint32_t n;

    if (op->cmd == XEN_SYSCTL_get_cpu_featureset)
        return get_featureset(&op->u.cpu_featureset);
    if (p->_rsvd || p->index > XEN_SYSCTL_cpu_policy_hvm_default)
        return -EINVAL;
    fill_host(leaves, &n);
    return copy_out(leaves, n, msrs, p->leaves.p, &p->nr_leaves, p->msrs.p,
                    &p->nr_msrs);
}
