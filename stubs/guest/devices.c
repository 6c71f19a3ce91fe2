/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The HVM context of a new guest: the entries that its vCPUs and emulated
 * devices would have in a running 64-bit guest, in the order in which Xen
 * writes them. Loaded through the hypercall that a restore uses, so they pass
 * the same checks. Which devices there are follows from the type.
 */
#include <string.h>

#include "lib/buf.h"
#include "lib/bytes.h"
#include "lib/util.h"
#include "stubs/guest/gi.h"

#include <xen/hvm/save.h>

#define CR0       0x80050033ull
#define CR4       0x6f0ull
#define EFER      0xd01ull
#define KERNEL    0xffffffff81000000ull
#define CODE_AR   0xa9bu
#define DATA_AR   0xc93u
#define XSAVE_LEN 832u /* x87, SSE, AVX */

struct writer {
    struct xsr_buf buf;
    struct xsr_birth *b;
    struct xsr_err *err;
    int rc; /* sticky */
};

static void put(struct writer *w, uint16_t code, uint16_t instance,
                const void *body, uint32_t len)
{
    if (w->rc == 0)
        w->rc = xsr_buf_put_u16(&w->buf, code, w->err);
    if (w->rc == 0)
        w->rc = xsr_buf_put_u16(&w->buf, instance, w->err);
    if (w->rc == 0)
        w->rc = xsr_buf_put_u32(&w->buf, len, w->err);
    if (w->rc == 0)
        w->rc = xsr_buf_put(&w->buf, body, len, w->err);
}

static void put_header(struct writer *w)
{
    struct hvm_save_header h = {
        .magic = HVM_FILE_MAGIC,
        .version = HVM_FILE_VERSION,
        .changeset = UINT64_MAX,
        .cpuid = w->b->d->n_leaves > 1 ? w->b->d->leaves[1].a : 0,
        .gtsc_khz = w->b->d->tsc_khz,
    };

    put(w, HVM_SAVE_CODE(HEADER), 0, &h, sizeof(h));
}

static void put_cpu(struct writer *w, uint16_t id)
{
    struct hvm_hw_cpu c = {
        .rip = KERNEL + 0x1234 + id * 16u,
        .rflags = 0x246,
        .rsp = 0xffffc90000003ff8ull,
        .cr0 = CR0,
        .cr3 = 0x2000,
        .cr4 = CR4,
        .dr6 = 0xffff0ff0,
        .dr7 = 0x400,
        .cs_sel = 0x10,
        .ss_sel = 0x18,
        .tr_sel = 0x40,
        .cs_limit = ~0u,
        .ss_limit = ~0u,
        .tr_limit = 0x67,
        .idtr_limit = 0xfff,
        .gdtr_limit = 0x7f,
        .gs_base = 0xffff888000010000ull + id * 4096ull,
        .tr_base = 0xfffffe0000003000ull,
        .idtr_base = 0xfffffe0000000000ull,
        .gdtr_base = 0xfffffe0000001000ull,
        .cs_arbytes = CODE_AR,
        .ds_arbytes = 0x1c000,
        .es_arbytes = 0x1c000,
        .fs_arbytes = 0x1c000,
        .gs_arbytes = 0x1c000,
        .ss_arbytes = DATA_AR,
        .tr_arbytes = 0x8b,
        .ldtr_arbytes = 0x10000,
        .msr_lstar = KERNEL + 0x800000,
        .msr_star = 0x23001000000000ull,
        .msr_syscall_mask = 0x47700,
        .msr_efer = EFER,
        .msr_tsc_aux = id,
        .flags = XEN_X86_FPU_INITIALISED,
    };

    xsr_st_le16(c.fpu_regs, 0x37f);
    xsr_st_le32(c.fpu_regs + 24, 0x1f80);
    put(w, HVM_SAVE_CODE(CPU), id, &c, sizeof(c));
}

static void put_lapic(struct writer *w, uint16_t id)
{
    struct hvm_hw_lapic l = {.apic_base_msr =
                                 0xfee00800u | (id == 0 ? 0x100u : 0),
                             .timer_divisor = 1};

    put(w, HVM_SAVE_CODE(LAPIC), id, &l, sizeof(l));
}

static void put_lapic_regs(struct writer *w, uint16_t id)
{
    struct hvm_hw_lapic_regs r = {{0}};

    xsr_st_le32(r.data + 0x20, (uint32_t)id * 2 << 24);
    xsr_st_le32(r.data + 0x30, 0x50014);
    xsr_st_le32(r.data + 0xf0, 0x1ff); /* enabled */
    xsr_st_le32(r.data + 0x320, 0x300ec);
    xsr_st_le32(r.data + 0x350, 0x10700);
    xsr_st_le32(r.data + 0x360, 0x400);
    xsr_st_le32(r.data + 0x380, 0x3d090);
    put(w, HVM_SAVE_CODE(LAPIC_REGS), id, &r, sizeof(r));
}

static void put_mtrr(struct writer *w, uint16_t id)
{
    struct hvm_hw_mtrr m = {.msr_pat_cr = 0x0007040600070406ull,
                            .msr_mtrr_cap = 0x508,
                            .msr_mtrr_def_type = 0xc06};

    m.msr_mtrr_var[0] = 0xf0000000;
    m.msr_mtrr_var[1] = 0xfffff8000800ull;
    put(w, HVM_SAVE_CODE(MTRR), id, &m, sizeof(m));
}

static void put_xsave(struct writer *w, uint16_t id)
{
    uint8_t x[24 + XSAVE_LEN] = {0};
    unsigned i;

    xsr_st_le64(x, XSR_XFEATURES);
    xsr_st_le64(x + 8, 7);
    xsr_st_le64(x + 16, 7);
    xsr_st_le16(x + 24, 0x37f);
    xsr_st_le32(x + 24 + 24, 0x1f80);
    for (i = 160; i < 416; i++) /* the SSE registers */
        x[24 + i] = (uint8_t)(xsr_g_mix(id * 256u + i) >> 7);
    xsr_st_le64(x + 24 + 512, 7);
    put(w, CPU_XSAVE_CODE, id, x, sizeof(x));
}

static void put_vmce(struct writer *w, uint16_t id)
{
    struct hvm_vmce_vcpu v = {.mci_ctl2_bank0 = id ? 0 : 1};

    put(w, HVM_SAVE_CODE(VMCE_VCPU), id, &v, sizeof(v));
}

static void put_tsc_adjust(struct writer *w, uint16_t id)
{
    struct hvm_tsc_adjust t = {.tsc_adjust = 0};

    put(w, HVM_SAVE_CODE(TSC_ADJUST), id, &t, sizeof(t));
}

static void put_msrs(struct writer *w, uint16_t id)
{
    uint8_t m[8 + 16] = {1};

    xsr_st_le32(m + 8, 0xda0);
    xsr_st_le64(m + 16, 0x100u + id);
    put(w, CPU_MSR_CODE, id, m, sizeof(m));
}

/* ---- devices ------------------------------------------------------------- */

static void put_pics(struct writer *w)
{
    struct hvm_hw_vpic master = {.imr = 0xfb, .irq_base = 0x30, .is_master = 1};
    struct hvm_hw_vpic slave = {.imr = 0xff, .irq_base = 0x38, .elcr = 0xc};

    put(w, HVM_SAVE_CODE(PIC), 0, &master, sizeof(master));
    put(w, HVM_SAVE_CODE(PIC), 1, &slave, sizeof(slave));
}

static void put_ioapic(struct writer *w)
{
    uint8_t io[400] = {0};
    unsigned i;

    xsr_st_le64(io, 0xfec00000);
    for (i = 0; i < 48; i++) /* every line masked */
        xsr_st_le64(io + 16 + i * 8, 0x10000);
    put(w, HVM_SAVE_CODE(IOAPIC), 0, io, sizeof(io));
}

static void put_irqs(struct writer *w)
{
    uint8_t pci[16] = {0}, isa[8] = {0}, link[8] = {5, 10, 11, 5};

    put(w, HVM_SAVE_CODE(PCI_IRQ), 0, pci, sizeof(pci));
    put(w, HVM_SAVE_CODE(ISA_IRQ), 0, isa, sizeof(isa));
    put(w, HVM_SAVE_CODE(PCI_LINK), 0, link, sizeof(link));
}

static void put_timers(struct writer *w)
{
    struct hvm_hw_pit pit;
    struct hvm_hw_rtc rtc;
    struct hvm_hw_hpet hpet;
    struct hvm_hw_pmtimer pm;

    memset(&pit, 0, sizeof(pit)); /* padding too */
    memset(&rtc, 0, sizeof(rtc));
    memset(&hpet, 0, sizeof(hpet));
    memset(&pm, 0, sizeof(pm));
    pit.channels[0].count = 65536;
    pit.channels[0].rw_mode = 3;
    pit.channels[0].mode = 2;
    pit.channels[0].gate = 1;
    put(w, HVM_SAVE_CODE(PIT), 0, &pit, sizeof(pit));
    rtc.cmos_data[0xa] = 0x26;
    rtc.cmos_data[0xb] = 0x2;
    put(w, HVM_SAVE_CODE(RTC), 0, &rtc, sizeof(rtc));
    hpet.capability = 0x8086a201;
    put(w, HVM_SAVE_CODE(HPET), 0, &hpet, sizeof(hpet));
    pm.tmr_val = 0x123456;
    pm.pm1a_sts = 1;
    put(w, HVM_SAVE_CODE(PMTIMER), 0, &pm, sizeof(pm));
}

/* Entries of one kind for all vCPUs come together. */
static void put_each(struct writer *w, void (*fn)(struct writer *, uint16_t))
{
    uint16_t id;

    for (id = 0; id < w->b->spec->n_vcpus; id++)
        fn(w, id);
}

static void put_all(struct writer *w)
{
    bool hvm = w->b->spec->type == XSR_HV_HVM;

    put_header(w);
    put_each(w, put_cpu);
    if (hvm) {
        put_pics(w);
        put_ioapic(w);
    }
    put_each(w, put_lapic);
    put_each(w, put_lapic_regs);
    put_irqs(w);
    if (hvm)
        put_timers(w);
    put_each(w, put_mtrr);
    put_each(w, put_xsave);
    put_each(w, put_vmce);
    put_each(w, put_tsc_adjust);
    put_each(w, put_msrs);
    put(w, 0, 0, "", 0);
}

int xsr_birth_hvmctx(struct xsr_birth *b, struct xsr_err *err)
{
    struct writer w = {.b = b, .err = err};
    struct xen_domctl op = {0};
    int rc;

    put_all(&w);
    op.u.hvmcontext.size = (uint32_t)w.buf.len;
    op.u.hvmcontext.buffer.p = w.buf.p;
    rc = w.rc < 0 ? -1
                  : xsr_birth_ctl(b, &op, XEN_DOMCTL_sethvmcontext,
                                  "HVM context", err);
    xsr_buf_fini(&w.buf);
    return rc;
}
