#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr inspect --memory`: ascending, never zero, the last content of every
# page, the same from a file, a pipe and compressed; --skip-owned leaves out
# exactly the pages that a restore rewrites.
. "${0%/*}/../lib.sh"
requires zstd
inspect() { "$XENSR" inspect "$@"; }

# pfns FILE: the pfn of every entry of 8 + 4096 octets.
pfns()
{
    od -An -v -w4104 -tu8 "$1" | awk '{ print $1 }'
}
ascending()
{
    [ -s "$1" ] && [ $(($(stat -c %s "$1") % 4104)) -eq 0 ] &&
        pfns "$1" | sort -n -u -c
}
no_zero_pages()
{
    ! od -An -v -w4104 -tx8 "$1" |
        awk '{ $1 = "" } !/[1-9a-f]/ { print NR; f = 1 } END { exit !f }'
}
for type in pv pvh hvm; do
    img=$(image $type --memory 8 --live --verify) || exit 1
    mem=$T/$type.mem
    ok "$type: memory is written" inspect --memory "$img"
    inspect --memory "$img" >"$mem"
    ok "$type: whole entries in ascending order" ascending "$mem"
    ok "$type: no page is all zero" no_zero_pages "$mem"
    ok "$type: the same through a pipe" eval \
        'cat "$img" | inspect --memory - | cmp "$mem"'
    ok "$type: the same compressed" eval \
        'zstd -qc "$img" | inspect --memory - | cmp "$mem"'
    ok "$type: no spool file is left" eval '[ -z "$(ls -A "$TMPDIR")" ]'

    # a page behind VERIFY is compared, not written: changing it changes nothing
    first=$("$MUTATE" offsets <"$img" | awk '
        /VERIFY/ { seen = 1 } seen && /PAGE_DATA/ { print $3, $5; exit }')
    "$MUTATE" "body:libxc:PAGE_DATA:${first% *}:$((${first#* } - 4)):deadbeef" \
        <"$img" >"$T/verify"
    ok "$type: what VERIFY repeats is not memory" eval \
        'inspect --memory "$T/verify" | cmp "$mem"'
    # the last of the live rounds counts
    last=$("$MUTATE" offsets <"$img" | awk '
        /VERIFY/ { print n, len; exit } /PAGE_DATA/ { n = $3; len = $5 }')
    "$MUTATE" "body:libxc:PAGE_DATA:${last% *}:$((${last#* } - 4)):deadbeef" \
        <"$img" >"$T/live"
    inspect --memory "$T/live" >"$T/live.mem"
    ok "$type: what the last round sent is memory" eval \
        '[ "$(cmp -l "$mem" "$T/live.mem" | wc -l)" -le 4 ] &&
        ! cmp -s "$mem" "$T/live.mem"'

    inspect --memory --skip-owned "$img" >"$T/skip"
    pfns "$mem" >"$T/all"
    pfns "$T/skip" >"$T/kept"
    comm -23 <(sort "$T/all") <(sort "$T/kept") | sort -n >"$T/$type.owned"
    ok "$type: --skip-owned only leaves out" eval \
        '[ -z "$(comm -13 <(sort "$T/all") <(sort "$T/kept"))" ]'
done
# 8 MiB: 4 pages of p2m list, start_info, store, console
ok "PV: seven pages are owned" eval '[ "$(wc -l <"$T/pv.owned")" -eq 7 ]'
for type in pvh hvm; do
    ok "$type: the pages of four parameters are owned" eval \
        '[ "$(tr "\n" " " <"$T/$type.owned")" = \
        "$((0xfeffb)) $((0xfeffc)) $((0xfeffd)) $((0xfefff)) " ]'
done
done_testing
