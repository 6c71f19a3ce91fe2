#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A save that is stopped at any time, by a signal, by the end of its parent or
# by that of its receiver: it ends soon and by the library's own error path,
# log-dirty mode is off, the device model knows it, an answer that is due was
# awaited, the report names the cause; and the next save of the guest succeeds.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/save.sh"

# The same guest is saved again, by a parent that does nothing wrong.
goes_on()
{
    resume
    (CBFLAGS=136 TYPE=0 GEN=G7 STREAM=9 && save 0 --limit 10000 &&
        told "complete 0 0 -> 0" "exit 0") || return 1
    resume
}
unharmed()
{
    log_dirty_is_off || { echo "log-dirty mode is still on"; return 1; }
    sanitizers_silent
}
# stopped SENTENCE SIGNAL-NUMBER FLAGS [option...]
stopped()
{
    local name=$1 sig=$2
    shift 2
    save "$@" --limit 10000
    ok "$name ($ENGINE)" told "complete -1 125 -> 0" "exit 0"
    ok "... the signal is the reason" told_like \
        "log 8 -1 \"xensr-helper\" \"domain $DOM was not saved: stopped by signal $sig .*\""
    ok "... nothing is left switched on" unharmed
    ok "... in the device model neither" device_model_is_quiet
    ok "... and the guest can be saved" goes_on
}
# failed SENTENCE ERRNO REASON FLAGS [option...]
failed()
{
    local name=$1 errno=$2 why=$3
    shift 3
    save "$@" --limit 10000
    first_octets=$(octets)
    ok "$name ($ENGINE)" told "complete -1 $errno -> 0" "exit 0"
    ok "... is the reason" told_like \
        "log 8 -1 \"xensr-helper\" \"domain $DOM was not saved: $why.*\""
    ok "... nothing is left switched on" unharmed
    ok "... in the device model neither" device_model_is_quiet
    ok "... and the guest can be saved" goes_on
}
# orphaned SENTENCE FLAGS [option...]
orphaned()
{
    local name=$1
    shift
    save "$@" --limit 10000
    ok "$name: a status that is not 0 ($ENGINE)" told "exit 1"
    ok "... nothing is left switched on" unharmed
    ok "... and the guest can be saved" goes_on
}

signals()
{
    stopped "SIGTERM at the first message" 15 1 --on '=starting save:term'
    stopped "SIGINT in a round" 2 1 --at 3000000:sig=2
    stopped "SIGHUP at rest" 1 0 --at 3000000:sig=1
    stopped "SIGTERM in a write that nobody takes" 15 1 \
        --at 3000000:stall,delay=150,term
    stopped "SIGTERM while the suspension is awaited" 15 1 \
        --on suspend:term,delay=200
    ok "... the answer was awaited" told "suspend -> 1"
    save 1 --on '=starting save:sig=13' --at 1000000:sig=13
    ok "SIGPIPE is nothing ($ENGINE)" told "complete 0 0 -> 0" "exit 0"
    resume
    # rounds in which nothing is written: only the policy can stop them
    GEN=S7 CBFLAGS=280
    stopped "SIGTERM between empty rounds" 15 1 \
        --on precopy_policy#200:term --reply precopy_policy=0
    ok "... soon" [ "$(grep -c ^precopy "$T/talk")" -lt 20000 ]
    GEN=G7 CBFLAGS=184 TYPE=1
    stopped "SIGTERM in a checkpoint" 15 1 --on checkpoint:term,delay=50 \
        --do postcopy="$SIMDOM resume $DOM"
    CBFLAGS=136 TYPE=0
}
streams()
{
    failed "a receiver that is not there" 32 "the receiver closed the stream" \
        1 --at 0:closestream
    failed "a receiver that goes in a round" 32 \
        "the receiver closed the stream" 1 --at 3000001:closestream
    failed "a receiver that goes at rest" 32 "the receiver closed the stream" \
        0 --at 3000001:closestream
    exec 8>/dev/full
    STREAM=8
    failed "a disk that is full" 28 "there is no space left for the image" \
        0 --fd 8
    STREAM=9
    exec 8>&-
}
parents()
{
    orphaned "a parent that goes in a round" 1 --at 3000000:close
    orphaned "a parent that goes when it should suspend" 1 --on suspend:close
    orphaned "a parent that goes while nobody takes the stream" 1 \
        --at 3000000:stall,delay=100,close
    orphaned "a parent that does not read any more" 1 \
        --on '=starting save:closeout'
    orphaned "a parent that goes at the end" 0 --on complete:close
}
refusals()
{
    failed "the guest is not suspended" 125 \
        "the toolstack could not suspend the guest .answer 0" 1 \
        --do suspend=false
    failed "the guest is not really suspended" 5 ".*suspended" 0 \
        --do suspend=true
    case $1 in
    pv) return ;;
    esac
    failed "log-dirty mode is refused by the device model" 125 \
        "the toolstack refused switch_qemu_logdirty .answer -1" 1 \
        --reply switch_qemu_logdirty=-1,0
    ok "... before the first octet" [ "$first_octets" = 0 ]
}

fresh_host
for e in $(engines); do
    engine "$e"
    for type in pv pvh; do
        guest $type --memory 24 --zero 10
        signals
        streams
        parents
        refusals $type
        "$SIM" destroy "$DOM"
    done
    DOM=77
    save 1
    ok "no such domain: a report ($ENGINE)" told_like 'complete -1 [1-9].*'
    ok "... no octet" [ "$(octets)" = 0 ]
done
done_testing
