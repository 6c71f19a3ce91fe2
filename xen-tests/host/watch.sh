# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Boots a release and watches until dom0 has said "complete" and the machine is
# off: shows dom0's progress as it comes, and ends the machine when Xen or the
# kernel panics, when nothing has moved for too long, or when the time is over.
# What was wrong goes to the results as a failed test, with the console's last
# lines. boot.sh comes before; ../dom0/init is the other side.

# Seconds. The machine may have other work: these are for hangs.
BOOT_LIMIT=${XENSR_XEN_BOOT_LIMIT:-300}   # until dom0 is up
BEAT_LIMIT=${XENSR_XEN_BEAT_LIMIT:-180}   # without a heartbeat of dom0
PANIC='\(XEN\) Panic on CPU|Kernel panic - not syncing|\(XEN\) .*Reboot disabled on cmdline|\(XEN\) Hardware Dom0 (crashed|halted|shutdown)|dom0: early: '

# boot_and_watch RELEASE SHARE LIMIT: 0 if dom0 came to its end. WRONG says what
# was not right.
#
# The loop has no $(...): a bash that gets a signal while it reads one cannot read
# the trap's command either, and goes on.
boot_and_watch()
{
    local r=$1 share=$2 limit=$3 begun=$SECONDS status
    WRONG='' asked='' beat='' beaten=$SECONDS unshown=''
    rm -f "$share"/{heartbeat,progress,complete,serial.in,console.log}
    mkfifo -m 600 "$share/serial.in" || die "cannot make $share/serial.in"
    : >"$share/progress"
    : >"$share/console.log"
    exec {SERIAL}<>"$share/serial.in" {PROGRESS}<"$share/progress"
    qemu_command "$r" "$share" -serial stdio -monitor none
    background "${COMMAND[@]}" <&"$SERIAL" >"$share/console.log" \
        2>"$share/qemu.log"
    qemu=$JOB
    while kill -0 "$qemu" 2>/dev/null; do
        show_progress
        is_wrong "$share" "$begun" "$limit" && break
        sleep 0.3
    done
    if [ -n "$WRONG" ]; then
        [ -z "$ASK" ] || ask_xen "$share"
        kill -KILL "$qemu" 2>/dev/null
    fi
    wait "$qemu" 2>/dev/null
    status=$?
    rm -f "$share/serial.in"
    show_progress
    exec {SERIAL}>&- {PROGRESS}<&-
    [ -z "$WRONG" ] && [ ! -e "$share/complete" ] &&
        WRONG="QEMU ended (status $status) before dom0 was done:
$(tail -n 3 "$share/qemu.log")"
    [ -z "$WRONG" ]
}

# New lines of progress, whole ones only.
show_progress()
{
    local line
    while IFS= read -r line <&"$PROGRESS"; do
        printf '%s\n' "$unshown$line"
        unshown=
    done
    unshown=$unshown$line
}
# The heartbeat is a number that grows.
is_wrong()
{
    local share=$1 begun=$2 limit=$3 now=
    ASK=
    if [ -s "$share/heartbeat" ]; then
        read -r now <"$share/heartbeat"
        [ "$now" = "$beat" ] || beat=$now beaten=$SECONDS
    fi
    if grep -aEq "$PANIC" "$share/console.log" && [ ! -e "$share/complete" ]
    then
        sleep 2 # the rest of what it says
        WRONG="the console says: $(grep -aE -m 1 "$PANIC" "$share/console.log")"
    elif [ $((SECONDS - begun)) -gt "$limit" ]; then
        ASK=1 WRONG="not done after $limit s"
    elif [ -z "$beat" ]; then
        [ $((SECONDS - begun)) -gt "$BOOT_LIMIT" ] &&
            ASK=1 WRONG="dom0 was not up after $BOOT_LIMIT s"
    elif [ $((SECONDS - beaten)) -gt "$BEAT_LIMIT" ]; then
        ASK=1 WRONG="dom0 gave no sign of life for $BEAT_LIMIT s"
    fi
    [ -n "$WRONG" ]
}
# Xen's own view of a machine that hangs: three times Ctrl-A, then debug keys
# (run queues, domains, registers).
ask_xen()
{
    asked=$(wc -l <"$1/console.log")
    printf '\001\001\001' >&"$SERIAL"
    printf 'r0qd' >&"$SERIAL"
    sleep 5
    [ "$(wc -l <"$1/console.log")" -gt "$asked" ] ||
        WRONG="$WRONG; Xen does not answer either"
}

# console_tail SHARE: what was said before Xen was asked.
console_tail()
{
    echo "the last lines of $1/console.log:"
    head -n "${asked:-1000000000}" "$1/console.log" | tr -d '\r' |
        tail -n 40 | cut -c1-200
    [ -z "$asked" ] || echo "Xen's answers to debug keys follow there."
}
