/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions about a domain's pages: giving and taking, at the limit and beyond;
 * mapping holes and what is not the domain's; Xen's own pages in the guest's
 * map; page types of frames that are no page tables.
 */
#include "probe.h"

#define FAR (1ull << 30) /* no guest has a page there */

static void reserve(const char *what, unsigned op, uint32_t domid, size_t n,
                    unsigned order, const uint64_t *list)
{
    struct xen_memory_reservation r = {
        .nr_extents = n, .extent_order = order, .domid = (domid_t)domid};
    uint64_t *copy = NULL;
    char with[128];
    long rc;

    if (list) {
        copy = scratch(n * sizeof(*copy) + 1);
        memcpy(copy, list, n * sizeof(*copy));
    }
    r.extent_start.p = copy;
    rc = memory_op(op, &r, sizeof(r));
    snprintf(with, sizeof(with), "%s (pages then)", what);
    gave(what, rc);
    said(with, "%lu", pages_of(domid));
}

static void ask_populate(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 16);
    uint64_t list[32];
    xen_pfn_t max;
    size_t i;

    for (i = 0; i < 32; i++)
        list[i] = i;
    reserve("4 pages", XENMEM_populate_physmap, domid, 4, 0, list);
    reserve("the same 4 again", XENMEM_populate_physmap, domid, 4, 0, list);
    reserve("none", XENMEM_populate_physmap, domid, 0, 0, list);
    reserve("without a list", XENMEM_populate_physmap, domid, 2, 0, NULL);
    reserve("an order of 2", XENMEM_populate_physmap, domid, 1, 2, list + 8);
    reserve("an order of 2 at an odd page", XENMEM_populate_physmap, domid, 1,
            2, list + 13);
    reserve("an order of 21", XENMEM_populate_physmap, domid, 1, 21, list);
    list[0] = FAR;
    reserve("a page far away", XENMEM_populate_physmap, domid, 1, 0, list);
    list[0] = 1ull << 50;
    reserve("a page at 2^50", XENMEM_populate_physmap, domid, 1, 0, list);
    list[0] = 20;
    reserve("to the limit and beyond", XENMEM_populate_physmap, domid, 32, 0,
            list);
    reserve("beyond the limit", XENMEM_populate_physmap, domid, 1, 0, list);
    reserve("increase, at the limit", XENMEM_increase_reservation, domid, 1, 0,
            NULL);
    gave("highest page", xc_domain_maximum_gpfn(xch, domid, &max));
    said("highest page is", "%#lx", (unsigned long)max);
    destroy(domid);
}

static void ask_decrease(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64), other = new_domain(kind, 1, 64);
    uint64_t list[16], theirs[16], hole[2] = {40, 41};

    give_pages(domid, 0, 16, list);
    give_pages(other, 0, 16, theirs);
    if (kind == PV)
        hole[0] = theirs[1];
    reserve("take a page away", XENMEM_decrease_reservation, domid, 1, 0,
            list + 3);
    reserve("take it away again", XENMEM_decrease_reservation, domid, 1, 0,
            list + 3);
    reserve("take what it does not have", XENMEM_decrease_reservation, domid, 1,
            0, hole);
    reserve("take three, the middle one gone", XENMEM_decrease_reservation,
            domid, 3, 0, list + 2);
    if (kind != PV) /* its machine frames need not be neighbours */
        reserve("take of an order of 1", XENMEM_decrease_reservation, domid, 1,
                1, list + 6);
    reserve("increase", XENMEM_increase_reservation, domid, 2, 0, NULL);
    destroy(other);
    destroy(domid);
}

/* ---- mapping ------------------------------------------------------------- */

static void try_map(const char *what, uint32_t domid, int prot, uint64_t frame)
{
    void *p = map_page(domid, prot, frame);

    said(what, "%s", p ? "done" : errno_name(errno));
    unmap_page(p);
}

static void ask_map(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64), other = new_domain(kind, 1, 64);
    uint64_t list[8], theirs[8];
    xen_pfn_t frames[4];
    int err[4] = {7, 7, 7, 7}, rw = PROT_READ | PROT_WRITE;
    void *p;

    give_pages(domid, 0, 8, list);
    give_pages(other, 0, 8, theirs);
    try_map("a page", domid, rw, list[1]);
    try_map("a page, to read", domid, PROT_READ, list[1]);
    try_map("a page of another", domid, rw, kind == PV ? theirs[1] : 30);
    try_map("a page far away", domid, PROT_READ, FAR);
    try_map("a page at 2^36", domid, PROT_READ, 1ull << 36);
    frames[0] = list[0];
    frames[1] = kind == PV ? theirs[0] : 31;
    frames[2] = list[2];
    frames[3] = FAR;
    p = xenforeignmemory_map(fmem, domid, rw, 4, frames, err);
    said("two pages and two holes", "%s %d %d %d %d",
         p ? "mapped" : errno_name(errno), err[0], err[1], err[2], err[3]);
    if (p) {
        ((uint8_t *)p)[2 * PAGE] = 1;
        xenforeignmemory_unmap(fmem, p, 4);
    }
    p = xenforeignmemory_map(fmem, domid, rw, 4, frames, NULL);
    said("the same without a place for errors", "%s",
         p ? "mapped" : errno_name(errno));
    if (p)
        xenforeignmemory_unmap(fmem, p, 4);
    p = xenforeignmemory_map(fmem, domid, rw, 1, frames + 3, err);
    said("nothing but a hole", "%s", p ? "mapped" : errno_name(errno));
    if (p)
        xenforeignmemory_unmap(fmem, p, 1);
    destroy(other);
    destroy(domid);
}

/* ---- page types ---------------------------------------------------------- */

static void page_type(const char *what, uint32_t domid, uint64_t frame)
{
    struct xen_domctl op = {0};
    long rc;

    op.u.getpageframeinfo3.num = 1;
    op.u.getpageframeinfo3.array.p = scratch(sizeof(uint64_t));
    *op.u.getpageframeinfo3.array.p = frame;
    rc = domctl(XEN_DOMCTL_getpageframeinfo3, domid, &op);
    if (rc < 0)
        gave(what, rc);
    else
        said(what, "%#lx", (unsigned long)*op.u.getpageframeinfo3.array.p);
}

static void ask_types(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64), other = new_domain(kind, 1, 64);
    struct xen_domctl op = {0};
    uint64_t list[8], theirs[8], *many;
    size_t n;

    give_pages(domid, 0, 8, list);
    give_pages(other, 0, 8, theirs);
    page_type("type of a page", domid, list[0]);
    page_type("type of a page that it has not", domid,
              kind == PV ? theirs[0] : 30);
    page_type("type of a page far away", domid, FAR);
    page_type("type of page all ones", domid, ~0ull);
    page_type("type of page 2^52 - 1", domid, (1ull << 52) - 1);
    page_type("type, with flags in the number", domid, list[0] | 1ull << 60);
    if (kind == PV)
        page_type("type of the shared info", domid,
                  info_of(domid).shared_info_frame);
    many = scratch(1025 * sizeof(*many));
    for (n = 0; n < 1025; n++)
        many[n] = list[n % 8];
    op.u.getpageframeinfo3.array.p = many;
    for (n = 1024; n <= 1025; n++) {
        op.u.getpageframeinfo3.num = n;
        gave(n == 1024 ? "types of 1024" : "types of 1025",
             domctl(XEN_DOMCTL_getpageframeinfo3, domid, &op));
    }
    op.u.getpageframeinfo3.num = 0;
    gave("types of none", domctl(XEN_DOMCTL_getpageframeinfo3, domid, &op));
    op.u.getpageframeinfo3.num = 1;
    op.u.getpageframeinfo3.array.p = NULL;
    gave("types without a list",
         domctl(XEN_DOMCTL_getpageframeinfo3, domid, &op));
    destroy(other);
    destroy(domid);
}

/* ---- Xen's own pages ----------------------------------------------------- */

static void map_special(const char *what, uint32_t domid, uint64_t gfn)
{
    if (!(info_of(domid).flags & XEN_DOMINF_hvm_guest))
        return; /* it has no map: that would be a machine frame */
    try_map(what, domid, PROT_READ, gfn);
}

static void ask_physmap(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64);
    uint64_t list[8];
    xen_pfn_t max;

    give_pages(domid, 0, 8, list);
    gave("shared info at 100",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_shared_info, 0, 100));
    map_special("shared info is mapped", domid, 100);
    if (kind != PV)
        page_type("shared info's type", domid, 100);
    gave("shared info at 101 too",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_shared_info, 0, 101));
    map_special("page 100 then", domid, 100);
    gave("shared info's index 1",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_shared_info, 1, 102));
    gave("shared info over page 3",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_shared_info, 0, 3));
    said("pages then", "%lu", pages_of(domid));
    gave("grant frame 0",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_grant_table, 0, 110));
    gave("grant frame 7",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_grant_table, 7, 117));
    gave("grant frame 8",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_grant_table, 8, 118));
    map_special("a grant frame is mapped", domid, 110);
    gave("page 2 moves to 120",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_gmfn, 2, 120));
    map_special("page 2 then", domid, 2);
    gave("a hole moves",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_gmfn, 60, 121));
    gave("page 1 moves over page 0",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_gmfn, 1, 0));
    said("pages after that", "%lu", pages_of(domid));
    gave("an unknown space", xc_domain_add_to_physmap(xch, domid, 77, 0, 122));
    gave("page 4 is removed",
         xc_domain_remove_from_physmap(xch, domid, kind == PV ? list[4] : 4));
    said("pages after removing", "%lu", pages_of(domid));
    gave("a hole is removed", xc_domain_remove_from_physmap(xch, domid, 60));
    gave("shared info at 2^45",
         xc_domain_add_to_physmap(xch, domid, XENMAPSPACE_shared_info, 0,
                                  1ull << 45));
    gave("highest page", xc_domain_maximum_gpfn(xch, domid, &max));
    said("highest page is", "%#lx", (unsigned long)max);
    destroy(domid);
}

static void acquire(const char *what, uint32_t domid, unsigned type,
                    unsigned id, uint64_t frame, uint32_t n, bool list)
{
    struct xen_mem_acquire_resource r = {
        .domid = (domid_t)domid,
        .type = (uint16_t)type,
        .id = id,
        .nr_frames = n,
        .frame = frame,
    };
    long rc;

    if (list)
        r.frame_list.p = scratch(64 * sizeof(uint64_t));
    rc = memory_op(XENMEM_acquire_resource, &r, sizeof(r));
    if (rc < 0)
        gave(what, rc);
    else
        said(what, "%ld, %u frames", rc, r.nr_frames);
}

/* Dom0's kernel does the call; a list of frames is its own business. */
static void ask_resources(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64);
    xenforeignmemory_resource_handle *h;
    size_t size;
    unsigned i;

    acquire("size of the grant table", domid, 1, 0, 0, 0, false);
    acquire("size asked with a number", domid, 1, 0, 0, 1, false);
    acquire("size of the status frames", domid, 1, 1, 0, 0, false);
    acquire("grant table of id 2", domid, 1, 2, 0, 0, false);
    acquire("an unknown resource", domid, 9, 0, 0, 0, false);
    acquire("ioreq server", domid, 0, 0, 0, 0, false);
    acquire("ioreq server, list", domid, 0, 0, 0, 1, true);
    acquire("status frame, list", domid, 1, 1, 0, 1, true);
    acquire("an unknown resource, list", domid, 9, 0, 0, 1, true);
    acquire("the grant table of nobody", NOBODY, 1, 0, 0, 0, false);
    gave("size by the library",
         xenforeignmemory_resource_size(fmem, domid, 1, 0, &size));
    for (i = 0; i < 3; i++) {
        static const char *const names[] = {"map grant frame 0",
                                            "map grant frames 6 and 7",
                                            "map grant frames 7 and 8"};
        static const unsigned first[] = {0, 6, 7}, n[] = {1, 2, 2};
        void *p = NULL;

        h = xenforeignmemory_map_resource(fmem, domid, 1, 0, first[i], n[i], &p,
                                          PROT_READ | PROT_WRITE, 0);
        said(names[i], "%s", h ? "done" : errno_name(errno));
        if (h)
            xenforeignmemory_unmap_resource(fmem, h);
    }
    destroy(domid);
}

static void ask_claims(enum kind kind)
{
    uint32_t domid = new_domain(kind, 1, 64);
    struct xen_domctl op = {0};
    uint64_t list[8];

    give_pages(domid, 0, 8, list);
    gave("claim fewer than it has", xc_domain_claim_pages(xch, domid, 4));
    gave("claim 32", xc_domain_claim_pages(xch, domid, 32));
    said("outstanding then", "%lu",
         (unsigned long)info_of(domid).outstanding_pages);
    gave("claim again", xc_domain_claim_pages(xch, domid, 40));
    give_pages(domid, 8, 8, list);
    said("outstanding after 8 pages", "%lu",
         (unsigned long)info_of(domid).outstanding_pages);
    gave("claim none", xc_domain_claim_pages(xch, domid, 0));
    gave("claim more than the limit", xc_domain_claim_pages(xch, domid, 65));
    gave("paging pool", domctl(XEN_DOMCTL_get_paging_mempool_size, domid, &op));
    said("its size", "%lu", (unsigned long)op.u.paging_mempool.size);
    gave("paging pool of 5000", xc_set_paging_mempool_size(xch, domid, 5000));
    gave("paging pool of 8 MiB",
         xc_set_paging_mempool_size(xch, domid, 8 << 20));
    gave("paging pool of nothing", xc_set_paging_mempool_size(xch, domid, 0));
    destroy(domid);
}

void ask_memory(void)
{
    int kind;

    for (kind = 0; kind < N_KINDS; kind++) {
        about("memory", kind);
        ask_populate((enum kind)kind);
        ask_decrease((enum kind)kind);
        ask_map((enum kind)kind);
        ask_types((enum kind)kind);
        ask_physmap((enum kind)kind);
        ask_resources((enum kind)kind);
        ask_claims((enum kind)kind);
    }
}
