#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A static analyser finds no error in the sources (where it is installed).
. "${0%/*}/../lib.sh"
requires cppcheck git
cd "$TOP" || exit 1

# (The guest's linker says where parts of its image are: one array for C.)
analysed()
{
    git ls-files -co --exclude-standard "$1/*.c" |
        grep . | xargs cppcheck -q -I. --std=c11 --enable=warning,portability \
        --inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem \
        --suppress=nullPointerArithmetic \
        --suppress='comparePointers:xen-tests/guest/*' -j "$(nproc)" -D__GNUC__=12 2>&1
}
for folder in lib stream convert engine helper plugin tools stubs xen-tests; do
    ok "the analyser finds nothing in $folder/" analysed "$folder"
done
done_testing
