#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The libxc image: its headers, frames and order of its records, PAGE_DATA and
# page tables. Each rule broken by itself is found, by its name, where it is.
. "${0%/*}/../lib.sh"
# shellcheck source=tests/check-lib.sh
. "${0%/*}/../check-lib.sh"

# ---- headers -----------------------------------------------------------------

I=libxc:image-header D=libxc:domain-header
for kind in pv64 pvh hvm; do
    case_ $kind image.cut $I "the image header ends early" "cut:$(off $kind:$I:0 23)"
    case_ $kind domain.cut $D "no domain header" "cut:$(off $kind:$D:0)"
    case_ $kind image.marker $I "a zero bit in the marker" body:$I:0:7:7f
    case_ $kind image.id $I+8 "another id" body:$I:0:8:00
    case_ $kind image.version $I+12 "version 4" body:$I:0:15:04
    case_ $kind image.version $I+12 "version 1" body:$I:0:15:01
    case_ $kind image.big-endian $I+16 "big-endian" body:$I:0:17:01
    case_ $kind image.options $I+16 "a reserved option" body:$I:0:17:02
    case_ $kind image.options $I+16 "the highest option" body:$I:0:16:80
    case_ $kind image.reserved $I+18 "a reserved field" body:$I:0:19:01
    case_ $kind image.reserved $I+18 "the last octet" body:$I:0:23:01
    case_ $kind domain.type $D "domain type 0" body:$D:0:0:00
    case_ $kind domain.type $D "domain type 3" body:$D:0:0:03
    case_ $kind domain.page-shift $D+4 "page shift 13" body:$D:0:4:0d
    case_ $kind domain.page-shift $D+4 "page shift 40" body:$D:0:4:28
    case_ $kind domain.reserved $D+6 "a reserved field" body:$D:0:6:01
    case_ $kind domain.converted $D+8 "converted" body:$D:0:8:00
done
case_ pvh domain.other-type,record.guest,order.pv-info,order.pv-info-late,order.p2m-late,order.pv-state $D \
    "a PV image of a PVH guest" body:$D:0:0:01
case_ pv64 domain.other-type,record.guest,page.hvm-type,order.hvm-state,order.store $D \
    "an HVM image of a PV guest" body:$D:0:0:02

# ---- frames ------------------------------------------------------------------

S=libxc:STATIC_DATA_END TSC=libxc:X86_TSC_INFO N=libxc:END
declare -A behind tail # the record behind the image, and from END to the end
for kind in pv64 pv32 pvh hvm; do
    behind[$kind]=libxl:END
    size=$(stat -c %s "$T/$kind.img")
    tail[$kind]=end-$((size - ${OFFSET[$kind:$N:0]}))
done
behind[hvm]=libxl:EMULATOR_XENSTORE_DATA
for kind in pv64 pv32 pvh hvm; do
    case_ $kind record.end-missing end "ends behind static data" \
        "cut:$(off $kind:$S:0 8)"
    case_ $kind record.end-missing end "ends in front of END" "cut:$(off $kind:$N:0)"
    case_ $kind record.header-cut $TSC "ends inside a frame" "cut:$(off $kind:$TSC:0 3)"
    case_ $kind record.cut end "ends inside a body" "cut:$(off $kind:$TSC:0 12)"
    case_ $kind record.cut end "ends inside memory" "cut:$(off $kind:libxc:PAGE_DATA:0 9000)"
    case_ $kind record.limit $TSC "a record above 128 MiB" setlen:$TSC:0:0x8000001
    case_ $kind record.limit $TSC "a record of 4 GiB" setlen:$TSC:0:0xffffffff
    case_ $kind record.padding,record.optional "$(off $kind:$TSC:0 13)" "padding" \
        insert:$TSC:05000080050000000102030405000100
    case_ $kind record.type $TSC "an unknown record" record:$TSC:0:0x13:$z
    case_ $kind record.type $TSC "the highest number" record:$TSC:0:0x7fffffff:
    case_ $kind record.optional $TSC "an optional record" record:$TSC:0:0x80000000:$z
    case_ $kind record.optional $TSC "another, with padding" record:$TSC:0:0xffffffff:010203
    case_ $kind record.toolstack $N "TOOLSTACK" record:$N:0:TOOLSTACK:$z
    case_ $kind record.back-channel $N "the back channel's record" record:$N:0:0x0f:$z
    case_ $kind record.not-empty $N "END with a body" "insert:${behind[$kind]}:$z" setlen:$N:0:8
    case_ $kind record.not-empty $S "STATIC_DATA_END with a body" dup:$S \
        setlen:$S:0:8
    case_ $kind record.not-empty $TSC "VERIFY with a body" record:$TSC:0:VERIFY:$z
    case_ $kind record.version libxc:X86_CPUID_POLICY "version 2 with records of 3" \
        body:$I:0:15:02
done
for r in X86_PV_INFO X86_PV_P2M_FRAMES X86_PV_VCPU_BASIC X86_PV_VCPU_EXTENDED \
    X86_PV_VCPU_XSAVE X86_PV_VCPU_MSRS SHARED_INFO; do
    case_ pvh record.guest $TSC "$r" record:$TSC:0:$r:$z
done
case_ pv64 record.guest $TSC HVM_CONTEXT record:$TSC:0:HVM_CONTEXT:$z
case_ pv64 record.guest $TSC HVM_PARAMS record:$TSC:0:HVM_PARAMS:$z
case_ hvm record.too-long,order.store libxc:HVM_PARAMS "65 parameters" drop:libxc:HVM_PARAMS \
    record:$N:0:HVM_PARAMS:zeros*1048
case_ hvm record.too-long libxc:HVM_CONTEXT "HVM_CONTEXT above 4 MiB" \
    drop:libxc:HVM_CONTEXT record:libxc:HVM_PARAMS:0:HVM_CONTEXT:zeros*4194312
case_ pv64 record.too-long libxc:X86_PV_VCPU_XSAVE:1 "XSAVE above 64 KiB" \
    drop:libxc:X86_PV_VCPU_XSAVE:1 \
    record:libxc:X86_PV_VCPU_MSRS:1:X86_PV_VCPU_XSAVE:zeros*65552

# ---- order -------------------------------------------------------------------

P=libxc:PAGE_DATA F=libxc:X86_PV_P2M_FRAMES V=libxc:X86_PV_INFO
for kind in pvh hvm; do
    case_ $kind order.static-late $S \
        "memory in front of STATIC_DATA_END" swap:$S
done
case_ pv64 order.static-late $S "P2M_FRAMES in front of STATIC_DATA_END" swap:$S
for kind in pv64 pv32 pvh hvm; do
    first=$P
    [ "${kind#pv[36]}" = "$kind" ] || first=$F
    case_ $kind order.static-end,order.static-late "${tail[$kind]}" "no STATIC_DATA_END" drop:$S
    case_ $kind order.static-end $S+8 "STATIC_DATA_END twice" dup:$S
    case_ $kind order.policy-late "$(off $kind:libxc:X86_MSR_POLICY:0 8)" \
        "MSR policy behind STATIC_DATA_END" swap:libxc:X86_MSR_POLICY
    case_ $kind order.policy-late "$(off $kind:libxc:X86_CPUID_POLICY:0 48)" \
        "CPUID policy behind STATIC_DATA_END" \
        "move:libxc:X86_CPUID_POLICY:0:${first#libxc:}:0"
    case_ $kind order.policy-repeated libxc:X86_MSR_POLICY "CPUID policy twice" \
        dup:libxc:X86_CPUID_POLICY
    case_ $kind order.policy-repeated $S "MSR policy twice" dup:libxc:X86_MSR_POLICY
    case_ $kind order.tsc "${tail[$kind]}" "no X86_TSC_INFO" drop:$TSC
    case_ $kind order.tsc-converted,domain.converted "${tail[$kind]}" "no X86_TSC_INFO, converted" \
        body:$D:0:8:00 drop:$TSC
    case_ $kind order.repeated "$(off $kind:$TSC:0 32)" "X86_TSC_INFO twice" dup:$TSC
    case_ $kind order.verify $TSC+8 "VERIFY twice" insert:$TSC:0d000000000000000d00000000000000
    case_ $kind order.verify $first "VERIFY before any memory" record:$first:0:VERIFY:
    case_ $kind order.checkpoint $N "CHECKPOINT in a plain image" record:$N:0:CHECKPOINT:
done
case_ pv64 order.pv-info-late,order.pv-info "$(off pv64:$S:0 -16)" "no X86_PV_INFO" drop:$V
for kind in pv64 pv32; do
    case_ $kind order.pv-info $V+16 "X86_PV_INFO twice" dup:$V
    case_ $kind order.pv-info-late "$(off $kind:$S:0 -16)" \
        "X86_PV_INFO behind STATIC_DATA_END" move:$V:0:X86_PV_P2M_FRAMES:0
    case_ $kind order.p2m-late $F "memory before P2M_FRAMES" swap:$F
    case_ $kind order.pv-state "$(off $kind:$N:0 -4104)" "no SHARED_INFO" \
        drop:libxc:SHARED_INFO
    case_ $kind order.repeated "$(off $kind:libxc:SHARED_INFO:0 4104)" \
        "SHARED_INFO twice" dup:libxc:SHARED_INFO
    case_ $kind order.pv-state,vcpu.offline,config.vcpu-offline "${tail[$kind]}" \
        "no state of vCPU 0" drop:libxc:X86_PV_VCPU_BASIC
    B=libxc:X86_PV_VCPU_
    case_ $kind order.repeated ${B}EXTENDED "X86_PV_VCPU_BASIC twice" dup:${B}BASIC
    case_ $kind order.repeated ${B}XSAVE "X86_PV_VCPU_EXTENDED twice" dup:${B}EXTENDED
    case_ $kind order.repeated ${B}MSRS "X86_PV_VCPU_XSAVE twice" dup:${B}XSAVE
    case_ $kind order.repeated ${B}BASIC:1 "X86_PV_VCPU_MSRS twice" dup:${B}MSRS
    case_ $kind order.memory-late,page.live $N "memory behind vCPUs" \
        record:$N:0:PAGE_DATA:01000000000000000b000000000000f0
done
for kind in pvh hvm; do
    case_ $kind order.hvm-state "${tail[$kind]}" "no HVM_CONTEXT" \
        drop:libxc:HVM_CONTEXT
    case_ $kind order.store libxc:HVM_PARAMS "no HVM_PARAMS" drop:libxc:HVM_PARAMS
    case_ $kind order.repeated libxc:HVM_PARAMS "HVM_CONTEXT twice" dup:libxc:HVM_CONTEXT
    case_ $kind order.repeated $N "HVM_PARAMS twice" dup:libxc:HVM_PARAMS
    case_ $kind order.memory-late $N "memory behind HVM_PARAMS" \
        record:$N:0:PAGE_DATA:010000000000000000f00f00000000f0
    case_ $kind order.memory-none,params.absent "${tail[$kind]}" "no memory" drop:$P
    case_ $kind order.verify-new "$(off $kind:$TSC:0 24)" "a new page behind VERIFY" \
        record:$TSC:0:VERIFY: record:$TSC:0:PAGE_DATA:010000000000000009000000000000f0
done

# ---- PAGE_DATA ---------------------------------------------------------------

# One more PAGE_DATA behind the first, with this body.
more() { echo "record:$TSC:0:PAGE_DATA:$1"; }
one=0100000000000000
for kind in pv64 pvh hvm; do
    t=${OFFSET[$kind:$TSC:0]}
    pfn=00f00f000000 live= # behind all others; a PV guest has no such pfn
    [ $kind != pv64 ] || pfn=0c0000000000 live=,page.live
    case_ $kind page.cut "$t" "no count" "$(more '')"
    case_ $kind page.cut "$t" "half a count" "$(more 01000000)"
    case_ $kind page.count $((t + 8)) "no entries" "$(more $z)"
    case_ $kind page.reserved$live $((t + 12)) "a reserved word" \
        "$(more 0100000001000000${pfn}00f0)"
    case_ $kind page.entries $((t + 8)) "more entries than octets" \
        "$(more 0200000000000000${pfn}00f0)"
    case_ $kind page.entries $((t + 8)) "2^32 entries" "$(more ffffffff00000000${pfn}00f0)"
    case_ $kind page.length$live "$t" "contents of XTAB" "$(more $one${pfn}00f0$z)"
    case_ $kind page.length$live "$t" "no contents of NOTAB" "$(more $one${pfn}0000)"
    case_ $kind page.length$live "$t" "half a page" "$(more $one${pfn}0000$z$z$z)"
    case_ $kind page.type$live $((t + 16)) "type 5" "$(more $one${pfn}0050)"
    case_ $kind page.type$live $((t + 16)) "type 6" "$(more $one${pfn}0060)"
    case_ $kind page.type$live $((t + 16)) "type 7" "$(more $one${pfn}0070)"
    case_ $kind page.type$live $((t + 16)) "type 8" "$(more $one${pfn}0080)"
    case_ $kind page.xalloc$live $((t + 16)) XALLOC "$(more $one${pfn}00e0)"
    case_ $kind page.entry-bits$live $((t + 16)) "a reserved bit" "$(more $one${pfn}10f0)"
    case_ $kind page.entry-bits$live $((t + 16)) "the highest of them" "$(more $one${pfn}00f8)"
    case_ $kind page.repeated,page.live "$t" "a page twice in one record" \
        "$(more 0200000000000000${pfn}00f0${pfn}00f0)"
    case_ $kind page.live $((t + 16)) "an earlier page" "$(more ${one}0c000000000000f0)"
done
many=$(for ((i = 0; i < 1025; i++)); do
    printf '%02xf%x0f00000000f0' $((i & 255)) $((i >> 8))
done)
case_ hvm page.batch $((t + 8)) "1025 entries" "$(more "0104000000000000$many")"
case_ pvh page.hvm-type $P+16 "a page table" body:$P:0:15:10
case_ hvm page.hvm-type $P+24 "a pinned page table" body:$P:0:23:c0
case_ hvm page.implausible $((t + 16)) "pfn 2^40" "$(more ${one}00000000000100f0)"
case_ hvm page.implausible $((t + 16)) "the highest pfn" "$(more ${one}ffffffffffff0ff0)"
case_ hvm page.address $((t + 16)) "a page above 2^40 octets" "$(more ${one}00000010000000f0)"
case_ pvh page.address $((t + 16)) "a page far above" "$(more ${one}00000000100000f0)"
case_ pv32 page.level,table.level $P+88 "an L4 table in a 32-bit guest" body:$P:0:87:40
t=${OFFSET[pv64:$TSC:0]}
case_ pv64 page.beyond $((t + 16)) "a page behind the end" "$(more ${one}10000000000000f0)"
case_ pv64 page.beyond $((t + 16)) "the highest pfn" "$(more ${one}ffffffffffff0ff0)"

# Pages so far apart that each needs a part of the map for itself.
far=$(for ((i = 1; i <= 1000; i++)); do
    printf '0000%x0%02x000000f0' $((i & 15)) $((i >> 4))
done)
case_ hvm input.partly,page.address "$(off hvm:$TSC:0)" "a layout that needs too much memory" \
    "$(more "e803000000000000$far")"

# ---- page tables -------------------------------------------------------------

# slot PFN INDEX: where it is in the body of PAGE_DATA; only one pfn in front
# of these (none of pv64's, L4 of pv32's) has no content.
slot() { echo $((8 + 8 * 16 + 4096 * $1 + 8 * $2)); }
pte() # RULES PFN INDEX VALUE "SENTENCE": of pv64
{
    case_ pv64 "$1" "$(off pv64:$P:0 $(($(slot "$2" "$3") + 8)))" "$5" \
        "body:$P:0:$(slot "$2" "$3"):$4"
}
pte table.beyond 9 0 6500010000000000 "L1 names the page behind the end"
pte table.beyond 9 511 01f0ffffffffff00 "L1 names the highest page"
pte table.beyond 8 1 6700010000000000 "L2 names the page behind the end"
pte table.beyond 6 511 6700010000000000 "L4 names the page behind the end"
pte table.superpage 8 1 e7c0000000000000 "a superpage in L2"
pte table.superpage 7 1 e7c0000000000000 "a superpage in L3"
pte table.xen-slot 6 256 0200000000000000 "the first slot of Xen"
pte table.xen-slot 10 271 0200000000000000 "the last slot of Xen"
E="$(off pv64:$N:0)"
case_ pv64 table.level "$E" "L2 names an ordinary page" "body:$P:0:$(slot 8 1):67c0000000000000"
case_ pv64 table.level "$E" "L2 names an L3" "body:$P:0:$(slot 8 1):6770000000000000"
case_ pv64 table.level "$E" "L3 names itself" "body:$P:0:$(slot 7 1):6770000000000000"
case_ pv64 table.level "$E" "L4 names an L2" "body:$P:0:$(slot 6 1):6780000000000000"
case_ pv64 table.level "$E" "L4 names a page that is not there" \
    "body:$P:0:$(slot 6 1):67b0000000000000"
case_ pv32 table.xen-slot "$(off pv32:$P:0 $(($(slot 6 4) + 8)))" "the slots behind L3" \
    "body:$P:0:$(slot 6 4):0100000000000000"
case_ pv32 table.level $N "L3 names an ordinary page" \
    "body:$P:0:$(slot 6 1):01c0000000000000"
done_testing
