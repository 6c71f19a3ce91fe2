#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr save` and `xensr restore`: the whole way without libxl, for PV and PVH
# guests, with each helper; and both ways between xensr's images and xl's.
. "${0%/*}/../dom0/lib.sh"

# comes TOOL HELPER: the guest, from $T/g.save.
comes()
{
    guest_mark g
    ok "  $1 restores it with $2" with "$2" "$1" restore "$T/g.save" || return
    ok "  the guest is intact" guest_intact g
}
xensr() { "$XENSR" "$@"; }

for type in pv pvh; do
    host_before
    ok "a guest of type $type starts" guest_start g $type rate=200 || continue
    for helper in ours native stock; do
        ok "$type: xensr saves with $helper" with $helper xensr save g "$T/g.save"
        ok "  it is gone" guest_gone g
        comes xensr $helper
    done
    ok "  xensr destroys it" xensr destroy g
    ok "  and nothing is left" host_same
    comes xl stock
    guest_mark g
    ok "$type: xensr saves with the helper that it is told" \
        xensr save --helper "$STOCK_HELPER" --keep running g "$T/kept.save"
    ok "  the guest is intact" guest_intact g
    ok "$type: xl saves with stock" with stock xl save g "$T/g.save"
    comes xensr native
    ok "  xensr destroys it" xensr destroy g
    ok "  and nothing is left" host_same
done
done_testing
