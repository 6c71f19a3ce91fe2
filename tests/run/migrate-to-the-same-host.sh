#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A guest moves to the host where it is: refused unless the receiver was told
# (--same-host); then it gets a new number, keeps name and UUID, nothing of the
# old domain is left and nothing of the new one went with it, as often as one
# likes. A domain of its UUID that is not the sender's stays an obstacle, and so
# does a sender's that runs on. Any stop leaves the guest where it was.
. "${0%/*}/../lib.sh"
. "${0%/*}/../move.sh"
requires jq

receiver_here()
{
    printf '%s\n' "$XENSR" "--sim=$T/host-a" -q migrate-receive "$@"
}
mapfile -t to < <(receiver_here --same-host)
mapfile -t strict < <(receiver_here)

# What xenstore has of domains, without their number and the time.
nodes()
{
    "$SIM" --dir "$T/host-a" xenstore | grep -Ev '/(start_time|domid|frontend-id)\b' |
        sed -E "s,/([0-9]+)(/| |$),/N\2,g; s,/vm/([0-9a-f-]{36})-1,/vm/\1,g
            s,(ring-ref|port|event-channel|tty|[a-z-]*pid) .*,\1,
            s,\b([nrwb])[1-9][0-9]*\b,\1N,g"
}
moved_here()
{
    local before after
    before=$(domains_on a)
    nodes >"$T/nodes.before"
    migrate_by "$@" && whole_on a || return 1
    after=$(domains_on a)
    [ "$before" != "$after" ] || { echo "still domain $after"; return 1; }
    nodes >"$T/nodes.after"
}
refused_here() # REGEX TRANSPORT...
{
    local words=$1
    shift
    nodes >"$T/nodes.before"
    must_fail 1 migrate_by "" "$@" && says "$words" && whole_on a &&
        same_nodes
}

same_nodes() { nodes | diff "$T/nodes.before" -; }
# The octets of a sender, whatever became of the guest.
given()
{
    { cat "$T/image"; printf 'domain is yours, you are cleared to unpause\0'; } |
        "${to[@]}" >"$T/answer"
}

for type in pv pvh hvm; do
    two_hosts "$type" --memory 16 --dirty-rate 2000 || exit 1
    ok "$type: refused, with what to say" refused_here \
        'UUID .* is in use by domain [0-9]+ \("web"\).*--same-host' "${strict[@]}"
    ok "$type: moved" moved_here "" "${to[@]}"
    ok "$type: and again" moved_here "" "${to[@]}"
    ok "$type: its nodes are as with the first time" \
        diff "$T/nodes.before" "$T/nodes.after"
    ok "$type: suspended first" moved_here --no-live "${to[@]}"
    ok "$type: cut at its middle" refused_here 'receiver' \
        "$CUTPIPE" --to 20000 "${to[@]}"
    ok "$type: cut before its hand-over" refused_here 'receiver' \
        "$CUTPIPE" --from 70 "${to[@]}"

    # A sender that gives away what runs on, or what is not the guest.
    ok "$type: an image of it" xensr_on a -q save --keep running web "$T/image"
    d=$(domains_on a)
    nodes >"$T/nodes.before"
    ok "$type: given away though it runs" must_fail 1 given
    ok "$type: said" says "domain $d has the same UUID and is not suspended"
    ok "$type: it runs on" whole_on a
    ok "$type: nothing has changed" same_nodes
    xensr_on a rename web other
    ok "$type: another one with its UUID" must_fail 1 given
    ok "$type: that is said" says "UUID .* in use by domain $d .\"other\""
    xensr_on a destroy other
    ok "$type: nothing is left of it" host_is_clean
done
done_testing
