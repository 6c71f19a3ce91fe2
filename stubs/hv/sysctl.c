/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysctl: what the toolstack asks about the host: memory, CPUs, one NUMA node,
 * one CPU pool, the credit2 scheduler, the list of domains.
 */
#include <errno.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

#define CPU_KHZ 2600000u

static long physinfo(struct xen_sysctl_physinfo *p)
{
    memset(p, 0, sizeof(*p));
    p->threads_per_core = 1;
    p->cores_per_socket = p->nr_cpus = xsr_host->n_cpus;
    p->max_cpu_id = xsr_host->n_cpus - 1;
    p->nr_nodes = 1;
    p->cpu_khz = CPU_KHZ;
    p->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_pv |
                      (xsr_host->hap ? XEN_SYSCTL_PHYSCAP_hap : 0) |
                      (xsr_host->shadow ? XEN_SYSCTL_PHYSCAP_shadow : 0) |
                      XEN_SYSCTL_PHYSCAP_gnttab_v1 |
                      XEN_SYSCTL_PHYSCAP_gnttab_v2;
    p->total_pages = xsr_host->total_pages;
    p->free_pages = xsr_host->free_pages;
    p->outstanding_pages = xsr_host->claimed;
    p->max_mfn = xsr_host->total_pages - 1;
    return 0;
}

static long domain_list(struct xen_sysctl_getdomaininfolist *l)
{
    struct xen_domctl_getdomaininfo info;
    uint32_t n = 0, next = l->first_domain;
    struct xsr_dom *d;

    if (l->max_domains && !l->buffer.p)
        return -EFAULT;
    while (n < l->max_domains && (d = xsr_hv_dom_from(next)) != NULL) {
        xsr_hv_getinfo(d, &info);
        memcpy(&l->buffer.p[n++], &info, sizeof(info));
        next = d->domid + 1;
    }
    l->num_domains = n;
    return 0;
}

static long cpu_pool(struct xen_sysctl_cpupool_op *op)
{
    uint8_t cpus[32];
    uint32_t n = 0, next = 0;
    struct xsr_dom *d;

    if (op->op == XEN_SYSCTL_CPUPOOL_OP_FREEINFO) {
        memset(cpus, 0, sizeof(cpus));
        return xsr_hv_bitmap_out(&op->cpumap, cpus, xsr_host->n_cpus);
    }
    if (op->op == XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN)
        return op->cpupool_id != 0     ? -ENOENT
               : xsr_hv_dom(op->domid) ? 0
                                       : -ESRCH;
    if (op->op != XEN_SYSCTL_CPUPOOL_OP_INFO) {
        xsr_sim_log("not simulated: CPU pool operation %u", op->op);
        return -ENOSYS;
    }
    if (op->cpupool_id != 0)
        return -ENOENT; /* INFO answers for this number or the next */
    while ((d = xsr_hv_dom_from(next)) != NULL) {
        n++;
        next = d->domid + 1;
    }
    op->sched_id = XEN_SCHEDULER_CREDIT2;
    op->n_dom = n;
    memset(cpus, 0xff, sizeof(cpus));
    return xsr_hv_bitmap_out(&op->cpumap, cpus, xsr_host->n_cpus);
}

static long numa(struct xen_sysctl_numainfo *n)
{
    xen_sysctl_meminfo_t mem = {
        .memsize = xsr_host->total_pages * XSR_PAGE_SIZE,
        .memfree = xsr_host->free_pages * XSR_PAGE_SIZE,
    };

    if (!n->meminfo.p && !n->distance.p) {
        n->num_nodes = 1;
        return 0;
    }
    if (n->num_nodes >= 1 && n->meminfo.p)
        memcpy(&n->meminfo.p[0], &mem, sizeof(mem));
    if (n->num_nodes >= 1 && n->distance.p)
        n->distance.p[0] = 10;
    n->num_nodes = 1;
    return 0;
}

static long topology(struct xen_sysctl_cputopoinfo *t)
{
    uint32_t i;

    for (i = 0; t->cputopo.p && i < t->num_cpus && i < xsr_host->n_cpus; i++) {
        xen_sysctl_cputopo_t cpu = {.core = i};

        memcpy(&t->cputopo.p[i], &cpu, sizeof(cpu));
    }
    t->num_cpus = xsr_host->n_cpus;
    return 0;
}

static long cpu_info(struct xen_sysctl_getcpuinfo *c)
{
    uint32_t i, n = (uint32_t)xsr_min(c->max_cpus, xsr_host->n_cpus);

    if (n && !c->info.p)
        return -EFAULT;
    for (i = 0; i < n; i++)
        c->info.p[i].idletime = (uint64_t)xsr_hv_now();
    c->nr_cpus = n;
    return 0;
}

static long scheduler(struct xen_sysctl_scheduler_op *op)
{
    if (op->cpupool_id != 0)
        return -ESRCH;
    if (op->sched_id != XEN_SCHEDULER_CREDIT2)
        return -EINVAL;
    if (op->cmd == XEN_SYSCTL_SCHEDOP_getinfo)
        op->u.sched_credit2.ratelimit_us = 1000;
    return 0;
}

long xsr_hv_sysctl(struct xen_sysctl *op)
{
    if (!op)
        return -EFAULT;
    if (op->interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        xsr_sim_log("sysctl interface %#x; this host speaks %#x",
                    op->interface_version, XEN_SYSCTL_INTERFACE_VERSION);
        return -EACCES;
    }
    switch (op->cmd) {
    case XEN_SYSCTL_readconsole:
        op->u.readconsole.count = 0;
        return 0;
    case XEN_SYSCTL_physinfo:
        return physinfo(&op->u.physinfo);
    case XEN_SYSCTL_sched_id:
        op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
        return 0;
    case XEN_SYSCTL_getdomaininfolist:
        return domain_list(&op->u.getdomaininfolist);
    case XEN_SYSCTL_getcpuinfo:
        return cpu_info(&op->u.getcpuinfo);
    case XEN_SYSCTL_availheap:
        op->u.availheap.avail_bytes = xsr_host->free_pages * XSR_PAGE_SIZE;
        return 0;
    case XEN_SYSCTL_cpupool_op:
        return cpu_pool(&op->u.cpupool_op);
    case XEN_SYSCTL_numainfo:
        return numa(&op->u.numainfo);
    case XEN_SYSCTL_cputopoinfo:
        return topology(&op->u.cputopoinfo);
    case XEN_SYSCTL_scheduler_op:
        return scheduler(&op->u.scheduler_op);
    case XEN_SYSCTL_get_cpu_featureset:
    case XEN_SYSCTL_get_cpu_policy:
        return xsr_hv_policy_sysctl(op);
    case XEN_SYSCTL_get_cpu_levelling_caps:
        op->u.cpu_levelling_caps.caps = 0;
        return 0;
    default:
        xsr_sim_log("not simulated: sysctl %u", op->cmd);
        return -ENOSYS;
    }
}
