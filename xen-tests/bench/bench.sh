#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Speed on real hypercalls, run in dom0: a suspended guest is saved to /dev/null
# and its image restored from a tmpfs, in turn by
#
#   stock    libxl-save-helper and libxenguest of the distribution
#   ours     xensr-helper and the same libxenguest
#   native   xensr-helper and its own engine
#
# What is timed is the helper from its start to its end (stopwatch): what the
# toolstack does around it is the same for all. In an emulator a second is no
# second, so figures are ratios, taken within each round, least, median and
# greatest of all rounds; and what the helper asked for, counted per 1024 pages
# of the guest in a run of its own (count.so).
#
# From the environment or as arguments (run.sh bench -- BENCH_ROUNDS=3 ...):
#
#   BENCH_TYPES="pvh pv"   guests         BENCH_SIZE=512   their MiB
#   BENCH_ROUNDS=5         BENCH_OPS="save restore"
#   BENCH_STACKS="stock ours native"      the first is what others compare with
#
# After the run that is counted, our guest (xg) verifies its memory.
#
# Before: xen-tests/dom0/init. The table goes to standard output, figures and
# logs to $OUT.
set -uo pipefail

for word; do
    case $word in
    BENCH_[A-Z]*=*) export "${word?}" ;;
    *)
        echo "bench: \"$word\", allowed are BENCH_NAME=VALUE" >&2
        exit 2
        ;;
    esac
done
SIZE=${BENCH_SIZE:-512} ROUNDS=${BENCH_ROUNDS:-5}
read -ra types <<<"${BENCH_TYPES:-pvh pv}"
read -ra ops <<<"${BENCH_OPS:-save restore}"
read -ra stacks <<<"${BENCH_STACKS:-stock ours native}"
XENSR=${XENSR:-/share/xensr/bin/xensr}
HELPER=${HELPER:-/share/xensr/libexec/xensr/xensr-helper}
STOCK_HELPER=${STOCK_HELPER:-$(echo /usr/lib/xen-*/bin/libxl-save-helper)}
TOOLS=${BENCH_TOOLS:-/share/bench}
GUESTS=${BENCH_GUESTS:-/share/guest}
OUT=${OUT:-/share/out/bench}
PAGES=$((SIZE * 256))

die()
{
    echo "bench: $*" >&2
    exit 1
}
say() { echo "# [$(cut -d' ' -f1 /proc/uptime)] $*" >&2; }

# within SECONDS COMMAND...: until it succeeds
within()
{
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

# ---- guests ---------------------------------------------------------------------

console=/var/log/xen/console/guest-bench.log
has_said() { grep -qa "$1" "$console" 2>/dev/null; }
state_is() { xl list bench 2>/dev/null | awk -v s="$1" 'END { exit $5 !~ s }'; }

config()        # TYPE
{
    printf '%s\n' 'name="bench"' "type=\"$1\"" "memory=$SIZE" 'vcpus=1' \
        'on_crash="preserve"'
    if [ -e "$GUESTS/xg" ]; then
        printf '%s\n' "kernel=\"$GUESTS/xg\"" \
            'extra="seed=1 rate=0 zero=40 suspend=xenstore"'
    else
        printf '%s\n' "kernel=\"$GUESTS/vmlinuz\"" \
            "ramdisk=\"$GUESTS/initrd.gz\"" 'extra="console=hvc0 quiet"'
    fi
}
start_guest()   # TYPE
{
    local ready='guest tick'
    [ ! -e "$GUESTS/xg" ] || ready='xg: ready'
    rm -f "$console"
    config "$1" >"$W/bench.cfg"
    xl create -q "$W/bench.cfg" || die "no $1 guest"
    within 300 has_said "$ready" || die "the $1 guest did not say \"$ready\""
    DOMID=$(xl domid bench)
    say "$1 guest is up"
}
# Its image for the restores, then it stands still for the saves.
suspend_guest()
{
    "$XENSR" -q save --keep running bench "$W/image" || die "no image"
    xenstore-write "/local/domain/$DOMID/control/shutdown" suspend
    within 120 state_is ss || die "the guest did not suspend"
    say "suspended"
}

# ---- one run --------------------------------------------------------------------

# helped STACK COMMAND...: with that stack's helper below the stopwatch
helped()
(
    case $1 in
    stock) export STOPWATCH_HELPER=$STOCK_HELPER ;;
    *) export STOPWATCH_HELPER=$HELPER ;;
    esac
    unset XENSR_ENGINE
    [ "$1" != native ] || export XENSR_ENGINE=native
    shift
    "$@"
)
# Callbacks: suspend, switch_qemu_logdirty, as libxl offers them.
save_once()     # STACK
{
    helped "$1" "$TOOLS/fakeparent" --limit 600000 --fd 5 -- "$TOOLS/stopwatch" \
        --save-domain 5 -1 "$DOMID" 0 $((1 << 3 | 1 << 7)) 0 5>/dev/null \
        >"$OUT/save.$1.log" 2>&1 && grep -q '^exit 0' "$OUT/save.$1.log"
}
restore()       # STACK OPTION...
{
    helped "$1" "$XENSR" -q restore "${@:2}" --helper "$TOOLS/stopwatch" \
        "$W/image" >"$OUT/restore.$1.log" 2>&1
}
restore_once() { restore "$1" --paused && xl destroy bench; }
restore_judged()
{
    local mark
    mark=$(wc -l <"$console")
    restore "$1" || return 1
    if [ -e "$GUESTS/xg" ] && ! within 120 says_behind "$mark" 'xg: intact'; then
        echo "the guest did not say that it is intact: $(tail -3 "$console")" \
            >>"$OUT/restore.$1.log"
        return 1
    fi
    xl destroy bench
}
says_behind() { tail -n "+$(($1 + 1))" "$console" | grep -qa "$2"; }
save_judged() { save_once "$1"; }

# ---- rounds ---------------------------------------------------------------------

times() { echo "$OUT/$1.$2.$3.times"; }        # OP TYPE STACK
counts() { echo "$OUT/$1.$2.$3.counts"; }

# The order turns; the first round warms up.
rounds()        # OP TYPE
{
    local i k s n=${#stacks[@]}
    for ((i = 0; i <= ROUNDS; i++)); do
        for ((k = 0; k < n; k++)); do
            s=${stacks[(i + k) % n]}
            STOPWATCH_OUT=$(times "$1" "$2" "$s") "${1}_once" "$s" ||
                die "$1 of the $2 guest by $s failed: $(tail -3 \
                    "$OUT/$1.$s.log")"
        done
        [ "$i" -gt 0 ] || rm -f "$OUT/$1.$2".*.times
        say "$1 $2, round $i"
    done
    for s in "${stacks[@]}"; do
        COUNT_OUT=$(counts "$1" "$2" "$s") STOPWATCH_OUT=$W/counted \
            STOPWATCH_PRELOAD=$TOOLS/count.so "${1}_judged" "$s" ||
            die "counting the $1 of the $2 guest by $s failed: $(tail -3 \
                "$OUT/$1.$s.log")"
    done
}

# ---- tables ---------------------------------------------------------------------

ratios()        # OP TYPE STACK: least, median, greatest, and of processor time
{
    paste -d' ' "$(times "$1" "$2" "${stacks[0]}")" "$(times "$1" "$2" "$3")" |
        awk '{ print $1 / $4, $2 / $5 }' | sort -g | awk '
        { r[NR] = $1; c[NR] = $2 }
        END {
            for (i = 2; i <= NR; i++)
                for (k = i; k > 1 && c[k] < c[k - 1]; k--) {
                    t = c[k]; c[k] = c[k - 1]; c[k - 1] = t
                }
            h = int((NR + 1) / 2)
            printf "%8.2f %8.2f %8.2f %10.2f\n", r[1], r[h], r[NR], c[h]
        }'
}
table_of_times()
{
    local op type s
    printf '\n%-28s %8s %8s %8s %10s\n' "${stacks[0]} / other, $SIZE MiB" \
        least median most "processor"
    for op in "${ops[@]}"; do
        for type in "${types[@]}"; do
            for s in "${stacks[@]:1}"; do
                printf '%-28s %s\n' "$op $type: $s" \
                    "$(ratios "$op" "$type" "$s")"
            done
        done
    done
}
# One line a kind that anybody needed at least once in 100 batches.
table_of_counts()       # OP TYPE
{
    local s files=()
    for s in "${stacks[@]}"; do
        files+=("$(counts "$1" "$2" "$s")")
    done
    printf '\n%-28s' "$1 $2, per 1024 pages"
    printf ' %20s' "${stacks[@]}"
    printf '\n%-28s' ""
    printf ' %20s' "${stacks[@]/*/calls (pages, KiB)}"
    printf '\n'
    awk -v batches=$((PAGES / 1024)) '
        FNR == 1 { n++ }
        {
            calls[$1, n] += $2
            amount[$1, n] += $3 / ($1 ~ /^(read|write)/ ? 1024 : 1)
            if ($2 * 100 >= batches) shown[$1] = 1
        }
        END {
            for (k in shown) {
                printf "  %-26s", k
                for (i = 1; i <= n; i++)
                    printf " %9.2f %10.1f", calls[k, i] / batches,
                        amount[k, i] / batches
                printf "\n"
            }
        }' "${files[@]}" | sed \
        -e 's/memory_op:6 /populate    /' -e 's/memory_op:14 /maximum_gpfn /' \
        -e 's/domctl:30 /page types/' -e 's/domctl:42 /domctl:42 /' | sort
}

# ---- all of it ------------------------------------------------------------------

rm -rf "$OUT"
mkdir -p "$OUT"
W=$(mktemp -d /dev/shm/bench.XXXXXX) || exit 1
trap 'xl destroy bench >/dev/null 2>&1; rm -rf "$W"' EXIT
mount -o remount,size=80% /dev/shm
# From memory: /share is slow, and each run would start with that.
for tool in "$TOOLS"/{stopwatch,count.so,fakeparent} "$XENSR" "$HELPER" \
    "$STOCK_HELPER"; do
    [ -x "$tool" ] || die "$tool is not there (bench/build.sh)"
    cp "$tool" "$W/"
done
TOOLS=$W XENSR=$W/xensr HELPER=$W/xensr-helper STOCK_HELPER=$W/libxl-save-helper

for type in "${types[@]}"; do
    start_guest "$type"
    suspend_guest
    [[ " ${ops[*]} " != *" save "* ]] || rounds save "$type"
    xl destroy bench
    [[ " ${ops[*]} " != *" restore "* ]] || rounds restore "$type"
done
table_of_times
for op in "${ops[@]}"; do
    for type in "${types[@]}"; do
        table_of_counts "$op" "$type"
    done
done
