/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memory_op: giving pages to domains and taking them away, what Xen knows of
 * sizes, the M2P's place, and the pages of Xen's own that a toolstack may ask
 * for. As in Xen the reservation calls answer how many extents were done;
 * a limit reached means fewer than asked, not an error.
 */
#include <errno.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

#define MEMOP_CMD_MASK   0x3fu
#define MEMOP_SHIFT      6
#define MAX_ORDER        18u
#define IOREQ_FRAMES     2u /* the buffered and the other requests */
#define STATUS_PER_FRAME 2048u
#define DOM0_MAX_ORDER   9u /* what frames.c gives contiguously */

/* Pages that d may still get: its own limit, and other domains' claims. */
static uint64_t room_for(const struct xsr_dom *d)
{
    uint64_t own, host = xsr_host->free_pages, others, disk;

    own = d->max_pages > d->tot_pages ? d->max_pages - d->tot_pages : 0;
    others = xsr_host->claimed - d->outstanding;
    host = host > others ? host - others : 0;
    disk = xsr_host->resident ? UINT64_MAX : xsr_frame_backing();
    disk = disk > XSR_DISK_MARGIN ? disk - XSR_DISK_MARGIN : 0;
    return xsr_min(xsr_min(own, host), disk);
}

/* Memory that was claimed has been delivered. */
static void use_claim(struct xsr_dom *d, uint64_t n)
{
    uint64_t used = xsr_min(d->outstanding, n);

    d->outstanding -= used;
    xsr_host->claimed -= used;
}

static void log_short(const struct xsr_dom *d, const char *what, uint64_t i,
                      const struct xen_memory_reservation *r)
{
    xsr_sim_log("domain %u: %s: %llu of %lu extents of order %u done; it has "
                "%llu of at most %llu pages, the host %llu free (its folder "
                "has room for %llu)",
                d->domid, what, (unsigned long long)i, r->nr_extents,
                r->extent_order, (unsigned long long)d->tot_pages,
                (unsigned long long)d->max_pages,
                (unsigned long long)xsr_host->free_pages,
                (unsigned long long)xsr_frame_backing());
}

/* Put n frames from mfn at the guest's page numbers. */
static int add_page(struct xsr_dom *d, uint64_t gfn, uint64_t mfn)
{
    int64_t old;

    if (!d->hvm) {
        xsr_m2p[mfn] = gfn;
        return 0;
    }
    if (gfn >= XSR_MAX_GFN)
        return -EINVAL;
    old = xsr_hv_gfn_to_mfn(d, gfn);
    if (old >= 0) /* replaced; it stays the domain's, and counts, as in Xen */
        xsr_m2p[old] = XSR_INVALID_M2P;
    xsr_hv_p2m_set(d, gfn, mfn);
    if (old >= 0) /* last: until then a repair takes the old one back */
        xsr_frames[old].flags |= XSR_FF_REPLACED;
    return 0;
}

static void undo_alloc(struct xsr_dom *d, uint64_t mfn, uint64_t n)
{
    xsr_frame_free(mfn, n);
    d->tot_pages -= n;
}

/* Order 0: whole batches in runs, as many as fit. */
static uint64_t populate_small(struct xsr_dom *d, xen_pfn_t *list, uint64_t n)
{
    uint64_t done = 0, mfn, got, i;

    while (done < n) {
        got = xsr_frame_alloc(d, xsr_min(n - done, room_for(d)), 0, 0, &mfn);
        if (got == 0)
            break;
        for (i = 0; i < got; i++) {
            if (add_page(d, list[done + i], mfn + i) < 0) {
                undo_alloc(d, mfn + i, got - i);
                return done + i;
            }
            if (!d->hvm)
                list[done + i] = mfn + i;
        }
        use_claim(d, got);
        done += got;
    }
    return done;
}

static uint64_t populate_large(struct xsr_dom *d, xen_pfn_t *list, uint64_t n,
                               unsigned order)
{
    uint64_t size = 1ull << order, done, mfn, i;

    for (done = 0; done < n && room_for(d) >= size; done++) {
        if (xsr_frame_alloc(d, size, order, 0, &mfn) == 0)
            break;
        for (i = 0; i < size; i++) {
            if (add_page(d, list[done] + i, mfn + i) < 0) {
                undo_alloc(d, mfn + i, size - i);
                return done;
            }
        }
        if (!d->hvm)
            list[done] = mfn;
        use_claim(d, size);
    }
    return done;
}

static uint64_t decrease(struct xsr_dom *d, const xen_pfn_t *list, uint64_t n,
                         unsigned order)
{
    uint64_t i, j;

    for (i = 0; i < n; i++)
        for (j = 0; j < 1ull << order; j++)
            if (xsr_hv_remove_page(d, list[i] + j) < 0)
                return i;
    return n;
}

static uint64_t increase(struct xsr_dom *d, xen_pfn_t *list, uint64_t n,
                         unsigned order)
{
    uint64_t i, mfn;

    for (i = 0; i < n && room_for(d) >= 1ull << order; i++) {
        if (xsr_frame_alloc(d, 1ull << order, order,
                            d->hvm ? XSR_FF_REPLACED : 0, &mfn) == 0)
            break;
        if (list && !d->hvm)
            list[i] = mfn;
    }
    return i;
}

/* The three reservation calls never give an error, only a count. */
static long reservation_op(unsigned op, unsigned long start, void *arg)
{
    struct xen_memory_reservation r;
    xen_pfn_t *list;
    struct xsr_dom *d;
    uint64_t n, done;

    if (!arg)
        return (long)start;
    memcpy(&r, arg, sizeof(r));
    d = xsr_hv_dom_any(r.domid);
    if (!d || d->dying || start >= r.nr_extents ||
        r.extent_order >
            (op == XENMEM_increase_reservation ? MAX_ORDER : DOM0_MAX_ORDER))
        return (long)start;
    list = r.extent_start.p;
    if (!list && op != XENMEM_increase_reservation)
        return (long)start;
    if (list)
        list += start;
    n = r.nr_extents - start;
    if (d->domid == 0 || (r.mem_flags & XENMEMF_populate_on_demand)) {
        xsr_sim_log("reservation call %u for domain %u, flags %#x: not on "
                    "this host",
                    op, d->domid, r.mem_flags);
        return (long)start;
    }
    if (op == XENMEM_decrease_reservation)
        done = decrease(d, list, n, r.extent_order);
    else if (xsr_hv_fault(d, XSR_FAULT_POPULATE))
        done = 0;
    else if (op == XENMEM_increase_reservation)
        done = increase(d, list, n, r.extent_order);
    else if (r.extent_order == 0)
        done = populate_small(d, list, n);
    else
        done = populate_large(d, list, n, r.extent_order);
    if (done < n)
        log_short(d,
                  op == XENMEM_decrease_reservation ? "decrease" : "populate",
                  done, &r);
    return (long)(start + done);
}

static long domain_size(unsigned op, void *arg)
{
    struct xen_memory_domain md;
    struct xsr_dom *d;
    const struct shared_info *si;

    if (!arg)
        return -EFAULT;
    memcpy(&md, arg, sizeof(md));
    d = xsr_hv_dom_any(md.domid);
    if (!d)
        return -ESRCH;
    if (op == XENMEM_current_reservation)
        return (long)d->tot_pages;
    if (op == XENMEM_maximum_reservation)
        return (long)d->max_pages;
    if (d->hvm)
        return (long)d->max_gfn;
    if (d->domid == 0)
        return (long)xsr_host->dom0_pages - 1;
    si = xsr_frame_bytes(d->shinfo_mfn);
    return si->arch.max_pfn ? (long)si->arch.max_pfn - 1 : 0;
}

static long mfn_list(void *arg, uint64_t first, uint64_t pages)
{
    struct xen_machphys_mfn_list l;
    unsigned n;

    if (!arg)
        return -EFAULT;
    memcpy(&l, arg, sizeof(l));
    if (l.max_extents && !l.extent_start.p)
        return -EFAULT;
    for (n = 0; n < l.max_extents && n * XSR_CHUNK < pages; n++)
        l.extent_start.p[n] = first + n * XSR_CHUNK;
    l.nr_extents = n;
    memcpy(arg, &l, sizeof(l));
    return 0;
}

static uint64_t special_mfn(struct xsr_dom *d, unsigned space, uint64_t idx)
{
    uint64_t mfn;

    if (space == XENMAPSPACE_shared_info && idx == 0)
        return d->shinfo_mfn;
    if (space == XENMAPSPACE_grant_table &&
        xsr_hv_grant_frame(d, idx, &mfn) == 0)
        return mfn;
    return XSR_INVALID_M2P;
}

long xsr_hv_add_to_physmap(struct xsr_dom *d, unsigned space, uint64_t idx,
                           uint64_t gfn)
{
    uint64_t mfn, old;
    int64_t there;
    int rc;

    if (!d->hvm)
        return -EACCES;
    if (gfn >= XSR_MAX_GFN)
        return gfn >> 40 ? -ENOENT : -EINVAL;
    if (space == XENMAPSPACE_gmfn) {
        there = xsr_hv_gfn_to_mfn(d, idx);
        mfn = there < 0 ? XSR_INVALID_M2P : (uint64_t)there;
    } else {
        mfn = special_mfn(d, space, idx);
    }
    if (mfn == XSR_INVALID_M2P)
        return -EINVAL;
    old = xsr_m2p[mfn];
    there = xsr_hv_gfn_to_mfn(d, gfn);
    if (there >= 0 && (uint64_t)there != mfn) {
        rc = xsr_hv_remove_page(d, gfn);
        if (rc < 0)
            return rc;
    }
    if (old != XSR_INVALID_M2P && old != gfn)
        xsr_hv_p2m_clear(d, old);
    xsr_hv_p2m_set(d, gfn, mfn);
    return 0;
}

static long physmap_op(unsigned op, void *arg)
{
    struct xen_remove_from_physmap rm;
    struct xen_add_to_physmap add;
    struct xsr_dom *d;
    int64_t mfn;

    if (!arg)
        return -EFAULT;
    if (op == XENMEM_add_to_physmap) {
        memcpy(&add, arg, sizeof(add));
        d = xsr_hv_dom_any(add.domid);
        if (add.space == XENMAPSPACE_gmfn_foreign ||
            add.space == XENMAPSPACE_gmfn_range)
            return -ENOSYS;
        return d ? xsr_hv_add_to_physmap(d, add.space, add.idx, add.gpfn)
                 : -ESRCH;
    }
    memcpy(&rm, arg, sizeof(rm));
    d = xsr_hv_dom_any(rm.domid);
    if (!d)
        return -ESRCH;
    if (!d->hvm)
        return -EACCES;
    mfn = xsr_hv_gfn_to_mfn(d, rm.gpfn);
    if (mfn < 0)
        return -ENOENT;
    xsr_m2p[mfn] = XSR_INVALID_M2P;
    xsr_hv_p2m_clear(d, rm.gpfn);
    return 0;
}

static long set_memory_map(void *arg)
{
    struct xen_foreign_memory_map fm;
    struct xsr_dom *d;

    if (!arg)
        return -EFAULT;
    memcpy(&fm, arg, sizeof(fm));
    if (fm.map.nr_entries > XSR_MAX_E820)
        return -EINVAL;
    d = xsr_hv_dom_any(fm.domid);
    if (!d)
        return -ESRCH;
    if (fm.map.nr_entries && !fm.map.buffer.p)
        return -EFAULT;
    if (fm.map.nr_entries)
        memcpy(d->e820, fm.map.buffer.p, fm.map.nr_entries * 20u);
    d->n_e820 = fm.map.nr_entries;
    return 0;
}

static long claim_pages(void *arg)
{
    struct xen_memory_reservation r;
    struct xsr_dom *d;
    uint64_t more;

    if (!arg)
        return -EFAULT;
    memcpy(&r, arg, sizeof(r));
    d = xsr_hv_dom(r.domid);
    if (r.extent_start.p || r.extent_order || r.mem_flags || !d)
        return -EINVAL;
    if (r.nr_extents == 0) {
        xsr_host->claimed -= d->outstanding;
        d->outstanding = 0;
        return 0;
    }
    if (d->outstanding || r.nr_extents > d->max_pages)
        return -EINVAL;
    if (r.nr_extents <= d->tot_pages)
        return -EINVAL;
    more = r.nr_extents - d->tot_pages;
    if (more >
        xsr_host->free_pages - xsr_min(xsr_host->claimed, xsr_host->free_pages))
        return -ENOMEM;
    d->outstanding = more;
    xsr_host->claimed += more;
    return 0;
}

/* How many frames a resource has; Xen gives an error for one it does not know
 * as if it were the number. */
static int resource_frames(const struct xsr_dom *d,
                           const struct xen_mem_acquire_resource *r,
                           uint32_t *max)
{
    if (r->type == XENMEM_resource_ioreq_server) {
        *max = IOREQ_FRAMES;
        return d->hvm ? 0 : -EINVAL;
    }
    *max = (uint32_t)-EOPNOTSUPP;
    if (r->type != XENMEM_resource_grant_table)
        return 0;
    *max = d->max_grants;
    if (r->id == XENMEM_resource_grant_table_id_status)
        *max = (d->max_grants * (XSR_PAGE_SIZE / 16) + STATUS_PER_FRAME - 1) /
               STATUS_PER_FRAME;
    return r->id > XENMEM_resource_grant_table_id_status ? -EINVAL : 0;
}

static long acquire_resource(void *arg)
{
    struct xen_mem_acquire_resource r;
    struct xsr_dom *d;
    uint32_t i, max;
    uint64_t mfn;
    int rc;

    if (!arg)
        return -EFAULT;
    memcpy(&r, arg, sizeof(r));
    if (r.pad || r.frame >> 32 || (r.frame + r.nr_frames) >> 32)
        return -EINVAL;
    if (r.domid == DOMID_SELF || r.domid == 0)
        return -EPERM;
    d = xsr_hv_dom(r.domid);
    if (!d)
        return -ESRCH;
    rc = resource_frames(d, &r, &max);
    if (rc < 0)
        return rc;
    if (!r.frame_list.p) {
        if (r.nr_frames)
            return -EINVAL;
        r.nr_frames = max;
        memcpy(arg, &r, sizeof(r));
        return 0;
    }
    if (r.type != XENMEM_resource_grant_table ||
        r.id != XENMEM_resource_grant_table_id_shared) {
        xsr_sim_log("not simulated: resource %u, id %u", r.type, r.id);
        return r.type == XENMEM_resource_ioreq_server  ? -ENOENT
               : r.type == XENMEM_resource_grant_table ? -EINVAL
                                                       : -EOPNOTSUPP;
    }
    if (r.nr_frames == 0)
        return -EINVAL;
    for (i = r.nr_frames; i-- > 0;) { /* the last first: it may grow */
        rc = xsr_hv_grant_frame(d, r.frame + i, &mfn);
        if (rc < 0)
            return rc;
        r.frame_list.p[i] = mfn;
    }
    return 0;
}

long xsr_hv_memory_op(unsigned long cmd, void *arg)
{
    unsigned op = (unsigned)(cmd & MEMOP_CMD_MASK);
    unsigned long start = cmd >> MEMOP_SHIFT;

    switch (op) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
        return reservation_op(op, start, arg);
    default:
        if (start)
            return -EINVAL;
    }
    switch (op) {
    case XENMEM_maximum_ram_page:
        return (long)xsr_host->total_pages;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
        return domain_size(op, arg);
    case XENMEM_machphys_mfn_list:
        return mfn_list(arg, xsr_host->m2p_mfn, xsr_host->m2p_pages);
    case XENMEM_machphys_compat_mfn_list:
        return mfn_list(arg, xsr_host->compat_mfn, XSR_CHUNK);
    case XENMEM_add_to_physmap:
    case XENMEM_remove_from_physmap:
        return physmap_op(op, arg);
    case XENMEM_set_memory_map:
        return set_memory_map(arg);
    case XENMEM_claim_pages:
        return claim_pages(arg);
    case XENMEM_acquire_resource:
        return acquire_resource(arg);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
        return 0;
    case XENMEM_get_vnumainfo:
        return -EOPNOTSUPP;
    default:
        xsr_sim_log("not simulated: memory_op %u", op);
        return -ENOSYS;
    }
}
