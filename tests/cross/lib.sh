# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The cross matrix: one guest goes from host "from" to host "to" through two
# toolstacks, and is the same one there. Read after tests/lib.sh.
#
#     cell PARENT HELPER LIBRARY TYPE OPERATION
#
# Both hosts record what is suspended, so that the two ends are compared by what
# the hypervisor and the device model had, not by what any of the programs says.

ON=$TOP/tests/cross/on-host.sh
STOCK_BIN=$(dirname "$(realpath -m "${STOCK:-/nonexistent}")")
[ -x "$STOCK_BIN/xl" ] || STOCK_BIN=/usr/lib/xen-4.17/bin
export XL=$STOCK_BIN/xl XENSR_BUILD=$BUILD
chmod +x "$ON" 2>/dev/null || true

# Why stock toolstacks cannot run here; nothing if they can.
no_xl()
{
    [ -z "${XENSR_ASAN-}" ] ||
        { echo "stock programs do not run on libraries with sanitizers"; return; }
    [ -x "$XL" ] || { echo "Debian's xl is not there (make stock)"; return; }
    on from xl list >"$T/no_xl" 2>&1 || tail -n 1 "$T/no_xl"
}

# ---- one cell ----------------------------------------------------------------

# two_hosts: "from" and "to", empty, both with a record of suspended guests.
two_hosts()
{
    local h
    for h in from to; do
        XENSR_SIM_DIR=$T/host-$h host_processes | xargs -r kill -9
        rm -rf "$T/host-$h"
        mkdir -m 700 "$T/host-$h"
        XENSR_SIM_DIR=$T/host-$h "$SIM" init --record-suspends || return 1
    done
}
on() # HOST TOOLSTACK ARGUMENT...
{
    local h=$1
    shift
    bash "$ON" "$T/host-$h" "$@"
}
sim() { XENSR_SIM_DIR=$T/host-$1 "$SIM" "${@:2}"; }

# use HELPER LIBRARY: from now on both toolstacks work with these.
use()
{
    case $1 in
    ours) export XENSR_HELPER=$HELPER LIBXL_SAVE_HELPER=$HELPER ;;
    stock) export XENSR_HELPER=$STOCK_BIN/libxl-save-helper \
        LIBXL_SAVE_HELPER=$STOCK_BIN/libxl-save-helper ;;
    esac
    case $2 in
    engine) export XENSR_STUBS_DIR=$BUILD/stubs ;;
    libxenguest) export XENSR_STUBS_DIR=$BUILD/stubs-hybrid ;;
    esac
}

# A guest that writes all the time; PV guests rewrite page tables as well.
make_guest() # TYPE
{
    local more=()
    [ "$1" != pv ] || more=(--churn-tables)
    sim from create --type "$1" --name traveller --memory 16 --vcpus 2 \
        --seed 11 --zero 30 --dirty-rate 20000 --hot-set 15 "${more[@]}"
}

save_and_restore() # PARENT
{
    local file=$T/traveller.save
    on from "$1" save traveller "$file" || return 1
    case $1 in
    xensr) on to xensr restore --paused "$file" ;;
    xl) on to xl restore -e -p "$file" ;;
    esac
    local status=$?
    rm -f "$file"
    return $status
}

# The words after which the receiver leaves the guest paused, and returns.
receive_words() # PARENT
{
    case $1 in
    xensr) echo migrate-receive --paused ;;
    xl) echo migrate-receive -e -p ;;
    esac
}
# migrate_live SENDER RECEIVER
migrate_live()
{
    local receive status=0
    export STREAM_COPY=$T/stream
    read -ra receive < <(receive_words "$2")
    case $1 in
    xensr) on from xensr migrate traveller -- \
        bash "$ON" "$T/host-to" "$2" "${receive[@]}" ;;
    xl) on from xl migrate -s '' traveller \
        "exec bash $ON $T/host-to $2 ${receive[*]}" ;;
    esac || status=$?
    unset STREAM_COPY
    [ $status -eq 0 ] || return $status
    was_live
}
# Pages that the guest wrote meanwhile were sent again: the stream is larger than
# memory and what is around it.
was_live()
{
    local size
    size=$(stat -c %s "$T/stream")
    rm -f "$T/stream"
    [ "$size" -gt $((17 << 20)) ] ||
        { echo "$size octets for 16 MiB: no page was sent twice"; return 1; }
}

# ---- what has to be true afterwards --------------------------------------------

same() # WHAT FILE FILE
{
    [ -s "$2" ] || { echo "$1: nothing was recorded on the source"; return 1; }
    cmp "$2" "$3" && return
    echo "$1 differs:"
    diff <(tr ',' '\n' <"$2") <(tr ',' '\n' <"$3") | head -n 20
    return 1
}
# arrived TYPE: it is there, paused, and the same in memory, vCPUs, parameters
# and emulator state as when it was suspended.
arrived()
{
    local d uuid
    d=$(sim to list --json | jq -r '.. | .domid? // empty | select(. != 0)')
    case $d in
    '' | *[!0-9]*) echo "domains on the target: ${d:-none}"; return 1 ;;
    esac
    [ "$(sim to list --json | jq -r ".. | select(.domid? == $d) | .name")" = \
        traveller ] || { echo "it has another name"; return 1; }
    uuid=$(sim to info "$d" --json | jq -r .uuid)
    sim to digest --json "$d" >"$T/digest" || return 1
    same digest "$T/host-from/suspended/$uuid.json" "$T/digest" || return 1
    [ "$1" != hvm ] || same "emulator state" \
        "$T/host-from/suspended/$uuid.emulator" \
        "$T/host-to/suspended/$uuid.loaded" || return 1
    echo "$d" >"$T/domid"
}
# goes_on PARENT TYPE: its memory is right, and stays right while it runs.
goes_on()
{
    local d
    d=$(cat "$T/domid")
    sim to guest "$d" || return 1
    [ "$2" != pv ] ||
        [ "$(jq -r .table_rewrites "$T/before.json")" -gt 0 ] ||
        { echo "it rewrote no page table on its way"; return 1; }
    on to "$1" unpause "$d" || return 1
    within 5 has_written "$d" || { echo "it does not run"; sim to guest "$d"; return 1; }
    sim to guest "$d"
}
has_written()
{
    local now
    now=$(sim to guest --json "$1" | jq -r .writes) || return 1
    [ "$now" -gt "$(jq -r .writes "$T/before.json")" ]
}

# Files and nodes that a domain leaves. Stock toolstacks keep two files of their
# own, and know nothing of what xensr keeps (which made the guest).
left() # HOST
{
    local bad=0
    find "$T/host-$1/dm" "$T/host-$1/state" "$T/host-$1/run" \
        \( -type f -o -type s \) 2>/dev/null |
        grep -Ev "/(domid-history|xl\.lock${xl_works:+|state/[0-9]+\.json})\$" &&
        bad=1
    sim "$1" xenstore | grep -E '^/(vm|libxl|local/domain)/[1-9a-f]' && bad=1
    return $bad
}
gone() # HOST
{
    local d
    d=$(sim "$1" list --json | jq -r '.. | .domid? // empty | select(. != 0)')
    [ -z "$d" ] || { echo "still on $1: domain $d"; return 1; }
    left "$1" || { echo "(left on $1)"; return 1; }
    XENSR_SIM_DIR=$T/host-$1 no_processes ||
        { echo "processes left on $1"; return 1; }
}
gone_soon()
{
    within 5 gone "$1" || gone "$1"
}

# travel TYPE RECEIVER COMMAND...: the command brings it to the other host.
travel()
{
    local type=$1 receiver=$2
    shift 2
    two_hosts && make_guest "$type" >/dev/null || return 1
    "$@" || { echo "failed with status $?: $*"; sim from log; sim to log; return 1; }
    arrived "$type" && gone_soon from || return 1
    sim to guest --json "$(cat "$T/domid")" >"$T/before.json" || return 1
    goes_on "$receiver" "$type" && sim to destroy "$(cat "$T/domid")" && gone_soon to &&
        sanitizers_silent
}

cell() # PARENT HELPER LIBRARY TYPE OPERATION
{
    local xl_works=
    [ "$1" != xl ] || xl_works=1
    use "$2" "$3"
    case $5 in
    save) travel "$4" "$1" save_and_restore "$1" ;;
    migrate) travel "$4" "$1" migrate_live "$1" "$1" ;;
    esac
}
