/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU policies for genimage: a small but plausible choice of leaves (leaf,
 * subleaf or all ones, eax, ebx, ecx, edx) and the two MSRs that Xen 4.17
 * sends (index, flags, value low, value high).
 */
#ifndef XSR_TESTS_GEN_POLICY_H
#define XSR_TESTS_GEN_POLICY_H

#include <stdint.h>

static const uint32_t gen_leaves[][6] = {
    {0, ~0u, 7, 0x68747541, 0x444d4163, 0x69746e65},
    {1, ~0u, 0x60fb1, 0x40800, 0x80202001, 0x178bfbfd},
    {2, ~0u, 0, 0, 0, 0},
    {3, ~0u, 0, 0, 0, 0},
    {4, 0, 0, 0, 0, 0},
    {5, ~0u, 0, 0, 0, 0},
    {6, ~0u, 0, 0, 0, 0},
    {7, 0, 0, 0, 0, 0},
    {0x40000000, ~0u, 0, 0, 0, 0},
    {0x40000100, ~0u, 0, 0, 0, 0},
    {0x80000000, ~0u, 0x80000008, 0x68747541, 0x444d4163, 0x69746e65},
    {0x80000001, ~0u, 0x60fb1, 0, 1, 0x2193fbfd},
    {0x80000008, ~0u, 0x3028, 0x100000, 0x2003, 0},
};
static const uint32_t gen_msrs[][4] = {
    {0xce, 0, 0, 0},
    {0x10a, 0, 0, 0},
};

#endif
