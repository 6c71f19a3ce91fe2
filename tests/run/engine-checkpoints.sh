#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Checkpointed streams. The backup is the guest as it was at the last complete
# checkpoint, whether our engine or Debian's libxenguest writes or reads the
# stream, and wherever the stream is cut behind that checkpoint.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

# with ENGINE PROGRAM [option...]: ours is asked for directly.
with()
{
    local engine=$1 program=$BUILD/tests/bin/$2 own=
    shift 2
    case $engine in
    ours) own=--engine engine=$BUILD/stubs ;;
    stock) engine=$BUILD/stubs-hybrid ;;
    esac
    LD_LIBRARY_PATH=$engine "$program" $own "$@"
}
engines()
{
    echo ours
    [ -n "${XENSR_ASAN-}" ] || echo stock
}
# A box, and its words if it fails.
box()
{
    with "$1" "$2" "${@:3}" 2>"$T/box.err" && return 0
    cat "$T/box.err" >&2
    return 1
}

# stream ENGINE CHECKPOINTS DOMID
stream() { box "$1" savebox --remus "$2" "$3" >"$T/stream"; }

# backup ENGINE TYPE FILE [option...]: its number in $D.
backup()
{
    D=$(box "$1" restorebox --type "$2" --vcpus 2 --memory 16 "${@:4}" <"$3")
}
good() { "$SIM" guest "$1"; }
backup_is_good()
{
    backup "$1" "$2" "$3" --remus "${@:4}" && good "$D" &&
        "$SIM" memory --skip-owned "$D" >"$T/memory.$1" && "$SIM" destroy "$D"
}
went_on_from() { grep "goes on from checkpoint $1\$" "$T/box.err"; }

# The offset of CHECKPOINT number N in an image.
checkpoint()
{
    od -An -v -tu4 -w8 -j 40 "$1" | awk -v n="$2" '
        skip > 0 { skip -= 8; at += 8; next }
        { if ($1 == 14 && !--n) { print 40 + at; exit }
          skip = int(($2 + 7) / 8) * 8; at += 8 }'
}

remus()
{
    local writer=$1 type=$2 d at size what r
    what="$type, written by $writer"
    d=$(new_guest "$type" --name "$writer$type") || return 1
    ok "$what: four checkpoints" stream "$writer" 4 "$d" || return 1
    ok "$what: the source is unharmed" good "$d"
    ok "$what: and no longer tracked" equal "log-dirty mode" \
        "$(info "$d" log_dirty)" no
    size=$(stat -c %s "$T/stream")
    at=$(checkpoint "$T/stream" 3)
    head -c "$((at + 8))" "$T/stream" >"$T/three"
    head -c "$((size - 1))" "$T/stream" >"$T/cut"
    for r in $(engines); do
        ok "$what: backup by $r" backup_is_good "$r" "$type" "$T/stream"
        mv "$T/memory.$r" "$T/all.$r"
        ok "$what: backup by $r, cut behind the third" \
            backup_is_good "$r" "$type" "$T/three"
        mv "$T/memory.$r" "$T/three.$r"
        ok "$what: backup by $r, cut before the fourth is complete" \
            backup_is_good "$r" "$type" "$T/cut"
        ok "$what: that is the third" cmp "$T/three.$r" "$T/memory.$r"
        ok "$what: which is not the fourth" \
            eval "! cmp -s '$T/three.$r' '$T/all.$r'"
    done
    [ ! -e "$T/all.stock" ] || ok "$what: the same memory by both" \
        cmp "$T/all.ours" "$T/all.stock"
    "$SIM" destroy "$d"
}

fresh_host
for writer in $(engines); do
    for type in pv pvh; do
        remus "$writer" "$type"
    done
done

# What happens to our backup when things go wrong.
d=$(new_guest pvh --name last) || exit 1
stream ours 3 "$d" || exit 1
ok "the toolstack may say that the primary is lost" \
    backup_is_good ours pvh "$T/stream" --lose 3
ok "then the second checkpoint counts" went_on_from 2
# refused FILE [option...]
refused()
{
    must_fail 1 with ours restorebox --type pvh --vcpus 2 --memory 16 "${@:2}" \
        <"$1" && equal "domains" "$(domids)" "$d"
}
at=$(checkpoint "$T/stream" 1)
head -c "$at" "$T/stream" >"$T/none"
ok "cut before the first checkpoint there is no backup" \
    refused "$T/none" --remus
ok "lost before the first, neither" refused "$T/stream" --remus --lose 1
ok "a checkpoint in a plain restore is refused" refused "$T/stream"
cp "$T/stream" "$T/bad"
at=$(checkpoint "$T/stream" 2)
printf '\377' | dd of="$T/bad" bs=1 seek="$((at + 10))" conv=notrunc status=none
ok "damage is no lost primary" refused "$T/bad" --remus

# COLO: the backup runs between checkpoints and tells what it wrote to.
colo()
{
    rm -f "$T/back"
    mkfifo "$T/back"
    with "$1" savebox --colo 4 "$d" 3<"$T/back" 2>"$T/box.err" |
        with ours restorebox --colo --type pvh --vcpus 2 --memory 16 \
            3>"$T/back" 2>"$T/colo.err" >"$T/colo.out" ||
        { cat "$T/box.err" "$T/colo.err"; return 1; }
    D=$(cat "$T/colo.out")
    [ -n "$D" ] || { cat "$T/box.err" "$T/colo.err"; return 1; }
    good "$D" && good "$d" && "$SIM" destroy "$D"
}
for writer in $(engines); do
    ok "COLO: primary by $writer, secondary by ours" colo "$writer"
    ok "four checkpoints" grep 'goes on from checkpoint 4$' "$T/colo.err"
done
ok "the primary is no longer tracked" \
    equal "log-dirty mode" "$(info "$d" log_dirty)" no
ok "no sanitizer spoke" sanitizers_silent
done_testing
