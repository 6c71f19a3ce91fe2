#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Of a damaged image `xensr inspect` shows what is whole and names what is lost,
# with status 3: cut anywhere, damaged in the middle, a stream with checkpoints
# that breaks off. With --salvage it steps over what it can, and memory comes
# out; never a page that is not whole, never one of an unfinished checkpoint.
. "${0%/*}/../lib.sh"
. "$TOP/tests/memory-lib.sh"
requires jq perl
inspect() { "$XENSR" -q inspect "$@"; }

# at TYPE N: offset and length of a record.
at()
{
    "$MUTATE" offsets <"$img" |
        awk -v t="$1" -v n="$2" '$2 == t && $3 == n { print $4, $5 }'
}
# doc [option...] FILE: exit status in $RC, the document in $T/doc.
doc()
{
    run inspect --json "$@"
    cp "$T/out" "$T/doc"
    sanitizers_silent && jq -e . "$T/doc" >/dev/null
}
lost() { jq -r '.salvage.missing | join(" ")' "$T/doc"; }
is() { [ "$1" = "$2" ] || { echo "found: $2"; echo "expected: $1"; return 1; }; }
# The pages of memory file $1 are the first of memory file $2.
is_part()
{
    [ -s "$1" ] && cmp "$1" <(head -c "$(stat -c %s "$1")" "$2")
}
img=$(image hvm) && pv=$(image pv) || exit 1
inspect --memory "$img" >"$T/mem"

# ---- cut -------------------------------------------------------------------------
read -r pages _ < <(at PAGE_DATA 0)
cut=$((pages + 8 + 8 + 8192 + 100 * 4096 + 77))
head -c $cut "$img" >"$T/cut"
ok "cut inside pages: a listing, and 3" eval \
    'doc "$T/cut" && [ $RC -eq 3 ] && [ "$(jq .complete "$T/doc")" = false ]'
ok "the listing has all records in front of the damage" is \
    "$("$XENSR" inspect --json "$img" | jq -c --argjson at $pages \
        '[.records[] | select(.offset < $at) | [.name, .offset]]')" \
    "$(jq -c '[.records[] | [.name, .offset]]' "$T/doc")"
ok "what is lost has names" is "PAGE_DATA X86_TSC_INFO HVM_CONTEXT HVM_PARAMS \
END of the image EMULATOR_CONTEXT END of the stream" "$(lost)"
ok "and in the table" eval 'run inspect "$T/cut"; grep -q "^lost .*HVM_CONTEXT" "$T/out" &&
    grep -q "^guest " "$T/out"'
ok "--pages counts the whole ones" eval 'doc --pages "$T/cut" &&
    [ $RC -eq 3 ] && [ "$(jq .statistics.pages "$T/doc")" -eq 100 ]'
ok "--memory writes nothing without --salvage" eval \
    'must_fail 3 inspect --memory "$T/cut" && [ ! -s "$T/out" ]'
ok "--salvage --memory: the pages that are whole" eval \
    'must_fail 3 inspect --memory --salvage "$T/cut" && is_part "$T/out" "$T/mem"'
head -c "$(stat -c %s "$T/out")" "$T/mem" >"$T/part"
ok "--salvage --raw: the same" eval 'must_fail 3 inspect --raw "$T/raw" --salvage "$T/cut" &&
    same_memory "$T/raw" 0 "$T/part"'
ok "no page that was cut" \
    [ "$(stat -c %s "$T/raw")" -le $((100 * 4096)) ]
ok "--salvage --elf: a core without vCPUs" eval \
    'must_fail 3 inspect --json --elf "$T/core" --salvage "$T/cut" &&
    [ "$(jq .vcpus "$T/out")" -eq 0 ] && readelf -lW "$T/core" | grep -q LOAD'

read -r end _ < <(at HVM_PARAMS 0)
head -c "$end" "$img" >"$T/late"
ok "cut behind the context: registers are there" eval \
    'must_fail 3 inspect --json --elf "$T/core" --salvage "$T/late" &&
    [ "$(jq .vcpus "$T/out")" -eq 2 ]'
ok "and all of the memory" eval \
    'must_fail 3 inspect --memory --salvage "$T/late" && cmp "$T/out" "$T/mem"'
ok "decoded content too" eval 'doc --decode "$T/late" &&
    jq -e ".records[] | select(.name == \"HVM_CONTEXT\") | .content.\"CPU/1\".rip" "$T/doc"'

# Everywhere: always 3 (or 4), one document, never a crash.
n=0 size=$(stat -c %s "$pv")
for i in $(seq 1 60); do
    head -c $((size * i / 61)) "$pv" >"$T/some"
    doc --decode --salvage "$T/some" && [ $RC -eq 3 ] || { echo "# at $i: $RC"; n=1; }
    must_fail 3 inspect --raw "$T/raw" --salvage "$T/some" || n=1
done
ok "cut at sixty places: a document each, and 3" [ $n -eq 0 ]

# ---- damaged in the middle -----------------------------------------------------------
"$MUTATE" body:libxc:X86_TSC_INFO:0:0:63 <"$img" >"$T/tsc"
ok "a damaged record ends the listing" eval 'doc "$T/tsc" && [ $RC -eq 3 ] &&
    ! jq -e ".records[] | select(.name == \"HVM_CONTEXT\")" "$T/doc"'
ok "--salvage goes on behind it" eval 'doc --salvage "$T/tsc" && [ $RC -eq 3 ] &&
    jq -e "([.records[].name] | contains([\"HVM_CONTEXT\", \"EMULATOR_CONTEXT\"]))
    and .salvage.damaged_records == 1 and .complete == false" "$T/doc"'
ok "the record says what is wrong with it" eval 'jq -e ".records[] |
    select(.name == \"X86_TSC_INFO\") | .damaged | test(\"mode 99\")" "$T/doc"'
ok "what is lost is that" is "X86_TSC_INFO" "$(lost)"
ok "the error is the first one, with its place" eval \
    'jq -e ".error.message | test(\"X86_TSC_INFO\")" "$T/doc"'
"$MUTATE" body:libxc:PAGE_DATA:0:12:000000f0 setlen:libxc:HVM_PARAMS:0:9 \
    <"$img" >"$T/two" 2>/dev/null
ok "damaged pages are left out, the others are memory" eval \
    'must_fail 3 inspect --memory --salvage "$T/two" &&
    [ "$(stat -c %s "$T/out")" -lt "$(stat -c %s "$T/mem")" ] &&
    [ $(($(stat -c %s "$T/out") % 4104)) -eq 0 ]'
"$MUTATE" body:libxc:X86_PV_INFO:0:0:07 <"$pv" >"$T/pvinfo"
ok "a PV image without its width: pages all the same" eval \
    'doc --salvage --decode "$T/pvinfo" && [ $RC -eq 3 ] &&
    jq -e ".pages_with_content > 1000 and .salvage.damaged_records >= 5" "$T/doc"'
# A length that cannot be believed: the next record is looked for.
names() { jq -r '[.records[] | select(.damaged | not) | .name] | unique | join(" ")' "$T/doc"; }
names_all=$("$XENSR" inspect --json "$img" | jq -r '[.records[].name] | unique | join(" ")')
resumes_at() { is "$1" "$(jq '.records[] | select(.damaged) | .resumed' "$T/doc")"; }
read -r context _ < <(at HVM_CONTEXT 0)
"$MUTATE" settype:libxc:X86_TSC_INFO:0:119 <"$img" >"$T/unknown"
ok "behind an unknown type the next record is found" eval 'doc --salvage "$T/unknown" &&
    [ $RC -eq 3 ] && resumes_at "$context" && [ "$(lost)" = X86_TSC_INFO ]'
read -r second _ < <(at PAGE_DATA 1)
read -r third len < <(at PAGE_DATA 2)
# what the image's memory is without the pages of its second PAGE_DATA
{ head -c "$second" "$img" && tail -c +$((third + 1)) "$img"; } >"$T/without"
inspect --memory "$T/without" >"$T/mem-without"
# found_again SENTENCE MUTATION...
found_again()
{
    local name=$1
    shift
    "$MUTATE" "$@" <"$img" >"$T/lost" 2>/dev/null
    ok "PAGE_DATA with $name: the next one is found" eval 'doc --salvage "$T/lost" &&
        [ $RC -eq 3 ] && resumes_at "$third" && [ "$(names)" = "$names_all" ]'
    ok "... the others' pages are memory" eval \
        'must_fail 3 inspect --memory --salvage "$T/lost" && cmp "$T/out" "$T/mem-without"'
    ok "... from a pipe, too" eval 'run eval "cat \"$T/lost\" | inspect --memory --salvage -"
        [ $RC -eq 3 ] && cmp "$T/out" "$T/mem-without"'
}
found_again "an unknown type" put:$second:77000000
found_again "the type of END" put:$second:00000000
found_again "a greater length" put:$((second + 6)):ff
found_again "a smaller length" put:$((second + 5)):00
found_again "another number of entries" put:$((second + 8)):77
shorter=$(printf %08x $((len - 4096)) | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/')
found_again "no room for its pages" "put:$((second + 4)):$shorter"
"$MUTATE" settype:libxc:END:0:119 <"$img" >"$T/noend"
ok "an image without its END: what is behind it is found" eval 'doc --salvage "$T/noend" &&
    [ $RC -eq 3 ] && jq -e "[.records[].name] | contains([\"EMULATOR_CONTEXT\"])" "$T/doc" &&
    [ "$(lost)" = "END of the image" ]'
"$MUTATE" settype:libxc:HVM_PARAMS:0:119 <"$img" | head -c "$end" >"$T/nothing"
head -c 4096 /dev/zero >>"$T/nothing"
ok "nothing but zeros behind it: no record, and an end" eval \
    'doc --salvage "$T/nothing" && [ $RC -eq 3 ]'
"$MUTATE" put:52:7d <"$img" >"$T/config"
ok "a configuration that is no JSON: the guest has no name, the rest is there" \
    eval 'doc --salvage "$T/config" && [ $RC -eq 3 ] && jq -e ".configuration == null
    and ([.records[].name] | contains([\"HVM_CONTEXT\"]))" "$T/doc"'

# ---- checkpoints ------------------------------------------------------------------
"$MUTATE" settype:libxl:END:0:4 settype:libxc:END:0:14 <"$img" >"$T/first"
read -r tsc _ < <(at X86_TSC_INFO 0)
# one more page 1, other than before: PAGE_DATA of a single entry
{
    printf '\1\0\0\0\20\20\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0'
    head -c 4096 /dev/zero | tr '\0' 'Z'
} >"$T/page"
tail -c +$((tsc + 1)) "$T/first" >"$T/state"
cat "$T/first" "$T/page" "$T/state" >"$T/second"
cat "$T/second" "$T/page" >"$T/third"
ok "a stream with a checkpoint says so" eval 'doc "$T/first" && [ $RC -eq 3 ] &&
    jq -e ".summary.remus and .summary.checkpoints == 1" "$T/doc"'
ok "and the second" eval 'doc "$T/second" && jq -e ".summary.checkpoints == 2" "$T/doc"'
must_fail 3 inspect --memory --salvage "$T/first"
ok "its memory is the first's" cmp "$T/out" "$T/mem"
perl -e 'binmode STDIN; while (read STDIN, my $e, 4104) {
    substr($e, 8) = "Z" x 4096 if unpack("Q<", $e) == 1; print $e }' \
    <"$T/mem" >"$T/mem2"
ok "(page 1 has content)" eval '! cmp -s "$T/mem" "$T/mem2"'
must_fail 3 inspect --memory --salvage "$T/second"
ok "the second checkpoint's memory is the second's" cmp "$T/out" "$T/mem2"
cat "$T/first" "$T/page" >"$T/unfinished"
must_fail 3 inspect --memory --salvage "$T/unfinished"
ok "an unfinished checkpoint changes nothing" cmp "$T/out" "$T/mem"
for f in first:mem unfinished:mem second:mem2 third:mem2; do
    must_fail 3 inspect --raw "$T/raw" --salvage "$T/${f%:*}"
    ok "--raw of ${f%:*}: the last whole checkpoint's memory" \
        same_memory "$T/raw" 0 "$T/${f#*:}"
done
doc --pages "$T/unfinished"
jq .statistics.duplicates "$T/doc" >"$T/one"
doc --pages "$T/first"
ok "--pages counts whole checkpoints alone" cmp "$T/one" \
    <(jq .statistics.duplicates "$T/doc")
ok "no temporary file is left" eval '[ -z "$(ls -A "$TMPDIR")" ]'
done_testing
