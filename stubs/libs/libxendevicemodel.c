/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxendevicemodel.so.1 of the simulated host. libxenctrl opens a handle
 * whenever it is opened itself. No device model runs here, so there is nobody
 * whose calls would have to be simulated.
 */
#include <stdlib.h>

#include "stubs/libs/enosys.h"

struct xendevicemodel_handle {
    int unused;
};

XSR_EXPORT struct xendevicemodel_handle *xendevicemodel_open(void *logger,
                                                             unsigned flags);
XSR_EXPORT int xendevicemodel_close(struct xendevicemodel_handle *h);
XSR_EXPORT int xendevicemodel_restrict(struct xendevicemodel_handle *h,
                                       uint16_t domid);

struct xendevicemodel_handle *xendevicemodel_open(void *logger, unsigned flags)
{
    (void)logger;
    (void)flags;
    return calloc(1, sizeof(struct xendevicemodel_handle));
}

int xendevicemodel_close(struct xendevicemodel_handle *h)
{
    free(h);
    return 0;
}

/* There is nothing that the handle could do to another domain. */
int xendevicemodel_restrict(struct xendevicemodel_handle *h, uint16_t domid)
{
    (void)h;
    (void)domid;
    return 0;
}

XSR_ENOSYS(xendevicemodel_create_ioreq_server)
XSR_ENOSYS(xendevicemodel_destroy_ioreq_server)
XSR_ENOSYS(xendevicemodel_get_ioreq_server_info)
XSR_ENOSYS(xendevicemodel_inject_event)
XSR_ENOSYS(xendevicemodel_inject_msi)
XSR_ENOSYS(xendevicemodel_map_io_range_to_ioreq_server)
XSR_ENOSYS(xendevicemodel_map_mem_type_to_ioreq_server)
XSR_ENOSYS(xendevicemodel_map_pcidev_to_ioreq_server)
XSR_ENOSYS(xendevicemodel_modified_memory)
XSR_ENOSYS(xendevicemodel_modified_memory_bulk)
XSR_ENOSYS(xendevicemodel_nr_vcpus)
XSR_ENOSYS(xendevicemodel_pin_memory_cacheattr)
XSR_ENOSYS(xendevicemodel_relocate_memory)
XSR_ENOSYS(xendevicemodel_set_ioreq_server_state)
XSR_ENOSYS(xendevicemodel_set_irq_level)
XSR_ENOSYS(xendevicemodel_set_isa_irq_level)
XSR_ENOSYS(xendevicemodel_set_mem_type)
XSR_ENOSYS(xendevicemodel_set_pci_intx_level)
XSR_ENOSYS(xendevicemodel_set_pci_link_route)
XSR_ENOSYS(xendevicemodel_shutdown)
XSR_ENOSYS(xendevicemodel_track_dirty_vram)
XSR_ENOSYS(xendevicemodel_unmap_io_range_from_ioreq_server)
XSR_ENOSYS(xendevicemodel_unmap_pcidev_from_ioreq_server)
