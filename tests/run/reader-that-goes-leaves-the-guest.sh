#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Whoever reads a save goes away after some octets, in the headers, the image or
# behind it: that is said, no signal kills anybody who matters, and the guest
# runs on with its device model. Debian's helper dies of it and leaves log-dirty
# mode on: its toolstack puts that right.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

fresh_host

# cut GUEST OCTETS [save option...]
cut_at()
{
    local d=$1 n=$2
    shift 2
    "$XENSR" --sim="$XENSR_SIM_DIR" -q save "$@" "$d" - 2>"$T/err" |
        head -c "$n" >/dev/null
    equal status "${PIPESTATUS[0]}" 1 && says '(reader|receiver) closed the stream' &&
        unharmed "$d"
}

helpers=("$HELPER")
[ -n "${XENSR_ASAN-}" ] || [ ! -x "$STOCK" ] || helpers+=("$STOCK")
for helper in "${helpers[@]}"; do
    for type in pv pvh hvm; do
        d=$(new_guest $type) || exit 1
        what="${helper##*/}, $type"
        xensr -q save --helper "$helper" --keep running "$d" "$T/whole"
        len=$(stat -c %s "$T/whole")
        rm "$T/whole"
        for n in 0 10 1000 100000 $((len / 2)) $((len * 3 / 4)); do
            ok "$what: gone after $n octets" cut_at "$d" $n --helper "$helper"
        done
        ok "$what: gone in a live save" \
            cut_at "$d" $((len / 3)) --live --helper "$helper"
        ok "$what: saved afterwards" \
            xensr -q save --helper "$helper" --keep running "$d" "$T/whole"
        ok "$what: and unharmed" unharmed "$d"
        xensr -q destroy "$d"
    done
done
[ "${#helpers[@]}" -gt 1 ] || skip "the stock helper" "it is not there"
done_testing
