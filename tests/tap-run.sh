#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs one test program for prove: a time limit, and its TAP kept in $TAP_DIR
# for the totals. cmocka prints one plan and one numbering per group; both are
# joined, so that prove sees one list. tests/check.sh calls this.
set -uo pipefail

name=${1#"$PWD"/}
out=$TAP_DIR/$(printf %s "$name" | tr / _).tap
export CMOCKA_MESSAGE_OUTPUT=TAP

case $name in
*.sh) set -- bash "$@" ;;
esac

# Diagnostics go to stdout as comments: they belong to the test above them.
join_groups()
{
    awk '
    /^1\.\.[0-9]+ *$/ { plan += substr($1, 4); seen = 1; next }
    /^1\.\.0/ { print; all_skipped = 1; next }
    /^(not )?ok( |$)/ {
        n++; bad = ($1 == "not"); rest = $0
        sub(/^(not )?ok *[0-9]* */, "", rest)
        if (rest ~ /^# SKIP/) bad = 0
        printf "%sok %d %s\n", bad ? "not " : "", n, rest
        fflush(); next
    }
    /^Bail out!/ || /^#/ { print; fflush(); next }
    { print "# " $0 }
    END { if (seen && !all_skipped) print "1.." plan }'
}

timeout -k 10 "${XENSR_TEST_LIMIT:-600}" "$@" 2>&1 | join_groups | tee "$out"
status=${PIPESTATUS[0]}
echo "# exit status $status" >>"$out"
[ "$status" -ne 124 ] || echo "# $name: over its time limit" >&2
exit "$status"
