#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# HVM guests, with the real QEMU as device model, move live by `xl migrate`: our
# own guest, which verifies its memory, and a firmware without a guest, which
# needs its devices' state to go on.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/dom0/move.sh"
needs_type hvm

ok "an HVM guest starts" guest_start g hvm rate=100 hot=30 zero=20 || exit 1
host_before
for pair in "stock ours" "ours native" "native native" "native stock"; do
    ok "${pair% *} sends, ${pair#* } receives" \
        moves g "xl:${pair% *}" "xl:${pair#* }" &&
        ok "  it is intact" guest_intact g
done
ok "the host is as before" host_same
guest_stop g

ok "a firmware starts" guest_start g hvm-bios || exit 1
host_before
for pair in "ours stock" "native ours"; do
    ok "${pair% *} sends, ${pair#* } receives" \
        moves g "xl:${pair% *}" "xl:${pair#* }" &&
        ok "  it goes on" guest_intact g
done
ok "the host is as before" host_same
done_testing
