#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr save` or its helper is killed, or gets SIGTERM, SIGINT, SIGHUP or
# SIGPIPE, at every message and every answer between the two: no file is there,
# log-dirty mode is off, the guest runs on (at once, or when it is resumed after
# its toolstack's death), and the same save succeeds.
. "${0%/*}/../lib.sh"
. "${0%/*}/../bad-lib.sh"

{
    echo '#!/bin/bash'
    echo "LD_PRELOAD=$AT_CALL_SO exec $HELPER \"\$@\""
} >"$T/helper"
chmod +x "$T/helper"

# save_meets TYPE WHO SIGNAL FD [save option...]: the guest is number $d.
save_meets()
{
    local type=$1 who=$2 signal=$3 fd=$4 status=()
    shift 4
    [ "$type" != hvm ] || status=(--status "$XENSR_SIM_DIR/run/sim-dm.$d"
        --state "$XENSR_SIM_DIR/dm/qemu-save.$d")
    in_groups "$type${1:+ $1}" xensr sim run -- "$BUILD/tests/bin/xensrbox" \
        --kill "$who" --signal "$signal" --fd "$fd" --mark "$T/mark" \
        --errors "$T/errors" --target "$T/saved.img" "${status[@]}" \
        --resume "$XENSR --sim=$XENSR_SIM_DIR -q resume $d" "$d" \
        "$XENSR" --sim="$XENSR_SIM_DIR" -q save --helper "$T/helper" \
        --keep running "$@" "$d" "$T/saved.img"
}
for type in pv pvh hvm; do
    fresh_host "$type"
    d=$(bad_guest "$type") || exit 1
    "$SIM" xenstore >"$T/xs.before"
    for who in self parent; do
        save_meets $type $who 9 1 --live
        save_meets $type $who 9 0 --live
        save_meets $type $who 9 1
    done
    if [ $type = hvm ]; then
        for signal in 15 2 1 13; do
            save_meets $type parent $signal 1 --live
            save_meets $type parent $signal 0 --live
        done
        save_meets $type self 15 1 --live
    fi
    "$SIM" xenstore >"$T/xs.after"
    ok "$type: xenstore is as before" diff "$T/xs.before" "$T/xs.after"
    rm -f "$T/saved.img"
    "$SIM" destroy "$d"
    ok "$type: nothing is left on the host" host_is_clean
done
done_testing
