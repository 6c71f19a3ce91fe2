#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A HVM guest through `xl save` and `xl restore`: each helper's image under each
# helper, the guest's own verdict after each.
. "${0%/*}/../dom0/lib.sh"
. "$XEN_TESTS/dom0/matrix.sh"
needs_type hvm
matrix hvm rate=200 hot=20 zero=20
done_testing
