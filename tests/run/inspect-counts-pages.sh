#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr inspect --pages`: pages, zero pages, contents and their repetitions are
# what a program that keeps everything finds; of pages that came more than once
# the last state counts; types of a PV guest are those of its listing.
. "${0%/*}/../lib.sh"
requires jq perl zstd
pages() { "$XENSR" -q inspect --pages --json "$@"; }

# Pages with content, different contents, contents and pages that repeat.
count_by_hand()
{
    "$XENSR" -q inspect --memory "$1" | perl -MDigest::MD5=md5 -e '
        my (%n, $pages);
        while (read STDIN, my $e, 4104) { $n{md5(substr $e, 8)}++; $pages++ }
        my $again = grep { $_ > 1 } values %n;
        print join(" ", $pages, scalar(keys %n), $again, $pages - keys %n), "\n"'
}
as_counted()
{
    jq -r '.statistics | "\(.pages - .zero) \(.duplicates.contents) " +
        "\(.duplicates.contents_repeated) \(.duplicates.pages)"' "$1"
}
for type in pv pvh hvm; do
    img=$(image $type --live --verify --memory 16) || exit 1
    pages "$img" >"$T/doc"
    ok "$type: counted as by hand" diff <(count_by_hand "$img") <(as_counted "$T/doc")
    ok "$type: not estimated" jq -e '.statistics.duplicates |
        .estimated == false and .counted_one_of == 1' "$T/doc"
    ok "$type: all types together are the pages" jq -e '.statistics |
        ([.types[]] | add) == .pages' "$T/doc"
    ok "$type: more was sent than there is" jq -e '.statistics |
        .sent_with_content > .pages' "$T/doc"
    ok "$type: entries are those of the listing" diff \
        <(jq -cS .statistics.entries "$T/doc") \
        <("$XENSR" inspect --json "$img" | jq -cS '[.records[].types // empty |
            to_entries[]] | group_by(.key) |
            map({key: .[0].key, value: (map(.value) | add)}) | from_entries')
    ok "$type: the same through a pipe, compressed" diff \
        <(jq -S .statistics "$T/doc") \
        <(zstd -qc "$img" | pages - | jq -S .statistics)
    ok "$type: people read the same numbers" eval \
        '"$XENSR" -q inspect --pages "$img" | grep -q \
        "^zero *$(jq .statistics.zero "$T/doc") ("'
done
img=$(image pv --memory 16)
pages "$img" >"$T/doc"
ok "a PV guest that was not live has as many pages as were sent" jq -e \
    '.statistics | .sent_with_content == .pages and .runs[0][0] == 0' "$T/doc"

# Two contents alone: 200000 pages without content, and beyond what the index
# holds in memory at once, in descending records.
"$GENIMAGE" --type hvm --memory 16 --vcpus 1 --layers libxc --zero 50 --text 35 \
    --random 15 >"$T/small"
perl -e '
    open my $f, "<", $ARGV[0] or die; local $/; my $img = <$f>;
    my $end = index $img, pack("VV", 8, 24); # X86_TSC_INFO
    print substr $img, 0, $end;
    for (my $first = 0x300000; $first > 0x2d0000; $first -= 1024) {
        print pack "VVVV", 1, 8 + 8 * 1024, 1024, 0;
        print pack "Q<", $_ | 0xe << 60 for $first .. $first + 1023;
    }
    print substr $img, $end' "$T/small" >"$T/many"
pages "$T/small" >"$T/doc"
pages "$T/many" >"$T/doc2"
ok "196608 more pages, in descending order, are one more run" jq -e \
    --slurpfile s "$T/doc" '.statistics | .types.XALLOC == 196608 and
    .n_runs == $s[0].statistics.n_runs + 1 and
    .pages == $s[0].statistics.pages + 196608 and
    .duplicates == $s[0].statistics.duplicates' "$T/doc2"
ok "no temporary file is left" eval '[ -z "$(ls -A "$TMPDIR")" ]'
ok "--pages does not list" must_fail 2 pages --decode "$img"
done_testing
