/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions about log-dirty mode: in every order, also the wrong one, and what
 * counts as a write of the guest while it is on.
 */
#include "probe.h"

#define N_PAGES 64u

static uint32_t domid;
static uint8_t *bits;

static long shadow(struct xen_domctl_shadow_op *s)
{
    struct xen_domctl op = {0};
    long rc;

    op.u.shadow_op = *s;
    rc = domctl(XEN_DOMCTL_shadow_op, domid, &op);
    *s = op.u.shadow_op;
    return rc;
}

static void simple(const char *what, unsigned code, unsigned mode)
{
    struct xen_domctl_shadow_op s = {.op = code, .mode = mode};

    gave(what, shadow(&s));
}

static void report(const char *what, unsigned code, uint64_t pages, bool list,
                   unsigned mode)
{
    struct xen_domctl_shadow_op s = {.op = code, .mode = mode, .pages = pages};
    char text[256] = "";
    size_t i, n = 0;
    long rc;

    memset(bits, 0xff, N_PAGES / 8 + 1);
    if (list)
        s.dirty_bitmap.p = bits;
    rc = shadow(&s);
    if (rc < 0) {
        gave(what, rc);
        return;
    }
    for (i = 0; list && i < N_PAGES && i < s.pages; i++)
        if (bits[i / 8] & 1u << i % 8)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " %zu", i);
    said(what, "%ld, %lu pages, dirty:%s, counts %u %u", rc,
         (unsigned long)s.pages, text, s.stats.dirty_count,
         s.stats.fault_count);
}

static void ask_order(void)
{
    simple("off when off", XEN_DOMCTL_SHADOW_OP_OFF, 0);
    report("clean when off", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true, 0);
    report("peek when off", XEN_DOMCTL_SHADOW_OP_PEEK, N_PAGES, true, 0);
    simple("on by the other call, without the flag",
           XEN_DOMCTL_SHADOW_OP_ENABLE, 0);
    simple("on by the other call, with an unknown flag",
           XEN_DOMCTL_SHADOW_OP_ENABLE, 1u << 9);
    simple("an unknown operation", 77, 0);
    simple("on", XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0);
    simple("on again", XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0);
    simple("on again by the other call", XEN_DOMCTL_SHADOW_OP_ENABLE,
           XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY);
    simple("off", XEN_DOMCTL_SHADOW_OP_OFF, 0);
    simple("off again", XEN_DOMCTL_SHADOW_OP_OFF, 0);
    simple("on by the other call", XEN_DOMCTL_SHADOW_OP_ENABLE,
           XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY);
    simple("on by the other call, twice", XEN_DOMCTL_SHADOW_OP_ENABLE,
           XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY);
    simple("off after that", XEN_DOMCTL_SHADOW_OP_OFF, 0);
}

static void ask_reports(void)
{
    uint64_t list[1] = {9};
    uint8_t *p;

    if (xc_shadow_control(xch, domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY,
                          NULL, 0) < 0)
        return;
    report("first peek", XEN_DOMCTL_SHADOW_OP_PEEK, N_PAGES, true, 0);
    report("first clean", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true, 0);
    report("of no pages", XEN_DOMCTL_SHADOW_OP_PEEK, 0, true, 0);
    report("of 13 pages", XEN_DOMCTL_SHADOW_OP_PEEK, 13, true, 0);
    report("without a list", XEN_DOMCTL_SHADOW_OP_PEEK, N_PAGES, false, 0);
    report("the last time", XEN_DOMCTL_SHADOW_OP_PEEK, N_PAGES, true,
           XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL);
    report("with an unknown mode", XEN_DOMCTL_SHADOW_OP_PEEK, N_PAGES, true, 2);
    p = map_page(domid, PROT_READ, 3);
    report("mapped to read", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true, 0);
    unmap_page(p);
    p = map_page(domid, PROT_READ | PROT_WRITE, 4);
    report("mapped to write", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true, 0);
    p[0] = 1;
    report("written by dom0", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true, 0);
    unmap_page(p);
    report("unmapped", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true, 0);
    xc_domain_decrease_reservation_exact(xch, domid, 1, 0, list);
    report("page 9 taken away", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true, 0);
    list[0] = 9;
    xc_domain_populate_physmap_exact(xch, domid, 1, 0, 0, list);
    report("page 9 given again", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true, 0);
    xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_shared_info, 0, 20);
    report("shared info at 20", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true, 0);
    xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_gmfn, 6, 7);
    report("page 6 moved to 7", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true, 0);
    mmuext(domid, MMUEXT_CLEAR_PAGE, 2);
    report("page 2 cleared by Xen", XEN_DOMCTL_SHADOW_OP_CLEAN, N_PAGES, true,
           0);
    report("peek at 2^40 pages", XEN_DOMCTL_SHADOW_OP_PEEK, 0, false, 0);
    xc_domain_setmaxmem(xch, domid, 4096);
    simple("off after reports", XEN_DOMCTL_SHADOW_OP_OFF, 0);
    report("peek when off again", XEN_DOMCTL_SHADOW_OP_PEEK, N_PAGES, true, 0);
}

static void ask_pool(void)
{
    struct xen_domctl_shadow_op s = {.op = XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION};
    long rc = shadow(&s);

    if (rc < 0)
        gave("pool", rc);
    else
        said("pool", "%u MiB", s.mb);
    s = (struct xen_domctl_shadow_op){.op = XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION,
                                      .mb = 6};
    gave("pool of 6 MiB", shadow(&s));
    s = (struct xen_domctl_shadow_op){.op =
                                          XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION};
    rc = shadow(&s);
    said("pool then", "%s, %u MiB", rc < 0 ? errno_name(errno) : "0", s.mb);
}

void ask_logdirty(void)
{
    uint64_t list[16];
    int kind;

    for (kind = 0; kind < N_KINDS; kind++) {
        about("logdirty", kind);
        domid = new_domain((enum kind)kind, 0, 64);
        simple("off without vCPUs", XEN_DOMCTL_SHADOW_OP_OFF, 0);
        simple("on without vCPUs", XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0);
        destroy(domid);
        domid = new_domain((enum kind)kind, 1, 64);
        bits = scratch(PAGE);
        simple("on without pages", XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0);
        report("peek without pages", XEN_DOMCTL_SHADOW_OP_PEEK, N_PAGES, true,
               0);
        simple("off without pages", XEN_DOMCTL_SHADOW_OP_OFF, 0);
        give_pages(domid, 0, 16, list);
        ask_order();
        ask_pool();
        destroy(domid);
        domid = new_domain((enum kind)kind, 1, 64);
        bits = scratch(PAGE);
        give_pages(domid, 0, 16, list);
        ask_reports();
        destroy(domid);
    }
    about("logdirty", -1);
    domid = 0;
    simple("of dom0 itself", XEN_DOMCTL_SHADOW_OP_PEEK, 0);
    clear_scratch();
}
