#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every guest type comes back with exactly the image's memory, from a file and
# from a pipe, zstd-compressed or not, in both image versions.
. "${0%/*}/../lib.sh"
requires zstd jq

restored_equals()       # IMAGE: the one domain of the host has its memory
{
    local domid
    domid=$(domids) && [ -n "$domid" ] && memory_equals "$domid" "$1"
}
destroyed_is_clean() { "$SIM" destroy "$(domids)" && host_is_clean; }

fresh_host
for type in pv pvh hvm; do
    img=$(image "$type") || exit 1
    zstd -q -c "$img" >"$img.zst"
    for way in file pipe zstd-file zstd-pipe; do
        case $way in
        file) ok "$type restores from a file" xensr -q restore "$img" ;;
        pipe) ok "$type restores from a pipe" \
            bash -c 'cat "$1" | "$XENSR" --sim -q restore -' - "$img" ;;
        zstd-file) ok "$type restores from a compressed file" \
            xensr -q restore "$img.zst" ;;
        zstd-pipe) ok "$type restores from a compressed pipe" \
            bash -c 'cat "$1" | "$XENSR" --sim -q restore -' - "$img.zst" ;;
        esac
        ok "$type from a $way has the image's memory" restored_equals "$img"
        ok "$type from a $way leaves nothing when destroyed" destroyed_is_clean
    done
    old=$(image "$type" --version 2) || exit 1
    ok "$type restores from an image of version 2" xensr -q restore "$old"
    ok "$type of version 2 has the image's memory" restored_equals "$old"
    "$SIM" destroy "$(domids)"
done
done_testing
