#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `make fuzz-quick`: each target of tests/fuzz is run by libFuzzer for
# FUZZ_SECONDS (60), two at a time, from its seeds and from what earlier runs in
# this build folder have found. One line each; on a finding the input is kept,
# its name is printed, and the exit code is 1. Usage: fuzz.sh BUILD [TARGET...]
set -uo pipefail
here=$(dirname "$(realpath "$0")") build=$(realpath "$1")
shift
seconds=${FUZZ_SECONDS:-60} work=$build/fuzz
export here build seconds work
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1

# one TARGET: 0, or 1 after a finding.
one()
{
    local t=$1 status stat found log=$work/log/$1
    mkdir -p "$work/corpus/$t" "$work/findings"
    nice -n 19 "$build/tests/fuzz/$t" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -max_len=122880 -print_final_stats=1 \
        -artifact_prefix="$work/findings/$t-" \
        "$work/corpus/$t" "$work/seeds/$t" >"$log" 2>&1
    status=$?
    stat=$(awk '/^stat::number_of_executed_units/ { n = $2 }
        /^stat::new_units_added/ { u = $2 }
        { for (i = 1; i < NF; i++) if ($i == "cov:") c = $(i + 1) }
        END { printf "%11d executions  coverage %5d  new units %5d", n, c, u }' \
        "$log")
    printf '%-10s %s%s\n' "$t" "$stat" "$([ $status = 0 ] || echo '  FINDING')"
    [ "$status" = 0 ] && return 0
    grep -E '^[a-z/]+\.[ch]:[0-9]+: |ERROR: |runtime error:|SUMMARY' "$log" |
        head -n 6 | sed "s/^/    /"
    found=$(sed -n 's/^.*Test unit written to //p' "$log" | tail -n 1)
    echo "    input: ${found:-none, see $log}"
    return 1
}
export -f one

[ $# -gt 0 ] || for f in "$here"/*.c; do
    set -- "$@" "$(basename "$f" .c)"
done
rm -rf "$work/seeds" && mkdir -p "$work/log" "$work/seeds"
bash "$here/seeds.sh" "$build" "$work/seeds" || exit 1
printf '%s\n' "$@" |
    xargs -P "$(($(nproc) < 2 ? 1 : 2))" -I{} bash -c 'one {}' || {
    echo "fuzz: findings are in $work/findings" >&2
    exit 1
}
