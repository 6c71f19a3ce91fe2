#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images that real Xen wrote become every other format and come back as the same
# bytes; `xensr check`, Xen's own verifier and a restore find nothing wrong with
# what is in between.
. "${0%/*}/../lib.sh"
. "${0%/*}/../convert-lib.sh"
requires jq zstd
export XENSR_DEVICE_MODEL=
fresh_host

restores()
{
    local id
    convert --to xl --with "$T/aside" "$1" "$T/xl" &&
        xensr -q restore --paused "$T/xl" || return 1
    id=$(domids)
    memory_equals "$id" "$2" && xensr -q destroy "$id"
}
comes_back()
{
    convert --to xl --image-version 3 --with "$T/aside" "$1" \
        "$T/back" && same "$T/image" "$T/back"
}
for file in "$TOP"/tests/golden/images/*.save.zst; do
    name=${file##*/xen-}
    name=${name%.save.zst}
    zstd -dqcf "$file" >"$T/image"
    for to in libxl libxc-v2 libxc-v3 xenserver; do
        rm -rf "$T/aside" "$T/there"
        ok "$name becomes $to" \
            convert --to $to --aside "$T/aside" "$file" "$T/there"
        [ $to = xenserver ] ||
            ok "$name: check finds no error in the $to" \
                "$XENSR" check --quiet "$T/there"
        case $to in
        libxl) judged "$name: Xen's verifier neither" libxl "$T/there" ;;
        libxc*) judged "$name: Xen's verifier neither" libxc "$T/there" ;;
        esac
        ok "$name: back from $to it is the same" comes_back "$T/there"
        case $to in
        libxc-v2 | xenserver)
            ok "$name: from $to it restores" restores "$T/there" "$T/image"
            ;;
        esac
    done
done
done_testing
