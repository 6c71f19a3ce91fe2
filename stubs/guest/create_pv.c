/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What makes a domain with memory a running PV guest: its p2m list, its page
 * tables (all of memory mapped in one piece, the tables themselves read-only;
 * the p2m list; a small user address space), GDT, start_info, shared_info and
 * the vCPUs. Xen checks it all when the tables are pinned and the vCPUs set.
 */
#include <stdio.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stubs/guest/gi.h"

#define INNER    0x67ull               /* present, rw, user, accessed, dirty */
#define LEAF_RW  0x8000000000000063ull /* kernel's, not executable */
#define LEAF_RO  0x8000000000000021ull
#define USER_RW  0x8000000000000067ull
#define SLOTS    512u
#define N_USER   32u /* pages that the user address space maps */
#define GDT_ENTS 16u

#define KERNEL_TEXT 0xffffffff81000000ull
#define KERNEL_CS   0xe033u
#define KERNEL_SS   0xe02bu

static uint64_t *table(struct xsr_birth *b, uint64_t pfn)
{
    return xsr_frame_bytes(b->mfn[pfn]);
}

static void link_to(struct xsr_birth *b, uint64_t from, uint64_t va,
                    unsigned level, uint64_t to, uint64_t flags)
{
    table(b, from)[(va >> (12 + 9 * (level - 1))) % SLOTS] =
        b->mfn[to] << 12 | flags;
}

static uint64_t gib_page(uint64_t chunk, unsigned at)
{
    return chunk / SLOTS * XSR_G_GIB + at;
}

/* Page tables and the GDT may not be mapped writable. */
static uint64_t leaf_flags(const struct xsr_layout *l, uint64_t pfn)
{
    return xsr_layout_table(l, pfn) || pfn == XSR_G_GDT ? LEAF_RO : LEAF_RW;
}

/* The part of p2m list and tables for 2 MiB of memory. */
static void make_chunk(struct xsr_birth *b, uint64_t chunk)
{
    uint64_t first = chunk * XSR_G_CHUNK, i, va, list_va;
    uint64_t l1 = first + XSR_G_AT_L1, p2m = first + XSR_G_AT_P2M;

    va = XSR_G_DIRECT_VA + first * XSR_PAGE_SIZE;
    list_va = XSR_G_P2M_VA + chunk * XSR_PAGE_SIZE;
    for (i = 0; i < XSR_G_CHUNK; i++) {
        table(b, p2m)[i] = UINT64_MAX;
        if (first + i >= b->lay.end)
            continue;
        table(b, p2m)[i] = b->mfn[first + i];
        table(b, l1)[i] =
            b->mfn[first + i] << 12 | leaf_flags(&b->lay, first + i);
    }
    if (chunk % SLOTS == 0) {
        link_to(b, XSR_G_L3, va, 3, gib_page(chunk, XSR_G_AT_L2), INNER);
        link_to(b, XSR_G_P2M_L2, list_va, 2, gib_page(chunk, XSR_G_AT_P2M_L1),
                INNER);
    }
    link_to(b, gib_page(chunk, XSR_G_AT_L2), va, 2, l1, INNER);
    link_to(b, gib_page(chunk, XSR_G_AT_P2M_L1), list_va, 1, p2m, LEAF_RW);
}

static void make_user_space(struct xsr_birth *b)
{
    uint64_t va = XSR_G_USER_VA, i, pfn = XSR_G_LOW;

    link_to(b, XSR_G_USER_L4, va, 4, XSR_G_USER_L3, INNER);
    link_to(b, XSR_G_USER_L3, va, 3, XSR_G_USER_L2, INNER);
    link_to(b, XSR_G_USER_L2, va, 2, XSR_G_USER_L1, INNER);
    for (i = 0; i < N_USER; i++, pfn++)
        if (pfn < b->lay.end && xsr_layout_is_data(&b->lay, pfn))
            link_to(b, XSR_G_USER_L1, va + i * XSR_PAGE_SIZE, 1, pfn, USER_RW);
}

static void make_tables(struct xsr_birth *b)
{
    uint64_t chunk;

    for (chunk = 0; chunk < xsr_layout_chunks(&b->lay); chunk++)
        make_chunk(b, chunk);
    link_to(b, XSR_G_L4, XSR_G_DIRECT_VA, 4, XSR_G_L3, INNER);
    link_to(b, XSR_G_L4, XSR_G_P2M_VA, 4, XSR_G_P2M_L3, INNER);
    link_to(b, XSR_G_P2M_L3, XSR_G_P2M_VA, 3, XSR_G_P2M_L2, INNER);
    make_user_space(b);
}

static int pin(struct xsr_birth *b, uint64_t pfn, enum xsr_ftype level,
               struct xsr_err *err)
{
    if (xsr_hv_pin(b->d, b->mfn[pfn], level) == 0)
        return 0;
    return xsr_fail(err, XSR_E_BUG,
                    "page table %#llx of the new guest is refused; the "
                    "host's log says why",
                    (unsigned long long)pfn);
}

/* Both roots, an L3, and every other L1 of the direct map, as Linux does. */
static int pin_tables(struct xsr_birth *b, struct xsr_err *err)
{
    uint64_t chunk;

    if (pin(b, XSR_G_L4, XSR_F_L4, err) < 0 ||
        pin(b, XSR_G_USER_L4, XSR_F_L4, err) < 0 ||
        pin(b, XSR_G_L3, XSR_F_L3, err) < 0)
        return -1;
    for (chunk = 1; chunk < xsr_layout_chunks(&b->lay); chunk += 2)
        if (pin(b, chunk * XSR_G_CHUNK + XSR_G_AT_L1, XSR_F_L1, err) < 0)
            return -1;
    return 0;
}

static void make_gdt(struct xsr_birth *b)
{
    uint64_t *gdt = table(b, XSR_G_GDT);

    gdt[1] = 0x00cfbb000000ffffull; /* code and data, ring 1 and 3 */
    gdt[2] = 0x00afbb000000ffffull;
    gdt[3] = 0x00cfb3000000ffffull;
    gdt[4] = 0x00cffb000000ffffull;
    gdt[5] = 0x00cff3000000ffffull;
    gdt[6] = 0x00affb000000ffffull;
}

static void make_start_info(struct xsr_birth *b)
{
    start_info_t *si = (void *)table(b, XSR_G_START_INFO);

    snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
    si->nr_pages = b->lay.end;
    si->shared_info = b->d->shinfo_mfn << 12;
    si->store_mfn = b->mfn[XSR_G_STORE];
    si->store_evtchn = b->store_port;
    si->console.domU.mfn = b->mfn[XSR_G_CONSOLE];
    si->console.domU.evtchn = b->console_port;
    si->pt_base = XSR_G_DIRECT_VA + XSR_G_L4 * XSR_PAGE_SIZE;
    si->nr_pt_frames = 1;
    si->mfn_list = XSR_G_P2M_VA;
    si->first_p2m_pfn = XSR_G_AT_P2M;
    si->nr_p2m_frames = xsr_layout_chunks(&b->lay);
    snprintf((char *)si->cmd_line, sizeof(si->cmd_line), "simulated guest");
}

/*
 * Where the p2m is: the list's address and root table, and the tree of frame
 * lists. Frames, so this is done anew after a restore.
 */
void xsr_guest_publish_p2m(const struct xsr_guest *g)
{
    struct shared_info *si = xsr_frame_bytes(g->d->shinfo_mfn);
    uint64_t chunks = xsr_layout_chunks(&g->lay), chunk, at;
    uint64_t *list_list = xsr_guest_page(g, XSR_G_LIST_LIST), *list;

    for (chunk = 0; list_list && chunk < chunks; chunk++) {
        at = gib_page(chunk, XSR_G_AT_LIST);
        list = xsr_guest_page(g, at);
        if (!list)
            break;
        list[chunk % SLOTS] =
            (uint64_t)xsr_guest_mfn(g->d, chunk * XSR_G_CHUNK + XSR_G_AT_P2M);
        list_list[chunk / SLOTS] = (uint64_t)xsr_guest_mfn(g->d, at);
        xsr_guest_dirty(g, at);
    }
    xsr_guest_dirty(g, XSR_G_LIST_LIST);
    si->arch.max_pfn = g->lay.end;
    si->arch.pfn_to_mfn_frame_list_list =
        (uint64_t)xsr_guest_mfn(g->d, XSR_G_LIST_LIST);
    if (g->desc->flags & XSR_GF_TREE)
        return;
    si->arch.p2m_vaddr = XSR_G_P2M_VA;
    si->arch.p2m_cr3 = (uint64_t)xsr_guest_mfn(g->d, XSR_G_L4) << 12;
}

/* ---- vCPUs --------------------------------------------------------------- */

uint64_t xsr_guest_reg(uint64_t seed, uint32_t n_suspends, uint32_t vcpu,
                       unsigned reg)
{
    return xsr_g_mix(seed ^
                     xsr_g_mix((uint64_t)n_suspends << 32 | vcpu << 8 | reg)) &
           0x7fffffffffffull; /* canonical, whatever it is used for */
}

static int set_xsave(struct xsr_dom *d, uint32_t id)
{
    uint8_t area[16 + XSR_XSAVE_MAX] = {0};
    size_t len = 16 + xsr_hv_xstate_size(7), i;
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_setvcpuextstate,
        .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
        .domain = (domid_t)d->domid,
    };

    xsr_st_le64(area, 7); /* xcr0, xcr0_accum, xstate_bv */
    xsr_st_le64(area + 8, 7);
    xsr_st_le16(area + 16, 0x37f);
    xsr_st_le32(area + 16 + 24, 0x1f80);
    for (i = 160; i < 416; i++) /* the SSE registers */
        area[16 + i] = (uint8_t)(xsr_g_mix(id * 256u + i) >> 7);
    xsr_st_le64(area + 16 + 512, 7);
    op.u.vcpuextstate.vcpu = id;
    op.u.vcpuextstate.size = len;
    op.u.vcpuextstate.xfeature_mask = 7;
    op.u.vcpuextstate.buffer.p = (void *)area;
    return (int)xsr_hv_domctl(&op);
}

static int set_msr(struct xsr_dom *d, uint32_t id)
{
    struct xen_domctl_vcpu_msr msr = {.index = 0xc0000103, .value = id};
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_set_vcpu_msrs,
        .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
        .domain = (domid_t)d->domid,
    };

    op.u.vcpu_msrs.vcpu = id;
    op.u.vcpu_msrs.msr_count = 1;
    op.u.vcpu_msrs.msrs.p = &msr;
    return (int)xsr_hv_domctl(&op);
}

static void fill_context(struct vcpu_guest_context *c, uint32_t id, uint64_t l4,
                         uint64_t user_l4, uint64_t gdt)
{
    unsigned i;

    c->flags = VGCF_i387_valid | VGCF_in_kernel | VGCF_online;
    c->user_regs.rip = KERNEL_TEXT + 0x1234 + id * 16;
    c->user_regs.cs = KERNEL_CS;
    c->user_regs.rflags = 0x246;
    c->user_regs.rsp = XSR_G_DIRECT_VA + 0x3ff8;
    c->user_regs.ss = KERNEL_SS;
    for (i = 0; i < XSR_ARRAY_LEN(c->trap_ctxt); i++) {
        c->trap_ctxt[i].vector = (uint8_t)i;
        c->trap_ctxt[i].cs = KERNEL_CS;
        c->trap_ctxt[i].address = i < 32 ? KERNEL_TEXT + 0x8000 + i * 64 : 0;
    }
    c->gdt_frames[0] = gdt;
    c->gdt_ents = GDT_ENTS;
    c->kernel_ss = KERNEL_SS;
    c->kernel_sp = XSR_G_DIRECT_VA + 0x4000;
    c->ctrlreg[3] = l4 << 12;
    c->ctrlreg[1] = user_l4 << 12;
    c->ctrlreg[4] = 0x2660;
    c->debugreg[6] = 0xffff0ff0;
    c->debugreg[7] = 0x400;
    c->event_callback_eip = KERNEL_TEXT + 0x9000;
    c->failsafe_callback_eip = KERNEL_TEXT + 0x9100;
    c->syscall_callback_eip = KERNEL_TEXT + 0x9200;
    c->gs_base_kernel = XSR_G_DIRECT_VA + 0x10000 + id * 4096;
    c->vm_assist = id == 0 ? 0x2c : 0;
}

int xsr_guest_vcpu_up(struct xsr_dom *d, uint32_t id, uint64_t l4,
                      uint64_t user_l4, uint64_t gdt, uint64_t start_info)
{
    struct vcpu_guest_context c = {0};
    struct xen_domctl op = {
        .cmd = XEN_DOMCTL_setvcpucontext,
        .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
        .domain = (domid_t)d->domid,
    };
    int rc;

    /* as in real guests, not every vCPU has been in user mode */
    fill_context(&c, id, l4, id % 2 ? 0 : user_l4, gdt);
    if (id == 0)
        c.user_regs.rdx = start_info;
    op.u.vcpucontext.vcpu = id;
    op.u.vcpucontext.ctxt.p = &c;
    rc = (int)xsr_hv_domctl(&op);
    if (rc == 0)
        rc = set_xsave(d, id);
    return rc == 0 ? set_msr(d, id) : rc;
}

int xsr_birth_pv(struct xsr_birth *b, struct xsr_err *err)
{
    struct xsr_guest g = {.d = b->d, .lay = b->lay};
    struct xsr_gdesc desc = {.flags = b->spec->p2m_tree ? XSR_GF_TREE : 0};
    uint32_t id;

    make_tables(b);
    make_gdt(b);
    make_start_info(b);
    b->store_gfn = b->mfn[XSR_G_STORE];
    b->console_gfn = b->mfn[XSR_G_CONSOLE];
    if (pin_tables(b, err) < 0)
        return -1;
    for (id = 0; id < b->spec->n_vcpus; id++)
        if (xsr_guest_vcpu_up(b->d, id, b->mfn[XSR_G_L4], b->mfn[XSR_G_USER_L4],
                              b->mfn[XSR_G_GDT], b->mfn[XSR_G_START_INFO]) < 0)
            return xsr_fail(err, XSR_E_BUG,
                            "vCPU %u of the new guest is refused; the host's "
                            "log says why",
                            id);
    g.desc = &desc;
    xsr_guest_publish_p2m(&g);
    return 0;
}
