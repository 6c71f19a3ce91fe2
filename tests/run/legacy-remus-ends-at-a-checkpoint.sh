#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Of a legacy Remus stream, compressed or not, the first checkpoint is converted,
# or on request the newest whole one: its memory and state are those of a plain
# stream that was saved then, wherever the sender died afterwards.
. "${0%/*}/../lib.sh"
. "${0%/*}/../legacy-lib.sh"
requires cmp

# plain TYPE WIDTH GENERATION: the v2 image of a save at that moment.
plain()
{
    stream plain-$1-$2-$3 --type $1 --width $2 --generation $3
    [ -e "$T/plain-$1-$2-$3.v2" ] ||
        ours "$T/plain-$1-$2-$3" "$T/plain-$1-$2-$3.v2" $1 $2 libxl
    printf %s "$T/plain-$1-$2-$3.v2"
}
state() { tail -c 6000 "$1" | tail -c "$2"; }
# is STREAM TYPE WIDTH GENERATION: what --remus last makes of it.
is()
{
    local v2 n=120
    v2=$(plain $2 $3 $4)
    [ $2 = hvm ] || n=4120 # with shared info, which tells the checkpoint
    ours "$1" "$T/out" $2 $3 libxl --remus last &&
        "$XENSR" inspect --memory "$T/out" >"$T/mem.out" &&
        "$XENSR" inspect --memory "$v2" | cmp - "$T/mem.out" &&
        state "$v2" $n | cmp - <(state "$T/out" $n)
}
cut_off() { head -c "$2" "$T/$1" >"$T/cut"; }
for t in pv hvm; do
    for w in 32 64; do
        stream one-$t$w --type $t --width $w --checkpoints 1
        for how in '' --compress; do
            s=$t$w$how
            stream "$s" --type $t --width $w --checkpoints 3 $how
            ok "$t, $w-bit $how: the last of three" is "$T/$s" $t $w 2
            size=$(stat -c %s "$T/$s")
            cut_off "$s" $((size - 1))
            ok "$t, $w-bit $how: cut off by one, the one before" \
                is "$T/cut" $t $w 1
            stream "two-$s" --type $t --width $w --checkpoints 2 $how
            two=$(stat -c %s "$T/two-$s")
            cut_off "$s" $((two + 2))
            ok "$t, $w-bit $how: cut off in the first chunk of the third" \
                is "$T/cut" $t $w 1
            cut_off "$s" $((two - 2000))
            ok "$t, $w-bit $how: cut off in the second" is "$T/cut" $t $w 0
        done
    done
done
ok "a plain stream has one, which is the last" is "$T/one-hvm64" hvm 64 0
cut_off hvm64 300000
ok "without one whole checkpoint it fails" status 1 \
    ours "$T/cut" "$T/out2" hvm 64 libxl --remus last
ok "and there is no output" test ! -e "$T/out2"
behind()
{
    { cat "$T/one-hvm64"; printf MINE; } |
        { ours 0 "$T/out" hvm 64 libxl --remus last && cat; } | cmp - <(
        printf MINE)
}
ok "what follows the last of them is left" behind
find "$TMPDIR" -type f >"$T/files"
ok "no temporary file is left" test ! -s "$T/files"
done_testing
