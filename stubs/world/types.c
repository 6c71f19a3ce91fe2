/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Page types of PV domains: the rule that keeps a PV guest in its memory. A
 * frame is used as one type at a time, counted; to become a page table its
 * entries are checked, and every entry takes a reference on what it points
 * to: a table one level below, or from an L1 a page of the same domain,
 * writable only if that page is no page table or descriptor table.
 *
 * Called when page tables are pinned, when a vCPU gets its root tables and
 * GDT (domctl_vcpu.c) and when somebody maps a page writable (foreign.c).
 * A failed check leaves no reference behind.
 */
#include <errno.h>
#include <string.h>

#include "stubs/hv/hvi.h"

#define PTE_PRESENT    0x1ull
#define PTE_RW         0x2ull
#define PTE_CACHE      0x98ull /* PWT, PCD, PAT (in an L1) */
#define PTE_PSE        0x80ull
#define PTE_GLOBAL     0x100ull
#define PTE_GRANT      (1ull << 62)
#define PTE_FRAME      0x000ffffffffff000ull
#define PTE_BAD        0x198ull /* in every level */
#define N_ENTRIES      512u
#define XEN_SLOT_FIRST 256u /* of an L4: Xen's, not looked at */
#define XEN_SLOT_LAST  271u
#define XEN_SLOTS      0x74u /* those of them that are not empty */

static void put_children(struct xsr_dom *d, uint64_t mfn, unsigned level,
                         unsigned n);

static uint64_t entry(uint64_t mfn, unsigned i)
{
    const uint64_t *table = xsr_frame_bytes(mfn);

    return __atomic_load_n(&table[i], __ATOMIC_RELAXED);
}

static bool skip_slot(unsigned level, unsigned i)
{
    return level == XSR_F_L4 && i >= XEN_SLOT_FIRST && i <= XEN_SLOT_LAST;
}

static int bad_entry(const struct xsr_dom *d, uint64_t mfn, unsigned level,
                     unsigned i, uint64_t e, const char *why, int rc)
{
    xsr_sim_log("domain %u: L%u table, frame %#llx (pfn %#llx), entry %u = "
                "%#llx: %s",
                d->domid, level, (unsigned long long)mfn,
                (unsigned long long)xsr_m2p[mfn], i, (unsigned long long)e,
                why);
    return rc;
}

static uint64_t bad_bits(const struct xsr_dom *d, unsigned level)
{
    uint64_t bad = PTE_BAD;

    if (level == XSR_F_L1) {
        bad = (bad & ~PTE_GLOBAL) | PTE_GRANT;
        if (d->iomem_caps) /* has real devices: may choose caching */
            bad &= ~PTE_CACHE;
    }
    return bad;
}

/* Take the reference that e as entry i of a table of this level needs. */
static int get_entry(struct xsr_dom *d, uint64_t mfn, unsigned level,
                     unsigned i, uint64_t e)
{
    uint64_t target = (e & PTE_FRAME) >> 12;
    int rc = 0;

    if (level > XSR_F_L1 && (e & PTE_PSE))
        return bad_entry(d, mfn, level, i, e, "superpage", -EINVAL);
    if (e & bad_bits(d, level))
        return bad_entry(d, mfn, level, i, e, "flags that are not allowed",
                         -EINVAL);
    if (!xsr_frame_valid(target))
        return bad_entry(d, mfn, level, i, e, "frame is no memory", -EPERM);
    if (!xsr_frame_owned(target, d))
        return bad_entry(d, mfn, level, i, e, "frame of somebody else",
                         level == XSR_F_L1 ? -EBUSY : -EINVAL);
    if (level > XSR_F_L1)
        rc = xsr_hv_get_type(d, target, (enum xsr_ftype)(level - 1));
    else if (e & PTE_RW)
        rc = xsr_hv_get_type(d, target, XSR_F_WRITABLE);
    if (rc < 0)
        return bad_entry(d, mfn, level, i, e,
                         level == XSR_F_L1
                             ? "writable mapping of a page of another type"
                             : "does not lead to a table one level below",
                         level == XSR_F_L1 ? -EBUSY : rc);
    return 0;
}

static void put_entry(struct xsr_dom *d, unsigned level, uint64_t e)
{
    uint64_t target = (e & PTE_FRAME) >> 12;

    if (level > XSR_F_L1 || (e & PTE_RW))
        xsr_hv_put_type(d, target);
}

/* Xen puts its own mappings into every L4; tools have to hide them. */
static void fill_xen_slots(uint64_t mfn)
{
    uint64_t *table = xsr_frame_bytes(mfn);
    unsigned i;

    for (i = XEN_SLOT_FIRST; i <= XEN_SLOT_LAST; i++)
        table[i] = XEN_SLOTS >> (i - XEN_SLOT_FIRST) & 1
                       ? (xsr_host->m2p_mfn + i - XEN_SLOT_FIRST) << 12 | 0x63
                       : 0;
}

static int check_table(struct xsr_dom *d, uint64_t mfn, unsigned level)
{
    unsigned i;
    int rc = 0;

    for (i = 0; i < N_ENTRIES; i++) {
        if (skip_slot(level, i) || !(entry(mfn, i) & PTE_PRESENT))
            continue;
        rc = get_entry(d, mfn, level, i, entry(mfn, i));
        if (rc < 0)
            break;
    }
    if (rc < 0)
        put_children(d, mfn, level, i);
    else if (level == XSR_F_L4)
        fill_xen_slots(mfn);
    return rc;
}

static void put_children(struct xsr_dom *d, uint64_t mfn, unsigned level,
                         unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++)
        if (!skip_slot(level, i) && (entry(mfn, i) & PTE_PRESENT))
            put_entry(d, level, entry(mfn, i));
}

/*
 * A descriptor table may hold code and data segments and call gates; other
 * system descriptors would let the guest escape.
 */
static int check_descriptors(const struct xsr_dom *d, uint64_t mfn)
{
    const uint32_t *p = xsr_frame_bytes(mfn);
    unsigned i;

    for (i = 0; i < XSR_CHUNK; i++) {
        uint32_t b = p[2 * i + 1], type = (b >> 8) & 0xf;

        if (!(b & 0x8000) || (b & 0x1000) || type == 0 || type == 0xc)
            continue;
        xsr_sim_log("domain %u: descriptor %u in frame %#llx has system type "
                    "%u; only call gates are allowed",
                    d->domid, i, (unsigned long long)mfn, type);
        return -EINVAL;
    }
    return 0;
}

static int check_content(struct xsr_dom *d, uint64_t mfn, enum xsr_ftype type)
{
    switch (type) {
    case XSR_F_L1:
    case XSR_F_L2:
    case XSR_F_L3:
    case XSR_F_L4:
        return check_table(d, mfn, type);
    case XSR_F_SEG:
        return check_descriptors(d, mfn);
    default:
        return 0;
    }
}

static int type_conflict(const struct xsr_dom *d, uint64_t mfn,
                         enum xsr_ftype type)
{
    static const char *const names[] = {
        "none", "L1", "L2", "L3", "L4", "descriptor table", "writable"};
    const struct xsr_frame *f = &xsr_frames[mfn];

    xsr_sim_log("domain %u: frame %#llx (pfn %#llx) is in use as %s (%u "
                "references), wanted as %s%s",
                d->domid, (unsigned long long)mfn,
                (unsigned long long)xsr_m2p[mfn], names[f->type], f->tcount,
                names[type],
                f->type == XSR_F_WRITABLE && f->maps
                    ? "; it is mapped writable by a toolstack process"
                    : "");
    return -EINVAL;
}

int xsr_hv_get_type(struct xsr_dom *d, uint64_t mfn, enum xsr_ftype type)
{
    struct xsr_frame *f = &xsr_frames[mfn];
    int rc;

    if (d->hvm)
        return 0; /* translated domains have no types */
    if (f->tcount > 0 && f->type != type &&
        !(f->maps && xsr_hv_purge_dead_maps() && f->tcount == 0))
        return type_conflict(d, mfn, type);
    if (f->tcount == UINT32_MAX)
        return -EINVAL;
    if (f->tcount++ > 0)
        return 0;
    xsr_host_edge();
    f->type = (uint8_t)type;
    if ((f->flags & XSR_FF_SPECIAL) && type != XSR_F_WRITABLE)
        rc = -EINVAL;
    else
        rc = check_content(d, mfn, type);
    if (rc < 0) {
        f->tcount = 0;
        f->type = XSR_F_NONE;
    }
    return rc;
}

void xsr_hv_put_type(struct xsr_dom *d, uint64_t mfn)
{
    struct xsr_frame *f = &xsr_frames[mfn];

    if (d->hvm || f->tcount == 0 || --f->tcount > 0)
        return;
    if (f->type >= XSR_F_L1 && f->type <= XSR_F_L4)
        put_children(d, mfn, f->type, N_ENTRIES);
    f->type = XSR_F_NONE;
}

/*
 * What a guest's own mmu_update does: entry i of a page table in use becomes
 * e. The store is what counts; references follow it, so a repair after a death
 * in between finds them all by itself.
 */
int xsr_hv_set_entry(struct xsr_dom *d, uint64_t mfn, unsigned i, uint64_t e)
{
    uint64_t *table = xsr_frame_bytes(mfn), old = table[i];
    unsigned level = xsr_frames[mfn].tcount ? xsr_frames[mfn].type : 0;
    int rc = 0;

    if (level < XSR_F_L1 || level > XSR_F_L4 || skip_slot(level, i))
        return -EINVAL;
    if (e & PTE_PRESENT)
        rc = get_entry(d, mfn, level, i, e);
    if (rc < 0)
        return rc;
    xsr_host_edge();
    __atomic_store_n(&table[i], e, __ATOMIC_RELEASE);
    xsr_host_edge();
    if (old & PTE_PRESENT)
        put_entry(d, level, old);
    return 0;
}

int xsr_hv_pin(struct xsr_dom *d, uint64_t mfn, enum xsr_ftype type)
{
    int rc;

    if (!xsr_frame_owned(mfn, d)) {
        xsr_sim_log("domain %u: cannot pin frame %#llx: not its own", d->domid,
                    (unsigned long long)mfn);
        return -EINVAL;
    }
    rc = xsr_hv_get_type(d, mfn, type);
    if (rc < 0)
        return rc;
    if (xsr_frames[mfn].flags & XSR_FF_PINNED) {
        xsr_sim_log("domain %u: frame %#llx is pinned already", d->domid,
                    (unsigned long long)mfn);
        xsr_hv_put_type(d, mfn);
        return -EINVAL;
    }
    xsr_frames[mfn].pinned_as = (uint8_t)type;
    xsr_host_edge();
    __atomic_store_n(&xsr_frames[mfn].flags,
                     xsr_frames[mfn].flags | XSR_FF_PINNED, __ATOMIC_RELEASE);
    return 0;
}

int xsr_hv_unpin(struct xsr_dom *d, uint64_t mfn)
{
    if (!xsr_frame_owned(mfn, d) || !(xsr_frames[mfn].flags & XSR_FF_PINNED)) {
        xsr_sim_log("domain %u: frame %#llx is not pinned", d->domid,
                    (unsigned long long)mfn);
        return -EINVAL;
    }
    __atomic_store_n(&xsr_frames[mfn].flags,
                     (uint8_t)(xsr_frames[mfn].flags & ~XSR_FF_PINNED),
                     __ATOMIC_RELEASE);
    xsr_host_edge();
    xsr_hv_put_type(d, mfn);
    return 0;
}

static void retype_one(struct xsr_dom *d, uint64_t mfn, enum xsr_ftype type)
{
    if (xsr_hv_get_type(d, mfn, type) < 0)
        xsr_sim_log("domain %u: frame %#llx lost its type in a repair",
                    d->domid, (unsigned long long)mfn);
}

/*
 * After a repair cleared all types and counts of d: take every reference
 * again that is known for certain.
 */
void xsr_hv_retype(struct xsr_dom *d)
{
    uint16_t owner = (uint16_t)(d->domid + 1);
    uint64_t mfn;
    uint32_t i, g;

    if (d->hvm)
        return;
    for (mfn = xsr_host->dom0_pages; mfn < xsr_host->compat_mfn; mfn++) {
        if (xsr_host->chunk_used[mfn / XSR_CHUNK] == 0) {
            mfn |= XSR_CHUNK - 1;
            continue;
        }
        if (xsr_frames[mfn].owner == owner &&
            (xsr_frames[mfn].flags & XSR_FF_PINNED))
            retype_one(d, mfn, xsr_frames[mfn].pinned_as);
    }
    for (i = 0; i < d->max_vcpus; i++) {
        const struct xsr_vcpu *v = &d->vcpu[i];

        if (!v->initialised)
            continue;
        for (g = 0; g < (v->ctx.gdt_ents + 511) / 512; g++)
            retype_one(d, v->ctx.gdt_frames[g], XSR_F_SEG);
        if (v->table)
            retype_one(d, v->table - 1, XSR_F_L4);
        if (v->user_table)
            retype_one(d, v->user_table - 1, XSR_F_L4);
    }
}
