#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every record type of both layers with a length of 0, 1, its limit, one more,
# and with those near 2^32 that wrap when they are rounded up in 32 bits.
. "${0%/*}/../lib.sh"
. "${0%/*}/../bad.sh"
requires jq

# The first record of each layer and type in the current image.
kinds()
{
    awk '$1 ~ /^libx/ && $2 ~ /^[A-Z]/ && $3 == 0 { print $1, $2, $5 }' \
        "$T/offsets"
}
limit_of()
{
    case $1 in
    EMULATOR_CONTEXT) echo $((512 << 20)) ;;
    EMULATOR_XENSTORE_DATA) echo $((1 << 20)) ;;
    PAGE_DATA) echo $((8 + 1024 * (8 + 4096))) ;;
    X86_PV_P2M_FRAMES) echo $((128 << 20)) ;;
    HVM_CONTEXT) echo $((4 << 20)) ;;
    X86_CPUID_POLICY) echo $((24 << 10)) ;;
    X86_MSR_POLICY | X86_PV_VCPU_MSRS) echo $((16 << 10)) ;;
    X86_PV_VCPU_XSAVE) echo $((64 << 10)) ;;
    *) echo 4096 ;;
    esac
}

fresh_host
for type in pv pvh hvm; do
    use_image "$(image $type --memory 4)"
    while read -r layer name length; do
        max=$(limit_of "$name")
        for n in 0 1 "$max" $((max + 1)) $((0xfffffff9)) $((0xffffffff)); do
            [ "$n" -ne "$length" ] || continue
            # A longer claim than the input has ends with the input.
            bad "$type: $layer $name of $n octets" 3 "!." \
                "setlen:$layer:$name:0:$n"
        done
    done < <(kinds)
    still_restores
done
done_testing
