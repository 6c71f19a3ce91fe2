#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr check` as a command: forms of output, exit status, input that cannot be
# read, bounded memory, and the list of rules in all its places.
. "${0%/*}/../lib.sh"
# shellcheck source=tests/check-lib.sh
. "${0%/*}/../check-lib.sh"
requires jq zstd

"$MUTATE" put:36:07000000 <"$T/pvh.img" >"$T/flags"
"$MUTATE" body:libxc:HVM_CONTEXT:0:8:00 <"$T/hvm.img" >"$T/broken"
"$MUTATE" body:libxc:image-header:0:19:01 <"$T/pvh.img" >"$T/reserved"

silent() { "$@" >"$T/o" 2>"$T/e"; local rc=$?; [ ! -s "$T/o" ] && [ ! -s "$T/e" ] && return $rc; cat "$T/o" "$T/e"; return 99; }
gives() { local want=$1; shift; "$@" >"$T/o" 2>"$T/e"; local rc=$?; [ $rc -eq "$want" ] || { echo "status $rc"; cat "$T/o" "$T/e"; return 1; }; }
quiet() { silent "$XENSR" check "$1" "$2"; [ $? -eq "$3" ]; }
for q in -q --quiet; do
    ok "$q: nothing is said of a good image, 0" quiet $q "$T/pvh.img" 0
    ok "$q: nor of a damaged one, 3" quiet $q "$T/broken" 3
    ok "$q: nor of one from the future, 4" quiet $q "$T/flags" 4
    ok "$q: nor of one that only libxl takes, 4" quiet $q "$T/reserved" 4
done
ok "-q in front of the command" silent "$XENSR" -q check "$T/pvh.img"

# ---- text and JSON agree -----------------------------------------------------

agree()
{
    "$XENSR" check "$1" | awk '/^(error|warning|note) / && $3 == "at" {
        sub(/:$/, "", $4); print $1, $2, $4 }' >"$T/a"
    "$XENSR" check --json "$1" >"$T/json"
    jq -r '.findings[] | "\(.severity) \(.rule) \(.offset)"' "$T/json" >"$T/b"
    [ -s "$T/a" ] && diff "$T/a" "$T/b" &&
        jq -e '.errors + .warnings + .notes == ([.rules[]] | add)' "$T/json"
}
for f in broken flags reserved pv32.img remus.img; do
    ok "$f: text and JSON have the same findings" agree "$T/$f"
done
ok "--records lists them" bash -c '"$XENSR" check --records "$0" |
    grep -Eq "^ +684  libxc +PAGE_DATA "' "$T/pvh.img"
verdict() { "$XENSR" check --json "$1" | jq -e --arg v "$2" '.verdict == $v'; }
ok "verdict: valid" verdict "$T/pvh.img" valid
ok "verdict: damaged" verdict "$T/broken" damaged
ok "verdict: not supported" verdict "$T/flags" "not supported"
ok "verdict: refused here" verdict "$T/reserved" "valid, but xensr restore refuses it"
ok "a name that is no text does not break the document" bash -c '
    "$MUTATE" put:$((52 + $(tail -c +53 "$0" | grep -abo tiny | head -n 1 |
        cut -d: -f1))):ff0a <"$0" | "$XENSR" check --json - >"$T/json"
    jq -e ".errors == 1 and (.findings | length) == 1" "$T/json"' "$T/pvh.img"
ok "no such file, as a document" bash -c '"$XENSR" check --json "$0" 2>/dev/null |
    jq -e ".error.code == 1 and (.error.message | length) > 5"' "$T/none"

# ---- input -------------------------------------------------------------------

ok "no such file: 1" gives 1 "$XENSR" check "$T/none"
ok "a folder: 1" gives 1 "$XENSR" check "$T"
ok "no file: 2" gives 2 "$XENSR" check
ok "two files: 2" gives 2 "$XENSR" check "$T/pvh.img" "$T/hvm.img"
ok "an unknown form of the rules: 2" gives 2 "$XENSR" check --rules=xml
ok "standard output is full: 1" bash -c '"$XENSR" check "$0" >/dev/full 2>/dev/null
    [ $? -eq 1 ]' "$T/pvh.img"
zstd -q -f "$T/pvh.img" -o "$T/pvh.zst"
ok "compressed: 0" gives 0 "$XENSR" check "$T/pvh.zst"
ok "compressed, through a pipe: 0" bash -c 'cat "$0" | "$XENSR" -q check -' "$T/pvh.zst"
head -c -20 "$T/pvh.zst" >"$T/cut.zst"
ok "compressed and cut off: 3" gives 3 "$XENSR" check "$T/cut.zst"
ok "  and that is what it says" grep -q input.compressed "$T/o"
ok "everything comes in single octets" bash -c '
    dd if="$0" bs=1 2>/dev/null | "$XENSR" -q check -' "$T/pvh.img"
ok "a reader that goes away does not kill it" bash -c '
    set -o pipefail; "$XENSR" check "$0" | true; [ "${PIPESTATUS[0]}" -ne 139 ]' "$T/pvh.img"

# ---- what the tiny images cannot show ----------------------------------------

has() { "$XENSR" check "$2" >"$T/o"; grep -Eq "^[a-z]+ +$1 at" "$T/o" || { cat "$T/o"; return 1; }; }
img=$(image pvh --memory 8)
sed 's/"max_memkb": 8192, "target_memkb": 8192/"max_memkb": 1024, "target_memkb": 1024/' \
    <"$img" >"$T/small"
ok "config.memory-small: a guest larger than its configuration" has config.memory-small "$T/small"
rm -f "$T/small" "$img"
{
    head -c 44 "$T/pvh.img"
    printf '\x05\x00\x04\x00\x01\x00\x04\x00' # 256 KiB + 1
    dd if="$T/pvh.img" bs=1 skip=52 count=199 2>/dev/null
    head -c $((262145 - 200)) /dev/zero | tr '\0' ' '
    tail -c +252 "$T/pvh.img"
} >"$T/long"
ok "config.size: a configuration above 256 KiB" has config.size "$T/long"
ok "  what follows is judged" gives 0 "$XENSR" check "$T/long"

# ---- bounds ------------------------------------------------------------------

many=$(for ((i = 0; i < 1000; i++)); do printf '%02x%x0000000000050' $((i & 255)) $((i >> 8)); done)
"$MUTATE" record:libxc:X86_TSC_INFO:0:PAGE_DATA:"e803000000000000${many}" <"$T/pvh.img" >"$T/many"
ok "a thousand findings are counted, the first few told" bash -c '
    "$XENSR" check --json "$0" | jq -e ".rules[\"page.type\"] == 1000 and
        ([.findings[] | select(.rule == \"page.type\")] | length) == 5"' "$T/many"
peak() # FILE: below 16 MiB
{
    rm -f "$T/peaks"
    cat "$1" | "$BUILD/tests/bin/timed" --peaks "$T/peaks" -- "$XENSR" check -q -
    awk '$1 == "xensr" { n++; if ($3 > 16384) bad = 1; print } END { exit bad || !n }' "$T/peaks"
}
if [ -z "${XENSR_ASAN-}" ]; then
    for type in pv hvm; do
        img=$(image $type --memory 128)
        ok "$type of 128 MiB: memory stays below 16 MiB" peak "$img"
        rm -f "$img"
    done
    "$MUTATE" drop:libxl:EMULATOR_CONTEXT \
        record:libxl:END:0:EMULATOR_CONTEXT:'zeros*33554432' <"$T/hvm.img" >"$T/large"
    ok "an emulator context of 32 MiB: the same" peak "$T/large"
    rm -f "$T/large"
fi

# ---- the list of rules -------------------------------------------------------

ok "docs/formats/rules.md is what --rules=page says" \
    diff "$TOP/docs/formats/rules.md" <("$XENSR" check --rules=page)
every_rule_has_a_case()
{
    local rule bad=0
    for rule in "${!SEVERITY[@]}"; do
        grep -Eqw -- "${rule//./\\.}" "$TOP"/tests/run/check-*.sh "$TOP/tests/check-lib.sh" ||
            { echo "$rule"; bad=1; }
    done
    [ "${#SEVERITY[@]}" -gt 150 ] && return $bad
}
ok "each rule has a case that breaks it" every_rule_has_a_case
ok "no sanitizer spoke" sanitizers_silent
done_testing
