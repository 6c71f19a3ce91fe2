/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Letting a suspended domain run on where it is.
 *
 * Fast: its suspend hypercall returns 1, "cancelled", and the guest goes on as
 * if nothing had been. A guest without PV drivers made no such call, so there
 * is nothing to change. Slow: the guest believes that it was restored. For a
 * PV guest that means: the ring pages which it put into start_info as pfns are
 * frames again, and all vCPUs but the first wait to be brought up.
 */
#include <errno.h>

#include "engine/engine.h"
#include "engine/pv_layout.h"
#include "engine/pv_map.h"
#include "engine/xen.h"
#include "engine/xen_get.h"
#include "lib/buf.h"
#include "lib/bytes.h"
#include "lib/util.h"

static int check_suspended(const struct xsr_xen *xen,
                           const struct xsr_xen_domain *dom,
                           struct xsr_err *err)
{
    if (dom->shutdown && dom->shutdown_reason == SHUTDOWN_suspend)
        return 0;
    if (dom->shutdown)
        return xsr_fail_sys(err, XSR_E_XEN, EINVAL,
                            "domain %u cannot be resumed: it has shut down "
                            "with reason %u, only a suspend (%u) can be undone",
                            xen->domid, dom->shutdown_reason, SHUTDOWN_suspend);
    return xsr_fail_sys(err, XSR_E_XEN, EINVAL,
                        "domain %u cannot be resumed: it is not suspended",
                        xen->domid);
}

/* ---- fast ---------------------------------------------------------------- */

/* Did the guest suspend by a call of its own? */
static int made_call(const struct xsr_xen *xen,
                     const struct xsr_xen_domain *dom, bool *out,
                     struct xsr_err *err)
{
    uint64_t irq = 1;

    if (dom->hvm &&
        xsr_xen_get_hvm_param(xen, HVM_PARAM_CALLBACK_IRQ, &irq, err) < 0)
        return -1;
    *out = irq != 0;
    return 0;
}

static int cancel_call(const struct xsr_xen *xen,
                       const struct xsr_xen_domain *dom, struct xsr_err *err)
{
    struct xsr_buf ctx = XSR_BUF_INIT;
    unsigned width = XSR_PV_WIDTH;
    bool called;
    int rc;

    if (made_call(xen, dom, &called, err) < 0)
        return -1;
    if (!called)
        return 0;
    if (!dom->hvm && xsr_xen_get_width(xen, &width, err) < 0)
        return -1;
    if (width != XSR_PV_WIDTH)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "domain %u is a %u-bit PV guest, only 64-bit ones can "
                        "be resumed",
                        xen->domid, width * 8);
    rc = xsr_xen_get_vcpu(xen, 0, &ctx, err);
    if (rc == 0) {
        xsr_st_le64(ctx.p + XSR_VC_RAX, 1);
        rc = xsr_xen_set_vcpu(xen, 0, ctx.p, ctx.len, err);
    }
    xsr_buf_fini(&ctx);
    return rc;
}

/* ---- slow ---------------------------------------------------------------- */

static int ring_frame(const struct xsr_pv_map *map, const uint8_t *start_info,
                      unsigned at, const char *what, uint64_t *out,
                      struct xsr_err *err)
{
    uint64_t pfn = xsr_le64(start_info + at);

    *out = xsr_pv_mfn(map, pfn);
    if (*out != XSR_INVALID_FRAME)
        return 0;
    return xsr_fail(err, XSR_E_XEN,
                    "start_info names pfn 0x%llx as %s ring, which has no page",
                    (unsigned long long)pfn, what);
}

static int put_rings_back(struct xsr_xen *xen, const struct xsr_pv_map *map,
                          struct xsr_err *err)
{
    struct xsr_buf ctx = XSR_BUF_INIT;
    uint64_t store = 0, console = 0;
    xen_pfn_t frame;
    void *p = NULL;
    int rc = xsr_xen_get_vcpu(xen, 0, &ctx, err);

    if (rc == 0) {
        frame = xsr_le64(ctx.p + XSR_VC_RDX);
        rc = xsr_xen_map(xen, &frame, 1, PROT_READ | PROT_WRITE,
                         "the start_info page", &p, err);
    }
    if (rc == 0)
        rc = ring_frame(map, p, XSR_ST_STORE_MFN, "xenstore", &store, err);
    if (rc == 0)
        rc = ring_frame(map, p, XSR_ST_CONSOLE_MFN, "console", &console, err);
    if (rc == 0) {
        xsr_st_le64((uint8_t *)p + XSR_ST_STORE_MFN, store);
        xsr_st_le64((uint8_t *)p + XSR_ST_CONSOLE_MFN, console);
    }
    xsr_xen_unmap(xen, p, 1);
    xsr_buf_fini(&ctx);
    return rc;
}

static int reset_other_vcpus(const struct xsr_xen *xen,
                             const struct xsr_xen_domain *dom,
                             struct xsr_err *err)
{
    for (uint32_t id = 1; id <= dom->max_vcpu_id; id++)
        if (xc_vcpu_setcontext(xen->xch, xen->domid, id, NULL) < 0)
            return xsr_fail_sys(err, XSR_E_XEN, errno, "resetting vCPU %u", id);
    return 0;
}

static int prepare_pv(struct xsr_xen *xen, const struct xsr_xen_domain *dom,
                      struct xsr_err *err)
{
    struct xsr_pv_map map;
    unsigned width;
    int rc;

    if (xsr_xen_get_width(xen, &width, err) < 0)
        return -1;
    if (width != XSR_PV_WIDTH)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "domain %u is a %u-bit PV guest, only 64-bit ones can "
                        "be resumed",
                        xen->domid, width * 8);
    xsr_pv_map_init(&map, xen);
    rc = xsr_pv_map_open(&map, dom->shared_info_frame, err);
    if (rc == 0)
        rc = put_rings_back(xen, &map, err);
    xsr_pv_map_fini(&map, NULL);
    return rc < 0 ? -1 : reset_other_vcpus(xen, dom, err);
}

/* ---- the whole ----------------------------------------------------------- */

static int let_run(const struct xsr_xen *xen, struct xsr_err *err)
{
    struct xen_domctl domctl = {.cmd = XEN_DOMCTL_resumedomain,
                                .domain = (domid_t)xen->domid};

    if (xc_domctl(xen->xch, &domctl) < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno, "resuming domain %u",
                            xen->domid);
    return 0;
}

int xsr_engine_resume(xc_interface *xch, uint32_t domid, bool fast,
                      struct xsr_err *err)
{
    struct xsr_xen_domain dom;
    struct xsr_xen xen;
    int rc;

    if (xsr_xen_init(&xen, xch, domid, err) < 0)
        return -1;
    rc = xsr_xen_get_domain(&xen, &dom, err);
    if (rc == 0)
        rc = check_suspended(&xen, &dom, err);
    if (rc == 0 && fast)
        rc = cancel_call(&xen, &dom, err);
    else if (rc == 0 && !dom.hvm)
        rc = prepare_pv(&xen, &dom, err);
    if (rc == 0)
        rc = let_run(&xen, err);
    xsr_xen_fini(&xen);
    return rc;
}
