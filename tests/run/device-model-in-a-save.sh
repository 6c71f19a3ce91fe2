#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The device model's part of a save: its state and keys travel, and when it
# does not do what it is asked for, the guest runs on.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

fresh_host
no_file() { ! find "$T" -maxdepth 1 -name 'file*' | grep .; }
dm_pid() { dm "$1" pid; }
stopped() { [ "$(cut -d ' ' -f 3 "/proc/$1/stat")" = T ]; }

# ---- what travels ----

d=$(new_guest hvm) || exit 1
ok "saved" xensr -q save "$d" "$T/first"
ok "restored" xensr -q restore "$T/first"
d=$(domids)
ok "saved again" xensr -q save --keep running "$d" "$T/second"
blob() { "$XENSR" inspect --json "$1" | jq -c '[.. | objects |
    select(.name? == "EMULATOR_CONTEXT" or .type? == "EMULATOR_CONTEXT")]
    | map(del(.offset))'; }
blob_travels()
{
    [ "$(blob "$T/first")" != '[]' ] && equal state "$(blob "$T/second")" \
        "$(blob "$T/first")"
}
ok "the state is as long as before" blob_travels
ok "the guest runs on" unharmed "$d"

# A receiver starts its device model while this one is still there, so this one
# must have given up the locks on the disks' images by then.
cat >"$T/no-ready" <<'P'
#!/bin/bash
printf 'xl migration receiver ready, send binary domain data.\n'
exec 3<&0
cat <&3 >/dev/null &
until [ "$(jq .saved "$1")" -gt "$2" ]; do sleep 0.05; done
cp "$1" "$3"
kill $!
P
chmod +x "$T/no-ready"
released() # [migrate option...]
{
    local status=$XENSR_SIM_DIR/run/sim-dm.$d
    must_fail 1 xensr -q migrate "$@" "$d" -- "$T/no-ready" "$status" \
        "$(dm "$d" saved)" "$T/status" &&
        equal "locks at the end" "$(jq .disks_released "$T/status")" true &&
        equal "locks afterwards" "$(dm "$d" disks_released)" false && unharmed "$d"
}
ok "a live migration releases its disks, and takes them again" released
ok "one that is not live does, too" released --no-live

img=$(image hvm --physmap) || exit 1
ok "an image with keys is restored" xensr -q restore "$img"
d2=$(domids | tail -n 1)
keys() { "$SIM" xenstore "/local/domain/0/device-model/$1/physmap" |
    sed "s,device-model/[0-9]*,," | sort; }
keys "$d2" >"$T/keys.before"
ok "there are keys" test -s "$T/keys.before"
ok "saved with them" xensr -q save "$d2" "$T/keys"
ok "restored with them" xensr -q restore "$T/keys"
d2=$(domids | tail -n 1)
keys "$d2" >"$T/keys.after"
ok "the same ones" cmp "$T/keys.before" "$T/keys.after"
ok "destroyed" xensr -q destroy "$d2"

# ---- what goes wrong ----

refused() # REGEX
{
    must_fail 1 xensr -q save --keep running "$d" "$T/file" && says "$1" && no_file
}
mkdir "$XENSR_SIM_DIR/dm/qemu-save.$d" # what cannot be unlinked, also for root
ok "no place for its state" refused "cannot remove .*qemu-save.$d"
rmdir "$XENSR_SIM_DIR/dm/qemu-save.$d"
ok "the guest was suspended and runs on" unharmed "$d"
ok "it can be saved now" xensr -q save --keep running "$d" "$T/third"

kill -STOP "$(dm_pid "$d")"
within 5 stopped "$(dm_pid "$d")"
ok "it does not answer" refused 'no greeting|no answer'
kill -CONT "$(dm_pid "$d")"
ok "the guest never noticed" unharmed_soon "$d"
ok "it can be saved again" xensr -q save --keep running "$d" "$T/third"

# interrupted while the device model is being asked
kill -STOP "$(dm_pid "$d")"
env --default-signal=INT "$XENSR" --sim="$XENSR_SIM_DIR" -q save "$d" \
    "$T/file" 2>"$T/err" &
pid=$!
sleep 0.5
kill -INT $pid
rc=0
wait $pid || rc=$?
ok "interrupted while it does not answer" equal status $rc 1
ok "which is said" says interrupted
kill -CONT "$(dm_pid "$d")"
ok "and the guest runs on" unharmed_soon "$d"
ok "and there is no file" no_file

ended() { [ ! -e "/proc/$1/stat" ] || [[ $(cat "/proc/$1/stat") = *") Z "* ]]; }
pid=$(dm_pid "$d")
kill -9 "$pid"
within 5 ended "$pid" # until then its socket may take a connection
ok "it is dead" refused 'nobody listens at .*qmp-libxl'
ok "the guest's memory is as it was" "$SIM" guest "$d"
ok "it was not suspended for that" equal state "$(info "$d" state)" running
done_testing
