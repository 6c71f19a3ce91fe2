#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A disk that is too small for the image. `xl save` notices it in the middle, and
# our helper says what is the matter; `xensr save` asks before it disturbs the
# guest. The guest goes on, nothing is left, and with more room it works.
. "${0%/*}/../dom0/lib.sh"

disk=$T/disk
mkdir "$disk" && mount -t tmpfs -o size=3m disk "$disk" || skip_all "no tmpfs"
cleanup_hooks+=("umount -l '$disk'")
xensr() { "$XENSR" "$@"; }
goes_on()
{
    guest_says g '^xg: alive' 60 &&
        ! guest_console g | grep -a '^xg: \(DAMAGED\|damaged\)'
}
never_suspended() { ! guest_words g | grep -a '^xg: suspend'; }
empty() { [ -z "$(ls -A "$disk")" ]; }

for type in pv pvh; do
    ok "a $type guest starts" guest_start g $type memory=8 rate=100 hot=30 || exit 1
    host_before
    for engine in ours native; do
        guest_mark g
        run with $engine xl save g "$disk/image"
        ok "$type, $engine: xl save fails" test "$RC" -ne 0
        ok "  the cause is said" says 'no space left'
        ok "  the guest is intact" guest_intact g
        rm -f "$disk/image"
        guest_mark g
        run with $engine xensr save g "$disk/image"
        ok "$type, $engine: xensr save fails" test "$RC" -eq 1
        ok "  the cause is said" says 'needs up to .* are free on its file system'
        ok "  there is no file" empty
        ok "  the guest runs on" goes_on
        ok "  and was not even suspended" never_suspended
    done
    ok "  the host is as before" host_same
    mount -o remount,size=32m "$disk"
    ok "$type: with more room it is saved" with native xl save g "$disk/image"
    guest_mark g
    ok "  and restored" with ours xl restore "$disk/image"
    ok "  it is intact" guest_intact g
    ok "  the host is as before" host_same
    rm -f "$disk/image"
    mount -o remount,size=3m "$disk"
    guest_stop g
done
done_testing
