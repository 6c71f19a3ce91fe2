/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the two writers of legacy streams share: words of the toolstack's
 * width, and the pieces of such a stream. It shares no code with the decoder
 * in stream/legacy. docs/formats/legacy-stream.md
 */
#ifndef XSR_TESTS_GEN_LEGACY_PUT_H
#define XSR_TESTS_GEN_LEGACY_PUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"

static unsigned lg_width = 8; /* bytes of the toolstack's unsigned long */

static inline void lg_raw(const void *p, size_t n)
{
    if (n && fwrite(p, n, 1, stdout) != 1) {
        perror("cannot write");
        exit(1);
    }
}

static inline void lg_zero(size_t n)
{
    static const uint8_t zeros[4096];

    for (; n > sizeof zeros; n -= sizeof zeros)
        lg_raw(zeros, sizeof zeros);
    lg_raw(zeros, n);
}

static inline void lg_u32(uint32_t v)
{
    uint8_t p[4];

    xsr_st_le32(p, v);
    lg_raw(p, sizeof p);
}

static inline void lg_be32(uint32_t v)
{
    lg_u32(__builtin_bswap32(v));
}

static inline void lg_u64(uint64_t v)
{
    uint8_t p[8];

    xsr_st_le64(p, v);
    lg_raw(p, sizeof p);
}

static inline void lg_ulong(uint64_t v)
{
    uint8_t p[8];

    xsr_st_le64(p, v);
    lg_raw(p, lg_width);
}

/* One HVM parameter as a chunk. */
static inline void lg_param(int32_t id, uint64_t value)
{
    lg_u32((uint32_t)id);
    lg_u32(0);
    lg_u64(value);
}

static inline void lg_tsc(uint32_t mode, uint64_t nsec, uint32_t khz,
                          uint32_t incarnation)
{
    lg_u32((uint32_t)-7);
    lg_u32(mode);
    lg_u64(nsec);
    lg_u32(khz);
    lg_u32(incarnation);
}

/* p2m size, marker and blocks of a PV guest; what the vcpu block holds is
   read by nobody. xsave: 0, or the size of vCPU 0's state. */
static inline void lg_pv_head(uint64_t p2m_size, uint32_t vcpu_len,
                              bool extended, uint32_t xsave)
{
    lg_ulong(p2m_size);
    lg_ulong(UINT64_MAX);
    lg_u32(vcpu_len + 8 + (extended ? 8 : 0) + (xsave ? 12 : 0));
    lg_raw("vcpu", 4);
    lg_u32(vcpu_len);
    lg_zero(vcpu_len);
    if (extended) {
        lg_raw("extv", 4);
        lg_u32(0);
    }
    if (xsave) {
        lg_raw("xcnt", 4);
        lg_u32(4);
        lg_u32(xsave + 16);
    }
}

/* One entry of the toolstack chunk; len with the NUL, 0: no name. The stray
   bytes are never zero, so that a reader which keeps them shows. */
static inline void lg_physmap(uint64_t phys, uint64_t start, uint64_t size,
                              const char *name, uint32_t len)
{
    lg_u64(phys);
    lg_u64(start);
    lg_u64(size);
    lg_u32(len);
    lg_raw(name, len);
    if (lg_width == 8)
        lg_raw("\xde\xad\xbe\xef", 4);
}

static inline size_t lg_physmap_len(uint32_t name_len)
{
    return 28 + name_len + (lg_width == 8 ? 4 : 0);
}

#endif
