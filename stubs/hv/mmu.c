/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two hypercalls on page tables that a toolstack uses: mmuext_op (pinning
 * of page tables in a restored PV domain, clearing and copying pages) and
 * mmu_update (machine-to-pseudophysical entries). The rules about page types
 * are in types.c.
 */
#include <errno.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

/* Not a preemptible hypercall here, so a bound on one call. */
#define MAX_OPS (1u << 20)

static struct xsr_dom *foreign_domain(unsigned long fd)
{
    return xsr_hv_dom_any((uint32_t)(fd & 0xffff));
}

static long clear_or_copy(struct xsr_dom *d, const struct mmuext_op *op)
{
    bool copy = op->cmd == MMUEXT_COPY_PAGE;
    int64_t to = xsr_hv_gfn_to_mfn(d, op->arg1.mfn), from = 0;
    int rc;

    if (copy)
        from = xsr_hv_gfn_to_mfn(d, op->arg2.src_mfn);
    if (d->hvm || to < 0 || from < 0)
        return -EINVAL;
    rc = xsr_hv_get_type(d, (uint64_t)to, XSR_F_WRITABLE);
    if (rc < 0)
        return rc;
    if (copy)
        memcpy(xsr_frame_bytes((uint64_t)to), xsr_frame_bytes((uint64_t)from),
               XSR_PAGE_SIZE);
    else
        memset(xsr_frame_bytes((uint64_t)to), 0, XSR_PAGE_SIZE);
    xsr_hv_put_type(d, (uint64_t)to);
    xsr_hv_mark_dirty(d, xsr_m2p[to]);
    return 0;
}

static long one_op(struct xsr_dom *d, const struct mmuext_op *op)
{
    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
        if (d->hvm)
            return -EINVAL;
        return xsr_hv_pin(d, op->arg1.mfn,
                          XSR_F_L1 + (op->cmd - MMUEXT_PIN_L1_TABLE));
    case MMUEXT_UNPIN_TABLE:
        if (d->hvm)
            return -EINVAL;
        return xsr_hv_unpin(d, op->arg1.mfn);
    case MMUEXT_CLEAR_PAGE:
    case MMUEXT_COPY_PAGE:
        return clear_or_copy(d, op);
    default:
        /* The rest acts on the calling domain's own CPU. */
        xsr_sim_log("mmuext_op %u refused for domain %u", op->cmd, d->domid);
        return op->cmd > MMUEXT_UNMARK_SUPER ? -ENOSYS : -EOPNOTSUPP;
    }
}

long xsr_hv_mmuext_op(void *ops, unsigned long n, unsigned *done,
                      unsigned long fd)
{
    struct xsr_dom *d = foreign_domain(fd);
    struct mmuext_op op;
    unsigned long i;
    long rc = 0;

    if (!d)
        return -ESRCH;
    if (n > MAX_OPS)
        return -EINVAL;
    if (n && !ops)
        return -EFAULT;
    for (i = 0; i < n; i++) {
        memcpy(&op, (uint8_t *)ops + i * sizeof(op), sizeof(op));
        rc = one_op(d, &op);
        if (rc < 0)
            break;
    }
    if (done)
        *done += (unsigned)i;
    return rc;
}

static long one_update(struct xsr_dom *d, const struct mmu_update *u)
{
    uint64_t mfn = (u->ptr & ~3ull) >> XSR_PAGE_SHIFT;

    if ((u->ptr & 3) != MMU_MACHPHYS_UPDATE) {
        xsr_sim_log("mmu_update of kind %u is for a guest's own page tables",
                    (unsigned)(u->ptr & 3));
        return -EINVAL;
    }
    if (!xsr_frame_owned(mfn, d))
        return -EINVAL;
    if (d->hvm)
        return -EPERM;
    xsr_m2p[mfn] = u->val;
    return 0;
}

long xsr_hv_mmu_update(void *reqs, unsigned long n, unsigned *done,
                       unsigned long fd)
{
    struct xsr_dom *d = foreign_domain(fd);
    struct mmu_update u;
    unsigned long i;
    long rc = 0;

    if (!d)
        return -ESRCH;
    if (n > MAX_OPS)
        return -EINVAL;
    if (n && !reqs)
        return -EFAULT;
    for (i = 0; i < n; i++) {
        memcpy(&u, (uint8_t *)reqs + i * sizeof(u), sizeof(u));
        rc = one_update(d, &u);
        if (rc < 0)
            break;
    }
    if (done)
        *done += (unsigned)i;
    return rc;
}
