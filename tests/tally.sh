#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sums the results that tests/tap-run.sh kept: one line per folder given, or
# with --total one line "N passed, N failed, N skipped" over all of them.
# A program that ended badly or before its plan was done counts as a failure.
# Exit status 1 if anything failed.
set -eu

total=
if [ "${1-}" = --total ]; then
    total=1
    shift
fi
for dir; do
    for f in "$dir"/*.tap; do
        [ -e "$f" ] && printf '%s\n' "$f"
    done
done | xargs -r -n 1 awk -v total="$total" '
    FNR == 1 { suite = FILENAME; sub(/\/[^\/]*$/, "", suite) }
    /^1\.\.0/ { skipped++; planned = 1; next }
    /^1\.\.[0-9]+/ { plan = substr($1, 4); planned = 1; next }
    /^ok .*# (SKIP|skip)/ { skipped++; n++; next }
    /^ok / { passed++; n++; next }
    /^not ok .*# (TODO|todo)/ { skipped++; n++; next }
    /^not ok/ { failed++; n++; next }
    /^# exit status / { if ($4 != 0) bad = 1 }
    END {
        if (!planned || n < plan) failed += planned ? plan - n : 1
        else if (bad && !failed) failed++
        print suite, passed + 0, failed + 0, skipped + 0
    }' | awk -v total="$total" '
    {
        sub(/.*\//, "", $1)
        if (!($1 in p)) order[++k] = $1
        p[$1] += $2; f[$1] += $3; s[$1] += $4
        tp += $2; tf += $3; ts += $4
    }
    END {
        if (total) {
            line = (tp + 0) " passed, " (tf + 0) " failed"
            print line (ts ? ", " ts " skipped" : "")
        } else for (i = 1; i <= k; i++)
            printf "%-14s %5d passed %4d failed %4d skipped\n",
                   order[i], p[order[i]], f[order[i]], s[order[i]]
        exit tf > 0
    }'
