#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr inspect` of damaged input shows what it read so far, then says what is
# wrong and where, exit 3; --memory writes nothing. Bytes behind END are an
# error in a file and a warning in a pipe.
. "${0%/*}/../lib.sh"
requires zstd jq
inspect() { "$XENSR" inspect "$@"; }

pv=$(image pv --memory 4 --xsave) && hvm=$(image hvm --memory 4 --physmap) ||
    exit 1

# refuses FILE REGEX: all ways of inspecting do.
refuses()
{
    must_fail 3 inspect "$1" && says "$2" &&
        must_fail 3 inspect --memory "$1" && says "$2" &&
        [ ! -s "$T/out" ] &&
        must_fail 3 bash -c 'cat "$1" | "$XENSR" inspect --json -' - "$1" &&
        says "$2" && jq -e '.error.message != "" and (.complete | not)' \
            "$T/out" >/dev/null
}
for img in "$pv" "$hvm"; do
    type=$(basename "$img" | cut -d_ -f1)
    "$MUTATE" offsets <"$img" | grep -v PAGE_DATA >"$T/offsets"
    while read -r layer name n at len; do
        [ "$at" -ge 8 ] || continue
        head -c "$at" "$img" >"$T/bad"
        ok "$type: cut in front of $layer $name $n" \
            refuses "$T/bad" "ends.*\(at offset $at\)"
        [ "$len" -gt 0 ] || continue
        head -c $((at + 8)) "$img" >"$T/bad"
        ok "$type: cut inside $layer $name $n" refuses "$T/bad" 'ends inside'
    done <"$T/offsets"
done

# broken SENTENCE REGEX IMAGE EDIT...
broken()
{
    local name=$1 regex=$2 img=$3
    shift 3
    "$MUTATE" "$@" <"$img" >"$T/bad" || exit 99
    ok "$name" refuses "$T/bad" "$regex"
}
broken "an unknown mandatory record" 'libxc record 0x13' "$pv" \
    record:libxc:END:0:0x13:
broken "padding that is not zero" 'padding' "$hvm" \
    insert:libxl:END:0000008003000000aabbcc0000000100
broken "a record twice" 'SHARED_INFO' "$pv" dup:libxc:SHARED_INFO
broken "a vCPU twice" 'VCPU_BASIC.* second one for vCPU 1' "$pv" \
    dup:libxc:X86_PV_VCPU_BASIC:1
broken "a vCPU's MSRs twice" 'VCPU_MSRS.* second one for vCPU 0' "$pv" \
    dup:libxc:X86_PV_VCPU_MSRS:0
broken "no state of vCPU 0" 'END.* state of vCPU 0' "$pv" \
    drop:libxc:X86_PV_VCPU_BASIC:0
broken "a hole in the guest's frame list" 'P2M_FRAMES.* start 0x100000' "$pv" \
    record:libxc:PAGE_DATA:0:X86_PV_P2M_FRAMES:00001000000010000500000000000000
broken "a forbidden key" 'key.*physmap' "$hvm" \
    body:libxl:EMULATOR_XENSTORE_DATA:0:8:2f
broken "a PV image behind an HVM configuration" 'HVM guest' "$hvm" \
    body:libxc:domain-header:0:0:01

run inspect "$T/bad"
ok "what came before the damage is shown" \
    grep -Eq 'libxc +image header +24' "$T/out"

cp "$pv" "$T/more" && printf 'more' >>"$T/more"
ok "bytes behind END in a file are an error" eval \
    'must_fail 3 inspect "$T/more" && says "4 bytes behind END"'
run bash -c 'cat "$1" | "$XENSR" inspect -' - "$T/more"
ok "bytes behind END in a pipe are a warning" eval \
    '[ "$RC" -eq 0 ] && grep -q "^warning: 4 bytes" "$T/out"'

zstd -q "$pv" -o "$T/pv.zst"
size=$(stat -c %s "$T/pv.zst")
for n in 4 $((size / 2)) $((size - 1)); do
    head -c "$n" "$T/pv.zst" >"$T/cut.zst"
    ok "compressed data cut after $n octets" eval \
        'must_fail 3 inspect "$T/cut.zst" && says "zstd.*cut off"'
done
done_testing
