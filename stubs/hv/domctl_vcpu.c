/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domctl on vCPUs: register contexts, the extended context, XSAVE areas, MSRs,
 * affinity. Setting a PV vCPU's context for the first time takes type
 * references: on its root page tables, which are checked down to the last
 * entry (world/types.c), and on the frames of its GDT. A second setting may
 * not change them.
 */
#include <errno.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stubs/hv/hvi.h"

#define MAX_GDT_ENTS FIRST_RESERVED_GDT_ENTRY
#define MAX_LDT_ENTS 8192u
#define CR0_TS       8u
#define CR0_HOST     0x80050033ull /* what Xen runs PV guests with */
#define RFLAGS_IF    0x200u
#define DR6_SET      0xffff0ff0u
#define DR7_SET      0x400u
#define XSAVE_HEAD   16u
#define VMCE_CAPS    0x90008ffull /* banks, TES, SER, LMCE */
#define VM_ASSIST_OK (0x3full | 1ull << VMASST_TYPE_m2p_strict)
#define HVM_ASSIST   (1ull << VMASST_TYPE_runstate_update_flag)
#define XEN_END      0xffff880000000000ull /* of the addresses Xen keeps */

static bool canonical(uint64_t a)
{
    return (int64_t)(a << 16) >> 16 == (int64_t)a;
}

static int refuse(const struct xsr_dom *d, uint32_t id, const char *why)
{
    xsr_sim_log("domain %u: context of vCPU %u refused: %s", d->domid, id, why);
    return -EINVAL;
}

static int check_addresses(const struct xsr_dom *d, uint32_t id,
                           const struct vcpu_guest_context *c)
{
    const struct cpu_user_regs *r = &c->user_regs;
    unsigned i;

    if (!canonical(r->rip) || !canonical(r->rsp) || !canonical(c->kernel_sp) ||
        (c->ldt_ents && !canonical(c->ldt_base)) || !canonical(c->fs_base) ||
        !canonical(c->gs_base_kernel) || !canonical(c->gs_base_user) ||
        !canonical(c->event_callback_eip) ||
        !canonical(c->syscall_callback_eip) ||
        !canonical(c->failsafe_callback_eip))
        return refuse(d, id, "an address is not canonical");
    for (i = 0; i < XSR_ARRAY_LEN(c->trap_ctxt); i++)
        if (!canonical(c->trap_ctxt[i].address))
            return refuse(d, id, "a trap handler is not canonical");
    if (c->ldt_base >= 1ull << 47 && c->ldt_base < XEN_END)
        return refuse(d, id, "the LDT lies where Xen does");
    if (c->ldt_base % XSR_PAGE_SIZE || c->ldt_ents > MAX_LDT_ENTS)
        return refuse(d, id, "LDT");
    if (c->gdt_ents > MAX_GDT_ENTS)
        return refuse(d, id, "GDT has more than 7168 entries");
    return 0;
}

static uint64_t cr3_frame(uint64_t cr3)
{
    return cr3 >> XSR_PAGE_SHIFT;
}

/* Nothing that holds references may differ from what is set already. */
static int check_same(const struct xsr_vcpu *v,
                      const struct vcpu_guest_context *c)
{
    size_t frames = (c->gdt_ents + 511) / 512;

    if (cr3_frame(c->ctrlreg[3]) + 1 != v->table ||
        (v->user_table ? cr3_frame(c->ctrlreg[1]) + 1 != v->user_table
                       : c->ctrlreg[1] || !(c->flags & VGCF_in_kernel)) ||
        c->gdt_ents != v->ctx.gdt_ents || c->ldt_ents != v->ctx.ldt_ents ||
        (c->ldt_ents && c->ldt_base != v->ctx.ldt_base) ||
        memcmp(c->gdt_frames, v->ctx.gdt_frames, frames * sizeof(uint64_t)))
        return -EOPNOTSUPP;
    return 0;
}

static void put_gdt(struct xsr_dom *d, const struct vcpu_guest_context *c,
                    size_t n)
{
    while (n-- > 0)
        xsr_hv_put_type(d, c->gdt_frames[n]);
}

static int get_gdt(struct xsr_dom *d, uint32_t id,
                   const struct vcpu_guest_context *c)
{
    size_t i, n = (c->gdt_ents + 511) / 512;

    for (i = 0; i < n; i++) {
        if (xsr_frame_owned(c->gdt_frames[i], d) &&
            xsr_hv_get_type(d, c->gdt_frames[i], XSR_F_SEG) == 0)
            continue;
        put_gdt(d, c, i);
        return refuse(d, id,
                      "a GDT frame is not the domain's, or no page "
                      "for descriptors");
    }
    return 0;
}

static int get_root(struct xsr_dom *d, uint32_t id, uint64_t mfn)
{
    if (!xsr_frame_owned(mfn, d) || xsr_hv_get_type(d, mfn, XSR_F_L4) < 0)
        return refuse(d, id,
                      "a root page table is not the domain's, or no "
                      "valid L4 table");
    return 0;
}

static int get_references(struct xsr_dom *d, uint32_t id, struct xsr_vcpu *v,
                          const struct vcpu_guest_context *c)
{
    uint64_t root = cr3_frame(c->ctrlreg[3]), user = cr3_frame(c->ctrlreg[1]);
    size_t n_gdt = (c->gdt_ents + 511) / 512;

    if (!(c->flags & VGCF_in_kernel) && !c->ctrlreg[1])
        return refuse(d, id, "in user mode without a user root table");
    if (get_gdt(d, id, c) < 0)
        return -EINVAL;
    if (get_root(d, id, root) < 0) {
        put_gdt(d, c, n_gdt);
        return -EINVAL;
    }
    if (c->ctrlreg[1] && get_root(d, id, user) < 0) {
        xsr_hv_put_type(d, root);
        put_gdt(d, c, n_gdt);
        return -EINVAL;
    }
    v->table = root + 1;
    v->user_table = c->ctrlreg[1] ? user + 1 : 0;
    return 0;
}

/* vcpu_reset: the references go, the vCPU is as new. */
static long reset_vcpu(struct xsr_dom *d, struct xsr_vcpu *v)
{
    if (!v->initialised)
        return 0;
    v->initialised = v->online = 0;
    if (d->hvm)
        return 0;
    if (v->user_table)
        xsr_hv_put_type(d, v->user_table - 1);
    if (v->table)
        xsr_hv_put_type(d, v->table - 1);
    put_gdt(d, &v->ctx, (v->ctx.gdt_ents + 511) / 512);
    v->table = v->user_table = 0;
    memset(&v->ctx, 0, sizeof(v->ctx));
    return 0;
}

/* What Xen does not leave to a PV guest: its privilege, that interrupts reach
 * Xen, and bits of the debug registers that are always set. */
static void fix_up(struct vcpu_guest_context *c)
{
    c->user_regs.rflags |= RFLAGS_IF;
    if (!(c->user_regs.cs & 3))
        c->user_regs.cs |= 3;
    if (!(c->user_regs.ss & 3))
        c->user_regs.ss |= 3;
    c->debugreg[6] |= DR6_SET;
    c->debugreg[7] |= DR7_SET;
}

static long set_context(struct xsr_dom *d, struct xen_domctl_vcpucontext *op)
{
    struct xsr_vcpu *v = xsr_hv_vcpu(d, op->vcpu);
    struct vcpu_guest_context c;
    int rc = 0;

    if (d->domid == 0 || !v)
        return -EINVAL;
    if (!op->ctxt.p)
        return reset_vcpu(d, v);
    memcpy(&c, op->ctxt.p, sizeof(c));
    if (op->vcpu == 0 && (c.vm_assist & ~(d->hvm ? HVM_ASSIST : VM_ASSIST_OK)))
        return refuse(d, 0, "unknown vm_assist bits");
    if (!d->hvm) {
        rc = check_addresses(d, op->vcpu, &c);
        if (rc == 0)
            rc = v->initialised ? check_same(v, &c)
                                : get_references(d, op->vcpu, v, &c);
    }
    if (rc < 0)
        return rc;
    xsr_host_edge();
    c.ctrlreg[0] = (c.ctrlreg[0] & CR0_TS) | (CR0_HOST & ~(uint64_t)CR0_TS);
    if (!d->hvm)
        fix_up(&c);
    v->ctx = c;
    if (op->vcpu == 0)
        d->vm_assist = c.vm_assist;
    v->online = !!(c.flags & VGCF_online);
    if (!d->hvm) /* a translated guest's vCPU: by its CPU entry alone */
        v->initialised = 1;
    return 0;
}

static long get_context(struct xsr_dom *d, struct xen_domctl_vcpucontext *op)
{
    struct xsr_vcpu *v = xsr_hv_vcpu(d, op->vcpu);

    if (!v || d->domid == 0 || xsr_hv_fault(d, XSR_FAULT_CONTEXT))
        return -EINVAL;
    if (!v->initialised)
        return -ENODATA;
    if (!op->ctxt.p)
        return -EFAULT;
    memcpy(op->ctxt.p, &v->ctx, sizeof(v->ctx));
    op->ctxt.p->flags =
        (v->ctx.flags & ~(uint64_t)VGCF_online) | (v->online ? VGCF_online : 0);
    return 0;
}

static long get_info(struct xsr_dom *d, struct xen_domctl_getvcpuinfo *op)
{
    struct xsr_vcpu *v;

    if (op->vcpu >= d->max_vcpus)
        return -EINVAL;
    v = xsr_hv_vcpu(d, op->vcpu);
    if (!v)
        return -ESRCH;
    op->online = v->online;
    op->blocked = v->online && d->domid != 0;
    op->running = d->domid == 0;
    op->cpu_time = 0;
    op->cpu = op->vcpu % xsr_host->n_cpus;
    return 0;
}

static long set_ext(struct xsr_dom *d, struct xsr_vcpu *v,
                    const struct xen_domctl_ext_vcpucontext *e)
{
    if (d->domid == 0 || e->size < 32)
        return -EINVAL;
    if (d->hvm) {
        if ((e->sysenter_callback_cs & ~3) || e->sysenter_callback_eip ||
            (e->syscall32_callback_cs & ~3) || e->syscall32_callback_eip)
            return -EINVAL;
    } else {
        if (!canonical(e->sysenter_callback_eip) ||
            !canonical(e->syscall32_callback_eip))
            return -EINVAL;
        v->sysenter_cs = e->sysenter_callback_cs;
        v->sysenter_eip = e->sysenter_callback_eip;
        v->sysenter_off = e->sysenter_disables_events;
        v->syscall32_cs = e->syscall32_callback_cs;
        v->syscall32_eip = e->syscall32_callback_eip;
        v->syscall32_off = e->syscall32_disables_events;
    }
    if (e->size >= 40 && (e->vmce.caps & ~VMCE_CAPS))
        return -EINVAL;
    /* older toolstacks send only a part of the machine check state */
    if (e->size >= 64)
        v->vmce = e->vmce;
    else if (e->size >= 56)
        memcpy(&v->vmce, &e->vmce, 24);
    else if (e->size >= 40)
        memcpy(&v->vmce, &e->vmce, 8);
    return 0;
}

static void get_ext(const struct xsr_vcpu *v,
                    struct xen_domctl_ext_vcpucontext *e)
{
    uint32_t id = e->vcpu;

    memset(e, 0, sizeof(*e));
    e->vcpu = id;
    e->size = sizeof(*e);
    e->sysenter_callback_cs = v->sysenter_cs;
    e->sysenter_callback_eip = v->sysenter_eip;
    e->sysenter_disables_events = v->sysenter_off;
    e->syscall32_callback_cs = v->syscall32_cs;
    e->syscall32_callback_eip = v->syscall32_eip;
    e->syscall32_disables_events = v->syscall32_off;
    e->vmce = v->vmce;
}

static long get_xsave(struct xsr_vcpu *v, struct xen_domctl_vcpuextstate *op)
{
    size_t size = XSAVE_HEAD + xsr_hv_xstate_size(v->xcr0_accum);
    uint8_t *out;

    if ((!op->size && !op->xfeature_mask) || !op->buffer.p) {
        op->xfeature_mask = XSR_XFEATURES;
        op->size = XSAVE_HEAD + xsr_hv_xstate_size(XSR_XFEATURES);
        return 0;
    }
    if (op->size < size || op->xfeature_mask != XSR_XFEATURES)
        return -EINVAL;
    out = (uint8_t *)op->buffer.p;
    xsr_st_le64(out, v->xcr0);
    xsr_st_le64(out + 8, v->xcr0_accum);
    memcpy(out + XSAVE_HEAD, v->xsave, size - XSAVE_HEAD);
    op->size = size;
    return 0;
}

static long set_xsave(struct xsr_dom *d, struct xsr_vcpu *v,
                      const struct xen_domctl_vcpuextstate *op)
{
    const uint8_t *in = (const uint8_t *)op->buffer.p;
    uint64_t xcr0, accum;
    int rc = -EINVAL;

    if (op->size < XSAVE_HEAD ||
        op->size > XSAVE_HEAD + xsr_hv_xstate_size(XSR_XFEATURES))
        return -EINVAL;
    if (!in)
        return -EFAULT;
    xcr0 = xsr_le64(in);
    accum = xsr_le64(in + 8);
    if (accum && op->size >= XSAVE_HEAD + 576)
        rc = xsr_hv_check_xstate(d, xcr0, accum, in + XSAVE_HEAD);
    else if (!accum && !xcr0)
        rc = 0;
    if (rc < 0)
        return rc;
    if (op->size == XSAVE_HEAD)
        return 0; /* untouched state: nothing to load */
    if (op->size != XSAVE_HEAD + xsr_hv_xstate_size(accum))
        return -EINVAL;
    v->xcr0 = xcr0;
    v->xcr0_accum = accum;
    v->xsave_len = (uint32_t)(op->size - XSAVE_HEAD);
    memcpy(v->xsave, in + XSAVE_HEAD, v->xsave_len);
    return 0;
}

static bool msr_known(uint32_t index)
{
    return index == 0x48 || index == 0x140 || index == 0xc0000103 ||
           index == 0xc0011027 || (index >= 0xc0011019 && index <= 0xc001101b);
}

#define MAX_VCPU_MSRS 7u

static long msrs_op(struct xsr_dom *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpu_msrs *m = &op->u.vcpu_msrs;
    struct xsr_vcpu *v = xsr_hv_vcpu(d, m->vcpu);
    struct xen_domctl_vcpu_msr one;
    uint32_t i, k;

    if (!v)
        return -ESRCH;
    if (d->hvm || d->domid == 0)
        return -EINVAL;
    if (op->cmd == XEN_DOMCTL_get_vcpu_msrs) {
        if (m->msrs.p && m->msr_count < v->n_msrs) {
            m->msr_count = v->n_msrs;
            return -ENOBUFS;
        }
        for (i = 0; m->msrs.p && i < v->n_msrs; i++) {
            memset(&one, 0, sizeof(one));
            one.index = (uint32_t)v->msrs[i].index;
            one.value = v->msrs[i].value;
            memcpy(&m->msrs.p[i], &one, sizeof(one));
        }
        m->msr_count = m->msrs.p ? v->n_msrs : MAX_VCPU_MSRS;
        return 0;
    }
    if (m->msr_count > MAX_VCPU_MSRS || (m->msr_count && !m->msrs.p))
        return -EINVAL;
    for (i = 0; i < m->msr_count; i++) {
        memcpy(&one, &m->msrs.p[i], sizeof(one));
        if (one.reserved || !msr_known(one.index)) {
            m->msr_count = i;
            return -EINVAL;
        }
        for (k = 0; k < v->n_msrs && v->msrs[k].index != one.index; k++)
            ;
        v->msrs[k].index = one.index;
        v->msrs[k].value = one.value;
        v->n_msrs += k == v->n_msrs;
    }
    return 0;
}

static long affinity(struct xsr_dom *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    bool set = op->cmd == XEN_DOMCTL_setvcpuaffinity;
    struct xsr_vcpu *v;
    int rc = 0;

    if (a->vcpu >= d->max_vcpus)
        return -EINVAL;
    v = xsr_hv_vcpu(d, a->vcpu);
    if (!v)
        return -ESRCH;
    if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
        return -EINVAL;
    if (set && (a->flags & XEN_VCPUAFFINITY_HARD))
        rc = xsr_hv_bitmap_in(v->hard, 256, &a->cpumap_hard);
    if (rc == 0 && set && (a->flags & XEN_VCPUAFFINITY_SOFT))
        rc = xsr_hv_bitmap_in(v->soft, 256, &a->cpumap_soft);
    if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_HARD))
        rc = xsr_hv_bitmap_out(&a->cpumap_hard, v->hard, xsr_host->n_cpus);
    if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_SOFT))
        rc = xsr_hv_bitmap_out(&a->cpumap_soft, v->soft, xsr_host->n_cpus);
    return rc;
}

long xsr_hv_domctl_vcpu(struct xsr_dom *d, struct xen_domctl *op)
{
    struct xsr_vcpu *v;

    switch (op->cmd) {
    case XEN_DOMCTL_setvcpucontext:
        return set_context(d, &op->u.vcpucontext);
    case XEN_DOMCTL_getvcpucontext:
        return get_context(d, &op->u.vcpucontext);
    case XEN_DOMCTL_getvcpuinfo:
        return get_info(d, &op->u.getvcpuinfo);
    case XEN_DOMCTL_set_ext_vcpucontext:
    case XEN_DOMCTL_get_ext_vcpucontext:
        v = xsr_hv_vcpu(d, op->u.ext_vcpucontext.vcpu);
        if (!v)
            return -ESRCH;
        if (op->cmd == XEN_DOMCTL_set_ext_vcpucontext)
            return set_ext(d, v, &op->u.ext_vcpucontext);
        get_ext(v, &op->u.ext_vcpucontext);
        return 0;
    case XEN_DOMCTL_setvcpuextstate:
    case XEN_DOMCTL_getvcpuextstate:
        v = xsr_hv_vcpu(d, op->u.vcpuextstate.vcpu);
        if (!v)
            return -ESRCH;
        if (op->cmd == XEN_DOMCTL_setvcpuextstate)
            return set_xsave(d, v, &op->u.vcpuextstate);
        return get_xsave(v, &op->u.vcpuextstate);
    case XEN_DOMCTL_set_vcpu_msrs:
    case XEN_DOMCTL_get_vcpu_msrs:
        return msrs_op(d, op);
    case XEN_DOMCTL_setvcpuaffinity:
    case XEN_DOMCTL_getvcpuaffinity:
        return affinity(d, op);
    default:
        return -ENOSYS;
    }
}
