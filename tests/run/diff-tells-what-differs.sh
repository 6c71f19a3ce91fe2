#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr diff`: of a guest that ran on between two saves, the pages are found that
# a comparison of both memories finds, and registers by name; every octet of state
# counts; containers and batches do not.
. "${0%/*}/../lib.sh"
requires jq perl zstd
xdiff() { "$XENSR" -q diff "$@"; }
# status N COMMAND...: exits with exactly that.
status()
{
    local want=$1
    shift
    run "$@"
    sanitizers_silent && [ "$RC" -eq "$want" ] ||
        { echo "exit status $RC, expected $want"; cat "$T/err"; return 1; }
}
# Page numbers of memory file $1 that are not, or are other, in $2.
missing_in()
{
    perl -e 'my (%m, $e); open my $f, "<", $ARGV[1] or die;
        $m{unpack "Q<", $e} = substr $e, 8 while read $f, $e, 4104;
        open $f, "<", $ARGV[0] or die; my @n;
        while (read $f, $e, 4104) { my $p = unpack "Q<", $e;
            push @n, $p if ($m{$p} // "\0" x 4096) ne substr $e, 8 }
        print "$_\n" for @n' "$1" "$2"
}

fresh_host
for type in pv pvh hvm; do
    d=$(xensr sim create --type $type --memory 16 --vcpus 2 --dirty-rate 500) ||
        exit 1
    xensr -q save --keep running "$d" "$T/a" || exit 1
    sleep 0.3
    xensr -q save --live --keep paused "$d" "$T/c" || exit 1
    ok "$type: an image and itself: 0" status 0 xdiff "$T/a" "$T/a"
    ok "$type: they have all records and pages in common" jq -e '.same and
        .records.same > 5 and .pages.same > 3000' \
        <(xdiff --json "$T/a" "$T/a")
    ok "$type: itself, compressed and from a pipe" eval \
        'zstd -qc "$T/a" | status 0 xdiff - "$T/a"'

    "$XENSR" -q inspect --memory "$T/a" >"$T/a.mem"
    "$XENSR" -q inspect --memory "$T/c" >"$T/c.mem"
    ok "$type: it ran on: 1" status 1 xdiff --json "$T/a" "$T/c"
    cp "$T/out" "$T/doc"
    { missing_in "$T/a.mem" "$T/c.mem"; missing_in "$T/c.mem" "$T/a.mem"; } |
        sort -nu >"$T/pfns"
    ok "$type: as many pages differ as do" [ "$(wc -l <"$T/pfns")" -eq \
        "$(jq .pages.differ.pages "$T/doc")" ]
    ok "$type: and these are the first" diff <(head -n 5 "$T/pfns") \
        <(jq -r '.pages.differ.runs[] | range(.[0]; .[1] + 1)' "$T/doc" | head -n 5)
    ok "$type: registers differ, by name" jq -e '[.records.differ[] |
        select(.record | test("HVM_CONTEXT|VCPU_BASIC")) | .fields[].field |
        select(test("^(CPU/[01]\\.)?r(bx|12|15)$"))] | length > 0' "$T/doc"
    ok "$type: nobody has a record alone" jq -e \
        '.records | .only_a == [] and .only_b == []' "$T/doc"
    xensr -q destroy "$d" || exit 1
done

# ---- every octet counts --------------------------------------------------------------
img=$(image hvm --memory 16) && pv=$(image pv) || exit 1
"$MUTATE" offsets <"$img" >"$T/where"
one_octet() # TYPE OFFSET HEX: the change is found; which record it is in
{
    "$MUTATE" "body:libxc:$1:0:$2:$3" <"${4:-$img}" >"$T/changed"
    status 1 xdiff --json "${4:-$img}" "$T/changed" &&
        jq -r '.records.differ | "\(length) \(.[0].record)"' "$T/out"
}
missed=
for at in 40 48 300 552 700 900 1030 1070 1100 1500 2600 3900; do
    [ "$(one_octet HVM_CONTEXT $at 5a)" = "1 libxc HVM_CONTEXT" ] ||
        missed="$missed $at"
done
ok "a changed octet anywhere in an HVM context is found" [ -z "$missed" ]
one_octet HVM_CONTEXT $((32 + 8 + 640)) 5a >"$T/line"
ok "and has the name of its register" [ "$(jq -r \
    '.records.differ[0].fields | map(.field) | join(" ")' "$T/out")" = "CPU/0.rip" ]
one_octet X86_PV_VCPU_BASIC $((8 + 720 + 16 * 14 + 8)) 5a "$pv" >"$T/line"
ok "a PV guest's trap handler" [ "$(jq -r \
    '.records.differ[0].fields[0].field' "$T/out")" = "trap[14].address" ]
one_octet SHARED_INFO 4000 5a "$pv" >"$T/line"
ok "octets that no field has are told as such" [ "$(jq -r \
    '.records.differ[0].fields[0].field' "$T/out")" = "(octets that no field covers)" ]
one_octet X86_TSC_INFO 4 5a >"$T/line"
ok "values of both" [ "$(jq -r '.records.differ[0].fields[0] |
    "\(.field) \(.a != .b)"' "$T/out")" = "khz true" ]
"$MUTATE" drop:libxc:X86_MSR_POLICY <"$img" >"$T/less"
ok "a record that only A has" eval 'status 1 xdiff --json "$img" "$T/less" &&
    jq -e ".records.only_a == [\"libxc X86_MSR_POLICY\"]" "$T/out"'
ok "... only B" eval 'status 1 xdiff --json "$T/less" "$img" &&
    jq -e ".records.only_b == [\"libxc X86_MSR_POLICY\"]" "$T/out"'
ok "people see the field" eval '! xdiff "$img" "$T/changed" >"$T/text" &&
    grep -q "^ *khz: [0-9]* -> [0-9]*$" "$T/text"'

# ---- what makes no difference -----------------------------------------------------------
"$GENIMAGE" --type hvm --memory 16 --vcpus 2 --seed 7 --zero 40 --text 45 \
    --random 15 --layers libxc >"$T/bare"
ok "a bare image and one in an xl file have the same pages" eval \
    'status 1 xdiff --json "$img" "$T/bare" && jq -e ".pages.differ.pages == 0 and
    .pages.only_a.pages == 0 and .records.differ == [] and .records.only_b == []" "$T/out"'
live=$(image hvm --memory 16 --live --verify)
ok "a live image differs by what its rounds changed alone" eval \
    'status 1 xdiff --json "$img" "$live" && jq -e ".pages.only_a.pages == 0 and
    .pages.only_b.pages == 0 and .pages.differ.pages < 1000" "$T/out"'

# ---- refusals ---------------------------------------------------------------------------
head -c 500000 "$img" >"$T/cut"
ok "a damaged image: 3" status 3 xdiff "$img" "$T/cut"
ok "one that is not there: 2, not 1" status 2 xdiff "$img" "$T/nowhere"
ok "standard input twice" status 2 xdiff - -
ok "one image" status 2 xdiff "$img"
ok "output that nobody takes is not equality" eval \
    '! xdiff "$img" "$img" >/dev/full 2>"$T/err" && says "standard output"'
ok "no temporary file is left" eval '[ -z "$(ls -A "$TMPDIR")" ]'
done_testing
