#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Which releases of Xen can restore an image, and why others cannot; and what a
# failover from a checkpointed stream gets.
. "${0%/*}/../lib.sh"
# shellcheck source=tests/check-lib.sh
. "${0%/*}/../check-lib.sh"
requires jq

judge() # KIND EDIT...: into $T/json
{
    local kind=$1
    shift
    "$MUTATE" put:0:58 "$@" <"$T/$kind.img" >"$T/edited" || return 1
    "$XENSR" check --json "$T/edited" >"$T/json"
}
# range CAN: "4.15-4.16", the releases that have this answer.
range()
{
    jq -r --arg can "$1" '[.releases[] | select(.can == $can) | .xen] |
        if length == 0 then "none" else "\(first)-\(last)" end' "$T/json"
}
# answers "SENTENCE" YES NOT-PROMISED NO WHY KIND EDIT...: WHY is a regular
# expression for a reason or a warning.
answers()
{
    local name=$1 yes=$2 maybe=$3 no=$4 why=$5
    shift 5
    judge "$@"
    ok "$name: can be restored by $yes" [ "$(range yes)" = "$yes" ]
    ok "$name: not promised for $maybe" [ "$(range 'not promised')" = "$maybe" ]
    ok "$name: cannot be by $no" [ "$(range no)" = "$no" ]
    ok "$name: says why" jq -e --arg why "$why" \
        '[.releases[].why[], .mind[]] | any(test($why))' "$T/json"
}
saved() { printf 'body:libxc:domain-header:0:12:%02x' "$1"; } # by Xen 4.N
answers "as it is" 4.17-4.22 4.15-4.16 4.6-4.14 "version 3.*4.14" pv64
answers "saved by 4.20" 4.20-4.22 4.15-4.19 4.6-4.14 "older than the Xen that saved" \
    pv64 "$(saved 20)"
M=libxc:X86_MSR_POLICY S=libxc:STATIC_DATA_END I=libxc:image-header
one_msr=("drop:$M" "record:$S:0:X86_MSR_POLICY:ce00000000000000$z")
answers "with one MSR" 4.14-4.22 none 4.6-4.13 "4.14" pvh "$(saved 14)" "${one_msr[@]}"
v2=("body:$I:0:15:02" drop:libxc:X86_CPUID_POLICY "drop:$M" "drop:$S")
answers "version 2, PVH" 4.10-4.22 none 4.6-4.9 "PVH guests" pvh "$(saved 6)" "${v2[@]}"
answers "version 2, PV without MSRs" 4.6-4.22 none none "CONFIG_PV" pv64 "$(saved 6)" \
    "${v2[@]}" drop:libxc:X86_PV_VCPU_MSRS:1 drop:libxc:X86_PV_VCPU_MSRS:0
answers "version 2, PV with MSRs" 4.10-4.22 none 4.6-4.9 "MSRs of PV vCPUs" pv64 \
    "$(saved 6)" "${v2[@]}"
answers "32-bit PV" 4.17-4.22 4.15-4.16 4.6-4.14 "CONFIG_PV32" pv32
H=libxc:HVM_CONTEXT
hex() { dd if="$T/$1.img" bs=1 skip="$2" count="$3" 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; }
pvh_context() # OFFSET-OF-ENTRY OLD-LENGTH NEW-ENTRY: the context with another entry
{
    local at=$(($(off pvh:$H:0) + 8)) len
    len=$(xsr=$(hex pvh $((at - 4)) 4); printf %d "0x${xsr:6:2}${xsr:4:2}${xsr:2:2}${xsr:0:2}")
    printf 'record:libxc:HVM_PARAMS:0:HVM_CONTEXT:%s%s%s' "$(hex pvh $at "$1")" "$3" \
        "$(hex pvh $((at + $1 + $2)) $((len - $1 - $2)))"
}
lapic=$((32 + 2 * 1040)) # behind HEADER and two CPUs
answers "a LAPIC entry of 32 octets" 4.21-4.22 none 4.6-4.20 "LAPIC entry of 32.*4.21" pvh \
    "$(saved 21)" drop:$H "$(pvh_context $lapic 32 "0500000020000000$z$z$z$z")"
msr() { printf '1400000018000000%s%s%s' 0100000000000000 "$1" 00000000$z; }
answers "MSR 0x6e1 of a vCPU" 4.18-4.22 none 4.6-4.17 "0x6e1.*4.18" pvh "$(saved 18)" \
    drop:$H "$(pvh_context $lapic 0 "$(msr e1060000)")"
answers "MSR 0xc001011f of a vCPU" 4.18-4.22 4.17-4.17 4.6-4.16 "0xc001011f.*4.17" pvh \
    "$(saved 18)" drop:$H "$(pvh_context $lapic 0 "$(msr 1f0101c0)")"
answers "an MSR that nobody knows" 4.17-4.22 4.15-4.16 4.6-4.14 "no release up to" pvh \
    drop:$H "$(pvh_context $lapic 0 "$(msr 78563412)")"
answers "QEMU traditional" 4.17-4.20 4.15-4.16 4.6-4.22 "traditional was removed in 4.21" hvm \
    drop:libxl:EMULATOR_CONTEXT record:libxl:END:0:EMULATOR_CONTEXT:01000000000000005145564d0000000300
answers "TSC mode 3" none 4.15-4.16 4.6-4.22 "TSC mode 3" pvh body:libxc:X86_TSC_INFO:0:0:03
answers "an optional record of libxl" none none 4.6-4.22 "no release of libxl" pvh \
    record:libxl:END:0:0x80000001:
answers "an empty record" 4.17-4.22 4.15-4.16 4.6-4.14 "empty records.*4.9" pv64 \
    drop:libxc:X86_PV_VCPU_MSRS:1 record:libxc:END:0:X86_PV_VCPU_MSRS:0100000000000000
judge pvh body:$I:0:15:04
ok "of an image with errors nothing is promised" jq -e '.releases == null and
    .xensr_restore == false' "$T/json"
done_testing
