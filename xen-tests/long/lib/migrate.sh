# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Live migration between every two helpers: sender and receiver are each of the
# stock one, ours with the host's libxenguest and ours with its own engine, under
# the stock `xl` at both ends, while the guest writes its memory. Read by the
# tests of one type of guest each, after long.sh.

# migration FROM TO
migration()
{
    if ! ok "$1 sends, $2 receives" moves g "xl:$1" "xl:$2"; then
        # Without the guest there is nothing to go on with.
        ! guest_gone g
        return
    fi
    ok "  and the guest is intact" guest_intact g &&
        ok "  and log-dirty mode is off" log_dirty_off g &&
        ok "  and the host is as before" host_same
}
# migrations TYPE [KEY=VALUE...]
migrations()
{
    local type=$1 from to
    # shellcheck disable=SC2086 # words
    ok "a $type guest starts" guest_start g "$type" $BUSY "${@:2}" || return
    ok "the host is looked at" host_before
    for from in $HELPERS; do
        for to in $HELPERS; do
            migration "$from" "$to" || return
        done
        tell "$type from $from: done"
    done
}
