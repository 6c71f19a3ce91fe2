#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SIGTERM, SIGHUP or Ctrl-C at any moment of a restore: it ends with status 1 and
# a sentence, and nothing is left; or it was done already, and the domain is whole.
. "${0%/*}/../lib.sh"
requires jq zstd perl

fresh_host
img=$(image hvm --memory 16 --emu-size 100000) || exit 1
size=$(stat -c %s "$img")
zstd -q -c "$img" >"$img.zst"

# A process group of its own, so that a "Ctrl-C" reaches all of it; and no
# signal ignored, as a shell does to its background jobs.
own_group()
{
    perl -e 'use POSIX; POSIX::setsid(); $SIG{INT} = "DEFAULT"; exec @ARGV
        or die' -- "$XENSR" --sim restore "$@" 2>"$T/err" >"$T/out"
}
ended_well() # STATUS
{
    case $1 in
    0) memory_equals "$(domids)" "$img" && "$SIM" destroy "$(domids)" ;;
    1) says 'interrupt|stopped|undone' ;;
    *) echo "status $1"; cat "$T/err"; return 1 ;;
    esac && host_is_clean
}

# The input stops after N octets: the restore waits there, in a known place.
stalled_at() # N SIGNAL who
{
    local rc=0 pid feeder
    mkfifo "$T/fifo"
    { exec head -c "$1" "$img" >"$T/fifo"; } 2>/dev/null &
    feeder=$!
    exec 8<>"$T/fifo" # keeps it open: no end of file
    own_group - <"$T/fifo" 8>&- &
    pid=$!
    wait "$feeder" # all of it is in the pipe or read
    within 10 drained && within 10 handles_signals "$(program_of $pid)" ||
        { echo "the restore does not get that far"; return 1; }
    if [ "$3" = group ]; then
        kill "-$2" -- "-$(program_of $pid)"
    else
        kill "-$2" "$(program_of $pid)"
    fi
    wait "$pid" || rc=$?
    exec 8>&-
    rm -f "$T/fifo"
    [ "$rc" -eq 1 ] || { echo "status $rc, expected 1"; cat "$T/err"; return 1; }
    ended_well "$rc"
}
# own_group runs in a subshell of this script: the program is its only child.
program_of() { pgrep -P "$1" || echo "$1"; }
# SIGTERM has a handler.
handles_signals()
{
    local mask
    mask=$(awk '/^SigCgt/ { print $2 }' "/proc/$1/status") &&
        [ $(((0x$mask >> 14) & 1)) -eq 1 ]
}
drained()
{
    perl -e 'require "sys/ioctl.ph" if 0; my $n = pack("L", 0);
        open(F, "<&=", 8) or die; ioctl(F, 0x541B, $n) or die;
        exit(unpack("L", $n) != 0)'
}

i=0
for n in 0 8 30 48 500 700 900 2000 100000 $((size / 2)) $((size - 100100)) \
    $((size - 50000)) $((size - 9)) $((size - 8)) $((size - 1)); do
    signal=TERM who=one
    case $((i++ % 3)) in
    1) signal=INT who=group ;;
    2) signal=HUP ;;
    esac
    ok "SIG$signal to $who of them after octet $n" stalled_at "$n" $signal $who
done

at_random_time() # MILLISECONDS FILE
{
    local rc=0 pid program
    own_group "$2" &
    pid=$!
    within 5 pgrep -P "$pid"
    program=$(program_of $pid)
    sleep "$(printf '0.%03d' "$1")"
    kill -INT -- "-$program" 2>/dev/null || kill -INT "$program" 2>/dev/null
    wait "$pid" || rc=$?
    # Before its handlers stand, the signal simply ends it: nothing was begun.
    if [ "$rc" -eq 130 ] && [ ! -s "$T/err" ]; then
        host_is_clean
        return
    fi
    ended_well "$rc"
}
for ms in 0 2 5 10 15 20 30 40 60 80 120 200; do
    ok "Ctrl-C after $ms ms" at_random_time $ms "$img"
done
for ms in 5 20 60; do
    ok "Ctrl-C after $ms ms, compressed input" at_random_time $ms "$img.zst"
done
# What was ignored at the start stays so: nohup, and a script's "&".
stays_ignored()
{
    local pid rc=0 ignored
    mkfifo "$T/fifo"
    (trap '' INT HUP && exec "$XENSR" --sim -q restore - 2>"$T/err") \
        <"$T/fifo" &
    pid=$!
    exec 8>"$T/fifo"
    within 10 handles_signals "$pid" || echo "it does not get that far"
    ignored=$(awk '/^SigIgn/ { print $2 }' "/proc/$pid/status")
    kill -INT "$pid"
    kill -HUP "$pid"
    cat "$img" >&8
    exec 8>&-
    wait "$pid" || rc=$?
    rm -f "$T/fifo"
    [ $((0x$ignored & 3)) -eq 3 ] && [ "$rc" -eq 0 ] && ended_well 0 && return
    echo "status $rc, ignored $ignored"
    cat "$T/err"
    return 1
}
ok "an ignored SIGINT or SIGHUP does not stop it" stays_ignored
ok "the same image restores on the same host" xensr -q restore "$img"
ok "its memory is the image's" memory_equals "$(domids)" "$img"
done_testing
