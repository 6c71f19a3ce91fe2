#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What bench.sh stands on: simulated hosts, the three stacks, rounds, medians
# and ratios. Called as a program, `lib.sh COMMAND...` runs one of its functions
# (for commands that another program has to start).

LIB=$(realpath "${BASH_SOURCE[0]}")

# stack NAME HOST ARGUMENT...: xensr on that host, with that stack's helper.
stack()
(
    name=$1
    export XENSR_SIM_DIR=$W/$2
    shift 2
    [ "$name" = ours ] || export XENSR_STUBS_DIR=$O/stubs-hybrid
    [ "$name" = stock ] || exec "$XENSR" --sim "$@"
    words=() # --helper belongs behind the command
    while [[ $1 == -* ]]; do
        words+=("$1")
        shift
    done
    exec "$XENSR" --sim "${words[@]}" "$1" --helper "$STOCK" "${@:2}"
)
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    "$@"
    exit
fi

# ---- setting up -----------------------------------------------------------------

begin()         # BUILD
{
    O=$(realpath "$1")
    XENSR=$O/bin/xensr SIM=$O/stubs/xensr-sim TIMED=$O/tests/bin/timed
    STOCK=${XENSR_STOCK:-$O/stock/libxl-save-helper}
    SIZE=${SIZE:-$([ -n "${QUICK-}" ] && echo 256 || echo 2048)}
    ROUNDS=${ROUNDS:-$([ -n "${QUICK-}" ] && echo 3 || echo 7)}
    base=${XENSR_BENCH_DIR:-/dev/shm}
    stacks=(ours stock mixed)
    if [ ! -x "$STOCK" ]; then
        echo "bench: Debian's stock helper is not there (make stock)"
        exit 1
    fi
    fit_size
    W=$(mktemp -d "$base/xensr-bench.XXXXXX") || exit 1
    trap undo EXIT
    trap 'exit 130' INT TERM
    mkdir "$W/tmp"
    export O W XENSR STOCK TMPDIR=$W/tmp
    unset XENSR_ENGINE XENSR_HELPER XENSR_DM_DIR XENSR_STATE_DIR XENSR_RUN_DIR
    unset XENSR_STUBS_DIR LD_LIBRARY_PATH
}
undo()
{
    rm -rf "$W"
}

# Two hosts, or a host and a file and what is being written.
fit_size()
{
    local free avail room want=$SIZE
    free=$(df -Pm "$base" | awk 'NR == 2 { print $4 }')
    avail=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
    room=$(((free < avail ? free : avail) - 1024))
    while [ "$SIZE" -ge 64 ] && [ $((3 * SIZE)) -gt "$room" ]; do
        SIZE=$((SIZE / 2))
    done
    [ "$SIZE" -eq "$want" ] ||
        echo "bench: no room for $want MiB three times: scaled down"
    [ "$SIZE" -ge 64 ] || { echo "bench: skipped, no memory"; exit 0; }
}

sim() { XENSR_SIM_DIR=$W/$1 "$SIM" "${@:2}"; }
new_host()      # NAME OPTION...
{
    rm -rf "${W:?}/$1"
    mkdir -m 700 "$W/$1"
    # Domain 0 has 512 MiB of it, tables and other pages of the guest some more.
    sim "$1" init --memory $((SIZE < 384 ? 1024 : SIZE + 640)) "${@:2}"
}
drop_host() { rm -rf "${W:?}/$1"; }
make_guest()    # HOST OPTION...
{
    sim "$1" create --type pvh --memory "$SIZE" --vcpus 1 --seed 1 --zero 40 \
        "${@:2}" >/dev/null
}
domains_on() { sim "$1" list | awk 'NR > 2 { print $1 }'; }
empty_host()
{
    local d
    for d in $(domains_on "$1"); do
        sim "$1" destroy "$d" || return 1
    done
}

# ---- rounds ---------------------------------------------------------------------

# timed OUT OPTION... -- FUNCTION ARGUMENT...
timed()
{
    local out=$1 options=()
    shift
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    "$TIMED" "${options[@]}" "$out" -- bash "$LIB" "$@"
}

# rounds NAME FUNCTION ARGUMENT...: FUNCTION STACK OUT ARGUMENT... for each
# stack in each round, the order turning; OUT is $W/NAME.STACK. The first round
# warms up: its times are dropped.
rounds()
{
    local name=$1 run=$2 i k n=${#stacks[@]} s
    shift 2
    rm -f "$W/$name".*
    for ((i = 0; i <= ROUNDS; i++)); do
        for ((k = 0; k < n; k++)); do
            s=${stacks[(i + k) % n]}
            "$run" "$s" "$W/$name.$s" "$@" ||
                { echo "bench: $name failed with stack $s"; exit 1; }
        done
        [ "$i" -gt 0 ] || rm -f "$W/$name".*
    done
}

# ---- figures --------------------------------------------------------------------

median()        # FILE FORMAT: of its first column
{
    sort -g "$1" | awk -v format="$2" '{ v[NR] = $1 } END {
        m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
        printf format, m }'
}
# ratios FILE-ABOVE FILE-BELOW [COLUMN]: min, median, max of the rounds' ratios,
# and the ratio of the least values.
ratios()
{
    local c=${3:-1}
    paste <(awk -v c="$c" '{ print $c }' "$1") \
        <(awk -v c="$c" '{ print $c }' "$2") |
        awk '{
            r[NR] = $2 ? $1 / $2 : 1
            if (NR == 1 || $1 < a) a = $1
            if (NR == 1 || $2 < b) b = $2
        } END {
            for (i = 2; i <= NR; i++)
                for (k = i; k > 1 && r[k] < r[k - 1]; k--) {
                    t = r[k]; r[k] = r[k - 1]; r[k - 1] = t
                }
            m = NR % 2 ? r[(NR + 1) / 2] : (r[NR / 2] + r[NR / 2 + 1]) / 2
            printf "%.2f %.2f %.2f %.2f\n", r[1], m, r[NR], b ? a / b : 1
        }'
}
heading()
{
    printf '\n%-22s %20s %23s\n' "" "seconds, median" "stock / ours, by round"
    printf '%-22s %6s %6s %6s %6s %6s %6s %7s %6s\n' "$1, $SIZE MiB" ours stock \
        mixed min median max minima cpu
}
row()           # NAME LABEL
{
    local s lo mid hi least cpu
    printf '%-22s' "$2"
    for s in ours stock mixed; do
        awk '{ print $1 / 1e9 }' "$W/$1.$s" >"$W/value"
        printf ' %6s' "$(median "$W/value" %.3f)"
    done
    read -r lo mid hi least < <(ratios "$W/$1.stock" "$W/$1.ours")
    read -r _ cpu _ < <(ratios "$W/$1.stock" "$W/$1.ours" 2)
    printf ' %6s %6s %6s %7s %6s\n' "$lo" "$mid" "$hi" "$least" "$cpu"
}
