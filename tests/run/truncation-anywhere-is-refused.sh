#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# An image cut at every record boundary, 8 octets before and after it, and at
# random places, is refused; the end of the input is never taken for END. Of the
# thousand PAGE_DATA records without content that an HVM image has, a few stand
# for all.
. "${0%/*}/../lib.sh"
. "${0%/*}/../bad.sh"
requires jq zstd

fresh_host
RANDOM=4711
for type in pv pvh hvm; do
    use_image "$(image $type --memory 4)"
    places=$({
        printf '%s\n' 0 8 16 48 52 "$LIBXL" $((LIBXL + 16)) "$LIBXC" \
            $((LIBXC + 24)) $((LIBXC + 40))
        awk '{ last[$1 $2] = $3; row[NR] = $0 } END {
            for (i = 1; i <= NR; i++) {
                split(row[i], f)
                n = f[3]; m = last[f[1] f[2]]
                if (n < 4 || n > m - 3 || n % 173 == 0) print f[4]
            } }' "$T/offsets"
        echo "$IMG_SIZE"
    } | awk '{ print $1 - 8; print $1; print $1 + 8 }')
    places+=$'\n'$(for _ in {1..12}; do
        echo $(((RANDOM * 32768 + RANDOM) % IMG_SIZE))
    done)
    for n in $(sort -nu <<<"$places" | awk -v s="$IMG_SIZE" '$1 >= 0 && $1 < s')
    do
        head -c "$n" "$IMG" >"$T/cut"
        ok "$type cut after $n of $IMG_SIZE octets" \
            refused 3 '!end|empty|short|truncated|cut' "$T/cut"
    done
    still_restores
done
zstd -q -c "$IMG" >"$T/z"
zsize=$(stat -c %s "$T/z")
for n in 4 5 17 $((zsize / 3)) $((zsize / 2)) $((zsize - 4)) $((zsize - 1)); do
    head -c "$n" "$T/z" >"$T/cut"
    ok "compressed image cut after $n of $zsize octets" \
        refused 3 '!end|empty|short|truncated|zstd' "$T/cut"
done
{ head -c $((zsize / 2)) "$T/z"; printf '\377\377\377\377'; tail -c +$((zsize / 2 + 5)) "$T/z"; } >"$T/cut"
ok "compressed image with damaged octets" refused 3 '!zstd|.' "$T/cut"
still_restores
done_testing
