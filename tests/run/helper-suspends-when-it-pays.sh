#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# When a live save stops copying beside the running guest: as libxenguest by
# default, else as the environment says, for guests that write a little, a lot
# and all the time; a guest that is too busy can be left running.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/save.sh"

# Passes beside the running guest: those before the suspension.
live_rounds()
{
    sed '/^suspend/,$d' "$T/talk" | grep -c '^progress .*iteration.* 0 '
}
saved() { told "suspend -> 1" "complete 0 0 -> 0" "exit 0"; }

# Sanitizers make the host slow, and writes take its time, too.
RATE=${XENSR_ASAN:+150000}
RATE=${RATE:-400000}
fresh_host
for e in $(engines); do
    engine "$e"
    guest pvh --memory 32
    save 1
    ok "a guest that writes nothing: few rounds ($ENGINE)" saved
    ok "... at most two" [ "$(live_rounds)" -le 2 ]
    resume
    # rounds of no pages are not reported, so they cost nothing either
    XENSR_MIN_REMAINING=0 XENSR_MAX_ROUNDS=40 save 1
    ok "no remainder is small enough: it ends all the same ($ENGINE)" saved
    "$SIM" destroy "$DOM"

    guest pvh --memory 32 --dirty-rate "$RATE" --hot-set 50
    save 1
    ok "a guest that writes a lot: suspended ($ENGINE)" saved
    ok "... after five rounds" [ "$(live_rounds)" = 5 ]
    resume
    XENSR_MAX_ROUNDS=2 save 1
    ok "two rounds ($ENGINE)" saved
    ok "... are two" [ "$(live_rounds)" = 2 ]
    resume
    XENSR_MIN_REMAINING=2000000 save 1
    ok "everything is little: one round ($ENGINE)" saved
    ok "... is one" [ "$(live_rounds)" = 1 ]
    resume
    XENSR_TARGET_DOWNTIME_MS=600000 save 1
    ok "ten minutes of pause are enough for everybody ($ENGINE)" saved
    ok "... after the second look" [ "$(live_rounds)" -le 2 ]
    resume
    XENSR_TARGET_DOWNTIME_MS=1 save 1
    ok "a pause that is not to be had: suspended in the end ($ENGINE)" saved
    ok "... when more rounds gain nothing" [ "$(live_rounds)" -le 30 ]
    resume
    XENSR_ABORT_IF_BUSY=yes save 1
    ok "... or left alone ($ENGINE)" told "complete -1 16 -> 0" "exit 0"
    ok "... never suspended" not_told '^suspend'
    ok "... with the reason" told_like \
        '.*was not saved: the guest is too busy: after 5 rounds [0-9]* pages .*'
    ok "... log-dirty mode is off" log_dirty_is_off
    ok "... in the device model, too" device_model_is_quiet
    save 1
    ok "... and can be saved by others ($ENGINE)" saved
    ok "a line with figures" told_like \
        'log 5 -1 "xensr-helper" "saved domain [0-9]*: [0-9]* [a-z]*, [0-9]* bytes, 6 rounds, [0-9.]* s, [0-9.]* MiB/s, pause [0-9.]* s"'
    ok "... octets as they came" grep -q " $(octets) bytes, " "$T/talk"
    "$SIM" destroy "$DOM"
done
done_testing
