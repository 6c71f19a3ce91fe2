#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A PVH guest that changes its memory moves live by `xl migrate`, each helper as
# the sender's and each as the receiver's, from one place to the next. It is
# whole after each of them, and in the end there is one domain and nothing else.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/dom0/move.sh"

ok "a PVH guest starts" guest_start g pvh memory=8 rate=100 hot=30 zero=20 || exit 1
host_before
for from in stock ours native; do
    for to in stock ours native; do
        ok "$from sends, $to receives" moves g xl:$from xl:$to &&
            ok "  it is intact" guest_intact g
    done
done
ok "the host is as before" host_same
done_testing
