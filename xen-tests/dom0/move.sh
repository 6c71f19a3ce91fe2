# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests that migrate a guest to the host where it is: any sender and any
# receiver with any helper, the judgement that the guest has moved, and stops in
# the middle. Read behind lib.sh. Sending and receiving "ends" are named
#
#     xl:stock xl:ours xl:native xensr:stock xensr:ours xensr:native
#
# by the tool and the save helper that it uses.

# A libxl that receives puts its domain into the sender's folder /vm/UUID, and
# takes it away with whichever goes first: only what is elsewhere is compared.
eval "$(declare -f host_look | sed '1s/host_look/host_look_at_all/')"
host_look() { host_look_at_all "$1" && sed -i '\,^/vm/,d' "$1/xenstore"; }

# receiver_of END: the command, for a sender to start.
receiver_of()
{
    local tool=${1%:*} helper=$HELPER engine=''
    case ${1#*:} in
    stock) helper=$STOCK_HELPER ;;
    native) engine=XENSR_ENGINE=native ;;
    esac
    echo "env -u XENSR_ENGINE LIBXL_SAVE_HELPER=$helper XENSR_HELPER=$helper" \
        "$engine" "$(receiving "$tool")"
}
receiving()
{
    case $1 in
    xl) echo "xl migrate-receive" ;;
    xensr) echo "$XENSR migrate-receive --same-host" ;;
    esac
}
# send END NAME COMMAND [OPTION...]: the migration; status and words as of it.
# Its number is in $T/sender. A background job of a shell ignores SIGINT; who
# sits at a terminal does not.
send()
{
    local tool=${1%:*} helper=${1#*:} name=$2 command=$3 words
    shift 3
    read -ra words <<<"$command"
    case $tool in
    xl) set -- xl migrate -s '' "$@" "$name" "$command" ;;
    xensr) set -- "$XENSR" migrate "$@" "$name" -- "${words[@]}" ;;
    esac
    # shellcheck disable=SC2016 # for the shell that becomes it
    with "$helper" env --default-signal=INT \
        bash -c 'echo $$ >"$T/sender"; exec "$@"' - "$@"
}
# moves NAME FROM TO [OPTION...]: it ends well, and the guest is another domain
# of the same name, alone.
moves()
{
    local name=$1 from=$2 to=$3 old
    shift 3
    guest_mark "$name"
    old=$(guest_domid "$name") || return
    run send "$from" "$name" "$(receiver_of "$to")" "$@"
    keep_words
    [ "$RC" -eq 0 ] || { echo "exit status $RC"; tail -n 25 "$T/err"; return 1; }
    [ "$(guest_domid "$name")" != "$old" ] || { xl list; return 1; }
    within 30 is_alone "$name" || { xl list; return 1; }
}
is_alone() { [ "$(xl list | awk 'NR > 1 && $2 { printf "%s ", $1 }')" = "$1 " ]; }
# What was said, for those who want to read it.
keep_words()
{
    n_words=$((${n_words:-0} + 1))
    cat "$T/out" "$T/err" >"$OUT/words.$n_words" 2>/dev/null
}

# ---- stops -------------------------------------------------------------------

# begin_and_stall COMMAND...: in the background; its receiver is receiver.sh,
# which has all the octets it wanted when this returns. Words in $T/err.
begin_and_stall()
{
    rm -f "$T/stalled" "$T/sender"
    guest_mark g
    "$@" >"$T/out" 2>"$T/err" &
    begun=$!
    within 240 test -s "$T/stalled" && return
    echo "it did not come to a stall:"
    cat "$T/err"
    return 1
}
# ended: what was begun has ended; its status in $RC. Whoever hung is told to go.
ended()
{
    local p
    if ! within 120 begun_is_over; then
        echo "it still runs:"
        ps -ef | grep -E 'xl|xensr'
        kill -KILL "$begun"
        return 1
    fi
    wait "$begun"
    RC=$?
    # A real receiver sees the end of its input when whoever hangs has gone.
    if [ -e "$T/stalled" ]; then
        p=$(cat "$T/stalled")
        [ "$(cat "/proc/$p/comm" 2>/dev/null)" != sleep ] || kill "$p"
        rm -f "$T/stalled"
    fi
    keep_words
}
begun_is_over() { ! kill -0 "$begun" 2>/dev/null; }
helper_of() { pgrep -P "$1" -f 'save-helper|xensr-helper'; }

# goes_on NAME: it runs, after a moment from now, and has found no damage ever.
goes_on()
{
    guest_mark "$1"
    guest_says "$1" '^xg: alive' 60 &&
        ! guest_console "$1" | grep -a '^xg: \(DAMAGED\|damaged\)'
}
was_not_suspended() { ! guest_console "$1" | grep -a "^xg: suspend n=$2"; }
