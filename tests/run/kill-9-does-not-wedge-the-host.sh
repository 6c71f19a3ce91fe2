#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The helper killed: the restore fails and undoes everything. The parent killed:
# nobody is there to undo, a domain may stay; the host still works, the helper
# ends by itself, and `sim destroy` removes what stayed.
. "${0%/*}/../lib.sh"
requires jq

fresh_host
img=$(image pvh --memory 32) || exit 1
size=$(stat -c %s "$img")

start() # N: a restore that waits for more after N octets
{
    rm -f "$T/fifo"
    mkfifo "$T/fifo"
    exec 8<>"$T/fifo"
    head -c "$1" "$img" >&8 &
    feeder=$!
    "$XENSR" --sim restore - <"$T/fifo" 8>&- >"$T/out" 2>"$T/err" &
    parent=$!
    within 20 helper_of "$parent" >/dev/null || return 1
    wait "$feeder"
}
helper_of() { pgrep -P "$1"; }
stop_feeding() { exec 8>&-; rm -f "$T/fifo"; }

helper_killed()
{
    local rc=0
    start "$1" || return 1
    kill -9 "$(helper_of "$parent")"
    wait "$parent" || rc=$?
    stop_feeding
    [ "$rc" -eq 1 ] || { echo "status $rc"; cat "$T/err"; return 1; }
    says 'helper.*(killed|signal 9)' && host_is_clean
}
parent_killed()
{
    start "$1" || return 1
    kill -9 "$parent"
    wait "$parent" 2>/dev/null
    stop_feeding
    within 20 no_processes || { echo "the helper stays"; return 1; }
    local d
    for d in $(domids); do
        "$SIM" destroy "$d" || return 1
    done
    host_is_clean
}
for n in 2000 100000 $((size / 2)) $((size - 100)); do
    ok "helper killed after octet $n" helper_killed "$n"
    ok "parent killed after octet $n" parent_killed "$n"
done

# Not at a place where it waits, but anywhere.
killed_while_working()
{
    local p
    "$XENSR" --sim -q restore "$img" >/dev/null 2>&1 &
    parent=$!
    sleep "$(printf '0.%03d' "$1")"
    for p in $(host_processes); do
        kill -9 "$p" 2>/dev/null
    done
    wait "$parent" 2>/dev/null
    for p in $(domids); do
        "$SIM" destroy "$p" || return 1
    done
    rm -f "$XENSR_SIM_DIR"/state/* "$XENSR_SIM_DIR"/dm/*
    host_is_clean
}
for ms in 5 10 20 30 45 60 80 100; do
    ok "all of them killed after $ms ms" killed_while_working $ms
done
ok "the same image restores on the same host" xensr -q restore "$img"
ok "its memory is the image's" memory_equals "$(domids)" "$img"
done_testing
