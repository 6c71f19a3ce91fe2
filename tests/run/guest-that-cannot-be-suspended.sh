#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A guest that does not react, that promises and stays, that is paused, that
# is suspended already, that somebody else is saving: the save says so and the
# guest is as it was, whoever gives up first.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

fresh_host
save() { xensr -q save --suspend-timeout 1 --keep running "$@" "$T/file"; }
no_file() { ! find "$T" -maxdepth 1 -name 'file*' | grep .; }
refused() # GUEST CODE REGEX [STATE]
{
    must_fail "$2" save "$1" && says "$3" && no_file && unharmed "$1" "${4:-running}"
}

d=$(new_guest pv --no-suspend) || exit 1
ok "no reaction: the request is taken back" refused "$d" 1 'did not react .* taken back'
ok "once more, with the same guest" refused "$d" 1 'did not react'
d=$(new_guest hvm --no-suspend) || exit 1
ok "no reaction of an HVM guest, with log-dirty mode on" refused "$d" 1 'did not react'
d=$(new_guest pvh --refuse-suspend) || exit 1
ok "acknowledged, but it runs on" refused "$d" 1 "acknowledged .*xensr resume $d"

# ---- giving up while it is waited for ----

# interrupted GUEST SIGNAL: after the guest was asked
interrupted()
{
    local d=$1 rc=0 pid
    env --default-signal=INT "$XENSR" --sim="$XENSR_SIM_DIR" -q save "$d" \
        "$T/file" 2>"$T/err" &
    pid=$!
    within 10 asked "$d" || { echo "it was never asked"; return 1; }
    kill -s "$2" "$pid"
    wait "$pid" || rc=$?
    equal "status" "$rc" 1 && says interrupted && no_file && unharmed "$d"
}
asked() { [ "$(node "/local/domain/$1/control/shutdown")" = suspend ]; }

d=$(new_guest pvh --no-suspend) || exit 1
for s in INT TERM HUP; do
    ok "SIG$s while a guest does not react" interrupted "$d" $s
done

# ---- states in which nothing is asked ----

d=$(new_guest pv --paused) || exit 1
ok "a paused guest is refused" refused "$d" 1 "unpause it first" paused
ok "it can be unpaused" xensr unpause "$d"
ok "and saved" save "$d"
rm -f "$T/file"
ok "and runs on" unharmed "$d"
d=$(new_guest hvm --suspend call --paused) || exit 1
ok "a paused guest that need not help is saved" save "$d"
rm -f "$T/file"
ok "and stays paused" unharmed "$d" paused
ok "a domain that is not there" must_fail 1 save 4711
ok "domain 0" must_fail 2 save 0

# ---- suspended already: its toolstack was killed ----

for type in pv hvm; do
    d=$(new_guest "$type") || exit 1
    BAD_HELPER=hangs-when-suspended "$XENSR" --sim="$XENSR_SIM_DIR" -q save \
        --helper "$TOP/tests/bin/bad-save-helper.sh" "$d" "$T/killed" \
        2>"$T/err" &
    pid=$!
    suspended() { [ "$(info "$d" shutdown_reason)" = suspend ]; }
    ok "$type: suspended" within 10 suspended
    ok "$type: a second save is refused" must_fail 1 save "$d"
    ok "$type: because the first is not over" says 'is being saved already'
    ok "$type: resuming it, too" must_fail 1 xensr resume "$d"
    kill -9 $pid
    wait $pid 2>/dev/null
    ok "$type: a guest left suspended can be saved" save --live "$d"
    ok "$type: completely" "$XENSR" -q inspect "$T/file"
    ok "$type: and stays so" suspended
    ok "$type: until it is resumed" xensr resume "$d"
    rm -f "$T/file" "$T"/killed*
    ok "$type: and runs on" unharmed_soon "$d"
    ok "$type: one that runs cannot be resumed" must_fail 1 xensr resume "$d"
done
done_testing
