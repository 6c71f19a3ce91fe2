#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 1800
#
# Images of every type of guest by every helper, for the releases of Xen that are
# booted after this one. Linux is there, too: its kernel looks at what Xen offers.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/long/lib/long.sh"
. "$XEN_TESTS/long/lib/carry.sh"

[ -w "$CARRY" ] || skip_all "no folder $CARRY that outlives this boot"
for type in pv pvh hvm; do
    release_has $type ||
        { skip "images of $type guests" "no device model here"; continue; }
    for writer in $HELPERS; do
        ok "a $type guest is saved by $writer and carried" leave $type "$writer"
    done
    ok "a linux-$type guest, too" leave linux-$type native
done
done_testing
