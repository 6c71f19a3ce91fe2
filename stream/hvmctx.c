/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The chain inside an HVM_CONTEXT record. Xen judges it too, but releases
 * before 4.19 only while loading, which leaves a half-loaded domain; so all of
 * it is judged here before any of it is applied.
 */
#include "stream/hvmctx.h"

#include <stdbool.h>

#include "lib/util.h"
#include "stream/limits.h"

#define VERSION 1u
enum { T_END = 0, T_HEADER = 1, T_CPU = 2, T_XSAVE = 16, T_MSR = 20 };
enum { DOMAIN_ONE, DOMAIN_TWO, PER_VCPU };

/* Lengths: exactly min or max, or anything between when ranged. */
static const struct {
    const char *name;
    uint32_t min, max;
    bool ranged;
    uint8_t per;
} types[] = {
    [T_END] = {"END", 0, 0, false, DOMAIN_ONE},
    [T_HEADER] = {"HEADER", 24, 24, false, DOMAIN_ONE},
    [T_CPU] = {"CPU", 1016, 1032, false, PER_VCPU},
    [3] = {"PIC", 8, 8, false, DOMAIN_TWO},
    [4] = {"IOAPIC", 400, 400, false, DOMAIN_ONE},
    [5] = {"LAPIC", 24, 32, false, PER_VCPU},
    [6] = {"LAPIC_REGS", 1024, 1024, false, PER_VCPU},
    [7] = {"PCI_IRQ", 16, 16, false, DOMAIN_ONE},
    [8] = {"ISA_IRQ", 8, 8, false, DOMAIN_ONE},
    [9] = {"PCI_LINK", 8, 8, false, DOMAIN_ONE},
    [10] = {"PIT", 56, 56, false, DOMAIN_ONE},
    [11] = {"RTC", 1, 24, true, DOMAIN_ONE},
    [12] = {"HPET", 1048, 1048, false, DOMAIN_ONE},
    [13] = {"PMTIMER", 8, 8, false, DOMAIN_ONE},
    [14] = {"MTRR", 240, 240, false, PER_VCPU},
    [15] = {"VIRIDIAN_DOMAIN", 1, 32, true, DOMAIN_ONE},
    [T_XSAVE] = {"CPU_XSAVE", 600, UINT32_MAX, true, PER_VCPU},
    [17] = {"VIRIDIAN_VCPU", 1, 216, true, PER_VCPU},
    [18] = {"VMCE_VCPU", 1, 32, true, PER_VCPU},
    [19] = {"TSC_ADJUST", 8, 8, false, PER_VCPU},
    [T_MSR] = {"CPU_MSR", 24, UINT32_MAX, true, PER_VCPU},
};

const char *xsr_hvmctx_name(uint16_t typecode)
{
    return typecode < XSR_ARRAY_LEN(types) ? types[typecode].name : "?";
}

int xsr_hvmctx_next(struct xsr_cur *cur, struct xsr_hvmctx_entry *out,
                    struct xsr_err *err)
{
    uint64_t at = xsr_cur_offset(cur);

    if (!xsr_cur_left(cur)) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record HVM_CONTEXT: found its end without an END "
                 "entry");
        return xsr_err_at(err, at);
    }
    if (xsr_get_u16(cur, &out->typecode, "HVM_CONTEXT entry type", err) ||
        xsr_get_u16(cur, &out->instance, "HVM_CONTEXT entry instance", err) ||
        xsr_get_u32(cur, &out->len, "HVM_CONTEXT entry length", err))
        return -1;
    if (out->len > xsr_cur_left(cur)) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record HVM_CONTEXT: found entry %s/%u of length %u, "
                 "allowed at most %zu, what is left of the record",
                 xsr_hvmctx_name(out->typecode), out->instance, out->len,
                 xsr_cur_left(cur));
        return xsr_err_at(err, at);
    }
    if (xsr_get_view(cur, out->len, &out->body, "HVM_CONTEXT entry", err))
        return -1;
    return out->typecode == T_END ? 0 : 1;
}

static int check_shape(const struct xsr_hvmctx_entry *e, struct xsr_err *err)
{
    uint32_t min, max;

    if (e->typecode >= XSR_ARRAY_LEN(types))
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_CONTEXT: found entry type %u, "
                        "allowed 0 to %zu",
                        e->typecode, XSR_ARRAY_LEN(types) - 1);
    min = types[e->typecode].min;
    max = types[e->typecode].max;
    if (types[e->typecode].ranged ? e->len < min || e->len > max
                                  : e->len != min && e->len != max)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_CONTEXT: found entry %s/%u of "
                        "length %u, allowed %u%s%u",
                        types[e->typecode].name, e->instance, e->len, min,
                        types[e->typecode].ranged ? " to " : " or ", max);
    if (types[e->typecode].per != PER_VCPU &&
        e->instance > types[e->typecode].per)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_CONTEXT: found instance %u of %s, "
                        "allowed up to %u",
                        e->instance, types[e->typecode].name,
                        types[e->typecode].per);
    return 0;
}

static int check_header(const struct xsr_hvmctx_entry *e, struct xsr_err *err)
{
    if (e->typecode != T_HEADER)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_CONTEXT: found %s as first entry, "
                        "allowed HEADER",
                        xsr_hvmctx_name(e->typecode));
    if (xsr_le32(e->body) != XSR_HVMCTX_MAGIC ||
        xsr_le32(e->body + 4) != VERSION)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_CONTEXT: found header magic 0x%08x "
                        "version %u, allowed 0x%08x version %u",
                        xsr_le32(e->body), xsr_le32(e->body + 4),
                        XSR_HVMCTX_MAGIC, VERSION);
    return 0;
}

static int check_content(const struct xsr_hvmctx_entry *e, struct xsr_err *err)
{
    uint32_t n;

    /* xcr-fields 24, FPU/SSE 512, xstate_bv 8, then xcomp_bv */
    if (e->typecode == T_XSAVE && xsr_le64(e->body + 24 + 520) >> 63)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_CONTEXT: found CPU_XSAVE/%u in the "
                        "compacted form, allowed the standard form only",
                        e->instance);
    if (e->typecode != T_MSR)
        return 0;
    n = xsr_le32(e->body);
    if (!n || e->len != 8 + 16ull * n || xsr_le32(e->body + 4))
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_CONTEXT: found CPU_MSR/%u of length "
                        "%u with count %u and reserved field 0x%x, allowed "
                        "8 + 16 * count, count >= 1, reserved 0",
                        e->instance, e->len, n, xsr_le32(e->body + 4));
    for (uint32_t i = 0; i < n; i++)
        if (xsr_le32(e->body + 8 + 16 * (size_t)i + 4))
            return xsr_fail(err, XSR_E_FORMAT,
                            "libxc record HVM_CONTEXT: found a reserved field "
                            "not 0 in CPU_MSR/%u, MSR 0x%x",
                            e->instance,
                            xsr_le32(e->body + 8 + 16 * (size_t)i));
    return 0;
}

/* A bit per entry seen, so that a hostile chain costs no more than its bytes.
 */
struct seen {
    uint8_t bit[XSR_ARRAY_LEN(types)][(XSR_MAX_VCPU_ID + 1) / 8];
};

static int check_unique(struct seen *seen, const struct xsr_hvmctx_entry *e,
                        struct xsr_err *err)
{
    uint8_t *byte, mask = (uint8_t)(1u << (e->instance & 7));

    if (e->instance > XSR_MAX_VCPU_ID)
        return xsr_fail(err, XSR_E_LIMIT,
                        "libxc record HVM_CONTEXT: found %s of vCPU %u, "
                        "allowed up to %u",
                        xsr_hvmctx_name(e->typecode), e->instance,
                        XSR_MAX_VCPU_ID);
    byte = &seen->bit[e->typecode][e->instance / 8];
    if (*byte & mask)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxc record HVM_CONTEXT: found a second entry "
                        "%s/%u, allowed one",
                        xsr_hvmctx_name(e->typecode), e->instance);
    *byte |= mask;
    return 0;
}

static int check_one(struct seen *seen, const struct xsr_hvmctx_entry *e,
                     bool first, struct xsr_err *err)
{
    if (check_shape(e, err) || (first && check_header(e, err)) ||
        check_content(e, err) || check_unique(seen, e, err))
        return -1;
    return 0;
}

int xsr_hvmctx_check(struct xsr_cur *cur, struct xsr_err *err)
{
    struct xsr_hvmctx_entry e;
    size_t start = cur->pos;
    struct seen seen;
    int more = 1;

    memset(&seen, 0, sizeof seen);
    while (more) {
        size_t pos = cur->pos;

        more = xsr_hvmctx_next(cur, &e, err);
        if (more < 0)
            return -1;
        if (check_one(&seen, &e, pos == start, err))
            return xsr_err_at(err, cur->base + pos);
    }
    /* Xen stops at END; zeroes behind it are a buffer that was too large. */
    return xsr_get_zero(cur, xsr_cur_left(cur),
                        "libxc record HVM_CONTEXT: bytes behind its END entry",
                        err);
}
