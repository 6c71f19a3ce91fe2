# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Remus between two domains of one host: `xl remus` sends a checkpoint every two
# seconds to an `xl migrate-receive -r`. One end dies as a host dies - all of it at
# once, its domain, too - and the other must have the guest, intact. Each save
# helper is at both ends; the stock one shows that the test is right. Read by the
# tests of one type of guest each, after long.sh.

# shellcheck source=xen-tests/dom0/remus.sh
. "$XEN_TESTS/dom0/remus.sh"

RECEIVES='(^|/)xl migrate-receive'

# protect HELPER: begins; the domain's number before in $primary.
protect()
{
    primary=$(guest_domid g)
    others=$(pgrep -f '(^|/)xl ')
    guest_mark g
    with "$1" xl remus -F -n -d -i 2000 -s "" g \
        "$(receiver_of "xl:$1") -r" >"$T/remus.log" 2>&1 &
}
protected()
{
    within 240 has_checkpoints 3 && return
    echo "$(checkpoints) checkpoints:"
    cat "$T/remus.log"
    guest_words g | tail -n 10
    return 1
}
# programs REGEX: those with such a command line that came with the protection;
# the xl that looks after the guest has one like the receiver's. (Debian's xl is
# called by its whole path.)
programs() { pgrep -f -- "$1" | grep -vxF -- "$others"; }
# signal NAME REGEX [NUMBER...]: to those, all at once (a helper ends soon after
# its xl), or to the given ones.
signal()
{
    local pids=${*:3}
    [ -n "$pids" ] || pids=$(programs "$2")
    # shellcheck disable=SC2086 # numbers
    [ -n "$pids" ] && kill "-$1" $pids && return
    echo "nobody gets SIG$1: $2"
    return 1
}
backup() { xl list | awk -v p="$primary" 'NR > 1 && $2 != 0 && $2 != p { print $2 }'; }

# The primary's programs and its domain go, between two checkpoints. The backup's
# toolstack sleeps meanwhile: it gives the guest its name, which must be free by
# then.
primary_dies()
{
    local senders receivers
    senders=$(programs '(^|/)xl remus|helper --save-domain')
    receivers=$(programs "$RECEIVES")
    between_checkpoints || return
    # shellcheck disable=SC2086 # numbers
    signal STOP "the backup" $receivers && signal KILL "the primary" $senders &&
        xl destroy "$primary" && signal CONT "the backup" $receivers
}
# The backup's half of a domain goes with it.
backup_dies()
{
    local d
    d=$(backup)
    signal KILL "$RECEIVES|helper --restore-domain" || return
    [ -z "$d" ] || xl destroy "$d"
}
has_taken_over() { is_alone g && [ "$(guest_domid g)" != "$primary" ]; }
taken_over()
{
    within 60 has_taken_over && return
    cp "$T/remus.log" "$OUT/remus.$primary.log"
    cat "$T/remus.log"
    xl list
    ps -e -o pid,ppid,stat,wchan:20,args | grep -E 'xl |helper' | cut -c1-150
    return 1
}
only_primary() { [ "$(other_domids)" = "$primary" ]; }
# Nothing of xl remus runs any more.
ended() { [ -z "$(programs '(^|/)xl remus|helper --')" ]; }

fails_over()
{
    protect "$1"
    ok "$1: three checkpoints" protected || return
    guest_mark g
    ok "  the primary dies" primary_dies &&
        ok "  the backup has the guest" taken_over &&
        ok "  which is intact" guest_intact g &&
        ok "  the programs end" within 60 ended &&
        ok "  log-dirty mode is off" log_dirty_off g &&
        ok "  the host is as before" host_same
}
goes_on_alone()
{
    protect "$1"
    ok "$1: three checkpoints, again" protected || return
    ok "  the backup dies" backup_dies &&
        ok "  the programs end" within 120 ended &&
        ok "  the guest is where it was" only_primary || return
    guest_mark g
    ok "  and runs" guest_says g '^xg: alive' &&
        ok "  and is intact" test "$(guest_words g | grep -c DAMAGED)" = 0 &&
        ok "  log-dirty mode is off" log_dirty_off g &&
        ok "  the host is as before" host_same
}
# protections TYPE
protections()
{
    local helper
    # shellcheck disable=SC2086 # words
    ok "a $1 guest starts" guest_start g "$1" $BUSY || return
    host_before
    for helper in $HELPERS; do
        fails_over "$helper" || { fresh "$1" || return; }
        tell "$1: the primary of $helper died"
        [ "$helper" != stock ] || continue
        goes_on_alone "$helper" || { fresh "$1" || return; }
        tell "$1: the backup of $helper died"
    done
}
# After a failure: nothing of it is in the way of the next.
fresh()
{
    pkill -KILL -f '(^|/)xl (remus|migrate-receive)|helper --'
    destroy_all_guests
    # shellcheck disable=SC2086 # words
    ok "another guest" guest_start g "$1" $BUSY && host_before
}
