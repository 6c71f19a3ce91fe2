#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every toolstack with every helper and every library, for every type of guest:
# a guest that writes all the time is saved and restored, or migrated live, and
# arrives as it was: memory, vCPUs, parameters, the emulator's state.
. "${0%/*}/../lib.sh"
. "${0%/*}/lib.sh"
requires jq

use ours engine
two_hosts || exit 1
xl_missing=$(no_xl)
# why PARENT HELPER: the reason why a cell cannot run here, or nothing
why()
{
    [ "$1" != xl ] || [ -z "$xl_missing" ] || { echo "$xl_missing"; return; }
    [ "$2" = stock ] || return
    if [ -n "${XENSR_ASAN-}" ]; then
        echo "stock programs do not run on libraries with sanitizers"
    elif [ ! -x "$STOCK_BIN/libxl-save-helper" ]; then
        echo "Debian's save helper is not there (make stock)"
    fi
}

for parent in xensr xl; do
    for helper in ours stock; do
        reason=$(why $parent $helper)
        for library in engine libxenguest; do
            for type in pv pvh hvm; do
                for operation in save migrate; do
                    name="$parent, helper $helper, $library: $type $operation"
                    if [ -n "$reason" ]; then
                        skip "$name" "$reason"
                    else
                        ok "$name" cell $parent $helper $library $type \
                            $operation
                    fi
                done
            done
        done
    done
done
done_testing
