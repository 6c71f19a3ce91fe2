/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hypercalls of the test guest, through the page that Xen fills (start.S), and
 * the few instructions that C has no word for. The same on PV and HVM: only
 * what is in the page differs.
 */
#ifndef XG_HYPERCALL_H
#define XG_HYPERCALL_H

#include <stdint.h>
#include <xen/xen.h>

extern const char xg_hypercall_page[];

static inline long xg_hypercall(unsigned nr, unsigned long a1, unsigned long a2,
                                unsigned long a3, unsigned long a4)
{
    register unsigned long r10 __asm__("r10") = a4;
    const char *entry = xg_hypercall_page + nr * 32;
    long result;

    __asm__ volatile("call *%[entry]"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                     : [entry] "0"(entry)
                     : "rcx", "r8", "r9", "r11", "memory", "cc");
    return result;
}

/* The usual form: a number and a struct. */
static inline long xg_call(unsigned nr, unsigned cmd, void *arg)
{
    return xg_hypercall(nr, cmd, (unsigned long)arg, 0, 0);
}

static inline uint64_t xg_rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

static inline void xg_barrier(void)
{
    __asm__ volatile("mfence" : : : "memory");
}

static inline void xg_cpuid(uint32_t leaf, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "0"(leaf), "2"(0));
}

static inline void xg_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline uint64_t xg_rdmsr(uint32_t msr)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}

static inline void xg_outl(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "d"(port));
}

static inline uint32_t xg_inl(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "d"(port));
    return value;
}

#endif
