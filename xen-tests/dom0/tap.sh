# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Results of shell tests in TAP, for those on the simulated host (tests/lib.sh)
# and those in dom0 (lib.sh here; dom0 sees this folder only). $T is the test's
# folder; how a test ends is its library's matter: $finished says whether it
# came to its last line, $n_failed what it found.

n_tests=0 n_failed=0 finished=

note() { printf '# %s\n' "$*"; }
diag_file() { sed -e "s/^/# /" "$1" | cut -c1-400 | tail -n "${2:-30}"; }
pass() { n_tests=$((n_tests + 1)); echo "ok $n_tests - $1"; }
fail()
{
    n_tests=$((n_tests + 1)) n_failed=$((n_failed + 1))
    echo "not ok $n_tests - $1"
    return 1
}
skip()
{
    n_tests=$((n_tests + 1))
    echo "ok $n_tests - $1 # SKIP $2"
}
skip_all()
{
    echo "1..0 # SKIP $*"
    finished=1
    exit 0
}
done_testing()
{
    echo "1..$n_tests"
    finished=1
}

# ok SENTENCE COMMAND...: the command must succeed; else its words are shown.
ok()
{
    local name=$1
    shift
    if "$@" >"$T/ok.out" 2>&1; then
        pass "$name"
    else
        local status=$?
        fail "$name"
        note "status $status from: $*"
        diag_file "$T/ok.out"
        return 1
    fi
}

# requires COMMAND...: skip the whole test visibly where one is missing.
requires()
{
    local c
    for c; do
        command -v "$c" >/dev/null || skip_all "$c is not installed"
    done
}

# run COMMAND...: status in $RC, words in $T/out and $T/err.
run()
{
    RC=0
    "$@" >"$T/out" 2>"$T/err" || RC=$?
}
