#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# HVM guests with a real device model: `xensr save` speaks with QEMU as libxl
# does, `xl restore` takes the image. `xensr restore` starts the QEMU that it is
# told; without one the guest stays paused.
. "${0%/*}/../dom0/lib.sh"
xensr() { "$XENSR" "$@"; }
needs_type hvm
qemu=$(device_model)

# hvm TYPE: our guest, or hvm-bios by hand
hvm()
{
    host_before
    ok "$1 starts" guest_start g "$1" || return
    cp -r "$T/before" "$T/without"
    host_before
    for engine in ours native; do
        guest_mark g
        ok "xensr saves with $engine, and it goes on" \
            with $engine xensr save --keep running g "$T/g.save"
        ok "  it is intact" guest_intact g
        ok "  the host is as before" host_same
        guest_mark g
        ok "  live" with $engine xensr save --live g "$T/g.save"
        ok "  it is gone" guest_gone g
        ok "  xl restores it" with stock xl restore "$T/g.save"
        ok "  it is intact" guest_intact g
        ok "  the host is as before" host_same
    done
    rm -r "$T/before" && mv "$T/without" "$T/before"
    ok "  xl saves it" with stock xl save g "$T/g.save"
    guest_mark g
    run with native xensr restore "$T/g.save"
    ok "  xensr restores it, for want of a device model paused" \
        test "$RC" -eq 0
    ok "  in words" says 'device model'
    ok "  it is paused" \
        test "$(xl list g | awk 'NR == 2 { print $5 }')" = --p---
    ok "  xensr destroys it" xensr destroy g
    ok "  and nothing is left" host_same
    for engine in ours native; do
        guest_mark g
        ok "  xensr restores it with $engine and a device model" \
            with $engine env XENSR_DEVICE_MODEL="$qemu" \
            "$XENSR" restore "$T/g.save"
        ok "  it is intact" guest_intact g
        ok "  xensr saves it again" with $engine xensr save g "$T/g.save"
        ok "  and nothing is left" host_same
    done
}
hvm "${1:-hvm}"
done_testing
