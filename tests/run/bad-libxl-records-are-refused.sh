#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The outer stream's records: unknown, missing, repeated, out of order, with a
# body they cannot have, and what stands behind END.
. "${0%/*}/../lib.sh"
. "${0%/*}/../bad.sh"
requires jq

end8=0000000000000000
fresh_host
for type in pv pvh hvm; do
    use_image "$(image $type --memory 4)"
    end=$(at libxl END)
    context=$(at libxl LIBXC_CONTEXT)
    bad "$type: unknown mandatory record before END" 3 '0x7fffffff|unknown' \
        "insert:libxl:END:ffffff7f00000000"
    bad "$type: unknown mandatory record first" 3 '0x6|unknown' \
        "insert:libxl:LIBXC_CONTEXT:0600000000000000"
    good "$type: an optional record is skipped" \
        "insert:libxl:END:010000800300000061626300000000"00
    bad "$type: optional record with padding that is not zero" 3 'padding' \
        "insert:libxl:END:010000800300000061626301000000"00
    bad "$type: optional record longer than the limit" 3 'length|limit' \
        "insert:libxl:END:0100008001000020"
    bad "$type: END first" 3 'END|order|expect' \
        "insert:libxl:LIBXC_CONTEXT:$end8"
    bad "$type: second LIBXC_CONTEXT" 3 'LIBXC_CONTEXT' \
        "insert:libxl:END:0100000000000000"
    bad "$type: LIBXC_CONTEXT with a body" 3 'LIBXC_CONTEXT.*length|length.*LIBXC_CONTEXT' \
        put:$((context + 4)):08000000
    bad "$type: END with a body" 3 'END' put:$((end + 4)):08000000 append:$end8
    bad "$type: no END" 3 'end' cut:"$end"
    bad "$type: half of END" 3 'end' cut:$((end + 4))
    bad "$type: bytes behind END" 3 'behind|trailing|after' append:00
    bad "$type: a second END" 3 'behind|trailing|after' append:$end8
    bad "$type: CHECKPOINT_END in a plain stream" '3|4' 'CHECKPOINT_END' \
        "insert:libxl:END:0400000000000000"
    bad "$type: CHECKPOINT_STATE in a plain stream" '3|4' 'CHECKPOINT_STATE' \
        "insert:libxl:END:05000000040000000000000000000000"
done
use_image "$(image pvh --memory 4)"
for type in pv pvh; do
    use_image "$(image $type --memory 4)"
    bad "$type: emulator state for a guest without emulator" 3 'EMULATOR_CONTEXT' \
        "insert:libxl:END:030000001000000002000000000000005145564d00000003"
    bad "$type: emulator keys for a guest without emulator" 3 'EMULATOR_XENSTORE' \
        "insert:libxl:END:02000000080000000200000000000000"
done
still_restores

use_image "$(image hvm --memory 4)"
emu=$(at libxl EMULATOR_CONTEXT)
bad "hvm: no emulator state" 3 'EMULATOR_CONTEXT' drop:libxl:EMULATOR_CONTEXT
bad "hvm: emulator state twice" 3 'EMULATOR_CONTEXT' dup:libxl:EMULATOR_CONTEXT
bad "hvm: emulator state before the image" 3 'EMULATOR_CONTEXT' \
    "insert:libxl:LIBXC_CONTEXT:030000001000000002000000000000005145564d00000003"
bad "hvm: unknown emulator" 3 'emulator' put:$((emu + 8)):03000000
bad "hvm: QEMU traditional" 4 'traditional|emulator' put:$((emu + 8)):01000000
bad "hvm: emulator index 1" 3 'index' put:$((emu + 12)):01000000
for n in 0 1 7; do
    bad "hvm: emulator record of $n octets" 3 'EMULATOR_CONTEXT|length' \
        drop:libxl:EMULATOR_CONTEXT \
        "insert:libxl:END:03000000$(le32 $n)$([ $n = 0 ] || echo $end8)"
done
bad "hvm: emulator padding not zero" 3 'padding' drop:libxl:EMULATOR_CONTEXT \
    "insert:libxl:END:030000000c00000002000000000000005145564d00000001"

# keys SENTENCE REGEX BODY...: a key list; \0 stands for the NUL.
keys()
{
    local name=$1 regex=$2 body
    body=$(printf "$3" | od -An -v -tx1 | tr -d ' \n')
    local n=$((${#body} / 2 + 8))
    local padding=$(((8 - n % 8) % 8))
    bad "keys: $name" 3 "$regex" "insert:libxl:EMULATOR_CONTEXT:02000000$(le32 \
        $n)0200000000000000$body$(printf '%0*d' $((2 * padding)) 0 |
            head -c $((2 * padding)))"
}
p='physmap/f0000000'
all="$p/start_addr\0001000\0$p/size\0002000\0$p/name\0vga.vram\0"
good "keys: a whole entry is accepted" "insert:libxl:EMULATOR_CONTEXT:$(
    body=$(printf "$all" | od -An -v -tx1 | tr -d ' \n')
    n=$((${#body} / 2 + 8)) padding=$(((8 - (${#body} / 2) % 8) % 8))
    printf '02000000%s0200000000000000%s%s' "$(le32 $n)" "$body" \
        "$(printf '%0*d' 16 0 | head -c $((2 * padding)))")"
keys "value without NUL" 'NUL|XENSTORE' "$p/size\0002000"
keys "key without NUL" 'NUL|XENSTORE' "physmap"
keys "odd number of strings" 'odd|value|XENSTORE' "$p/size\0"
keys "absolute key" 'key' "/local/domain/0/name\0evil\0"
keys "key outside physmap" 'key' "state\0running\0"
keys "key with .." 'key' "physmap/../size\0001\0"
keys "empty key" 'key' "\0001\0"
keys "unknown subkey" 'key' "$p/other\0001\0"
keys "entry that is no number" 'key' "physmap/xyz/size\0001\0"
keys "value that is no number" 'value|size' "$p/start_addr\0zz\0$p/size\0001\0$p/name\0n\0"
keys "missing subkey" 'no key.*size' "$p/start_addr\0001\0$p/name\0n\0"
keys "subkey twice" 'twice|duplicate|repeat' "$all$p/name\0x\0"
keys "control character in a name" 'name|value|print' "$p/start_addr\0001\0$p/size\0001\0$p/name\0a\007b\0"
bad "keys: unknown emulator" 3 'emulator' \
    "insert:libxl:EMULATOR_CONTEXT:02000000080000000500000000000000"
bad "keys: record shorter than its header" 3 'XENSTORE|length' \
    "insert:libxl:EMULATOR_CONTEXT:02000000040000000200000000000000"
bad "keys: list above the limit" 3 'limit|length' \
    "insert:libxl:EMULATOR_CONTEXT:0200000001001000"
bad "keys after the emulator's state" 3 'EMULATOR_XENSTORE' \
    "insert:libxl:END:02000000080000000200000000000000"
still_restores
done_testing
