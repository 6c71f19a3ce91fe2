#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 1800
#
# Remus protects a busy HVM guest, each helper at both ends: the backup takes over
# when the primary dies, and a protection that is stopped leaves the guest.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/long/lib/long.sh"
. "$XEN_TESTS/long/lib/remus.sh"
needs_type hvm
needs_tracking hvm
protections hvm
done_testing
