/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exceptions. A breakpoint is the guest's own: after a suspend it shows that
 * the trap table or IDT is still there and that returning from it works.
 * Everything else is a fault of the guest or of whoever restored it, and a
 * panic. The entries are in registers.S.
 */
#include "xg.h"

#include "hypercall.h"

extern char xg_trap_hvm[], xg_trap_pv[];

struct frame {
    uint64_t rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

struct gate {
    uint16_t offset_low, selector, flags, offset_middle;
    uint32_t offset_high, zero;
};

void xg_trap(struct frame *f);

static struct gate idt[32] __attribute__((aligned(16)));
static struct trap_info traps[33];
static bool on_pv;
static uint32_t n_breakpoints;

void xg_trap(struct frame *f)
{
    uint64_t address;

    if (f->vector == 3) {
        n_breakpoints++;
        if (on_pv)
            f->cs |= 3; /* Xen hides the ring that we are in */
        return;
    }
    if (on_pv)
        address = xg_shared->vcpu_info[0].arch.cr2;
    else
        __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    xg_say(XG_DROP, "exception vector=%lu error=0x%lx rip=0x%lx cr2=0x%lx",
           f->vector, f->error, f->rip, address);
    xg_panic("exception at", f->rip);
}

void xg_trap_init(bool pv)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } pointer = {sizeof(idt) - 1, (unsigned long)idt};

    on_pv = pv;
    for (unsigned i = 0; i < 32; i++) {
        unsigned long entry = (unsigned long)xg_trap_hvm + i * 16;

        idt[i] = (struct gate){.offset_low = (uint16_t)entry,
                               .selector = 8,
                               .flags = 0x8e00,
                               .offset_middle = (uint16_t)(entry >> 16)};
        traps[i] =
            (struct trap_info){.vector = (uint8_t)i,
                               .flags = i == 3 ? 3 : 0,
                               .cs = FLAT_KERNEL_CS,
                               .address = (unsigned long)xg_trap_pv + i * 16};
    }
    if (!pv)
        __asm__ volatile("lidt %0" : : "m"(pointer));
    else if (xg_hypercall(__HYPERVISOR_set_trap_table, (unsigned long)traps, 0,
                          0, 0))
        xg_panic("the trap table is refused", 0);
}

void xg_trap_check(void)
{
    uint32_t before = n_breakpoints;

    __asm__ volatile("int3" : : : "memory");
    if (*(volatile uint32_t *)&n_breakpoints != before + 1)
        xg_damaged("traps", n_breakpoints, before + 1);
}
