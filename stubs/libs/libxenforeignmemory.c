/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxenforeignmemory on the simulated host: guest pages and grant tables in
 * this process. The work is in stubs/hv/foreign.c; here are the handles, the
 * per-page errors and the resource bookkeeping of the real interface.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <xentoollog.h>

#include <xenforeignmemory.h>
#include <xen/memory.h>

#include "lib/util.h"
#include "stubs/hv/hv.h"

#pragma GCC visibility push(default)

struct xenforeignmemory_handle {
    int restricted_to; /* domid, or -1 */
};

struct xenforeignmemory_resource_handle {
    void *addr;
    size_t n;
};

xenforeignmemory_handle *xenforeignmemory_open(xentoollog_logger *logger,
                                               unsigned open_flags)
{
    struct xsr_err err = XSR_ERR_INIT;
    xenforeignmemory_handle *h;

    (void)open_flags;
    if (xsr_hv_open(&err) < 0) {
        if (logger)
            xtl_log(logger, XTL_ERROR, err.sys, "xenforeignmemory",
                    "simulated host: %s", err.text);
        errno = err.sys ? err.sys : EIO;
        return NULL;
    }
    h = calloc(1, sizeof(*h));
    if (h)
        h->restricted_to = -1;
    return h;
}

int xenforeignmemory_close(xenforeignmemory_handle *h)
{
    free(h);
    return 0;
}

static int check_restriction(const xenforeignmemory_handle *h, uint32_t dom)
{
    if (h->restricted_to < 0 || (uint32_t)h->restricted_to == dom)
        return 0;
    errno = EPERM;
    return -1;
}

void *xenforeignmemory_map2(xenforeignmemory_handle *h, uint32_t dom,
                            void *addr, int prot, int flags, size_t pages,
                            const xen_pfn_t arr[], int err[])
{
    (void)flags;
    if (check_restriction(h, dom) < 0)
        return NULL;
    return xsr_hv_map(dom, prot, pages, arr, err, addr);
}

void *xenforeignmemory_map(xenforeignmemory_handle *h, uint32_t dom, int prot,
                           size_t pages, const xen_pfn_t arr[], int err[])
{
    return xenforeignmemory_map2(h, dom, NULL, prot, 0, pages, arr, err);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *h, void *addr, size_t pages)
{
    int rc = xsr_hv_unmap(addr, pages);

    (void)h;
    if (rc < 0) {
        errno = -rc;
        return -1;
    }
    return 0;
}

int xenforeignmemory_restrict(xenforeignmemory_handle *h, domid_t domid)
{
    if (check_restriction(h, domid) < 0)
        return -1;
    h->restricted_to = domid;
    return 0;
}

xenforeignmemory_resource_handle *xenforeignmemory_map_resource(
    xenforeignmemory_handle *h, domid_t domid, unsigned int type,
    unsigned int id, unsigned long frame, unsigned long nr_frames, void **paddr,
    int prot, int flags)
{
    xenforeignmemory_resource_handle *res;

    if (flags & ~MAP_SHARED) {
        errno = EINVAL;
        return NULL;
    }
    if (check_restriction(h, domid) < 0)
        return NULL;
    res = calloc(1, sizeof(*res));
    if (!res)
        return NULL;
    res->n = nr_frames;
    res->addr =
        xsr_hv_map_resource(domid, type, id, frame, nr_frames, prot, *paddr);
    if (!res->addr) {
        free(res);
        return NULL;
    }
    *paddr = res->addr;
    return res;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *h,
                                    xenforeignmemory_resource_handle *res)
{
    int rc = res ? xenforeignmemory_unmap(h, res->addr, res->n) : 0;

    free(res);
    return rc;
}

int xenforeignmemory_resource_size(xenforeignmemory_handle *h, domid_t domid,
                                   unsigned int type, unsigned int id,
                                   size_t *size)
{
    struct xen_mem_acquire_resource r = {
        .domid = domid,
        .type = (uint16_t)type,
        .id = id,
    };
    const uint64_t arg[5] = {XENMEM_acquire_resource, (uintptr_t)&r};
    long rc;

    if (check_restriction(h, domid) < 0)
        return -1;
    rc = xsr_hv_call(__HYPERVISOR_memory_op, arg);
    if (rc < 0) {
        errno = (int)-rc;
        return -1;
    }
    *size = (size_t)r.nr_frames * XSR_PAGE_SIZE;
    return 0;
}
