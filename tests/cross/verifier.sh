#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the engine writes is accepted by Xen's own verify-stream-v2: every type
# of guest, still and live, with and without the pass that sends all of it again.
. "${0%/*}/../lib.sh"
. "${0%/*}/lib.sh"
requires jq python3

VERIFY=$STOCK_BIN/verify-stream-v2
[ -r "$VERIFY" ] || skip_all "Debian's verify-stream-v2 is not there (make stock)"
# Its modules lie where Debian's python does not look.
export PYTHONPATH=$STOCK_BIN/../lib/python PYTHONDONTWRITEBYTECODE=1
verifies() { python3 "$VERIFY" -f xl -i "$1"; }

use ours engine
file=$T/image
# saved TYPE [option...]
saved()
{
    two_hosts && make_guest "$1" || return 1
    rm -f "$file"
    on from xensr save "${@:2}" traveller "$file" && verifies "$file"
}
for type in pv pvh hvm; do
    ok "$type: still" saved $type
    ok "$type: live" saved $type --live
    ok "$type: live, and all of it again" saved $type --live --verify
done

damaged()
{
    local off
    off=$("$MUTATE" offsets <"$file" | awk '$2 == "PAGE_DATA" { print $4; exit }')
    printf '\377' | dd of="$file" bs=1 seek="$((off + 4))" conv=notrunc status=none
    ! verifies "$file" >"$T/said" 2>&1 && ! grep -q 'Script Error' "$T/said"
}
ok "a record with a wrong length is refused" damaged
done_testing
