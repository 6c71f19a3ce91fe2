#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What watches the emulated machine of xen-tests/ tells a run that came to its
# end from one that panicked, hung, vanished or took too long, says which, asks
# Xen when it can, and leaves no process. The machine here is a script.
. "${0%/*}/../lib.sh"

cat >"$T/machine" <<'END'
#!/bin/bash
# machine KIND SHARE: what QEMU and dom0 do.
share=$2
n=0
beat() { echo $((n += 1)) >"$share/heartbeat"; }
echo "(XEN) Xen version 4.17"
case $1 in
good)
    beat
    echo "ok first" >>"$share/progress"
    sleep 0.5
    echo "ok second" >>"$share/progress"
    echo 0 >"$share/complete"
    ;;
xen-panics)
    beat
    echo "(XEN) Panic on CPU 0:"
    echo "(XEN) nothing works"
    sleep 1000
    ;;
kernel-panics)
    beat
    echo "[    9.1] Kernel panic - not syncing: no init"
    sleep 1000
    ;;
reboots) beat ;;
dies) kill -SEGV $$ ;;
never-up) sleep 1000 ;;
hangs)
    beat
    # Xen itself goes on: it answers its keys.
    while IFS= read -r -n 1 key; do
        [ "$key" != q ] || echo "(XEN) 'q' pressed -> dumping domain info"
    done
    ;;
hangs-dead)
    beat
    sleep 1000
    ;;
slow)
    while sleep 0.2; do
        beat
    done
    ;;
esac
END
chmod +x "$T/machine"

cat >"$T/driver" <<'END'
. "$TOP/xen-tests/host/lib.sh"
. "$TOP/xen-tests/host/watch.sh"
qemu_command() { COMMAND=("$T/machine" "$KIND" "$2"); }
end_in_order
boot_and_watch 4.17 "$T/share" "$LIMIT"
status=$?
echo "wrong: $WRONG" >&2
exit $status
END
export XENSR_XEN_BOOT_LIMIT=3 XENSR_XEN_BEAT_LIMIT=3 LIMIT=60

machine()
{
    rm -rf "$T/share"
    mkdir "$T/share"
    KIND=$1 run bash "$T/driver"
}
machine_gone() { ! pgrep -f "$T/machine"; }
# broken KIND REGEX: it is a failure, in these words, and nothing is left.
broken()
{
    machine "$1"
    [ "$RC" = 1 ] || { echo "status $RC"; return 1; }
    says "^wrong: .*$2" && within 5 machine_gone
}
good()
{
    machine good
    cat "$T/out" "$T/err"
    [ "$RC" = 0 ] && [ "$(cat "$T/out")" = $'ok first\nok second' ] &&
        machine_gone
}
ok "a run that comes to its end is shown as it goes" good
ok "Xen's panic is noticed" broken xen-panics 'Panic on CPU 0'
ok "the kernel's panic is noticed" broken kernel-panics 'Kernel panic'
ok "a reboot is noticed" broken reboots 'ended \(status 0\) before'
ok "QEMU's own end is noticed" broken dies 'ended \(status 139\) before'
ok "dom0 that is never up is noticed" broken never-up 'not up after 3 s'
ok "dom0 without a sign of life is noticed" \
    broken hangs 'no sign of life for 3 s$'
ok "  and Xen's answer is in the console's log" \
    grep -q "'q' pressed" "$T/share/console.log"
ok "Xen that does not answer either is noticed" \
    broken hangs-dead 'Xen does not answer either'
LIMIT=3
ok "a run that takes too long is noticed" broken slow 'not done after 3 s'
LIMIT=60

stopped()
{
    local pid
    rm -rf "$T/share" && mkdir "$T/share"
    KIND=slow bash "$T/driver" >"$T/out" 2>&1 &
    pid=$!
    within 20 test -e "$T/share/heartbeat" || return 1
    kill -"$1" "$pid"
    wait "$pid"
    [ $? -ge 128 ] && within 5 machine_gone
}
# at any time
stopped_often()
{
    local i
    for i in 1 2 3 4 5 6 7 8; do
        stopped "$1" || return 1
    done
}
ok "SIGTERM ends the machine" stopped_often TERM
ok "SIGHUP ends the machine" stopped HUP
done_testing
