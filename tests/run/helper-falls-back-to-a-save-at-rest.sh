#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Where Xen cannot track what a guest writes (Debian's: PV guests) a live save
# is one of the suspended guest, which one warning says; with
# XENSR_LIVE_FALLBACK=no, or for checkpoints, it is an error before the first
# octet.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/save.sh"

fresh_host
"$SIM" init --no-shadow >/dev/null || bail "no host without shadow paging"

warnings() { grep -c '^log 7 ' "$T/talk"; }
refused() # ERRNO REASON
{
    told "complete -1 $1 -> 0" "exit 0" &&
        told_like "log 8 -1 \"xensr-helper\" \"domain $DOM was not saved: $2.*" &&
        not_told '^suspend' && [ "$(octets)" = 0 ] && log_dirty_is_off
}

for e in $(engines); do
    engine "$e"
    guest pv --memory 16
    save 1
    ok "a PV guest is saved ($ENGINE)" told "complete 0 0 -> 0" "exit 0"
    ok "... at rest" not_told 'Frames iteration'
    ok "... with one warning" [ "$(warnings)" = 1 ]
    ok "... that says what it means" told_like '^log 7 .*whole transfer.*'
    cp "$T/image" "$T/image.live"
    resume
    save 0
    ok "a save at rest says nothing of that ($ENGINE)" [ "$(warnings)" = 0 ]
    resume
    save 3
    ok "the verify pass is no obstacle ($ENGINE)" told "complete 0 0 -> 0"
    resume

    XENSR_LIVE_FALLBACK=no save 1
    ok "not allowed: refused ($ENGINE)" refused 95 ".*"
    ok "... and the name of the switch" \
        told_like '.*XENSR_LIVE_FALLBACK=no forbids.*'
    ok "... no warning" [ "$(warnings)" = 0 ]
    XENSR_LIVE_FALLBACK=yes save 1
    ok "allowed by name ($ENGINE)" told "complete 0 0 -> 0"
    resume
    XENSR_LIVE_FALLBACK=maybe save 1
    ok "neither ($ENGINE)" refused 95 'XENSR_LIVE_FALLBACK is .*maybe.*yes and no'
    CBFLAGS=184 TYPE=1
    save 1
    ok "Remus: refused ($ENGINE)" refused 95 ".*"
    ok "... no warning" [ "$(warnings)" = 0 ]
    CBFLAGS=136 TYPE=0
    "$SIM" destroy "$DOM"

    guest pvh --memory 16
    save 1
    ok "a PVH guest is saved while it runs ($ENGINE)" told_like \
        'progress .*Frames iteration 0" .*'
    ok "... without a warning" [ "$(warnings)" = 0 ]
    resume
    on_libs "$SIMDOM" logdirty "$DOM"
    save 1
    ok "a mode that was on already is no obstacle ($ENGINE)" \
        told "complete 0 0 -> 0"
    ok "... nor a reason to warn" [ "$(warnings)" = 0 ]
    ok "... it is off afterwards" log_dirty_is_off
    "$SIM" destroy "$DOM"
done
done_testing
