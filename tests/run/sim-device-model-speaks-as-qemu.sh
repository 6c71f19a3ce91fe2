#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The stand-in device model answers on its socket as QEMU does: greeting and
# negotiation, commands with their arguments judged, descriptors, events, and
# refusals in QEMU's words.
. "${0%/*}/../lib.sh"
. "${0%/*}/../dm-lib.sh"
requires jq

fresh_host
d=$(xensr sim create --type hvm --memory 16 --vcpus 2 --name spoken) || exit 1
sock=$XENSR_SIM_DIR/run/qmp-libxl-$d
# said REGEX: one line of what came last
said() { grep -Eq -- "$1" "$T/ok.out" || { cat "$T/ok.out"; return 1; }; }
# asks REGEX WORD...: the answer is like that, good or bad
asks()
{
    local regex=$1
    shift
    "$QMPCALL" "$sock" "$@" >"$T/answers" 2>&1 || [ $? -eq 1 ] || return 1
    tail -n 1 "$T/answers" | grep -Eq -- "$regex" ||
        { cat "$T/answers"; return 1; }
}
n=qmp_capabilities
ok "greets with a version" bash -c '"$1" "$2" query-version | head -n 1 |
    jq -e ".QMP.version.qemu.major >= 7"' - "$QMPCALL" "$sock"
ok "wants negotiation first" asks 'CommandNotFound.*qmp_capabilities' query-status
ok "negotiates once" asks 'CommandNotFound.*already' $n $n
ok "tells its version" asks '"major":7' $n query-version
ok "has as many CPUs as the guest" asks '"cpu-index":1' $n query-cpus-fast
ok "a command that is none" asks 'CommandNotFound.*device_add has not' $n device_add
ok "not JSON" asks 'GenericError.*JSON parse error' $n '{"execute": stop}'
ok "no command" asks "lacks member 'execute'" $n '{"id": 1}'
ok "the id comes back" asks '"id":"seven"' $n '{"execute":"query-status","id":"seven"}'
ok "an argument too few" asks "'enable' is missing" $n xen-set-global-dirty-log
ok "an argument too many" asks "'speed' is unexpected" $n \
    '{"execute":"stop","arguments":{"speed":1}}'
ok "an argument of a wrong type" asks "expected: boolean" $n \
    '{"execute":"xen-set-global-dirty-log","arguments":{"enable":"on"}}'
ok "no descriptor where one is due" asks 'No file descriptor supplied' $n add-fd
ok "a set that is not there" asks 'not found' $n \
    '{"execute":"remove-fd","arguments":{"fdset-id":9}}'
ok "state into a set that is not there" asks 'Could not open' $n \
    '{"execute":"xen-save-devices-state","arguments":{"filename":"/dev/fdset/9"}}'
ok "state into a folder that is not there" asks 'Could not open' $n \
    '{"execute":"xen-save-devices-state","arguments":{"filename":"/nowhere/x"}}'
ok "in two messages at once" asks '"running":true' $n \
    '{"execute":"query-version"}{"execute":"query-status"}' query-status

on() { qmp "$d" '{"execute":"xen-set-global-dirty-log","arguments":{"enable":true}}'; }
off() { qmp "$d" '{"execute":"xen-set-global-dirty-log","arguments":{"enable":false}}'; }
ok "log-dirty mode on" on
ok "shows" test "$(dm_field "$d" logdirty)" = true
ok "log-dirty mode off" off
ok "shows as well" test "$(dm_field "$d" logdirty)" = false

ok "stops and says so to others" bash -c '"$1" "$2" qmp_capabilities stop |
    grep -q "\"event\":\"STOP\""' - "$QMPCALL" "$sock"
ok "is stopped" asks '"status":"paused"' $n query-status
ok "state through a descriptor" qmp "$d" "@$T/state" '{"execute":"add-fd"}' \
    '{"execute":"xen-save-devices-state","arguments":{"filename":"/dev/fdset/0","live":true}}' \
    '{"execute":"remove-fd","arguments":{"fdset-id":0}}'
ok "is a migration stream" test "$(head -c 4 "$T/state")" = QEVM
ok "the same again through a name" bash -c '"$1" "$2" qmp_capabilities \
    "{\"execute\":\"xen-save-devices-state\",\"arguments\":{\"filename\":\"$3.2\"}}" &&
    cmp "$3" "$3.2"' - "$QMPCALL" "$sock" "$T/state"
ok "loads it while it is stopped" qmp "$d" \
    "{\"execute\":\"xen-load-devices-state\",\"arguments\":{\"filename\":\"$T/state\"}}"
ok "goes on" qmp "$d" cont
ok "does not load while it runs" asks 'while vm is running' $n \
    "{\"execute\":\"xen-load-devices-state\",\"arguments\":{\"filename\":\"$T/state\"}}"
ok "its clock went on meanwhile" bash -c '"$1" "$2" qmp_capabilities stop \
    "{\"execute\":\"xen-save-devices-state\",\"arguments\":{\"filename\":\"$3.3\"}}" cont &&
    ! cmp -s "$3" "$3.3" && [ "$(stat -c %s "$3")" = "$(stat -c %s "$3.3")" ]' \
    - "$QMPCALL" "$sock" "$T/state"
"$SIM" destroy "$d"
ok "nothing is left" host_is_clean
done_testing
