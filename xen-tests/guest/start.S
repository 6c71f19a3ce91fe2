/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two entries of the test guest and what Xen reads about it.
 *
 * PV: Xen starts xg_pv_entry in 64-bit mode on page tables of its own, rsi is
 * start_info. PVH and HVM: xg_pvh_entry in 32-bit mode without paging, ebx is
 * hvm_start_info; it maps the first 4 GiB one to one. Both go on in xg_main
 * (main.c) with the same stack.
 */
#include <xen/elfnote.h>

#define NOTE(type, value...)   \
    .pushsection .note.Xen, "a", @note; \
    .balign 4;                 \
    .long 2f - 1f, 4f - 3f, type; \
1:  .asciz "Xen";              \
2:  .balign 4;                 \
3:  value;                     \
4:  .balign 4;                 \
    .popsection

    NOTE(XEN_ELFNOTE_GUEST_OS, .asciz "xg")
    NOTE(XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0")
    NOTE(XEN_ELFNOTE_LOADER, .asciz "generic")
    NOTE(XEN_ELFNOTE_VIRT_BASE, .quad 0)
    NOTE(XEN_ELFNOTE_PADDR_OFFSET, .quad 0)
    NOTE(XEN_ELFNOTE_ENTRY, .quad xg_pv_entry)
    NOTE(XEN_ELFNOTE_HYPERCALL_PAGE, .quad xg_hypercall_page)
    NOTE(XEN_ELFNOTE_SUSPEND_CANCEL, .quad 1)
    NOTE(XEN_ELFNOTE_PHYS32_ENTRY, .quad xg_pvh_entry)

    .section .text.start, "ax"

    /* Filled by the domain builder (PV), or through an MSR (hvm.c). */
    .globl xg_hypercall_page
    .balign 4096
xg_hypercall_page:
    .skip 4096, 0xcc

    .code64
    .globl xg_pv_entry
xg_pv_entry:
    cld
    mov     %rsp, %rdx              /* the bootstrap stack is the last thing */
    mov     $xg_stack_top, %esp
    mov     $1, %edi
    call    xg_main
    ud2

    .code32
    .globl xg_pvh_entry
xg_pvh_entry:
    cld
    mov     %ebx, %ebp
    mov     $xg_bss, %edi
    mov     $xg_image_end, %ecx
    sub     %edi, %ecx
    xor     %eax, %eax
    rep stosb

    movl    $xg_hvm_l3 + 3, xg_hvm_l4
    mov     $xg_hvm_l2 + 3, %eax
    mov     $xg_hvm_l3, %edi
    mov     $4, %ecx
1:  mov     %eax, (%edi)
    add     $4096, %eax
    add     $8, %edi
    loop    1b
    mov     $0x83, %eax             /* 2 MiB pages, present, writable */
    mov     $xg_hvm_l2, %edi
    mov     $2048, %ecx
1:  mov     %eax, (%edi)
    add     $0x200000, %eax
    add     $8, %edi
    loop    1b

    mov     %cr4, %eax
    or      $0x620, %eax            /* PAE, OSFXSR, OSXMMEXCPT */
    mov     %eax, %cr4
    mov     $xg_hvm_l4, %eax
    mov     %eax, %cr3
    mov     $0xc0000080, %ecx       /* EFER */
    rdmsr
    or      $0x100, %eax            /* LME */
    wrmsr
    mov     $0x80010033, %eax       /* PG, WP, NE, ET, MP, PE */
    mov     %eax, %cr0
    lgdt    gdt_pointer
    ljmp    $8, $1f

    .code64
1:  mov     $16, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    mov     $xg_stack_top, %esp
    mov     %ebp, %esi
    xor     %edx, %edx
    xor     %edi, %edi
    call    xg_main
    ud2

    .data
    .balign 16
gdt:
    .quad   0
    .quad   0x00af9b000000ffff      /* 8: 64-bit code */
    .quad   0x00cf93000000ffff      /* 16: data */
gdt_end:
gdt_pointer:
    .word   gdt_end - gdt - 1
    .quad   gdt

    .bss
    .balign 4096
    .globl xg_hvm_l4
xg_hvm_l4:
    .skip   4096
xg_hvm_l3:
    .skip   4096
xg_hvm_l2:
    .skip   4 * 4096
    .skip   32768
xg_stack_top:
