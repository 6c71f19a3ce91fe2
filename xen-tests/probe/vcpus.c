/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions about vCPUs and CPU policies: contexts before and after the first,
 * which contents are refused, sizes of the extended state, MSRs, and what a
 * policy may not claim. What the CPU itself decides is not part of an answer.
 */
#include "probe.h"

static struct xen_domctl op;

static long ask(uint32_t cmd, uint32_t domid)
{
    return domctl(cmd, domid, &op);
}

/* ---- contexts ------------------------------------------------------------ */

static void try_context(const char *what, uint32_t domid, unsigned vcpu,
                        const vcpu_guest_context_any_t *c)
{
    vcpu_guest_context_any_t copy = *c;

    gave(what, xc_vcpu_setcontext(xch, domid, vcpu, &copy));
}

static vcpu_guest_context_any_t good_context(enum kind kind, uint64_t root)
{
    vcpu_guest_context_any_t c;

    memset(&c, 0, sizeof(c));
    c.x64.flags = VGCF_in_kernel | VGCF_online;
    c.x64.user_regs.rip = 0x1000;
    c.x64.user_regs.cs = 0xe033;
    c.x64.user_regs.ss = 0xe02b;
    c.x64.user_regs.rflags = 0x202;
    if (kind == PV)
        c.x64.ctrlreg[3] = root << 12;
    return c;
}

static void ask_bad_contexts(uint32_t domid, const vcpu_guest_context_any_t *g,
                             uint64_t data)
{
    vcpu_guest_context_any_t c = *g;

    c.x64.user_regs.rip = 1ull << 60;
    try_context("rip not canonical", domid, 0, &c);
    c = *g;
    c.x64.kernel_sp = 1ull << 60;
    try_context("kernel stack not canonical", domid, 0, &c);
    c = *g;
    c.x64.fs_base = 1ull << 60;
    try_context("fs base not canonical", domid, 0, &c);
    c = *g;
    c.x64.event_callback_eip = 1ull << 60;
    try_context("callback not canonical", domid, 0, &c);
    c = *g;
    c.x64.trap_ctxt[3].address = 1ull << 60;
    try_context("trap handler not canonical", domid, 0, &c);
    c = *g;
    c.x64.ldt_ents = 8193;
    try_context("LDT of 8193 entries", domid, 0, &c);
    c = *g;
    c.x64.ldt_ents = 4;
    c.x64.ldt_base = 0x1008;
    try_context("LDT within a page", domid, 0, &c);
    c = *g;
    c.x64.gdt_ents = 7169;
    try_context("GDT of 7169 entries", domid, 0, &c);
    c = *g;
    c.x64.gdt_ents = 10;
    c.x64.gdt_frames[0] = 1ull << 40;
    try_context("GDT in no frame", domid, 0, &c);
    c = *g;
    c.x64.vm_assist = 1ull << 40;
    try_context("unknown vm_assist", domid, 0, &c);
    c = *g;
    c.x64.ctrlreg[3] = data << 12;
    c.x64.flags &= ~(uint64_t)VGCF_in_kernel;
    try_context("user mode without a user table", domid, 0, &c);
    c = *g;
    c.x64.ctrlreg[3] = 1ull << 52;
    try_context("cr3 in no frame", domid, 0, &c);
}

static void ask_contexts(enum kind kind)
{
    uint32_t domid = new_domain(kind, 2, 64);
    vcpu_guest_context_any_t c, g;
    xc_vcpuinfo_t info;
    uint64_t list[8];

    give_pages(domid, 0, 8, list);
    gave("context of a new vCPU", xc_vcpu_getcontext(xch, domid, 0, &c));
    gave("context of vCPU 2 of 2", xc_vcpu_getcontext(xch, domid, 2, &c));
    gave("context of vCPU 9999", xc_vcpu_getcontext(xch, domid, 9999, &c));
    gave("info of a new vCPU", xc_vcpu_getinfo(xch, domid, 0, &info));
    said("it is", "online %u blocked %u running %u", info.online, info.blocked,
         info.running);
    gave("info of vCPU 2 of 2", xc_vcpu_getinfo(xch, domid, 2, &info));
    g = good_context(kind, list[0]);
    ask_bad_contexts(domid, &g, list[1]);
    try_context("vCPU 2 of 2 gets a context", domid, 2, &g);
    try_context("a context", domid, 0, &g);
    said("vCPUs online then", "%u", info_of(domid).nr_online_vcpus);
    if (xc_vcpu_getcontext(xch, domid, 0, &c) == 0)
        said("it reads as",
             "flags %#lx, cr0 %#lx, vm_assist %#lx, rflags %#lx, cs %#x, "
             "ss %#x, cr3 %s, dr6 %#lx, dr7 %#lx",
             (unsigned long)c.x64.flags, (unsigned long)c.x64.ctrlreg[0] & ~8ul,
             (unsigned long)c.x64.vm_assist,
             (unsigned long)c.x64.user_regs.rflags, c.x64.user_regs.cs,
             c.x64.user_regs.ss,
             c.x64.ctrlreg[3] == g.x64.ctrlreg[3] ? "the same" : "another",
             (unsigned long)c.x64.debugreg[6],
             (unsigned long)c.x64.debugreg[7]);
    else
        gave("it reads as", -1);
    g.x64.user_regs.cs = g.x64.user_regs.ss = 0x10;
    g.x64.user_regs.rflags = 0;
    g.x64.debugreg[7] = 0x3ff;
    try_context("kernel selectors, no interrupts", domid, 0, &g);
    if (xc_vcpu_getcontext(xch, domid, 0, &c) == 0)
        said("those read as", "rflags %#lx, cs %#x, ss %#x, dr7 %#lx",
             (unsigned long)c.x64.user_regs.rflags, c.x64.user_regs.cs,
             c.x64.user_regs.ss, (unsigned long)c.x64.debugreg[7]);
    g = good_context(kind, list[0]);
    try_context("the same context again", domid, 0, &g);
    if (kind == PV)
        g.x64.ctrlreg[3] = list[1] << 12;
    try_context("a context with another root", domid, 0, &g);
    gave("reset by no context", xc_vcpu_setcontext(xch, domid, 0, NULL));
    gave("context after reset", xc_vcpu_getcontext(xch, domid, 0, &c));
    g.x64.flags &= ~(uint64_t)VGCF_online;
    try_context("a context, off-line", domid, 1, &g);
    gave("context of one off-line", xc_vcpu_getcontext(xch, domid, 1, &c));
    gave("info of one off-line", xc_vcpu_getinfo(xch, domid, 1, &info));
    said("off-line it is", "online %u blocked %u", info.online, info.blocked);
    destroy(domid);
}

/* ---- extended state ------------------------------------------------------ */

static void ask_extended(enum kind kind)
{
    uint32_t domid = new_domain(kind, 2, 64), size;
    static const uint32_t sizes[] = {0, 16, 31, 32, 40, 48, 56, 64, 128};
    char what[64];
    size_t i;

    memset(&op, 0, sizeof(op));
    gave("extended context", ask(XEN_DOMCTL_get_ext_vcpucontext, domid));
    size = op.u.ext_vcpucontext.size;
    said("its size", "%u", size);
    for (i = 0; i < COUNT_OF(sizes); i++) {
        memset(&op, 0, sizeof(op));
        op.u.ext_vcpucontext.size = sizes[i];
        snprintf(what, sizeof(what), "extended context of %u octets", sizes[i]);
        gave(what, ask(XEN_DOMCTL_set_ext_vcpucontext, domid));
    }
    memset(&op, 0, sizeof(op));
    op.u.ext_vcpucontext.size = size;
    op.u.ext_vcpucontext.sysenter_callback_eip = 1ull << 60;
    gave("sysenter not canonical", ask(XEN_DOMCTL_set_ext_vcpucontext, domid));
    op.u.ext_vcpucontext.sysenter_callback_eip = 0x5000;
    gave("sysenter set", ask(XEN_DOMCTL_set_ext_vcpucontext, domid));
    memset(&op, 0, sizeof(op));
    op.u.ext_vcpucontext.size = size;
    op.u.ext_vcpucontext.vmce.caps = ~0ull;
    gave("machine check capabilities",
         ask(XEN_DOMCTL_set_ext_vcpucontext, domid));
    memset(&op, 0, sizeof(op));
    op.u.ext_vcpucontext.vcpu = 2;
    gave("extended context of vCPU 2 of 2",
         ask(XEN_DOMCTL_get_ext_vcpucontext, domid));
    destroy(domid);
}

static void ask_xsave(enum kind kind)
{
    uint32_t domid = new_domain(kind, 2, 64);
    uint8_t *area = scratch(2 * PAGE);
    uint64_t size, mask;

    memset(&op, 0, sizeof(op));
    gave("size of the XSAVE state", ask(XEN_DOMCTL_getvcpuextstate, domid));
    size = op.u.vcpuextstate.size;
    mask = op.u.vcpuextstate.xfeature_mask;
    op.u.vcpuextstate.buffer.p = (uint64_t *)(void *)area;
    gave("the state", ask(XEN_DOMCTL_getvcpuextstate, domid));
    said("of a vCPU that has not run", "%s",
         op.u.vcpuextstate.size == 16     ? "the head alone"
         : op.u.vcpuextstate.size == size ? "all"
                                          : "some");
    op.u.vcpuextstate.size = 8;
    gave("the state in 8 octets", ask(XEN_DOMCTL_getvcpuextstate, domid));
    memset(&op, 0, sizeof(op));
    op.u.vcpuextstate.xfeature_mask = mask;
    op.u.vcpuextstate.buffer.p = (uint64_t *)(void *)area;
    memset(area, 0, 2 * PAGE);
    op.u.vcpuextstate.size = 15;
    gave("set 15 octets", ask(XEN_DOMCTL_setvcpuextstate, domid));
    op.u.vcpuextstate.size = 16;
    gave("set an empty head", ask(XEN_DOMCTL_setvcpuextstate, domid));
    op.u.vcpuextstate.size = 16 + 576;
    gave("set components of none", ask(XEN_DOMCTL_setvcpuextstate, domid));
    area[0] = area[8] = 3;
    area[16 + 512] = 3;
    op.u.vcpuextstate.size = 16 + 575;
    gave("set one octet too few", ask(XEN_DOMCTL_setvcpuextstate, domid));
    op.u.vcpuextstate.vcpu = 2;
    op.u.vcpuextstate.size = 16 + 576;
    gave("set that of vCPU 2 of 2", ask(XEN_DOMCTL_setvcpuextstate, domid));
    destroy(domid);
}

static void ask_msrs(enum kind kind)
{
    uint32_t domid = new_domain(kind, 2, 64);
    xen_domctl_vcpu_msr_t *list = scratch(32 * sizeof(*list));

    memset(&op, 0, sizeof(op));
    gave("number of MSRs", ask(XEN_DOMCTL_get_vcpu_msrs, domid));
    said("are there any", "%s", op.u.vcpu_msrs.msr_count ? "yes" : "no");
    op.u.vcpu_msrs.msr_count = 32;
    op.u.vcpu_msrs.msrs.p = list;
    gave("MSRs of a new vCPU", ask(XEN_DOMCTL_get_vcpu_msrs, domid));
    said("there are", "%u", op.u.vcpu_msrs.msr_count);
    op.u.vcpu_msrs.msr_count = 1;
    list[0].index = 0x10;
    gave("set an MSR that is not saved", ask(XEN_DOMCTL_set_vcpu_msrs, domid));
    op.u.vcpu_msrs.msr_count = 0;
    gave("set no MSRs", ask(XEN_DOMCTL_set_vcpu_msrs, domid));
    op.u.vcpu_msrs.vcpu = 2;
    gave("MSRs of vCPU 2 of 2", ask(XEN_DOMCTL_get_vcpu_msrs, domid));
    destroy(domid);
}

void ask_vcpus(void)
{
    int kind;

    for (kind = 0; kind < N_KINDS; kind++) {
        about("vcpus", kind);
        ask_contexts((enum kind)kind);
        ask_extended((enum kind)kind);
        ask_xsave((enum kind)kind);
        ask_msrs((enum kind)kind);
    }
}
