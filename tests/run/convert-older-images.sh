#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images of Xen 4.5 and older, bare, behind an xl header and in xend's files,
# are recognised and become what is asked for, with the guest's memory; damage in
# them is reported with its place in the file, and nothing is left.
. "${0%/*}/../lib.sh"
. "${0%/*}/../convert-lib.sh"
requires jq pgrep
export XENSR_DEVICE_MODEL=
FROM_V2=$BUILD/tests/gen/legacy_from_v2
fresh_host
dir=$T/dir
mkdir "$dir"
empty() { [ -z "$(ls -A "$dir")" ] || { ls -lA "$dir"; false; }; }
restores()
{
    local id
    xensr -q restore --paused "$1" || return 1
    id=$(domids)
    memory_equals "$id" "$2" && xensr -q destroy "$id"
}
from_is()
{
    "$XENSR" -q convert --json "${@:2}" >"$T/report" &&
        jq -e --arg f "$1" '.from == $f' "$T/report" >/dev/null ||
        { cat "$T/report"; false; }
}

for type in pv hvm; do
    img=$(image $type) && convert --to libxl --aside "$T/$type" "$img" \
        "$T/v2" || exit 1
    "$FROM_V2" <"$img" >"$T/xl" 2>"$T/lost" &&
        "$FROM_V2" --bare <"$img" >"$T/bare" 2>"$T/lost" || exit 1
    { printf LinuxGuestRecord'\0\0\0\17(domain (x 1))\n' && cat "$T/bare"; } \
        >"$T/xend"

    ok "$type: a bare one" from_is legacy "$T/bare" "$T/a"
    ok "$type: ... becomes a libxl stream" \
        "$XENSR" -q inspect "$T/a"
    ok "$type: one behind an xl header" from_is xl-legacy "$T/xl" "$T/b"
    ok "$type: ... stays an xl file, and restores" restores "$T/b" "$img"
    ok "$type: ... with the same stream in it" eval \
        'convert --to libxl "$T/b" "$T/c" && same "$T/a" "$T/c"'
    ok "$type: the bare one with a configuration" eval \
        'convert --to xl --with "$T/$type" "$T/bare" "$T/c" &&
         restores "$T/c" "$img"'
    ok "$type: from a pipe to a pipe" eval \
        'cat "$T/bare" | convert --to libxl - - | cmp - "$T/a"'
    ok "$type: to a XenServer image and on" eval \
        'rm -rf "$T/x"; convert --to xenserver --aside "$T/x" "$T/xl" "$T/c" &&
         convert --to libxl --with "$T/x" "$T/c" "$T/d" && same "$T/a" "$T/d"'
    ok "$type: as image of version 2" eval \
        'convert --to libxl --image-version 2 "$T/bare" "$T/c" &&
         convert --image-version 3 "$T/c" "$T/d" && same "$T/a" "$T/d"'
    judged "$type: ... Xen's verifier accepts it" libxl "$T/d"
    [ $type = hvm ] ||
        ok "$type: xend's" from_is xend "$T/xend" "$T/c"
    [ $type = hvm ] ||
        ok "$type: ... is the same inside" same "$T/a" "$T/c"

    size=$(stat -c %s "$T/bare")
    for n in 8 15 20 400 $((size / 3)) $((size - 1)); do
        head -c $n "$T/bare" >"$T/cut"
        ok "$type: cut after $n of $size" \
            must_fail 3 convert --to libxc --aside "$dir/p" "$T/cut" "$dir/a"
        ok "$type: ... leaves nothing" empty
    done
    ok "$type: bytes behind its end" eval \
        'echo >>"$T/bare"; must_fail 3 convert "$T/bare" "$dir/a" &&
         says "offset $size" && empty'
done
ok "its configuration goes aside" eval \
    'rm -rf "$T/x"; "$FROM_V2" --bare <"$(image pv)" >"$T/bare" 2>"$T/lost";
     { printf "LinuxGuestRecord\0\0\0\17(domain (x 1))\n" && cat "$T/bare"; } \
         >"$T/xend" &&
     convert --aside "$T/x" "$T/xend" "$T/c" &&
     [ "$(cat "$T/x/xend-config")" = "(domain (x 1))" ]'

# The child that reads it goes with its parent.
stopped()
{
    local rc=0 pid
    mkfifo "$T/fifo"
    exec 8<>"$T/fifo"
    "$XENSR" -q convert - "$dir/a" <"$T/fifo" 2>"$T/err" 8>&- &
    pid=$!
    head -c 900000 "$T/bare" >"$T/fifo"
    within 10 pgrep -P $pid || return 1
    kill -TERM $pid
    wait $pid || rc=$?
    exec 8>&-
    [ $rc -eq 1 ] && says interrupted && empty
}
ok "an interrupted one leaves neither file nor child" stopped
ok "... and no process reads on" eval '! pgrep -f "$dir/a"'
done_testing
