/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxenhypfs.so.1 of the simulated host, which is built without the
 * hypervisor's file system: opening works, as it does on such a real host,
 * and every look into it fails.
 */
#include <stdlib.h>

#include "stubs/libs/enosys.h"

struct xenhypfs_handle {
    int unused;
};

XSR_EXPORT struct xenhypfs_handle *xenhypfs_open(void *logger, unsigned flags);
XSR_EXPORT int xenhypfs_close(struct xenhypfs_handle *h);

struct xenhypfs_handle *xenhypfs_open(void *logger, unsigned flags)
{
    (void)logger;
    (void)flags;
    return calloc(1, sizeof(struct xenhypfs_handle));
}

int xenhypfs_close(struct xenhypfs_handle *h)
{
    free(h);
    return 0;
}

XSR_ENOSYS_PTR(xenhypfs_read)
XSR_ENOSYS_PTR(xenhypfs_read_raw)
XSR_ENOSYS_PTR(xenhypfs_readdir)
XSR_ENOSYS(xenhypfs_write)
