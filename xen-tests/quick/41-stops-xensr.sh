#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr migrate` and `xensr save` stopped half way: Ctrl-C (SIGINT), SIGTERM to
# the helper, a receiver that dies. The guest goes on, log-dirty mode is off,
# nothing is left; and the same works when nobody stops it. Our helper with
# libxenguest and with its own engine.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/dom0/move.sh"
half=1000000
receiver="env T=$T $XEN_TESTS/dom0/receiver.sh"

unharmed()
{
    ok "  the guest goes on" goes_on g
    ok "  and the host is as before, log-dirty off" host_same
}
# save_to_receiver HELPER: its number in $T/sender, as of send. Who reads hangs
# on when it has ended.
save_to_receiver()
{
    # shellcheck disable=SC2016 # for the shell that becomes it
    with "$1" env --default-signal=INT bash -c '
        echo $$ >"$T/sender"; exec "$XENSR" save --live g -' \
        > >($receiver $half hang >/dev/null)
}

ok "a PVH guest starts" guest_start g pvh memory=8 rate=100 hot=30 || exit 1
host_before
for engine in ours native; do
    ok "$engine: xensr migrate, interrupted" \
        begin_and_stall send xensr:$engine g "$receiver $half hang"
    ok "  by SIGINT" kill -INT "$(cat "$T/sender")"
    ok "  it ends" ended
    ok "  with status 1" test "$RC" -eq 1
    ok "  and says so" says 'interrupted'
    unharmed

    ok "$engine: its helper gets SIGTERM" \
        begin_and_stall send xensr:$engine g "$receiver $half hang"
    ok "  it does" kill -TERM "$(helper_of "$(cat "$T/sender")")"
    ok "  xensr ends" ended
    ok "  with status 1" test "$RC" -eq 1
    ok "  and says so" says 'signal 15'
    unharmed

    guest_mark g
    run send xensr:$engine g "$receiver $half die $(receiver_of xensr:$engine)"
    ok "$engine: a connection that ends half way" test "$RC" -eq 1
    ok "  both ends say so" says 'closed|ended' 2
    unharmed

    ok "$engine: xensr save into a pipe, interrupted" \
        begin_and_stall save_to_receiver $engine
    ok "  by SIGINT" kill -INT "$(cat "$T/sender")"
    ok "  it ends" ended
    ok "  with status 1" test "$RC" -eq 1
    unharmed
done
ok "not interrupted" moves g xensr:native xl:ours
ok "  the guest is intact" guest_intact g
done_testing
