/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The devices of the machine "xenfv" as QEMU 7.2 has it, and some that
 * configurations add, in the order in which a fresh machine's state has them.
 * A device whose state has no fixed length (network cards, disks in the middle
 * of a transfer) is not here, and its state is refused by name.
 */
#include "stubs/dm/devices.h"

#include "lib/util.h"

#define SUB(name, len) \
    {                  \
        {              \
            name, len  \
        }              \
    }

const struct xsr_dm_device xsr_dm_devices[] = {
    {"timer", 2, 2, 24, 1, NULL, 0, true, {{0}}},
    {"cpu_common", 1, 1, 8, 0, NULL, 0, true, {{0}}},
    {"cpu", 12, 11, 1313, 0, NULL, 0, true, SUB("cpu/poll_control_msr", 8)},
    {"apic", 3, 3, 181, 0, NULL, 0, true, SUB("apic_sipi", 8)},
    {"fw_cfg", 2, 1, 6, 1, NULL, 0, false, {{0}}},
    {"PCIBUS", 1, 1, 516, 1, NULL, 0, true, {{0}}},
    {"I440FX", 3, 3, 277, 1, "00.0", 0x12378086, true, {{0}}},
    {"dma", 1, 1, 75, 2, NULL, 0, true, {{0}}},
    {"PIIX3", 3, 2, 292, 1, "01.0", 0x70008086, true, {{0}}},
    {"ioapic", 3, 1, 206, 1, NULL, 0, true, {{0}}},
    {"hpet", 2, 1, 151, 1, NULL, 0, true, {{0}}},
    {"mc146818rtc", 3, 1, 245, 1, NULL, 0, true, {{0}}},
    {"serial", 3, 2, 11, 4, NULL, 0, false, {{0}}},
    {"fdc", 2, 2, 593, 1, NULL, 0, true, {{0}}},
    {"ps2kbd", 3, 2, 284, 1, NULL, 0, true, {{0}}},
    {"ps2mouse", 2, 2, 291, 1, NULL, 0, true, {{0}}},
    {"pckbd", 3, 3, 4, 1, NULL, 0, true, SUB("pckbd/extended_state", 10)},
    {"port92", 1, 1, 1, 1, NULL, 0, true, {{0}}},
    {"ide", 3, 0, 430, 1, "01.1", 0x70108086, true, {{0}}},
    {"i2c_bus", 1, 1, 1, 1, NULL, 0, true, {{0}}},
    {"piix4_pm", 3, 3, 312, 1, "01.3", 0x71138086, true,
     SUB("piix4_pm/memhp", 4)},
    {"platform", 4, 4, 277, 1, "02.0", 0x00015853, true, {{0}}},
    {"cirrus_vga", 2, 2, 1870, 1, "03.0", 0x00b81013, true, {{0}}},
    {"vga", 2, 2, 1407, 1, NULL, 0, false, {{0}}},
    {"rtl8139", 5, 3, 642, 8, NULL, 0, false, {{0}}},
    {"usb-ptr", 1, 1, 298, 1, NULL, 0, false, {{0}}},
    {"usb-kbd", 1, 1, 129, 1, NULL, 0, false, {{0}}},
};
const size_t xsr_dm_n_devices = XSR_ARRAY_LEN(xsr_dm_devices);
