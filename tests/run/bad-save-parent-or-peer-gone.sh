#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The parent goes away at every message, its answers end or are cut in half, it
# refuses every request; the receiver stands still or goes away at any octet:
# the helper ends by itself, the guest is as before, no one is left waiting.
. "${0%/*}/../lib.sh"
. "${0%/*}/../bad-lib.sh"

for type in pv pvh hvm; do
    for op in $OPS; do
        helper_meets "$type" "$op" parent refusals octets
    done
done
done_testing
