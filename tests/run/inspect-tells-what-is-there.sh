#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr inspect` lists what is in an image, in every wrapping of it, as the
# reviewed text in tests/golden/inspect says; XENSR_GOLDEN=write renews that.
. "${0%/*}/../lib.sh"
requires zstd jq
inspect() { "$XENSR" inspect "$@"; }

golden=$TOP/tests/golden/inspect
# like_golden NAME: the listing in $T/out, but for the input's name and runs of
# records that name nothing but holes.
like_golden()
{
    sed -e 's/^input .*, /input ..., /' "$T/out" |
        grep -Ev '1024 pages: 1024 XTAB$' >"$T/list"
    [ "${XENSR_GOLDEN-}" != write ] || cp "$T/list" "$golden/$1.txt"
    diff "$golden/$1.txt" "$T/list"
}
lists()
{
    local name=$1
    shift
    run inspect "$@"
    [ "$RC" -eq 0 ] && sanitizers_silent && like_golden "$name"
}
same_listing()
{
    cmp "$T/one" <(sed -e '/^input/d' "$T/out")
}
pv=$(image pv --memory 4) && pvh=$(image pvh --memory 4 --version 2) &&
    hvm=$(image hvm --memory 16 --physmap --live --verify) || exit 1

ok "a PV image" lists pv "$pv"
ok "a PVH image of version 2" lists pvh "$pvh"
ok "an HVM image with emulator records, live rounds, verify" lists hvm "$hvm"

inspect "$hvm" | sed -e '/^input/d' >"$T/one"
zstd -q "$hvm" -o "$T/hvm.zst"
for how in "cat $hvm | inspect -" "inspect $T/hvm.zst" \
    "cat $T/hvm.zst | inspect -" "inspect - <$T/hvm.zst"; do
    run eval "$how"
    ok "the same from: ${how//$T\//}" same_listing
done

"$GENIMAGE" --type pv --memory 4 --layers libxl >"$T/libxl"
"$GENIMAGE" --type pv --memory 4 --layers libxc >"$T/libxc"
run inspect "$T/libxl"
ok "a bare libxl stream is recognised" grep -q 'libxl stream$' "$T/out"
run inspect "$T/libxc"
ok "a bare libxc image is recognised" grep -q 'libxc image$' "$T/out"

# The same rows, whichever way they are told.
json_agrees()
{
    inspect --json "$1" >"$T/json" &&
        jq -e '.complete and .error == null and .trailing_bytes == 0' \
            "$T/json" >/dev/null &&
        cmp <(jq -r '.records[] | "\(.offset) \(.layer) \(.name) \(.length)"' \
            "$T/json") \
            <(inspect "$1" | awk '/^ +[0-9]+  / {
                line = substr($0, 17, 5); name = substr($0, 24, 22)
                sub(/ +$/, "", line); sub(/ +$/, "", name)
                print $1, line, name, substr($0, 47, 10) + 0 }')
}
for f in "$pv" "$pvh" "$hvm"; do
    ok "JSON and table agree: ${f##*/}" json_agrees "$f"
done
done_testing
