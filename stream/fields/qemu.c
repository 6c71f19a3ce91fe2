/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fields in the sections of QEMU's devices, under QEMU's own names. Only what
 * is the device's alone: the vCPUs, timers and interrupt controllers that Xen
 * has itself are in a device model's state, too, but nobody reads them. Sizes
 * and order are those that QEMU says of itself (`-dump-vmstate`).
 * docs/formats/qemu-state.md
 */
#include <string.h>

#include "lib/util.h"
#include "stream/fields/fields.h"
#include "stream/fields/macros.h"

/* ---- PCI ----------------------------------------------------------------- */

#define PCI_LEN 276u

/* The device's own registers are little-endian. */
static const struct xsr_field config[] = {
    HEX("vendor", 0, 2),         HEX("device", 2, 2),
    HEX("command", 4, 2),        HEX("status", 6, 2),
    HEX("revision", 8, 1),       HEX("prog_if", 9, 1),
    HEX("class", 10, 2),         HEX("header_type", 14, 1),
    HEXES("bar", 16, 4, 6, 4),   HEX("subsystem_vendor", 44, 2),
    HEX("subsystem", 46, 2),     HEX("rom", 48, 4),
    HEX("capabilities", 52, 1),  DEC("interrupt_line", 60, 1),
    DEC("interrupt_pin", 61, 1),
};
static const struct xsr_layout pci_config = LAYOUT("config", 256, config);

#define PCI_FIELDS \
    NEST("config", 4, &pci_config), BSIGNEDS("irq_state", 260, 4, 4, 4)

static const struct xsr_field pci[] = {PCI_FIELDS};
static const struct xsr_field piix3[] = {
    PCI_FIELDS, BSIGNEDS("pci_irq_levels_vmstate", 276, 4, 4, 4)};
static const struct xsr_field platform[] = {PCI_FIELDS, BHEX("flags", 276, 1)};

/* Behind its SMBus part, which machines before 4.0 do not save. */
#define PM_TIMER_FIELDS(at)                                          \
    BSIGNED("timer", at, 8), BSIGNED("overflow_time", (at) + 8, 8),  \
        BHEX("gpe_sts", (at) + 16, 2), BHEX("gpe_en", (at) + 18, 2), \
        BHEX("pci_up", (at) + 20, 4), BHEX("pci_down", (at) + 24, 4)
#define PM_FIELDS                                                \
    PCI_FIELDS, BHEX("pm1_sts", 276, 2), BHEX("pm1_en", 278, 2), \
        BHEX("pm1_cnt", 280, 2), BHEX("apmc", 282, 1), BHEX("apms", 283, 1)

static const struct xsr_field pm[] = {PM_FIELDS, PM_TIMER_FIELDS(284)};
static const struct xsr_field pm_smbus[] = {
    PM_FIELDS,
    BHEX("smb_stat", 284, 1),
    BHEX("smb_ctl", 285, 1),
    BHEX("smb_cmd", 286, 1),
    BHEX("smb_addr", 287, 1),
    BHEX("smb_data0", 288, 1),
    BHEX("smb_data1", 289, 1),
    BDEC("smb_index", 290, 4),
    BYTESN("smb_data", 294, 32, 0, 0),
    BHEX("smb_auxctl", 326, 1),
    BHEX("smb_blkdata", 327, 1),
    BDEC("i2c_enable", 328, 1),
    BDEC("op_done", 329, 1),
    BDEC("in_i2c_block_read", 330, 1),
    BDEC("start_transaction_on_status_read", 331, 1),
    PM_TIMER_FIELDS(332),
};

/* ---- the rest of the machine --------------------------------------------- */

static const struct xsr_field timer[] = {
    BSIGNED("cpu_ticks_offset", 0, 8),
    BSIGNED("cpu_clock_offset", 16, 8),
};
static const struct xsr_field pcibus[] = {
    BDEC("nirq", 0, 4),
    BSIGNEDS("irq_count", 4, 4, 128, 4),
};
static const struct xsr_field dma_channel[] = {
    BDEC("now_address", 0, 4),  BDEC("now_count", 4, 4),
    BDEC("base_address", 8, 2), BDEC("base_count", 10, 2),
    BHEX("mode", 12, 1),        BHEX("page", 13, 1),
    BHEX("pageh", 14, 1),       BDEC("dack", 15, 1),
    BDEC("eop", 16, 1),
};
static const struct xsr_layout dma_regs = LAYOUT("regs", 17, dma_channel);
static const struct xsr_field dma[] = {
    BHEX("command", 0, 1),
    BHEX("mask", 1, 1),
    BDEC("flip_flop", 2, 1),
    BSIGNED("dshift", 3, 4),
    NESTS("regs", 7, 4, 17, &dma_regs),
};
static const struct xsr_field rtc[] = {
    BYTESN("cmos_data", 0, 128, 0, 0), BHEX("cmos_index", 128, 1),
    BSIGNED("periodic_timer", 157, 8), BSIGNED("next_periodic_time", 165, 8),
    BDEC("irq_coalesced", 197, 4),     BDEC("period", 201, 4),
    BDEC("base_rtc", 205, 8),          BDEC("last_update", 213, 8),
    BSIGNED("offset", 221, 8),         BSIGNED("update_timer", 229, 8),
    BDEC("next_alarm_time", 237, 8),
};
static const struct xsr_field serial[] = {
    BDEC("divider", 0, 2), BHEX("rbr", 2, 1), BHEX("ier", 3, 1),
    BHEX("iir", 4, 1),     BHEX("lcr", 5, 1), BHEX("mcr", 6, 1),
    BHEX("lsr", 7, 1),     BHEX("msr", 8, 1), BHEX("scr", 9, 1),
    BHEX("fcr", 10, 1),
};
/* What was typed and not yet read is nobody's business. */
#define PS2_FIELDS                                                            \
    BSIGNED("write_cmd", 0, 4), BSIGNED("rptr", 4, 4), BSIGNED("wptr", 8, 4), \
        BSIGNED("count", 12, 4)
static const struct xsr_field ps2kbd[] = {
    PS2_FIELDS,
    BSIGNED("scan_enabled", 272, 4),
    BSIGNED("translate", 276, 4),
    BSIGNED("scancode_set", 280, 4),
};
static const struct xsr_field ps2mouse[] = {
    PS2_FIELDS,
    BHEX("mouse_status", 272, 1),
    BDEC("mouse_resolution", 273, 1),
    BDEC("mouse_sample_rate", 274, 1),
    BDEC("mouse_wrap", 275, 1),
    BDEC("mouse_type", 276, 1),
    BDEC("mouse_detect_state", 277, 1),
    BSIGNED("mouse_dx", 278, 4),
    BSIGNED("mouse_dy", 282, 4),
    BSIGNED("mouse_dz", 286, 4),
    BHEX("mouse_buttons", 290, 1),
};
static const struct xsr_field pckbd[] = {
    BHEX("write_cmd", 0, 1),
    BHEX("status", 1, 1),
    BHEX("mode", 2, 1),
    BHEX("pending", 3, 1),
};
static const struct xsr_field port92[] = {BHEX("outport", 0, 1)};
static const struct xsr_field i2c_bus[] = {BHEX("saved_address", 0, 1)};
static const struct xsr_field fw_cfg[] = {
    BHEX("cur_entry", 0, 2),
    BDEC("cur_offset", 2, 4),
};

static const struct section {
    uint32_t version;
    struct xsr_layout layout;
} sections[] = {
    {2, LAYOUT("timer", 24, timer)},
    {1, LAYOUT("PCIBUS", 516, pcibus)},
    {1, LAYOUT("dma", 75, dma)},
    {3, LAYOUT("PIIX3", 292, piix3)},
    {3, LAYOUT("mc146818rtc", 245, rtc)},
    {3, LAYOUT("serial", 11, serial)},
    {3, LAYOUT("ps2kbd", 284, ps2kbd)},
    {2, LAYOUT("ps2mouse", 291, ps2mouse)},
    {3, LAYOUT("pckbd", 4, pckbd)},
    {1, LAYOUT("port92", 1, port92)},
    {1, LAYOUT("i2c_bus", 1, i2c_bus)},
    {2, LAYOUT("fw_cfg", 6, fw_cfg)},
    {3, LAYOUT("piix4_pm", 312, pm)},
    {3, LAYOUT("piix4_pm", 360, pm_smbus)},
    {4, LAYOUT("platform", 277, platform)},
};
static const struct xsr_layout any_pci = LAYOUT("PCIDevice", PCI_LEN, pci);

const struct xsr_layout *xsr_layout_qemu(const char *name, uint32_t version,
                                         uint64_t len, bool on_pci)
{
    for (size_t i = 0; i < XSR_ARRAY_LEN(sections); i++)
        if (sections[i].version == version && sections[i].layout.len == len &&
            strcmp(sections[i].layout.name, name) == 0)
            return &sections[i].layout;
    return on_pci && len >= PCI_LEN ? &any_pci : NULL;
}
