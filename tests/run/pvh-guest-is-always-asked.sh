#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A guest of type HVM that has set no callback for Xen's events has no drivers for
# Xen, and is suspended without being asked. Of a PVH guest that says nothing: all
# its devices are Xen's, so it is asked, as libxl does.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
CALLBACK_IRQ=0 # HVM_PARAM_CALLBACK_IRQ

fresh_host
d=$(new_guest pvh) || exit 1
ok "a PVH guest takes its callback back" xensr sim run -- \
    "$BUILD/tests/bin/parambox" "$d" $CALLBACK_IRQ 0
saved() { xensr -v save --keep running "$d" "$T/file" >"$T/out" 2>"$T/err"; }
ok "it is saved" saved
ok "it was asked" says 'asked to suspend through xenstore'
ok "and runs on" unharmed "$d"
ok "comes back" bash -c '"$SIM" destroy "$1" && "$XENSR" --sim -q restore "$2"' - \
    "$d" "$T/file"
done_testing
