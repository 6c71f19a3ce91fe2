#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The two ends of a migration need not be of one kind: ours sends to xl and xl
# to ours, with whatever helper and library the sender and the receiver have.
. "${0%/*}/../lib.sh"
. "${0%/*}/lib.sh"
requires jq

use ours engine
two_hosts || exit 1
missing=$(no_xl)
[ -z "$missing" ] || skip_all "$missing"

# mixed SENDER RECEIVER HELPER_S LIBRARY_S HELPER_R LIBRARY_R TYPE
mixed()
{
    local xl_works=1
    use "$3" "$4"
    export RECEIVER_HELPER=$HELPER RECEIVER_STUBS=$BUILD/stubs
    [ "$5" = ours ] || RECEIVER_HELPER=$STOCK_BIN/libxl-save-helper
    [ "$6" = engine ] || RECEIVER_STUBS=$BUILD/stubs-hybrid
    travel "$7" "$2" migrate_live "$1" "$2"
    local status=$?
    unset RECEIVER_HELPER RECEIVER_STUBS
    return $status
}

for type in pv pvh hvm; do
    for pair in "ours engine stock libxenguest" "stock libxenguest ours engine" \
        "ours libxenguest ours engine" "stock engine stock libxenguest"; do
        read -r sh sl rh rl <<<"$pair"
        ok "$type: xensr ($sh, $sl) to xl ($rh, $rl)" \
            mixed xensr xl "$sh" "$sl" "$rh" "$rl" $type
        ok "$type: xl ($sh, $sl) to xensr ($rh, $rl)" \
            mixed xl xensr "$sh" "$sl" "$rh" "$rl" $type
    done
done
done_testing
