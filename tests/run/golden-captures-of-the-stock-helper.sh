#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What xl and the stock helper said to each other on real Xen (tests/golden/talk)
# is what our toolstack and our helper say, on the simulated host, in the same
# order: requests, answers, results, the arguments of the helper. Left out: log
# lines and progress, which no side acts on; numbers that belong to one run.
. "${0%/*}/../lib.sh"
requires "${CC:-gcc}" zstd jq
golden=$TOP/tests/golden
FAKEPARENT=$BUILD/tests/bin/fakeparent

# readable FOLDER: a conversation, one message or answer a line.
readable()
{
    local dir=$1 args frames=
    # a PV guest's are machine frames
    [ "$type" != pv ] || frames='s/^(restore_results) .*/\1 FRAME FRAME/'
    mapfile -t args <"$dir/argv"
    answers=$(grep '^>' "$dir/talk" | wc -l)
    REPLAY=$dir/talk "$FAKEPARENT" -- "$TOP/tests/fake/replay.sh" "${args[@]}" \
        </dev/null | grep -Ev '^(log|progress) ' | sed -E \
        -e 's/^(switch_qemu_logdirty) [0-9]+/\1 DOMID/' \
        -e "$frames" || return
    echo "$answers answers"
}
# The answers themselves, in order.
answers() { sed -n 's/^> //p' "$1/talk"; }
# Arguments that say what to do: all but descriptors, the domain, and ports and
# frames.
arguments()
{
    case $2 in
    save) sed -n '1p;5,$p' "$1/argv" ;;
    restore) sed -n '1p;5p;8,$p' "$1/argv" ;;
    esac
    wc -l <"$1/argv"
}
same_talk()
{
    diff <(readable "$1") <(readable "$2") &&
        diff <(answers "$1") <(answers "$2")
}
same_arguments()
{
    diff <(arguments "$1" "$3") <(arguments "$2" "$3")
}
# captured NAME xensr...: our side of it, in $OURS.
captured()
{
    OURS=$T/talk/$1
    shift
    mkdir -p "$OURS"
    CAPTURE_DIR=$OURS CAPTURE_HELPER=$HELPER "$@" || return
    OURS=$(echo "$OURS"/*)
}
built()
{
    "${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -o "$T/capture" \
        "$TOP/xen-tests/record/capture.c"
}
pair()
{
    local type=$1 op=$2
    local theirs=$golden/talk/xen-4.17-$type-$op
    ok "$type, $op: the recording is a whole conversation" \
        grep -q '^exit 0$' "$theirs/talk"
    ok "$type, $op: the same is said in the same order" \
        same_talk "$theirs" "$OURS"
    ok "$type, $op: the helper gets the same arguments" \
        same_arguments "$theirs" "$OURS" "$op"
}

ok "the observer is built" built
for type in pv pvh hvm-bios; do
    image=$golden/images/xen-4.17-$type.save.zst
    [ -e "$image" ] || continue
    fresh_host
    ok "$type: restored under observation" \
        captured "$type-restore" xensr -q restore --paused \
        --helper "$T/capture" "$image"
    pair "$type" restore
    fresh_host
    ok "$type: a guest" xensr -q sim create --type "${type%-bios}" --name g \
        --memory 16
    ok "$type: saved under observation" \
        captured "$type-save" xensr -q save --helper "$T/capture" g "$T/g.save"
    pair "$type" save
done

# A live migration: both ends at once, each under observation.
type=pvh
migrated()
{
    mkdir -p "$T/talk/live"
    CAPTURE_DIR=$T/talk/live CAPTURE_HELPER=$HELPER \
        xensr -q migrate --helper "$T/capture" g -- \
        "$XENSR" --sim="$T/host-there" -q migrate-receive --helper "$T/capture"
}
fresh_host there
fresh_host here
ok "pvh: a guest that writes" xensr -q sim create --type pvh --name g \
    --memory 16 --dirty-rate 200
ok "pvh: migrated under observation" migrated
for op in save restore; do
    OURS=$(echo "$T"/talk/live/*"$op"-domain)
    theirs=$golden/talk/xen-4.17-pvh-migrate-$op
    ok "pvh, migrate: the same is said in the same order ($op)" \
        same_talk "$theirs" "$OURS"
    ok "pvh, migrate: the helper gets the same arguments ($op)" \
        same_arguments "$theirs" "$OURS" "$op"
done
done_testing
