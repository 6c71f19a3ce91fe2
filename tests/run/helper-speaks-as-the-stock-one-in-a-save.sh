#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Debian's save helper and ours save the same simulated guest for the same
# scripted parent. What the parent hears is the same but for these, which are
# taken out here one by one (docs/formats/helper-ipc.md tells the reasons):
#
#   1  the helper's name as the context of its own lines
#   2  of the progress of a phase only its beginning and its end are compared
#   3  one more line, with figures, after success
#   4  one more line, with the cause, before the report of a failure
#   5  in that report an errno which tells the kind of failure
#   6  (our engine) lines of the library; its own are others
#   7  (our engine) in the first pass the number of frames
. "${0%/*}/../lib.sh"
requires_stock
. "${0%/*}/../fake/save.sh"

# theirs/ours: the talk without the known differences
normal()
{
    sed -e 's/"libxl-save-helper"/"xensr-helper"/' \
        -e '/^log 5 -1 "xensr-helper" "saved domain /d' "$1" |
        awk '
            # of each phase the first and the last report
            /^progress/ && !/ 0 0$/ {
                what = $0
                sub(/ [0-9]+ [0-9]+$/, "", what)
                if (what != phase || $(NF - 1) == 0) {
                    if (last != "") print last
                    print
                    last = ""
                } else
                    last = $0
                phase = what
                next
            }
            { if (last != "") print last; last = phase = ""; print }
            END { if (last != "") print last }'
}
without_library()
{
    grep -Ev '^log [0-9]+ -?[0-9]+ "(xc|xensr)"' |
        sed -E 's/^(progress .*) [0-9]+$/\1/; s/^(progress .*) [1-9][0-9]*$/\1 N/'
}
# both FLAGS [option...]: first the stock helper, then ours with the library
# and with our own engine; the guest goes on running after each.
both()
{
    WHO=$STOCK
    engine hybrid
    save "$@"
    resume
    normal "$T/talk" >"$T/theirs"
    WHO=$HELPER
    save "$@"
    resume
    normal "$T/talk" >"$T/ours"
    engine native
    save "$@"
    resume
    normal "$T/talk" | without_library >"$T/engine"
    without_library <"$T/theirs" >"$T/theirs.engine"
}
same()
{
    local name=$1
    shift
    both "$@"
    [ -s "$T/theirs" ] || { fail "$name"; return; }
    ok "$name: the library" diff "$T/theirs" "$T/ours"
    ok "$name: our engine" diff "$T/theirs.engine" "$T/engine"
}
# failing ERRNO SENTENCE FLAGS...: with the differences 4 and 5
failing()
{
    local errno=$1 name=$2 f
    shift 2
    both "$@"
    for f in theirs theirs.engine; do
        sed -i -e "s/^complete -1 [0-9]*/complete -1 $errno/" \
            -e "s/^log 1 [0-9]* \(.*complete r=-1\)/log 1 $errno \1/" "$T/$f"
    done
    for f in ours engine; do
        grep -v '^log 8 -1 "xensr-helper" "domain [0-9]* was not saved: ' \
            "$T/$f" >"$T/$f.cut"
    done
    ok "$name: the library" diff "$T/theirs" "$T/ours.cut"
    ok "$name: our engine" diff "$T/theirs.engine" "$T/engine.cut"
    ok "... and ours says why" told_like \
        'log 8 -1 "xensr-helper" "domain [0-9]* was not saved: .*"'
}

fresh_host
for type in pv pvh hvm; do
    guest $type --memory 16
    same "$type, at rest" 0
    same "$type, live" 1
    same "$type, live with a verify pass" 3
    failing 125 "$type, the guest would not be suspended" 0 --reply suspend=0 \
        --do suspend=true
    "$SIM" destroy "$DOM"
done

guest pv --memory 16
CBFLAGS=184 TYPE=1
same "Remus, ended by the parent in postcopy" 1 \
    --do postcopy="$SIMDOM resume $DOM" --reply postcopy=1,0
same "Remus, ended by the parent at a checkpoint" 1 \
    --do postcopy="$SIMDOM resume $DOM" --reply checkpoint=1,1,0
done_testing
