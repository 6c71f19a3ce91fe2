#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SIGTERM, SIGINT, SIGHUP and SIGPIPE reach the helper at every message that it
# sends, every answer, every call on the stream and in between: the save stops
# in order and says so, or was done; the guest runs on as if nothing had been.
. "${0%/*}/../lib.sh"
. "${0%/*}/../bad-lib.sh"

for type in pv pvh hvm; do
    for op in $OPS; do
        helper_meets "$type" "$op" signals
    done
done
done_testing
