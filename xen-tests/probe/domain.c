/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains for the questions: of each type, with pages, and what Xen says about
 * them. main.c has the calls below this, the topics come after.
 */
#include "probe.h"

#define POOL_BYTES (4ull << 20)

struct xen_domctl_createdomain config_of(enum kind kind)
{
    struct xen_domctl_createdomain c = {
        .max_vcpus = 2,
        .max_evtchn_port = 1023,
        .max_grant_frames = 8,
        .max_maptrack_frames = 1024,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
    };

    c.handle[0] = 0xb0;
    if (kind != PV) {
        c.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
        c.arch.emulation_flags = kind == PVH
                                     ? XEN_X86_EMU_LAPIC
                                     : XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI;
    }
    return c;
}

long create(const struct xen_domctl_createdomain *c)
{
    struct xen_domctl_createdomain copy = *c;
    uint32_t domid = 0;

    return xc_domain_create(xch, &domid, &copy) < 0 ? -1 : (long)domid;
}

static void must(const char *what, int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "probe: %s: %s\n", what, errno_name(errno));
    exit(1);
}

uint32_t new_domain(enum kind kind, unsigned vcpus, unsigned long pages)
{
    struct xen_domctl_createdomain c = config_of(kind);
    uint32_t domid;
    long rc;

    c.max_vcpus = vcpus ? vcpus : 1;
    rc = create(&c);
    must("creating a domain", rc < 0 ? -1 : 0);
    domid = (uint32_t)rc;
    if (vcpus)
        must("its vCPUs", xc_domain_max_vcpus(xch, domid, vcpus));
    must("its limit", xc_domain_setmaxmem(xch, domid, pages * 4));
    if (kind != PV)
        must("its pool", xc_set_paging_mempool_size(xch, domid, POOL_BYTES));
    return domid;
}

void destroy(uint32_t domid)
{
    int n;

    for (n = 0; info_of(domid).domain == domid; n++) {
        must("destroying", xc_domain_destroy(xch, domid));
        if (n == 1000)
            must("a domain does not go away", -1);
    }
    clear_scratch();
}

void give_pages(uint32_t domid, uint64_t gfn, size_t n, uint64_t *list)
{
    size_t i;

    for (i = 0; i < n; i++)
        list[i] = gfn + i;
    must("giving it pages",
         xc_domain_populate_physmap_exact(xch, domid, n, 0, 0, list));
}

struct xen_domctl_getdomaininfo info_of(uint32_t domid)
{
    struct xen_domctl op = {0};

    if (domctl(XEN_DOMCTL_getdomaininfo, domid, &op) < 0)
        op.u.getdomaininfo.domain = DOMID_INVALID;
    return op.u.getdomaininfo;
}

long resume(uint32_t domid)
{
    struct xen_domctl op = {0};

    return domctl(XEN_DOMCTL_resumedomain, domid, &op);
}

unsigned long pages_of(uint32_t domid)
{
    return info_of(domid).tot_pages;
}

void *map_page(uint32_t domid, int prot, uint64_t frame)
{
    xen_pfn_t pfn = frame;
    int err = 0;
    void *p = xenforeignmemory_map(fmem, domid, prot, 1, &pfn, &err);

    if (!p || !err)
        return p;
    xenforeignmemory_unmap(fmem, p, 1);
    errno = -err;
    return NULL;
}

void unmap_page(void *p)
{
    if (p)
        xenforeignmemory_unmap(fmem, p, 1);
}
