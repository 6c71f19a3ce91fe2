# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Is the host as it was? host_before notes what can be seen of it: domains,
# xenstore, dom0's processes, log-dirty mode of every guest and Xen's free
# memory; host_same compares, with a limit of time because Xen and xl take
# things away after the answer. ../look sees, and makes the same what has to differ
# when a guest comes back (numbers of domains, ports, frames, processes). Some
# things are not as before after any restore, whoever makes it, and are left out:
# libxl writes platform/ and image/ for a new guest only, and Linux its
# control/feature-... and what it asks a keyboard for when it boots; and guests
# leave empty folders. Read by lib.sh.

LOOK=$SHARE/look/look

# log_dirty NAME: on or off.
log_dirty()
{
    local d
    d=$(guest_domid "$1") || { echo "no domain $1"; return 1; }
    "$LOOK" log-dirty | awk -v d="$d" '$1 == d { print $2; found = 1 }
        END { exit !found }'
}
log_dirty_off() { [ "$(log_dirty "$1")" = off ]; }

host_look() { mkdir -p "$1" && "$LOOK" all "$1" $$; }
host_before() { host_look "$T/before"; }

# One MiB more or less is Xen's own bookkeeping.
host_is_same()
{
    local what a b
    host_look "$T/now" || return
    for what in domains xenstore processes log-dirty; do
        cmp -s "$T/before/$what" "$T/now/$what" || return
    done
    read -r a <"$T/before/free" && read -r b <"$T/now/free" || return
    [ $((a - b)) -le 1 ] && [ $((b - a)) -le 1 ]
}
host_same()
{
    local what
    within "${1:-30}" host_is_same && return
    for what in domains xenstore processes log-dirty free; do
        diff -U0 "$T/before/$what" "$T/now/$what" 2>/dev/null | sed -n '3,$p' >"$T/diff"
        [ -s "$T/diff" ] || continue
        echo "$what differs:"
        head -n 40 "$T/diff"
    done
    return 1
}

# ---- for the reader of a failure ---------------------------------------------

keep_logs()
{
    cp -a /var/log/xen "$OUT/" 2>/dev/null
    xl dmesg >"$OUT/xl-dmesg" 2>&1
    xl list >"$OUT/xl-list" 2>&1
    ps -ef >"$OUT/ps" 2>&1
}
