#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A guest that writes all the time is saved, still and live, by our engine and
# by Debian's libxenguest; it goes on or is gone as asked, and comes back as
# the same guest.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

gone() { ! "$SIM" info "$1" 2>/dev/null; }
its_files_are_gone() { ! find "$XENSR_SIM_DIR/dm" "$XENSR_SIM_DIR/state" \
    -type f | grep -E "[./]$1\."; }

# What it was when it was suspended, and is now.
same_state()
{
    local uuid
    uuid=$(info "$1" uuid)
    "$SIM" digest --json "$1" >"$T/digest" &&
        cmp "$XENSR_SIM_DIR/suspended/$uuid.json" "$T/digest" || return 1
    [ "$2" != hvm ] || cmp "$XENSR_SIM_DIR/suspended/$uuid.emulator" \
        "$XENSR_SIM_DIR/suspended/$uuid.loaded"
}

arrived() { "$SIM" guest "$1" | grep 'arrived in a new domain 1 '; }

# cycle TYPE LIVE-OPTION WAY
cycle()
{
    local type=$1 live=$2 way=$3 d img=$T/saved.img what
    what="$type${live:+, live}, asked by $way"
    d=$(new_guest "$type" --suspend "$way" --name first) || return 1
    ok "$what: saved, it runs on" \
        xensr -q save $live --keep running "$d" "$img" || return 1
    ok "$what: it is unharmed" unharmed "$d"
    ok "$what: the image is complete" "$XENSR" -q inspect "$img"
    ok "$what: saved again, it is gone" xensr -q save $live "$d" "$img"
    ok "$what: really gone" gone "$d"
    ok "$what: with its files" its_files_are_gone "$d"
    ok "$what: comes back" xensr -q restore --paused "$img"
    d=$(domids)
    ok "$what: in the same state" same_state "$d" "$type"
    ok "$what: is let go" xensr -q unpause "$d"
    ok "$what: the same guest" unharmed "$d"
    ok "$what: that has noticed" arrived "$d"
    ok "$what: it can be saved paused" xensr -q save --keep paused "$d" "$img"
    ok "$what: and is paused" unharmed "$d" paused
    xensr -q destroy "$d"
    rm -f "$img"
}

engines()
{
    echo "$BUILD/stubs"
    [ -n "${XENSR_ASAN-}" ] || echo "$BUILD/stubs-hybrid"
}

for stubs in $(engines); do
    export XENSR_STUBS_DIR=$stubs
    fresh_host
    "$SIM" init --record-suspends || exit 1
    note "libraries: ${stubs##*/}"
    for live in '' --live; do
        for type in pv pvh hvm; do
            for way in xenstore evtchn; do
                cycle "$type" "$live" "$way"
            done
        done
        cycle hvm "$live" call
    done
    ok "nothing is left on the host" no_domains
    ok "and nobody works there" within 5 no_processes
done
done_testing
