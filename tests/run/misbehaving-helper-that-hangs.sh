#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A helper that stops making sense is ended after a time limit; one that merely
# waits is ended with the restore, by force if it must be.
. "${0%/*}/../lib.sh"
requires jq

img=$(image pvh) || exit 1
bad=$TOP/tests/bin/bad-helper.sh

# Cases wait for real time limits: side by side, each on a host of its own.
case_of() # HOST WAY CODES REGEX
{
    work_in "$T/$1.d"
    fresh_host
    export BAD_HELPER=$2
    must_fail "$3" timeout --preserve-status 100 \
        "$XENSR" --sim restore --stall 3 --helper "$bad" "$img" && says "$4" &&
        host_is_clean
}
interrupted() # HOST WAY
{
    work_in "$T/$1.d"
    fresh_host
    export BAD_HELPER=$2
    "$XENSR" --sim restore --helper "$bad" "$img" >"$T/out" 2>"$T/err" &
    local pid=$! rc=0
    within 20 pgrep -P "$pid" || return 1
    kill -TERM "$pid"
    wait "$pid" || rc=$?
    [ "$rc" -eq 1 ] || { echo "status $rc"; cat "$T/err"; return 1; }
    says 'interrupt|stopped|undone' && host_is_clean
}

(case_of a complete-and-stays 1 'helper' >"$T/a" 2>&1) & a=$!
(case_of b half-a-message-and-stays 1 'helper' >"$T/b" 2>&1) & b=$!
(interrupted c hangs >"$T/c" 2>&1) & c=$!
(interrupted d ignores-sigterm >"$T/d" 2>&1) & d=$!
ended() { local s=0; wait "$1" || s=$?; cat "$2"; return "$s"; }

ok "a helper that does not exit after complete is ended" ended $a "$T/a"
ok "half a message and silence is ended" ended $b "$T/b"
ok "a helper that hangs ends with the restore" ended $c "$T/c"
ok "a helper that ignores SIGTERM is killed" ended $d "$T/d"
done_testing
