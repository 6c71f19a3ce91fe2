#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Remus: `xl remus` copies a running guest to a backup again and again, with our
# helper at both ends. The guest is intact after every checkpoint; when the
# primary is killed the backup takes over from the last one, whole. A backup
# that is stopped does not take over, and the primary's guest goes on. On a Xen
# without shadow paging PV guests cannot have it.
# limit: 900
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/dom0/move.sh"
. "$XEN_TESTS/dom0/remus.sh"

# protect ENGINE: in the background; words in $T/err, the stream in $T/stream.
protect()
{
    local backup
    backup="$(receiver_of "xl:$1") -r"
    rm -f "$T/sender"
    guest_mark g
    # shellcheck disable=SC2016 # for the shell that becomes it
    with "$1" bash -c 'echo $$ >"$T/sender"; exec "$@"' - \
        xl remus -F -n -d -i 1500 -s '' g "tee '$T/stream' | $backup" \
        >"$T/out" 2>"$T/err" &
    begun=$!
}
# Four suspends since then are survived; so three checkpoints are complete.
checkpointed()
{
    within 300 has_checkpoints 4 && return
    tail -n 20 "$T/err"
    return 1
}
# Octets in the stream's own words: libxl's record behind each checkpoint.
checkpoints_in_stream()
{
    "$XENSR" inspect "$T/stream" >"$T/records" 2>/dev/null
    [ "$(grep -c CHECKPOINT_END "$T/records")" -ge 3 ] && return
    tail -n 20 "$T/records"
    return 1
}
# The whole stream as it was cut: nothing wrong, and something to take over.
failover_is_said()
{
    "$XENSR" check "$T/stream" >"$T/verdict" &&
        grep -q '^failover: the guest as it was at the last one' "$T/verdict" &&
        return
    tail -n 20 "$T/verdict"
    return 1
}
primary_dies()
{
    local xl pids d
    xl=$(cat "$T/sender") pids="$xl $(helper_of "$xl")" d=$(guest_domid g)
    between_checkpoints || return
    # shellcheck disable=SC2086 # numbers
    kill -KILL $pids && xl destroy "$d"
}
# By its own name, or by the one it had if the primary's was still there.
backup_runs()
{
    guest_domid g >/dev/null || xl rename g--incoming g
    guest_says g '^xg: resumed n=[0-9]+ cancelled=0' 120 && guest_intact g
}

# protected TYPE ENGINE
protected()
{
    ok "a guest of type $1 starts" guest_start g "$1" memory="$3" rate=100 hot=30 || exit 1
    host_before
    protect "$2"
    ok "$1, $2: three checkpoints, the guest intact after each" checkpointed
    ok "  they are in the stream" checkpoints_in_stream
    guest_mark g
    ok "  the primary is killed" primary_dies
    ok "  the backup takes over, intact" backup_runs
    wait "$begun"
    keep_words
    ok "  xensr check knows which checkpoint that is" failover_is_said
    ok "  one domain is left, and nothing else" host_same
}
# The backup's helper is told to stop: libxl destroys the copy, and both ends
# end.
stopped()
{
    protect "$2"
    ok "$1, $2: again, three checkpoints" checkpointed
    ok "  the backup is stopped" pkill -TERM -f "$HELPER --restore-domain"
    ok "  the sender ends" ended
    ok "  the backup's reason is said" says 'stopped by signal 15'
    ok "  the guest goes on" goes_on g
    ok "  and the host is as before, log-dirty off" host_same
}

for engine in ours native; do
    protected pvh $engine 8
    stopped pvh $engine
    guest_stop g
    if release_has hvm; then
        protected hvm $engine 24
        guest_stop g
    fi
done

if ! has_tracking pv; then
    ok "a PV guest starts" guest_start g pv memory=8 rate=100
    host_before
    protect ours
    ok "PV: refused" ended
    ok "  in words" says 'cannot track what the guest writes, which checkpoints need'
    ok "  it goes on" goes_on g
    ok "  and the host is as before" host_same
fi
done_testing
