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
    local before
    before=$(guest_domid g)
    guest_mark g
    if ! ok "$1 sends, $2 receives" moves g "$1" "$2"; then
        # Without the guest there is nothing to go on with.
        ! guest_gone g
        return
    fi
    ok "  and the guest has moved" moved g "$before" &&
        ok "  and is intact" guest_intact g &&
        ok "  and log-dirty mode is off" log_dirty_off g &&
        ok "  and the host is as before" host_same
}
# migrations TYPE [KEY=VALUE...]
migrations()
{
    local type=$1 from to
    ok "a $type guest starts and migrates" moved_once "$@" || return
    ok "the host is looked at" host_before
    for from in $HELPERS; do
        for to in $HELPERS; do
            migration "$from" "$to" || return
        done
        tell "$type from $from: done"
    done
}
