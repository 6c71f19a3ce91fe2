#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A device model that refuses one of the things it is asked for in a save, hangs
# up at it, or never answers: the save fails and names it, the device model runs
# and does not log, the guest is as it was; with the lie gone it is saved. And
# a hypervisor that refuses log-dirty mode.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

fresh_host
d=$(new_guest hvm) || exit 1
LIAR=$BUILD/tests/bin/qmpliar
socket=$XENSR_SIM_DIR/run/qmp-libxl-$d

no_file() { ! find "$T" -maxdepth 1 -name 'file*' | grep .; }
save() { xensr -q save --keep running "$@" "$d" "$T/file"; }
saves() { save "$@" && rm "$T/file"; }

# lied_to COMMAND N WAY COMMAND...: while the device model does that.
lied_to()
{
    local command=$1 n=$2 way=$3 pid rc=0
    shift 3
    rm -f "$T/ready"
    "$LIAR" "$socket" "$command" "$n" "$way" "$T/ready" &
    pid=$!
    within 10 test -e "$T/ready" || { echo "nobody lies"; return 1; }
    "$@" || rc=$?
    kill "$pid"
    wait "$pid" || rc=98
    return $rc
}
# fails WAY COMMAND N REGEX [save option...]
fails()
{
    local way=$1 command=$2 n=$3 regex=$4
    shift 4
    lied_to "$command" "$n" "$way" must_fail 1 save "$@" &&
        says "$regex" && no_file && unharmed "$d" && saves "$@"
}
for way in refuse die; do
    for live in '' --live; do
        w="$way${live:+, live}"
        ok "$w: query-status" fails $way query-status 0 query-status $live
        ok "$w: log-dirty on" fails $way xen-set-global-dirty-log 1 \
            xen-set-global-dirty-log $live
        ok "$w: stop" fails $way '"stop"' 1 'stop' $live
        ok "$w: add-fd" fails $way add-fd 1 'add-fd' $live
        ok "$w: its state" fails $way xen-save-devices-state 1 \
            xen-save-devices-state $live
    done
done

# What comes behind the point where the image is whole is not worth its loss.
for way in refuse die; do
    ok "$way: remove-fd" lied_to remove-fd 1 $way save
    ok "... the guest is unharmed" unharmed "$d"
    rm -f "$T/file"
done

# Log-dirty mode that cannot be switched off is switched off once more.
for way in refuse die; do
    run lied_to xen-set-global-dirty-log 2 $way save --live
    ok "$way: log-dirty off, once: the guest is unharmed" unharmed "$d"
    ok "... and said" says 'xen-set-global-dirty-log'
    rm -f "$T/file"
done
# and if it never can be, that is said, too
run lied_to '"enable":false' 0 refuse save --live
ok "never again off: somebody must look" [ "$RC" -ne 0 ]
ok "... and it says at what" says 'xen-set-global-dirty-log'
ok "the next save puts it right" saves --live
ok "really" unharmed "$d"

# ---- never answers ----

ok "log-dirty mode: no answer within the limit" fails silent \
    xen-set-global-dirty-log 1 'no answer.*xen-set-global-dirty-log|xen-set-global-dirty-log.*no answer' --live

# The limit for the state is a minute: Ctrl-C ends the waiting.
interrupted()
{
    local rc=0 pid
    env --default-signal=INT "$XENSR" --sim="$XENSR_SIM_DIR" -q save --live \
        "$d" "$T/file" 2>"$T/err" &
    pid=$!
    within 10 stopped_by_save || echo "it is never stopped"
    sleep 0.2
    kill -INT $pid
    wait $pid || rc=$?
    equal status "$rc" 1 && says interrupted
}
stopped_by_save() { [ "$(dm "$d" status)" != running ]; }
ok "its state: no answer, and Ctrl-C" lied_to xen-save-devices-state 1 silent interrupted
ok "the guest is unharmed" unharmed_soon "$d"
ok "there is no file" no_file
ok "it can be saved" saves --live

# ---- log-dirty mode refused by the hypervisor ----

for type in pv pvh hvm; do
    d=$(new_guest $type) || exit 1
    "$SIM" fault "$d" logdirty-refused
    run xensr save --live --keep running "$d" "$T/file"
    ok "$type: log-dirty mode refused: saved at rest" equal status "$RC" 0
    ok "$type: which is said" says 'cannot track'
    ok "$type: whole" "$XENSR" -q inspect "$T/file"
    rm -f "$T/file"
    ok "$type: unharmed" unharmed "$d"
    export XENSR_LIVE_FALLBACK=no
    ok "$type: refused where that is forbidden" must_fail '1|4' save --live
    ok "$type: with the reason" says 'XENSR_LIVE_FALLBACK=no forbids'
    ok "$type: not even suspended" unharmed "$d"
    unset XENSR_LIVE_FALLBACK
    "$SIM" fault "$d" off
    ok "$type: and live, when it can be" saves --live
    for fault in logdirty-read getcontext map page-types shutdown resume; do
        "$SIM" fault "$d" $fault=1
        run save --live
        "$SIM" fault "$d" off
        [ "$RC" -eq 0 ] || [ -s "$T/err" ] || echo "nothing is said"
        [ $fault != resume ] || [ "$(info "$d" state)" = running ] ||
            xensr -q resume "$d"
        rm -f "$T/file"
        ok "$type: $fault fails once (status $RC): unharmed" unharmed "$d"
        ok "$type: the same save succeeds" saves --live
    done
done
done_testing
