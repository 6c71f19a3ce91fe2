#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `make bench`: restores one generated PVH image (40 % zero pages, 45 % text, 15 %
# random) on a simulated host on tmpfs, alternating: our helper and engine,
# Debian's stock helper and libxenguest on the same simulated host, and
# `cat image >/dev/null`. Then, not timed: resident memory and system calls.
#
# XENSR_BENCH_MIB (2048), XENSR_BENCH_RUNS (5) change the size and the rounds.
set -uo pipefail

O=$(realpath "$1")
mib=${XENSR_BENCH_MIB:-2048} runs=${XENSR_BENCH_RUNS:-5}
XENSR=$O/bin/xensr SIM=$O/stubs/xensr-sim GEN=$O/tests/gen/genimage
STOCK=${XENSR_STOCK:-$O/stock/libxl-save-helper}
base=${XENSR_BENCH_DIR:-/dev/shm}

W=$(mktemp -d "$base/xensr-bench.XXXXXX") || exit 1
pid=
undo() { [ -z "$pid" ] || kill "$pid" 2>/dev/null; wait; rm -rf "$W"; }
trap undo EXIT
trap 'exit 130' INT TERM
export XENSR_SIM_DIR=$W/host TMPDIR=$W

# The image and the domain are both in memory at once.
fit_size()
{
    local free avail room
    free=$(df -Pm "$base" | awk 'NR == 2 { print $4 }')
    avail=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
    room=$(((free < avail ? free : avail) - 1024))
    [ $((2 * mib)) -gt "$room" ] || return 0
    echo "bench: no room for $mib MiB twice ($room MiB free): scaled down"
    mib=$((room / 2 / 64 * 64))
    [ "$mib" -ge 64 ] || { echo "bench: skipped, no memory"; exit 0; }
}
make_image()    # MIB FILE
{
    "$GEN" --type pvh --memory "$1" --vcpus 1 --seed 1 --zero 40 --text 45 \
        --random 15 >"$2"
}

restore_ours() { "$XENSR" --sim -q restore "$1"; }
restore_stock()
{
    XENSR_STUBS_DIR=$O/stubs-hybrid "$XENSR" --sim -q restore \
        --helper "$STOCK" "$1"
}
read_by_cat() { cat "$1" >/dev/null; }

new_host()
{
    rm -rf "$XENSR_SIM_DIR"
    mkdir -m 700 "$XENSR_SIM_DIR"
    "$SIM" list >/dev/null
}

# timed KIND IMAGE: nanoseconds in $W/KIND.times, one line a run.
timed()
{
    local t0 t1
    new_host
    t0=$(date +%s%N)
    "$1" "$2" || { echo "bench: $1 failed"; exit 1; }
    t1=$(date +%s%N)
    echo $((t1 - t0)) >>"$W/$1.times"
}

# Peaks of RssAnon + RssFile: guest memory is shared memory here, and the rest
# is what the programs need for themselves. Sampled about every 10 ms.
peaks()         # KIND IMAGE
{
    local p k key value _ rss parent=0 helper=0
    new_host
    "$1" "$2" &
    pid=$!
    # The shell function runs in a subshell: the program is its child.
    while [ -e "/proc/$pid/status" ] && kill -0 "$pid" 2>/dev/null; do
        for p in $(tree "$pid"); do
            k=
            rss=0
            while read -r key value _; do
                case $key in
                Name:) k=$value ;;
                RssAnon: | RssFile:) rss=$((rss + value)) ;;
                esac
            done <"/proc/$p/status" 2>/dev/null
            case $k in
            xensr) [ "$rss" -le "$parent" ] || parent=$rss ;;
            xensr-helper | libxl-save-help*)
                [ "$rss" -le "$helper" ] || helper=$rss ;;
            esac
        done
        sleep 0.01
    done 2>/dev/null
    wait "$pid"
    pid=
    printf '%s %s\n' "$parent" "$helper"
}
tree()
{
    local c
    echo "$1"
    for c in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
        tree "$c"
    done
}

calls_per_gib() # KIND IMAGE MIB
{
    new_host
    strace -f -qq -c -o "$W/calls" bash -c "$(declare -f "$1")"'; "$@"' - \
        "$1" "$2" || return 1
    awk -v mib="$3" '$NF == "total" { printf "%d\n", $4 * 1024 / mib }' \
        "$W/calls"
}

spread()        # FILE UNIT-SCALE: min median max
{
    sort -n "$1" | awk -v s="$2" '{ v[NR] = $1 / s } END {
        m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
        printf "%.3f %.3f %.3f", v[1], m, v[NR] }'
}
row()           # LABEL KIND
{
    local lo mid hi
    read -r lo mid hi < <(spread "$W/$2.times" 1000000000)
    printf '%-34s %8s %8s %8s %9s\n' "$1" "$lo" "$mid" "$hi" \
        "$(awk -v b="$bytes" -v t="$mid" 'BEGIN { printf "%.2f",
            b / t / 1073741824 }')"
}
# Other work on the machine only ever adds time: the least of each is the
# steadiest figure, the rounds show how much to trust it.
ratio()         # LABEL KIND-ABOVE KIND-BELOW
{
    local lo mid hi a b
    paste "$W/$2.times" "$W/$3.times" | awk '{ print $1 / $2 }' >"$W/ratio"
    read -r lo mid hi < <(spread "$W/ratio" 1)
    read -r a _ < <(spread "$W/$2.times" 1)
    read -r b _ < <(spread "$W/$3.times" 1)
    printf '%-34s %8s %8s %8s %9s\n' "$1" "$lo" "$mid" "$hi" \
        "$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.3f", a / b }')"
}

fit_size
kinds=(restore_ours read_by_cat)
if [ -x "$STOCK" ]; then
    kinds=(restore_ours restore_stock read_by_cat)
else
    echo "bench: Debian's stock helper is not there: compared with cat only"
fi
export O XENSR STOCK

echo "bench: image of $mib MiB, $runs rounds, $(nproc) processors"
make_image "$mib" "$W/img" || exit 1
bytes=$(stat -c %s "$W/img")
for ((i = 0; i < runs; i++)); do
    for kind in "${kinds[@]}"; do
        timed "$kind" "$W/img"
    done
done

printf '\n%-34s %8s %8s %8s %9s\n' "seconds" min median max GiB/s
row "ours" restore_ours
[ "${#kinds[@]}" -lt 3 ] || row "stock helper and libxenguest" restore_stock
row "cat image >/dev/null" read_by_cat
printf '\n%-34s %8s %8s %8s %9s\n' "ratio, round by round" min median max \
    minima
[ "${#kinds[@]}" -lt 3 ] ||
    ratio "stock / ours (aim: 1.3)" restore_stock restore_ours
ratio "ours / cat" restore_ours read_by_cat

small=$((mib / 8))
make_image "$small" "$W/small" || exit 1
printf '\n%-34s %8s %8s %8s\n' "resident KiB without guest memory" \
    parent helper sum
for kind in "${kinds[@]}"; do
    [ "$kind" != read_by_cat ] || continue
    for img in small img; do
        size=$([ $img = img ] && echo "$mib" || echo "$small")
        read -r a b < <(peaks "$kind" "$W/$img")
        printf '%-34s %8d %8d %8d\n' "${kind#restore_}, $size MiB" "$a" "$b" \
            $((a + b))
    done
done

if command -v strace >/dev/null; then
    printf '\n%-34s %8s\n' "system calls per GiB of guest" calls
    for kind in "${kinds[@]}"; do
        printf '%-34s %8s\n' "${kind#*_}" \
            "$(calls_per_gib "$kind" "$W/img" "$mib")"
    done
else
    echo "bench: no strace, system calls not counted"
fi
