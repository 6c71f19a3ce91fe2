#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr sim fault`, `sim init --no-shadow`: hypercalls fail when a test wants
# it, as often as it wants, and no more when it does not; the guest is none the
# worse. Debian's library says what it says on a real host without shadow
# paging.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

SAVEBOX=$BUILD/tests/bin/savebox
box() { "$SIM" run -- "$SAVEBOX" "$@" >/dev/null; }
stock_box()
{
    XENSR_STUBS_DIR=$BUILD/stubs-hybrid "$BUILD/stubs-hybrid/xensr-sim" run -- \
        "$SAVEBOX" "$@" >/dev/null
}

faults() { [ "$("$SIM" fault "$1" | tr '\n' ' ')" = "$2" ]; }

fresh_host
d=$(new_guest pv)
ok "nothing is set" faults "$d" ""
ok "some are set" "$SIM" fault "$d" map=3 getcontext resume
ok "and shown" faults "$d" "map=3 getcontext resume "
ok "one is taken back" "$SIM" fault "$d" getcontext=off
ok "the others stay" faults "$d" "map=3 resume "
ok "all are taken back" "$SIM" fault "$d" off
ok "none stays" faults "$d" ""
ok "an unknown one is refused" must_fail 2 "$SIM" fault "$d" gravity
ok "with a list of the others" says 'logdirty-refused, .*resume'
ok "no number" must_fail 2 "$SIM" fault "$d" map=often
ok "no such domain" must_fail 1 "$SIM" fault 77 map

for kind in logdirty-refused logdirty-busy logdirty-read page-types map \
    getcontext; do
    "$SIM" fault "$d" $kind
    ok "$kind: a live save fails" must_fail 1 box --live --resume fast "$d"
    "$SIM" fault "$d" off
    "$SIM" run -- "$SAVEBOX" --resume fast "$d" >/dev/null 2>&1 || :
    ok "$kind: the guest is unharmed" unharmed "$d"
    ok "$kind: the same save succeeds" box --live --resume fast "$d"
done
ok "the n-th call only" "$SIM" fault "$d" logdirty-busy=1
ok "a second attempt is made, and succeeds" box --live --resume fast "$d"
ok "the switch has been used up" faults "$d" ""
ok "set for all domains" "$SIM" fault host page-types
ok "it hits this one" must_fail 1 box --live "$d"
ok "off again" "$SIM" fault host off
ok "unharmed" unharmed "$d"
xensr destroy "$d"
ok "nothing is left" host_is_clean

fresh_host debian
ok "a host without shadow paging" "$SIM" init --no-shadow
d=$(new_guest pv)
if [ -z "${XENSR_ASAN-}" ]; then
    ok "Debian's library cannot save a PV guest live" \
        must_fail 1 stock_box --live "$d"
    ok "for its reasons" says 'enable logdirty: 95,22,0'
fi
ok "nor can our engine" must_fail 1 box --live --engine "$d"
ok "at rest it can" box --resume fast "$d"
ok "PV: unharmed" unharmed "$d"
xensr destroy "$d"
d=$(new_guest pvh)
ok "PVH is tracked without it" box --live --resume fast "$d"
ok "PVH: unharmed" unharmed "$d"
xensr destroy "$d"
ok "nothing is left there" host_is_clean
done_testing
