#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `make bench`: the same simulated guest (PVH, 40 % zero) is saved, restored and
# migrated live by three stacks in turn:
#
#   ours   our helper and engine
#   stock  Debian's libxl-save-helper and libxenguest
#   mixed  our helper and Debian's libxenguest
#
# each under xensr and on the same simulated hardware. Rows are medians of the
# rounds; a ratio is taken within each round, so that other work on the machine
# meets both sides, and "minima" compares the fastest rounds, as other work only
# ever adds time. "cpu" is the ratio of processor time, which it hardly changes.
#
#   BENCH=save|restore|live|memory|calls   only that (several: with spaces)
#   ROUNDS=7  SIZE=2048 (MiB)              how often, how large
#   QUICK=1                                256 MiB, 3 rounds
#   XENSR_BENCH_DIR=/dev/shm               where; should be a tmpfs
set -uo pipefail
# shellcheck source=tests/bench/lib.sh
. "${0%/*}/lib.sh"

# ---- what is measured ----------------------------------------------------------

bench_save()
{
    local to
    new_host a && make_guest a || exit 1
    heading "save"
    for to in null "file=$W/saved" pipe=65536 pipe=1048576 socket; do
        rounds "save" save_once "$to"
        row "save" "$(sink_name "$to")"
    done
    drop_host a
}
sink_name()
{
    case $1 in
    null) echo "to /dev/null" ;;
    file=*) echo "to tmpfs" ;;
    pipe=*) echo "to a pipe, $((${1#*=} / 1024)) KiB" ;;
    socket) echo "to a UNIX socket" ;;
    esac
}
# The guest runs on afterwards, so that it can be saved again.
save_once()     # STACK OUT SINK
{
    local status
    timed "$2" --to "$3" -- stack "$1" a -q save --keep running 1 -
    status=$?
    rm -f "$W/saved"
    return $status
}

# Warm: the host's memory has its storage, as real memory has; what is measured
# is the restore. Cold: each page of the host is new to the kernel below, which
# has to find and clear it, for each stack alike.
bench_restore()
{
    make_image || exit 1
    heading "restore"
    new_host b --resident || exit 1
    rounds "warm" restore_warm
    row "warm" "warm host"
    drop_host b
    rounds "cold" restore_cold
    row "cold" "cold host"
    rm -f "$W/image"
}
make_image()
{
    [ ! -e "$W/image" ] || return 0
    new_host a && make_guest a || return 1
    stack ours a -q save 1 - >"$W/image" || return 1
    drop_host a
}
restore_warm()  # STACK OUT
{
    timed "$2" -- stack "$1" b -q restore --paused "$W/image" || return 1
    empty_host b
}
restore_cold()  # STACK OUT
{
    local status
    new_host b || return 1
    timed "$2" -- stack "$1" b -q restore --paused "$W/image"
    status=$?
    drop_host b
    return $status
}

# To the other host and back, in turn; 5 % of the guest's pages are written to in
# each second.
bench_live()
{
    local rate=$((SIZE * 256 / 20))
    new_host a --resident || exit 1
    new_host b --resident || exit 1
    make_guest a --dirty-rate "$rate" || exit 1
    here=a there=b
    rounds "live" migrate_once
    printf '\nlive migration, %s MiB, %s pages/s are written to\n' "$SIZE" "$rate"
    printf '%-24s %9s %9s %9s %26s\n' "" ours stock mixed \
        "stock / ours: min med max"
    live_row "seconds in all" seconds 1
    live_row "pause, ms" pause_ms 1
    live_row "MiB sent" stream_bytes 1048576
    live_row "rounds" rounds 1
    live_row "pages sent twice" again 1
    drop_host a
    drop_host b
}
migrate_once()  # STACK OUT
{
    local domid to=$there
    domid=$(domains_on "$here")
    stack "$1" "$here" -q migrate --json "$domid" -- \
        env "XENSR_SIM_DIR=$W/$to" bash "$LIB" stack "$1" "$to" \
        -q migrate-receive >"$W/result" || return 1
    jq -c '. + {again: (.pages_sent - .memory_pages)}' "$W/result" >>"$2.json"
    echo "$(jq '.seconds * 1000000000 | floor' "$W/result") 0" >>"$2"
    there=$here here=$to
}
live_row()      # LABEL KEY UNIT
{
    local s
    for s in "${stacks[@]}"; do
        jq ".$2 / $3" "$W/live.$s.json" >"$W/value.$s"
    done
    printf '%-24s' "$1"
    for s in ours stock mixed; do
        printf ' %9s' "$(median "$W/value.$s" %.2f)"
    done
    ratios "$W/value.stock" "$W/value.ours" | awk '{
        printf " %8s %8s %8s\n", $1, $2, $3 }'
}

# Peaks while a guest is saved and restored: the program's own memory (private
# and file-backed; guest memory is shared memory here) and all of it as the
# kernel counts it, mapped guest memory included.
bench_memory()
{
    local s whole=$SIZE
    printf '\n%-36s %18s %18s\n' "peak KiB" "own memory" "as the kernel counts"
    printf '%-36s %9s %9s %9s %9s\n' "" parent helper parent helper
    for SIZE in $((whole / 8)) "$whole"; do
        make_image || exit 1
        for s in "${stacks[@]}"; do
            new_host a && make_guest a || exit 1
            peaks_of "save $SIZE MiB, $s" stack "$s" a -q save --keep running 1 -
            drop_host a
            new_host b || exit 1
            peaks_of "restore $SIZE MiB, $s" stack "$s" b -q restore --paused \
                "$W/image"
            drop_host b
        done
        rm -f "$W/image"
    done
    SIZE=$whole
}
peaks_of()      # LABEL COMMAND...
{
    local label=$1
    shift
    rm -f "$W/peaks"
    timed "$W/peaks" --peaks -- "$@" || exit 1
    printf '%-36s' "$label"
    awk '$1 == "xensr" { p = $2; ph = $3 }
        /^(xensr-helper|libxl-save-help) / { h = $2; hh = $3 }
        END { printf " %9d %9d %9d %9d\n", p, h, ph, hh }' "$W/peaks"
}

bench_calls()
{
    local s
    command -v strace >/dev/null ||
        { echo "bench: no strace, system calls are not counted"; return; }
    printf '\n%-36s %9s %9s\n' "system calls per GiB of guest" save restore
    make_image || exit 1
    for s in "${stacks[@]}"; do
        new_host a && make_guest a || exit 1
        new_host b || exit 1
        printf '%-36s %9s %9s\n' "$s" \
            "$(calls_of stack "$s" a -q save --keep running 1 -)" \
            "$(calls_of stack "$s" b -q restore --paused "$W/image")"
        drop_host a
        drop_host b
    done
    rm -f "$W/image"
}
calls_of()
{
    strace -f -qq -c -o "$W/calls" bash "$LIB" "$@" >/dev/null || return 1
    awk -v mib="$SIZE" '$NF == "total" { printf "%d\n", $4 * 1024 / mib }' \
        "$W/calls"
}

# ---- the whole ------------------------------------------------------------------

begin "$1"
echo "bench: $SIZE MiB, $ROUNDS rounds, $(nproc) processors, load" \
    "$(cut -d' ' -f1 /proc/loadavg)"
for part in ${BENCH:-save restore live memory calls}; do
    case $part in
    save | restore | live | memory | calls) "bench_$part" ;;
    *) echo "bench: BENCH=$part: there are save, restore, live, memory, calls"
        exit 2 ;;
    esac
done
echo
echo "load at the end $(cut -d' ' -f1 /proc/loadavg)"
