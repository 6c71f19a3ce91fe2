#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images of real Xen 4.17 and those that we generate have no error and no
# warning, and check lists exactly the records that they have; from a file and
# through a pipe.
. "${0%/*}/../lib.sh"
requires zstd jq

# What a walk by lengths alone finds: layer, name, how many in a row, where.
by_lengths()
{
    "$MUTATE" offsets <"$1" | awk '
        $2 == "image-header" { $2 = "image header" }
        $2 == "domain-header" { $2 = "domain header" }
        $1 == "xl" { sub(/xl/, "file", $1); if ($2 == "header") $2 = "xl header" }
        { n = NF; key = $1; name = $2; for (i = 3; i <= n - 3; i++) name = name " " $i
          off = $(n - 1)
          if (key " " name == last) count++
          else { if (last) print last, count, at; last = key " " name; count = 1; at = off } }
        END { print last, count, at }'
}
listed()
{
    jq -r '.records[] | "\(.layer) \(.record) \(.n) \(.offset)"' "$1"
}
clean()
{
    "$XENSR" check --json "$1" >"$T/json" || { cat "$T/json"; return 1; }
    jq -e '.exit == 0 and .errors == 0 and .warnings == 0 and
        (.findings | length) == .notes and .xensr_restore' "$T/json" ||
        { jq .findings "$T/json"; return 1; }
    by_lengths "$1" >"$T/expected"
    diff "$T/expected" <(listed "$T/json")
}
same_through_a_pipe()
{
    diff <("$XENSR" check --json "$1" | jq 'del(.input)') \
        <(cat "$1" | "$XENSR" check --json - | jq 'del(.input)')
}
for f in "$TOP"/tests/golden/images/*.zst "$TOP"/data/*.zst; do
    zstd -q -d -f -c "$f" >"$T/plain"
    ok "${f##*/}: nothing is wrong, all records are listed" clean "$T/plain"
    ok "${f##*/}: the same through a pipe" same_through_a_pipe "$T/plain"
    ok "${f##*/}: the same compressed" diff \
        <("$XENSR" check --json "$T/plain" | jq 'del(.input)') \
        <("$XENSR" check --json "$f" | jq 'del(.input)')
done
rm -f "$T/plain"

for type in pv pvh; do
    for o in '' '--version 2' '--live' '--live --verify' '--xsave' '--seed 8'; do
        # shellcheck disable=SC2086 # words
        img=$(image $type --memory 4 $o)
        ok "$type $o: nothing is wrong" clean "$img"
        rm -f "$img"
    done
    for layers in libxl libxc; do
        img=$(image $type --memory 4 --layers $layers)
        ok "$type, $layers alone: nothing is wrong" clean "$img"
        rm -f "$img"
    done
done

# What it says of a real image.
facts()
{
    jq -e '.guest.type == "HVM" and .guest.max_memkb == 16384 and
        .image.version == 3 and .image.xen_minor == 17 and
        .image.cpuid_leaves == 51 and .emulator.producer == "qemu" and
        .emulator.sections == 23 and
        ([.releases[] | select(.can == "yes") | .xen] | first) == "4.17" and
        ([.releases[] | select(.can == "no") | .xen] | last) == "4.14"' "$1"
}
"$XENSR" check --json "$TOP/data/demo-hvm.save.zst" >"$T/json"
ok "guest, image, emulator and releases of the bundled image" facts "$T/json"
ok "no sanitizer spoke" sanitizers_silent
done_testing
