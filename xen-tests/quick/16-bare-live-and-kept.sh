#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr save` of guests that go on: --keep running and paused, and --live, which
# a host without shadow paging can do for PVH guests, not for PV guests.
. "${0%/*}/../dom0/lib.sh"
xensr() { "$XENSR" "$@"; }

ok "a PVH guest starts" guest_start g pvh rate=200
host_before
for engine in ours native; do
    guest_mark g
    ok "xensr saves it live with $engine, and it goes on" \
        with $engine xensr save --live --keep running g "$T/g.save"
    ok "  it is intact" guest_intact g
    ok "  the host is as before" host_same
    guest_mark g
    ok "  again, not live and paused" \
        with $engine xensr save --keep paused g "$T/paused.save"
    ok "  it is paused" test "$(xl list g | awk 'NR == 2 { print $5 }')" = --p---
    ok "  xensr lets it go on" xensr unpause g
    ok "  it is intact" guest_intact g
    ok "  the host is as before" host_same
done
ok "  it is destroyed" guest_stop g
guest_mark g
ok "  the live image is restored" with stock xl restore "$T/g.save"
ok "  it is intact" guest_intact g
ok "  the host is as before" host_same
guest_stop g

ok "a PV guest starts" guest_start g pv rate=200
host_before
if ! has_tracking pv; then
    for engine in ours native; do
        guest_mark g
        run with $engine xensr save --live --keep running g "$T/g.save"
        ok "a live save of it with $engine works" test "$RC" -eq 0
        ok "  with one warning" says 'warning: .*cannot track' 1
        ok "  it is intact" guest_intact g
        ok "  the host is as before" host_same
        guest_mark g
        XENSR_LIVE_FALLBACK=no run with $engine xensr save --live g "$T/no.save"
        ok "  XENSR_LIVE_FALLBACK=no refuses" test "$RC" -eq 4
        ok "  in words" says 'FALLBACK=no forbids to suspend it.*errors 95'
        ok "  there is no image" test ! -e "$T/no.save"
        ok "  it goes on" guest_says g '^xg: alive'
        not_suspended() { ! said g '^xg: suspend'; }
        ok "  and never was suspended" not_suspended
        ok "  the host is as before" host_same
    done
fi
done_testing
