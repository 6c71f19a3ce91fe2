#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A live `xl migrate` of a PVH guest with our helper is stopped half way: by the
# receiver's death, by SIGTERM to the helper or to xl, by SIGKILL of the real
# receiver. Each time the guest goes on, log-dirty mode is off, nobody is left;
# and in the end the same migration works. With libxenguest and our own engine.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/dom0/move.sh"
half=1000000 # octets of a guest of 8 MiB
receiver="T=$T $XEN_TESTS/dom0/receiver.sh"

unharmed()
{
    ok "  the guest goes on" goes_on g
    ok "  and the host is as before, log-dirty off" host_same
}
log_dirty_is_on() { [ "$(log_dirty g)" = on ]; }
# Somebody has begun, is half way, and gets a signal; how it ends is told.
signalled() # SIGNAL WHOM
{
    local p
    case $2 in
    xl) p=$(cat "$T/sender") ;;
    helper) p=$(helper_of "$(cat "$T/sender")") ;;
    esac
    [ -n "$p" ] || { echo "no $2"; ps -ef; return 1; }
    # shellcheck disable=SC2086 # numbers
    kill "-$1" $p
}

ok "a PVH guest starts" guest_start g pvh memory=8 rate=100 hot=30 || exit 1
host_before
run send xl:native g false
ok "a receiver that does not begin" test "$RC" -ne 0
ok "  the guest does not notice" goes_on g
for engine in ours native; do
    guest_mark g
    run send xl:$engine g "$receiver $half die $(receiver_of xl:$engine)"
    ok "$engine: a connection that ends half way" test "$RC" -ne 0
    ok "  the sender's helper says so" says 'the receiver closed the stream'
    ok "  the receiver's says so" says 'ended (too early|after [0-9]+ of)'
    unharmed

    ok "$engine: SIGTERM to the helper" \
        begin_and_stall send xl:$engine g "$receiver $half hang"
    ok "  log-dirty was on" log_dirty_is_on
    ok "  it hears it" signalled TERM helper
    ok "  xl ends" ended
    ok "  with a failure" test "$RC" -ne 0
    ok "  for a reason" says 'stopped by signal 15'
    unharmed

    ok "$engine: SIGTERM to xl" \
        begin_and_stall send xl:$engine g "$receiver $half hang"
    ok "  it hears it" signalled TERM xl
    ok "  it ends" ended
    ok "  by the signal" test "$RC" -eq 143
    unharmed

    ok "$engine: SIGKILL of a receiver" begin_and_stall send xl:$engine g \
        "$receiver $half hang $(receiver_of xl:$engine)"
    ok "  of a real one" pkill -KILL -f '^[^ ]*xl migrate-receive$'
    ok "  xl ends" ended
    ok "  with a failure" test "$RC" -ne 0
    # libxl's domain remains when libxl is killed; its helper does not.
    ok "  the half of a guest is destroyed" guest_stop g--incoming
    unharmed

    ok "$engine: the same, not stopped" moves g xl:$engine xl:$engine
    ok "  the guest is intact" guest_intact g
done
done_testing
