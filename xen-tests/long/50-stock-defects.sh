#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 2400
#
# What Debian's save helper does where it harms people, on real Xen under the
# stock `xl`, and what ours does in the same place. The stock side is an
# expectation, too: when it is not met any more, upstream has changed, and
# tests/run/stock-helper-defects.sh (the same on the simulated host, with more
# moments) wants a look. After each the guest is thrown away: some of what is
# left cannot be undone otherwise.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/long/lib/long.sh"

[ $# -gt 0 ] || runs_on 4.17 "whose helper tests/run/stock-helper-defects.sh has"
ONLY=${1-.*}

# ---- a migration that stands still ------------------------------------------

# A receiver that takes so many octets and then does what the mishap says. The
# sender's libxl waits for these words first.
receiver_takes()
{
    cat >"$T/receiver" <<END
#!/bin/sh
printf 'xl migration receiver ready, send binary domain data.\n'
head -c $1 >/dev/null
echo >"$T/there"
$2
END
    chmod +x "$T/receiver"
}
# begins HELPER: the sender, with $T/receiver at the other end. Its process is
# $job.
begins()
{
    rm -f "$T/there"
    with "$1" xl migrate -s "" g "$T/receiver" >"$T/log" 2>&1 &
    job=$!
}
helper_pid() { pgrep -f -- 'helper --(save|restore)-domain'; }
is_there() { [ -e "$T/there" ] && [ -n "$(helper_pid)" ]; }
suspend_is_asked()
{
    [ "$(xenstore-read "/local/domain/$(guest_domid g)/control/shutdown")" = suspend ]
}
nobody_runs()
{
    ! kill -0 "$job" 2>/dev/null && ! pgrep -f -- 'helper --' >/dev/null
}
end_receiver() { pkill -KILL -f -- "$T/receiver|^sleep 1000"; true; }

# ---- the mishaps -------------------------------------------------------------

close_stream()
{
    receiver_takes 3000000 'exit 0'
    begins "$1"
}
# in_stream SIGNAL HELPER
in_stream()
{
    receiver_takes 3000000 'exec sleep 1000'
    begins "$2"
    within 120 is_there && kill "-$1" "$(helper_pid)"
    # A writer that takes its time to end is not helped by a reader.
    within 60 nobody_runs
    end_receiver
}
stop_in_stream() { in_stream TERM "$1"; }
interrupt_in_stream() { in_stream INT "$1"; }
hang_up_in_stream() { in_stream HUP "$1"; }
parent_gone()
{
    receiver_takes 3000000 'exec sleep 1000'
    begins "$1"
    within 120 is_there && pkill -KILL -f '(^|/)xl migrate '
    end_receiver
}
# A paused guest takes a minute not to answer.
in_suspend()
{
    receiver_takes 1000000000 'exit 0'
    xl pause g
    begins "$2"
    within 120 suspend_is_asked && kill "-$1" "$(helper_pid)"
}
stop_in_suspend() { in_suspend TERM "$1"; }
interrupt_in_suspend() { in_suspend INT "$1"; }
no_suspend()
{
    receiver_takes 1000000000 'exit 0'
    xl pause g
    begins "$1"
}

# An image that stops in its middle, or just does not go on.
cut_image()
{
    head -c 3000000 "$T/g.save" >"$T/cut.save"
    with "$1" xl restore "$T/cut.save" >"$T/log" 2>&1 &
    job=$!
}
stop_in_restore()
{
    rm -f "$T/fifo" "$T/there" && mkfifo "$T/fifo"
    { head -c 3000000 "$T/g.save"; echo >"$T/there"; exec sleep 1000; } \
        >"$T/fifo" 2>/dev/null &
    with "$1" xl restore "$T/fifo" >"$T/log" 2>&1 &
    job=$!
    within 120 is_there && kill -TERM "$(helper_pid)"
    within 60 nobody_runs
    end_receiver
}

# ---- what is seen ------------------------------------------------------------

words()
{
    grep -Eiq -- "$1" "$T/log" && return
    echo "expected: $1"
    echo "found:"
    cat "$T/log"
    return 1
}
mode_is()
{
    local now
    now=$(log_dirty g) && [ "$now" = "$1" ] && return
    echo "log-dirty mode is $now"
    return 1
}
goes_on()
{
    ! xl list g | awk 'NR == 2 { exit $5 !~ /p/ }' || xl unpause g
    guest_mark g
    guest_says g '^xg: alive'
}
# side HELPER MISHAP WORDS MODE
side()
{
    "$2" "$1"
    within 120 nobody_runs || { pkill -KILL -f -- 'helper --'; return 1; }
    [ "$3" = - ] || words "$3" || return
    [ "$4" = - ] || mode_is "$4"
}
# The same for the host, too: its UUID is in xenstore.
fresh_guest()
{
    guest_gone g || guest_stop g
    # shellcheck disable=SC2086 # words
    guest_start g pvh uuid=5eed0000-0000-4000-8000-000000000050 $BUSY
}

# All, or by hand only what an argument names.
chosen() { grep -E "[|]($ONLY)[|]"; }

# sentence | mishap | stock: words, log-dirty mode | ours: words, with - nothing
saves()
{
    chosen <<END
dies of SIGPIPE when the receiver closes the stream|close_stream|died due to fatal signal Broken pipe|on|receiver closed
dies of SIGPIPE when the toolstack has gone|parent_gone|-|on|-
dies of SIGINT in the stream|interrupt_in_stream|died due to fatal signal Interrupt|on|stopped by signal 2
dies of SIGHUP in the stream|hang_up_in_stream|died due to fatal signal Hangup|on|stopped by signal 1
says EBADF when it was stopped|stop_in_stream|Bad file descriptor|off|stopped by signal 15
leaves with 254 when it is stopped during suspend|stop_in_suspend|exited with error status 254|on|stopped by signal 15
dies of SIGINT during suspend|interrupt_in_suspend|died due to fatal signal Interrupt|on|stopped by signal 2
says Success when the guest did not suspend|no_suspend|: Success|off|was not saved: .*suspend
END
}
restores()
{
    chosen <<END
says Success when the image ended|cut_image|: Success|-|end
dies of SIGTERM in a restore|stop_in_restore|died due to fatal signal Terminated|-|stopped by signal 15
END
}

fresh_guest || exit 1
host_before
while IFS='|' read -r sentence mishap stock mode ours <&3; do
    ok "the stock helper $sentence" side stock "$mishap" "$stock" "$mode" ||
        note "upstream has changed, or this release is another one"
    # Killed during suspend it leaves the request behind, on some releases: the
    # guest suspends when it is let go, and nobody resumes it.
    if [[ $mishap != *_in_suspend ]]; then
        ok "  the guest goes on" goes_on
    elif ! goes_on >/dev/null 2>&1; then
        note "its guest does not go on"
    fi
    [ "$mode" = off ] || fresh_guest || exit 1
    for helper in ours native; do
        ok "... and $helper does not" side $helper "$mishap" "$ours" off
        ok "  the guest goes on" goes_on
        ok "  the host is as before" host_same || fresh_guest || exit 1
    done
    tell "$mishap: done"
done 3< <(saves)

ok "an image for what follows" with stock xl save g "$T/g.save"
host_before
while IFS='|' read -r sentence mishap stock mode ours <&3; do
    ok "the stock helper $sentence" side stock "$mishap" "$stock" "$mode" ||
        note "upstream has changed, or this release is another one"
    ok "  the host is as before" host_same
    for helper in ours native; do
        ok "... and $helper does not" side $helper "$mishap" "$ours" -
        ok "  the host is as before" host_same
    done
    tell "$mishap: done"
done 3< <(restores)
done_testing
