#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a device model is started from is judged as QEMU does it: it repeats a
# state that a real QEMU wrote, and ends on one that it cannot have written.
. "${0%/*}/../lib.sh"
. "${0%/*}/../dm-lib.sh"
requires zstd jq

fresh_host
zstd -q -d -c "$TOP/data/demo-hvm.save.zst" >"$T/plain"
blob "$T/plain" >"$T/good"
XENSR_DEVICE_MODEL='' xensr -q restore --paused "$T/plain"
d=$(domids)

started() # FILE [option...]
{
    exec 9<"$1"
    shift
    start_dm "$d" -incoming fd:9 "$@"
    exec 9<&-
    within 10 dm_is_up "$d"
}
ended() { kill "$DM" && wait "$DM"; }
repeats()
{
    started "$T/good" -S || { cat "$T/dm.err"; return 1; }
    qmp "$d" "{\"execute\":\"xen-save-devices-state\",\"arguments\":{\"filename\":\"$T/again\"}}"
    ended
    cmp "$T/good" "$T/again"
}
ok "repeats the state of a real QEMU" repeats
from_a_pipe()
{
    # the pipe stays open: nothing behind the end is waited for
    mkfifo "$T/pipe" && exec 8<>"$T/pipe" && cat "$T/good" >&8
    started "$T/pipe" && ended && exec 8>&-
}
ok "from a pipe that stays open" from_a_pipe

# refused REGEX: $T/bad is not taken
refused()
{
    local status=0
    exec 9<"$T/bad"
    start_dm "$d" -incoming fd:9
    exec 9<&-
    wait "$DM" || status=$?
    [ $status -eq 1 ] || { echo "status $status"; return 1; }
    grep -Eq -- "$1" "$T/dm.err" || { cat "$T/dm.err"; return 1; }
    [ ! -e "$XENSR_SIM_DIR/run/sim-dm.$d" ]
}
# bad NAME REGEX COMMAND...: the command makes it from standard input
bad()
{
    local name=$1 regex=$2
    shift 2
    "$@" <"$T/good" >"$T/bad"
    ok "refuses $name" refused "$regex"
}
# at OFFSET HEX: octets replaced
at()
{
    head -c "$1" "$T/good"
    printf '%b' "$(sed 's/../\\x&/g' <<<"$2")"
    tail -c +$(($1 + ${#2} / 2 + 1)) "$T/good"
}
cut_at() { head -c "$1"; }
without() { head -c "$1"; tail -c +$(($2 + 1)) "$T/good"; }
bad "what is no state" 'Not a migration stream' at 0 00
bad "another version of the format" 'Unsupported migration stream version' at 7 02
bad "a section of an unknown kind" 'section type 119' at 8 77
bad "a device that is not there" "Unknown savevm section or instance 'tomer'" at 15 6f
bad "a second one where there is one" "'timer' 1" at 22 01
bad "a version that is too new" "unsupported version 3 for 'timer' v2" at 26 03
bad "a version that is too old" 'timer: version 1 is too old' at 26 01
bad "an early end" 'ends after 4000 octets' cut_at 4000
bad "no end" 'ends after 8039 octets' cut_at 8039
bad "a section that is one octet shorter" 'section type' without 100 101
bad "nothing" 'ends after 0 octets' true
bad "a subsection that is not known" 'subsection "cpu/poll_contrxl_msr"' \
    at $(($(grep -abo 'cpu/poll_control_msr' "$T/good" | cut -d: -f1) + 14)) 78
ok "refuses a descriptor that is not open" bash -c '! "$1" -xen-domid "$2" \
    -incoming fd:77 2>"$3" && grep -q "Bad file descriptor" "$3"' - "$SIM_DM" "$d" "$T/dm.err"
ok "refuses a domain that is not there" bash -c '! "$1" -xen-domid 77 2>"$2" &&
    grep -q "domain 77 is not" "$2"' - "$SIM_DM" "$T/dm.err"
"$SIM" destroy "$d"
ok "nothing is left" host_is_clean
done_testing
