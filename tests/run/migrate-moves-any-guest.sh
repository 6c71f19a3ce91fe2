#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A running guest of any type that changes its memory is migrated, live or not,
# and is whole at the other host, device model and all; the first host has
# nothing of it any more. Then back.
. "${0%/*}/../lib.sh"
. "${0%/*}/../move.sh"
requires jq

mapfile -t to < <(receiver)
moved()
{
    migrate_by "$1" "${to[@]}" && whole_on b && empty_on a
}
for type in pv pvh hvm; do
    two_hosts "$type" --memory 16 --dirty-rate 3000 || exit 1
    ok "$type: live" moved ""
    ok "$type: live, and back" comes_back
    ok "$type: suspended first" moved "--no-live"
    ok "$type: and back" comes_back
    ok "$type: live and verified" moved "--verify"
    sim_on b destroy "$(domains_on b)"
    ok "$type: ended, nothing is left there" empty_on b
done

two_hosts pvh || exit 1
ok "by its number, result as JSON" \
    bash -c '"$XENSR" --sim="$T/host-a" -q migrate --json "$1" -- "${@:2}" \
        >"$T/json"' - "$(domains_on a)" "${to[@]}"
ok "the JSON tells what was done" jq -e \
    '.name == "web" and .destroyed and .live and .pages_sent > 0' "$T/json"
ok "it runs there" whole_on b

two_hosts pvh || exit 1
mapfile -t to < <(receiver --paused)
ok "received and left paused" migrate_by "" "${to[@]}"
state() { sim_on b info --json "$(domains_on b)" | jq -r .state; }
ok "it is paused" [ "$(state)" = paused ]
ok "unpaused by its name" xensr_on b -q unpause web
ok "it runs" whole_on b
done_testing
