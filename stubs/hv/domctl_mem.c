/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domctl on memory: limits, page types for a saver, log-dirty tracking, the
 * paging pool, the hypercall page. Log-dirty of a PV domain needs shadow
 * paging in the hypervisor; a host made without it answers as Debian's Xen
 * does, EOPNOTSUPP.
 */
#include <errno.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

#define MAX_TYPES 1024u

static uint32_t page_type(struct xsr_dom *d, uint64_t gfn)
{
    int64_t mfn = xsr_hv_gfn_to_mfn(d, gfn);
    const struct xsr_frame *f;
    uint32_t type = XEN_DOMCTL_PFINFO_NOTAB;

    if (mfn < 0 || (xsr_frames[mfn].flags & XSR_FF_SPECIAL))
        return XEN_DOMCTL_PFINFO_XTAB;
    f = &xsr_frames[mfn];
    if (f->tcount && f->type >= XSR_F_L1 && f->type <= XSR_F_L4)
        type = (uint32_t)f->type << XEN_DOMCTL_PFINFO_LTAB_SHIFT;
    if (f->flags & XSR_FF_PINNED)
        type |= XEN_DOMCTL_PFINFO_LPINTAB;
    return type;
}

static long page_types(struct xsr_dom *d,
                       const struct xen_domctl_getpageframeinfo3 *op)
{
    uint64_t i;

    if (op->num > MAX_TYPES)
        return -E2BIG;
    if (xsr_hv_fault(d, XSR_FAULT_PAGE_TYPES))
        return -EINVAL;
    if (op->num && !op->array.p)
        return -EFAULT;
    for (i = 0; i < op->num; i++)
        op->array.p[i] = page_type(d, op->array.p[i]);
    return 0;
}

/* ---- log-dirty ----------------------------------------------------------- */

static bool can_track(struct xsr_dom *d)
{
    return (d->hap || xsr_host->shadow) &&
           !xsr_hv_fault(d, XSR_FAULT_LOGDIRTY_REFUSED);
}

static void clear_dirty(struct xsr_dom *d)
{
    size_t i;

    /* stops at the last set bit: the rest of the file stays a hole */
    for (i = 0; d->dirty_count && i < XSR_MAX_GFN / 64; i++) {
        if (!d->dirty[i])
            continue;
        d->dirty_count -= xsr_min(d->dirty_count,
                                  (uint64_t)__builtin_popcountll(d->dirty[i]));
        d->dirty[i] = 0;
    }
    d->dirty_count = d->fault_count = 0;
}

static long enable(struct xsr_dom *d)
{
    if (d->logdirty)
        return -EINVAL;
    if (xsr_hv_fault(d, XSR_FAULT_LOGDIRTY_BUSY))
        return -EINVAL;
    if (!can_track(d)) {
        xsr_sim_log("domain %u: log-dirty refused: the host has no shadow "
                    "paging",
                    d->domid);
        return -EOPNOTSUPP;
    }
    clear_dirty(d);
    d->logdirty = 1;
    return 0;
}

static long disable(struct xsr_dom *d)
{
    d->logdirty = 0;
    /* without shadow code there is nobody to take the rest of the call */
    return can_track(d) ? 0 : -EINVAL;
}

static long report(struct xsr_dom *d, struct xen_domctl_shadow_op *op)
{
    uint64_t pages = op->pages, max = XSR_MAX_GFN;
    uint8_t *out = op->dirty_bitmap.p;

    if (op->mode & ~(uint32_t)XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL)
        return -EINVAL;
    if (xsr_hv_fault(d, XSR_FAULT_LOGDIRTY_READ))
        return -ENOMEM;
    op->stats.fault_count = (uint32_t)d->fault_count;
    op->stats.dirty_count = (uint32_t)d->dirty_count;
    if (pages > max)
        pages = max;
    if (out && d->dirty_count == 0)
        memset(out, 0, (pages + 7) / 8);
    else if (out)
        memcpy(out, d->dirty, (pages + 7) / 8);
    op->pages = pages;
    if (op->op == XEN_DOMCTL_SHADOW_OP_CLEAN)
        clear_dirty(d);
    return 0;
}

static long allocation(struct xsr_dom *d, struct xen_domctl_shadow_op *op)
{
    if (!d->hvm && !xsr_host->shadow)
        return -EINVAL;
    if (op->op == XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION)
        d->mempool = (uint64_t)op->mb << 20;
    op->mb = (uint32_t)((d->mempool + (1u << 20) - 1) >> 20);
    return 0;
}

static long shadow_op(struct xsr_dom *d, struct xen_domctl_shadow_op *op)
{
    if (d->domid == 0 || !xsr_hv_vcpu(d, 0))
        return -EINVAL;
    if (d->dying)
        return 0;
    switch (op->op) {
    case XEN_DOMCTL_SHADOW_OP_ENABLE:
        if (!(op->mode & XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY))
            return -EINVAL;
        return enable(d);
    case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
        return enable(d);
    case XEN_DOMCTL_SHADOW_OP_OFF:
        return disable(d);
    case XEN_DOMCTL_SHADOW_OP_CLEAN:
    case XEN_DOMCTL_SHADOW_OP_PEEK:
        return report(d, op);
    case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION:
    case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION:
        return allocation(d, op);
    default:
        return -EINVAL;
    }
}

/* ---- the rest ------------------------------------------------------------ */

/* Four levels of tables, the lowest ones by how much memory there is. */
static uint64_t pool_in_use(const struct xsr_dom *d)
{
    return (4 + d->tot_pages / XSR_CHUNK) * XSR_PAGE_SIZE;
}

static long set_pool(struct xsr_dom *d, uint64_t size)
{
    if (!d->hvm)
        return -EOPNOTSUPP;
    if (size % XSR_PAGE_SIZE || size / XSR_PAGE_SIZE > UINT32_MAX)
        return -EINVAL;
    if (size > d->mempool &&
        (size - d->mempool) / XSR_PAGE_SIZE > xsr_host->free_pages)
        return -ENOMEM;
    /* what holds the guest's map now cannot be given back */
    if (size < pool_in_use(d)) {
        d->mempool = pool_in_use(d);
        return -ENOMEM;
    }
    d->mempool = size;
    return 0;
}

static long address_size(struct xsr_dom *d, struct xen_domctl *op)
{
    if (d->hvm)
        return -EOPNOTSUPP;
    if (op->cmd == XEN_DOMCTL_get_address_size) {
        op->u.address_size.size = 64;
        return 0;
    }
    if (op->u.address_size.size == 64)
        return 0;
    if (op->u.address_size.size != 32)
        return -EINVAL;
    xsr_sim_log("domain %u: 32-bit PV is not on this host", d->domid);
    return -EOPNOTSUPP;
}

/* The page of call stubs: recognisable, never executed. */
static long hypercall_page(struct xsr_dom *d, uint64_t gfn)
{
    int64_t mfn = xsr_hv_gfn_to_mfn(d, gfn);
    uint8_t *p;
    unsigned i;

    if (mfn < 0)
        return -EINVAL;
    if (xsr_hv_get_type(d, (uint64_t)mfn, XSR_F_WRITABLE) < 0)
        return -EPERM;
    p = xsr_frame_bytes((uint64_t)mfn);
    memset(p, 0xcc, XSR_PAGE_SIZE);
    for (i = 0; i < XSR_PAGE_SIZE / 32; i++) {
        p[i * 32] = 0xb8; /* mov $i, %eax */
        p[i * 32 + 1] = (uint8_t)i;
        memset(p + i * 32 + 2, 0, 3);
    }
    xsr_hv_put_type(d, (uint64_t)mfn);
    return 0;
}

long xsr_hv_domctl_mem(struct xsr_dom *d, struct xen_domctl *op)
{
    switch (op->cmd) {
    case XEN_DOMCTL_max_mem:
        d->max_pages = op->u.max_mem.max_memkb >> (XSR_PAGE_SHIFT - 10);
        if (d->max_pages > UINT32_MAX)
            d->max_pages = UINT32_MAX;
        return 0;
    case XEN_DOMCTL_getpageframeinfo3:
        return page_types(d, &op->u.getpageframeinfo3);
    case XEN_DOMCTL_shadow_op:
        return shadow_op(d, &op->u.shadow_op);
    case XEN_DOMCTL_get_paging_mempool_size:
        if (!d->hvm)
            return -EOPNOTSUPP;
        op->u.paging_mempool.size = d->mempool;
        return 0;
    case XEN_DOMCTL_set_paging_mempool_size:
        return set_pool(d, op->u.paging_mempool.size);
    case XEN_DOMCTL_set_address_size:
    case XEN_DOMCTL_get_address_size:
        return address_size(d, op);
    case XEN_DOMCTL_hypercall_init:
        return hypercall_page(d, op->u.hypercall_init.gmfn);
    default:
        return -ENOSYS;
    }
}
