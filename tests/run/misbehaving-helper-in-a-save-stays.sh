#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A save helper that does not go when it is done, or when it is told to, is
# ended after some time, and the guest runs on. The cases run at the same time.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

fresh_host
bad=$TOP/tests/bin/bad-save-helper.sh
suspended() { [ "$(info "$1" shutdown_reason)" = suspend ]; }

# case_of NAME WAY GUEST [signal]: the save, and what became of the guest
case_of()
{
    local name=$1 d=$3 rc=0 pid
    BAD_HELPER=$2 "$XENSR" --sim="$XENSR_SIM_DIR" -q save --helper "$bad" \
        "$d" "$T/file.$name" 2>"$T/$name.err" &
    pid=$!
    if [ -n "${4-}" ]; then
        within 10 suspended "$d" || { echo "never suspended"; return 1; }
        kill -s "$4" $pid
    fi
    wait $pid || rc=$?
    echo "$rc" >"$T/$name.rc"
}
(case_of stays complete-and-stays "$(new_guest hvm)") & a=$!
(case_of hangs hangs-when-suspended "$(new_guest pvh)" TERM) & b=$!
(case_of stubborn ignores-sigterm "$(new_guest pv)" TERM) & c=$!
wait $a $b $c
ended() # NAME REGEX
{
    cp "$T/$1.err" "$T/err"
    equal status "$(cat "$T/$1.rc")" 1 && says "$2"
}
ok "one that does not exit after complete" ended stays 'did not exit within'
ok "one that hangs goes when the save is stopped" ended hangs interrupted
ok "one that ignores SIGTERM is killed" ended stubborn interrupted
for d in $(domids); do
    ok "the guest of one of them runs on" unharmed "$d"
done
ok "there is no file" test -z "$(ls "$T"/file* 2>/dev/null)"
done_testing
