#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `make bench-tools`: the tools that read and rewrite images, side by side with
# the Python ones of Debian's xen-utils and with what only moves the bytes:
#
#   check     xensr check           verify-stream-v2         cat | wc -c
#   convert   xensr-convert-legacy  convert-legacy-stream    cat
#
# Rows are medians of the rounds, in which the three take turns; a ratio is
# taken within each round; "cpu" is that of processor time (with what the shell
# around a pipe needs), which other work on the machine hardly changes. "1-page" images have one page a record or batch, as
# a live save of a busy guest has towards its end; "start" is the smallest image
# there is, so that the time is what starting costs.
#
#   BENCH=check|convert|start|memory   only that (several: with spaces)
#   ROUNDS=7  SIZE=512 (MiB)           how often, how large
#   QUICK=1                            64 MiB, 3 rounds
#   XENSR_BENCH_DIR=/dev/shm           where; should be a tmpfs
set -uo pipefail
# shellcheck source=tests/bench/lib.sh
. "${0%/*}/lib.sh"

# ---- what is compared ----------------------------------------------------------

# Each sets cmd to what WHO has to run; no shell stands between it and the clock
# where it can be helped.
declare -a cmd
check_with()    # WHO IMAGE
{
    case $1 in
    ours) cmd=("$XENSR" check -q "$2") ;;
    stock) cmd=(python3 "$BIN/verify-stream-v2" -f "$FORMAT" -i "$2") ;;
    floor) cmd=(bash -c "cat '$2' | wc -c") ;;
    esac
}
check_piped()
{
    check_with "$@"
    [ "$1" = floor ] || from_pipe "$2" "$XENSR" check -q -
}
convert_with()  # WHO STREAM: to standard output
{
    local options=(--in "$2" --out 1 --width 64 --guest "$TYPE" --format libxl)
    case $1 in
    ours) cmd=("$CONVERT" "${options[@]}") ;;
    stock) cmd=(python3 "$BIN/convert-legacy-stream" "${options[@]}") ;;
    floor) cmd=(cat "$2") ;;
    esac
}
convert_piped()
{
    convert_with "$1" 0
    [ "$1" != floor ] || cmd=(cat)
    from_pipe "$2" "${cmd[@]}"
}
from_pipe()     # FILE COMMAND...
{
    # shellcheck disable=SC2016 # the inner shell's
    cmd=(bash -c 'cat "$0" | "$@"' "$@")
}

# ---- rows ----------------------------------------------------------------------

# once WHO OUT SINK FUNCTION FILE; only those of ONLY, if it is set.
once()
{
    [ -z "${ONLY-}" ] || [[ " $ONLY " == *" $1 "* ]] || return 0
    "$4" "$1" "$5"
    "$TIMED" --to "$3" "$2" -- "${cmd[@]}" 2>"$W/err" ||
        { tail -n 3 "$W/err"; return 1; }
}
tools_heading()
{
    printf '\n%-26s %24s %29s %17s %7s\n' "" "seconds, median" \
        "stock / ours, by round" "floor / ours" "ours"
    printf '%-26s %7s %8s %7s %7s %7s %7s %5s %8s %8s %7s\n' "$1" ours stock \
        floor min median max cpu median minima MiB/s
}
# tools_row LABEL FILE SINK FUNCTION...: three stacks, or those of ONLY.
tools_row()
{
    local label=$1 file=$2 sink=$3 s lo=- mid=- hi=- cpu=- fmid fmin
    shift 3
    rounds row once "$sink" "$@" "$file"
    printf '%-26s' "$label"
    for s in ours stock floor; do
        [ -s "$W/row.$s" ] || { printf ' %8s' -; continue; }
        awk '{ print $1 / 1e9 }' "$W/row.$s" >"$W/value"
        printf " %$([ $s = stock ] && echo 8 || echo 7)s" \
            "$(median "$W/value" %.4f)"
    done
    if [ -s "$W/row.stock" ]; then
        read -r lo mid hi _ < <(ratios "$W/row.stock" "$W/row.ours")
        read -r _ cpu _ < <(ratios "$W/row.stock" "$W/row.ours" 2)
    fi
    read -r _ fmid _ fmin < <(ratios "$W/row.floor" "$W/row.ours")
    awk '{ print $1 / 1e9 }' "$W/row.ours" >"$W/value"
    printf ' %7s %7s %7s %5s %8s %8s %7.0f\n' "$lo" "$mid" "$hi" "$cpu" \
        "$fmid" "$fmin" \
        "$(awk -v s="$(median "$W/value" %.9f)" -v n="$(stat -c %s "$file")" \
            'BEGIN { print n / 1048576 / s }')"
}

# ---- what is measured ----------------------------------------------------------

generate()      # NAME PROGRAM OPTION...
{
    [ -e "$W/$1" ] || "$O/tests/gen/$2" "${@:3}" >"$W/$1"
}
# Images with one page a record are what a legacy stream of such batches becomes.
make_images()
{
    generate pvh genimage --type pvh --memory "$SIZE" --zero 40 &&
        generate pv genimage --type pv --memory "$SIZE" --zero 40 || exit 1
    make_legacy pv 1
    [ -e "$W/single" ] || "$CONVERT" --in "$W/legacy.pv.1" --out "$W/single" \
        --width 64 --guest pv --format libxl || exit 1
}
# Small batches: of an image, as the generator of streams knows none.
make_legacy()   # TYPE BATCH
{
    if [ "$2" != 1 ]; then
        generate "legacy.$1.$2" legacy --type "$1" --width 64 \
            --pages $((SIZE * 256)) --batch "$2" || exit 1
    elif [ ! -e "$W/legacy.$1.1" ]; then
        "$O/tests/gen/genimage" --type "$1" --memory "$SIZE" --zero 40 |
            "$O/tests/gen/legacy_from_v2" --bare --width 64 --batch 1 \
                >"$W/legacy.$1.1" 2>/dev/null || exit 1
    fi
}

bench_check()
{
    make_images
    tools_heading "check, $SIZE MiB"
    tools_row "PVH, file" "$W/pvh" null check_with
    tools_row "PV, file" "$W/pv" null check_with
    ONLY='ours floor' tools_row "PV, pipe" "$W/pv" null check_piped
    FORMAT=libxl tools_row "1-page records, file" "$W/single" null check_with
    rm -f "$W/pvh" "$W/pv" "$W/single"
}

bench_convert()
{
    convert_rows hvm 1024 bulk
    convert_rows pv 1024 bulk
    convert_rows pv 1 1-page
}
convert_rows()  # TYPE BATCH NAME
{
    local TYPE=$1 stream=$W/legacy.$1.$2
    make_legacy "$1" "$2"
    tools_heading "convert ${1^^}, $SIZE MiB"
    tools_row "$3, file -> /dev/null" "$stream" null convert_with
    tools_row "$3, file -> pipe" "$stream" pipe=1048576 convert_with
    tools_row "$3, pipe -> pipe" "$stream" pipe=1048576 convert_piped
    rm -f "$stream"
}

bench_start()
{
    local ROUNDS=$((ROUNDS * 5)) SIZE=0
    tools_heading "start-up"
    generate least.legacy legacy --type hvm --width 64 --pages 256 --batch 256 &&
        generate least.pv genimage --type pv --memory 1 || exit 1
    tools_row "check, smallest image" "$W/least.pv" null check_with
    TYPE=hvm tools_row "convert, smallest stream" "$W/least.legacy" null \
        convert_with
}

# Peaks, and whether they grow with the image.
bench_memory()
{
    local whole=$SIZE
    printf '\n%-36s %9s %9s\n' "peak KiB as the kernel counts" ours stock
    for SIZE in $((whole / 8)) "$whole"; do
        make_images
        make_legacy hvm 1024
        peak_row "check, PVH of $SIZE MiB" check_with "$W/pvh"
        peak_row "check, PV of $SIZE MiB" check_with "$W/pv"
        TYPE=hvm peak_row "convert, HVM of $SIZE MiB" convert_with \
            "$W/legacy.hvm.1024"
        TYPE=pv peak_row "convert, PV of $SIZE MiB, 1-page" convert_with \
            "$W/legacy.pv.1"
        rm -f "$W/pvh" "$W/pv" "$W/single" "$W"/legacy.*
    done
    SIZE=$whole
}
peak_row()      # LABEL FUNCTION FILE
{
    local s
    printf '%-36s' "$1"
    for s in ours stock; do
        rm -f "$W/peaks"
        "$2" "$s" "$3"
        "$TIMED" --peaks "$W/peaks" -- "${cmd[@]}" || exit 1
        awk '$3 > m { m = $3 } END { printf " %9d", m }' "$W/peaks"
    done
    echo
}

# ---- the whole -----------------------------------------------------------------

O=$(realpath "$1")
XENSR=$O/bin/xensr CONVERT=$O/bin/xensr-convert-legacy TIMED=$O/tests/bin/timed
STOCK=${XENSR_STOCK:-$O/stock/libxl-save-helper}
SIZE=${SIZE:-$([ -n "${QUICK-}" ] && echo 64 || echo 512)}
ROUNDS=${ROUNDS:-$([ -n "${QUICK-}" ] && echo 3 || echo 7)}
base=${XENSR_BENCH_DIR:-/dev/shm}
stacks=(ours stock floor)
BIN=$(dirname "$(realpath -m "$STOCK")")
# Where Debian's python does not look.
export PYTHONPATH=$BIN/../lib/python PYTHONDONTWRITEBYTECODE=1
if [ ! -r "$BIN/convert-legacy-stream" ]; then
    echo "bench: xen-utils' Python tools are not there (make stock)"
    exit 1
fi
fit_size
W=$(mktemp -d "$base/xensr-bench.XXXXXX") || exit 1
trap undo EXIT
trap 'exit 130' INT TERM
TYPE=hvm FORMAT=xl

echo "bench: $SIZE MiB, $ROUNDS rounds, $(nproc) processors, load" \
    "$(cut -d' ' -f1 /proc/loadavg)"
for part in ${BENCH:-check convert start memory}; do
    case $part in
    check | convert | start | memory) "bench_$part" ;;
    *) echo "bench: BENCH=$part: there are check, convert, start, memory"
        exit 2 ;;
    esac
done
echo
echo "load at the end $(cut -d' ' -f1 /proc/loadavg)"
