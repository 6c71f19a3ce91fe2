/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions about a domain's life: which configurations are refused, what a new
 * domain is like, pause counts, shutdown and resume, and what still works on
 * one that is dying because a page of it is mapped.
 */
#include "probe.h"

static void try_create(const char *what,
                       const struct xen_domctl_createdomain *c)
{
    long rc = create(c);

    if (rc < 0) {
        gave(what, rc);
        return;
    }
    said(what, "made");
    destroy((uint32_t)rc);
}

static void try_flags(enum kind kind)
{
    struct xen_domctl_createdomain c = config_of(kind);

    c.flags |= 1u << 20;
    try_create("an unknown flag", &c);
    c = config_of(kind);
    c.flags ^= XEN_DOMCTL_CDF_hap;
    try_create("HAP the other way", &c);
    c = config_of(kind);
    c.flags |= XEN_DOMCTL_CDF_oos_off;
    try_create("out-of-sync off", &c);
    c = config_of(kind);
    c.flags |= XEN_DOMCTL_CDF_iommu;
    try_create("IOMMU", &c);
    c = config_of(kind);
    c.iommu_opts = 1;
    try_create("IOMMU options without IOMMU", &c);
    c = config_of(kind);
    c.flags |= XEN_DOMCTL_CDF_s3_integrity;
    try_create("S3 integrity", &c);
    c = config_of(kind);
    c.flags |= XEN_DOMCTL_CDF_xs_domain;
    try_create("a xenstore domain", &c);
    c = config_of(kind);
    c.arch.misc_flags = XEN_X86_MSR_RELAXED;
    try_create("relaxed MSRs", &c);
    c = config_of(kind);
    c.arch.misc_flags = 2;
    try_create("unknown misc flags", &c);
}

static void try_numbers(enum kind kind)
{
    struct xen_domctl_createdomain c = config_of(kind);
    static const uint32_t vcpus[] = {0, 1, 128, 129, 8192, 8193};
    static const uint32_t emu[] = {0,     1,     2,     3,     0x100,
                                   0x1ff, 0x200, 0x3ff, 0x7ff, 0x800};
    char what[64];
    size_t i;

    for (i = 0; i < COUNT_OF(vcpus); i++) {
        if (kind == PV && vcpus[i] > 129)
            continue; /* real Xen makes them; it only takes memory */
        c = config_of(kind);
        c.max_vcpus = vcpus[i];
        snprintf(what, sizeof(what), "%u vCPUs", vcpus[i]);
        try_create(what, &c);
    }
    for (i = 0; i < COUNT_OF(emu); i++) {
        c = config_of(kind);
        c.arch.emulation_flags = emu[i];
        snprintf(what, sizeof(what), "emulated devices %#x", emu[i]);
        try_create(what, &c);
    }
    for (i = 0; i < 5; i++) {
        c = config_of(kind);
        c.grant_opts = (uint32_t)(i < 4 ? i : 0x11);
        snprintf(what, sizeof(what), "grant options %#x", c.grant_opts);
        try_create(what, &c);
    }
    c = config_of(kind);
    c.max_grant_frames = 0;
    try_create("no grant frames", &c);
    c.max_grant_frames = -1;
    try_create("default grant frames", &c);
    c.max_grant_frames = 65;
    try_create("65 grant frames", &c);
    c = config_of(kind);
    c.max_maptrack_frames = 1025;
    try_create("1025 maptrack frames", &c);
    c = config_of(kind);
    c.cpupool_id = 7;
    try_create("CPU pool 7", &c);
    c = config_of(kind);
    c.max_evtchn_port = 0;
    try_create("event channels up to 0", &c);
}

void ask_create(void)
{
    struct xen_domctl_createdomain c = config_of(PVH);
    uint32_t domid, same;
    int kind;

    for (kind = 0; kind < N_KINDS; kind++) {
        about("create", kind);
        try_flags((enum kind)kind);
        try_numbers((enum kind)kind);
    }
    about("create", -1);
    domid = same = new_domain(PVH, 1, 16);
    gave("a number in use", xc_domain_create(xch, &same, &c));
    destroy(domid);
    same = DOMID_FIRST_RESERVED;
    c = config_of(PVH);
    if (xc_domain_create(xch, &same, &c) == 0) {
        said("a reserved number", "made, with another");
        destroy(same);
    } else {
        gave("a reserved number", -1);
    }
}

/* ---- a new domain, and its state ----------------------------------------- */

static void show(const char *when, uint32_t domid)
{
    struct xen_domctl_getdomaininfo i = info_of(domid);

    said(when, "flags %#x, vCPUs online %u, highest %d, pages %lu of %lu",
         i.flags, i.nr_online_vcpus, (int)(int32_t)i.max_vcpu_id,
         (unsigned long)i.tot_pages, (unsigned long)i.max_pages);
}

static void ask_new(enum kind kind)
{
    struct xen_domctl_createdomain c = config_of(kind);
    struct xen_domctl_getdomaininfo i;
    uint32_t domid = (uint32_t)create(&c);
    xen_pfn_t max;

    i = info_of(domid);
    show("as created", domid);
    said("as created, the rest",
         "outstanding %lu, shared %lu, paged %lu, pool "
         "%u, devices %#x, shared info %s",
         (unsigned long)i.outstanding_pages, (unsigned long)i.shr_pages,
         (unsigned long)i.paged_pages, i.cpupool, i.arch_config.emulation_flags,
         (i.shared_info_frame & 0xffffffff) == 0xffffffff ? "nowhere"
                                                          : "somewhere");
    gave("shutdown without vCPUs", xc_domain_shutdown(xch, domid, 2));
    show("shut down without vCPUs", domid);
    gave("resume without vCPUs", resume(domid));
    gave("fewer vCPUs than created with", xc_domain_max_vcpus(xch, domid, 1));
    gave("more vCPUs than created with", xc_domain_max_vcpus(xch, domid, 3));
    gave("the vCPUs", xc_domain_max_vcpus(xch, domid, 2));
    gave("the vCPUs again", xc_domain_max_vcpus(xch, domid, 2));
    show("with vCPUs", domid);
    gave("highest page", xc_domain_maximum_gpfn(xch, domid, &max));
    said("highest page is", "%#lx", (unsigned long)max);
    gave("limit of 0", xc_domain_setmaxmem(xch, domid, 0));
    gave("limit of 2^40 pages", xc_domain_setmaxmem(xch, domid, 1ull << 42));
    said("limit is now", "%#lx", (unsigned long)info_of(domid).max_pages);
    destroy(domid);
}

static void ask_pauses(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64);
    int n = 0;

    show("paused by creation", domid);
    gave("pause", xc_domain_pause(xch, domid));
    gave("unpause one of two", xc_domain_unpause(xch, domid));
    show("after one of two", domid);
    while (n < 1000 && xc_domain_pause(xch, domid) == 0)
        n++;
    said("pauses until refused", n == 1000 ? "never" : "%s", errno_name(errno));
    for (n = 0; n < 2000 && xc_domain_unpause(xch, domid) == 0; n++)
        ;
    said("unpause once too often", n == 2000 ? "never" : "%s",
         errno_name(errno));
    show("without vCPU state, unpaused", domid);
    destroy(domid);
}

static void ask_shutdown(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64);
    static const int reasons[] = {5, 0, 255, 256 + 3, -1};
    char what[48];
    size_t i;

    gave("resume of one that runs", resume(domid));
    gave("shutdown", xc_domain_shutdown(xch, domid, SHUTDOWN_suspend));
    show("suspended", domid);
    gave("another shutdown", xc_domain_shutdown(xch, domid, SHUTDOWN_crash));
    show("after another", domid);
    gave("pause while shut down", xc_domain_pause(xch, domid));
    show("suspended and paused", domid);
    gave("resume", resume(domid));
    show("resumed", domid);
    gave("resume again", resume(domid));
    for (i = 0; i < COUNT_OF(reasons); i++) {
        snprintf(what, sizeof(what), "shutdown for reason %d", reasons[i]);
        gave(what, xc_domain_shutdown(xch, domid, reasons[i]));
        show(what, domid);
        resume(domid);
    }
    gave("debugging on", xc_domain_setdebugging(xch, domid, 1));
    show("debugged", domid);
    gave("resume when debugged", resume(domid));
    destroy(domid);
}

static void ask_nobody(void)
{
    struct xen_domctl op = {0};
    xen_pfn_t pfn = 0;
    uint64_t value;

    about("life", -1);
    gave("pause nobody", xc_domain_pause(xch, NOBODY));
    gave("destroy nobody", xc_domain_destroy(xch, NOBODY));
    gave("shut nobody down", xc_domain_shutdown(xch, NOBODY, 2));
    gave("pages for nobody",
         xc_domain_populate_physmap_exact(xch, NOBODY, 1, 0, 0, &pfn));
    gave("parameter of nobody", xc_hvm_param_get(xch, NOBODY, 1, &value));
    gave("vCPUs of nobody", xc_domain_max_vcpus(xch, NOBODY, 1));
    gave("channel of nobody", xc_evtchn_alloc_unbound(xch, NOBODY, 0));
    gave("highest page of nobody", xc_domain_maximum_gpfn(xch, NOBODY, &pfn));
    map_page(NOBODY, PROT_READ, 0);
    said("page of nobody", "%s", errno_name(errno));
    gave("info of nobody", domctl(XEN_DOMCTL_getdomaininfo, NOBODY, &op));
    gave("info of oneself", domctl(XEN_DOMCTL_getdomaininfo, DOMID_SELF, &op));
    gave("info of Xen", domctl(XEN_DOMCTL_getdomaininfo, DOMID_XEN, &op));
    gave("pause oneself", domctl(XEN_DOMCTL_pausedomain, DOMID_SELF, &op));
    gave("pause dom0", xc_domain_pause(xch, 0));
    gave("pause Xen", domctl(XEN_DOMCTL_pausedomain, DOMID_XEN, &op));
    gave("an unknown domctl", domctl(9999, 0, &op));
    gave("handle of nobody", domctl(XEN_DOMCTL_setdomainhandle, NOBODY, &op));
    clear_scratch();
}

void ask_life(void)
{
    int kind;

    for (kind = 0; kind < N_KINDS; kind++) {
        about("life", kind);
        ask_new((enum kind)kind);
        ask_pauses((enum kind)kind);
        ask_shutdown((enum kind)kind);
    }
    ask_nobody();
}

/* ---- one that cannot go yet ---------------------------------------------- */

static void ask_of_dying(enum kind kind, uint32_t domid, uint64_t frame)
{
    struct xen_domctl op = {0};
    vcpu_guest_context_any_t context;
    uint64_t list[1] = {9}, value;
    xen_pfn_t pfn;
    void *p;

    show("dying", domid);
    gave("destroy again", xc_domain_destroy(xch, domid));
    gave("pause", xc_domain_pause(xch, domid));
    gave("unpause", xc_domain_unpause(xch, domid));
    gave("limit", xc_domain_setmaxmem(xch, domid, 400));
    gave("pages", xc_domain_populate_physmap(xch, domid, 1, 0, 0, list));
    p = map_page(domid, PROT_READ, frame);
    said("mapping the page again", "%s", p ? "done" : errno_name(errno));
    unmap_page(p);
    p = map_page(domid, PROT_READ, kind == PV ? frame + 1 : 5);
    said("mapping another", "%s", p ? "done" : errno_name(errno));
    unmap_page(p);
    gave("highest page", xc_domain_maximum_gpfn(xch, domid, &pfn));
    gave("channel", xc_evtchn_alloc_unbound(xch, domid, 0));
    gave("get a parameter", xc_hvm_param_get(xch, domid, 1, &value));
    gave("set a parameter", xc_hvm_param_set(xch, domid, 1, 1));
    gave("shutdown", xc_domain_shutdown(xch, domid, 2));
    gave("resume", resume(domid));
    gave("vCPU context", xc_vcpu_getcontext(xch, domid, 0, &context));
    said("size of the HVM context", "%s",
         xc_domain_hvm_getcontext(xch, domid, NULL, 0) < 0 ? errno_name(errno)
                                                           : "some");
    gave("debugging", xc_domain_setdebugging(xch, domid, 1));
    op.u.getpageframeinfo3.num = 1;
    op.u.getpageframeinfo3.array.p = scratch(sizeof(uint64_t));
    *op.u.getpageframeinfo3.array.p = frame;
    gave("page type", domctl(XEN_DOMCTL_getpageframeinfo3, domid, &op));
    memset(&op, 0, sizeof(op));
    op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY;
    gave("log-dirty on", domctl(XEN_DOMCTL_shadow_op, domid, &op));
    op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_OFF;
    gave("log-dirty off", domctl(XEN_DOMCTL_shadow_op, domid, &op));
}

void ask_dying(void)
{
    uint64_t list[8];
    uint32_t domid;
    uint8_t *p;
    int kind;

    for (kind = 0; kind < N_KINDS; kind++) {
        about("dying", kind);
        domid = new_domain((enum kind)kind, 1, 64);
        give_pages(domid, 0, 8, list);
        p = map_page(domid, PROT_READ | PROT_WRITE, kind == PV ? list[3] : 3);
        p[1] = 0x5a;
        gave("destroy with a mapped page", xc_domain_destroy(xch, domid));
        ask_of_dying((enum kind)kind, domid, kind == PV ? list[3] : 3);
        said("the mapped page still has its octet", "%s",
             p[1] == 0x5a ? "yes" : "no");
        p[1] = 0x5b;
        unmap_page(p);
        said("after unmapping it is", "%s",
             info_of(domid).domain == domid ? "there" : "gone");
        destroy(domid);
    }
}
