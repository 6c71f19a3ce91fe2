#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One plain sentence before the report of a failure, an errno that says what
# kind it was, nothing after "complete", and no flood of progress.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/lib.sh"

# because TEXT ERRNO
because()
{
    told "log 8 -1 \"xensr-helper\" \"domain 5 was not restored: $1\"" \
        "complete -1 $2 -> 0" "exit 0"
}

FAKE_OPEN_ERRNO=13 talk ""
ok "no hypervisor: a full report with its errno" \
    told "restore_results 0x0 0x0" "complete -1 13 -> 0" "exit 0"
ok "... with one error line" \
    [ "$(grep -c '^log 8 ' "$T/talk")" -eq 1 ]

talk "log 8 12 xc first; log 8 -1 xc consequence; fail 12"
ok "the library's first error line is the cause" because first 12
talk "fail 28"
ok "without a line: the errno's text" \
    because "libxenguest failed: No space left on device" 28
talk "read 70000"
ok "end of the stream is not Success" because "the stream ended too early" 61
talk "log 8 0 xc Failed to read Record; read 70000"
ok "... with the library's own words" \
    because "the stream ended too early: Failed to read Record" 61
talk "static 1; ok 1 2" --reply static_data_done=-3
ok "a refusal by the parent is named" \
    because "the toolstack refused static_data_done (answer -3)" 125
talk "log 8 5 xc harmless; ok 1 2"
ok "an error line that the library got over changes nothing" \
    told "complete 0 0 -> 0" "exit 0"
ok "... and no sentence is made of it" not_told 'was not restored'

XENSR_ENGINE=fast talk "ok 1 2"
ok "an unknown engine is refused with the allowed names" told_like \
    '.*XENSR_ENGINE is .*fast.*, allowed are native and libxenguest"'
# More than a pipe holds, after "complete" (fakeparent reads no more then).
talk "chatter 100; ok 1 2" --limit 5000
ok "what the library says while it is closed is not passed on" \
    told "complete 0 0 -> 0" "exit 0"
ok "... nor said before" not_told cccc

talk "log 5 -1 - null context; log 5 -1 xc $(head -c 3900 /dev/zero |
    tr '\0' y); ok 1 2" --raw "$T/raw"
ok "a NULL context becomes xc" told 'log 5 -1 "xc" "null context"'
ok "a line of any length is one message of at most a page" \
    told "complete 0 0 -> 0"

steps=$(for i in $(seq 0 400); do printf 'progress Frames %d 400;' "$i"; done)
talk "$steps ok 1 2"
ok "progress begins at 0" \
    told 'progress "xc" "Frames" 0 400'
ok "... ends at the end" told 'progress "xc" "Frames" 400 400'
ok "... and does not flood" \
    [ "$(grep -c ^progress "$T/talk")" -le 4 ]
talk "progress A 10 100; progress A 20 100; progress B 0 5; progress B 1 5;
    sleep 300; progress B 2 5; progress B 3 5; ok 1 2"
grep ^progress "$T/talk" >"$T/progress"
printf 'progress "xc" "%s\n' 'A" 0 100' 'A" 20 100' 'B" 0 5' 'B" 2 5' \
    'B" 3 5' >"$T/expected"
ok "each phase: 0 first, the last value not lost" \
    diff "$T/expected" "$T/progress"

exec 17</dev/null
talk "ok 1 2" --fd 17
ok "a leaked descriptor is named" told \
    'log 1 -1 "xensr-helper" "fd 17 was inherited without need: /dev/null"'
exec 17<&-
RESTORE=(--restore-domain 9 7 5 4 0 5 0 768 0)
exec 7>/dev/null
talk "ok 1 2" --fd 7
ok "a back channel that is not needed is closed" \
    told_like 'log 3 -1 "xc" ".*, back 0, .*"'
exec 7>&-
done_testing
