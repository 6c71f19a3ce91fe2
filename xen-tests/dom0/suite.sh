#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs tests in dom0, one after the other: suite.sh quick/00-host.sh ... (below
# xen-tests/). Several machines share the list: who takes a test first makes its
# folder in the queue, which all of them see. Each test has a time limit (a line "# limit: SECONDS" in it, else
# 600), its results in /share/out/tap/NAME.tap, its log folder in $OUT; a line
# tells how it went. What a broken test leaves (guests, processes) is destroyed
# and counts as a failure. init starts this; host/watch.sh shows the lines.
set -u
cd /share/xen-tests || exit 1
tap=/share/out/tap
mkdir -p $tap
status=0

progress() { echo "$*" >>/share/progress; }

# run_one FILE
run_one()
{
    local file=$1 name limit begun=$SECONDS
    name=${file%.sh}
    name=${name//\//-}
    export OUT=/share/out/$name T=/tmp/$name
    mkdir -p "$OUT" "$T"
    limit=$(sed -n 's/^# limit: \([0-9]*\).*/\1/p' "$file" | head -n 1)
    echo "xen-tests: $name" >/dev/kmsg
    limit=${limit:-600}
    XENSR_TEST=$name setsid timeout -k 60 "$limit" bash "$file" \
        </dev/null 2>&1 | stamp >$tap/"$name.tap"
    local rc=${PIPESTATUS[0]}
    {
        [ "$rc" -ne 124 ] && [ "$rc" -ne 137 ] ||
            echo "not ok - over its time limit of $limit s"
        leftovers "$name" || echo "not ok - leaves nothing behind"
        echo "# exit status $rc"
    } >>$tap/"$name.tap"
    rm -rf "$T"
    report "$name" $((SECONDS - begun))
}
# What is neither a result nor a comment becomes one.
stamp() { sed -u -E '/^(ok|not ok|1\.\.|#|Bail)/!s/^/# /'; }

# leftovers NAME: destroys what is left; fails if there was something.
leftovers()
{
    local d p words found=0
    for p in $(grep -lzxF "XENSR_TEST=$1" /proc/[0-9]*/environ 2>/dev/null |
        sed -n 's|^/proc/\([0-9]*\)/environ$|\1|p'); do
        words=$(tr '\0' ' ' 2>/dev/null <"/proc/$p/cmdline")
        case $words in
        '' | xl\ create* | xl\ restore* | xl\ *migrate-receive*)
            continue # gone; or xl's daemon, which goes with its guest
            ;;
        esac
        echo "# left: process $p: $words"
        kill -KILL "$p" 2>/dev/null
        found=1
    done
    for d in $(xl list | awk 'NR > 1 && $2 != 0 { print $2 }'); do
        echo "# left: $(xl list "$d" | tail -n 1)"
        timeout 60 xl destroy "$d"
        found=1
    done
    return $found
}

# report NAME SECONDS: one line, and what failed.
report()
{
    awk -v name="$1" -v seconds="$2" '
        /^1\.\.0/ { skip = $0; sub(/^1\.\.0 *(# *[Ss][Kk][Ii][Pp]\S* *)?/, "", skip); all = 1 }
        /^1\.\.[0-9]/ { plan = substr($1, 4) + 0; planned = 1 }
        /^ok/ { n++; if (/# SKIP/) skipped++; next }
        /^not ok/ { n++; bad[++failed] = $0; next }
        /^# exit status/ { rc = $4 }
        END {
            if (!failed && (!planned || n + 0 < plan || rc != 0))
                bad[++failed] = "not ok - ended with status " rc " after " n + 0 \
                    " of " (planned ? plan : "?") " checks"
            verdict = failed ? "FAILED" : all ? "skipped" : "ok"
            printf "%-7s %-44s %3d checks %4d s", verdict, name, n, seconds
            if (skipped) printf ", %d skipped", skipped
            if (all && !failed) printf ": %s", skip
            print ""
            for (i = 1; i <= failed && i <= 5; i++) print "    " bad[i]
            exit failed > 0
        }' $tap/"$1.tap" >>/share/progress || status=1
}

queue=/share/carry/queue
for file; do
    mkdir "$queue/${file//\//-}" 2>/dev/null || continue
    run_one "$file"
done
exit $status
