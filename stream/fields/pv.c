/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fields of what PV guests have, and of what both kinds have: vCPU contexts of
 * both widths, shared info, TSC, policies, names of MSRs. hvm.c has the rest.
 */
#include "stream/fields/fields.h"

#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/fields/macros.h"

static const struct xsr_field fxsave[] = {
    HEX("fcw", 0, 2),
    HEX("fsw", 2, 2),
    HEX("ftw", 4, 1),
    HEX("fop", 6, 2),
    HEX("fip", 8, 8),
    HEX("fdp", 16, 8),
    HEX("mxcsr", 24, 4),
    HEX("mxcsr_mask", 28, 4),
    BYTESN("st", 32, 10, 8, 16),
    BYTESN("xmm", 160, 16, 16, 16),
};
const struct xsr_layout xsr_layout_fxsave = LAYOUT("fxsave", 512, fxsave);

static const struct xsr_field tsc_info[] = {DEC("mode", 0, 4), DEC("khz", 4, 4),
                                            DEC("nsec", 8, 8),
                                            DEC("incarnation", 16, 4)};
const struct xsr_layout xsr_layout_tsc_info =
    LAYOUT("X86_TSC_INFO", 24, tsc_info);

/* ---- vCPU contexts --------------------------------------------------------
 */

static const struct xsr_field trap64[] = {DEC("vector", 0, 1),
                                          HEX("flags", 1, 1), HEX("cs", 2, 2),
                                          HEX("address", 8, 8)};
static const struct xsr_layout trap64_layout = LAYOUT("trap", 16, trap64);
static const struct xsr_field vcpu64[] = {
    HEX("flags", 512, 8),
    HEX("rip", 648, 8),
    HEX("rflags", 664, 8),
    HEX("rax", 600, 8),
    HEX("rbx", 560, 8),
    HEX("rcx", 608, 8),
    HEX("rdx", 616, 8),
    HEX("rbp", 552, 8),
    HEX("rsi", 624, 8),
    HEX("rdi", 632, 8),
    HEX("rsp", 672, 8),
    HEX("r8", 592, 8),
    HEX("r9", 584, 8),
    HEX("r10", 576, 8),
    HEX("r11", 568, 8),
    HEX("r12", 544, 8),
    HEX("r13", 536, 8),
    HEX("r14", 528, 8),
    HEX("r15", 520, 8),
    HEX("error_code", 640, 4),
    HEX("entry_vector", 644, 4),
    HEX("cs", 656, 2),
    DEC("saved_upcall_mask", 660, 1),
    HEX("ss", 680, 2),
    HEX("es", 688, 2),
    HEX("ds", 696, 2),
    HEX("fs", 704, 2),
    HEX("gs", 712, 2),
    HEX("fs_base", 5144, 8),
    HEX("gs_base_kernel", 5152, 8),
    HEX("gs_base_user", 5160, 8),
    HEXES("ctrlreg", 4984, 8, 8, 8),
    HEXES("debugreg", 5048, 8, 8, 8),
    HEX("ldt_base", 4816, 8),
    DEC("ldt_ents", 4824, 8),
    HEXES("gdt_frame", 4832, 8, 16, 8),
    DEC("gdt_ents", 4960, 8),
    HEX("kernel_ss", 4968, 8),
    HEX("kernel_sp", 4976, 8),
    HEX("event_callback_eip", 5112, 8),
    HEX("failsafe_callback_eip", 5120, 8),
    HEX("syscall_callback_eip", 5128, 8),
    HEX("vm_assist", 5136, 8),
    NEST("fpu", 0, &xsr_layout_fxsave),
    NESTS("trap", 720, 256, 16, &trap64_layout),
};

static const struct xsr_field trap32[] = {DEC("vector", 0, 1),
                                          HEX("flags", 1, 1), HEX("cs", 2, 2),
                                          HEX("address", 4, 4)};
static const struct xsr_layout trap32_layout = LAYOUT("trap", 8, trap32);
static const struct xsr_field vcpu32[] = {
    HEX("flags", 512, 4),
    HEX("eip", 548, 4),
    HEX("eflags", 556, 4),
    HEX("eax", 540, 4),
    HEX("ebx", 516, 4),
    HEX("ecx", 520, 4),
    HEX("edx", 524, 4),
    HEX("ebp", 536, 4),
    HEX("esi", 528, 4),
    HEX("edi", 532, 4),
    HEX("esp", 560, 4),
    HEX("error_code", 544, 2),
    HEX("entry_vector", 546, 2),
    HEX("cs", 552, 2),
    DEC("saved_upcall_mask", 554, 1),
    HEX("ss", 564, 2),
    HEX("es", 568, 2),
    HEX("ds", 572, 2),
    HEX("fs", 576, 2),
    HEX("gs", 580, 2),
    HEXES("ctrlreg", 2716, 4, 8, 4),
    HEXES("debugreg", 2748, 4, 8, 4),
    HEX("ldt_base", 2632, 4),
    DEC("ldt_ents", 2636, 4),
    HEXES("gdt_frame", 2640, 4, 16, 4),
    DEC("gdt_ents", 2704, 4),
    HEX("kernel_ss", 2708, 4),
    HEX("kernel_sp", 2712, 4),
    HEX("event_callback_cs", 2780, 4),
    HEX("event_callback_eip", 2784, 4),
    HEX("failsafe_callback_cs", 2788, 4),
    HEX("failsafe_callback_eip", 2792, 4),
    HEX("vm_assist", 2796, 4),
    NEST("fpu", 0, &xsr_layout_fxsave),
    NESTS("trap", 584, 256, 8, &trap32_layout),
};

const struct xsr_layout *xsr_layout_vcpu(uint8_t width)
{
    static const struct xsr_layout wide = LAYOUT("vcpu", 5168, vcpu64);
    static const struct xsr_layout narrow = LAYOUT("vcpu", 2800, vcpu32);

    return width == 4 ? &narrow : &wide;
}

static const struct xsr_field extended[] = {
    DEC("vcpu", 0, 4),
    DEC("size", 4, 4),
    HEX("syscall32_callback_eip", 8, 8),
    HEX("sysenter_callback_eip", 16, 8),
    HEX("syscall32_callback_cs", 24, 2),
    HEX("sysenter_callback_cs", 26, 2),
    DEC("syscall32_disables_events", 28, 1),
    DEC("sysenter_disables_events", 29, 1),
    HEX("mcg_cap", 32, 8),
    HEX("mci_ctl2_bank0", 40, 8),
    HEX("mci_ctl2_bank1", 48, 8),
    HEX("mcg_ext_ctl", 56, 8),
};
const struct xsr_layout xsr_layout_vcpu_extended =
    LAYOUT("vcpu_extended", 64, extended);

static const struct xsr_field xsave[] = {
    HEX("xcr0", 0, 8),
    HEX("xcr0_accum", 8, 8),
    HEX("xstate_bv", 528, 8),
    HEX("xcomp_bv", 536, 8),
    NEST("fpu", 16, &xsr_layout_fxsave),
};
const struct xsr_layout xsr_layout_vcpu_xsave =
    LAYOUT("vcpu_xsave", 592, xsave);

/* ---- shared info ----------------------------------------------------------
 */

static const struct xsr_field vcpu_time[] = {
    DEC("version", 0, 4),       HEX("tsc_timestamp", 8, 8),
    DEC("system_time", 16, 8),  HEX("tsc_to_system_mul", 24, 4),
    SIGNED("tsc_shift", 28, 1), HEX("flags", 29, 1),
};
static const struct xsr_layout vcpu_time_layout = LAYOUT("time", 32, vcpu_time);
static const struct xsr_field vcpu_info64[] = {
    DEC("upcall_pending", 0, 1), DEC("upcall_mask", 1, 1),
    HEX("pending_sel", 8, 8), HEX("cr2", 16, 8),
    NEST("time", 32, &vcpu_time_layout)};
static const struct xsr_layout vcpu_info64_layout =
    LAYOUT("vcpu_info", 64, vcpu_info64);
static const struct xsr_field vcpu_info32[] = {
    DEC("upcall_pending", 0, 1), DEC("upcall_mask", 1, 1),
    HEX("pending_sel", 4, 4), HEX("cr2", 8, 4),
    NEST("time", 32, &vcpu_time_layout)};
static const struct xsr_layout vcpu_info32_layout =
    LAYOUT("vcpu_info", 64, vcpu_info32);

static const struct xsr_field shared64[] = {
    DEC("max_pfn", 3088, 8),
    HEX("pfn_to_mfn_frame_list_list", 3096, 8),
    HEX("nmi_reason", 3104, 8),
    HEX("p2m_cr3", 3112, 8),
    HEX("p2m_vaddr", 3120, 8),
    HEX("p2m_generation", 3128, 8),
    DEC("wc_version", 3072, 4),
    DEC("wc_sec", 3076, 4),
    DEC("wc_nsec", 3080, 4),
    DEC("wc_sec_hi", 3084, 4),
    BITSET("evtchn_pending", 2048, 512),
    BITSET("evtchn_mask", 2560, 512),
    NESTS("vcpu_info", 0, 32, 64, &vcpu_info64_layout),
};
static const struct xsr_field shared32[] = {
    DEC("max_pfn", 2316, 4),
    HEX("pfn_to_mfn_frame_list_list", 2320, 4),
    HEX("nmi_reason", 2324, 4),
    HEX("p2m_cr3", 2328, 4),
    HEX("p2m_vaddr", 2332, 4),
    HEX("p2m_generation", 2336, 4),
    DEC("wc_version", 2304, 4),
    DEC("wc_sec", 2308, 4),
    DEC("wc_nsec", 2312, 4),
    DEC("wc_sec_hi", 2340, 4),
    BITSET("evtchn_pending", 2048, 128),
    BITSET("evtchn_mask", 2176, 128),
    NESTS("vcpu_info", 0, 32, 64, &vcpu_info32_layout),
};

const struct xsr_layout *xsr_layout_shared_info(uint8_t width)
{
    static const struct xsr_layout wide = LAYOUT("shared_info", 3136, shared64);
    static const struct xsr_layout narrow =
        LAYOUT("shared_info", 2344, shared32);

    return width == 4 ? &narrow : &wide;
}

/* ---- policies -------------------------------------------------------------
 */

static const struct xsr_field cpuid_leaf[] = {
    HEX("eax", 8, 4), HEX("ebx", 12, 4), HEX("ecx", 16, 4), HEX("edx", 20, 4)};
const struct xsr_layout xsr_layout_cpuid_leaf = LAYOUT("leaf", 24, cpuid_leaf);

/* Those that Xen 4.12 to 4.22 puts into images. */
const char *xsr_msr_name(uint32_t index)
{
    static const struct {
        uint32_t index;
        const char *name;
    } names[] = {
        {0x48, "SPEC_CTRL"},
        {0xce, "PLATFORM_INFO"},
        {0x10a, "ARCH_CAPABILITIES"},
        {0x140, "MISC_FEATURES_ENABLES"},
        {0x6e1, "PKRS"},
        {0xd90, "BNDCFGS"},
        {0xda0, "XSS"},
        {0xc0000103, "TSC_AUX"},
        {0xc001011f, "VIRT_SPEC_CTRL"},
        {0xc0011019, "DR1_ADDRESS_MASK"},
        {0xc001101a, "DR2_ADDRESS_MASK"},
        {0xc001101b, "DR3_ADDRESS_MASK"},
        {0xc0011027, "DR0_ADDRESS_MASK"},
    };

    for (size_t i = 0; i < XSR_ARRAY_LEN(names); i++)
        if (names[i].index == index)
            return names[i].name;
    return NULL;
}

uint64_t xsr_field_value(const struct xsr_field *f, const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < f->width; i++)
        v |= (uint64_t)p[i] << 8 * (f->big ? f->width - 1 - i : i);
    return f->bits ? v >> f->lsb & ((1ull << f->bits) - 1) : v;
}
