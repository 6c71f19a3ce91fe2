#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr destroy` takes a domain, its nodes and its files; where it cannot take
# all of them, its exit code is not that of "nothing changed".
. "${0%/*}/../lib.sh"
requires jq
export XENSR_DEVICE_MODEL= # the file is for somebody else

fresh_host
img=$(image hvm) || exit 1
gone()
{
    no_domains && ! "$SIM" xenstore | grep -E "/(vm|libxl|local/domain)/[1-9]" &&
        ! find "$XENSR_SIM_DIR/dm" "$XENSR_SIM_DIR/state" -type f | grep .
}
ok "restores" xensr -q restore "$img"
ok "destroys it" xensr destroy "$(domids)"
ok "nothing of it is left" gone
ok "a domain that is not there" must_fail 1 xensr destroy 77
ok "is named" says "no domain 77"

ok "restores again" xensr -q restore "$img"
d=$(domids)
file=$XENSR_SIM_DIR/dm/qemu-resume.$d
rm "$file"
mkdir "$file" # what cannot be unlinked, also for root
ok "somebody must look when a file stays" must_fail 5 xensr destroy "$d"
ok "it says at what" says "domain $d is not destroyed completely.*$file"
rmdir "$file"
ok "all the rest is gone" gone
done_testing
