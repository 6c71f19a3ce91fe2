#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Records golden data in dom0 of real Xen: images of guests of each type, a live
# migration and a Remus stream, all written and read by the release's own tools;
# what the stock helper was given and said meanwhile; a restored guest's part of
# xenstore; and the answers to probe's questions. Every image is restored, and
# the guest must find itself intact, before it is kept. Results are in $OUT
# (out/record on the machine); tests/golden/README.md says what becomes of them.
#
#   record.sh [PART...]    of: images migrations remus answers (default: all)
# XENSR_RECORD_TYPES: images of these types alone.
. "${0%/*}/../dom0/lib.sh"
TOOLS=${XENSR_RECORD_TOOLS:-$SHARE/record}
[ $# -gt 0 ] || set -- images migrations remus answers
[ -x "$TOOLS/capture" ] || {
    echo "record: capture is not in $TOOLS (record/build.sh)"
    exit 1
}
export CAPTURE_HELPER=$STOCK_HELPER

# As small as they can be: guests that fill little of little memory.
types=(pv pvh)
! release_has hvm || types+=(hvm hvm-bios)
[ -z "${XENSR_RECORD_TYPES-}" ] || read -ra types <<<"$XENSR_RECORD_TYPES"
start()
{
    case $1 in
    hvm-bios) guest_start "$2" hvm-bios memory=16 ;;
    hvm) guest_start "$2" hvm memory=16 seed=417 rate=200 hot=1 zero=99 ;;
    *) guest_start "$2" "$1" memory=8 seed=417 rate=200 hot=1 zero=99 ;;
    esac
}
# Images are written to memory first: a guest's pages cannot be written straight
# to the machine's folder (9p wants pages of its own).
keep() { cp "$1" "$OUT/" && rm "$1"; }

# captured NAME COMMAND...: with the stock helper under observation.
captured()
{
    local name=$1
    shift
    export CAPTURE_DIR=$OUT/talk/$name
    rm -rf "$CAPTURE_DIR" && mkdir -p "$CAPTURE_DIR"
    LIBXL_SAVE_HELPER=$TOOLS/capture "$@" >"$OUT/$name.log" 2>&1
}
# What a toolstack leaves of a guest in xenstore, its numbers by name.
store_of()
{
    local d
    d=$(guest_domid "$1")
    {
        xenstore-ls -fp "/local/domain/$d"
        xenstore-ls -fp "/libxl/$d"
        xenstore-ls -fp "/vm/$(xenstore-read "/local/domain/$d/vm" |
            sed 's,^/vm/,,')"
        xenstore-ls -fp "/local/domain/0/backend" | grep "/$d/"
    } 2>/dev/null | sed -E "s,/$d(/| |$),/DOMID\1,g; s,\"$d\",\"DOMID\",g
        s,([(, ][rwnb])$d\>,\1DOMID,g; s,\<n$d\>,nDOMID,g" | sort
}

# one_image TYPE: stops at the first thing that fails.
one_image()
{
    local type=$1 g=g-$1
    ok "$type: a guest" start "$type" "$g" &&
        ok "$type: saved" captured "$type-save" \
            xl -v save "$g" "$T/$type.save" &&
        guest_mark "$g" &&
        ok "$type: restored" captured "$type-restore" \
            xl -v restore "$T/$type.save" &&
        ok "$type: it is intact" guest_intact "$g" || return
    store_of "$g" >"$OUT/$type.xenstore"
    keep "$T/$type.save"
}
images()
{
    local type
    for type in "${types[@]}"; do
        one_image "$type"
        destroy_all_guests
    done
}

migrations()
{
    ok "pvh: a guest to migrate" start pvh m-pvh || return
    guest_mark m-pvh
    ok "pvh: migrated" captured pvh-migrate \
        xl -v migrate -s "" m-pvh "tee $T/pvh.migrate | xl -v migrate-receive"
    ok "pvh: intact after it" guest_intact m-pvh
    destroy_all_guests
    keep "$T/pvh.migrate"
}

# Remus goes on until its stream breaks: after some checkpoints the receiver is
# ended, and the guest at the sender runs on.
checkpoints() { [ "$(grep -ac 'xg: resumed' "$CONSOLES/guest-r-pvh.log")" -ge 4 ]; }
remus_for_a_while()
{
    xl -v remus -F -n -d -i 500 -s "" r-pvh \
        "tee $T/pvh.remus | xl -v migrate-receive -r" &
    local xl=$!
    within 120 checkpoints
    kill "$xl"
    wait "$xl"
    checkpoints
}
remus()
{
    ok "pvh: a guest for Remus" start pvh r-pvh || return
    guest_mark r-pvh
    ok "pvh: four checkpoints" captured pvh-remus remus_for_a_while
    destroy_all_guests
    keep "$T/pvh.remus"
}

answers()
{
    [ -x "$TOOLS/probe" ] || {
        skip "the questions are answered" "probe is not for this release's headers"
        return
    }
    ok "the questions are answered" answered
}
answered()
{
    "$TOOLS/probe" >"$OUT/answers" 2>"$OUT/answers.err" && [ -s "$OUT/answers" ]
}

rm -rf "${OUT:?}"/*
mkdir -p "$OUT/talk"
for part; do
    "$part"
done
{
    echo "xen $(xl info xen_version)"
    echo "helper $(basename "$STOCK_HELPER") of $(
        dpkg-query -W -f '${Package} ${Version}' "xen-utils-$XEN_RELEASE" \
            2>/dev/null)"
    ! qemu=$(device_model) || "$qemu" --version | head -n 1
    echo "linux $(uname -r)"
} >"$OUT/versions"
ls -l "$OUT"
done_testing
