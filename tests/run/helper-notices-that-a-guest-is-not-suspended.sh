#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A libxl says "suspended" also of a guest that has gone for a reboot or crashed
# when it was asked, and of one that it has lost sight of. The save fails, with a
# sentence about the guest and not about numbers, and log-dirty mode is off.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/save.sh"

fresh_host
# fails_with SENTENCE
fails_with()
{
    told "exit 0" && not_told "complete 0 0 -> 0" &&
        told_like "log 8 -1 \"xensr-helper\" \"domain $DOM was not saved: .*$1.*" &&
        log_dirty_is_off
}
for e in $(engines); do
    engine "$e"
    for type in pv pvh; do
        guest $type --memory 16
        for live in 0 1; do
            save $live --do "suspend=true"
            ok "$type, $ENGINE, $live: it runs on" fails_with \
                'although the toolstack said that it is'
        done
        save 1 --do "suspend=$SIMDOM reboot $DOM"
        ok "$type, $ENGINE: it reboots" fails_with \
            'reboot.* instead of being suspended'
        "$SIM" destroy "$DOM"
        guest $type --memory 16
        save 0 --do "suspend=$SIMDOM crash $DOM"
        ok "$type, $ENGINE: it crashes" fails_with \
            'crash.* instead of being suspended'
        "$SIM" destroy "$DOM"
    done
done
done_testing
