#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The emulator's file does not fit, or its folder is not there: the restore fails,
# says why, and nothing is left; with room it works.
. "${0%/*}/../lib.sh"
requires jq unshare
export XENSR_DEVICE_MODEL= # the file is for somebody else

fresh_host
img=$(image hvm --emu-size 400000) || exit 1
dm=$T/small
mkdir "$dm"

# A tiny tmpfs, in a mount namespace that ends with the command.
on_small_disk()
{
    local root=-r
    [ "$(id -u)" -ne 0 ] || root=
    # shellcheck disable=SC2086,SC2016 # nothing or one word; inner shell's $
    unshare $root -m bash -c 'mount -t tmpfs -o size=128k none "$1" && shift &&
        "$@"; s=$?; ls -A "$0" | grep . >&2 && s=98; exit $s' \
        "$dm" "$dm" "$@"
}
if on_small_disk true 2>/dev/null; then
    ok "no room for the emulator's file" must_fail 1 on_small_disk \
        env XENSR_DM_DIR="$dm" "$XENSR" --sim restore "$img"
    ok "the error says so" says '[Nn]o space|ENOSPC'
    ok "nothing is left" host_is_clean
else
    skip "no room for the emulator's file" "cannot mount a small tmpfs"
fi
ok "no such folder" must_fail 1 \
    env XENSR_DM_DIR="$T/none" "$XENSR" --sim restore "$img"
ok "the error names the folder" says "$T/none"
ok "nothing is left there either" host_is_clean
ok "with room it restores" env XENSR_DM_DIR="$dm" "$XENSR" --sim -q restore "$img"
ok "the file is in its folder" bash -c 'ls "$1" | grep -q "^qemu-resume"' - "$dm"
done_testing
