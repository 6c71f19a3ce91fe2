/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HVM and PVH guests: frame numbers are the guest's own, no page is changed on
 * the way. Behind the memory come the hypervisor's devices and vCPUs as one
 * chain (HVM_CONTEXT), and those parameters that make sense on another host.
 */
#include <string.h>

#include "engine/save/save.h"
#include "engine/xen_get.h"
#include "lib/bytes.h"
#include "lib/util.h"

/* In the order of Xen's own saver. */
static const uint32_t sent_params[] = {
    HVM_PARAM_STORE_PFN,
    HVM_PARAM_IOREQ_PFN,
    HVM_PARAM_BUFIOREQ_PFN,
    HVM_PARAM_PAGING_RING_PFN,
    HVM_PARAM_MONITOR_RING_PFN,
    HVM_PARAM_SHARING_RING_PFN,
    HVM_PARAM_VM86_TSS_SIZED,
    HVM_PARAM_CONSOLE_PFN,
    HVM_PARAM_ACPI_IOPORTS_LOCATION,
    HVM_PARAM_VIRIDIAN,
    HVM_PARAM_IDENT_PT,
    HVM_PARAM_VM_GENERATION_ID_ADDR,
    HVM_PARAM_IOREQ_SERVER_PFN,
    HVM_PARAM_NR_IOREQ_SERVER_PAGES,
    HVM_PARAM_X87_FIP_WIDTH,
    HVM_PARAM_MCA_CAP,
};

static int setup(struct xsr_save *sv, struct xsr_err *err)
{
    (void)sv, (void)err;
    return 0;
}

static void cleanup(struct xsr_save *sv)
{
    (void)sv;
}

static int n_pfns(struct xsr_save *sv, uint64_t *out, struct xsr_err *err)
{
    return xsr_xen_get_n_gfns(&sv->xen, out, err);
}

static int put_nothing(struct xsr_save *sv, struct xsr_err *err)
{
    (void)sv, (void)err;
    return 0;
}

static uint64_t frame_of(struct xsr_save *sv, uint64_t pfn)
{
    (void)sv;
    return pfn;
}

/* Never called: batch.c refuses page tables in these guests. */
static bool normalise(struct xsr_save *sv, uint8_t level, const uint8_t *table,
                      uint8_t *copy, struct xsr_bad_entry *bad)
{
    (void)sv, (void)level, (void)table, (void)copy;
    *bad = (struct xsr_bad_entry){0};
    return false;
}

static int put_context(struct xsr_save *sv, struct xsr_err *err)
{
    struct xsr_buf body = XSR_BUF_INIT;
    int rc = xsr_xen_get_hvm_context(&sv->xen, &body, err);

    if (rc == 0)
        rc = xsr_writer_put(&sv->out, XSR_XC3_HVM_CONTEXT, body.p, body.len,
                            err);
    xsr_buf_fini(&body);
    return rc;
}

static int put_params(struct xsr_save *sv, struct xsr_err *err)
{
    uint8_t body[8 + 16 * XSR_ARRAY_LEN(sent_params)];
    uint32_t n = 0;
    uint64_t value;

    memset(body, 0, sizeof(body));
    for (unsigned i = 0; i < XSR_ARRAY_LEN(sent_params); i++) {
        if (xsr_xen_get_hvm_param(&sv->xen, sent_params[i], &value, err) < 0)
            return -1;
        if (!value)
            continue;
        xsr_st_le64(body + 8 + 16 * (size_t)n, sent_params[i]);
        xsr_st_le64(body + 16 + 16 * (size_t)n, value);
        n++;
    }
    xsr_st_le32(body, n);
    /* Readers of old releases have no use for an empty record. */
    if (!n)
        return 0;
    return xsr_writer_put(&sv->out, XSR_XC3_HVM_PARAMS, body,
                          8 + 16 * (size_t)n, err);
}

static int put_state(struct xsr_save *sv, struct xsr_err *err)
{
    if (put_context(sv, err) < 0)
        return -1;
    return put_params(sv, err);
}

const struct xsr_save_ops xsr_save_hvm = {
    .name = "HVM",
    .guest = XSR_XC3_HVM,
    .has_device_model = true,
    .setup = setup,
    .n_pfns = n_pfns,
    .put_static = put_nothing,
    .put_start = put_nothing,
    .frame_of = frame_of,
    .normalise = normalise,
    .check = put_nothing,
    .put_state = put_state,
    .cleanup = cleanup,
};
