#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images as Xen 4.5 wrote them come back: the stock xl starts our converter
# (LIBXL_CONVERT_HELPER), and xensr converts by itself. One that is cut off, or
# whose converter dies, is refused, and nothing is left.
. "${0%/*}/../dom0/lib.sh"
FROM_V2=$SHARE/legacy/legacy_from_v2
export LIBXL_CONVERT_HELPER=$SHARE/xensr/libexec/xensr/xensr-convert-legacy
xensr() { "$XENSR" "$@"; }

# in_the_old_form IMAGE: IMAGE.old; what that form cannot say is in IMAGE.left-out.
in_the_old_form() { "$FROM_V2" <"$1" >"$1.old" 2>"$1.left-out"; }
# leaves: guest g is saved, and is an image in the old form.
leaves()
{
    guest_mark g
    ok "  it is saved" with stock xl save g "$T/g.save" || return
    ok "  and turned into a legacy stream" in_the_old_form "$T/g.save"
}
# comes TOOL HELPER
comes()
{
    ok "  $1 restores it with $2" with "$2" "$1" restore "$T/g.save.old" || return
    ok "  the guest is intact" guest_intact g
}

# ---- a converter that dies ----------------------------------------------------

# slowly FILE: its first MiB, and the rest never.
slowly() { head -c 1048576 "$1" && sleep 600; }
converter_is_at_work() { pgrep -f '[x]ensr-convert-legacy' >"$T/converter"; }
# its_converter_dies HELPER
its_converter_dies()
{
    local rc
    mkfifo "$T/fifo"
    slowly "$T/g.save.old" >"$T/fifo" &
    local feeder=$!
    with "$1" xl restore "$T/fifo" >"$T/out" 2>"$T/err" &
    local restore=$!
    within 60 converter_is_at_work || note "no converter was started"
    xargs kill -9 <"$T/converter"
    wait "$restore"
    rc=$?
    pkill -P "$feeder" sleep
    wait "$feeder"
    rm -f "$T/fifo"
    [ "$rc" -ne 0 ] || { echo "xl says that it has restored it"; cat "$T/err"; }
    [ "$rc" -ne 0 ] && [ "$rc" -lt 128 ]
}

for type in pv hvm; do
    release_has $type ||
        { skip "legacy images of $type guests" "no device model here"; continue; }
    ok "a guest of type $type starts" guest_start g $type rate=200 || continue
    host_before
    leaves && comes xl stock
    ok "  the host is as before" host_same
    leaves && comes xl native
    ok "  the host is as before" host_same
    leaves
    host_before
    if [ $type = pv ]; then
        guest_mark g
        comes xensr native
        ok "  xensr destroys it" xensr destroy g
        ok "  and nothing is left" host_same
    fi
    for helper in stock native; do
        ok "$type: its converter is killed under xl with $helper" \
            its_converter_dies $helper
        ok "  nothing is left" host_same
    done
    size=$(stat -c %s "$T/g.save.old")
    head -c $((size / 2)) "$T/g.save.old" >"$T/cut"
    run with native xl restore "$T/cut"
    ok "$type, cut in the middle: xl refuses it" test "$RC" -ne 0
    ok "  in our converter's words" says 'xensr-convert-legacy: error: .*offset'
    ok "  nothing is left" host_same
    ok "  xensr refuses it" must_fail 3 with native xensr restore "$T/cut"
    ok "  nothing is left" host_same
    guest_mark g
    ok "$type: the whole one restores after that" \
        with native xl restore "$T/g.save.old"
    ok "  the guest is intact" guest_intact g
    guest_stop g
done
done_testing
