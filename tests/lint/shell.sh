#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shell scripts pass shellcheck.
. "${0%/*}/../lib.sh"
requires shellcheck git
cd "$TOP" || exit 1

clean() { shellcheck -x -S warning -e SC1091,SC2034 -- "$1"; }
while read -r script; do
    ok "shellcheck has nothing to say about $script" clean "$script"
done < <(git ls-files -co --exclude-standard '*.sh' .ci/run \
    'xen-tests/dom0/*' 'xen-tests/linux-guest/*')
done_testing
