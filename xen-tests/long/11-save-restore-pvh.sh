#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 1800
#
# A PVH guest of Linux and a busy one of our own through `xl save` and `xl
# restore`: each helper's image under each helper.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/dom0/matrix.sh"
. "$XEN_TESTS/long/lib/long.sh"
needs_type pvh
# shellcheck disable=SC2086 # words
matrix pvh memory=32 $BUSY
tell "pvh: done"
guest_gone g || guest_stop g
matrix linux-pvh
done_testing
