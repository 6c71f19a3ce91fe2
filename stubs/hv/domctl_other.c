/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domctl, the remaining calls: time, scheduler parameters, NUMA affinity,
 * access to devices, and the hand-over to the HVM context and the CPU policy.
 */
#include <errno.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

#define MAX_IOPORTS  0x10000u
#define TSC_DEFAULT  0u
#define TSC_EMULATE  1u
#define TSC_NATIVE   2u
#define HOST_TSC_KHZ 2600000u

int xsr_hv_bitmap_in(uint8_t *to, size_t to_bits,
                     const struct xenctl_bitmap *from)
{
    size_t n = xsr_min((from->nr_bits + 7u) / 8, to_bits / 8);

    if (n && !from->bitmap.p)
        return -EFAULT;
    memset(to, 0, to_bits / 8);
    if (n)
        memcpy(to, from->bitmap.p, n);
    if (from->nr_bits < to_bits && from->nr_bits % 8)
        to[n - 1] &= (uint8_t)((1u << from->nr_bits % 8) - 1);
    return 0;
}

int xsr_hv_bitmap_out(struct xenctl_bitmap *to, const uint8_t *from,
                      size_t bits)
{
    size_t i;

    if (to->nr_bits && !to->bitmap.p)
        return -EFAULT;
    memset(to->bitmap.p, 0, (to->nr_bits + 7u) / 8);
    for (i = 0; i < bits && i < to->nr_bits; i++)
        if (from[i / 8] & (1u << i % 8))
            to->bitmap.p[i / 8] |= (uint8_t)(1u << i % 8);
    return 0;
}

static long set_tsc(struct xsr_dom *d, const struct xen_domctl_tsc_info *t)
{
    if (d->domid == 0)
        return -EINVAL;
    switch (t->tsc_mode) {
    case TSC_DEFAULT:
    case TSC_EMULATE:
        d->tsc_offset = xsr_hv_now() - (int64_t)t->elapsed_nsec;
        d->tsc_khz = t->gtsc_khz ? t->gtsc_khz : HOST_TSC_KHZ;
        break;
    case TSC_NATIVE:
        break;
    default:
        xsr_sim_log("domain %u: TSC mode %u; 0, 1 and 2 exist", d->domid,
                    t->tsc_mode);
        return -EINVAL;
    }
    d->tsc_mode = t->tsc_mode;
    d->tsc_incarnation = t->incarnation + 1;
    return 0;
}

static long get_tsc(const struct xsr_dom *d, struct xen_domctl_tsc_info *t)
{
    int64_t ns = xsr_hv_now() - d->tsc_offset;

    if (d->domid == 0)
        return -EINVAL;
    t->tsc_mode = d->tsc_mode;
    t->incarnation = d->tsc_incarnation;
    t->gtsc_khz = d->tsc_mode == TSC_NATIVE ? 0 : d->tsc_khz;
    t->elapsed_nsec = d->tsc_mode == TSC_NATIVE || ns < 0 ? 0 : (uint64_t)ns;
    return 0;
}

static long scheduler(struct xsr_dom *d, struct xen_domctl_scheduler_op *op)
{
    if (op->sched_id != XEN_SCHEDULER_CREDIT2)
        return -EINVAL;
    switch (op->cmd) {
    case XEN_DOMCTL_SCHEDOP_getinfo:
        op->u.credit2.weight = (uint16_t)d->weight;
        op->u.credit2.cap = (uint16_t)d->cap;
        return 0;
    case XEN_DOMCTL_SCHEDOP_putinfo:
        if (op->u.credit2.weight != 0)
            d->weight = op->u.credit2.weight;
        if (op->u.credit2.cap != UINT16_MAX)
            d->cap = op->u.credit2.cap;
        return 0;
    default:
        return -EINVAL;
    }
}

static long node_affinity(struct xsr_dom *d, struct xen_domctl *op)
{
    struct xenctl_bitmap *map = &op->u.nodeaffinity.nodemap;
    uint8_t nodes[8] = {0};
    int rc;

    if (op->cmd == XEN_DOMCTL_getnodeaffinity) {
        nodes[0] = (uint8_t)d->node_affinity;
        return xsr_hv_bitmap_out(map, nodes, 8);
    }
    rc = xsr_hv_bitmap_in(nodes, 64, map);
    if (rc < 0)
        return rc;
    if (!(nodes[0] & 1))
        return -EINVAL; /* the host has node 0 only */
    d->node_affinity = 1;
    return 0;
}

static long io_ports(struct xsr_dom *d,
                     const struct xen_domctl_ioport_permission *p)
{
    uint64_t end = (uint64_t)p->first_port + p->nr_ports;

    if (p->nr_ports == 0 || end > MAX_IOPORTS)
        return -EINVAL;
    if (p->allow_access)
        d->iomem_caps = 1;
    return 0;
}

static long io_memory(struct xsr_dom *d,
                      const struct xen_domctl_iomem_permission *p)
{
    if (p->first_mfn + p->nr_mfns - 1 < p->first_mfn)
        return -EINVAL;
    if (p->allow_access)
        d->iomem_caps = 1;
    return 0;
}

static long devices(struct xsr_dom *d, struct xen_domctl *op)
{
    switch (op->cmd) {
    case XEN_DOMCTL_iomem_permission:
        return io_memory(d, &op->u.iomem_permission);
    case XEN_DOMCTL_ioport_permission:
        return io_ports(d, &op->u.ioport_permission);
    case XEN_DOMCTL_irq_permission:
        return op->u.irq_permission.pirq < 256 ? 0 : -EINVAL;
    case XEN_DOMCTL_sendtrigger:
        if (!xsr_hv_vcpu(d, op->u.sendtrigger.vcpu))
            return -ESRCH;
        if (op->u.sendtrigger.trigger == XEN_DOMCTL_SENDTRIGGER_NMI)
            return 0;
        return d->hvm ? 0 : -EINVAL;
    default:
        return -ENOSYS;
    }
}

long xsr_hv_domctl_other(struct xsr_dom *d, struct xen_domctl *op)
{
    switch (op->cmd) {
    case XEN_DOMCTL_settscinfo:
        return set_tsc(d, &op->u.tsc_info);
    case XEN_DOMCTL_gettscinfo:
        return get_tsc(d, &op->u.tsc_info);
    case XEN_DOMCTL_settimeoffset:
        d->time_offset = op->u.settimeoffset.time_offset_seconds;
        return 0;
    case XEN_DOMCTL_scheduler_op:
        return scheduler(d, &op->u.scheduler_op);
    case XEN_DOMCTL_setnodeaffinity:
    case XEN_DOMCTL_getnodeaffinity:
        return node_affinity(d, op);
    case XEN_DOMCTL_sethvmcontext:
    case XEN_DOMCTL_gethvmcontext:
    case XEN_DOMCTL_gethvmcontext_partial:
        return xsr_hv_hvmctx_domctl(d, op);
    case XEN_DOMCTL_set_cpu_policy:
    case XEN_DOMCTL_get_cpu_policy:
        return xsr_hv_policy_domctl(d, op);
    case XEN_DOMCTL_cacheflush:
        return -ENOSYS; /* Arm only */
    default:
        return devices(d, op);
    }
}
