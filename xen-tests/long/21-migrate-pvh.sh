#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 1800
#
# A busy PVH guest migrates live between every two helpers.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/long/lib/long.sh"
. "$XEN_TESTS/long/lib/migrate.sh"
needs_type pvh
needs_tracking pvh
migrations pvh
done_testing
