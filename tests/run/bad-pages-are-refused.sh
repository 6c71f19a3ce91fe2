#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# PAGE_DATA: counts, frame numbers and kinds that cannot be, and PV page tables
# that name what the guest does not have.
. "${0%/*}/../lib.sh"
. "${0%/*}/../bad.sh"
requires jq

# entry PFN KIND: 8 little-endian octets.
entry() { printf '%s%s' "$(le32 $(($1 & 0xffffffff)))" "$(le32 $((($1 >> 32) | ($2 << 28))))"; }
# pages ENTRY...: a whole record without contents.
pages()
{
    printf '01000000%s%s00000000' "$(le32 $((8 + 8 * $#)))" "$(le32 $#)"
    printf %s "$@"
}

fresh_host
for type in pv pvh hvm; do
    use_image "$(image $type --memory 4)"
    pd=$(at libxc PAGE_DATA)
    count=$(u32 $((pd + 8)))
    ins=insert:libxc:X86_TSC_INFO
    bad "$type: count 0" 3 'PAGE_DATA.*count|count.*PAGE_DATA|PAGE_DATA' put:$((pd + 8)):00000000
    bad "$type: one page more than there is" 3 'PAGE_DATA' \
        put:$((pd + 8)):"$(le32 $((count + 1)))"
    bad "$type: one page less than there is" 3 'PAGE_DATA' \
        put:$((pd + 8)):"$(le32 $((count - 1)))"
    bad "$type: a count of 4 Gi" 3 'PAGE_DATA' put:$((pd + 8)):ffffffff
    bad "$type: more than 1024 entries" 3 'PAGE_DATA' \
        "$ins:010000001020000001040000$(printf '%0*d' $((2 * (8192 + 12))) 0)"
    bad "$type: reserved word of PAGE_DATA" 3 'PAGE_DATA|reserved' \
        put:$((pd + 12)):01000000
    bad "$type: reserved bits of an entry" 3 'PAGE_DATA|reserved|entry' \
        put:$((pd + 16 + 6)):10
    for kind in 5 6 7 8; do
        bad "$type: kind $kind" 3 "PAGE_DATA|type|kind" \
            "$ins:$(pages "$(entry 1 $kind)")"
    done
    bad "$type: a pfn twice in one record" 3 'PAGE_DATA|twice|repeated|duplicate' \
        "$ins:$(pages "$(entry 3 15)" "$(entry 2 15)" "$(entry 3 15)")"
    bad "$type: pfn 2^52-1 without content" 3 'PAGE_DATA|pfn' \
        "$ins:$(pages ffffffffffff0ff0)"
    bad "$type: pfn 2^52-1 to be populated" 3 'PAGE_DATA|pfn' \
        "$ins:$(pages ffffffffffff0fe0)"
    bad "$type: pfn beyond the domain" '3|1' 'pfn|page' \
        "$ins:$(pages "$(entry 0x3fffffff 14)")"
    bad "$type: length one page short" 3 'PAGE_DATA' \
        "setlen:libxc:PAGE_DATA:0:$(($(len libxc PAGE_DATA) - 4096))"
    still_restores
done
use_image "$(image hvm --memory 4)"
for kind in 1 4 9 12; do
    bad "hvm: page table kind $kind" 3 'PAGE_DATA|type|kind' \
        "insert:libxc:X86_TSC_INFO:$(pages "$(entry 1 $kind)")"
done

# PV tables: the entries of PAGE_DATA say which page is an L1, L2, L4 table.
use_image "$(image pv --memory 4)"
# table LEVEL: offset of the first such table's content.
table()
{
    local pd count i high data=0 off
    pd=$(at libxc PAGE_DATA) count=$(u32 $((pd + 8)))
    off=$((pd + 16 + 8 * count))
    for ((i = 0; i < count; i++)); do
        high=$(($(u32 $((pd + 16 + 8 * i + 4))) >> 28))
        if [ $((high & 7)) -eq "$1" ] && [ "$high" -lt 13 ]; then
            echo $((off + 4096 * data))
            return 0
        fi
        [ "$high" -ge 13 ] || data=$((data + 1))
    done
    echo "no table of level $1 in the first record" >&2
    exit 99
}
for level in 1 2 3 4; do
    t=$(table $level) || break
    bad "pv: L$level entry beyond the guest" 3 'L[1-4]|pfn|table|entry' \
        put:$((t + 8 * 7)):67f0ffffff0f0000
done
for level in 2 3; do
    t=$(table $level) || break
    bad "pv: large page in an L$level table" 3 'L[1-4]|large|PSE|superpage' \
        put:"$t":e700000000000000
done
still_restores
done_testing
