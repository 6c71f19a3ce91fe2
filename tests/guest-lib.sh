# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests that save simulated guests; read after lib.sh.

# new_guest TYPE [create option...]: its number. Small, and it writes.
new_guest()
{
    local type=$1
    shift
    xensr sim create --type "$type" --memory 16 --vcpus 2 --seed 5 \
        --dirty-rate 300 --hot-set 20 "$@"
}

# info DOMID KEY
info() { "$SIM" info "$1" | sed -n "s/^$2  *//p"; }
# dm DOMID KEY: what the device model says of itself
dm() { jq -r ".$2" "$XENSR_SIM_DIR/run/sim-dm.$1"; }
node() { "$SIM" xenstore "$1" | sed -n 's/.* = "\(.*\)" .*/\1/p'; }

# equal WHAT FOUND WANTED
equal()
{
    [ "$2" = "$3" ] || { echo "$1: found \"$2\", expected \"$3\""; return 1; }
}

# nothing_left DOMID: no process, file or request of a save.
nothing_left()
{
    local p bad=0
    for p in $(host_processes); do
        case $(readlink "/proc/$p/exe") in
        */xensr-sim-dm | */bash | */dash | '') ;;
        *) echo "process left: $(tr '\0' ' ' <"/proc/$p/cmdline")"; bad=1 ;;
        esac
    done
    find "$XENSR_SIM_DIR/dm" "$XENSR_SIM_DIR/state" \
        \( -name 'qemu-save*' -o -name '*.saving' \) | grep . && bad=1
    sanitizers_silent || bad=1
    return $bad
}

# unharmed DOMID [STATE]: the guest is as if nobody had tried to save it.
unharmed()
{
    local bad=0
    "$SIM" guest "$1" >"$T/guest.out" || { cat "$T/guest.out"; bad=1; }
    equal "state" "$(info "$1" state)" "${2:-running}" || bad=1
    equal "log-dirty mode" "$(info "$1" log_dirty)" no || bad=1
    equal "control/shutdown" \
        "$(node "/local/domain/$1/control/shutdown")" "" || bad=1
    if [ -e "$XENSR_SIM_DIR/run/sim-dm.$1" ]; then
        equal "device model" "$(dm "$1" status)" running || bad=1
        equal "its log-dirty mode" "$(dm "$1" logdirty)" false || bad=1
    fi
    within 5 nothing_left "$1" || { nothing_left "$1"; bad=1; }
    return $bad
}
# unharmed_soon: the same, once what was begun has come to its end.
unharmed_soon()
{
    within 10 unharmed "$@" || unharmed "$@"
}
