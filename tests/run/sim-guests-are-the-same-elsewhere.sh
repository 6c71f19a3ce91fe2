#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A simulated guest that is saved while it works and restored on another host
# has the digest there that it had when it suspended; let go, it notices that
# it is in a new domain, works on, and is still good. By Debian's libxenguest
# on both sides (ours with sanitizers). A lost page shows.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

STUBS=$BUILD/stubs-hybrid
[ -z "${XENSR_ASAN-}" ] || STUBS=$BUILD/stubs
on_host() { XENSR_STUBS_DIR=$STUBS "$STUBS/xensr-sim" run -- "$@"; }

# move TYPE [create option...]
move()
{
    local type=$1 d n uuid
    fresh_host b
    fresh_host a
    "$SIM" init --record-suspends || return 1
    d=$(new_guest "$@") || return 1
    uuid=$(info "$d" uuid)
    on_host "$BUILD/tests/bin/savebox" --live --rounds 3 "$d" \
        >"$T/image" 2>"$T/err" || { cat "$T/err"; return 1; }
    cp "$XENSR_SIM_DIR/suspended/$uuid.json" "$T/before.json" || return 1
    "$SIM" digest --json "$d" | cmp - "$T/before.json" || return 1
    "$SIM" destroy "$d"
    use_host b
    n=$(on_host "$BUILD/tests/bin/restorebox" --type "$type" --vcpus 2 \
        --memory 16 <"$T/image" 2>"$T/err") || { cat "$T/err"; return 1; }
    "$SIM" digest --json "$n" | sed '/"uuid"/d' >"$T/after" || return 1
    sed '/"uuid"/d' "$T/before.json" | diff - "$T/after" || return 1
    "$SIM" guest "$n" >/dev/null || { "$SIM" guest "$n"; return 1; }
    "$SIM" run -- true && on_host "$XENSR" -q unpause "$n" || return 1
    within 5 has_worked "$n" || { "$SIM" guest "$n"; return 1; }
    "$SIM" guest "$n" || return 1
    ! "$SIM" digest --json "$n" | sed '/"uuid"/d' | cmp -s - "$T/after"
}
has_worked()
{
    "$SIM" guest "$1" | grep -q 'new domain 1 time' &&
        [ "$("$SIM" guest --json "$1" | jq .running_ms)" -gt 100 ]
}

for type in pv pvh hvm; do
    ok "$type, by xenstore" move $type --no-dm
    ok "$type, 9 vCPUs of another seed" move $type --no-dm --seed 99 --zero 0
done
ok "PV with a tree" move pv --p2m tree
ok "PV that rewrites its page tables" move pv --churn-tables --dirty-rate 5000
ok "HVM without drivers" move hvm --no-dm --suspend call

# One octet of a page's content in the image, and it is not the same guest.
damaged()
{
    local d n
    fresh_host a
    d=$(new_guest pvh --dirty-rate 0) || return 1
    on_host "$BUILD/tests/bin/savebox" "$d" >"$T/image" 2>"$T/err" || return 1
    "$SIM" digest "$d" >"$T/before"
    # in the middle of the second 4 MiB: content, whatever the headers take
    printf '\377\377\377\377' |
        dd of="$T/image" bs=1 seek=6000000 conv=notrunc status=none
    n=$(on_host "$BUILD/tests/bin/restorebox" --type pvh --vcpus 2 \
        --memory 16 <"$T/image" 2>"$T/err") || { cat "$T/err"; return 1; }
    must_fail 1 "$SIM" guest "$n" || return 1
    grep -q '^BAD: .* 1 wrong' "$T/out" || { cat "$T/out"; return 1; }
    "$SIM" digest "$n" >"$T/after"
    ! cmp -s "$T/before" "$T/after"
}
ok "damage of one page shows" damaged
done_testing
