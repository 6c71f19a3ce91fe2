/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every rule of `xensr check`, in one table: what the report, its JSON, the
 * `--rules` list and docs/formats/rules.md say of it. Where the rules are
 * judged: the other files of this folder, by the names' first words.
 *
 * Error: it will not be restored, or must not be, as the guest would be a
 * different one. Warning: it restores, but something is lost or odd. Note:
 * worth knowing.
 */
#include "tools/check/rules.h"

#include <stdio.h>

#define E   CHK_ERROR
#define W   CHK_WARNING
#define N   CHK_NOTE
#define UNS CHK_UNSUPPORTED
#define REF CHK_WE_REFUSE
#define R(ID, NAME, SEVERITY, FLAGS, LAYER, NUMBER, SENTENCE) \
    [CHK_##ID] = {NAME, SEVERITY, FLAGS, CHK_##LAYER, NUMBER, SENTENCE},

/* clang-format off */
const struct chk_rule_row chk_rules[CHK_N_RULES] = {
R(INPUT_UNKNOWN, "input.unknown", E, 0, FILE, 0,
  "the input begins as an xl save file, a libxl stream or a libxc image")
R(INPUT_LEGACY, "input.legacy", E, UNS, FILE, 0,
  "a stream older than Xen 4.6 has to be converted before it can be judged or restored")
R(INPUT_XENSERVER, "input.xenserver", E, UNS, FILE, 0,
  "an image of XenServer or XCP-ng has to be converted before libxl can restore it")
R(INPUT_BACK_CHANNEL, "input.back-channel", E, UNS, FILE, 106,
  "the records that a COLO secondary sends back are no image")
R(INPUT_COMPRESSED, "input.compressed", E, 0, FILE, 0,
  "compressed input can be unpacked to its end")
R(INPUT_TRAILING, "input.trailing", W, REF, FILE, 42,
  "nothing stands behind the end; libxl would leave it unread")
R(INPUT_PARTLY, "input.partly", W, 0, FILE, 0,
  "everything can be judged within the memory that check allows itself")
R(XL_CUT, "xl.cut", E, 0, FILE, 0,
  "48 octets of xl header and the optional data they announce are there")
R(XL_MAGIC, "xl.magic", E, 0, FILE, 0,
  "the 32 octets of magic are right to the last; a text conversion changes them")
R(XL_BYTE_ORDER, "xl.byte-order", E, 0, FILE, 0,
  "the byte order mark is 0x01020304")
R(XL_BIG_ENDIAN, "xl.big-endian", E, UNS, FILE, 0,
  "the file was written by a little-endian machine")
R(XL_FLAGS, "xl.flags", E, UNS, FILE, 0,
  "no mandatory flag but JSON configuration (bit 0) and v2 stream (bit 1) is set")
R(XL_OPTIONAL_FLAGS, "xl.optional-flags", W, REF, FILE, 0,
  "no optional flag is set; none is defined, and xl does not look at them")
R(XL_LENGTH, "xl.length", E, 0, FILE, 0,
  "the optional data have at most 16 MiB")
R(XL_CONFIG_LENGTH, "xl.config-length", E, 0, FILE, 0,
  "the configuration lies inside the optional data")
R(XL_CONFIG_NUL, "xl.config-nul", E, 0, FILE, 0,
  "a JSON configuration ends with a NUL and has no other")
R(XL_CONFIG_NONE, "xl.config-none", E, 0, FILE, 0,
  "there is a configuration; without one a restore needs it from elsewhere")
R(XL_CONFIG_TEXT, "xl.config-text", E, UNS, FILE, 0,
  "the configuration in front of a v2 stream is JSON")
R(XL_MORE, "xl.more", N, 0, FILE, 0,
  "nothing stands behind the configuration in the optional data")
R(CONFIG_JSON, "config.json", E, 0, CONFIG, 0,
  "the configuration is a JSON object with c_info and b_info")
R(CONFIG_SIZE, "config.size", W, 0, CONFIG, 0,
  "a configuration is below 256 KiB; a larger one is not looked into")
R(CONFIG_TYPE, "config.type", E, 0, CONFIG, 0,
  "the guest's type is pv, pvh or hvm")
R(CONFIG_OLD_PVH, "config.old-pvh", E, UNS, CONFIG, 0,
  "the guest is not of the first kind of PVH, which Xen runs no more since 4.10")
R(CONFIG_NAME, "config.name", W, REF, CONFIG, 0,
  "the guest's name is printable, without blank and slash, and no number")
R(CONFIG_UUID, "config.uuid", E, 0, CONFIG, 0,
  "the guest has a UUID in the usual form")
R(CONFIG_VCPUS, "config.vcpus", E, 0, CONFIG, 0,
  "max_vcpus is a number that Xen allows for the type, and avail_vcpus are below it")
R(CONFIG_MEMORY, "config.memory", E, 0, CONFIG, 0,
  "max_memkb is there, and target_memkb is no larger")
R(CONFIG_VCPU_STATE, "config.vcpu-state", E, 0, CONFIG, 0,
  "there is state only of vCPUs that the configuration has")
R(CONFIG_VCPU_OFFLINE, "config.vcpu-offline", N, 0, CONFIG, 0,
  "every vCPU of avail_vcpus has state; one without it comes back offline")
R(CONFIG_MEMORY_SMALL, "config.memory-small", W, 0, CONFIG, 0,
  "the guest's pages fit into max_memkb and what libxl adds to it")
R(LIBXL_CUT, "libxl.cut", E, 0, LIBXL, 0,
  "16 octets of stream header are there")
R(LIBXL_IDENT, "libxl.ident", E, 0, LIBXL, 0,
  "the stream header begins with LibxlFmt")
R(LIBXL_VERSION, "libxl.version", E, UNS, LIBXL, 0,
  "the stream has version 2, the only one there is")
R(LIBXL_BIG_ENDIAN, "libxl.big-endian", E, UNS, LIBXL, 0,
  "the records are little-endian")
R(LIBXL_OPTIONS, "libxl.options", W, REF, LIBXL, 0,
  "reserved option bits are clear; libxl does not look at them")
R(LIBXL_CONVERTED, "libxl.converted", N, 0, LIBXL, 0,
  "the stream was not made by the converter for older ones")
R(LIBXL_RECORD_CUT, "libxl.record-cut", E, 0, LIBXL, 0,
  "header, body and padding of each record are there")
R(LIBXL_END_MISSING, "libxl.end-missing", E, 0, LIBXL, 0,
  "a plain stream ends with END; libxl takes the end of a file for one")
R(LIBXL_TYPE, "libxl.type", E, 0, LIBXL, 0,
  "a record's type is known, or its bit 31 is set")
R(LIBXL_OPTIONAL, "libxl.optional", W, 0, LIBXL, 0,
  "there is no optional record: no release of libxl can skip one")
R(LIBXL_LENGTH, "libxl.length", E, 0, LIBXL, 0,
  "a record's length is one that its type allows")
R(LIBXL_PADDING, "libxl.padding", W, REF, LIBXL, 0,
  "padding is zero; libxl does not look at it")
R(LIBXL_CONTEXT_MISSING, "libxl.context-missing", E, 0, LIBXL, 0,
  "there is a guest image; libxl would start an empty domain")
R(LIBXL_CONTEXT_REPEATED, "libxl.context-repeated", E, 0, LIBXL, 0,
  "there is one guest image; libxl restores a second one over the first, or hangs")
R(LIBXL_EMULATOR_EARLY, "libxl.emulator-early", E, 0, LIBXL, 0,
  "emulator records come behind the image, keys in front of state")
R(LIBXL_EMULATOR_REPEATED, "libxl.emulator-repeated", E, 0, LIBXL, 0,
  "there is at most one emulator record of each kind in a stream or checkpoint")
R(LIBXL_EMULATOR_UNWANTED, "libxl.emulator-unwanted", E, 0, LIBXL, 0,
  "only HVM guests have emulator records")
R(LIBXL_EMULATOR_MISSING, "libxl.emulator-missing", E, 0, LIBXL, 0,
  "an HVM guest has EMULATOR_CONTEXT in front of END or CHECKPOINT_END")
R(LIBXL_END_IN_CHECKPOINT, "libxl.end-in-checkpoint", E, 0, LIBXL, 0,
  "no END inside a checkpoint; libxl aborts at one")
R(LIBXL_CHECKPOINT_OUTSIDE, "libxl.checkpoint-outside", E, 0, LIBXL, 0,
  "CHECKPOINT_END only behind a CHECKPOINT of the image")
R(LIBXL_STATE_OUTSIDE, "libxl.state-outside", E, 0, LIBXL, 0,
  "CHECKPOINT_STATE only behind CHECKPOINT_END, in COLO streams")
R(LIBXL_STATE_ID, "libxl.state-id", E, 0, LIBXL, 0,
  "CHECKPOINT_STATE is 0 to 3")
R(REMUS_CUT, "remus.cut", N, 0, LIBXL, 0,
  "a checkpointed stream ends with a checkpoint; what it has begun behind the last one is dropped")
R(REMUS_ENDED, "remus.ended", N, 0, LIBXL, 0,
  "a checkpointed stream has no END: it ends when the sender is gone")
R(EMU_SHORT, "emu.short", E, 0, EMU, 0,
  "an emulator record has its 8 octets of sub-header")
R(EMU_ID, "emu.id", E, 0, EMU, 0,
  "the emulator is 0 (not said), 1 (QEMU traditional) or 2 (QEMU)")
R(EMU_INDEX, "emu.index", E, 0, EMU, 0,
  "the emulator's index is 0")
R(EMU_TRADITIONAL, "emu.traditional", W, REF, EMU, 0,
  "the emulator is not QEMU traditional, which Xen 4.21 has removed")
R(KEYS_EMPTY, "keys.empty", N, 0, EMU, 0,
  "a record of xenstore keys has some")
R(KEYS_TERMINATED, "keys.terminated", E, 0, EMU, 0,
  "each key and each value ends with a NUL, and each key has a value")
R(KEYS_KEY, "keys.key", E, 0, EMU, 0,
  "a key is physmap/HEX/start_addr, physmap/HEX/size or physmap/HEX/name")
R(KEYS_VALUE, "keys.value", E, 0, EMU, 0,
  "an address or size is 1-16 hexadecimal digits, a name 1-255 printable characters")
R(KEYS_REPEATED, "keys.repeated", E, 0, EMU, 0,
  "no key is there twice")
R(KEYS_INCOMPLETE, "keys.incomplete", E, 0, EMU, 0,
  "each physmap entry has all three of its keys")
R(KEYS_COUNT, "keys.count", E, 0, EMU, 0,
  "there are at most 256 physmap entries")
R(KEYS_TOO_LONG, "keys.too-long", E, 0, EMU, 0,
  "the keys record is no longer than 1 MiB")
R(QEMU_MAGIC, "qemu.magic", W, 0, EMU, 0,
  "the emulator's state begins with QEVM and version 3")
R(QEMU_MALFORMED, "qemu.malformed", E, 0, EMU, 0,
  "QEMU's state is a row of sections with an end octet behind them")
R(QEMU_MISMATCH, "qemu.mismatch", W, 0, EMU, 0,
  "a section's length is one that is known for its name and version")
R(QEMU_SPLIT, "qemu.split", N, 0, EMU, 0,
  "the bounds of all sections are certain; QEMU's state does not hold their lengths")
R(QEMU_PRODUCER, "qemu.producer", E, 0, EMU, 0,
  "the sections are of the emulator that the record names; the other one cannot load them")
R(QEMU_EMPTY, "qemu.empty", W, 0, EMU, 0,
  "there are device sections; without any, QEMU starts with reset devices")
R(QEMU_REPEATED, "qemu.repeated", W, 0, EMU, 0,
  "no two sections have the same name and instance")
R(QEMU_ODD, "qemu.odd", W, 0, EMU, 0,
  "the row of section headers has nothing that QEMU would not write")
R(QEMU_PIIX4ACPI, "qemu.piix4acpi", W, 0, EMU, 0,
  "piix4acpi of QEMU traditional has the length of its version; XenServer 6.0-6.2 wrote version 2 over version 1")
R(QEMU_CPUS, "qemu.cpus", W, 0, EMU, 0,
  "QEMU has a cpu section for each vCPU that was online")
R(QEMU_TRAILING, "qemu.trailing", W, 0, EMU, 0,
  "nothing stands behind QEMU's end octet but a description")
R(IMAGE_CUT, "image.cut", E, 0, LIBXC, 1,
  "24 octets of image header are there")
R(IMAGE_MARKER, "image.marker", E, 0, LIBXC, 2,
  "the image begins with eight octets of ones; an older one does not")
R(IMAGE_ID, "image.id", E, 0, LIBXC, 3,
  "the image's id is XENF")
R(IMAGE_VERSION, "image.version", E, UNS, LIBXC, 4,
  "the image has version 2 or 3")
R(IMAGE_BIG_ENDIAN, "image.big-endian", E, UNS, LIBXC, 5,
  "the image is little-endian")
R(IMAGE_OPTIONS, "image.options", W, REF, LIBXC, 6,
  "reserved option bits are clear")
R(IMAGE_RESERVED, "image.reserved", W, REF, LIBXC, 7,
  "reserved fields of the image header are zero")
R(DOMAIN_CUT, "domain.cut", E, 0, LIBXC, 8,
  "16 octets of domain header are there")
R(DOMAIN_TYPE, "domain.type", E, 0, LIBXC, 9,
  "the domain's type is 1 (PV) or 2 (HVM and PVH)")
R(DOMAIN_OTHER_TYPE, "domain.other-type", E, 0, LIBXC, 10,
  "the image's type is the one of the configuration")
R(DOMAIN_PAGE_SHIFT, "domain.page-shift", E, 0, LIBXC, 11,
  "pages have 4096 octets (shift 12)")
R(DOMAIN_RESERVED, "domain.reserved", W, REF, LIBXC, 12,
  "the reserved field of the domain header is zero")
R(DOMAIN_CONVERTED, "domain.converted", N, 0, LIBXC, 13,
  "the image was not converted from an older one (Xen version 0)")
R(RECORD_END_MISSING, "record.end-missing", E, 0, LIBXC, 14,
  "the image ends with END")
R(RECORD_HEADER_CUT, "record.header-cut", E, 0, LIBXC, 15,
  "8 octets of each record header are there")
R(RECORD_LIMIT, "record.limit", E, 0, LIBXC, 16,
  "no record is longer than 128 MiB (8 MiB before Xen 4.10)")
R(RECORD_CUT, "record.cut", E, 0, LIBXC, 17,
  "body and padding of each record are there")
R(RECORD_PADDING, "record.padding", W, REF, LIBXC, 18,
  "padding is zero")
R(RECORD_TYPE, "record.type", E, 0, LIBXC, 19,
  "a record's type is known, or its bit 31 is set")
R(RECORD_OPTIONAL, "record.optional", W, 0, LIBXC, 20,
  "no optional record; all are skipped, and none is defined")
R(RECORD_GUEST, "record.guest", E, 0, LIBXC, 21,
  "a record belongs to the guest's type")
R(RECORD_VERSION, "record.version", E, 0, LIBXC, 22,
  "version 2 has no STATIC_DATA_END and no policies")
R(RECORD_TOOLSTACK, "record.toolstack", E, 0, LIBXC, 23,
  "no TOOLSTACK record, which no release takes")
R(RECORD_BACK_CHANNEL, "record.back-channel", E, 0, LIBXC, 24,
  "no CHECKPOINT_DIRTY_PFN_LIST, which goes the other way")
R(RECORD_NOT_EMPTY, "record.not-empty", E, 0, LIBXC, 25,
  "END, VERIFY, CHECKPOINT and STATIC_DATA_END have no body")
R(RECORD_TOO_LONG, "record.too-long", E, 0, LIBXC, 0,
  "no record is longer than its type can need")
R(ORDER_STATIC_LATE, "order.static-late", E, 0, LIBXC, 26,
  "version 3: STATIC_DATA_END stands in front of memory")
R(ORDER_STATIC_END, "order.static-end", E, 0, LIBXC, 27,
  "version 3: there is exactly one STATIC_DATA_END")
R(ORDER_POLICY_LATE, "order.policy-late", E, 0, LIBXC, 28,
  "policies stand in front of STATIC_DATA_END; later ones are never applied")
R(ORDER_POLICY_REPEATED, "order.policy-repeated", E, 0, LIBXC, 29,
  "there is at most one CPUID and one MSR policy")
R(ORDER_PV_INFO, "order.pv-info", E, 0, LIBXC, 30,
  "PV: there is exactly one X86_PV_INFO")
R(ORDER_PV_INFO_LATE, "order.pv-info-late", E, 0, LIBXC, 31,
  "PV: X86_PV_INFO stands in front of whatever depends on it")
R(ORDER_P2M_LATE, "order.p2m-late", E, 0, LIBXC, 32,
  "PV: X86_PV_P2M_FRAMES stands in front of memory")
R(ORDER_MEMORY_LATE, "order.memory-late", W, REF, LIBXC, 33,
  "no memory behind records whose restore already uses it")
R(ORDER_VERIFY, "order.verify", E, 0, LIBXC, 34,
  "VERIFY at most once, behind memory, in a plain image")
R(ORDER_VERIFY_NEW, "order.verify-new", W, 0, LIBXC, 35,
  "behind VERIFY only pages that were there before")
R(ORDER_CHECKPOINT, "order.checkpoint", E, 0, LIBXC, 36,
  "CHECKPOINT only in a checkpointed stream, whose libxl records follow")
R(ORDER_PV_STATE, "order.pv-state", E, 0, LIBXC, 37,
  "PV: END and CHECKPOINT have SHARED_INFO and the state of vCPU 0 in front of them")
R(ORDER_HVM_STATE, "order.hvm-state", E, 0, LIBXC, 38,
  "HVM: END and CHECKPOINT have HVM_CONTEXT in front of them")
R(ORDER_TSC, "order.tsc", E, 0, LIBXC, 39,
  "END and CHECKPOINT have X86_TSC_INFO in front of them")
R(ORDER_TSC_CONVERTED, "order.tsc-converted", W, 0, LIBXC, 39,
  "a converted image has X86_TSC_INFO, too; without it the guest's clock starts anew")
R(ORDER_STORE, "order.store", W, 0, LIBXC, 40,
  "HVM: HVM_PARAMS names the xenstore page")
R(ORDER_REPEATED, "order.repeated", E, 0, LIBXC, 41,
  "each state record is there once in an image or checkpoint, vCPU records once for each vCPU")
R(ORDER_MEMORY_NONE, "order.memory-none", W, REF, LIBXC, 0,
  "the guest has memory")
R(PAGE_CUT, "page.cut", E, 0, LIBXC, 43,
  "PAGE_DATA has at least 8 octets")
R(PAGE_COUNT, "page.count", E, 0, LIBXC, 44,
  "PAGE_DATA has at least one entry")
R(PAGE_RESERVED, "page.reserved", W, REF, LIBXC, 45,
  "the reserved word of PAGE_DATA is zero")
R(PAGE_ENTRIES, "page.entries", E, 0, LIBXC, 46,
  "the entries that PAGE_DATA counts lie inside it")
R(PAGE_BATCH, "page.batch", W, REF, LIBXC, 47,
  "PAGE_DATA has at most 1024 entries")
R(PAGE_ENTRY_BITS, "page.entry-bits", E, 0, LIBXC, 48,
  "reserved bits 52-59 of an entry are zero")
R(PAGE_TYPE, "page.type", E, 0, LIBXC, 49,
  "a page's type is none of 5-8")
R(PAGE_HVM_TYPE, "page.hvm-type", E, 0, LIBXC, 50,
  "HVM: no page table types")
R(PAGE_LEVEL, "page.level", E, 0, LIBXC, 51,
  "PV: no page table above the guest's levels")
R(PAGE_BEYOND, "page.beyond", E, 0, LIBXC, 52,
  "PV: no page above the end of X86_PV_P2M_FRAMES")
R(PAGE_IMPLAUSIBLE, "page.implausible", E, 0, LIBXC, 53,
  "HVM: no page above 2^40, where no machine has memory")
R(PAGE_ADDRESS, "page.address", W, REF, LIBXC, 53,
  "HVM: no page above what the guest's processors can address (CPUID 0x80000008)")
R(PAGE_REPEATED, "page.repeated", E, 0, LIBXC, 54,
  "no page twice in one record")
R(PAGE_LENGTH, "page.length", E, 0, LIBXC, 55,
  "the length of PAGE_DATA is that of its entries and their contents")
R(PAGE_LIVE, "page.live", N, 0, LIBXC, 56,
  "pages come in ascending order; they do not in a live save, where the last content counts")
R(PAGE_XALLOC, "page.xalloc", W, 0, LIBXC, 57,
  "XALLOC only in converted images")
R(TABLE_BEYOND, "table.beyond", E, 0, LIBXC, 58,
  "PV: present entries of page tables name pages of the guest; libxenguest aborts at others")
R(TABLE_SUPERPAGE, "table.superpage", E, 0, LIBXC, 59,
  "PV: no superpage entry above level 1")
R(TABLE_XEN_SLOT, "table.xen-slot", W, 0, LIBXC, 60,
  "PV: the slots of Xen in a page table are empty")
R(TABLE_LEVEL, "table.level", W, 0, LIBXC, 61,
  "PV: what an entry above level 1 names is a table of the level below")
R(PV_INFO_LENGTH, "pv-info.length", E, 0, LIBXC, 63,
  "X86_PV_INFO has 8 octets")
R(PV_INFO_PAIR, "pv-info.pair", E, 0, LIBXC, 64,
  "width and levels are 8 and 4, or 4 and 3")
R(PV_INFO_RESERVED, "pv-info.reserved", W, REF, LIBXC, 65,
  "reserved octets of X86_PV_INFO are zero")
R(PV_INFO_32BIT, "pv-info.32bit", W, REF, LIBXC, 0,
  "the guest is a 64-bit one; many hypervisors are built without 32-bit PV (Debian's are)")
R(P2M_LENGTH, "p2m.length", E, 0, LIBXC, 66,
  "X86_PV_P2M_FRAMES has at least 16 octets, a multiple of 8")
R(P2M_RANGE, "p2m.range", E, 0, LIBXC, 67,
  "its first pfn is not above its last, and joins the record before")
R(P2M_COUNT, "p2m.count", E, 0, LIBXC, 68,
  "it has as many frames as its range needs")
R(P2M_FIRST, "p2m.first", E, 0, LIBXC, 69,
  "the first one begins at 0 and ends above it; libxenguest crashes at others")
R(P2M_FRAME_BEYOND, "p2m.frame-beyond", E, 0, LIBXC, 70,
  "each frame is a page of the guest")
R(P2M_FRAME_TYPE, "p2m.frame-type", E, 0, LIBXC, 79,
  "each frame was sent as an ordinary page")
R(VCPU_SHORT, "vcpu.short", E, 0, LIBXC, 71,
  "a vCPU record has its 8 octets of header")
R(VCPU_RESERVED, "vcpu.reserved", W, REF, LIBXC, 71,
  "the reserved word of a vCPU record is zero")
R(VCPU_EMPTY, "vcpu.empty", W, 0, LIBXC, 72,
  "a vCPU record has content; readers skip empty ones since Xen 4.9")
R(VCPU_ID, "vcpu.id", E, 0, LIBXC, 73,
  "vCPU numbers are below 8192")
R(VCPU_BASIC, "vcpu.basic", E, 0, LIBXC, 74,
  "X86_PV_VCPU_BASIC has 8 + 5168 octets, of a 32-bit guest 8 + 2800")
R(VCPU_GDT, "vcpu.gdt", E, 0, LIBXC, 75,
  "the GDT has at most 7168 entries in ordinary pages of the guest")
R(VCPU_CR3, "vcpu.cr3", E, 0, LIBXC, 76,
  "cr3 names a table of the guest's highest level")
R(VCPU_CR1, "vcpu.cr1", E, 0, LIBXC, 77,
  "the user page table is none, or a level 4 table with bit 0 set")
R(VCPU_START_INFO, "vcpu.start-info", E, 0, LIBXC, 78,
  "edx of vCPU 0 names start_info, an ordinary page of the guest")
R(START_INFO_FRAMES, "start-info.frames", E, 0, LIBXC, 78,
  "start_info names the store and console pages of the guest")
R(START_INFO_MAGIC, "start-info.magic", W, 0, LIBXC, 0,
  "the page that edx of vCPU 0 names begins as start_info does")
R(VCPU_EXTENDED, "vcpu.extended", E, 0, LIBXC, 80,
  "X86_PV_VCPU_EXTENDED has 8 + 32 to 128 octets and names the vCPU of its header")
R(VCPU_XSAVE, "vcpu.xsave", E, 0, LIBXC, 81,
  "X86_PV_VCPU_XSAVE holds two zero words, or an uncompacted area")
R(VCPU_MSRS, "vcpu.msrs", E, 0, LIBXC, 82,
  "X86_PV_VCPU_MSRS holds distinct MSRs of 16 octets")
R(VCPU_OFFLINE, "vcpu.offline", W, 0, LIBXC, 83,
  "other vCPU records only of vCPUs with X86_PV_VCPU_BASIC")
R(SHARED_INFO_LENGTH, "shared-info.length", E, 0, LIBXC, 84,
  "SHARED_INFO has 4096 octets")
R(SHARED_INFO_MAX_PFN, "shared-info.max-pfn", W, 0, LIBXC, 85,
  "the guest counts at least the pages that X86_PV_P2M_FRAMES covers")
R(TSC_LENGTH, "tsc.length", E, 0, LIBXC, 86,
  "X86_TSC_INFO has 24 octets")
R(TSC_RESERVED, "tsc.reserved", W, REF, LIBXC, 86,
  "the reserved word of X86_TSC_INFO is zero")
R(TSC_MODE, "tsc.mode", E, 0, LIBXC, 87,
  "the TSC mode is 0, 1 or 2")
R(TSC_MODE_3, "tsc.mode-3", W, REF, LIBXC, 87,
  "the TSC mode is not 3, which Xen 4.17 refuses")
R(HVM_EMPTY, "hvm.empty", E, 0, LIBXC, 88,
  "HVM_CONTEXT is not empty")
R(HVM_CUT, "hvm.cut", E, 0, LIBXC, 89,
  "each entry of HVM_CONTEXT lies inside the record")
R(HVM_HEADER, "hvm.header", E, 0, LIBXC, 90,
  "the first entry is HEADER with its magic and version 1")
R(HVM_TYPE, "hvm.type", E, 0, LIBXC, 91,
  "entry types are 1 to 20")
R(HVM_LENGTH, "hvm.length", E, 0, LIBXC, 92,
  "an entry has a length that Xen loads for its type")
R(HVM_REPEATED, "hvm.repeated", E, 0, LIBXC, 93,
  "no entry type is there twice for one instance")
R(HVM_INSTANCE, "hvm.instance", E, 0, LIBXC, 93,
  "entries of the whole domain have instance 0, PIC 0 or 1")
R(HVM_VCPU, "hvm.vcpu", W, 0, LIBXC, 94,
  "vCPU 0 has a CPU entry, and so has each vCPU with other entries")
R(HVM_XSAVE, "hvm.xsave", E, 0, LIBXC, 95,
  "CPU_XSAVE is not compacted and as long as its features need")
R(HVM_MSR, "hvm.msr", E, 0, LIBXC, 95,
  "CPU_MSR counts what it holds, and its reserved words are zero")
R(HVM_END, "hvm.end", E, 0, LIBXC, 96,
  "HVM_CONTEXT ends with an END entry of length 0")
R(HVM_TRAILING, "hvm.trailing", W, REF, LIBXC, 96,
  "nothing stands behind the END entry")
R(PARAMS_LENGTH, "params.length", E, 0, LIBXC, 97,
  "HVM_PARAMS has 8 octets and 16 for each parameter it counts")
R(PARAMS_RESERVED, "params.reserved", W, REF, LIBXC, 97,
  "the reserved word of HVM_PARAMS is zero")
R(PARAMS_EMPTY, "params.empty", W, 0, LIBXC, 98,
  "HVM_PARAMS has parameters; readers skip empty ones since Xen 4.9")
R(PARAMS_INDEX, "params.index", E, 0, LIBXC, 99,
  "parameters have an index below 39")
R(PARAMS_OBSOLETE, "params.obsolete", E, 0, LIBXC, 100,
  "no parameter that Xen refuses as obsolete")
R(PARAMS_PAE, "params.pae", W, 0, LIBXC, 100,
  "no PAE_ENABLED, which is dropped since Xen 4.14")
R(PARAMS_REPEATED, "params.repeated", W, REF, LIBXC, 101,
  "no parameter twice")
R(PARAMS_ABSENT, "params.absent", W, 0, LIBXC, 102,
  "the pages that parameters name were sent")
R(CPUID_LENGTH, "cpuid.length", E, 0, LIBXC, 103,
  "X86_CPUID_POLICY is a row of 24 octets each, not empty, at most 24 KiB")
R(CPUID_ORDER, "cpuid.order", W, 0, LIBXC, 105,
  "CPUID leaves are distinct and ascend")
R(MSR_LENGTH, "msr.length", E, 0, LIBXC, 104,
  "X86_MSR_POLICY is a row of 16 octets each, not empty, at most 16 KiB")
R(MSR_FLAGS, "msr.flags", E, 0, LIBXC, 104,
  "the flags of an MSR are zero")
R(MSR_ORDER, "msr.order", W, 0, LIBXC, 105,
  "MSRs are distinct and ascend")
};
/* clang-format on */

const char *chk_severity_name(enum chk_severity severity)
{
    static const char *const names[] = {"note", "warning", "error"};

    return names[severity];
}

const char *chk_layer_name(enum chk_layer layer)
{
    static const char *const names[] = {"file", "config", "libxl", "emulator",
                                        "libxc"};

    return names[layer];
}

static const char *flag_text(const struct chk_rule_row *r)
{
    return r->flags & CHK_UNSUPPORTED ? ", exit 4"
           : r->flags & CHK_WE_REFUSE ? ", xensr restore refuses"
                                      : "";
}

void chk_rules_print(void)
{
    for (int i = 0; i < CHK_N_RULES; i++)
        printf("%-24s %-8s%s  %s\n", chk_rules[i].name,
               chk_severity_name(chk_rules[i].severity),
               chk_rules[i].flags & CHK_UNSUPPORTED ? "4"
               : chk_rules[i].flags & CHK_WE_REFUSE ? "r"
                                                    : " ",
               chk_rules[i].sentence);
}

static const char page_head[] =
    "# Rules of `xensr check`\n"
    "\n"
    "Made by `xensr check --rules=page` from the table in "
    "`tools/check/rules.c`.\n"
    "Names are stable. *error*: it will not be restored, or must not be; "
    "*warning*: it\n"
    "restores, but something is lost or odd; *note*: worth knowing. \"Exit 4\": "
    "valid, but\n"
    "not supported here. \"xensr restore refuses\": libxl restores it, `xensr "
    "restore`\n"
    "does not (exit 4, too). No.: the number that the rule has in the list of "
    "rules of\n"
    "the libxc image.\n";

void chk_rules_page(void)
{
    static const char *const titles[] = {
        [CHK_FILE] = "Input and [xl save file](xl-save-file.md)",
        [CHK_CONFIG] = "Configuration",
        [CHK_LIBXL] = "[libxl stream](libxl-stream.md)",
        [CHK_EMU] = "Emulator records",
        [CHK_LIBXC] = "[libxc image](libxc-image.md)",
    };

    fputs(page_head, stdout);
    for (int i = 0; i < CHK_N_RULES; i++) {
        const struct chk_rule_row *r = &chk_rules[i];
        char number[8] = "";

        if (!i || r->layer != r[-1].layer)
            printf("\n## %s\n\n| rule | severity | no. | what must be so "
                   "|\n|---|---|---|---|\n",
                   titles[r->layer]);
        if (r->number)
            snprintf(number, sizeof number, "%u", r->number);
        printf("| `%s` | %s%s | %s | %s |\n", r->name,
               chk_severity_name(r->severity), flag_text(r), number,
               r->sentence);
    }
}
