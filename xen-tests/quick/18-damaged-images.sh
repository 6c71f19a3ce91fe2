#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images that are cut or changed: refused by xl with our helper and by xensr, in
# words that name the place, and nothing of the domain is left.
. "${0%/*}/../dom0/lib.sh"
requires jq
xensr() { "$XENSR" "$@"; }

# place NAME [N]: offset of the N-th record of that name.
place()
{
    jq -r --arg name "$1" --argjson n "${2:-1}" \
        '[.records[] | select(.name == $name)][$n - 1].offset' "$T/records"
}
cut_at() { head -c "$1" "$T/g.save" >"$T/bad.save"; }
# changed OFFSET: one octet there has all its bits turned over.
changed()
{
    local octet
    octet=$(od -An -tu1 -j "$1" -N 1 "$T/g.save")
    cp "$T/g.save" "$T/bad.save"
    printf %b "$(printf '\\x%02x' $((octet ^ 255)))" |
        dd of="$T/bad.save" bs=1 seek="$1" conv=notrunc status=none
}
# refused SENTENCE: by each
refused()
{
    local engine
    for engine in ours native; do
        run with $engine xl restore "$T/bad.save"
        ok "$1: xl with $engine refuses it" test "$RC" -ne 0
        ok "  in our words" says '^xensr-helper: error: '
        ok "  nothing is left" host_same
        ok "  xensr with $engine refuses it" \
            must_fail '3' with $engine xensr restore "$T/bad.save"
        ok "  nothing is left" host_same
    done
}
for type in pv pvh; do
    ok "a guest of type $type starts" guest_start g $type
    ok "its image is made" with stock xl save g "$T/g.save"
    xensr inspect --json "$T/g.save" >"$T/records"
    host_before
    cut_at $(($(place PAGE_DATA 2) + 100000))
    refused "$type, cut in its pages"
    changed "$(place PAGE_DATA 2)"
    refused "$type, another type of record"
    changed $(($(place PAGE_DATA) + 11))
    refused "$type, more pages than there can be"
done
done_testing
