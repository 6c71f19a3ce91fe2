/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every maximum that we enforce on input, each with its reason. A length in a
 * stream is a claim: it is compared with these before anything is allocated.
 */
#ifndef XSR_STREAM_LIMITS_H
#define XSR_STREAM_LIMITS_H

/* xl save file: optional data (configuration). Real ones are below 64 KiB. */
#define XSR_MAX_XL_OPTIONAL      (16u << 20)
/* libxl type 2: at most 256 physmap entries of three short keys. */
#define XSR_MAX_XENSTORE_DATA    (1u << 20)
#define XSR_MAX_PHYSMAP_ENTRIES  256u
/* libxl type 3: QEMU device state without RAM; VGA memory dominates. */
#define XSR_MAX_EMULATOR_CONTEXT (512u << 20)
/* Section headers (and as many subsections) found in it. A large machine has
   below 100; more are planted. */
#define XSR_MAX_QEMU_SECTIONS    1024u
/* Unknown optional records of either layer are skipped, not kept. */
#define XSR_MAX_OPTIONAL_SKIP    (512u << 20)

/* XenServer: text about the save; UEFI variables and TPM state are smaller. */
#define XSR_MAX_XAPI_RECORD (16u << 20)
/* XenServer's own reader takes no more device state. */
#define XSR_MAX_XAPI_QEMU   (1u << 20)

/* Any libxc record (Xen >= 4.10); only P2M_FRAMES can need it. */
#define XSR_MAX_XC_RECORD    (128u << 20)
/* Upstream's batch. A full PAGE_DATA is 8 + 8192 + 4 MiB. */
#define XSR_MAX_PAGE_BATCH   1024u
#define XSR_MAX_PAGE_DATA    (8u + XSR_MAX_PAGE_BATCH * (8u + 4096u))
/* Policies: 24 KiB each is 1024 leaves; Xen 4.17 has at most 120. */
#define XSR_MAX_CPUID_POLICY (24u << 10)
#define XSR_MAX_MSR_POLICY   (16u << 10)
/* HVM context of 128 vCPUs with large XSAVE areas. */
#define XSR_MAX_HVM_CONTEXT  (4u << 20)
/* HVM_NR_PARAMS is 39; room for newer Xen, which the index check refuses. */
#define XSR_MAX_HVM_PARAMS   64u
/* XSAVE area incl. AMX is below 12 KiB; MSRS: a handful of 16 octets. */
#define XSR_MAX_VCPU_XSAVE   (64u << 10)
#define XSR_MAX_VCPU_MSRS    (16u << 10)
#define XSR_MAX_VCPU_ID      8191u
/* Offline bound for a pfn (4 PiB of guest memory); restores use the domain's.
 */
#define XSR_MAX_PFN          ((1ull << 40) - 1)

/* Legacy toolstack chunk: as many physmap entries as XENSTORE_DATA has. */
#define XSR_MAX_LEGACY_TOOLSTACK  (1u << 20)
/* Legacy extended info of a PV guest: three blocks, 5.2 KiB; room for more. */
#define XSR_MAX_LEGACY_EXT        (64u << 10)
/* Legacy tmem: objects of a pool are pages; the order is a page's. */
#define XSR_MAX_LEGACY_TMEM_ORDER 9u

#endif
