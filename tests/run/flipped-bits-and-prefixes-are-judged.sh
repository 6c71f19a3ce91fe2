#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each bit of the structure of an image is turned in turn, and the image is cut
# behind each of its bytes: no parser crashes or hangs, what the formats forbid
# is refused, and a prefix always is. Golden and generated images; how many
# changes there were is said. `xensr check` finds each of them bad, too.
. "${0%/*}/../lib.sh"
requires zstd

# Of the entries of large PAGE_DATA records a part; less with sanitizers.
few=(6101) fewer=(6101 200)
[ -z "${XENSR_ASAN-}" ] || few=(60101 10) fewer=(60101 4)

# judged PROGRAM WHAT [EVERY [RECORDS]] < IMAGE
judged()
{
    local program=$1 what=$2
    shift 2
    if "$BUILD/tests/fuzz/support/$program" "$@" >"$T/said" 2>&1 &&
        sanitizers_silent; then
        pass "$what: $(paste -sd ' ' "$T/said")"
    else
        cat "$T/said"
        fail "$what"
    fi
}
generated()
{
    judged flips "$*" "${part[@]}" < <("$GENIMAGE" --seed 3 --type "$@")
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
    judged flips "$(basename "$f" .save.zst)" "${part[@]}" < <(zstd -q -dc <"$f")
done
for kind in pv64 pv32 pvh hvm; do
    judged flipcheck "check, $kind" < <("$BUILD/tests/gen/tiny" "$kind")
done
done_testing
