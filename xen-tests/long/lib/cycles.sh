# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The same thing again and again, as a host does it over a year: what is lost or
# left a little at a time is seen at the end. Our helper, in turn with the host's
# libxenguest and with its own engine; the guest's verdict after every one. Read
# by the tests of one type of guest each, after long.sh.

# Which engine the N-th time; saves and restores do not always meet the same.
engine() { [ $(($1 / $2 % 2)) -eq 0 ] && echo native || echo ours; }

one_save()
{
    with "$1" xl save g "$T/g.save" || { echo "$1 did not save"; return 1; }
    guest_mark g
    with "$2" xl restore "$T/g.save" ||
        { echo "$2 did not restore"; return 1; }
    guest_intact g
}
one_migration()
{
    moves g "xl:$1" "xl:$2" || { echo "$1 did not send to $2"; return 1; }
    guest_intact g
}
# The guest counts its suspends: none may be missing.
# What it said after the last mark is enough.
suspends()
{
    guest_words g | grep -Eao '^xg: intact n=[0-9]+' |
        awk -F= '{ n = $2 } END { print n + 0 }'
}
# times COUNT WHAT: how many were good; stops at the first that was not.
times()
{
    local i
    for ((i = 0; i < $1; i++)); do
        "$2" "$(engine "$i" 1)" "$(engine "$i" 2)" >"$T/one" 2>&1 || {
            note "$2 number $((i + 1)), $(engine "$i" 1) to $(engine "$i" 2):"
            diag_file "$T/one"
            return 1
        }
        [ $(((i + 1) % 10)) -ne 0 ] || tell "${2/_/ }: $((i + 1)) of $1"
    done
}
counted() { [ "$(suspends)" -eq "$1" ] || { suspends; return 1; }; }

# many TYPE SAVES MIGRATIONS
many()
{
    local type=$1 saves=$2 moves=$3
    # shellcheck disable=SC2086 # words
    guest_start g "$type" $BUSY || { fail "a guest of type $type starts"; return; }
    # The first time makes what stays: folders in xenstore, caches.
    ok "it is saved and restored once" one_save native native || return
    host_before
    growth_before
    if times "$saves" one_save; then
        pass "saved and restored $saves times, intact each time"
    else
        fail "saved and restored $saves times, intact each time"
        return
    fi
    ok "  it counted every one" counted $((saves + 1))
    ok "  the host is as before" host_same
    ok "  nothing has grown" no_growth
    guest_stop g
    # A guest that is not live goes, too: a PV guest without shadow paging.
    # shellcheck disable=SC2086 # words
    ok "another one starts" guest_start g "$type" $BUSY || return
    ok "and migrates" one_migration native native || return
    host_before
    growth_before
    if times "$moves" one_migration; then
        pass "migrated $moves times, intact each time"
    else
        fail "migrated $moves times, intact each time"
        return
    fi
    ok "  it counted every one" counted $((moves + 1))
    ok "  log-dirty mode is off" log_dirty_off g
    ok "  the host is as before" host_same
    ok "  nothing has grown" no_growth
}
