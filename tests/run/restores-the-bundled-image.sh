#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The image that a real Xen wrote comes back: memory, and the emulator's state
# file octet for octet.
. "${0%/*}/../lib.sh"
requires zstd jq
export XENSR_DEVICE_MODEL= # the file is for somebody else

img=$TOP/data/demo-hvm.save.zst
fresh_host
ok "the bundled real image restores" xensr -q restore "$img"
domid=$(domids)
ok "its memory is the image's" memory_equals "$domid" "$img"

zstd -q -d -c "$img" >"$T/plain"
read -r off len < <("$MUTATE" offsets <"$T/plain" |
    awk '$1 == "libxl" && $2 == "EMULATOR_CONTEXT" { print $4, $5 }')
blob() { tail -c +$((off + 8 + 8 + 1)) "$T/plain" | head -c $((len - 8)); }
file=$XENSR_SIM_DIR/dm/qemu-resume.$domid
same_blob() { [ "$len" -gt 8 ] && blob | cmp - "$file"; }
ok "the emulator's file is the record's content" same_blob
ok "the emulator's file is private" \
    [ "$(stat -c %a "$file")" = 600 ]
ok "destroying it removes the emulator's file too" \
    bash -c '"$SIM" destroy "$1" && [ ! -e "$2" ]' - "$domid" "$file"
ok "nothing of it is left" host_is_clean
done_testing
