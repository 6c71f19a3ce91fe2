/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the fields lie that a save, a restore or a resume of a 64-bit PV guest
 * reads or changes, in octets; fields have 8 octets unless noted.
 * docs/formats/libxc-image.md
 */
#ifndef XSR_ENGINE_PV_LAYOUT_H
#define XSR_ENGINE_PV_LAYOUT_H

#define XSR_PV_WIDTH     8u   /* octets of a guest word */
#define XSR_PV_LEVELS    4u   /* of page tables */
#define XSR_PV_PER_PAGE  512u /* words or page table entries in a page */
#define XSR_PV_PER_SHIFT 9

/* Page table entries. */
#define XSR_PTE_PRESENT 1ull
#define XSR_PTE_PSE     (1ull << 7)
#define XSR_PTE_FRAME   0x000ffffffffff000ull /* bits 12-51 */

/* Slots of an L4 that map Xen itself: 0xffff8000... to 0xffff87ff... */
#define XSR_XEN_SLOT_FIRST 256u
#define XSR_XEN_SLOT_LAST  271u
#define XSR_XEN_VIRT_START 0xffff800000000000ull
#define XSR_XEN_VIRT_END   0xffff880000000000ull

/* vcpu_guest_context, 5168 octets */
#define XSR_VC_FLAGS         512u
#define XSR_VC_FLAG_ONLINE   (1ull << 5)
#define XSR_VC_RAX           600u
#define XSR_VC_RDX           616u  /* vCPU 0: start_info */
#define XSR_VC_GDT_FRAMES    4832u /* 16 of them */
#define XSR_VC_GDT_ENTS      4960u
#define XSR_VC_GDT_MAX       7168u
#define XSR_VC_GDT_PER_FRAME 512u
#define XSR_VC_CR1           (4984u + 1 * 8) /* user root table, bit 0: valid */
#define XSR_VC_CR3           (4984u + 3 * 8)

/* start_info */
#define XSR_ST_NR_PAGES       32u
#define XSR_ST_SHARED_INFO    40u /* machine address */
#define XSR_ST_FLAGS          48u /* 4 octets */
#define XSR_ST_STORE_MFN      56u
#define XSR_ST_STORE_EVTCHN   64u /* 4 octets */
#define XSR_ST_CONSOLE_MFN    72u
#define XSR_ST_CONSOLE_EVTCHN 80u /* 4 octets */

/* shared_info */
#define XSR_SI_VCPU_INFO_LEN   64u
#define XSR_SI_N_VCPU_INFO     32u
#define XSR_SI_PENDING_SEL     8u /* in each vcpu_info */
#define XSR_SI_EVTCHN_PENDING  2048u
#define XSR_SI_EVTCHN_MASK     2560u
#define XSR_SI_EVTCHN_LEN      512u
#define XSR_SI_ARCH            3088u
#define XSR_SI_ARCH_LEN        48u
#define XSR_SI_MAX_PFN         (XSR_SI_ARCH + 0) /* a count, in spite of it */
#define XSR_SI_FRAME_LIST_LIST (XSR_SI_ARCH + 8)
#define XSR_SI_P2M_CR3         (XSR_SI_ARCH + 24)
#define XSR_SI_P2M_VADDR       (XSR_SI_ARCH + 32)
#define XSR_SI_P2M_GENERATION  (XSR_SI_ARCH + 40)

#endif
