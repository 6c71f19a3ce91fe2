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

# A save's report has no results.
refused_save()
{
    local why=$1 errno=$2
    shift 2
    RESTORE=("$@")
    talk "ok 1 2"
    printf '%s\n' "log 1 $errno \"xensr-helper\" \"complete r=-1\"" \
        "complete -1 $errno -> 0" "exit 0" >"$T/expected"
    tail -n +2 "$T/talk" | diff "$T/expected" - || return 1
    told_like "log 8 -1 \"xensr-helper\" \"nothing was saved: $why\""
}
ok "Remus without the checkpoint callback, save" refused_save \
    'stream type 1 needs the callback checkpoint, .*' 22 \
    --save-domain 9 -1 5 3 136 1
ok "flags that 4.14 and later do not have" refused_save \
    'flags are 0x7, Xen 4.14 to 4.22 knows the bits 0x3 only' 22 \
    --save-domain 9 -1 5 7 136 0
ok "a domain that is no number" refused_save 'domain id is .*' 22 \
    --save-domain 9 -1 five 0 136 0
ok "a save to a descriptor that is not open" refused_save \
    'stream fd 19 cannot be used: .*' 9 --save-domain 19 -1 5 0 136 0

# Toolstacks of the legacy format get a report in their own numbers.
legacy()
{
    local gen=$1 xen=$2
    shift 2
    RESTORE=("$@")
    talk "ok 1 2" --gen "$gen"
    told "complete -1 95 -> 0" "exit 0" &&
        told_like ".*the toolstack is that of $xen, whose images .*" &&
        not_told '^refused|starting'
}
ok "Xen 4.2 to 4.4, save" legacy G1 'Xen 4.2 and 4.3' \
    --save-domain 9 5 0 0 5 1 0 9 0 72
ok "Xen 4.5, save" legacy G3 'Xen 4.5' --save-domain 9 5 0 0 5 1 9 0 72
ok "Xen 4.3, restore" legacy G1 'Xen 4.2 and 4.3' \
    --restore-domain 9 5 4 0 5 0 1 1 1 1 128
ok "... with the results that generation has" told 'restore_results 0x0 0x0'
ok "Xen 4.4, restore" legacy G2 'Xen 4.4' \
    --restore-domain 9 5 4 0 5 0 1 1 1 1 128 0
ok "Xen 4.5, restore" legacy G3 'Xen 4.5' \
    --restore-domain 9 5 4 0 5 0 1 1 1 128 0

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
ok "a callback that no restore has" logged '.*the bits 0x80, which Xen 4.14.*' \
    --restore-domain 9 -1 5 4 0 5 0 896 0
ok "a bit below all callbacks" logged '.*the bits 0x4, which .*' \
    --restore-domain 9 -1 5 4 0 5 0 772 0
ok "a callback that no save has" logged '.*the bits 0x200, which .*' \
    --save-domain 9 -1 5 0 648 0
ok "callback flags that are no number" logged 'callback flags is .*' \
    --restore-domain 9 -1 5 4 0 5 0 all 0
ok "one argument too few" logged \
    '--restore-domain with 8 more arguments is no toolstack.s, known are .*' \
    --restore-domain 9 -1 5 4 0 5 0 768
ok "one argument too many, save" logged \
    '--save-domain with 8 more arguments is no toolstack.s, known are .*' \
    --save-domain 9 -1 5 0 136 0 0 0

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
