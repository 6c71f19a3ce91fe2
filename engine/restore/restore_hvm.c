/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HVM and PVH guests: frame numbers are the guest's own, so memory needs no
 * translation; what is special is the HVM context and the parameters.
 *
 * HVM_PARAMS acts when it arrives: ring pages are cleared, because rings of
 * the old host mean nothing here, and the parameters set. HVM_CONTEXT is
 * judged when it arrives and loaded behind END, after all memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/restore/restore.h"
#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/hvmctx.h"

/* Four levels of p2m hold 48 bits; a guest may have fewer, but not below 32. */
#define MAX_PHYS_BITS 48u
#define MIN_PHYS_BITS 32u
#define MAX_GFN       ((1ull << (MAX_PHYS_BITS - XSR_PAGE_SHIFT)) - 1)

struct hvm_guest {
    struct xsr_buf context;
    uint64_t context_offset;
    uint64_t store_gfn, console_gfn; /* XSR_INVALID_FRAME: not in image */
};

static int setup(struct xsr_restore *rs, struct xsr_err *err)
{
    struct hvm_guest *hvm = calloc(1, sizeof(*hvm));

    if (!hvm)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for a restore");
    xsr_buf_init(&hvm->context);
    hvm->store_gfn = hvm->console_gfn = XSR_INVALID_FRAME;
    rs->guest = hvm;
    return 0;
}

static void cleanup(struct xsr_restore *rs)
{
    struct hvm_guest *hvm = rs->guest;

    if (hvm)
        xsr_buf_fini(&hvm->context);
    free(hvm);
    rs->guest = NULL;
}

/* The last page that the guest's own CPUs could address. */
static uint64_t max_gfn(const struct xsr_restore *rs)
{
    unsigned bits = xsr_policy_phys_bits(&rs->policy);

    if (bits < MIN_PHYS_BITS || bits >= MAX_PHYS_BITS)
        return MAX_GFN;
    return (1ull << (bits - XSR_PAGE_SHIFT)) - 1;
}

static void get_rules(struct xsr_restore *rs, struct xsr_page_rules *out)
{
    *out =
        (struct xsr_page_rules){.guest = XSR_XC3_HVM, .max_pfn = max_gfn(rs)};
}

static uint64_t n_expected(struct xsr_restore *rs)
{
    return rs->dom.max_pages;
}

static void on_populated(void *rs, const xen_pfn_t *pfns,
                         const xen_pfn_t *frames, unsigned n)
{
    (void)rs, (void)pfns, (void)frames, (void)n;
}

static void note_types(struct xsr_restore *rs,
                       const struct xsr_page_batch *batch)
{
    (void)rs, (void)batch;
}

static uint64_t frame_of(struct xsr_restore *rs, uint64_t pfn)
{
    (void)rs;
    return pfn;
}

static bool is_translated(uint8_t type)
{
    (void)type;
    return false;
}

static int translate(struct xsr_restore *rs, struct xsr_bounced *pages,
                     unsigned n, struct xsr_err *err)
{
    (void)rs, (void)pages, (void)n, (void)err;
    return 0;
}

/* ---- HVM_CONTEXT --------------------------------------------------------- */

/* A typecode whose instance is a vCPU number; docs/formats/libxc-image.md */
static bool is_per_vcpu(uint16_t typecode)
{
    switch (typecode) {
    case 2:
    case 5:
    case 6:
    case 14:
    case 16:
    case 17:
    case 18:
    case 19:
    case 20:
        return true;
    default:
        return false;
    }
}

/* Xen would refuse it at the very end, and without saying which entry. */
static int check_vcpus(struct xsr_restore *rs, struct xsr_cur *cur,
                       struct xsr_err *err)
{
    struct xsr_hvmctx_entry entry;
    uint64_t at = xsr_cur_offset(cur);
    int more;

    while ((more = xsr_hvmctx_next(cur, &entry, err)) == 1) {
        if (is_per_vcpu(entry.typecode) &&
            entry.instance > rs->dom.max_vcpu_id) {
            xsr_fail(err, XSR_E_FORMAT,
                     "libxc record HVM_CONTEXT: found an "
                     "entry %s of vCPU %u, allowed up to %u, the domain's "
                     "last",
                     xsr_hvmctx_name(entry.typecode), entry.instance,
                     rs->dom.max_vcpu_id);
            return xsr_err_at(err, at);
        }
        at = xsr_cur_offset(cur);
    }
    return more;
}

static int keep_context(struct xsr_restore *rs, struct xsr_cur *cur,
                        struct xsr_err *err)
{
    struct hvm_guest *hvm = rs->guest;
    struct xsr_cur whole = *cur;

    if (xsr_hvmctx_check(cur, err) < 0)
        return -1;
    *cur = whole;
    if (check_vcpus(rs, cur, err) < 0)
        return -1;
    hvm->context_offset = rs->rd.rec_offset;
    xsr_restore_note(rs, "%zu octets", whole.len);
    return xsr_buf_put(&hvm->context, whole.p, whole.len, err);
}

/* ---- HVM_PARAMS ---------------------------------------------------------- */

static bool is_ring(uint64_t index)
{
    return index == HVM_PARAM_STORE_PFN || index == HVM_PARAM_CONSOLE_PFN ||
           index == HVM_PARAM_IOREQ_PFN || index == HVM_PARAM_BUFIOREQ_PFN;
}

static int check_params(const struct xsr_restore *rs,
                        const struct xsr_hvm_param *params, uint32_t n,
                        struct xsr_err *err)
{
    for (uint32_t i = 0; i < n; i++)
        if (is_ring(params[i].index) && params[i].value > max_gfn(rs))
            return xsr_fail(err, XSR_E_FORMAT,
                            "libxc record HVM_PARAMS: found "
                            "%s at pfn 0x%llx, allowed up to 0x%llx",
                            xsr_hvm_param_name(params[i].index),
                            (unsigned long long)params[i].value,
                            (unsigned long long)max_gfn(rs));
    return 0;
}

/*
 * A ring page that the image did not send may be one that Xen itself keeps
 * (ioreq pages are sent as XTAB by some releases), so there is nothing to
 * clear and nothing to refuse; the user learns of it.
 */
static int clear_ring(struct xsr_restore *rs, const struct xsr_hvm_param *param,
                      struct xsr_err *err)
{
    const char *name = xsr_hvm_param_name(param->index);
    xen_pfn_t gfn = param->value;
    void *page;

    if (!xsr_memory_has(&rs->mem, gfn)) {
        xsr_log(rs->log, XSR_LOG_WARN,
                "HVM parameter %s names pfn 0x%lx, "
                "which is not in the image",
                name, gfn);
        return 0;
    }
    if (xsr_xen_map(&rs->xen, &gfn, 1, PROT_READ | PROT_WRITE, name, &page,
                    err) < 0)
        return -1;
    memset(page, 0, XSR_PAGE_SIZE);
    xsr_xen_unmap(&rs->xen, page, 1);
    return 0;
}

static int set_param(struct xsr_restore *rs, const struct xsr_hvm_param *param,
                     struct xsr_err *err)
{
    struct hvm_guest *hvm = rs->guest;

    /* Written by old releases; Xen has no such parameter any more. */
    if (param->index == HVM_PARAM_PAE_ENABLED)
        return 0;
    if (param->index == HVM_PARAM_STORE_PFN)
        hvm->store_gfn = param->value;
    if (param->index == HVM_PARAM_CONSOLE_PFN)
        hvm->console_gfn = param->value;
    if (is_ring(param->index) && clear_ring(rs, param, err) < 0)
        return -1;
    return xsr_xen_set_hvm_param(&rs->xen, param->index, param->value, err);
}

static int take_params(struct xsr_restore *rs, struct xsr_cur *cur,
                       struct xsr_err *err)
{
    struct xsr_hvm_param params[XSR_MAX_HVM_PARAMS];
    char list[96] = "";
    size_t len = 0;
    uint32_t n;

    if (xsr_blob_get_hvm_params(cur, params, &n, err) < 0 ||
        check_params(rs, params, n, err) < 0)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        if (set_param(rs, &params[i], err) < 0)
            return -1;
        if (len < sizeof(list))
            len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%u",
                                    i ? " " : "", (unsigned)params[i].index);
    }
    xsr_restore_note(rs, "%u set: %s", n, list);
    return 0;
}

static int on_record(struct xsr_restore *rs, uint32_t type, struct xsr_cur *cur,
                     struct xsr_err *err)
{
    if (type == XSR_XC3_HVM_CONTEXT)
        return keep_context(rs, cur, err);
    if (type == XSR_XC3_HVM_PARAMS)
        return take_params(rs, cur, err);
    return xsr_fail(err, XSR_E_BUG, "libxc record %s: nothing done with it",
                    xsr_xc3_type_name(type));
}

static void forget_state(struct xsr_restore *rs)
{
    struct hvm_guest *hvm = rs->guest;

    xsr_buf_clear(&hvm->context);
}

/* ---- behind END ---------------------------------------------------------- */

static int finish(struct xsr_restore *rs, struct xsr_err *err)
{
    struct xsr_engine_restore *arg = rs->arg;
    struct hvm_guest *hvm = rs->guest;
    struct xsr_grant_seed seed = {
        .scratch_gfn = rs->mem.populated.highest + 1,
        .console_frame = hvm->console_gfn,
        .store_frame = hvm->store_gfn,
        .console_domid = arg->console_domid,
        .store_domid = arg->store_domid,
    };

    if (xsr_xen_set_hvm_param(&rs->xen, HVM_PARAM_STORE_EVTCHN,
                              arg->store_evtchn, err) < 0 ||
        xsr_xen_set_hvm_param(&rs->xen, HVM_PARAM_CONSOLE_EVTCHN,
                              arg->console_evtchn, err) < 0)
        return -1;
    if (xsr_xen_set_hvm_context(&rs->xen, hvm->context.p,
                                (uint32_t)hvm->context.len, err) < 0)
        return xsr_err_at(err, hvm->context_offset);
    if (xsr_grant_seed(&rs->xen, &seed, rs->log, err) < 0)
        return -1;
    if (hvm->store_gfn == XSR_INVALID_FRAME)
        xsr_log(rs->log, XSR_LOG_WARN,
                "the image names no xenstore page: the "
                "guest will not reach xenstore");
    else
        arg->store_gfn = hvm->store_gfn;
    if (hvm->console_gfn != XSR_INVALID_FRAME)
        arg->console_gfn = hvm->console_gfn;
    return 0;
}

const struct xsr_restore_ops xsr_restore_hvm = {
    .name = "HVM",
    .setup = setup,
    .get_rules = get_rules,
    .n_expected = n_expected,
    .on_populated = on_populated,
    .note_types = note_types,
    .frame_of = frame_of,
    .is_translated = is_translated,
    .translate = translate,
    .on_record = on_record,
    .forget_state = forget_state,
    .finish = finish,
    .cleanup = cleanup,
};
