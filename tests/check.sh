#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs the test suites that `make check` and its relatives name, all through
# prove, and prints one line of totals per suite. The results stay in
# BUILD/tap/SUITE/ for .ci/run. Usage: check.sh --full|--quick|... BUILD
set -uo pipefail
shopt -s nullglob

mode=$1 build=$(realpath -m "$2")
cd "$(dirname "$0")/.." || exit 1
failed=0 suites=()

# suite NAME BUILD FILE...
suite()
{
    local name=$1
    export XENSR_BUILD=$2 TAP_DIR=$build/tap/$name
    shift 2
    [ $# -gt 0 ] || return 0
    printf '\n=== %s (%s)\n' "$name" "$XENSR_BUILD"
    rm -rf "$TAP_DIR" && mkdir -p "$TAP_DIR"
    suites+=("$TAP_DIR")
    prove -j "${XENSR_TEST_JOBS:-$(nproc)}" --exec tests/tap-run.sh "$@" || {
        failed=1
        show_failures
    }
    # What this machine could not do is said, not passed over.
    grep -hi '# skip' "$TAP_DIR"/*.tap | sed 's/^.*# skip */skipped: /I' |
        sort | uniq -c
}
# prove names what failed; this adds what the tests said about it.
show_failures()
{
    local f
    for f in "$TAP_DIR"/*.tap; do
        awk '/^not ok/ { if (!n++) print "--- " FILENAME; p = 20 }
            /^ok/ { p = 0 }
            p-- > 0' "$f" | cut -c1-300
    done
}

# The variants run the same tests. Stock binaries do not run over ASan stubs.
units()
{
    local f programs=()
    for f in tests/unit/*.c tests/unit-sim/*.c; do
        programs+=("$2/${f%.c}")
    done
    suite "$1" "$2" "${programs[@]}"
}
runs() { suite "$1" "$2" tests/run/*.sh; }

export XENSR_STOCK=${XENSR_STOCK-$build/stock/libxl-save-helper}
case $mode in
--unit)
    units unit "$build"
    ;;
--quick)
    units unit "$build"
    runs run "$build"
    ;;
--full)
    units unit "$build"
    runs run "$build"
    suite valgrind "$build" tests/valgrind/*.sh
    XENSR_STOCK='' XENSR_ASAN=1
    export XENSR_STOCK XENSR_ASAN
    units unit-asan "$build-asan"
    runs run-asan "$build-asan"
    ;;
--lint)
    suite lint "$build" tests/lint/*.sh
    ;;
--cross)
    suite cross "$build" tests/cross/{matrix,mixed,verifier,notices}.sh
    grep -hE '^(not )?ok ' "$TAP_DIR"/*.tap # one line a cell
    ;;
--fresh)
    XENSR_TEST_LIMIT=2400 suite fresh "$build" tests/fresh/*.sh
    ;;
*)
    echo "check.sh: unknown mode $mode" >&2
    exit 2
    ;;
esac

printf '\n'
sh tests/tally.sh "${suites[@]}" || failed=1
sh tests/tally.sh --total "${suites[@]}" || failed=1
exit "$failed"
