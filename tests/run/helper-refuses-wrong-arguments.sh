#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the helper cannot serve it refuses in the way that the other side can
# understand: a report where the protocol is known, a log line where only that
# is safe, standard error and status 2 for people.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/lib.sh"

# reported REGEX ERRNO ARG...: a whole report, the library was not called.
reported()
{
    local why=$1 errno=$2
    shift 2
    RESTORE=("$@")
    talk "ok 1 2"
    printf '%s\n' 'restore_results 0x0 0x0' \
        "log 1 $errno \"xensr-helper\" \"complete r=-1\"" \
        "complete -1 $errno -> 0" "exit 0" >"$T/expected"
    tail -n +2 "$T/talk" | diff "$T/expected" - || return 1
    told_like "log 8 -1 \"xensr-helper\" \"nothing was restored: $why\""
}
ok "a number with letters" reported '.*event channel is ..5x.., expected is a number .*' 22 \
    --restore-domain 9 -1 5 4 0 5x 0 768 0
ok "a negative domain" reported 'domain id is .*' 22 \
    --restore-domain 9 -1 -5 4 0 5 0 768 0
ok "a number above 32 bits" reported 'domain id is .*4294967296.*' 22 \
    --restore-domain 9 -1 4294967296 4 0 5 0 768 0
ok "an empty number" reported 'xenstore event channel is .*' 22 \
    --restore-domain 9 -1 5 '' 0 5 0 768 0
ok "a stream fd that is not open" reported 'stream fd 19 cannot be used: .*' 9 \
    --restore-domain 19 -1 5 4 0 5 0 768 0
ok "a stream on standard input" reported 'stream fd is .*' 22 \
    --restore-domain 0 -1 5 4 0 5 0 768 0
ok "one fd for stream and back channel" reported 'fd 9 is named as.*' 22 \
    --restore-domain 9 9 5 4 0 5 0 768 0
ok "stream type 3" reported 'stream type is 3, known are .*' 22 \
    --restore-domain 9 -1 5 4 0 5 0 768 3
ok "Remus without the checkpoint callback" reported '.*checkpoint.*lack' 22 \
    --restore-domain 9 -1 5 4 0 5 0 768 1
ok "COLO without a back channel" reported '.*back channel.*' 22 \
    --restore-domain 9 -1 5 4 0 5 0 888 2

# Save belongs to the same protocol, so its report is as complete.
RESTORE=(--save-domain 9 -1 5 3 136 1)
talk "ok 1 2"
heard "a save is refused with a report" <<'END'
log 8 -1 "xensr-helper" "nothing was saved: saving is not implemented in this release; unset LIBXL_SAVE_HELPER to save with the stock helper"
complete -1 95 -> 0
exit 0
END

# logged REGEX ARG...: one log line, nothing that needs an answer, status 2.
logged()
{
    local why=$1
    shift
    RESTORE=("$@")
    talk "ok 1 2"
    told_like "log 8 -1 \"xensr-helper\" \"$why\"" && told "exit 2" &&
        [ "$(wc -l <"$T/talk")" -eq 2 ]
}
ok "a callback that no restore has" logged '.*unknown bits 0x80;.*' \
    --restore-domain 9 -1 5 4 0 5 0 896 0
ok "a bit below all callbacks" logged '.*unknown bits 0x4;.*' \
    --restore-domain 9 -1 5 4 0 5 0 772 0
ok "SUSE's restore" logged '.*unknown bits 0x400 \(as SUSE.*' \
    --restore-domain 9 -1 5 4 0 5 0 1536 0
ok "SUSE's save" logged '.*unknown bits 0x100 \(as SUSE.*' \
    --save-domain 9 -1 5 3 280 1
ok "callback flags that are no number" logged 'callback flags is .*' \
    --restore-domain 9 -1 5 4 0 5 0 all 0
ok "Xen 4.2 (12 arguments)" logged '12 arguments.*older than Xen 4.14.*' \
    --restore-domain 9 5 4 0 5 0 1 1 1 1 128
ok "Xen 4.9 (13 arguments)" logged '13 arguments.*older than Xen 4.14.*' \
    --restore-domain 9 -1 5 4 0 5 0 0 0 0 256 0
ok "Xen 4.13's save" logged '8 arguments.*older than Xen 4.14.*' \
    --save-domain 9 -1 5 1 1 136 0
ok "one argument too few" logged '.*takes 9 more arguments, found are 8' \
    --restore-domain 9 -1 5 4 0 5 0 768

# People.
ok "no arguments: status 2" must_fail 2 "$HELPER"
ok "... and a pointer to --help" says -- '--help'
ok "an unknown word: status 2" must_fail 2 "$HELPER" --frobnicate
ok "... named" says '"--frobnicate" is not known'
run "$HELPER" --help
ok "--help succeeds" [ "$RC" -eq 0 ]
ok "... and explains" grep -q LIBXL_SAVE_HELPER "$T/out"
run "$HELPER" --version
ok "--version succeeds" [ "$RC" -eq 0 ]
ok "... and gives a number" grep -Eqx 'xensr-helper [0-9]+\.[0-9]+.*' "$T/out"
done_testing
