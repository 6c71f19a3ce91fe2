/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What makes a domain with memory a running PVH or HVM guest: the parameters
 * that libxl and libxc's builder set, the paging pool, the vCPUs and devices
 * of its HVM context.
 */
#include <stddef.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/guest/gi.h"

#define PAGE_OF(pfn) ((uint64_t)(pfn) << 12)

static int set_param(struct xsr_birth *b, uint32_t index, uint64_t value,
                     struct xsr_err *err)
{
    struct xen_hvm_param p = {
        .domid = (domid_t)b->d->domid, .index = index, .value = value};
    long rc = value ? xsr_hv_hvm_op(HVMOP_set_param, &p) : 0;

    return rc < 0 ? xsr_fail_sys(err, XSR_E_XEN, (int)-rc,
                                 "parameter %u of the new guest", index)
                  : 0;
}

static int set_params(struct xsr_birth *b, struct xsr_err *err)
{
    bool hvm = b->spec->type == XSR_HV_HVM;
    const struct {
        uint32_t index;
        uint64_t value;
    } params[] = {
        {HVM_PARAM_CALLBACK_IRQ,
         b->spec->suspend == XSR_GUEST_BY_CALL ? 0 : XSR_G_CALLBACK},
        {HVM_PARAM_HPET_ENABLED, hvm},
        {HVM_PARAM_VPT_ALIGN, hvm},
        {HVM_PARAM_TIMER_MODE, 1},
        {HVM_PARAM_STORE_PFN, 0xfeffc},
        {HVM_PARAM_STORE_EVTCHN, b->store_port},
        {HVM_PARAM_IOREQ_PFN, 0xfeffd},
        {HVM_PARAM_BUFIOREQ_PFN, 0xfeffb},
        {HVM_PARAM_PAGING_RING_PFN, 0xfeff8},
        {HVM_PARAM_MONITOR_RING_PFN, 0xfeff9},
        {HVM_PARAM_SHARING_RING_PFN, 0xfeffa},
        {HVM_PARAM_VM86_TSS_SIZED, hvm ? 0x180fc100280 : 0},
        {HVM_PARAM_CONSOLE_PFN, 0xfefff},
        {HVM_PARAM_CONSOLE_EVTCHN, b->console_port},
        {HVM_PARAM_ACPI_IOPORTS_LOCATION, hvm},
        {HVM_PARAM_IDENT_PT, PAGE_OF(0xfeffe)},
        {HVM_PARAM_IOREQ_SERVER_PFN, hvm ? 0xfeff0 : 0},
        {HVM_PARAM_NR_IOREQ_SERVER_PAGES, hvm ? 8 : 0},
        {HVM_PARAM_VM_GENERATION_ID_ADDR, hvm ? PAGE_OF(0xfc005) + 16 : 0},
    };
    size_t i;

    for (i = 0; i < XSR_ARRAY_LEN(params); i++)
        if (set_param(b, params[i].index, params[i].value, err) < 0)
            return -1;
    b->store_gfn = b->d->params[HVM_PARAM_STORE_PFN];
    b->console_gfn = b->d->params[HVM_PARAM_CONSOLE_PFN];
    return 0;
}

int xsr_birth_hvm(struct xsr_birth *b, struct xsr_err *err)
{
    const struct xsr_guest_spec *s = b->spec;
    uint64_t per_mib = b->d->hap ? 1 : 2;
    struct xen_domctl op = {0};

    /* libxl's rule for the pool of the guest's second-level tables */
    op.u.paging_mempool.size =
        4096 * (256ull * s->n_vcpus + per_mib * s->memory_mib);
    if (xsr_birth_ctl(b, &op, XEN_DOMCTL_set_paging_mempool_size, "paging pool",
                      err) < 0)
        return -1;
    if (set_params(b, err) < 0)
        return -1;
    return xsr_birth_hvmctx(b, err);
}
