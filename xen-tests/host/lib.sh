# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the scripts on the machine's side share: words for the user, the time
# that each phase took, the cache, locks, and an orderly end. Sourced by
# ../run.sh before the others of this folder; nothing here knows about Xen.
set -uo pipefail

HOST=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TESTS=${HOST%/*}
TOP=${TESTS%/*}
CACHE=${XENSR_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/xensr}/xen

say() { printf 'xen: %s\n' "$*"; }
die()
{
    printf 'xen: %s\n' "$@" >&2
    exit 1
}

# ---- the end -----------------------------------------------------------------

jobs_begun=()
doomed=() # folders and files to remove

# background COMMAND...: its process id in $JOB. It gets a process group of its
# own, so that all of it can be ended; it would not see Ctrl-C otherwise.
background()
{
    set -m
    "$@" &
    JOB=$!
    set +m
    jobs_begun+=("$JOB")
}
finish()
{
    local status=$? j
    trap - EXIT INT TERM HUP
    for j in "${jobs_begun[@]+"${jobs_begun[@]}"}"; do
        kill -TERM -- "-$j" 2>/dev/null
    done
    [ "$status" -lt 128 ] || sleep 0.2
    for j in "${jobs_begun[@]+"${jobs_begun[@]}"}"; do
        kill -KILL -- "-$j" 2>/dev/null
    done
    for j in "${doomed[@]+"${doomed[@]}"}"; do
        rm -rf -- "$j"
    done
    exit "$status"
}
# For the main script; a subshell that was begun with background has its own.
end_in_order()
{
    trap finish EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# ---- phases ------------------------------------------------------------------

# phase NAME COMMAND...: its words go to $LOG; how long it took, or the last of
# the words if it failed, to the user.
phase()
{
    local name=$1 begun=$EPOCHREALTIME status
    shift
    printf '\n##### %s\n' "$name" >>"$LOG"
    "$@" >>"$LOG" 2>&1
    status=$?
    if [ "$status" -ne 0 ]; then
        say "$name failed (status $status); the end of $LOG:" >&2
        tail -n 25 "$LOG" | sed 's/^/    /' >&2
        return "$status"
    fi
    say "$(printf '%-44s %6.1f s' "$name" "$(since "$begun")")"
}
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'; }

# ---- locks -------------------------------------------------------------------

# hold shared|exclusive FILE WHAT: until this shell, and what it started, ends
# or `release "$LOCK"` is called.
hold()
{
    exec {LOCK}>>"$2" || die "cannot open the lock $2"
    flock -n "--$1" "$LOCK" && return
    say "waiting for another run: $3"
    flock "--$1" "$LOCK"
}
release()
{
    local fd=$1
    exec {fd}>&-
}

# ---- the table of releases ---------------------------------------------------

releases() { awk '/^[0-9]/ { print $1 }' "$HOST/releases"; }
known_release()
{
    releases | grep -qxF -- "$1" ||
        die "no release $1 of Xen is known here; known are: $(releases | xargs)"
}
suite_of() { awk -v r="$1" '$1 == r { print $2 }' "$HOST/releases"; }
packages_of()
{
    awk -v r="$1" '$1 == r { $1 = $2 = ""; print }' "$HOST/releases"
}
