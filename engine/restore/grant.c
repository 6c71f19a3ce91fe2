/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seeding the grant table, the last step of a restore.
 *
 * Three ways lead to the first frame of the table: as a resource (current
 * kernels); PV without that: Xen tells its mfn, which is mapped like any
 * frame; HVM without that: it is put into the guest's address space for a
 * moment. The entries are written octet by octet in the v1 layout: flags (16
 * bits), domid (16), frame (32); the flags last, since they make it valid.
 */
#include "engine/restore/restore.h"

#include <errno.h>

#include "lib/bytes.h"

#define ENTRY_LEN     8u
#define ENTRY_CONSOLE GNTTAB_RESERVED_CONSOLE
#define ENTRY_STORE   GNTTAB_RESERVED_XENSTORE

static void put_entry(struct xsr_xen *xen, uint8_t *table, unsigned at,
                      uint32_t backend, uint64_t frame,
                      const struct xsr_log *log)
{
    uint8_t *entry = table + at * ENTRY_LEN;

    /* A domain needs no grant for its own pages. */
    if (frame == XSR_INVALID_FRAME || backend == xen->domid)
        return;
    if (frame > UINT32_MAX) {
        xsr_log(log, XSR_LOG_WARN,
                "frame 0x%llx does not fit into a grant "
                "entry; domain %u cannot map that ring page without "
                "privilege",
                (unsigned long long)frame, backend);
        return;
    }
    xsr_st_le32(entry + 4, (uint32_t)frame);
    xsr_st_le16(entry + 2, (uint16_t)backend);
    xsr_st_le16(entry, GTF_permit_access);
}

static void put_entries(struct xsr_xen *xen, uint8_t *table,
                        const struct xsr_grant_seed *seed,
                        const struct xsr_log *log)
{
    put_entry(xen, table, ENTRY_CONSOLE, seed->console_domid,
              seed->console_frame, log);
    put_entry(xen, table, ENTRY_STORE, seed->store_domid, seed->store_frame,
              log);
}

static int get_table_mfn(struct xsr_xen *xen, xen_pfn_t *out,
                         struct xsr_err *err)
{
    DECLARE_HYPERCALL_BUFFER(xen_pfn_t, frame);
    struct gnttab_setup_table setup = {.dom = (domid_t)xen->domid,
                                       .nr_frames = 1};
    int r, saved;

    frame = xc_hypercall_buffer_alloc(xen->xch, frame, sizeof(*frame));
    if (!frame)
        return xsr_fail_sys(err, XSR_E_NOMEM, errno,
                            "allocating a hypercall buffer");
    *frame = 0;
    set_xen_guest_handle(setup.frame_list, frame);
    r = xc_gnttab_op(xen->xch, GNTTABOP_setup_table, &setup, sizeof(setup), 1);
    saved = errno;
    *out = *frame;
    xc_hypercall_buffer_free(xen->xch, frame);
    if (r != 0)
        return xsr_fail_sys(err, XSR_E_XEN, saved,
                            "asking for the grant table");
    if (setup.status != GNTST_okay || !*out)
        return xsr_fail_sys(err, XSR_E_XEN, EIO,
                            "asking for the grant table: "
                            "status %d",
                            setup.status);
    return 0;
}

static int seed_through_mfn(struct xsr_xen *xen,
                            const struct xsr_grant_seed *seed,
                            const struct xsr_log *log, struct xsr_err *err)
{
    xen_pfn_t mfn;
    void *table;

    if (get_table_mfn(xen, &mfn, err) < 0)
        return -1;
    if (xsr_xen_map(xen, &mfn, 1, PROT_READ | PROT_WRITE, "the grant table",
                    &table, err) < 0)
        return -1;
    put_entries(xen, table, seed, log);
    xsr_xen_unmap(xen, table, 1);
    return 0;
}

static int seed_through_gfn(struct xsr_xen *xen,
                            const struct xsr_grant_seed *seed,
                            const struct xsr_log *log, struct xsr_err *err)
{
    xen_pfn_t gfn = seed->scratch_gfn;
    void *table;
    int rc;

    if (xc_domain_add_to_physmap(xen->xch, xen->domid, XENMAPSPACE_grant_table,
                                 0, gfn) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "placing the grant table "
                            "at frame 0x%lx",
                            gfn);
    rc = xsr_xen_map(xen, &gfn, 1, PROT_READ | PROT_WRITE, "the grant table",
                     &table, err);
    if (rc == 0) {
        put_entries(xen, table, seed, log);
        xsr_xen_unmap(xen, table, 1);
    }
    if (xc_domain_remove_from_physmap(xen->xch, xen->domid, gfn) < 0 && rc == 0)
        rc = xsr_fail_sys(err, XSR_E_XEN, errno,
                          "taking the grant table back "
                          "from frame 0x%lx",
                          gfn);
    return rc;
}

int xsr_grant_seed(struct xsr_xen *xen, const struct xsr_grant_seed *seed,
                   const struct xsr_log *log, struct xsr_err *err)
{
    xenforeignmemory_resource_handle *res;
    void *table = NULL;

    res = xenforeignmemory_map_resource(
        xen->fmem, (domid_t)xen->domid, XENMEM_resource_grant_table,
        XENMEM_resource_grant_table_id_shared, 0, 1, &table,
        PROT_READ | PROT_WRITE, 0);
    if (res) {
        put_entries(xen, table, seed, log);
        xenforeignmemory_unmap_resource(xen->fmem, res);
        return 0;
    }
    if (errno != EOPNOTSUPP)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "mapping the grant table");
    if (seed->pv)
        return seed_through_mfn(xen, seed, log, err);
    return seed_through_gfn(xen, seed, log, err);
}
