#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# PV guests by `xl migrate`. On a Xen without shadow paging the stock helper
# cannot: so it is with 4.17 and 4.20, and the guest goes on. Ours suspends the
# guest first, says so once, and it moves; XENSR_LIVE_FALLBACK=no refuses.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/dom0/move.sh"

ok "a PV guest starts" guest_start g pv memory=8 rate=100 hot=30 zero=20 || exit 1
host_before
if has_tracking pv; then
    ok "stock sends live" moves g xl:stock xl:native &&
        ok "  it is intact" guest_intact g
    live=1
else
    run send xl:stock g "$(receiver_of xl:ours)"
    ok "the stock helper cannot send it" test "$RC" -ne 0
    ok "  for the reason we know" says 'Failed to enable logdirty'
    ok "  it goes on" goes_on g
    live=0
fi
for engine in ours native; do
    ok "$engine sends" moves g xl:$engine xl:stock
    ok "  with $((1 - live)) warnings" says 'warning: .*cannot track' $((1 - live))
    ok "  it is intact" guest_intact g
    [ $live = 0 ] || continue
    guest_mark g
    XENSR_LIVE_FALLBACK=no run send xl:$engine g "$(receiver_of xl:ours)"
    ok "  XENSR_LIVE_FALLBACK=no refuses" test "$RC" -ne 0
    ok "  in words" says 'cannot be saved while it runs.*XENSR_LIVE_FALLBACK=no'
    ok "  it goes on" goes_on g
done
ok "the host is as before" host_same
done_testing
