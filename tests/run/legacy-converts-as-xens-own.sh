#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Where Xen's converter of legacy streams is right, ours writes the same bytes:
# PV and HVM, guests of 32 and 64 bit, saved by toolstacks of 32 and 64 bit,
# from files and through pipes. The width leaves no trace in the result.
. "${0%/*}/../lib.sh"
. "${0%/*}/../legacy-lib.sh"
requires cmp
needs_xens_converter

same_bytes() # STREAM TYPE WIDTH
{
    local f
    for f in libxl libxc; do
        status 0 xens "$1" "$T/theirs" "$2" "$3" $f &&
            status 0 ours "$1" "$T/out" "$2" "$3" $f &&
            cmp "$T/theirs" "$T/out" &&
            "$CONVERT" -i 0 -o 1 -w "$3" -g "$2" -f $f <"$1" | cat >"$T/out" &&
            cmp "$T/theirs" "$T/out" &&
            dd if="$1" bs=64k status=none | ours 0 "$T/out" "$2" "$3" $f &&
            cmp "$T/theirs" "$T/out" || return 1
    done
}
# alike SENTENCE VERIFIED TYPE OPTION...
alike()
{
    local name=$1 judged=$2 type=$3 w
    shift 2
    for w in 32 64; do
        "$LEGACY" --width $w --type "$@" >"$T/in" || return 1
        ok "$name, $w-bit toolstack: the same bytes as Xen's" \
            same_bytes "$T/in" "$type" $w
        ours "$T/in" "$T/v2.$w" "$type" $w libxl
    done
    ok "$name: the toolstack's width leaves no trace" cmp "$T/v2.32" "$T/v2.64"
    [ "$judged" != yes ] ||
        ok "$name: Xen's verifier accepts it" verified "$T/v2.64" libxl
}
alike "a 64-bit PV guest" yes pv --xsave 592
alike "a 32-bit PV guest" yes pv --guest-width 32 --max-vcpu 0
alike "71 vCPU ids, live, verified, small batches" yes \
    pv --live --verify --max-vcpu 70 --batch 8
alike "a PV guest with unmapped pages" yes pv --unmapped 30 --pages 3000
alike "an HVM guest" yes hvm --state 5000
alike "an HVM guest with QEMU's regions" no hvm --physmap 3
alike "an HVM guest of 4.0, live, large batches" yes \
    hvm --live --old-xtab --batch 1024 --pages 3000
alike "the first checkpoint of three" yes hvm --checkpoints 3
done_testing
