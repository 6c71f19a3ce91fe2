#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A restored HVM domain gets its device model, from the state in the image; where
# that does not start the restore fails, says why, and nothing is left.
. "${0%/*}/../lib.sh"
. "${0%/*}/../dm-lib.sh"
requires zstd jq

img=$TOP/data/demo-hvm.save.zst
fresh_host
ok "restores" xensr -q restore "$img"
d=$(domids)
zstd -q -d -c "$img" >"$T/plain"
ok "the device model has the image's state" test "$(dm_field "$d" loaded) \
$(dm_field "$d" octets)" = "1 $(blob "$T/plain" | wc -c)"
ok "runs, and its number is in xenstore" kill -0 "$(dm_pid "$d")"
ok "says so in xenstore" bash -c '"$SIM" xenstore "$1" | grep -q "running"' - \
    "/local/domain/0/device-model/$d/state"
ok "the guest runs" bash -c '"$SIM" list --json |
    jq -e ".. | select(.domid? == $1) | .state == \"running\""' - "$d"
ok "the state file is gone" test ! -e "$XENSR_SIM_DIR/dm/qemu-resume.$d"
ok "a dead child is nobody's to collect" \
    test "$(ps -o ppid= -p "$(dm_pid "$d")" | tr -d ' ')" != $$
ok "destroys it" xensr destroy "$d"
ok "nothing is left, the device model neither" host_is_clean

with() { env XENSR_DEVICE_MODEL="$1" "$XENSR" --sim -q restore "$img"; }
# fails NAME REGEX PROGRAM
fails()
{
    ok "$1: the restore fails" must_fail 1 with "$3"
    ok "$1: it says why" says "$2"
    ok "$1: nothing is left" host_is_clean
}
fails "a program that is not there" 'device model /nowhere/qemu.*not found' /nowhere/qemu
fails "one that ends" 'device model /bin/false ended.*no reason' /bin/false
cat >"$T/complains" <<'P'
#!/bin/sh
echo "first this" >&2
echo "then: no such machine" >&2
exit 1
P
cat >"$T/hangs" <<'P'
#!/bin/sh
exec sleep 600
P
chmod +x "$T/complains" "$T/hangs"
fails "one that complains" 'ended.*then: no such machine' "$T/complains"

img=$(image hvm --emu-size 4000) || exit 1
bad=$T/bad.save
off=$("$MUTATE" offsets <"$img" | awk '$2 == "EMULATOR_CONTEXT" { print $4 }')
{ head -c $((off + 24)) "$img"; printf 'w'; tail -c +$((off + 26)) "$img"; } >"$bad"
ok "state that it refuses" must_fail 1 xensr -q restore "$bad"
ok "it says why" says 'device model.*section type 119'
ok "nothing is left of it" host_is_clean

XENSR_DEVICE_MODEL=$T/hangs "$XENSR" --sim restore "$img" 2>"$T/err" &
pid=$!
sleeps() { pgrep -P 1 -f "sleep 600" >/dev/null || host_processes |
    xargs -r ps -o args= -p | grep -q '^sleep 600'; }
ok "one that says nothing is waited for" within 10 sleeps
kill -TERM $pid
wait $pid
ok "until somebody interrupts" test $? -eq 1
ok "which it says" says 'interrupted'
ok "nothing is left of that" host_is_clean

# It may be there before anybody has been told its number.
cat >"$T/interrupts" <<'P'
#!/bin/sh
kill -TERM "$(cat "$T/restore.pid")"
exec sleep 600
P
chmod +x "$T/interrupts"
interrupted()
{
    must_fail 1 bash -c 'echo $$ >"$T/restore.pid"
        export XENSR_DEVICE_MODEL=$T/interrupts
        exec "$XENSR" --sim -q restore "$1"' - "$img" && says interrupted
}
at_once() { for _ in {1..25}; do interrupted || return 1; done; }
ok "interrupted while one begins" at_once
rm -f "$T/restore.pid"
ok "nothing is left of those" host_is_clean
ok "the same restores with a device model" xensr -q restore "$img"
done_testing
