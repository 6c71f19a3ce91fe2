/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lengths of device sections. QEMU writes none, but for a name and a version
 * they are nearly always the same, so a length that fits is a witness for a
 * split, and one that does not is the best finding there is: two layouts under
 * one version number (piix4_pm, piix4acpi) are what restores break on.
 * Values: docs/formats/qemu-state.md.
 */
#include <stdio.h>
#include <string.h>

#include "lib/util.h"
#include "stream/qemu/split.h"

/* Bodies without the subsections at their end. Longest last. */
static const struct profile {
    const char *name;
    uint16_t version;
    bool varies; /* longer ones occur: queues, transfers in flight */
    uint32_t len;
} profiles[] = {
    {"timer", 2, false, 8}, /* traditional QEMU as Xen builds it */
    {"timer", 2, false, 24},
    {"cpu_common", 1, false, 8},
    {"cpu", 12, true, 1313},
    {"apic", 3, false, 181},
    {"PCIBUS", 1, false, 516},
    {"I440FX", 3, false, 277},
    {"dma", 1, false, 75},
    {"PIIX3", 3, false, 292},
    {"ioapic", 3, false, 206},
    {"hpet", 2, false, 151},
    {"mc146818rtc", 3, false, 245},
    {"serial", 3, false, 11},
    {"fdc", 2, true, 545}, /* and subsections of its drives in the middle */
    {"fdc", 2, true, 593},
    {"ps2kbd", 3, false, 284},
    {"ps2mouse", 2, false, 291},
    {"pckbd", 3, false, 4},
    {"port92", 1, false, 1},
    {"ide", 3, true, 430},
    {"i2c_bus", 1, false, 1},
    {"piix4_pm", 3, false, 312}, /* machines up to 3.1 */
    {"piix4_pm", 3, false, 360}, /* since 4.0: with an SMBus block */
    {"platform", 4, false, 277},
    {"cirrus_vga", 2, false, 1870},
    {"vga", 2, false, 1407},
    {"rtl8139", 5, false, 642},
    {"e1000", 2, true, 198785},
    {"uhci", 3, true, 315},
    {"usb-ptr", 1, true, 298},
    {"usb-kbd", 1, true, 129},
    {"ehci", 2, true, 376},
    {"xhci", 1, true, 5343},
    {"PCIHost", 1, false, 4},
    {"fw_cfg", 2, false, 6},
    /* traditional QEMU */
    {"ram", 3, false, 0},
    {"platform_fixed_ioport", 1, false, 1},
    {"gpe", 1, false, 9},
    {"gpe", 2, false, 17},
    {"pci_devfn", 1, false, 130},
    {"piix4acpi", 1, false, 278},
    {"piix4acpi", 2, false, 282},
    {"piix4acpi", 3, false, 282}, /* XenServer 6.5 */
};

/* Whole subsections: tag, length, name, version, body. */
static const struct {
    const char *name;
    uint32_t len;
} subs[] = {
    {"cpu/poll_control_msr", 34},
    {"apic_sipi", 23},
    {"piix4_pm/memhp", 24},
    {"pckbd/extended_state", 36},
};

static uint64_t sub_len(const char *name)
{
    for (size_t i = 0; i < XSR_ARRAY_LEN(subs); i++)
        if (!strcmp(subs[i].name, name))
            return subs[i].len;
    return 0;
}

/* The subsection that was found at exactly this place. */
static const struct xsr_qemu_sub *sub_at(const struct xsr_qemu *q,
                                         uint64_t offset)
{
    size_t lo = 0, hi = q->n_subs;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (q->subs[mid].offset < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < q->n_subs && q->subs[lo].offset == offset ? &q->subs[lo] : NULL;
}

/* Do the section's subsections fill everything from pos to end? */
static enum xsr_qemu_fit fit_subs(const struct xsr_qemu *q, const char *name,
                                  uint64_t pos, uint64_t end)
{
    while (pos < end) {
        const struct xsr_qemu_sub *sub = sub_at(q, pos);
        uint64_t len;

        if (!sub || strncmp(sub->name, name, strlen(name)) != 0)
            return XSR_QEMU_FIT_NO;
        len = sub_len(sub->name);
        if (!len)
            return sub->body <= end ? XSR_QEMU_FIT_OPEN : XSR_QEMU_FIT_NO;
        pos += len;
    }
    return pos == end ? XSR_QEMU_FIT_EXACT : XSR_QEMU_FIT_NO;
}

enum xsr_qemu_fit xsr_qemu_fit(const struct xsr_qemu *q,
                               const struct xsr_qemu_section *s, uint64_t end)
{
    enum xsr_qemu_fit best = XSR_QEMU_FIT_NO, fit;
    const char *name = xsr_qemu_name(s);
    bool listed = false;

    if (end < s->body)
        return XSR_QEMU_FIT_NO;
    for (size_t i = 0; i < XSR_ARRAY_LEN(profiles); i++) {
        const struct profile *p = &profiles[i];

        if (p->version != s->version || strcmp(p->name, name) != 0)
            continue;
        listed = true;
        if (end - s->body < p->len)
            continue;
        fit = fit_subs(q, name, s->body + p->len, end);
        if (fit == XSR_QEMU_FIT_NO && p->varies)
            fit = XSR_QEMU_FIT_OPEN;
        if (fit > best)
            best = fit;
    }
    return listed ? best : XSR_QEMU_FIT_OPEN;
}

const char *xsr_qemu_known_lens(const struct xsr_qemu_section *s, char *out,
                                size_t out_len)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < XSR_ARRAY_LEN(profiles); i++) {
        const struct profile *p = &profiles[i];

        if (p->version != s->version ||
            strcmp(p->name, xsr_qemu_name(s)) != 0 || n >= out_len)
            continue;
        n += (size_t)snprintf(out + n, out_len - n, "%s%s%u", n ? " or " : "",
                              p->varies ? "at least " : "", p->len);
    }
    return out;
}
