#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A zstd-compressed image, from a file and from a pipe: several frames are one
# image; what is cut off, damaged or followed by rubbish is refused as such; and
# a decompressor that is killed is no damage of the image.
. "${0%/*}/../lib.sh"
requires jq zstd pgrep

fresh_host
img=$(image pvh) || exit 1
half=$(($(stat -c %s "$img") / 2))
zstd -q -c "$img" >"$T/one.zst"
{ head -c "$half" "$img" | zstd -q -c; tail -c "+$((half + 1))" "$img" | zstd -q -c; } \
    >"$T/frames.zst"
{ printf '\x50\x2a\x4d\x18\4\0\0\0abcd'; cat "$T/one.zst"; } >"$T/skippable.zst"
from_pipe() { cat "$1" | xensr -q restore -; }
for kind in one frames skippable; do
    for way in "xensr -q restore" from_pipe; do
        ok "$kind: ${way%% *} succeeds" $way "$T/$kind.zst"
        ok "$kind: ${way%% *} gives the memory" memory_equals "$(domids)" "$img"
        "$SIM" destroy "$(domids)"
    done
done

size=$(stat -c %s "$T/one.zst")
head -c $((size - 3)) "$T/one.zst" >"$T/cut.zst"
head -c $((size / 2)) "$T/one.zst" >"$T/half.zst"
{ cat "$T/one.zst"; echo rubbish; } >"$T/rubbish.zst"
{ cat "$img"; echo x; } | zstd -q -c >"$T/longer.zst"
{ head -c $((size - 4)) "$T/one.zst"; printf '\0\0\0\0'; } >"$T/checksum.zst"
refuses() # KIND REGEX
{
    local way
    for way in "xensr -q restore" from_pipe; do
        ok "$1: ${way%% *} refuses it" must_fail 3 $way "$T/$1.zst"
        ok "$1: and says why" says "$2"
    done
}
refuses cut 'zstd data ends inside a frame'
refuses half 'zstd data ends inside a frame'
refuses rubbish 'zstd data is damaged'
refuses longer 'goes on behind the END record'
refuses checksum 'zstd data is damaged: .*checksum'

killed()
{
    local pid rc=0
    mkfifo "$T/fifo"
    "$XENSR" --sim -q restore - <"$T/fifo" 2>"$T/err" &
    pid=$!
    exec 8>"$T/fifo"
    head -c $((size / 2)) "$T/one.zst" >&8
    within 10 pgrep -P "$pid" -x xensr || echo "no decompressor"
    kill -9 "$(pgrep -P "$pid" -x xensr)"
    wait "$pid" || rc=$?
    exec 8>&-
    [ "$rc" -eq 1 ] || { echo "status $rc, expected 1"; cat "$T/err"; return 1; }
}
ok "a decompressor that is killed: failed, not damaged" killed
ok "it says so" says 'decompressor was killed by signal 9'
ok "nothing is left" host_is_clean
done_testing
