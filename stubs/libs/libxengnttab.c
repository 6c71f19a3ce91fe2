/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxengnttab.so.1 of the simulated host. Handles open and close as on a
 * real one, since others open them at start; nobody maps or shares grants in
 * a restore (the grant table itself is reached through xenforeignmemory), so
 * these calls are not simulated.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "lib/fd.h"
#include "stubs/libs/enosys.h"

struct xengntdev_handle {
    int fd; /* for callers that poll or pass it on */
};

XSR_EXPORT struct xengntdev_handle *xengnttab_open(void *logger,
                                                   unsigned flags);
XSR_EXPORT int xengnttab_close(struct xengntdev_handle *h);
XSR_EXPORT int xengnttab_fd(struct xengntdev_handle *h);
XSR_EXPORT int xengnttab_set_max_grants(struct xengntdev_handle *h, uint32_t n);
XSR_EXPORT struct xengntdev_handle *xengntshr_open(void *logger,
                                                   unsigned flags);
XSR_EXPORT int xengntshr_close(struct xengntdev_handle *h);
XSR_EXPORT int xengntshr_fd(struct xengntdev_handle *h);

struct xengntdev_handle *xengnttab_open(void *logger, unsigned flags)
{
    struct xengntdev_handle *h = calloc(1, sizeof(*h));

    (void)logger;
    (void)flags;
    if (!h)
        return NULL;
    h->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (h->fd >= 0)
        return h;
    free(h);
    return NULL;
}

int xengnttab_close(struct xengntdev_handle *h)
{
    if (!h)
        return 0;
    xsr_close(&h->fd);
    free(h);
    return 0;
}

int xengnttab_fd(struct xengntdev_handle *h)
{
    return h->fd;
}

int xengnttab_set_max_grants(struct xengntdev_handle *h, uint32_t n)
{
    (void)h;
    (void)n;
    return 0; /* ignored by current kernels as well */
}

struct xengntdev_handle *xengntshr_open(void *logger, unsigned flags)
{
    return xengnttab_open(logger, flags);
}

int xengntshr_close(struct xengntdev_handle *h)
{
    return xengnttab_close(h);
}

int xengntshr_fd(struct xengntdev_handle *h)
{
    return xengnttab_fd(h);
}

XSR_ENOSYS_PTR(xengnttab_map_grant_ref)
XSR_ENOSYS_PTR(xengnttab_map_grant_refs)
XSR_ENOSYS_PTR(xengnttab_map_domain_grant_refs)
XSR_ENOSYS_PTR(xengnttab_map_grant_ref_notify)
XSR_ENOSYS(xengnttab_unmap)
XSR_ENOSYS(xengnttab_grant_copy)
XSR_ENOSYS(xengnttab_dmabuf_exp_from_refs)
XSR_ENOSYS(xengnttab_dmabuf_exp_wait_released)
XSR_ENOSYS(xengnttab_dmabuf_imp_to_refs)
XSR_ENOSYS(xengnttab_dmabuf_imp_release)
XSR_ENOSYS_PTR(xengntshr_share_pages)
XSR_ENOSYS_PTR(xengntshr_share_page_notify)
XSR_ENOSYS(xengntshr_unshare)
