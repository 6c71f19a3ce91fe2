# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests inside dom0 share: waiting, the helpers by name, and the end of
# a test. tap.sh (results), guests.sh (guests and their verdicts) and host.sh (is
# the host as before?) are read from here. A test is
#
#     . "${0%/*}/../dom0/lib.sh"
#     guest_start g pvh rate=200
#     host_before
#     ok "saved" with native xl save g "$T/g.save"
#     ok "restored" with stock xl restore "$T/g.save"
#     ok "intact" guest_intact g && ok "host as before" host_same
#     done_testing
#
# It runs as root in dom0, alone. All guests are destroyed and $T is removed on
# every exit; what is worth keeping goes to $OUT.
set -u

XEN_TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SHARE=${XEN_TESTS%/*}
NAME=$(basename "$0" .sh)
: "${XEN_RELEASE:=$(xl info xen_version | cut -d. -f1,2)}"
: "${XENSR:=$SHARE/xensr/bin/xensr}"
: "${HELPER:=$SHARE/xensr/libexec/xensr/xensr-helper}"
: "${STOCK_HELPER:=/usr/lib/xen-$XEN_RELEASE/bin/libxl-save-helper}"
: "${OUT:=$SHARE/out/$NAME}"
export XEN_RELEASE XENSR HELPER STOCK_HELPER OUT
unset XENSR_ENGINE LIBXL_SAVE_HELPER XENSR_HELPER XENSR_LIVE_FALLBACK

own_t=
if [ -z "${T-}" ]; then
    T=$(mktemp -d /dev/shm/xen-test.XXXXXX) || exit 99
    own_t=1
fi
export T
mkdir -p "$T" "$OUT" || exit 99

cleanup_hooks=()

# shellcheck source=xen-tests/dom0/tap.sh
. "$XEN_TESTS/dom0/tap.sh"

# ---- commands ----------------------------------------------------------------

# must_fail CODES COMMAND...: a proper refusal with one of the exit codes in
# the list "3" or "3|4"; never death by signal or a command that is not there.
must_fail()
{
    local codes=$1 want
    shift
    run "$@"
    for want in ${codes//|/ }; do
        [ "$RC" -ne "$want" ] || return 0
    done
    echo "exit status $RC, expected $codes:"
    cat "$T/out" "$T/err"
    return 1
}

# says REGEX [COUNT]: the standard error of the last `run` has such a line, or
# exactly COUNT of them.
says()
{
    local n
    n=$(grep -Ec -- "$1" "$T/err")
    [ "$n" -gt 0 ] && [ -z "${2-}" ] && return 0
    [ "$n" -eq "${2:--1}" ] && return 0
    echo "$n lines match, expected ${2:-some}: $1"
    cat "$T/err"
    return 1
}

# within SECONDS COMMAND...: repeated until it succeeds, or the time is over. On
# a machine that has other things to do PATIENCE=5 makes that five times longer.
within()
{
    local end=$((SECONDS + $1 * ${PATIENCE:-1}))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

HELPERS="stock ours native"

# with stock|ours|native COMMAND...: libxl and xensr use that save helper; ours
# calls the host's libxenguest, native is ours with its own engine.
with()
{
    local helper=$1
    shift
    case $helper in
    stock) helper_env "$STOCK_HELPER" "" "$@" ;;
    ours) helper_env "$HELPER" "" "$@" ;;
    native) helper_env "$HELPER" native "$@" ;;
    *) echo "with: there is no helper \"$helper\"" >&2; return 99 ;;
    esac
}
# An empty engine is no engine: the helper takes libxenguest. Functions too can
# be called like this, so the environment is changed in a subshell.
helper_env()
{
    (
        export LIBXL_SAVE_HELPER=$1 XENSR_HELPER=$1
        [ -z "$2" ] || export XENSR_ENGINE=$2
        shift 2
        "$@"
    )
}

# shellcheck source=xen-tests/dom0/guests.sh
. "$XEN_TESTS/dom0/guests.sh"
# shellcheck source=xen-tests/dom0/host.sh
. "$XEN_TESTS/dom0/host.sh"
put_consoles_aside

# ---- the end -----------------------------------------------------------------

cleanup()
{
    local status=$? h
    trap - EXIT INT TERM HUP
    for h in "${cleanup_hooks[@]+"${cleanup_hooks[@]}"}"; do
        eval "$h"
    done
    { [ -n "$finished" ] && [ "$n_failed" -eq 0 ]; } || keep_logs
    destroy_all_guests
    [ -z "$own_t" ] || rm -rf "$T"
    [ -n "$finished" ] || echo "# the test ended before its last line"
    [ "$status" -ne 0 ] || [ -n "$finished" ] || status=1
    exit "$status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
