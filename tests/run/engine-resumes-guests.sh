#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A suspended guest goes on after a save, as if nothing had been (fast) or as
# if it had been restored (slow), by our engine and by Debian's libxenguest;
# then it can be saved again. A domain that is not suspended is not resumed.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

# save_and_resume ENGINE WAY DOMID
save_and_resume()
{
    local own='' libs=$BUILD/stubs-hybrid
    [ "$1" = stock ] || { own=--engine; libs=$BUILD/stubs; }
    LD_LIBRARY_PATH=$libs "$BUILD/tests/bin/savebox" $own --resume "$2" "$3" \
        >/dev/null
}
runs_on()
{
    "$SIM" guest "$1" && equal "state" "$(info "$1" state)" running
}
wrote() { "$SIM" guest --json "$1" | jq .writes; }
# A guest that is scheduled writes; it is asked until it has.
writes_on()
{
    local before
    before=$(wrote "$1") || return 1
    writes_more() { [ "$(wrote "$1")" -gt "$2" ]; }
    within 10 writes_more "$1" "$before"
}

fresh_host
engines="ours stock"
[ -z "${XENSR_ASAN-}" ] || engines=ours
for type in pv pvh hvm; do
    d=$(new_guest "$type" --name "$type") || exit 1
    for engine in $engines; do
        for way in fast slow; do
            ok "$type: saved and resumed by $engine, $way" \
                save_and_resume "$engine" "$way" "$d"
            ok "$type: it runs on, unharmed" runs_on "$d"
            ok "$type: and writes" writes_on "$d"
        done
    done
done
ok "no sanitizer spoke" sanitizers_silent
done_testing
