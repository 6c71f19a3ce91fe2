#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SIGINT, SIGTERM or SIGHUP at any moment of a save, once or again and again; the
# save or its helper killed; a reader that goes away at any octet: the guest runs
# on, no file is there; or it was done already. Then the same save succeeds.
. "${0%/*}/../lib.sh"
. "${0%/*}/../move.sh"
requires jq perl

two_hosts pvh --memory 16 --dirty-rate 2000 || exit 1
mkdir "$T/files"
img=$T/files/web.save
xensr -q save --keep running web "$T/length.save" || exit 1
end=$(stat -c %s "$T/length.save")
rm "$T/length.save"

# No signal ignored, as a shell does to its background jobs; its number in $T/pid.
plainly()
{
    perl -e 'use POSIX; POSIX::setsid(); $SIG{$_} = "DEFAULT" for qw(INT HUP);
        open(F, ">", shift) or die; print F $$, "\n"; close(F);
        exec @ARGV or die' -- "$T/pid" "$@"
}
ended_well() # STATUS
{
    case $1 in
    0) host_is_clean && xensr -q restore "$img" && rm "$img" && whole_on a ;;
    1)
        says 'interrupt|stopped' && [ -z "$(ls -A "$T/files")" ] && whole_on a
        ;;
    *) echo "status $1"; cat "$T/err"; return 1 ;;
    esac
}

# The reader takes N octets and then nothing: the save waits there.
stalled_at() # N SIGNALS [save option...]
{
    local n=$1 signals=$2 s
    shift 2
    mkfifo "$T/fifo" "$T/full"
    { head -c "$n" >/dev/null; echo >"$T/full"; exec sleep 30; } <"$T/fifo" &
    local reader=$!
    plainly "$XENSR" --sim -q save "$@" web - >"$T/fifo" 2>"$T/err" &
    local pid=$! rc=0
    read -r <"$T/full"
    for s in $signals; do
        kill "-$s" "$(cat "$T/pid")"
    done
    wait "$pid" || rc=$?
    kill "$reader" 2>/dev/null
    wait "$reader" 2>/dev/null
    rm -f "$T/fifo" "$T/full"
    [ "$rc" -eq 1 ] || { echo "status $rc, expected 1"; cat "$T/err"; return 1; }
    ended_well "$rc"
}
i=0
for n in 1 100 3000 100000 $((end / 2)) $((end - 200000)) $((end - 1)); do
    signal=TERM
    case $((i++ % 3)) in
    1) signal=INT ;;
    2) signal=HUP ;;
    esac
    ok "SIG$signal after octet $n" stalled_at "$n" "$signal"
    ok "SIG$signal after octet $n, live" stalled_at "$n" "$signal" --live
done
ok "again and again" stalled_at $((end / 2)) "INT INT TERM INT HUP TERM"
ok "again and again, live" stalled_at $((end / 2)) "INT INT TERM INT HUP" --live

at_random_time() # MILLISECONDS
{
    local rc=0 pid
    rm -f "$T/pid"
    plainly "$XENSR" --sim -q save --live web "$img" 2>"$T/err" &
    pid=$!
    within 5 [ -s "$T/pid" ]
    sleep "$(printf '0.%03d' "$1")"
    kill -INT "$(cat "$T/pid")" 2>/dev/null
    wait "$pid" || rc=$?
    # before its handlers stand, the signal simply ends it
    if [ "$rc" -eq 130 ] && [ ! -s "$T/err" ]; then
        whole_on a
        return
    fi
    ended_well "$rc"
}
for ms in 0 5 10 20 30 50 80 120 160 200 300; do
    ok "Ctrl-C after $ms ms" at_random_time $ms
done

# Nobody can undo after SIGKILL, but no half file is there, and all it takes is
# to let the guest run on, if it was suspended.
killed()
{
    local rc=0 pid
    rm -f "$T/pid"
    plainly "$XENSR" --sim -q save "$@" 2>"$T/err" &
    pid=$!
    within 10 [ -s "$T/pid" ]
    sleep 0.05
    kill -9 "$(cat "$T/pid")" 2>/dev/null
    wait "$pid" || rc=$?
    within 10 no_operations
    [ "$rc" -eq 0 ] && { ended_well 0; return; }
    "$XENSR" --sim -q resume web 2>/dev/null
    # killed when the file was safe, before or after the guest was destroyed
    if [ -e "$img" ]; then
        if ! "$SIM" list | grep -q ' web '; then
            # what it had no time to tidy up
            rm -f "$XENSR_SIM_DIR"/state/*
            xensr -q restore "$img" || return 1
        fi
        rm "$img"
    fi
    [ -z "$(ls -A "$T/files")" ] && whole_on a
}
ok "the save is killed" killed web "$img"
ok "a live save is killed" killed --live web "$img"

reader_goes() # N
{
    must_fail 1 bash -c '"$XENSR" --sim -q save web - | head -c "$1" >/dev/null
        exit "${PIPESTATUS[0]}"' - "$1" && says 'closed|[Bb]roken pipe' &&
        whole_on a
}
for n in 0 1 47 48 500 1000 100000 $((end / 2)) $((end - 70000)) $((end - 1)); do
    ok "the reader goes after octet $n" reader_goes "$n"
done
takes_all_and_goes()
{
    xensr -q save --keep running web - | head -c "$end" >"$T/piped" &&
        [ "${PIPESTATUS[0]}" -eq 0 ] && [ "$(stat -c %s "$T/piped")" = "$end" ] &&
        rm "$T/piped" && whole_on a
}
ok "the reader goes when it has all" takes_all_and_goes
ok "the same save succeeds" xensr -q save web "$img"
ok "nothing is left on the host" host_is_clean
ok "it comes back" xensr -q restore "$img"
ok "and is whole" whole_on a
done_testing
