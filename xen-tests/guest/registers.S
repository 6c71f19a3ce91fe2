/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The suspend hypercall with known values in the registers that it keeps, and
 * the entries of exceptions.
 *
 * suspend.c fills a struct xg_carried; xg_carry loads it, suspends, and stores
 * what the registers hold when the guest goes on, here or in another domain.
 * Exceptions all go to xg_trap (trap.c), on PV and HVM with the same frame.
 */
    .text

    .macro  each_xmm insn, base, to_memory
    .set    i, 0
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .if     \to_memory
    \insn   %xmm\n, \base + i (%rdi)
    .else
    \insn   \base + i (%rdi), %xmm\n
    .endif
    .set    i, i + 16
    .endr
    .endm

    /* long xg_carry(struct xg_carried *c, void *arg, unsigned long frame) */
    .globl  xg_carry
xg_carry:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    push    %rdi
    mov     0(%rdi), %rbx
    mov     8(%rdi), %rbp
    mov     16(%rdi), %r12
    mov     24(%rdi), %r13
    mov     32(%rdi), %r14
    mov     40(%rdi), %r15
    each_xmm movdqu, 48, 0
    mov     $2, %edi                    /* SCHEDOP_shutdown */
    call    xg_hypercall_page + 29 * 32 /* sched_op */
    pop     %rdi
    mov     %rbx, 0(%rdi)
    mov     %rbp, 8(%rdi)
    mov     %r12, 16(%rdi)
    mov     %r13, 24(%rdi)
    mov     %r14, 32(%rdi)
    mov     %r15, 40(%rdi)
    each_xmm movdqu, 48, 1
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret

    /*
     * One entry a vector, 16 bytes apart. Those of the vectors without an error
     * code push a zero. PV frames start with rcx and r11.
     */
    .macro  entries prefix, pv
    .globl  \prefix
    .balign 16
\prefix:
    .set    vector, 0
    .rept   32
    .balign 16
    .if     \pv
    pop     %rcx
    pop     %r11
    .endif
    .if     !((0x60227d00 >> vector) & 1)
    push    $0
    .endif
    push    $vector
    jmp     trapped
    .set    vector, vector + 1
    .endr
    .endm

    entries xg_trap_hvm, 0
    entries xg_trap_pv, 1

trapped:
    push    %r11
    push    %r10
    push    %r9
    push    %r8
    push    %rdi
    push    %rsi
    push    %rdx
    push    %rcx
    push    %rax
    mov     %rsp, %rdi
    cld
    call    xg_trap
    pop     %rax
    pop     %rcx
    pop     %rdx
    pop     %rsi
    pop     %rdi
    pop     %r8
    pop     %r9
    pop     %r10
    pop     %r11
    add     $16, %rsp
    iretq
