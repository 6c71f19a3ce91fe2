#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For a library, a stream that is cut behind a checkpoint is a lost primary and
# the backup a success. When the helper cut it itself, because it was told to
# stop, the primary still runs: success would make two owners of one guest.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/save.sh"

protect() # a Remus stream of two checkpoints
{
    TYPE=1 CBFLAGS=184 save 1 --reply checkpoint=1,0 \
        --do postcopy="$SIMDOM resume $DOM"
}
backup() { restore_args G7 "$@" -- @F -1 @D @S 0 @C 0 800 1; }
stopped()
{
    told "restore_results 0x0 0x0" "complete -1 125 -> 0" "exit 0" &&
        told_like "log 8 -1 .*was not restored: stopped by signal $1 .*"
}

fresh_host
for e in $(engines); do
    engine "$e"
    guest pv --memory 8
    protect
    backup
    ok "a lost primary makes the backup a success ($ENGINE)" \
        told "complete 0 0 -> 0" "exit 0"
    "$SIM" destroy "$NEW"
    for sig in 15 2 1; do
        backup --on checkpoint#2:sig="$sig"
        ok "signal $sig behind a checkpoint does not ($ENGINE)" stopped "$sig"
        "$SIM" destroy "$NEW"
    done
    at=$(($(stat -c %s "$T/image") - 100))
    backup --at "$at:stall,delay=50,sig=15"
    ok "nor while it waits for the next one ($ENGINE)" stopped 15
    "$SIM" destroy "$NEW"
    "$SIM" destroy "$DOM"
done
done_testing
