#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 2400
#
# Guests that an older release of Xen saved, with the stock helper and with ours,
# are restored here by the stock helper and by ours, and are intact.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/long/lib/long.sh"
. "$XEN_TESTS/long/lib/carry.sh"

mapfile -t images < <(carried)
[ ${#images[@]} -gt 0 ] || skip_all "no image of a release older than" \
    "$XEN_RELEASE is in $CARRY (\`run.sh all\` boots the older ones first)"
host_before
for image in "${images[@]}"; do
    arrives "$image"
done
done_testing
