/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which releases of Xen can restore the image, and why others cannot: one
 * table of what an image may hold, and which releases know it. Judged from
 * what was seen; an image with errors is restored by none.
 */
#include "lib/util.h"
#include "stream/xc3.h"
#include "tools/check/check.h"

static bool v3(const struct chk_facts *f)
{
    return f->version == 3;
}
static bool pvh(const struct chk_facts *f)
{
    return !strcmp(f->type, "pvh");
}
static bool lapic(const struct chk_facts *f)
{
    return f->lapic_32;
}
static bool msrs(const struct chk_facts *f)
{
    return f->msr_since >= 12;
}
static bool msrs_13(const struct chk_facts *f)
{
    return f->msr_since >= 13;
}
static bool msrs_17(const struct chk_facts *f)
{
    return f->msr_since >= 17;
}
static bool msrs_18(const struct chk_facts *f)
{
    return f->msr_since >= 18;
}
static bool param_36(const struct chk_facts *f)
{
    return f->max_param >= 36;
}
static bool param_37(const struct chk_facts *f)
{
    return f->max_param >= 37;
}
static bool two_msrs(const struct chk_facts *f)
{
    return f->n_msrs > 1 || f->msr_10a;
}
static bool leaves_16(const struct chk_facts *f)
{
    return f->n_leaves > 114;
}
static bool leaves_17(const struct chk_facts *f)
{
    return f->n_leaves > 119;
}
static bool empty(const struct chk_facts *f)
{
    return f->old_empty;
}
static bool long_record(const struct chk_facts *f)
{
    return f->long_record;
}
static bool tsc_3(const struct chk_facts *f)
{
    return f->tsc_mode_3;
}
static bool traditional(const struct chk_facts *f)
{
    return f->have_emulator && f->emulator == 1;
}
static bool colo(const struct chk_facts *f)
{
    return f->colo;
}
static bool pv_msrs(const struct chk_facts *f)
{
    return f->pv_msrs;
}
static bool optional(const struct chk_facts *f)
{
    return f->optional_libxl || (f->optional_libxc && f->checkpointed);
}

static const struct {
    bool (*has)(const struct chk_facts *f);
    uint32_t first, last; /* releases that know it: Xen 4.first to 4.last */
    const char *why;
} limits[] = {
    {v3, 14, 99, "version 3 of the image is read since 4.14"},
    {pvh, 10, 99, "PVH guests of this kind exist since 4.10"},
    {two_msrs, 15, 99,
     "an MSR policy with ARCH_CAPABILITIES is known since "
     "4.15"},
    {leaves_16, 16, 99, "more than 114 CPUID leaves are taken since 4.16"},
    {leaves_17, 17, 99, "more than 119 CPUID leaves are taken since 4.17"},
    {lapic, 21, 99, "the LAPIC entry of 32 octets is loaded since 4.21"},
    {msrs, 12, 99, "vCPU MSRs of HVM guests are loaded since 4.12"},
    {msrs_13, 13, 99, "a vCPU's MSRs 0xd90 and 0xda0 are known since 4.13"},
    {msrs_17, 17, 99, "a vCPU's MSR 0xc001011f is known since 4.17"},
    {msrs_18, 18, 99, "a vCPU's MSR 0x6e1 is known since 4.18"},
    {param_36, 8, 99, "HVM parameter 36 is known since 4.8"},
    {param_37, 10, 99, "HVM parameters 37 and 38 are known since 4.10"},
    {pv_msrs, 10, 99, "the MSRs of PV vCPUs are lost before 4.10"},
    {empty, 9, 99, "empty records are tolerated since 4.9"},
    {long_record, 10, 99, "records above 8 MiB are read since 4.10"},
    {colo, 7, 99, "COLO exists since 4.7"},
    {tsc_3, 0, 16, "TSC mode 3 is refused by 4.17"},
    {traditional, 0, 20, "QEMU traditional was removed in 4.21"},
    {optional, 99, 99, "no release of libxl skips such an optional record"},
};

void chk_release(const struct chk *c, uint32_t minor, struct chk_release *out)
{
    unsigned n = 0;

    *out = (struct chk_release){CHK_CAN, {NULL}};
    for (size_t i = 0; i < XSR_ARRAY_LEN(limits) && n + 1 < CHK_MAX_WHY; i++)
        if (limits[i].has(&c->f) &&
            (minor < limits[i].first || minor > limits[i].last))
            out->why[n++] = limits[i].why;
    if (n)
        out->can = CHK_CANNOT;
    else if (c->f.xen_major == 4 && minor < c->f.xen_minor) {
        out->can = CHK_NOT_PROMISED;
        out->why[0] = "older than the Xen that saved it, which Xen does not "
                      "promise to work";
    }
}

const char *chk_caution(const struct chk *c, unsigned n)
{
    const char *text[] = {
        c->f.width == 4 ? "a 32-bit PV guest needs a hypervisor with 32-bit PV "
                          "(CONFIG_PV32), which Debian's does not have"
                        : NULL,
        c->f.guest == XSR_XC3_PV && c->f.width
            ? "a PV guest needs a hypervisor with PV (CONFIG_PV)"
            : NULL,
        c->f.unknown_msr ? "a vCPU has an MSR that no release up to 4.18 is "
                           "known to load"
                         : NULL,
        c->f.piix4_short
            ? "QEMU: piix4_pm has the layout of machine xenfv up to QEMU 10.2; "
              "QEMU 11.1 refuses it, or loses other devices' state in silence"
            : NULL,
        c->f.piix4_long
            ? "QEMU: piix4_pm has the layout of machine xenfv of QEMU 11.1 or "
              "4.0 to 4.2; QEMU 5.0 to 10.2 lose other devices' state in "
              "silence"
            : NULL,
        c->f.checkpointed ? "a checkpointed stream is restored by a receiver "
                            "that was told so (Remus, COLO), not as a file"
                          : NULL,
    };

    for (size_t i = 0; i < XSR_ARRAY_LEN(text); i++)
        if (text[i] && !n--)
            return text[i];
    return NULL;
}
