#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The same library behaviour under Debian's helper and under ours gives the
# parent the same messages. Known and wanted differences, taken out here one
# by one: the name in the helper's own lines, one more sentence before the
# report of a failure, and an errno where the stock helper has none.
. "${0%/*}/../lib.sh"
requires_stock
. "${0%/*}/../fake/lib.sh"

# same SENTENCE SCRIPT [option...]: conversations are equal.
same()
{
    local name=$1
    shift
    WHO=$STOCK
    talk "$@"
    sed 's/"libxl-save-helper"/"xensr-helper"/' "$T/talk" >"$T/theirs"
    WHO=$HELPER
    talk "$@"
    cp "$T/talk" "$T/ours"
    [ -s "$T/theirs" ] || { fail "$name"; return; }
    ok "$name" diff "$T/theirs" "$T/ours"
}
# failing ERRNO SENTENCE SCRIPT...: equal but for the two additions.
failing()
{
    local errno=$1 name=$2
    shift 2
    WHO=$STOCK
    talk "$@"
    sed -e 's/"libxl-save-helper"/"xensr-helper"/' \
        -e "s/^complete -1 [0-9]*/complete -1 $errno/" \
        -e "s/^log 1 [0-9]* \(.*complete r=-1\)/log 1 $errno \1/" \
        "$T/talk" >"$T/theirs"
    WHO=$HELPER
    talk "$@"
    grep -v '^log 8 -1 "xensr-helper" "domain 5 was not restored: ' \
        "$T/talk" >"$T/ours"
    ok "$name" diff "$T/theirs" "$T/ours"
    ok "... and ours says why" told_like \
        'log 8 -1 "xensr-helper" "domain 5 was not restored: .*"'
}

same "a restore" "log 5 -1 xc Restoring; read 65536; static 0; ok 0xfeffc 0xfefff"
same "static data missing" "static 3; ok 1 2"
same "log lines of every level" "$(for l in 1 2 3 4 5 6 7 8 9; do
    printf 'log %d %d ctx%d line %d;' $l $((l - 1)) $l $l; done) ok 1 2"
same "a line too long for the library's own limit, and an empty one" \
    "log 5 0 xc $(head -c 1023 /dev/zero | tr '\0' x); log 5 -1 xc  ; ok 1 2"
same "single events of progress" \
    "progress Start 0 0; progress End 0 0; progress End 0 0; ok 1 2"
same "large frame numbers" "ok 0x7fffffffffffffff 0x8000000000"

RESTORE=(--restore-domain 9 -1 5 4 0 5 0 800 1)
same "Remus: checkpoints" \
    "static 0; checkpoint; checkpoint; checkpoint; ok 1 2"
same "Remus: fail over" "static 0; checkpoint; ok 1 2" --reply checkpoint=2
failing 125 "Remus: checkpoint refused" "static 0; checkpoint; ok 1 2" \
    --reply checkpoint=0

exec 7>/dev/null
RESTORE=(--restore-domain 9 7 5 4 0 5 0 888 2)
same "COLO: all callbacks" "static 0; checkpoint; results 3 4; postcopy; wait;
    suspend; checkpoint; ok 1 2" --fd 7
failing 125 "COLO: suspend refused" "static 0; checkpoint; suspend; ok 1 2" \
    --fd 7 --reply suspend=0

RESTORE=(--restore-domain 9 -1 5 4 0 5 0 768 0)
failing 22 "the library fails" "static 0; log 8 22 xc something; fail 22"
failing 61 "the stream ends" "read 65537"
failing 125 "static data refused" "static 1; ok 1 2" --reply static_data_done=-3

done_testing
