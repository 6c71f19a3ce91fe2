#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Records of the guest image: unknown, of the other guest type or version,
# missing, repeated, out of order.
. "${0%/*}/../lib.sh"
. "${0%/*}/../bad.sh"
requires jq

fresh_host
for type in pv pvh hvm; do
    use_image "$(image $type --memory 4)"
    bad "$type: unknown mandatory record" 3 '0x13|unknown' \
        "insert:libxc:X86_TSC_INFO:1300000000000000"
    bad "$type: the highest mandatory number" 3 '0x7fffffff|unknown' \
        "insert:libxc:END:ffffff7f00000000"
    good "$type: an optional record is skipped" \
        "insert:libxc:X86_TSC_INFO:23010080050000006162636465000000"
    bad "$type: TOOLSTACK" '3|4' 'TOOLSTACK' \
        "insert:libxc:END:0b00000008000000${z:=0000000000000000}"
    bad "$type: CHECKPOINT in a plain image" '3|4' 'CHECKPOINT' \
        "insert:libxc:END:0e00000000000000"
    bad "$type: back-channel record" '3|4' 'DIRTY_PFN' \
        "insert:libxc:END:0f00000008000000$z"
    bad "$type: VERIFY before any memory" 3 'VERIFY' \
        "insert:libxc:PAGE_DATA:0d00000000000000"
    bad "$type: VERIFY twice" 3 'VERIFY' \
        "insert:libxc:X86_TSC_INFO:0d000000000000000d00000000000000"
    for once in STATIC_DATA_END X86_TSC_INFO X86_CPUID_POLICY X86_MSR_POLICY; do
        bad "$type: $once twice" 3 "$once" "dup:libxc:$once"
    done
    for need in STATIC_DATA_END X86_TSC_INFO; do
        bad "$type: no $need" 3 "$need" "drop:libxc:$need"
    done
    bad "$type: no END of the image" 3 '.' drop:libxc:END
    bad "$type: CPU policy after static data" 3 'X86_CPUID_POLICY' \
        "insert:libxc:X86_TSC_INFO:1100000018000000$z$z$z"
    bad "$type: static data in a version 2 image" 3 \
        'STATIC_DATA_END|POLICY' put:$((LIBXC + 12)):00000002
    bad "$type: static data ends after memory" 3 'STATIC_DATA_END|PAGE_DATA' \
        drop:libxc:STATIC_DATA_END \
        "insert:libxc:X86_TSC_INFO:1000000000000000"
    bad "$type: END in the middle" 3 'END|missing|.' \
        "insert:libxc:X86_TSC_INFO:0000000000000000"
    still_restores
done

use_image "$(image pv --memory 4)"
page=$(printf '%08192d' 0)
bad "pv: HVM_CONTEXT" 3 'HVM_CONTEXT' "insert:libxc:END:0900000008000000$z"
bad "pv: HVM_PARAMS" 3 'HVM_PARAMS' "insert:libxc:END:0a00000008000000$z"
for need in X86_PV_INFO X86_PV_P2M_FRAMES SHARED_INFO X86_PV_VCPU_BASIC; do
    bad "pv: no $need" 3 "$need" "drop:libxc:$need"
done
for once in X86_PV_INFO SHARED_INFO X86_PV_VCPU_BASIC X86_PV_VCPU_EXTENDED; do
    bad "pv: $once twice" 3 "$once" "dup:libxc:$once"
done
bad "pv: memory after SHARED_INFO" 3 'PAGE_DATA' \
    "insert:libxc:END:0100000010000000010000000000000001000000000000f0"
bad "pv: PV_INFO of width 8 and 3 levels" 3 'X86_PV_INFO|levels' \
    put:$(($(at libxc X86_PV_INFO) + 9)):03
bad "pv: PV_INFO of width 5" 3 'X86_PV_INFO|width' \
    put:$(($(at libxc X86_PV_INFO) + 8)):05
bad "pv: a 32-bit guest" 4 '32' put:$(($(at libxc X86_PV_INFO) + 8)):0403
bad "pv: reserved octet in PV_INFO" 3 'X86_PV_INFO|reserved' \
    put:$(($(at libxc X86_PV_INFO) + 15)):01

use_image "$(image hvm --memory 4)"
bad "hvm: no HVM_CONTEXT" 3 'HVM_CONTEXT' drop:libxc:HVM_CONTEXT
bad "hvm: HVM_CONTEXT twice" 3 'HVM_CONTEXT' dup:libxc:HVM_CONTEXT
bad "hvm: HVM_PARAMS twice" 3 'HVM_PARAMS' dup:libxc:HVM_PARAMS
bad "hvm: memory after HVM_PARAMS" 3 'PAGE_DATA' \
    "insert:libxc:END:0100000010000000010000000000000001000000000000f0"
for r in 0200000008000000:X86_PV_INFO 0700000000100000:SHARED_INFO \
    0400000008000000:X86_PV_VCPU_BASIC 0300000010000000:X86_PV_P2M_FRAMES; do
    body=$z$z
    [ "${r#*:}" != SHARED_INFO ] || body=$page
    bad "hvm: ${r#*:}" 3 "${r#*:}" "insert:libxc:X86_TSC_INFO:${r%:*}$body"
done
still_restores
done_testing
