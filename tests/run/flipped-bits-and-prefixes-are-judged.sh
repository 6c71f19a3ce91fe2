#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each bit of the structure of an image is turned in turn, and the image is cut
# behind each of its bytes: no parser crashes or hangs, what the formats forbid
# is refused, and a prefix always is. Golden and generated images; how many
# changes there were is said.
. "${0%/*}/../lib.sh"
requires zstd

# Of the entries of large PAGE_DATA records a part; less with sanitizers.
few=(6101) fewer=(6101 200)
[ -z "${XENSR_ASAN-}" ] || few=(60101 10) fewer=(60101 4)

# flips WHAT [EVERY [RECORDS]] < IMAGE
flips()
{
    local what=$1
    shift
    if "$BUILD/tests/fuzz/support/flips" "$@" >"$T/said" 2>&1 &&
        sanitizers_silent; then
        pass "$what: $(paste -sd ' ' "$T/said")"
    else
        cat "$T/said"
        fail "$what"
    fi
}
generated()
{
    flips "$*" "${part[@]}" < <("$GENIMAGE" --seed 3 --type "$@")
}

part=("${few[@]}")
generated pv --memory 1 --vcpus 3 --xsave
generated pv --memory 1 --version 2 --layers libxc
generated pv --memory 1 --verify --live --layers libxl
part=("${fewer[@]}")
generated pvh --memory 8 --version 2
generated pvh --memory 8 --vcpus 2 --layers libxl
generated hvm --memory 8 --vcpus 2 --physmap --emu-size 999
for f in "$TOP"/tests/golden/images/*.zst; do
    flips "$(basename "$f" .save.zst)" "${part[@]}" < <(zstd -q -dc <"$f")
done
done_testing
