/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XSAVE areas: how large one is for a set of components, and whether a set is
 * possible at all on this host and for this domain's CPU policy. Used for PV
 * vCPUs (domctl_vcpu.c) and for the CPU_XSAVE entry of an HVM context.
 */
#include <errno.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stubs/hv/hvi.h"

#define FP      1u
#define SSE     2u
#define YMM     4u
#define BNDREGS 8u
#define BNDCSR  0x10u
#define AVX512  0xe0u
#define PKRU    0x200u

#define HEADER   512u /* xstate_bv, xcomp_bv, 48 reserved octets */
#define MIN_SIZE 576u

/* Where the components lie in the uncompacted form, as on real CPUs. */
static const struct {
    uint32_t bit, offset, size;
} parts[] = {
    {YMM, 576, 256},   {BNDREGS, 960, 64}, {BNDCSR, 1024, 64}, {0x20, 1088, 64},
    {0x40, 1152, 512}, {0x80, 1664, 1024}, {PKRU, 2688, 8},
};

/* Xen's rule: nothing at all for no components, else up to the highest. */
size_t xsr_hv_xstate_size(uint64_t xcr0)
{
    size_t i, size = MIN_SIZE;

    if (xcr0 == 0)
        return 0;
    for (i = 0; i < XSR_ARRAY_LEN(parts); i++)
        if (xcr0 & parts[i].bit)
            size = parts[i].offset + parts[i].size;
    return size;
}

static bool valid_set(uint64_t x)
{
    if (!(x & FP) || ((x & YMM) && !(x & SSE)))
        return false;
    if ((x & AVX512) && (!(x & YMM) || (x & AVX512) != AVX512))
        return false;
    return !(x & BNDREGS) == !(x & BNDCSR);
}

int xsr_hv_check_xstate(const struct xsr_dom *d, uint64_t xcr0,
                        uint64_t xcr0_accum, const uint8_t *area)
{
    uint64_t xstate_bv = xsr_le64(area + HEADER);
    uint64_t xcomp_bv = xsr_le64(area + HEADER + 8);

    if ((xstate_bv & ~xcr0_accum) || (xcr0 & ~xcr0_accum) ||
        (xcr0_accum & ~xsr_hv_policy_xcr0(d)) || !valid_set(xcr0) ||
        !valid_set(xcr0_accum))
        return -EINVAL;
    if ((xcr0_accum & ~XSR_XFEATURES) || xcomp_bv)
        return -EOPNOTSUPP;
    if (!xsr_all_zero(area + HEADER + 16, 48))
        return -EIO;
    return 0;
}
