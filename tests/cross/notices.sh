#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The matrix notices what it is there for: one octet of memory or of the
# emulator's state that is not the source's, a guest that is on both hosts, a
# guest that is not there, something left behind.
. "${0%/*}/../lib.sh"
. "${0%/*}/lib.sh"
requires jq

use ours engine
file=$T/image
# change RECORD DISTANCE: one octet, so far from the end of its first body
change()
{
    local at
    at=$("$MUTATE" offsets <"$file" | awk -v r="$1" -v d="$2" \
        '$2 == r { print $4 + 8 + $5 - d; exit }')
    [ -n "$at" ] || { echo "no record $1"; return 1; }
    printf '\252\125' | dd of="$file" bs=1 seek="$at" conv=notrunc status=none
}
# changed_on_the_way TYPE RECORD DISTANCE
changed_on_the_way()
{
    on from xensr save traveller "$file" && change "$2" "$3" &&
        on to xensr restore --paused "$file"
}
# must_notice REGEX TYPE COMMAND...: arrived says so
must_notice()
{
    local regex=$1 type=$2
    shift 2
    two_hosts && make_guest "$type" >/dev/null && "$@" || return 1
    if arrived "$type" >"$T/said" 2>&1; then
        echo "nothing was noticed"
        return 1
    fi
    grep -Eq "$regex" "$T/said" || { cat "$T/said"; return 1; }
}
for type in pv pvh hvm; do
    ok "$type: an octet of memory" must_notice 'digest differs' $type \
        changed_on_the_way $type PAGE_DATA 5000
    ok "$type: which the guest sees as well" \
        bash -c '! XENSR_SIM_DIR=$1 "$SIM" guest "$2"' - "$T/host-to" \
        "$(sim to list --json | jq -r '.. | .domid? // empty | select(. != 0)')"
done
ok "an octet of the emulator's state" must_notice 'emulator state differs' hvm \
    changed_on_the_way hvm EMULATOR_CONTEXT 300
ok "a guest that did not arrive" must_notice 'domains on the target: none' pvh \
    on from xensr save traveller "$T/unused"
copy_stays()
{
    two_hosts && make_guest pvh >/dev/null &&
        on from xensr save --keep running traveller "$file" &&
        ! gone from >"$T/said" && grep -q 'still on from' "$T/said"
}
rm -f "$file"
ok "a guest that stays on its source" copy_stays
left_behind()
{
    two_hosts && mkdir -p "$T/host-from/dm" && touch "$T/host-from/dm/qemu-save.1" &&
        ! gone from >"$T/said" && grep -q 'left on from' "$T/said"
}
ok "a file that stays" left_behind
done_testing
