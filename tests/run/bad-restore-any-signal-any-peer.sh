#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What can happen to a save helper happens to it while it restores: signals at
# every message, answer and call on the stream, a parent or a sender that goes
# away at any place, refusals. The helper reports and ends; nothing is left.
. "${0%/*}/../lib.sh"
export STEP=7 # it reads as much as there is: many times
. "${0%/*}/../bad-lib.sh"

for type in pv pvh hvm; do
    helper_meets "$type" restore signals parent refusals octets
done
done_testing
