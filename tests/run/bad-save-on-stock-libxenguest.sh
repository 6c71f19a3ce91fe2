#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The same mishaps with our helper over the libxenguest that Debian ships.
. "${0%/*}/../lib.sh"
[ -z "${XENSR_ASAN-}" ] ||
    skip_all "stock programs do not run on libraries with sanitizers"
# It sends a record for every hole in an HVM guest's memory.
export STEP=1009 DENSE=8
. "${0%/*}/../bad-lib.sh"

export XENSR_STUBS_DIR=$BUILD/stubs-hybrid
for type in pv hvm; do
    helper_meets "$type" live signals parent refusals octets
    helper_meets "$type" restore signals parent refusals octets
done
helper_meets pvh live parent refusals
helper_meets pvh restore parent refusals
done_testing
