#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each format becomes each other one and comes back byte for byte; Xen's own
# verifier and a restore accept what is in between. What a format has no place
# for goes aside and comes from there again.
. "${0%/*}/../lib.sh"
. "${0%/*}/../convert-lib.sh"
requires jq zstd
export XENSR_DEVICE_MODEL= # restores are judged by their memory

formats="xl libxl libxc-v2 libxc-v3 xenserver"

# goes IMAGE FROM-FORMAT TO-FORMAT: and back again, the same file.
goes()
{
    local img=$1 a=$T/aside back=$T/back version=3 with=()
    rm -rf "$a" "$T/there" "$T/rest" "$back"
    case $2 in libxc-v2) version=2 ;; esac
    case $3 in xl) with=(--with "$T/keep") ;; esac # it needs them to be whole
    convert --to "$3" --aside "$a" ${with[@]+"${with[@]}"} "$img" \
        "$T/there" || return 1
    [ -d "$a" ] || mkdir "$a"
    convert --to "${2%-v[23]}" --image-version $version --with "$a" \
        --aside "$T/rest" "$T/there" "$back" && same "$img" "$back"
}
# restores IMAGE WHAT: what was converted from it becomes a guest with its
# memory.
restores()
{
    local id
    convert --to xl --with "$T/keep" "$2" "$T/again" &&
        xensr -q restore --paused "$T/again" || return 1
    id=$(domids)
    memory_equals "$id" "$1" || return 1
    xensr -q destroy "$id"
}

fresh_host
for type in pv pvh hvm; do
    img=$(image $type --physmap) || img=$(image $type) || exit 1
    for from in $formats; do
        rm -rf "$T/keep" "$T/from"
        convert --to "$from" --aside "$T/keep" "$img" "$T/from" || exit 1
        [ -d "$T/keep" ] || mkdir "$T/keep"
        for to in $formats; do
            ok "$type: $from to $to and back" goes "$T/from" "$from" "$to"
        done
        case $from in
        xl | libxl) # (its Python 3 refuses all keys of emulators)
            [ $type = hvm ] ||
                judged "$type: $from is what Xen's verifier accepts" \
                    "$from" "$T/from"
            ;;
        libxc*)
            judged "$type: $from is what Xen's verifier accepts" libxc \
                "$T/from"
            ;;
        esac
        ok "$type: a guest comes out of $from" restores "$img" "$T/from"
    done
done
done_testing
