#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A stand-in device model ends with its domain, with its host, with a signal and
# when told to, and leaves neither process nor file.
. "${0%/*}/../lib.sh"
. "${0%/*}/../dm-lib.sh"
requires jq

gone() { no_processes && ! find "$XENSR_SIM_DIR/run" -name '*[0-9]' | grep .; }
guest()
{
    d=$(xensr sim create --type hvm --memory 16) && within 5 dm_is_up "$d" &&
        [ "$(dm_pid "$d")" = "$(dm_field "$d" pid)" ]
}
fresh_host
guest || exit 1
ok "runs, and its number is in xenstore" kill -0 "$(dm_pid "$d")"
ok "the domain is destroyed" xensr destroy "$d"
ok "it is gone" within 5 gone
guest
ok "the domain is destroyed behind its back" "$SIM" destroy "$d"
ok "it is gone as well" within 5 gone
for how in TERM HUP INT; do
    guest
    ok "SIG$how" kill -$how "$(dm_pid "$d")"
    ok "SIG$how ends it" within 5 gone
    "$SIM" destroy "$d"
done
guest
ok "quit" qmp "$d" quit
ok "ends it" within 5 gone
"$SIM" destroy "$d"
ok "nothing is left" host_is_clean

guest
pid=$(dm_pid "$d")
ok "killed, it leaves files" kill -9 "$pid"
ok "which the domain's end takes" xensr destroy "$d"
ok "all but its own note" bash -c '! ls "$1"/qmp-*' - "$XENSR_SIM_DIR/run"
rm -f "$XENSR_SIM_DIR/run/sim-dm.$d"

guest
pid=$(dm_pid "$d")
mv "$XENSR_SIM_DIR" "$T/old" # all at once
rm -rf "$T/old"
ended() { ! kill -0 "$pid" 2>/dev/null || grep -q '^State:.Z' "/proc/$pid/status"; }
ok "the host's folder is removed: it ends" within 5 ended
ok "and does not make the folder again" test ! -e "$XENSR_SIM_DIR"
done_testing
