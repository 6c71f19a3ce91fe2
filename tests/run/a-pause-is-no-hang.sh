#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Ctrl-Z stops the restore and its helper for as long as somebody likes; the
# time limits for a helper that shows no sign of life do not run meanwhile.
. "${0%/*}/../lib.sh"
requires jq pgrep

fresh_host
img=$(image pvh) || exit 1
half=$(($(stat -c %s "$img") / 2))

stopped() { [ "$(awk '/^State/ { print $2 }' "/proc/$1/status")" = T ]; }
paused()
{
    local pid helper rc=0
    mkfifo "$T/fifo"
    "$XENSR" --sim -q restore --stall 5 - <"$T/fifo" 2>"$T/err" &
    pid=$!
    exec 8>"$T/fifo"
    head -c "$half" "$img" >&8
    within 10 pgrep -P "$pid" || { echo "no helper"; return 1; }
    helper=$(pgrep -P "$pid")
    kill -STOP "$helper"
    within 10 stopped "$helper"
    # more than the pipe's worth: input waits for the helper all the time
    tail -c "+$((half + 1))" "$img" >&8 &
    exec 8>&-
    sleep 1 # the parent looks for signs of life, and finds none
    kill -STOP "$pid"
    within 10 stopped "$pid"
    sleep 6
    kill -CONT "$pid"
    kill -CONT "$helper"
    wait "$pid" || rc=$?
    [ "$rc" -eq 0 ] || { echo "status $rc"; cat "$T/err"; return 1; }
}
ok "a restore that was stopped for a while goes on" paused
ok "its domain is whole" memory_equals "$(domids)" "$img"
done_testing
