/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables of fields against Xen's own public headers, which nobody here wrote:
 * every field of every structure lies where the compiler puts it, has its
 * width, and no two of a table overlap. The walker over the tables is tested
 * through `xensr inspect --decode`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <xenctrl.h>
#include <xen/hvm/save.h>
#include <cmocka.h>

#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/fields/fields.h"
#include "stream/hvmctx.h"

struct expected {
    const char *name;
    size_t at, width;
};
#define WIDTH(type, member) sizeof(((type *)0)->member)
#define AT(name, type, member)                            \
    {                                                     \
        name, offsetof(type, member), WIDTH(type, member) \
    }

static const struct xsr_field *find(const struct xsr_layout *l,
                                    const char *name)
{
    for (size_t i = 0; i < l->n_fields; i++)
        if (!strcmp(l->field[i].name, name))
            return &l->field[i];
    fail_msg("%s has no field %s", l->name, name);
    return NULL;
}

static size_t width_of(const struct xsr_field *f)
{
    size_t one = f->fmt == XSR_F_NEST ? f->nest->len : f->width;

    return f->n ? (f->n - 1u) * (size_t)f->stride + one : one;
}

static void agrees(const struct xsr_layout *l, const struct expected *e,
                   size_t n, size_t len)
{
    assert_int_equal(l->len, len);
    for (size_t i = 0; i < n; i++) {
        const struct xsr_field *f = find(l, e[i].name);

        if (f->at != e[i].at || width_of(f) != e[i].width)
            fail_msg("%s.%s at %u, %zu octets; Xen: at %zu, %zu octets",
                     l->name, e[i].name, f->at, width_of(f), e[i].at,
                     e[i].width);
    }
}
#define AGREES(layout, list, len) agrees(layout, list, XSR_ARRAY_LEN(list), len)

/* ---- HVM
 * --------------------------------------------------------------------- */

#define CPU(name, member) AT(name, struct hvm_hw_cpu, member)
static const struct expected cpu_fields[] = {
    CPU("rax", rax),
    CPU("rbx", rbx),
    CPU("rcx", rcx),
    CPU("rdx", rdx),
    CPU("rbp", rbp),
    CPU("rsi", rsi),
    CPU("rdi", rdi),
    CPU("rsp", rsp),
    CPU("r8", r8),
    CPU("r9", r9),
    CPU("r10", r10),
    CPU("r11", r11),
    CPU("r12", r12),
    CPU("r13", r13),
    CPU("r14", r14),
    CPU("r15", r15),
    CPU("rip", rip),
    CPU("rflags", rflags),
    CPU("cr0", cr0),
    CPU("cr2", cr2),
    CPU("cr3", cr3),
    CPU("cr4", cr4),
    CPU("dr0", dr0),
    CPU("dr6", dr6),
    CPU("dr7", dr7),
    CPU("cs_sel", cs_sel),
    CPU("ss_sel", ss_sel),
    CPU("tr_sel", tr_sel),
    CPU("ldtr_sel", ldtr_sel),
    CPU("cs_limit", cs_limit),
    CPU("idtr_limit", idtr_limit),
    CPU("gdtr_limit", gdtr_limit),
    CPU("fs_base", fs_base),
    CPU("gs_base", gs_base),
    CPU("ldtr_base", ldtr_base),
    CPU("idtr_base", idtr_base),
    CPU("gdtr_base", gdtr_base),
    CPU("cs_arbytes", cs_arbytes),
    CPU("ldtr_arbytes", ldtr_arbytes),
    CPU("sysenter_cs", sysenter_cs),
    CPU("sysenter_eip", sysenter_eip),
    CPU("shadow_gs", shadow_gs),
    CPU("lstar", msr_lstar),
    CPU("star", msr_star),
    CPU("cstar", msr_cstar),
    CPU("syscall_mask", msr_syscall_mask),
    CPU("efer", msr_efer),
    CPU("tsc_aux", msr_tsc_aux),
    CPU("tsc", tsc),
    CPU("pending_event", pending_event),
    CPU("error_code", error_code),
    CPU("flags", flags),
    CPU("fpu", fpu_regs),
};
static void cpu_is_xens(void **state)
{
    static const struct expected old[] = {
        AT("efer", struct hvm_hw_cpu_compat, msr_efer),
        AT("tsc", struct hvm_hw_cpu_compat, tsc),
        AT("pending_event", struct hvm_hw_cpu_compat, pending_event),
        AT("error_code", struct hvm_hw_cpu_compat, error_code),
    };

    (void)state;
    AGREES(xsr_layout_hvm(2, 1032), cpu_fields, sizeof(struct hvm_hw_cpu));
    AGREES(xsr_layout_hvm(2, 1016), old, sizeof(struct hvm_hw_cpu_compat));
}

static void devices_are_xens(void **state)
{
    static const struct expected header[] = {
        AT("magic", struct hvm_save_header, magic),
        AT("changeset", struct hvm_save_header, changeset),
        AT("gtsc_khz", struct hvm_save_header, gtsc_khz),
    };
    static const struct expected pic[] = {
        AT("irr", struct hvm_hw_vpic, irr),
        AT("irq_base", struct hvm_hw_vpic, irq_base),
        AT("elcr", struct hvm_hw_vpic, elcr),
        AT("int_output", struct hvm_hw_vpic, int_output),
    };
    static const struct expected ioapic[] = {
        AT("base_address", struct hvm_hw_vioapic, base_address),
        AT("ioregsel", struct hvm_hw_vioapic, ioregsel),
        AT("id", struct hvm_hw_vioapic, id),
        AT("pin", struct hvm_hw_vioapic, redirtbl),
    };
    static const struct expected pit[] = {
        AT("channel", struct hvm_hw_pit, channels),
        AT("speaker_data_on", struct hvm_hw_pit, speaker_data_on),
    };
    static const struct expected rtc[] = {
        AT("cmos_index", struct hvm_hw_rtc, cmos_index),
        AT("rtc_offset", struct hvm_hw_rtc, rtc_offset),
    };
    static const struct expected hpet[] = {
        AT("capability", struct hvm_hw_hpet, capability),
        AT("config", struct hvm_hw_hpet, config),
        AT("isr", struct hvm_hw_hpet, isr),
        AT("counter", struct hvm_hw_hpet, mc64),
        AT("timer", struct hvm_hw_hpet, timers),
        AT("period", struct hvm_hw_hpet, period),
    };
    static const struct expected pmtimer[] = {
        AT("tmr_val", struct hvm_hw_pmtimer, tmr_val),
        AT("pm1a_sts", struct hvm_hw_pmtimer, pm1a_sts),
        AT("pm1a_en", struct hvm_hw_pmtimer, pm1a_en),
    };

    (void)state;
    AGREES(xsr_layout_hvm(1, 24), header, sizeof(struct hvm_save_header));
    AGREES(xsr_layout_hvm(3, 8), pic, sizeof(struct hvm_hw_vpic));
    AGREES(xsr_layout_hvm(4, 400), ioapic, sizeof(struct hvm_hw_vioapic));
    AGREES(xsr_layout_hvm(10, 56), pit, sizeof(struct hvm_hw_pit));
    AGREES(xsr_layout_hvm(11, 24), rtc, sizeof(struct hvm_hw_rtc));
    AGREES(xsr_layout_hvm(12, 1048), hpet, sizeof(struct hvm_hw_hpet));
    AGREES(xsr_layout_hvm(13, 8), pmtimer, sizeof(struct hvm_hw_pmtimer));
}

static void vcpu_parts_are_xens(void **state)
{
    static const struct expected mtrr[] = {
        AT("pat", struct hvm_hw_mtrr, msr_pat_cr),
        AT("variable", struct hvm_hw_mtrr, msr_mtrr_var),
        AT("fixed", struct hvm_hw_mtrr, msr_mtrr_fixed),
        AT("cap", struct hvm_hw_mtrr, msr_mtrr_cap),
        AT("def_type", struct hvm_hw_mtrr, msr_mtrr_def_type),
    };
    static const struct expected viridian[] = {
        AT("vp_assist_msr", struct hvm_viridian_vcpu_context, vp_assist_msr),
        AT("simp_msr", struct hvm_viridian_vcpu_context, simp_msr),
        AT("sint_msr", struct hvm_viridian_vcpu_context, sint_msr),
        AT("stimer_config_msr", struct hvm_viridian_vcpu_context,
           stimer_config_msr),
        AT("stimer_count_msr", struct hvm_viridian_vcpu_context,
           stimer_count_msr),
    };
    static const struct expected domain[] = {
        AT("hypercall_gpa", struct hvm_viridian_domain_context, hypercall_gpa),
        AT("reference_tsc", struct hvm_viridian_domain_context, reference_tsc),
    };
    static const struct expected vmce[] = {
        AT("caps", struct hvm_vmce_vcpu, caps),
        AT("mcg_ext_ctl", struct hvm_vmce_vcpu, mcg_ext_ctl),
    };
    static const struct expected xsave[] = {
        AT("xcr0", struct hvm_hw_cpu_xsave, xcr0),
        AT("xcr0_accum", struct hvm_hw_cpu_xsave, xcr0_accum),
        AT("fpu", struct hvm_hw_cpu_xsave, save_area.fpu_sse),
        AT("xstate_bv", struct hvm_hw_cpu_xsave, save_area.xsave_hdr.xstate_bv),
        AT("xcomp_bv", struct hvm_hw_cpu_xsave, save_area.xsave_hdr.xcomp_bv),
    };

    (void)state;
    AGREES(xsr_layout_hvm(14, 240), mtrr, sizeof(struct hvm_hw_mtrr));
    AGREES(xsr_layout_hvm(17, 216), viridian,
           sizeof(struct hvm_viridian_vcpu_context));
    AGREES(xsr_layout_hvm(15, 32), domain,
           sizeof(struct hvm_viridian_domain_context));
    AGREES(xsr_layout_hvm(18, 32), vmce, sizeof(struct hvm_vmce_vcpu));
    AGREES(xsr_layout_hvm(16, 1000), xsave, sizeof(struct hvm_hw_cpu_xsave));
    assert_int_equal(xsr_layout_hvm(5, 24)->field[3].at,
                     offsetof(struct hvm_hw_lapic, tdt_msr));
}

/* ---- PV
 * ------------------------------------------------------------------------ */

#define VCPU(name, member)   AT(name, vcpu_guest_context_t, member)
#define SHARED(name, member) AT(name, shared_info_t, member)
static const struct expected vcpu_fields[] = {
    VCPU("flags", flags),
    VCPU("rip", user_regs.rip),
    VCPU("rsp", user_regs.rsp),
    VCPU("rax", user_regs.rax),
    VCPU("rdx", user_regs.rdx),
    VCPU("r15", user_regs.r15),
    VCPU("rflags", user_regs.rflags),
    VCPU("cs", user_regs.cs),
    VCPU("ss", user_regs.ss),
    VCPU("gs", user_regs.gs),
    VCPU("error_code", user_regs.error_code),
    VCPU("entry_vector", user_regs.entry_vector),
    VCPU("saved_upcall_mask", user_regs.saved_upcall_mask),
    VCPU("trap", trap_ctxt),
    VCPU("ldt_base", ldt_base),
    VCPU("ldt_ents", ldt_ents),
    VCPU("gdt_frame", gdt_frames),
    VCPU("gdt_ents", gdt_ents),
    VCPU("kernel_ss", kernel_ss),
    VCPU("kernel_sp", kernel_sp),
    VCPU("ctrlreg", ctrlreg),
    VCPU("debugreg", debugreg),
    VCPU("event_callback_eip", event_callback_eip),
    VCPU("failsafe_callback_eip", failsafe_callback_eip),
    VCPU("syscall_callback_eip", syscall_callback_eip),
    VCPU("vm_assist", vm_assist),
    VCPU("fs_base", fs_base),
    VCPU("gs_base_kernel", gs_base_kernel),
    VCPU("gs_base_user", gs_base_user),
    VCPU("fpu", fpu_ctxt),
};
static void pv_is_xens(void **state)
{
    static const struct expected shared[] = {
        SHARED("vcpu_info", vcpu_info),
        SHARED("evtchn_pending", evtchn_pending),
        SHARED("evtchn_mask", evtchn_mask),
        SHARED("wc_version", wc_version),
        SHARED("wc_sec", wc_sec),
        SHARED("wc_nsec", wc_nsec),
        SHARED("max_pfn", arch.max_pfn),
        SHARED("pfn_to_mfn_frame_list_list", arch.pfn_to_mfn_frame_list_list),
        SHARED("nmi_reason", arch.nmi_reason),
        SHARED("p2m_cr3", arch.p2m_cr3),
        SHARED("p2m_vaddr", arch.p2m_vaddr),
        SHARED("p2m_generation", arch.p2m_generation),
    };
    static const struct expected ext[] = {
        AT("vcpu", struct xen_domctl_ext_vcpucontext, vcpu),
        AT("size", struct xen_domctl_ext_vcpucontext, size),
        AT("syscall32_callback_eip", struct xen_domctl_ext_vcpucontext,
           syscall32_callback_eip),
        AT("sysenter_callback_cs", struct xen_domctl_ext_vcpucontext,
           sysenter_callback_cs),
        AT("sysenter_disables_events", struct xen_domctl_ext_vcpucontext,
           sysenter_disables_events),
        AT("mcg_cap", struct xen_domctl_ext_vcpucontext, vmce.caps),
        AT("mcg_ext_ctl", struct xen_domctl_ext_vcpucontext, vmce.mcg_ext_ctl),
    };

    (void)state;
    AGREES(xsr_layout_vcpu(8), vcpu_fields, sizeof(vcpu_guest_context_t));
    AGREES(xsr_layout_shared_info(8), shared, sizeof(shared_info_t));
    AGREES(&xsr_layout_vcpu_extended, ext,
           sizeof(struct xen_domctl_ext_vcpucontext));
    assert_int_equal(xsr_layout_vcpu(4)->len, XSR_VCPU32_LEN);
    assert_int_equal(find(xsr_layout_vcpu(4), "edx")->at, 524);
    assert_int_equal(find(xsr_layout_vcpu(4), "vm_assist")->at, 2796);
    assert_int_equal(find(xsr_layout_shared_info(4), "p2m_generation")->at,
                     2336);
}

/* ---- all tables
 * ------------------------------------------------------------------ */

/* Bits: two parts of one octet are no overlap. */
static void mark(uint8_t *used, const struct xsr_layout *l,
                 const struct xsr_field *f)
{
    size_t width = f->fmt == XSR_F_NEST ? f->nest->len : f->width;
    unsigned first = f->bits ? f->lsb : 0;
    unsigned n_bits = f->bits ? f->bits : (unsigned)width * 8;

    for (unsigned i = 0; i < (f->n ? f->n : 1u); i++)
        for (unsigned b = first; b < first + n_bits; b++) {
            size_t at = f->at + (size_t)i * f->stride + b / 8;

            if (at >= l->len)
                fail_msg("%s.%s ends behind %u", l->name, f->name, l->len);
            if (used[at] & 1u << b % 8)
                fail_msg("%s.%s overlaps another field", l->name, f->name);
            used[at] |= (uint8_t)(1u << b % 8);
        }
}

static void is_sound(const struct xsr_layout *l)
{
    uint8_t used[8192] = {0};

    assert_true(l->len <= sizeof used);
    for (size_t i = 0; i < l->n_fields; i++) {
        const struct xsr_field *f = &l->field[i];
        bool integer = f->fmt == XSR_F_HEX || f->fmt == XSR_F_DEC ||
                       f->fmt == XSR_F_SIGNED;

        if (integer)
            assert_true(f->width == 1 || f->width == 2 || f->width == 4 ||
                        f->width == 8);
        if (f->fmt == XSR_F_NEST)
            is_sound(f->nest);
        mark(used, l, f);
    }
}

static void tables_are_sound(void **state)
{
    (void)state;
    for (uint16_t t = 0; t <= 20; t++) {
        const struct xsr_layout *l = xsr_layout_hvm(t, 0);

        assert_non_null(l);
        assert_string_equal(l->name, xsr_hvmctx_name(t));
        is_sound(l);
    }
    assert_null(xsr_layout_hvm(21, 0));
    is_sound(xsr_layout_hvm(2, 1016));
    is_sound(xsr_layout_vcpu(4));
    is_sound(xsr_layout_vcpu(8));
    is_sound(xsr_layout_shared_info(4));
    is_sound(xsr_layout_shared_info(8));
    is_sound(&xsr_layout_vcpu_extended);
    is_sound(&xsr_layout_vcpu_xsave);
    is_sound(&xsr_layout_tsc_info);
    is_sound(&xsr_layout_cpuid_leaf);
}

/* By name, version and length; any other device on a PCI bus by its first part.
 */
static void devices_of_qemu_are_known(void **state)
{
    const struct xsr_layout *l, *smbus;

    (void)state;
    l = xsr_layout_qemu("piix4_pm", 3, 312, true);
    smbus = xsr_layout_qemu("piix4_pm", 3, 360, true);
    assert_non_null(l);
    assert_non_null(smbus);
    assert_ptr_not_equal(l, smbus);
    is_sound(l);
    is_sound(smbus);
    l = xsr_layout_qemu("serial", 3, 11, false);
    assert_non_null(l);
    is_sound(l);
    assert_null(xsr_layout_qemu("serial", 2, 11, false));
    assert_null(xsr_layout_qemu("serial", 3, 10, false));
    assert_null(xsr_layout_qemu("rtl8139", 5, 642, false));
    l = xsr_layout_qemu("rtl8139", 5, 642, true);
    assert_non_null(l);
    is_sound(l);
    assert_null(xsr_layout_qemu("rtl8139", 5, 275, true));
}

static void values_are_read(void **state)
{
    static const uint8_t p[] = {0x81, 0x02, 0x03, 0x04, 5, 6, 7, 0x88};
    struct xsr_field f = {.width = 8};

    (void)state;
    assert_true(xsr_field_value(&f, p) == 0x8807060504030281u);
    f.width = 4;
    assert_int_equal(xsr_field_value(&f, p), 0x04030281);
    f.width = 2;
    assert_int_equal(xsr_field_value(&f, p), 0x0281);
    f.big = true;
    assert_int_equal(xsr_field_value(&f, p), 0x8102);
    f.width = 8;
    assert_true(xsr_field_value(&f, p) == 0x8102030405060788u);
    f.big = false;
    f.width = 1;
    f.lsb = 7;
    f.bits = 1;
    assert_int_equal(xsr_field_value(&f, p), 1);
    f.lsb = 1;
    f.bits = 6;
    assert_int_equal(xsr_field_value(&f, p), 0);
    assert_string_equal(xsr_msr_name(0x10a), "ARCH_CAPABILITIES");
    assert_null(xsr_msr_name(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpu_is_xens),
        cmocka_unit_test(devices_are_xens),
        cmocka_unit_test(vcpu_parts_are_xens),
        cmocka_unit_test(pv_is_xens),
        cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(devices_of_qemu_are_known),
        cmocka_unit_test(values_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
