#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr sim create`: every type starts, is what was asked for, has the nodes
# and files that a toolstack's domain has, and goes with all of them; what
# cannot be is refused in words, and leaves nothing.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

UUID=01234567-89ab-4cde-8f01-23456789abcd

config() { jq -r "$2" "$XENSR_SIM_DIR"/dm/userdata-d."$1".*.libxl-json; }

as_asked()
{
    local type=$1 d=$2 bad=0
    equal type "$(info "$d" type)" "$type" || bad=1
    equal uuid "$(info "$d" uuid)" "$UUID" || bad=1
    equal vcpus "$(info "$d" vcpus_online)" 3 || bad=1
    equal name "$(info "$d" name)" "the-$type" || bad=1
    equal state "$(info "$d" state)" running || bad=1
    equal introduced "$(info "$d" introduced)" yes || bad=1
    equal "its type for libxl" "$(node "/libxl/$d/type")" "$type" || bad=1
    equal "its vm" "$(node "/local/domain/$d/vm")" "/vm/$UUID" || bad=1
    equal "its console" "$(node "/local/domain/$d/console/tty")" \
        "sim:console/$d" || bad=1
    equal "configured type" "$(config "$d" .c_info.type)" "$type" || bad=1
    equal "configured name" "$(config "$d" .c_info.name)" "the-$type" || bad=1
    equal "configured uuid" "$(config "$d" .c_info.uuid)" "$UUID" || bad=1
    equal "configured memory" "$(config "$d" .b_info.max_memkb)" 20480 || bad=1
    cmp "$XENSR_SIM_DIR/state/$d.json" \
        "$XENSR_SIM_DIR"/dm/userdata-d."$d".*.libxl-json || bad=1
    return $bad
}

has_device_model()
{
    local pid
    pid=$(node "/local/domain/$1/image/device-model-pid")
    case $(readlink "/proc/$pid/exe") in
    */xensr-sim-dm) ;;
    *) echo "process \"$pid\" is no device model"; return 1 ;;
    esac
    [ -S "$XENSR_SIM_DIR/run/qmp-libxl-$1" ]
}

fresh_host
for type in pv pvh hvm; do
    d=$(xensr sim create --type $type --memory 20 --vcpus 3 --uuid $UUID \
        --name the-$type --seed 9 --dirty-rate 100)
    ok "$type: is as asked" as_asked $type "$d"
    ok "$type: is good" "$SIM" guest "$d"
    [ $type != hvm ] || ok "hvm: has a device model" has_device_model "$d"
    ok "$type: is destroyed" xensr sim destroy "$d"
    ok "$type: with everything" host_is_clean
done

ok "as JSON" sh -c "'$SIM' create --type pvh --json --paused |
    jq -e '.type == \"pvh\" and .state == \"paused\"'"
ok "all options have defaults" "$SIM" create --type pv
ok "a guest without device model" "$SIM" create --type hvm --no-dm
for d in $(domids); do "$SIM" destroy "$d"; done
ok "all are gone" host_is_clean

refused() { must_fail "$1" "$SIM" create "${@:3}" && says "$2"; }
ok "no type" refused 2 'needs --type' --memory 8
ok "no such type" refused 2 'pv, pvh and hvm' --type vax
ok "no such option" refused 2 'no option "--colour"' --type pv --colour red
ok "a word too many" refused 2 'does not take "pvh"' --type pv pvh
ok "a value is missing" refused 2 'needs a value' --type
ok "no number" refused 2 'number from 0' --type pv --memory much
ok "too small" refused 1 '8 MiB; 16 to' --type hvm --memory 8
ok "a name with a slash" refused 2 'no slash' --type pv --name a/b
ok "half a UUID" refused 2 '32 hexadecimal' --type pv --uuid 0123
ok "zero pages only" refused 2 '0 to 99' --type pv --zero 100
ok "a phase without rate" refused 2 'SECONDS:PAGES' --type pv --phase 5
ok "a phase of no time" refused 2 'SECONDS:PAGES' --type pv --phase 0:5
ok "page tables of a PVH guest" refused 2 'only a PV guest' \
    --type pvh --churn-tables
ok "PVH without drivers" refused 1 'only an HVM guest' \
    --type pvh --suspend call
ok "more than the host has" refused 1 'no memory' --type pv --memory 100000
d=$("$SIM" create --type pv --name one)
ok "a name that is in use" refused 1 "in use by domain $d" --type pvh --name one
"$SIM" destroy "$d"
ok "and nothing is left of all that" host_is_clean
done_testing
