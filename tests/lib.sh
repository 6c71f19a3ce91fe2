# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What shell tests share: TAP for prove, a temporary folder, simulated hosts,
# and the judgement that a refused operation left nothing behind. A test is
#
#     . "${0%/*}/../lib.sh"
#     requires zstd
#     fresh_host
#     ok "refuses a truncated image" must_fail 3 xensr restore "$T/cut"
#     done_testing
#
# Everything below $T is removed on every exit. The programs come from the
# build folder $XENSR_BUILD (default: build/).
set -u

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$(realpath -m "${XENSR_BUILD:-$TOP/build}")
XENSR=$BUILD/bin/xensr
HELPER=$BUILD/bin/xensr-helper
SIM=$BUILD/stubs/xensr-sim
GENIMAGE=$BUILD/tests/gen/genimage
MUTATE=$BUILD/tests/gen/mutate
STOCK=${XENSR_STOCK-$BUILD/stock/libxl-save-helper}
export XENSR HELPER SIM GENIMAGE MUTATE STOCK BUILD TOP

# A tmpfs when there is a roomy one: the simulated host's memory is a file.
pick_tmp()
{
    local free
    free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
    if [ -n "${TMPDIR-}" ] || [ ! -w /dev/shm ] ||
        [ "${free:-0}" -lt 1048576 ]; then
        printf %s "${TMPDIR:-/tmp}"
    else
        printf %s /dev/shm
    fi
}
# work_in FOLDER: everything from now on happens there.
work_in()
{
    T=$1
    mkdir -p "$T/tmp" || exit 99
    export T TMPDIR=$T/tmp
    export ASAN_OPTIONS=exitcode=99:log_path=$T/asan
    export UBSAN_OPTIONS=print_stacktrace=1:log_path=$T/asan
}
work_in "$(mktemp -d "$(pick_tmp)/xensr-test.XXXXXX")"
unset XENSR_SIM_DIR XENSR_HELPER XENSR_DM_DIR XENSR_STATE_DIR XENSR_ENGINE
unset XENSR_STUBS_DIR LD_LIBRARY_PATH XENSR_RUN_DIR XENSR_DEVICE_MODEL

cleanup_hooks=()

# ---- TAP ---------------------------------------------------------------------

# shellcheck source=xen-tests/dom0/tap.sh
. "$TOP/xen-tests/dom0/tap.sh"

requires_stock()
{
    [ -z "${XENSR_ASAN-}" ] ||
        skip_all "stock programs do not run on libraries with sanitizers"
    [ -n "$STOCK" ] && [ -x "$STOCK" ] ||
        skip_all "Debian's save helper is not there (make stock)"
}

# ---- exit codes --------------------------------------------------------------

# No sanitizer has spoken, in any process of this test. (One that is killed in
# the middle of its leak check says only that it cannot go on.)
sanitizers_silent()
{
    local f spoke=0
    for f in "$T"/asan.*; do
        [ -e "$f" ] || return 0
        grep -qv 'Unable to get registers from thread' "$f" || continue
        diag_file "$f" 40
        spoke=1
    done
    rm -f "$T"/asan.*
    return $spoke
}

# must_fail CODES COMMAND...: a proper refusal with one of the exit codes in
# the list "3" or "3|4"; never death by signal, a command that is not there or
# a sanitizer's code.
must_fail()
{
    local codes=$1 want found=
    shift
    run "$@"
    sanitizers_silent || return 1
    if [ "$RC" -ge 124 ] || [ "$RC" -eq 99 ] || [ "$RC" -eq 98 ]; then
        echo "not a refusal but status $RC:"
        cat "$T/err"
        return 1
    fi
    for want in ${codes//|/ }; do
        [ "$RC" -eq "$want" ] && found=1
    done
    if [ -z "$found" ]; then
        echo "exit status $RC, expected $codes:"
        cat "$T/err"
        return 1
    fi
}

# says REGEX: the last command's standard error has a line like that.
says()
{
    grep -Eq -- "$1" "$T/err" && return 0
    echo "no line matches: $1"
    cat "$T/err"
    return 1
}

# within SECONDS COMMAND...: repeated until it succeeds, or the time is over.
within()
{
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

# ---- simulated hosts ---------------------------------------------------------

# fresh_host [NAME]: a new simulated host; it is the current one from now on.
fresh_host()
{
    local dir=$T/host-${1:-0}
    rm -rf "$dir"
    mkdir -m 700 "$dir"
    use_host "${1:-0}"
    "$SIM" xenstore >"$dir.pristine" || return 1
}
use_host()
{
    export XENSR_SIM_DIR=$T/host-$1
}
xensr() { "$XENSR" --sim="$XENSR_SIM_DIR" "$@"; }

domids()
{
    "$SIM" list --json | jq -r '.. | .domid? // empty | select(. != 0)'
}
no_domains()
{
    local d
    d=$(domids) || return 1
    [ -z "$d" ] || { echo "domains left: $d"; return 1; }
}

# Processes that work on this host: its folder is in their environment. The
# search itself runs without it.
host_processes()
{
    env -u XENSR_SIM_DIR grep -lzxF "XENSR_SIM_DIR=$XENSR_SIM_DIR" \
        /proc/[0-9]*/environ 2>/dev/null | env -u XENSR_SIM_DIR \
        sed -n 's|^/proc/\([0-9]*\)/environ$|\1|p'
}
no_processes()
{
    [ -z "$(host_processes)" ]
}

# host_is_clean: nothing of a refused or failed operation is left.
host_is_clean()
{
    local bad=0
    no_domains || bad=1
    "$SIM" xenstore >"$T/xs.now" || bad=1
    diff "$XENSR_SIM_DIR.pristine" "$T/xs.now" >"$T/xs.diff" ||
        { echo "xenstore differs:"; cat "$T/xs.diff"; bad=1; }
    find "$XENSR_SIM_DIR/dm" "$XENSR_SIM_DIR/state" -type f 2>/dev/null |
        grep . && { echo "(files left)"; bad=1; }
    within 5 no_processes ||
        { echo "processes left:"; host_processes | xargs -r ps -f -p; bad=1; }
    find "$TMPDIR" -mindepth 1 | grep . && { echo "(temporary files left)"; bad=1; }
    sanitizers_silent || bad=1
    return $bad
}

# memory_equals DOMID IMAGE [xensr option...]: guest memory is the image's.
memory_equals()
{
    "$SIM" memory --skip-owned "$1" >"$T/mem.domain" &&
        "$XENSR" inspect --memory --skip-owned "$2" >"$T/mem.image" &&
        [ -s "$T/mem.image" ] && cmp "$T/mem.domain" "$T/mem.image"
    local status=$?
    rm -f "$T/mem.domain" "$T/mem.image"
    return $status
}

# ---- images ------------------------------------------------------------------

# image TYPE [genimage option...]: path of a small generated xl save file, made
# once for each set of options.
image()
{
    local name
    name=$T/$(printf %s "$*" | tr -c 'a-z0-9\n' _).img
    if [ ! -e "$name" ]; then
        local type=$1
        shift
        "$GENIMAGE" --type "$type" --memory 8 --vcpus 2 --seed 7 \
            --zero 40 --text 45 --random 15 "$@" >"$name" || return 1
    fi
    printf %s "$name"
}

# ---- the end -----------------------------------------------------------------

cleanup()
{
    local status=$? h p
    trap - EXIT INT TERM HUP
    for h in "${cleanup_hooks[@]+"${cleanup_hooks[@]}"}"; do
        eval "$h"
    done
    for h in "$T"/host-* "$T"/*/host-*; do
        [ -d "$h" ] || continue
        XENSR_SIM_DIR=$h
        export -n XENSR_SIM_DIR
        for p in $(host_processes); do
            kill -9 "$p" 2>/dev/null
        done
    done
    rm -rf "$T"
    [ -n "$finished" ] || echo "# the test ended before its last line"
    [ "$status" -ne 0 ] || [ -n "$finished" ] || status=1
    exit "$status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
