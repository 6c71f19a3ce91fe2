/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fields of the entries in an HVM_CONTEXT record, by typecode. The chain itself
 * is stream/hvmctx; what is in pv.c belongs to the other kind of guest.
 */
#include "stream/fields/fields.h"

#include "lib/util.h"
#include "stream/fields/macros.h"

static const struct xsr_field header[] = {
    HEX("magic", 0, 4),  DEC("version", 4, 4),   HEX("changeset", 8, 8),
    HEX("cpuid", 16, 4), DEC("gtsc_khz", 20, 4),
};

/* Up to EFER both layouts of the CPU are one. */
#define CPU_FIELDS                                                             \
    HEX("rip", 640, 8), HEX("rflags", 648, 8), HEX("rax", 512, 8),             \
        HEX("rbx", 520, 8), HEX("rcx", 528, 8), HEX("rdx", 536, 8),            \
        HEX("rbp", 544, 8), HEX("rsi", 552, 8), HEX("rdi", 560, 8),            \
        HEX("rsp", 568, 8), HEX("r8", 576, 8), HEX("r9", 584, 8),              \
        HEX("r10", 592, 8), HEX("r11", 600, 8), HEX("r12", 608, 8),            \
        HEX("r13", 616, 8), HEX("r14", 624, 8), HEX("r15", 632, 8),            \
        HEX("cr0", 656, 8), HEX("cr2", 664, 8), HEX("cr3", 672, 8),            \
        HEX("cr4", 680, 8), HEX("dr0", 688, 8), HEX("dr1", 696, 8),            \
        HEX("dr2", 704, 8), HEX("dr3", 712, 8), HEX("dr6", 720, 8),            \
        HEX("dr7", 728, 8), HEX("cs_sel", 736, 4), HEX("ds_sel", 740, 4),      \
        HEX("es_sel", 744, 4), HEX("fs_sel", 748, 4), HEX("gs_sel", 752, 4),   \
        HEX("ss_sel", 756, 4), HEX("tr_sel", 760, 4), HEX("ldtr_sel", 764, 4), \
        HEX("cs_limit", 768, 4), HEX("ds_limit", 772, 4),                      \
        HEX("es_limit", 776, 4), HEX("fs_limit", 780, 4),                      \
        HEX("gs_limit", 784, 4), HEX("ss_limit", 788, 4),                      \
        HEX("tr_limit", 792, 4), HEX("ldtr_limit", 796, 4),                    \
        HEX("idtr_limit", 800, 4), HEX("gdtr_limit", 804, 4),                  \
        HEX("cs_base", 808, 8), HEX("ds_base", 816, 8),                        \
        HEX("es_base", 824, 8), HEX("fs_base", 832, 8),                        \
        HEX("gs_base", 840, 8), HEX("ss_base", 848, 8),                        \
        HEX("tr_base", 856, 8), HEX("ldtr_base", 864, 8),                      \
        HEX("idtr_base", 872, 8), HEX("gdtr_base", 880, 8),                    \
        HEX("cs_arbytes", 888, 4), HEX("ds_arbytes", 892, 4),                  \
        HEX("es_arbytes", 896, 4), HEX("fs_arbytes", 900, 4),                  \
        HEX("gs_arbytes", 904, 4), HEX("ss_arbytes", 908, 4),                  \
        HEX("tr_arbytes", 912, 4), HEX("ldtr_arbytes", 916, 4),                \
        HEX("sysenter_cs", 920, 8), HEX("sysenter_esp", 928, 8),               \
        HEX("sysenter_eip", 936, 8), HEX("shadow_gs", 944, 8),                 \
        HEX("msr_flags", 952, 8), HEX("lstar", 960, 8), HEX("star", 968, 8),   \
        HEX("cstar", 976, 8), HEX("syscall_mask", 984, 8), HEX("efer", 992, 8)

static const struct xsr_field cpu[] = {
    CPU_FIELDS,
    HEX("tsc_aux", 1000, 8),
    HEX("tsc", 1008, 8),
    HEX("pending_event", 1016, 4),
    HEX("error_code", 1020, 4),
    HEX("flags", 1024, 4),
    NEST("fpu", 0, &xsr_layout_fxsave),
};
static const struct xsr_field cpu_old[] = {
    CPU_FIELDS,
    HEX("tsc", 1000, 8),
    HEX("pending_event", 1008, 4),
    HEX("error_code", 1012, 4),
    NEST("fpu", 0, &xsr_layout_fxsave),
};

static const struct xsr_field pic[] = {
    HEX("irr", 0, 1),
    HEX("imr", 1, 1),
    HEX("isr", 2, 1),
    HEX("irq_base", 3, 1),
    PART("init_state", 4, 0, 4),
    PART("priority_add", 4, 4, 4),
    PART("readsel_isr", 5, 0, 1),
    PART("poll", 5, 1, 1),
    PART("auto_eoi", 5, 2, 1),
    PART("rotate_on_auto_eoi", 5, 3, 1),
    PART("special_fully_nested_mode", 5, 4, 1),
    PART("special_mask_mode", 5, 5, 1),
    PART("is_master", 5, 6, 1),
    HEX("elcr", 6, 1),
    DEC("int_output", 7, 1),
};

static const struct xsr_field redirection[] = {
    HEX("vector", 0, 1),       PART("mode", 1, 0, 3),
    PART("logical", 1, 3, 1),  PART("pending", 1, 4, 1),
    PART("polarity", 1, 5, 1), PART("irr", 1, 6, 1),
    PART("trigger", 1, 7, 1),  PART("mask", 2, 0, 1),
    DEC("dest", 7, 1),
};
static const struct xsr_layout redirection_layout =
    LAYOUT("redirection", 8, redirection);
static const struct xsr_field ioapic[] = {
    HEX("base_address", 0, 8),
    HEX("ioregsel", 8, 4),
    HEX("id", 12, 4),
    NESTS("pin", 16, 48, 8, &redirection_layout),
};

static const struct xsr_field lapic[] = {
    HEX("apic_base_msr", 0, 8),  HEX("disabled", 8, 4),
    DEC("timer_divisor", 12, 4), HEX("tdt_msr", 16, 8),
    HEX("x2apic_id", 24, 4), /* since 4.21 */
};

static const struct xsr_field lapic_regs[] = {
    HEX("id", 0x20, 4),
    HEX("version", 0x30, 4),
    HEX("tpr", 0x80, 4),
    HEX("apr", 0x90, 4),
    HEX("ppr", 0xa0, 4),
    HEX("ldr", 0xd0, 4),
    HEX("dfr", 0xe0, 4),
    HEX("spiv", 0xf0, 4),
    HEXES("isr", 0x100, 4, 8, 16),
    HEXES("tmr", 0x180, 4, 8, 16),
    HEXES("irr", 0x200, 4, 8, 16),
    HEX("esr", 0x280, 4),
    HEX("lvt_cmci", 0x2f0, 4),
    HEX("icr", 0x300, 4),
    HEX("icr2", 0x310, 4),
    HEX("lvt_timer", 0x320, 4),
    HEX("lvt_thermal", 0x330, 4),
    HEX("lvt_pc", 0x340, 4),
    HEX("lvt_lint0", 0x350, 4),
    HEX("lvt_lint1", 0x360, 4),
    HEX("lvt_error", 0x370, 4),
    HEX("timer_initial", 0x380, 4),
    HEX("timer_current", 0x390, 4),
    HEX("timer_divide", 0x3e0, 4),
};

static const struct xsr_field pci_irq[] = {BITSET("asserted", 0, 16)};
static const struct xsr_field isa_irq[] = {BITSET("asserted", 0, 8)};
static const struct xsr_field pci_link[] = {
    DECS("route", 0, 1, 4, 1),
};

static const struct xsr_field pit_channel[] = {
    DEC("count", 0, 4),         DEC("latched_count", 4, 2),
    DEC("count_latched", 6, 1), DEC("status_latched", 7, 1),
    HEX("status", 8, 1),        DEC("read_state", 9, 1),
    DEC("write_state", 10, 1),  HEX("write_latch", 11, 1),
    DEC("rw_mode", 12, 1),      DEC("mode", 13, 1),
    DEC("bcd", 14, 1),          DEC("gate", 15, 1),
};
static const struct xsr_layout pit_channel_layout =
    LAYOUT("channel", 16, pit_channel);
static const struct xsr_field pit[] = {
    NESTS("channel", 0, 3, 16, &pit_channel_layout),
    DEC("speaker_data_on", 48, 4),
};

static const struct xsr_field rtc[] = {
    HEX("seconds", 0, 1),     HEX("seconds_alarm", 1, 1),
    HEX("minutes", 2, 1),     HEX("minutes_alarm", 3, 1),
    HEX("hours", 4, 1),       HEX("hours_alarm", 5, 1),
    HEX("weekday", 6, 1),     HEX("day", 7, 1),
    HEX("month", 8, 1),       HEX("year", 9, 1),
    HEX("register_a", 10, 1), HEX("register_b", 11, 1),
    HEX("register_c", 12, 1), HEX("register_d", 13, 1),
    HEX("cmos_index", 14, 1), SIGNED("rtc_offset", 16, 8),
};

static const struct xsr_field hpet_timer[] = {
    HEX("config", 0, 8), HEX("cmp", 8, 8), HEX("fsb", 16, 8)};
static const struct xsr_layout hpet_timer_layout =
    LAYOUT("timer", 32, hpet_timer);
static const struct xsr_field hpet[] = {
    HEX("capability", 0, 8),
    HEX("config", 0x10, 8),
    HEX("isr", 0x20, 8),
    HEX("counter", 0xf0, 8),
    NESTS("timer", 0x100, 3, 32, &hpet_timer_layout),
    HEXES("period", 0x400, 8, 3, 8),
};

static const struct xsr_field pmtimer[] = {
    HEX("tmr_val", 0, 4), HEX("pm1a_sts", 4, 2), HEX("pm1a_en", 6, 2)};

static const struct xsr_field mtrr_pair[] = {HEX("base", 0, 8),
                                             HEX("mask", 8, 8)};
static const struct xsr_layout mtrr_pair_layout =
    LAYOUT("variable", 16, mtrr_pair);
static const struct xsr_field mtrr[] = {
    HEX("pat", 0, 8),
    NESTS("variable", 8, 8, 16, &mtrr_pair_layout),
    HEXES("fixed", 136, 8, 11, 8),
    HEX("cap", 224, 8),
    HEX("def_type", 232, 8),
};

static const struct xsr_field viridian_domain[] = {
    HEX("hypercall_gpa", 0, 8), HEX("guest_os_id", 8, 8),
    DEC("time_ref_count", 16, 8), HEX("reference_tsc", 24, 8)};

static const struct xsr_field xsave[] = {
    HEX("xfeature_mask", 0, 8), HEX("xcr0", 8, 8),
    HEX("xcr0_accum", 16, 8),   HEX("xstate_bv", 536, 8),
    HEX("xcomp_bv", 544, 8),    NEST("fpu", 24, &xsr_layout_fxsave),
};

static const struct xsr_field viridian_vcpu[] = {
    HEX("vp_assist_msr", 0, 8),
    DEC("apic_assist_pending", 8, 1),
    HEX("simp_msr", 16, 8),
    HEXES("sint_msr", 24, 8, 16, 8),
    HEXES("stimer_config_msr", 152, 8, 4, 8),
    HEXES("stimer_count_msr", 184, 8, 4, 8),
};

static const struct xsr_field vmce[] = {
    HEX("caps", 0, 8), HEX("mci_ctl2_bank0", 8, 8),
    HEX("mci_ctl2_bank1", 16, 8), HEX("mcg_ext_ctl", 24, 8)};

static const struct xsr_field tsc_adjust[] = {SIGNED("tsc_adjust", 0, 8)};
static const struct xsr_field msr_list[] = {DEC("count", 0, 4)};

static const struct xsr_field no_field[] = {{0}};

static const struct xsr_layout layouts[] = {
    [0] = {"END", 0, no_field, 0},
    [1] = LAYOUT("HEADER", 24, header),
    [2] = LAYOUT("CPU", 1032, cpu),
    [3] = LAYOUT("PIC", 8, pic),
    [4] = LAYOUT("IOAPIC", 400, ioapic),
    [5] = LAYOUT("LAPIC", 32, lapic),
    [6] = LAYOUT("LAPIC_REGS", 1024, lapic_regs),
    [7] = LAYOUT("PCI_IRQ", 16, pci_irq),
    [8] = LAYOUT("ISA_IRQ", 8, isa_irq),
    [9] = LAYOUT("PCI_LINK", 8, pci_link),
    [10] = LAYOUT("PIT", 56, pit),
    [11] = LAYOUT("RTC", 24, rtc),
    [12] = LAYOUT("HPET", 1048, hpet),
    [13] = LAYOUT("PMTIMER", 8, pmtimer),
    [14] = LAYOUT("MTRR", 240, mtrr),
    [15] = LAYOUT("VIRIDIAN_DOMAIN", 32, viridian_domain),
    [16] = LAYOUT("CPU_XSAVE", 600, xsave),
    [17] = LAYOUT("VIRIDIAN_VCPU", 216, viridian_vcpu),
    [18] = LAYOUT("VMCE_VCPU", 32, vmce),
    [19] = LAYOUT("TSC_ADJUST", 8, tsc_adjust),
    [20] = LAYOUT("CPU_MSR", 8, msr_list),
};
static const struct xsr_layout cpu_old_layout = LAYOUT("CPU", 1016, cpu_old);

const struct xsr_layout *xsr_layout_hvm(uint16_t typecode, uint32_t len)
{
    if (typecode == 2 && len == cpu_old_layout.len)
        return &cpu_old_layout;
    return typecode < XSR_ARRAY_LEN(layouts) ? &layouts[typecode] : NULL;
}
