#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vCPU state, the guest's frame list, HVM context and parameters, time and
# policies with values that cannot be.
. "${0%/*}/../lib.sh"
. "${0%/*}/../bad.sh"
requires jq

fresh_host
use_image "$(image pv --memory 4)"
p2m=$(at libxc X86_PV_P2M_FRAMES)
bad "p2m: begins behind 0" 3 'P2M_FRAMES' put:$((p2m + 8)):01000000
bad "p2m: ends at 0" 3 'P2M_FRAMES' put:$((p2m + 12)):00000000
bad "p2m: ends later than it has frames" 3 'P2M_FRAMES' put:$((p2m + 12)):ffffff00
bad "p2m: a frame beyond the guest" 3 'P2M_FRAMES|p2m|pfn' put:$((p2m + 16)):ffffff0000000000
cpu=$(($(at libxc X86_PV_VCPU_BASIC) + 8))
ctx=$((cpu + 8))
bad "vcpu: number beyond the domain's" 3 'VCPU|vcpu' put:"$cpu":ff000000
bad "vcpu: number 2^32-1" 3 'VCPU|vcpu' put:"$cpu":ffffffff
bad "vcpu: reserved word" 3 'VCPU|reserved' put:$((cpu + 4)):01000000
bad "vcpu: cr3 beyond the guest" 3 'cr3|root' put:$((ctx + 5008)):00f0ffff0f000000
bad "vcpu: cr3 names a page that is no table" 3 'cr3|root' \
    put:$((ctx + 5008)):"$(le64 $(($(u32 $((ctx + 616))) << 12)))"
bad "vcpu: user table beyond the guest" 3 'cr1|user' put:$((ctx + 4992)):01f0ffff0f000000
bad "vcpu: more GDT entries than fit" 3 'GDT|gdt' put:$((ctx + 4960)):ffff000000000000
bad "vcpu: GDT frame beyond the guest" 3 'GDT|gdt' \
    put:$((ctx + 4960)):0002000000000000 put:$((ctx + 4832)):ffffff0000000000
bad "vcpu: start_info beyond the guest" 3 'start_info|start info' \
    put:$((ctx + 616)):ffffff0000000000
bad "vcpu: XSAVE of 8 octets" 3 'VCPU_XSAVE' \
    "insert:libxc:END:0600000010000000000000000000000000000000000000000"0000000
bad "vcpu: half an MSR" 3 'VCPU_MSRS' \
    "insert:libxc:END:0c000000100000000000000000000000"4800000000000000
still_restores

use_image "$(image hvm --memory 4)"
params=$(at libxc HVM_PARAMS)
n=$(u32 $((params + 8)))
bad "params: one more than there are" 3 'HVM_PARAMS' put:$((params + 8)):"$(le32 $((n + 1)))"
bad "params: one less than there are" 3 'HVM_PARAMS' put:$((params + 8)):"$(le32 $((n - 1)))"
bad "params: reserved word" 3 'HVM_PARAMS' put:$((params + 12)):01000000
bad "params: unknown index" 3 'HVM_PARAM|param' put:$((params + 16)):ff00000000000000
bad "params: obsolete index" 3 'HVM_PARAM|param|obsolete' put:$((params + 16)):1400000000000000
bad "params: an index twice" 3 'HVM_PARAM|param' \
    put:$((params + 32)):"$(le32 "$(u32 $((params + 16)))")00000000"
h=$(($(at libxc HVM_CONTEXT) + 8))
bad "context: does not begin with a header" 3 'HVM_CONTEXT|context|HEADER' put:"$h":0200
bad "context: wrong magic" 3 'HVM_CONTEXT|context|magic' put:$((h + 8)):00
bad "context: wrong version" 3 'HVM_CONTEXT|context|version' put:$((h + 12)):02
bad "context: entry longer than the record" 3 'HVM_CONTEXT|context' \
    put:$((h + 4)):ffffff00
bad "context: entry of 4 GiB" 3 'HVM_CONTEXT|context' put:$((h + 4)):ffffffff
bad "context: vCPU that does not exist" 3 'HVM_CONTEXT|context|vCPU|vcpu|instance' \
    put:$((h + 32 + 2)):4000
bad "context: unknown type" '3|1' 'HVM_CONTEXT|context|type' put:$((h + 32)):ff00
bad "context: CPU entry of a length no release had" 3 'HVM_CONTEXT|context|CPU' \
    put:$((h + 32 + 4)):08040001
tsc=$(at libxc X86_TSC_INFO)
bad "tsc: mode 4" 3 'TSC' put:$((tsc + 8)):04000000
bad "tsc: reserved word" 3 'TSC' put:$((tsc + 28)):01000000
bad "cpuid: a leaf that is cut" 3 'CPUID' \
    "setlen:libxc:X86_CPUID_POLICY:0:$(($(len libxc X86_CPUID_POLICY) - 8))"
bad "cpuid: no leaf" 3 'CPUID' drop:libxc:X86_CPUID_POLICY \
    "insert:libxc:STATIC_DATA_END:1100000000000000"
bad "msr: an entry that is cut" 3 'MSR' \
    "setlen:libxc:X86_MSR_POLICY:0:$(($(len libxc X86_MSR_POLICY) - 8))"
bad "msr: reserved flags" 3 'MSR' put:$(($(at libxc X86_MSR_POLICY) + 8 + 4)):01000000
still_restores
done_testing
