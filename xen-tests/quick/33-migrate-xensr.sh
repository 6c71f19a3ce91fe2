#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr migrate` and `xensr migrate-receive` beside the stock `xl`: each pair of
# ends for PV and PVH guests. What xensr receives is its own: its folder in
# xenstore is there after the sender's domain has gone, and xensr takes it away.
# Without --same-host a guest that is here already is refused.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/dom0/move.sh"

has_folder()
{
    local vm
    vm=$(xenstore-read "/local/domain/$(guest_domid g)/vm") &&
        [ "$(xenstore-read "$vm/name")" = g ] || { xenstore-ls -f /vm; return 1; }
}
no_folders() { [ -z "$(xenstore-list /vm 2>/dev/null)" ]; }

for type in pv pvh; do
    host_before
    ok "a $type guest starts" guest_start g $type memory=8 rate=100 hot=30 || exit 1
    for pair in "xl:ours xensr:native" "xensr:native xensr:ours" \
        "xensr:stock xensr:stock" "xensr:ours xl:stock"; do
        # The stock helper falls back to nothing where a PV guest's writes
        # cannot be tracked.
        rest=()
        [ "$type $pair" != "pv xensr:stock xensr:stock" ] || rest=(--no-live)
        ok "$type: ${pair% *} sends, ${pair#* } receives ${rest[*]}" \
            moves g "${pair% *}" "${pair#* }" "${rest[@]}" &&
            ok "  it is intact" guest_intact g
        case $pair in
        *\ xensr:*) ok "  it has its folder" has_folder ;;
        esac
    done
    guest_mark g
    run send xensr:native g "$XENSR migrate-receive"
    ok "  a receiver that was not told that it is here" test "$RC" -eq 1
    ok "  says so" says 'UUID .* is in use by domain .*--same-host'
    ok "  it goes on" goes_on g
    guest_stop g
    ok "  nothing is left" host_same
    ok "  no folder of it either" no_folders
done
done_testing
