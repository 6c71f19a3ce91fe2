#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 7200
#
# A hundred times saved and restored, twenty times migrated: a PVH guest says each
# time that it is intact, and nothing on the host has grown.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/long/lib/long.sh"
. "$XEN_TESTS/long/lib/cycles.sh"
needs_type pvh
[ $# -gt 0 ] || runs_on 4.17 "the one that most hosts have"
many pvh "${1:-100}" "${2:-20}"
done_testing
