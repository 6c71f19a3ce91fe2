#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xl save -c` and `-p` with our helper: the image is whole and the guest goes on
# from its suspend as if nothing had been, at once or when it is unpaused. And the
# verdict itself: a guest that damages its own memory is found damaged.
. "${0%/*}/../dom0/lib.sh"

paused() { xl list "$1" | awk 'NR == 2 { exit $5 !~ /p/ }'; }

# The way back from a suspend is libxl's choice: 4.14 lets the guest connect
# everything anew in its own domain, later ones tell it that nothing happened. So
# the stock helper's is the measure.
stock_way()
{
    guest_mark g
    with stock xl save -c g "$T/g.save" &&
        guest_says g '^xg: resumed n=[0-9]+ cancelled=' || return
    way=$(guest_words g | sed -n 's/^xg: resumed .*cancelled=//p' | tail -n 1)
}
# kept TYPE HELPER
kept()
{
    guest_mark g
    ok "$1: a checkpoint with $2" with "$2" xl save -c g "$T/g.save"
    ok "  the guest goes on as after a checkpoint with stock" \
        guest_says g "^xg: resumed n=[0-9]+ cancelled=$way"
    ok "  and is intact" guest_intact g
    ok "  the host is as before" host_same
    guest_mark g
    ok "  the same, paused" with "$2" xl save -p g "$T/paused.save"
    ok "  it is paused" paused g
    ok "  it goes on when it may" xl unpause g
    ok "  and is intact" guest_intact g
    ok "  the host is as before" host_same
}
# comes_back HELPER: from the checkpoint, in a domain of its own.
comes_back()
{
    guest_stop g
    guest_mark g
    ok "  the checkpoint is restored by $1" with "$1" xl restore "$T/g.save"
    ok "  the guest says that it was restored" \
        guest_says g '^xg: resumed n=[0-9]+ cancelled=0'
    ok "  and is intact" guest_intact g
}
for type in pv pvh; do
    ok "a guest of type $type starts" guest_start g $type rate=200 || continue
    ok "$type: a checkpoint with stock" stock_way || continue
    ok "  is intact" guest_intact g
    host_before
    kept $type ours && comes_back native
    kept $type native && comes_back stock
    ok "  the host is as before" host_same
    guest_stop g
done

ok "a guest that will damage itself starts" guest_start g pvh damage=7
host_before
ok "it is saved" with native xl save g "$T/g.save"
guest_mark g
ok "it is restored" with native xl restore "$T/g.save"
ok "it finds the damage" guest_says g '^xg: DAMAGED '
intact() { guest_intact g; }
ok "and does not count as intact" must_fail 1 intact
ok "the host is as before" host_same
done_testing
