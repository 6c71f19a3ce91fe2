# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests that save and migrate simulated guests: two hosts, "a" the sender
# and "b" the receiver, one guest called "web", and the judgement that it has
# exactly one owner and is whole. Sourced behind lib.sh.

CUTPIPE=$BUILD/tests/bin/cutpipe
export CUTPIPE

sim_on() # HOST sim-command...
{
    local host=$T/host-$1
    shift
    "$SIM" --dir "$host" "$@"
}
xensr_on() # HOST command...
{
    local host=$T/host-$1
    shift
    "$XENSR" --sim="$host" "$@"
}

# Domains and their device models end before their host is removed.
end_hosts()
{
    local host d
    for host in a b; do
        [ -d "$T/host-$host" ] || continue
        for d in $(domains_on $host); do
            sim_on $host destroy "$d"
        done
        XENSR_SIM_DIR=$T/host-$host within 5 no_processes || return 1
    done
}
# two_hosts TYPE [sim create option...]: guest "web" runs on a; b is empty.
two_hosts()
{
    local type=$1
    shift
    end_hosts || return 1
    fresh_host b && fresh_host a || return 1
    sim_on a create --type "$type" --name web --memory 4 --vcpus 2 --seed 5 \
        "$@" >"$T/domid"
}
# The receiver, as a transport.
# shellcheck disable=SC2120 # options of its own
receiver() { printf '%s\n' "$XENSR" "--sim=$T/host-b" -q migrate-receive "$@"; }

# migrate_by "OPTION..." TRANSPORT...: from a.
migrate_by()
{
    local options=$1
    shift
    # shellcheck disable=SC2086 # a list of options
    "$XENSR" --sim="$T/host-a" -q migrate $options web -- "$@"
}
migrate_cut() # "CUTPIPE OPTION..." "MIGRATE OPTION..."
{
    local cut=$1 options=${2-}
    mapfile -t to < <(receiver)
    # shellcheck disable=SC2086 # a list of options
    migrate_by "$options" "$CUTPIPE" $cut "${to[@]}"
}

domains_on() # HOST
{
    sim_on "$1" list --json | jq -r '.. | .domid? // empty | select(. != 0)'
}
named_on() # HOST NAME
{
    sim_on "$1" list --json | jq -r --arg n "$2" \
        '.. | objects | select(.name? == $n) | .domid'
}

# whole_on HOST: the only domain there is "web", runs, and says it is whole.
whole_on()
{
    local host=$1 d
    d=$(domains_on "$host")
    [ "$(named_on "$host" web)" = "$d" ] && [ -n "$d" ] ||
        { echo "domains on $host:"; sim_on "$host" list; return 1; }
    sim_on "$host" info --json "$d" >"$T/info" || return 1
    jq -e '.state == "running" and .log_dirty == false' "$T/info" \
        >/dev/null || { grep -E 'state"|log_dirty' "$T/info"; return 1; }
    sim_on "$host" guest "$d" >"$T/verdict" || { cat "$T/verdict"; return 1; }
    no_leftovers_on "$host"
}
no_leftovers_on()
{
    local dir=$T/host-$1
    find "$dir/dm" -name 'qemu-save*' 2>/dev/null | grep . &&
        { echo "(left)"; return 1; }
    find "$TMPDIR" -mindepth 1 | grep . && { echo "(left)"; return 1; }
    XENSR_SIM_DIR=$dir within 5 no_operations ||
        { echo "processes on $1:"; XENSR_SIM_DIR=$dir host_processes |
            xargs -r ps -f -p; return 1; }
    sanitizers_silent
}
# A device model lives as long as its domain.
no_operations()
{
    local p
    for p in $(host_processes); do
        case $(readlink "/proc/$p/exe") in */xensr-sim-dm) continue ;; esac
        return 1
    done
}
# Nothing of a migration is left on the receiver.
empty_on()
{
    XENSR_SIM_DIR=$T/host-$1 host_is_clean
}

# comes_back: what was migrated to b is migrated to a again.
comes_back()
{
    "$XENSR" --sim="$T/host-b" -q migrate web -- \
        "$XENSR" "--sim=$T/host-a" -q migrate-receive && whole_on a &&
        empty_on b
}
# The same operation again succeeds: there, and back.
again_there_and_back()
{
    migrate_cut "" && whole_on b && comes_back
}

# follow_the_message: the operator does what the error said (in $T/err).
follow_the_message()
{
    local text command
    text=$(grep -o 'xensr destroy [0-9]*;\|xensr rename [^(]*xensr resume [0-9]*' \
        "$T/err" | head -2)
    [ "$(printf '%s\n' "$text" | wc -l)" -eq 2 ] ||
        { echo "no commands in:"; cat "$T/err"; return 1; }
    if [ -n "$(named_on b web)" ]; then
        command=$(printf %s "$text" | sed -n 1p)
    else
        empty_on b || return 1
        command=$(printf %s "$text" | sed -n 2p)
    fi
    (
        XENSR_SIM_DIR=$T/host-a
        export XENSR_SIM_DIR
        xensr() { "$XENSR" --sim "$@"; }
        eval "${command%;}"
    ) || { echo "status $? from: $command"; return 1; }
}

# one_owner STATUS: after a migration that ended so, errors in $T/err. 1: the
# guest runs on a; 0: on b; 5: on neither or on b, until the message was followed.
one_owner()
{
    case $1 in
    0) whole_on b && [ -z "$(domains_on a)" ] ;;
    1) whole_on a && empty_on b ;;
    5)
        jq -e '.. | objects | select(.name? == "web--migratedaway")
            | .state == "shutdown" or .state == "suspended"' \
            < <(sim_on a list --json) >/dev/null ||
            { echo "not suspended on a:"; sim_on a list; return 1; }
        follow_the_message || return 1
        if [ -n "$(named_on b web)" ]; then
            [ -z "$(domains_on a)" ] && whole_on b
        else
            whole_on a && empty_on b
        fi
        ;;
    *) echo "status $1"; cat "$T/err"; return 1 ;;
    esac
}
# Wherever it is now, it is on a again.
bring_home()
{
    [ -n "$(named_on a web)" ] || comes_back
}
